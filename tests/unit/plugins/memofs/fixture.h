/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of memofs share: a mounted file system on the fake kernel, one caller, and
 * short names for the usual steps. setup/teardown fit cmocka; teardown fails the test if
 * the file system kept a block, an inode or memory.
 */
#ifndef MEMOFS_FIXTURE_H
#define MEMOFS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake.h"
#include "data.h"

#define BLOCK	4096U

struct fixture {
	struct fake *f;
	struct fake_thread *t;
	struct fake_node root;
};

/* Mounts on what opts say; both may be NULL. Fails the test if it cannot. */
struct fixture *fixture_mount(const struct fake_opts *opts, const char *options);
/* Checks that only the root is left, unmounts, checks that no memory is left. */
void fixture_umount(struct fixture *fx);

int setup(void **state);
int teardown(void **state);

struct memofs_sb *fixture_sb(const struct fixture *fx);
struct memofs_inode *inode_of(struct fake_node node);
/* The T1 block of a block of a file; 0 = hole. */
uint64_t block_of(const struct memofs_inode *mi, uint64_t index);
/* What a walk over the file finds is what the words of its map say. */
void assert_runs_are_true(struct fake_node node);

/* These fail the test if they do not succeed. */
struct fake_node must_creat(struct fixture *fx, struct fake_node dir, const char *name);
struct fake_node must_mkdir(struct fixture *fx, struct fake_node dir, const char *name);
void must_write(struct fixture *fx, struct fake_node node, const void *buf, size_t len,
		uint64_t pos);
/* So many blocks of the file, from its start on, are full of @c. */
void must_fill(struct fixture *fx, struct fake_node a, char c, uint64_t blocks);
/* All of @src is cloned to the start of @dst. */
void must_clone(struct fixture *fx, struct fake_node src, struct fake_node dst);
/* Unlinks and gives the last reference back. */
void must_remove(struct fixture *fx, struct fake_node dir, struct fake_node node,
		 const char *name);
char byte_at(struct fixture *fx, struct fake_node a, uint64_t pos);
/* Free blocks, when all puts are executed. */
uint64_t blocks_left(struct fixture *fx);
/* Looks a name up and gives the reference back at once; its number, or 0 if there is none. */
uint64_t ino_of(struct fixture *fx, struct fake_node dir, const char *name);
uint64_t parent_of(struct fake_node node);

#endif /* MEMOFS_FIXTURE_H */
