/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memofs: a POSIX file system whose data and shared inodes lie in T1 and whose index
 * lies in plain memory. Everything is gone at unmount.
 *
 *	memofs_sb
 *	  groups[]   bitmaps of T1 blocks (alloc.c)
 *	  owners     how many files share a block (owners.c)
 *	  shards[]   tables of inodes by number (inode.c)
 *	    memofs_inode
 *	      dir    names: a hash and an array of slots (dir.c)
 *	      map    file block -> T1 block (map.c)
 *	      share  only of files with shared blocks: who still looks at them (owners.c)
 *	      xattrs attributes and ACLs (xattr.c)
 *
 * Locks: each group and each shard has a mutex that is held for a few instructions and never
 * nests in another one of its kind (a shard's and a share's may take a group's). Names, attributes
 * and block maps have none: the kernel's locks order their writers (zus/fs.h), and what runs
 * in parallel there (filling holes under the shared lock) works with compare-and-swap.
 */
#ifndef MEMOFS_H
#define MEMOFS_H

#include <pthread.h>
#include <sys/queue.h>
#include <zus/fs.h>
#include "memofs_disk.h"

#define MEMOFS_MAX_BYTES	((uint64_t)1 << 43)
#define MEMOFS_MAX_BLOCKS	(MEMOFS_MAX_BYTES >> ZUS_BLOCK_SHIFT)
#define MEMOFS_GROUPS		16
#define MEMOFS_SHARDS		16
#define MEMOFS_PER_BLOCK	32	/* shared inodes in a block */
#define MEMOFS_LARGE_RUN	64	/* blocks: from here on it matters where they are */

/* ---- options (plugin.c) ---- */

#define MEMOFS_DEFAULT_MODE	UINT32_MAX	/* of the root directory: what the table says */

struct memofs_opts {
	uint64_t size;			/* bytes of T1 to use; 0 = all */
	uint64_t nr_inodes;		/* most inodes; 0 = as many as fit */
	uint64_t uid;			/* of the root directory */
	uint64_t gid;
	uint32_t mode;			/* or MEMOFS_DEFAULT_MODE */
	uint32_t mapped;		/* reads and writes come here; else the kernel copies */
	uint32_t waits;			/* the kernel waits for who holds pages: no quarantine */
};

/* ---- T1 blocks (alloc.c) ---- */

struct memofs_group {
	pthread_mutex_t lock;
	uint64_t *bits;			/* 1 = in use */
	uint64_t words;
	uint64_t hint;			/* word where the last block was found */
	uint64_t large_hint;		/* 2 MiB where the last large run was found */
	uint64_t free;			/* written under the lock, read without */
	uint64_t pad[6];		/* the next lock on a cache line of its own */
};

#define MEMOFS_RESERVE_MAX	256

/* Blocks that are in use, but nobody's: for what gives space back, and needs some for that. */
struct memofs_reserve {
	pthread_mutex_t lock;
	uint64_t max;			/* that there shall be */
	uint64_t count;			/* written under the lock, read without */
	uint64_t bns[MEMOFS_RESERVE_MAX];
};

/* ---- inodes (inode.c) ---- */

struct memofs_inode;
struct memofs_xattr;

/* A block of shared inodes; all fields under the shard's lock. */
struct memofs_iblock {
	LIST_ENTRY(memofs_iblock) link;	/* on partial or empty; on none when full */
	uint64_t bn;			/* T1 block; 0 = empty, has none */
	uint32_t used;			/* bit per inode */
	uint32_t index;			/* in memofs_shard.blocks */
	struct memofs_inode *inodes[MEMOFS_PER_BLOCK];
};

LIST_HEAD(memofs_iblock_list, memofs_iblock);

struct memofs_shard {
	pthread_mutex_t lock;
	struct memofs_iblock_list partial;
	struct memofs_iblock_list empty;
	struct memofs_iblock **blocks;
	uint32_t count;			/* of blocks */
	uint32_t max;			/* room in blocks */
	uint32_t generation;		/* of the last inode; begins at random */
	uint64_t pad[5];
};

/*
 * Heap memory that users make grow, in bytes, and how much of it there may be (heap.c). Without
 * an end to each one user could fill the server's memory, which is locked.
 */
struct memofs_heap {
	uint64_t bytes;			/* atomic */
	uint64_t max;
};

struct memofs_sb {
	struct zus_sb sb;		/* first */
	struct memofs_opts opts;
	uint64_t hash_seed[2];		/* of names; random, and nothing else depends on it */
	uint64_t blocks;		/* of T1 that are ours, with the reserved ones */
	uint64_t usable;		/* without them and the reserve */
	uint64_t group_blocks;		/* T1 blocks per group */
	uint64_t inodes;		/* in use; atomic */
	struct memofs_owners **owners;	/* by block; NULL until the first clone; atomic */
	struct memofs_heap nodes;	/* of all block maps, and counts of owners */
	struct memofs_heap names;	/* of all directories */
	struct memofs_heap handles;	/* of inodes */
	struct memofs_heap xattrs;	/* of all inodes */
	struct memofs_reserve reserve;
	struct memofs_group groups[MEMOFS_GROUPS];
	struct memofs_shard shards[MEMOFS_SHARDS];
};

struct memofs_dentry {
	struct memofs_dentry *next;	/* of the same hash bucket */
	struct memofs_inode *mi;
	uint64_t hash;
	uint32_t slot;
	uint8_t dtype;			/* DT_* */
	uint8_t len;
	char name[];			/* not NUL-terminated */
};

/* Names of a directory; changed under the kernel's exclusive lock of the directory only. */
struct memofs_dir {
	struct memofs_dentry **hash;
	uint64_t *slots;		/* entry, or number of the next free slot << 1 | 1 */
	uint32_t hash_size;		/* a power of 2, or 0 */
	uint32_t nslots;		/* ever used since the directory was empty */
	uint32_t max_slots;		/* room in slots */
	uint32_t free_slot;		/* number of the first free one; 0 = none */
	uint32_t count;			/* entries */
};

#define MEMOFS_DIRECT		16
#define MEMOFS_MAP_BITS		9	/* a leaf speaks of 2 MiB */

struct memofs_map_node {
	uint64_t slot[1 << MEMOFS_MAP_BITS];	/* block numbers, or nodes one level below */
	uint64_t row;			/* leaf: what its first blocks are known to be (map.c) */
	uint64_t unwritten[(1 << MEMOFS_MAP_BITS) / 64];	/* leaf: bit per slot */
};

/* Block numbers of a file; 0 = hole. All words are atomic. */
struct memofs_map {
	uint64_t unwritten;		/* how many blocks are */
	uint64_t direct_unwritten;	/* bit per slot of direct */
	uint64_t direct[MEMOFS_DIRECT];	/* the first blocks of the file */
	uint64_t root;			/* node of the others | height of the tree, or 0 */
};

struct memofs_share;

struct memofs_inode {
	struct zus_ii ii;		/* first; one reference more while the inode exists */
	uint64_t ino;
	uint32_t type;			/* S_IFMT bits */
	bool dead;			/* freed by the kernel; under the shard's lock */
	bool mapped;			/* there was a page fault; atomic, never taken back */
	struct memofs_share *share;	/* since the first clone, or NULL; changed exclusively */
	struct memofs_xattr *xattrs;	/* a list, with what it sums up to: */
	uint64_t xattr_bytes;		/* memory */
	uint64_t xattr_list;		/* full names */
	union {
		struct memofs_dir dir;
		struct memofs_map map;
	};
};

static inline uint64_t memofs_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline struct memofs_sb *memofs_sb_of(struct zus_sb *sb)
{
	return (struct memofs_sb *)sb;
}

static inline struct memofs_inode *memofs_inode_of(struct zus_ii *ii)
{
	return (struct memofs_inode *)ii;
}

static inline struct memofs_sb *memofs_sb_of_inode(const struct memofs_inode *mi)
{
	return (struct memofs_sb *)mi->ii.sb;
}

static inline uint8_t *memofs_block_addr(const struct memofs_inode *mi, uint64_t bn)
{
	return zus_t1_addr(mi->ii.sb->md, bn);
}

/* The kernel reads the size without asking: one store, after everything it speaks of. */
static inline void memofs_set_size(struct memofs_inode *mi, uint64_t size)
{
	zus_zi_set_size(mi->ii.zi, size);
}

/* heap.c */
void memofs_heaps_init(struct memofs_sb *msb);
/* Zeroed memory of an account; NULL: *err is -ENOSPC, the account is full, or -ENOMEM. */
void *memofs_heap_alloc(struct memofs_sb *msb, struct memofs_heap *heap, uint64_t bytes, int *err);
/* What it gave, and with the same number of bytes. NULL is fine. */
void memofs_heap_free(struct memofs_sb *msb, struct memofs_heap *heap, void *mem, uint64_t bytes);
uint64_t memofs_heap_left(const struct memofs_heap *heap);

/* alloc.c */
int memofs_blocks_init(struct memofs_sb *msb, uint64_t limit_bytes);
void memofs_blocks_fini(struct memofs_sb *msb);
/*
 * Up to `max` neighbouring blocks for the caller, not zeroed: the first in *bn, how many it are
 * as the result; 0 = no space. They are for the blocks of a file from `index` on: 2 MiB of it
 * get 2 MiB of T1 that one large page can map, if there are such. `after` is the block that
 * the file has before them, or 0.
 */
uint64_t memofs_blocks_alloc(struct memofs_sb *msb, uint64_t index, uint64_t after, uint64_t max,
			     uint64_t *bn);
/*
 * One block, of the reserve if all others are taken; 0 = no space. For an operation that frees
 * blocks: a full file system must not keep anybody from making room.
 */
uint64_t memofs_block_alloc_reserve(struct memofs_sb *msb);
void memofs_blocks_free(struct memofs_sb *msb, uint64_t bn, uint64_t n);
/* The same of those that nobody holds any more; and of one that somebody holds. */
void memofs_blocks_idle(struct zus_sb *sb, uint64_t bn, uint64_t n);
bool memofs_block_take(struct zus_sb *sb, uint64_t bn);
/* How many memofs_blocks_alloc can give. */
uint64_t memofs_blocks_left(const struct memofs_sb *msb);

static inline uint64_t memofs_block_alloc(struct memofs_sb *msb)
{
	uint64_t bn;

	return memofs_blocks_alloc(msb, 0, 0, 1, &bn) ? bn : 0;
}

/* inode.c */
/* -errno: there is no randomness to be had. */
int memofs_inodes_init(struct memofs_sb *msb);
/* Frees all inodes, whatever references the kernel had. */
void memofs_inodes_fini(struct memofs_sb *msb);
/*
 * A new inode that is what `zi` says, without a name; the reference of the result is the
 * kernel's. -ENOSPC, -ENOMEM.
 */
int memofs_inode_new(struct memofs_sb *msb, const struct zus_inode *zi,
		     struct memofs_inode **mi);
int memofs_iget(struct zus_sb *sb, uint64_t ino, struct zus_ii **ii);
void memofs_evict(struct zus_ii *ii, uint64_t flags);
void memofs_free_inode(struct zus_ii *ii);

/* dir.c: the container of names */
/* -ENOSPC: all names together have taken what they may; -ENOMEM. */
int memofs_dentry_new(struct memofs_inode *dir, struct memofs_inode *mi,
		      const struct zus_name *name, struct memofs_dentry **d);
void memofs_dentry_set(struct memofs_dentry *d, struct memofs_inode *mi);
struct memofs_dentry *memofs_dir_find(struct memofs_inode *dir, const struct zus_name *name);
/* Makes sure that one memofs_dir_add will succeed. */
int memofs_dir_reserve(struct memofs_inode *dir);
void memofs_dir_add(struct memofs_inode *dir, struct memofs_dentry *d);
/* These two free `old`. */
void memofs_dir_remove(struct memofs_inode *dir, struct memofs_dentry *old);
void memofs_dir_replace(struct memofs_inode *dir, struct memofs_dentry *old,
			struct memofs_dentry *d);
void memofs_dir_init(struct memofs_inode *dir, uint64_t parent);
void memofs_dir_fini(struct memofs_inode *dir);
int memofs_readdir(struct zus_ii *dir, struct zus_dir_ctx *ctx);

/* name.c */
int memofs_new_inode(struct zus_ii *dir, const struct zus_new_inode *args,
		     struct zus_ii **ii);
int memofs_lookup(struct zus_ii *dir, const struct zus_name *name, struct zus_ii **ii);
int memofs_add_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name);
int memofs_remove_dentry(struct zus_ii *dir, struct zus_ii *ii,
			 const struct zus_name *name);
int memofs_rename(const struct zus_rename *r);

/* xattr.c */
ssize_t memofs_getxattr(struct zus_ii *ii, uint32_t type, const char *name, void *value,
			size_t size);
int memofs_setxattr(struct zus_ii *ii, uint32_t type, const char *name, const void *value,
		    size_t size, uint32_t flags);
ssize_t memofs_listxattr(struct zus_ii *ii, char *buf, size_t size, uint32_t flags);
void memofs_xattrs_fini(struct memofs_inode *mi);

#endif /* MEMOFS_H */
