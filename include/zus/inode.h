/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Super-block and inode handles, and small helpers on the shared inode.
 *
 * A plugin embeds struct zus_sb and struct zus_ii as the FIRST members of its own structs;
 * their addresses are the cookies that the kernel holds. The core makes and frees the
 * super-block (zus_plugin.sb_size), the plugin makes and frees inode handles.
 *
 * Reference rule of handles: every successful lookup, iget and new_inode, and the root given at
 * mount, hands the kernel one reference; every evict or free_inode takes one back. The
 * same inode may be handed out many times (always as the same handle). zus_ii_get/put
 * count them; a plugin frees the handle when the last one is gone and nothing of its own
 * needs it.
 */
#ifndef ZUS_INODE_H
#define ZUS_INODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <zuf/zus_api.h>
#include <zus/env.h>
#include <zus/le.h>
#include <zus/md.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_plugin;
struct zus_type;
struct zus_ii;

struct zus_sb {
	/* set by the core before mount is called */
	const struct zus_env *env;
	const struct zus_md *md;
	const struct zus_plugin *plugin;
	struct zus_type *type;		/* the core's */
	uint64_t kern_id;		/* sb_id */
	/* set by the plugin's mount */
	struct zus_ii *root;		/* with one reference */
	uint32_t fs_caps;		/* ZUFS_FSC_* */
	uint32_t blocksize_bits;	/* 12 if it is left 0 */
	/* the core's */
	uint64_t nr_lists;		/* asynchronous lists under way; atomic */
	struct zus_quarantine *quarantine;	/* with ZUFS_FSC_QUARANTINE */
	struct zus_sb *next;		/* mounted, of the same type; under the type's lock */
	/* set by the plugin's mount */
	uint32_t nio_write_min;		/* bytes, with ZUFS_FSC_BY_WRITE; 0 = no such limit */
	uint32_t reserved;
};

struct zus_ii {
	struct zus_sb *sb;
	struct zus_inode *zi;		/* in T1, 8-byte aligned, never moves */
	uint32_t refs;			/* only through the functions below */
	uint32_t reserved;
};

/* A fresh handle with one reference. */
static inline void zus_ii_init(struct zus_ii *ii, struct zus_sb *sb, struct zus_inode *zi)
{
	ii->sb = sb;
	ii->zi = zi;
	ii->reserved = 0;
	__atomic_store_n(&ii->refs, 1, __ATOMIC_RELAXED);
}

/* One more; only by somebody who holds a reference or the plugin's index lock. */
static inline void zus_ii_get(struct zus_ii *ii)
{
	__atomic_fetch_add(&ii->refs, 1, __ATOMIC_RELAXED);
}

/* One less; true = it was the last. */
static inline bool zus_ii_put(struct zus_ii *ii)
{
	return __atomic_fetch_sub(&ii->refs, 1, __ATOMIC_ACQ_REL) == 1;
}

/* How many there are: old as soon as it is known, unless the index lock keeps them as they are. */
static inline uint32_t zus_ii_refs(const struct zus_ii *ii)
{
	return __atomic_load_n(&ii->refs, __ATOMIC_ACQUIRE);
}

/*
 * Fields of the shared inode as numbers of this machine: each is one load, or one store after all
 * that was stored before (zus/le.h). Who owns a field says struct zus_inode; while the kernel
 * knows the inode a plugin stores its own fields only. Times are ns since the epoch.
 */
static inline uint16_t zus_zi_mode(const struct zus_inode *zi)
{
	return zus_le16_load(&zi->i_mode);
}

static inline void zus_zi_set_mode(struct zus_inode *zi, uint16_t mode)
{
	zus_le16_store(&zi->i_mode, mode);
}

static inline bool zus_zi_isdir(const struct zus_inode *zi)
{
	return S_ISDIR(zus_zi_mode(zi));
}

static inline bool zus_zi_isreg(const struct zus_inode *zi)
{
	return S_ISREG(zus_zi_mode(zi));
}

static inline bool zus_zi_islnk(const struct zus_inode *zi)
{
	return S_ISLNK(zus_zi_mode(zi));
}

static inline uint16_t zus_zi_flags(const struct zus_inode *zi)
{
	return zus_le16_load(&zi->i_flags);
}

static inline void zus_zi_set_flags(struct zus_inode *zi, uint16_t flags)
{
	zus_le16_store(&zi->i_flags, flags);
}

/* Bytes. */
static inline uint64_t zus_zi_size(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_size);
}

static inline void zus_zi_set_size(struct zus_inode *zi, uint64_t size)
{
	zus_le64_store(&zi->i_size, size);
}

/* Blocks of the file system. */
static inline uint64_t zus_zi_blocks(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_blocks);
}

static inline void zus_zi_set_blocks(struct zus_inode *zi, uint64_t blocks)
{
	zus_le64_store(&zi->i_blocks, blocks);
}

/* Any number of threads at once. */
static inline void zus_zi_add_blocks(struct zus_inode *zi, int64_t n)
{
	zus_le64_add(&zi->i_blocks, n);
}

static inline uint64_t zus_zi_ino(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_ino);
}

static inline void zus_zi_set_ino(struct zus_inode *zi, uint64_t ino)
{
	zus_le64_store(&zi->i_ino, ino);
}

