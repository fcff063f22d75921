/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zinode.h - a VFS inode and the inode that is shared with the server
 *
 * @zi lies in T1, and the server can change it at any time. So every field is read once
 * (zuf_zi_load(): T1 may be poisoned), validated and copied into the VFS inode
 * (zuf_inode_refresh() and friends); the VFS decides on its own copy only. Before the kernel
 * sends an operation that changes a field, it writes the field to both inodes.
 */
#ifndef ZUF_ZINODE_H
#define ZUF_ZINODE_H

#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/rwsem.h>
#include "ends.h"
#include "range.h"
#include "shm.h"
#include "tag.h"
#include "zuf/zus_api.h"

/* The bits of i_flags that both inodes have in common. */
#define ZUF_SHARED_FLAGS (S_SYNC | S_NOATIME | S_APPEND | S_IMMUTABLE | S_DIRSYNC)

/* Most names of a file, or sub-directories of a directory: a larger number is garbage. */
#define ZUF_LINK_MAX	S32_MAX

struct zuf_mapped;

struct zuf_inode {
	struct zuf_put_tag tag;	/* keeps the memory of this struct */
	struct zus_inode __shm *zi; /* in T1; NULL: not (or no longer) known to the server */
	u64 zus_ii;		/* the server's cookie */
	u64 win_id;		/* zuf_inode_win_id(); 0 until it is needed; set once by cmpxchg */
	u32 stale;		/* ZUF_STALE_*: settle.h; i_lock */
	u32 unsent;		/* STATX_* that a killed application left; inode lock */
	u64 tail_end;		/* blocks may lie behind i_size up to this byte; i_lock */
	bool tail_known;	/* false: blocks of the user may lie there; inode lock */
	struct zuf_mapped *mapped; /* what mappings show; NULL: none ever did; set by cmpxchg */
	s64 btime_ns;		/* with ZUFS_FSC_BTIME */
	u32 riding_attr;	/* STATX_* that the next access ACL takes to the server; inode
				 * lock */
	u16 declared_flags;	/* those of zuf_sb.declared_flags that it has; inode lock */
	char *symlink;		/* own copy of the target, in vfs_inode.i_link; or NULL */
	struct rw_semaphore xattr_lock;	/* xattr.c; inside of the inode lock */
	struct zuf_ranges ranges; /* rw.c; inside of the inode lock */
	struct zuf_end end;	/* what is said to the server after the evict */
	struct inode vfs_inode;
};

static inline struct zuf_inode *ZUF_I(const struct inode *inode)
{
	return container_of(inode, struct zuf_inode, vfs_inode);
}

/* The tag that counts the messages for which the inode has to wait. */
static inline struct zuf_put_tag *zuf_inode_tag(struct inode *inode)
{
	return &ZUF_I(inode)->tag;
}

static inline struct zuf_inode *zuf_end_inode(struct zuf_end *end)
{
	return container_of(end, struct zuf_inode, end);
}

static inline struct zuf_put_tag *zuf_end_tag(struct zuf_end *end)
{
	return &zuf_end_inode(end)->tag;
}

/*
 * A number that no other inode has or had. It marks data of the inode in copy pages, which
 * outlive inodes.
 */
u64 zuf_inode_win_id(struct inode *inode);

/* ---- the shared inode (zinode.c) ---- */

/**
 * zuf_zi_take() - bytes of the shared inode, as they are now
 * Context: any.
 * Return: 0 or -EIO: its memory is poisoned.
 */
int zuf_zi_take(const struct inode *inode, void *dst, size_t from, size_t len);
/* Read one field of the shared inode, as it lies there (little endian). */
#define zuf_zi_load(inode, field, value) ({						\
	static_assert(__same_type(*(value), ((struct zus_inode *)0)->field));		\
	zuf_zi_take(inode, value, offsetof(struct zus_inode, field), sizeof(*(value)));	\
})

