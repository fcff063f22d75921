/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zinode.h - a VFS inode and the inode that is shared with the server
 *
 * @zi lies in T1 and the server can change it at any time: every field is read
 * once (zuf_zi_load(): T1 may be poisoned), validated and copied into the VFS inode
 * (zuf_inode_refresh() and friends); the VFS decides on its own copy only. The kernel
 * writes a field to both before it sends an operation that changes it.
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

/* What i_flags of both inodes have in common. */
#define ZUF_SHARED_FLAGS (S_SYNC | S_NOATIME | S_APPEND | S_IMMUTABLE | S_DIRSYNC)

/* Names of a file, sub-directories of a directory: more cannot be told from garbage. */
#define ZUF_LINK_MAX	S32_MAX

struct zuf_mapped;

struct zuf_inode {
	struct zuf_put_tag tag;	/* keeps our memory */
	struct zus_inode __shm *zi; /* in T1; NULL: not (or no longer) known to the server */
	u64 zus_ii;		/* the server's cookie */
	u64 win_id;		/* zuf_inode_win_id(); 0 until it is needed; set once by cmpxchg */
	u32 stale;		/* ZUF_STALE_*: settle.h; i_lock */
	u32 unsent;		/* STATX_* that a killed application left; inode lock */
	u64 tail_end;		/* blocks may lie behind i_size as far; i_lock */
	bool tail_known;	/* else those of the user may lie there; inode lock */
	struct zuf_mapped *mapped; /* what mappings show; NULL: none ever did; set by cmpxchg */
	s64 btime_ns;		/* with ZUFS_FSC_BTIME */
	u16 declared_flags;	/* of its type's, those that it has; inode lock */
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

/* What counts the messages that the inode has to wait for. */
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

/* A number that no other inode has or had: of data in copy pages, which outlive inodes. */
u64 zuf_inode_win_id(struct inode *inode);

/* ---- the shared inode (zinode.c) ---- */

/**
 * zuf_zi_take() - bytes of the shared inode, as they are now
 * Context: any.
 * Return: 0 or -EIO: its memory is poisoned.
 */
int zuf_zi_take(const struct inode *inode, void *dst, size_t from, size_t len);
/* One field of it, as it lies there (little endian). */
#define zuf_zi_load(inode, field, value) ({						\
	static_assert(__same_type(*(value), ((struct zus_inode *)0)->field));		\
	zuf_zi_take(inode, value, offsetof(struct zus_inode, field), sizeof(*(value)));	\
})

/* Is a number of blocks one that the VFS can count? */
bool zuf_blocks_are_valid(const struct super_block *sb, u64 blocks);
/* Size of a file of this type. */
bool zuf_size_is_valid(const struct super_block *sb, umode_t mode, u64 size);
/* Such a number becomes i_blocks. */
void zuf_inode_set_blocks(struct inode *inode, u64 blocks);
/* A time as the server keeps it. */
struct timespec64 zuf_time_from(struct inode *inode, __le64 ns);
/*
 * Copy what the server owns: nlink, size, blocks, mtime and ctime. Bad values are left out.
 * Poisoned, all of them are: it is read again before anybody looks at them (settle.h).
 */
void zuf_inode_refresh(struct inode *inode);
/* The same with i_lock held. Return: 0 or -EIO: the inode is poisoned. */
int zuf_inode_refresh_locked(struct inode *inode);
/* Links and ctime alone; with i_lock held. Return: as before. */
int zuf_inode_refresh_links(struct inode *inode);
/* Blocks alone; no lock needed. Return: as before. */
int zuf_inode_refresh_blocks(struct inode *inode);

/* ---- locks ---- */

/* Locks of an inode that a message may be waited for with: a killed task gets -EINTR. */
static inline int zuf_lock_killable(struct inode *inode)
{
	return down_write_killable(&inode->i_rwsem) ? -EINTR : 0;
}

/* Of one regular file or two, as lock_two_nondirectories(). */
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

/* Of one mapping or two. */
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
 * Both locks of a file, as whatever moves or takes away its blocks holds them. Nobody else has an
 * inode that is being evicted.
 */
static inline void zuf_assert_exclusive(struct inode *inode)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP) ||
	    (inode_state_read_once(inode) & (I_FREEING | I_WILL_FREE)))
		return;
	lockdep_assert_held_write(&inode->i_rwsem);
	lockdep_assert_held_write(&inode->i_mapping->invalidate_lock);
}

/* The same for a caller who has its range of the file, and shares the inode lock with others. */
static inline void zuf_assert_guarded(struct inode *inode)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP) ||
	    (inode_state_read_once(inode) & (I_FREEING | I_WILL_FREE)))
		return;
	lockdep_assert_held(&inode->i_rwsem);
	lockdep_assert_held_write(&inode->i_mapping->invalidate_lock);
}

/* By a fatal signal, or by another one of which the server was told (zuf_dispatch()). */
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