/* The kernel compares the low 32 bits. */
static inline uint64_t zus_zi_generation(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_generation);
}

static inline void zus_zi_set_generation(struct zus_inode *zi, uint64_t generation)
{
	zus_le64_store(&zi->i_generation, generation);
}

/* Of the initial user name space. */
static inline uint32_t zus_zi_uid(const struct zus_inode *zi)
{
	return zus_le32_load(&zi->i_uid);
}

static inline uint32_t zus_zi_gid(const struct zus_inode *zi)
{
	return zus_le32_load(&zi->i_gid);
}

static inline void zus_zi_set_owner(struct zus_inode *zi, uint32_t uid, uint32_t gid)
{
	zus_le32_store(&zi->i_uid, uid);
	zus_le32_store(&zi->i_gid, gid);
}

static inline int64_t zus_zi_mtime(const struct zus_inode *zi)
{
	return (int64_t)zus_le64_load(&zi->i_mtime);
}

static inline int64_t zus_zi_ctime(const struct zus_inode *zi)
{
	return (int64_t)zus_le64_load(&zi->i_ctime);
}

static inline int64_t zus_zi_atime(const struct zus_inode *zi)
{
	return (int64_t)zus_le64_load(&zi->i_atime);
}

static inline void zus_zi_set_mtime(struct zus_inode *zi, int64_t ns)
{
	zus_le64_store(&zi->i_mtime, (uint64_t)ns);
}

static inline void zus_zi_set_ctime(struct zus_inode *zi, int64_t ns)
{
	zus_le64_store(&zi->i_ctime, (uint64_t)ns);
}

static inline void zus_zi_set_atime(struct zus_inode *zi, int64_t ns)
{
	zus_le64_store(&zi->i_atime, (uint64_t)ns);
}

/* All three of a new inode. */
static inline void zus_zi_set_times(struct zus_inode *zi, int64_t ns)
{
	zus_zi_set_mtime(zi, ns);
	zus_zi_set_ctime(zi, ns);
	zus_zi_set_atime(zi, ns);
}

/* With ZUFS_FSC_BTIME; never changes. */
static inline void zus_zi_set_btime(struct zus_inode *zi, int64_t ns)
{
	zus_le64_store(&zi->i_birth.btime, (uint64_t)ns);
}

/* The file system's own number; 0 = the inode has no attribute, and none is asked for. */
static inline uint64_t zus_zi_xattr(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_xattr);
}

static inline void zus_zi_set_xattr(struct zus_inode *zi, uint64_t xattr)
{
	zus_le64_store(&zi->i_xattr, xattr);
}

/* Of a device node, in the kernel's encoding. */
static inline uint32_t zus_zi_rdev(const struct zus_inode *zi)
{
	return zus_le32_load(&zi->i_rdev);
}

/* Of a directory: the inode number of the one that it lies in. */
static inline uint64_t zus_zi_parent(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_dir.parent);
}

static inline void zus_zi_set_parent(struct zus_inode *zi, uint64_t ino)
{
	zus_le64_store(&zi->i_dir.parent, ino);
}

/* Of a symbolic link of 32 bytes or more: where the target lies, with its NUL (zus_t1_dpp). */
static inline dpp_t zus_zi_symlink(const struct zus_inode *zi)
{
	return zus_le64_load(&zi->i_sym_dpp);
}

static inline void zus_zi_set_symlink(struct zus_inode *zi, dpp_t target)
{
	zus_le64_store(&zi->i_sym_dpp, target);
}

static inline uint32_t zus_zi_nlink(const struct zus_inode *zi)
{
	return zus_le32_load(&zi->i_nlink);
}

static inline void zus_zi_set_nlink(struct zus_inode *zi, uint32_t n)
{
	zus_le32_store(&zi->i_nlink, n);
}

/* One thread at a time: the kernel has the inode locked when links change. */
static inline void zus_zi_add_nlink(struct zus_inode *zi, int32_t n)
{
	zus_zi_set_nlink(zi, zus_zi_nlink(zi) + (uint32_t)n);
}

/* The DT_* value of an inode's mode. */
static inline uint8_t zus_zi_dtype(const struct zus_inode *zi)
{
	return (uint8_t)(zus_zi_mode(zi) >> 12 & 15);
}

/*
 * The usual link counting, for the plugin's new_inode, add_dentry, remove_dentry: a new directory
 * has 1 (its "."), a name adds 1, and the ".." of a directory adds 1 to its parent. The
 * last name of a directory takes its "." along.
 */
static inline void zus_nlink_new(struct zus_inode *zi)
{
	zus_zi_set_nlink(zi, zus_zi_isdir(zi) ? 1 : 0);
}

static inline void zus_nlink_add_dentry(struct zus_inode *dir, struct zus_inode *zi)
{
	zus_zi_add_nlink(zi, 1);
	if (zus_zi_isdir(zi))
		zus_zi_add_nlink(dir, 1);
}

static inline void zus_nlink_remove_dentry(struct zus_inode *dir, struct zus_inode *zi)
{
	if (zus_zi_isdir(zi)) {
		zus_zi_set_nlink(zi, 0);
		zus_zi_add_nlink(dir, -1);
	} else {
		zus_zi_add_nlink(zi, -1);
	}
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_INODE_H */
