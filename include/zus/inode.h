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

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <zuf/zus_api.h>
#include <zus/env.h>
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
	uint64_t reserved[1];
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

static inline uint32_t zus_ii_refs(const struct zus_ii *ii)
{
	return __atomic_load_n(&ii->refs, __ATOMIC_ACQUIRE);
}

static inline uint16_t zus_zi_mode(const struct zus_inode *zi)
{
	return le16toh(zi->i_mode);
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

static inline uint64_t zus_zi_size(const struct zus_inode *zi)
{
	return le64toh(zi->i_size);
}

static inline uint64_t zus_zi_ino(const struct zus_inode *zi)
{
	return le64toh(zi->i_ino);
}

static inline uint32_t zus_zi_nlink(const struct zus_inode *zi)
{
	return le32toh(zi->i_nlink);
}

static inline void zus_zi_add_nlink(struct zus_inode *zi, int32_t n)
{
	zi->i_nlink = htole32(zus_zi_nlink(zi) + (uint32_t)n);
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
	zi->i_nlink = htole32(zus_zi_isdir(zi) ? 1 : 0);
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
		zi->i_nlink = 0;
		zus_zi_add_nlink(dir, -1);
	} else {
		zus_zi_add_nlink(zi, -1);
	}
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_INODE_H */
