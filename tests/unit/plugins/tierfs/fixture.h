/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of tierfs share: a formatted image in the fake's T1, mounted, one caller, and
 * short names for the usual steps. setup/teardown fit cmocka. Media outlive a mount:
 * fixture_remount unmounts and mounts again, tree_of tells all names and attributes as a text,
 * which should be the same then. teardown fails the test if the file system kept memory, an inode
 * or a block.
 */
#ifndef TIERFS_FIXTURE_H
#define TIERFS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake.h"
#include "tierfs.h"

#define BLOCK	4096U

struct fixture {
	struct fake *f;
	struct fake_thread *t;
	struct fake_node root;
	const char *options;		/* of every mount */
	uint64_t free_blocks;		/* of the fresh file system */
	bool spoiled;			/* the test breaks media: the checker would tell */
};

/* T1 devices as opts say (NULL: one of 16 MiB), formatted and mounted. Fails the test if not. */
struct fixture *fixture_new(const struct fake_opts *opts, const char *options);
/* Only the formatted devices; fixture_mount mounts. For who wants to spoil them before. */
struct fixture *fixture_new_image(const struct fake_opts *opts, const char *options);
void fixture_mount(struct fixture *fx);
/* The result of fake_mount; 0: it is mounted. */
int fixture_try_mount(struct fixture *fx, uint64_t flags);
/*
 * The caller has given back all his nodes. Checks that no memory is left, and that the checker of
 * fsck.tierfs finds nothing.
 */
void fixture_umount(struct fixture *fx);
/* The checker finds neither errors nor leaks in what media are now. */
void fixture_check(const struct fixture *fx);
void fixture_remount(struct fixture *fx);
/* The same, without an orderly end: nodes that the caller has are gone, what has no name too. */
void fixture_crash(struct fixture *fx);
/* Whatever is in it; checks memory. */
void fixture_end(struct fixture *fx);

/* 16 MiB; teardown checks that only the root directory is left, on media too, and no block more. */
int setup(void **state);
int teardown(void **state);
void fixture_end_empty(struct fixture *fx);

static inline struct tierfs *fixture_fs(const struct fixture *fx)
{
	return tierfs_of(fake_sb(fx->f));
}

static inline struct tierfs_node *node_of(struct fake_node node)
{
	return (struct tierfs_node *)(uintptr_t)node.ii;
}

/* For writing: what a test does to media behind the back of the file system. */
static inline void *spoil(const void *media)
{
	return (void *)(uintptr_t)media;
}

/* The T1 block of a block of a file; 0 = hole. */
uint64_t block_of(struct fake_node node, uint64_t index);

/* These fail the test if they do not succeed. */
struct fake_node must_creat(struct fixture *fx, struct fake_node dir, const char *name);
struct fake_node must_mkdir(struct fixture *fx, struct fake_node dir, const char *name);
struct fake_node must_lookup(struct fixture *fx, struct fake_node dir, const char *name);
void must_forget(struct fixture *fx, struct fake_node node);
void must_write(struct fixture *fx, struct fake_node node, const void *buf, size_t len,
		uint64_t pos);
/* So many blocks of the file, from its start on, are full of @c. */
void must_fill(struct fixture *fx, struct fake_node a, char c, uint64_t blocks);
/* Unlinks and gives the last reference back. */
void must_remove(struct fixture *fx, struct fake_node dir, struct fake_node node,
		 const char *name);
/* The same of a name that nobody has a node of. */
void must_remove_name(struct fixture *fx, struct fake_node dir, const char *name);
/* Whatever is in the directory, at any depth. */
void must_remove_all(struct fixture *fx, struct fake_node dir);
char byte_at(struct fixture *fx, struct fake_node a, uint64_t pos);
/* Looks a name up and gives the reference back at once; its number, or 0 if there is none. */
uint64_t ino_of(struct fixture *fx, struct fake_node dir, const char *name);
uint64_t parent_of(struct fake_node node);

/*
 * All names below the root, a line each, with numbers, positions, attributes, targets and the
 * checksum of the data. Freed by test_free. Checks each directory by check_dir.
 */
char *tree_of(struct fixture *fx);
/* Unmounts and mounts; the tree must be the same. */
void remount_same(struct fixture *fx);
/* The directory on media: counts, bits, index and links agree, and pages have the right CRCs. */
void check_dir(struct fixture *fx, struct fake_node dir);

#endif /* TIERFS_FIXTURE_H */