/* Is @blocks a number of blocks that the VFS can count? */
bool zuf_blocks_are_valid(const struct super_block *sb, u64 blocks);
/* Is @size possible for a file of this type? */
bool zuf_size_is_valid(const struct super_block *sb, umode_t mode, u64 size);
/* Set i_blocks from @blocks, a valid number of file-system blocks. */
void zuf_inode_set_blocks(struct inode *inode, u64 blocks);
/* Convert a time as the server keeps it. */
struct timespec64 zuf_time_from(struct inode *inode, __le64 ns);
/*
 * Copy what the server owns: nlink, size, blocks, mtime and ctime. Bad values are left out. If
 * the shared inode is poisoned nothing is copied: it is read again before anybody looks at these
 * values (settle.h).
 */
void zuf_inode_refresh(struct inode *inode);
/* zuf_inode_refresh() with i_lock held. Return: 0 or -EIO: the shared inode is poisoned. */
int zuf_inode_refresh_locked(struct inode *inode);
/* Copy nlink and ctime alone; i_lock is held. Return: as zuf_inode_refresh_locked(). */
int zuf_inode_refresh_links(struct inode *inode);
/* Copy the number of blocks alone; needs no lock. Return: as zuf_inode_refresh_locked(). */
int zuf_inode_refresh_blocks(struct inode *inode);

/* ---- locks ---- */

/*
 * Locks of an inode that may be held while a message is waited for: a killed task gets -EINTR
 * instead of the lock.
 */
static inline int zuf_lock_killable(struct inode *inode)
{
	return down_write_killable(&inode->i_rwsem) ? -EINTR : 0;
}

/* The locks of one regular file or of two, as lock_two_nondirectories(). */
static inline int zuf_lock_two_killable(struct inode *a, struct inode *b)
{
	if (a > b)
		swap(a, b);
	if (zuf_lock_killable(a))
		return -EINTR;
	if (a == b || !down_write_killable_nested(&b->i_rwsem, I_MUTEX_NONDIR2))
		return 0;
	inode_unlock(a);
	return -EINTR;
}

static inline int zuf_lock_shared_killable(struct inode *inode)
{
	return down_read_killable(&inode->i_rwsem) ? -EINTR : 0;
}

static inline int zuf_lock_mapping_killable(struct address_space *mapping)
{
	return down_write_killable(&mapping->invalidate_lock) ? -EINTR : 0;
}

/* The invalidate locks of one mapping or of two. */
static inline int zuf_lock_mappings_killable(struct address_space *a, struct address_space *b)
{
	if (a > b)
		swap(a, b);
	if (zuf_lock_mapping_killable(a))
		return -EINTR;
	if (a == b || !down_write_killable_nested(&b->invalidate_lock, 1))
		return 0;
	filemap_invalidate_unlock(a);
	return -EINTR;
}

/*
 * Both locks of a file must be held, as by every caller that moves or takes away its blocks. An
 * inode that is being evicted is exempt: nobody else has it.
 */
static inline void zuf_assert_exclusive(struct inode *inode)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP) ||
	    (inode_state_read_once(inode) & (I_FREEING | I_WILL_FREE)))
		return;
	lockdep_assert_held_write(&inode->i_rwsem);
	lockdep_assert_held_write(&inode->i_mapping->invalidate_lock);
}

/* zuf_assert_exclusive() for a caller that has its range of the file, and shares the inode lock. */
static inline void zuf_assert_guarded(struct inode *inode)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP) ||
	    (inode_state_read_once(inode) & (I_FREEING | I_WILL_FREE)))
		return;
	lockdep_assert_held(&inode->i_rwsem);
	lockdep_assert_held_write(&inode->i_mapping->invalidate_lock);
}

/* Was the operation ended by a fatal signal, or by one that the server was told of? */
static inline bool zuf_is_interrupted(int err)
{
	return err == -EINTR || err == -ERESTARTSYS;
}

/* The server may have done, or may yet do, what ended with this error. */
static inline bool zuf_outcome_unknown(int err)
{
	return zuf_is_interrupted(err) || err == -EIO;
}

#endif
