/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * super.h - a mounted (or privately mounted) file system
 */
#ifndef ZUF_SUPER_H
#define ZUF_SUPER_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "evict.h"
#include "zuf/zus_api.h"

struct zuf_devset;
struct zuf_ioclist;
struct zuf_pins;
struct zuf_root;
struct zuf_sbid;
struct zuf_stats;
struct zuf_type;

/* What the mount options said to the kernel; the rest is for the server. */
struct zuf_options {
	u64 flags;		/* ZUFS_M_* */
	u32 pedantic;		/* level, with ZUFS_M_PEDANTIC */
	u64 size_bytes;		/* size of the memory of a device-less mount */
	bool dax;		/* only echoed */
	u32 named;		/* options that were given, a bit each (options.c) */
	char *server;		/* comma separated, NULL = none */
};

/*
 * struct zuf_sb - super-block, in sb->s_fs_info
 * Constant after the mount, but for @opt (s_umount exclusive), @dirty, @server_text and
 * @version_floor.
 */
struct zuf_sb {
	struct super_block *sb;		/* NULL: a private mount */
	struct zuf_root *root;		/* referenced */
	struct vfsmount *root_mnt;	/* keeps the root mounted */
	struct zuf_type *type;
	struct zuf_devset *devs;
	struct zuf_sbid *sbid;		/* referenced; NULL: not yet, or umount.c has it */
	u32 server_gen;			/* the server that knows zus_sbi */
	u32 fs_caps;			/* ZUFS_FSC_* */
	u16 declared_flags;		/* ZUFS_S_* that its inodes may have */
	u64 zus_sbi;			/* cookie; 0 = the server has none */
	u64 sb_id;			/* that of @sbid */
	u64 zus_zfi;			/* cookie of the type at mount time */
	struct zuf_pins *pins;		/* frames held longer than their inodes, or NULL */
	bool replaces;			/* files share blocks: a write may take some away */
	struct zuf_stats __percpu *stats; /* of @sbid; NULL: the root's count */
	struct zuf_ioclist *ioclist;	/* ioctls that the server knows; NULL: it has not said */
	struct zuf_options opt;
	spinlock_t dirty_lock;		/* @dirty; outside of i_lock */
	struct list_head dirty;		/* struct zuf_mapped that are due for SYNC */
	u64 dirty_seq;			/* @dirty_lock: counts sync(2) */
	struct mutex sync_lock;		/* one sync of all of them at a time */
	spinlock_t text_lock;		/* @server_text */
	char *server_text;		/* its options as it shows them; NULL = none */
	atomic64_t version_floor;	/* version.c */
	bool mount_killed;		/* the server may still be mounting it */
	bool lists_stay;		/* of the T2 of a server without ZUFS_FSC_RETRY_MOVES */
};

static inline struct zuf_sb *ZUF_SB(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* Does its server keep back blocks that somebody holds (held.h)? */
static inline bool zuf_keeps_back(const struct zuf_sb *zsb)
{
	return zsb->fs_caps & ZUFS_FSC_QUARANTINE;
}

extern const struct super_operations zuf_super_ops;

int zuf_init_fs_context(struct fs_context *fc);
void zuf_kill_sb(struct super_block *sb);

#endif
