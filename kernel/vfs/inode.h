/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inode.h - a VFS inode and the inode that is shared with the server
 *
 * @zi lies in T1 and the server can change it at any time: every field is read
 * once (zuf_zi_load(): T1 may be poisoned), validated and copied into the VFS inode
 * (zuf_inode_refresh() and friends); the VFS decides on its own copy only. The kernel
 * writes a field to both before it sends an operation that changes it.
 */
#ifndef ZUF_INODE_H
#define ZUF_INODE_H

#include <linux/fs.h>
#include <linux/rwsem.h>
#include "ends.h"
#include "puts.h"
#include "range.h"
#include "shm.h"
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

/* Module life of the inode cache. */
int zuf_inode_cache_init(void);
void zuf_inode_cache_fini(void);

/* Super-block operations of an inode. */
struct inode *zuf_alloc_inode(struct super_block *sb);
void zuf_destroy_inode(struct inode *inode);
void zuf_evict_inode(struct inode *inode);

/**
 * zuf_iget() - the VFS inode of what the server just returned
 * @sb: mounted super-block
 * @zi_dpp: byte-form dpp_t of its zus_inode, from the server, not yet checked
 * @zus_ii: its cookie; consumed: kept in the inode, or given back to the server
 *	(EVICT_INODE with ZI_LOOKUP_RACE) when the inode is cached or unusable
 *
 * Return: a referenced inode or ERR_PTR(-EIO: @zi_dpp is wild, -ESTALE: not an
 * active inode or it contradicts the cached one, -ENOMEM, -EINTR: killed while what is left
 * of an evicted inode with that number was under way).
 */
struct inode *zuf_iget(struct super_block *sb, u64 zi_dpp, u64 zus_ii);

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

/**
 * zuf_inode_find() - the cached inode of a number
 * Never waits, not even for one that is being evicted.
 * @going: out: it is, and still has a record of its mappings
 * Return: a referenced inode (see zuf_forget_inode()) or NULL.
 */
struct inode *zuf_inode_find(struct super_block *sb, u64 ino, bool *going);

/**
 * zuf_inode_adopt() - tie a new VFS inode to what NEW_INODE returned
 * @inode: not hashed, complete but for what the server decides
 * @unlinked: it was made without a name
 *
 * Return: 0: hashed, locked as new, @zus_ii is kept. -EIO (what came is not the
 * inode that was asked for, or its number is taken): the cookie is given back.
 */
int zuf_inode_adopt(struct inode *inode, u64 zi_dpp, u64 zus_ii, bool unlinked);

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

/* Operations by type; the mode is set. */
void zuf_inode_set_ops(struct inode *inode, dev_t rdev);
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
/* Give back a cookie that got no inode. */
void zuf_inode_forget(struct super_block *sb, u64 zus_ii, bool unlinked);

/* ---- attributes (attr.c) ---- */

/* Copy the fields of STATX_MODE, UID, GID, ATIME, MTIME, CTIME to the shared inode. */
void zuf_inode_publish(struct inode *inode, u32 statx_bits);
/* Set ctime, mtime, atime to now in both inodes; the caller sends the operation. */
void zuf_inode_touch(struct inode *inode, u32 statx_bits);

/* Times of an inode before an operation changed them. */
struct zuf_touch {
	struct inode *inode;
	u32 statx_bits;		/* which of them it changed */
	struct timespec64 mtime, ctime;
};

/* As zuf_inode_touch(), but the operation may still fail. */
void zuf_touch_start(struct zuf_touch *touch, struct inode *inode, u32 statx_bits);
/* The operation ended with @err: if it was refused the old times come back; re-read. */
void zuf_touch_end(struct zuf_touch *touch, int err);

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

/* i_op pieces that every kind of inode has; .update_time is zuf_op_update_time. */
int zuf_setattr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr);
/* Tell the server (SETATTR) of STATX_* fields that changed in the shared inode. */
int zuf_setattr_send(struct inode *inode, u32 statx_bits);
/* That message, but for the cookie. */
void zuf_setattr_fill(struct zufs_ioc_attr *msg, u32 statx_bits);
int zuf_getattr(struct zuf_idmap *idmap, const struct path *path,
		struct kstat *stat, u32 request_mask, unsigned int flags);
int zuf_update_time(struct inode *inode, struct timespec64 now, u32 statx_bits);

/* ---- size (space.c) ---- */

/**
 * zuf_truncate() - change i_size on the server (FALLOCATE with TRUNCATE), then here
 * Context: inode lock exclusive; takes the invalidate lock.
 */
int zuf_truncate(struct inode *inode, loff_t size);

/* ---- names (namei.c, create.c), symbolic links (symlink.c) ---- */

/**
 * zuf_lookup_name() - ask the server for a name, also for ".."
 * Context: inode lock of @dir.
 * Return: a referenced inode or ERR_PTR(-ENOENT ...).
 */
struct inode *zuf_lookup_name(struct inode *dir, const struct qstr *name);
/* -ENAMETOOLONG, or 0. */
int zuf_str_set(struct zufs_str *str, const struct qstr *name);

int zuf_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	       umode_t mode);
/* The same; @made is set when an error came after the server had made it. */
int zuf_create_new(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		   umode_t mode, bool *made);
int zuf_mknod(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode, dev_t rdev);
int zuf_mkdir(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode);
int zuf_symlink(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		const char *target);
int zuf_tmpfile(struct zuf_idmap *idmap, struct inode *dir, struct file *file,
		umode_t mode);

/* Keep a copy of the target of a new symbolic link. */
int zuf_symlink_set(struct inode *inode, const char *target, size_t len);
/* The same of one that the server returned; @zi is a private copy, its size checked. */
int zuf_symlink_load(struct inode *inode, const struct zus_inode *zi);

extern const struct inode_operations zuf_dir_inode_ops;		/* namei.c */
extern const struct inode_operations zuf_file_inode_ops;	/* file.c */
extern const struct inode_operations zuf_symlink_inode_ops;	/* symlink.c */
extern const struct inode_operations zuf_special_inode_ops;	/* inode.c */
extern const struct file_operations zuf_dir_file_ops;		/* dir.c */
extern const struct file_operations zuf_file_ops;		/* file.c */
extern const struct address_space_operations zuf_aops;		/* file.c */

#endif
