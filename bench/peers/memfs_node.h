/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfs_node.h: inodes, directories and data of memfs_ll, independent of libfuse.
 *
 * Locking: the caller holds memfs_lock, exclusively for anything that changes a node.
 * Ownership: a node lives while it has links or the kernel remembers it (nlookup);
 * node_put_if_unused frees it.
 */
#ifndef BENCH_MEMFS_NODE_H
#define BENCH_MEMFS_NODE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define CHUNK_BYTES	(1u << 20)	/* file data is kept in pieces of this size */
#define DIR_BUCKETS	256u

struct node;

/* A name in a directory. */
struct entry {
	struct entry *hash_next;
	struct node *node;
	uint64_t position;		/* readdir cookie, ascending, never used twice */
	size_t index;			/* in dir->by_position */
	char name[];
};

/* What only directories have; allocated at mkdir. */
struct dir {
	struct entry *bucket[DIR_BUCKETS];
	struct entry **by_position;	/* all entries, holes are NULL */
	size_t used, room;		/* of by_position */
	size_t entries;
	uint64_t next_position;
	struct node *parent;
};

struct node {
	struct stat st;			/* st_ino, mode, owner, size, times, nlink */
	uint64_t nlookup;		/* references of the kernel */
	char **chunk;			/* NULL: a hole */
	size_t chunks;
	char *target;			/* of a symbolic link */
	struct dir *dir;		/* of a directory */
};

/* NULL when out of memory. */
struct node *node_create(mode_t mode, uid_t uid, gid_t gid, dev_t rdev);
/* Free the node if nothing refers to it any more. */
void node_put_if_unused(struct node *node);

struct entry *dir_find(const struct dir *dir, const char *name);
/* 0 or -ENOMEM. Does not touch link counts. */
int dir_add(struct dir *dir, const char *name, struct node *node);
void dir_remove(struct dir *dir, struct entry *entry);
/* The first entry whose position is >= `position`, or NULL. */
struct entry *dir_next(const struct dir *dir, uint64_t position);

/* The chunk that holds byte `at`, or NULL for a hole. */
char *node_chunk(const struct node *node, off_t at);
/* The same, made if it was a hole; NULL when out of memory. */
char *node_chunk_make(struct node *node, off_t at);
/* Set the size; what lies beyond it is freed or reads as zeros. */
void node_truncate(struct node *node, off_t size);

#endif
