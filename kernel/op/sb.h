/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sb.h - a mounted file system, as op/ and all layers above know it
 */
#ifndef ZUF_SB_H
#define ZUF_SB_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "zuf/zus_api.h"

struct zuf_devset;
struct zuf_list_args;
struct zuf_ioclist;
struct zuf_pins;
struct zuf_root;
struct zuf_sb;
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
 * struct zuf_sb_ops - what sending an operation needs from the layers above
 * @reclaim: the server has found no space: give frames that nobody holds any more back to it.
 *	Sleeps, killably; no channel is held. Return: true: something was given back, or can be
 *	with the next flush
 * @replaced: a message whose answer nobody will look at may give pages of a file other blocks:
 *	take these pages out of all mappings
 * @unmap: IOM_UNMAP of a list (zuf_list_args.unmap)
 */
struct zuf_sb_ops {
	bool (*reclaim)(struct zuf_sb *zsb);
	void (*replaced)(struct inode *inode, pgoff_t first, pgoff_t nr);
	int (*unmap)(const struct zuf_list_args *args, u64 ino, pgoff_t first, pgoff_t nr);
};

/*
 * struct zuf_sb - super-block, in sb->s_fs_info
 * Constant after the mount, but for @opt (s_umount exclusive), @dirty, @server_text and
 * @version_floor.
 */
struct zuf_sb {
	struct super_block *sb;
	const struct zuf_sb_ops *ops;
	struct zuf_root *root;		/* referenced */
	struct vfsmount *root_mnt;	/* keeps the root mounted */
	struct zuf_type *type;
	struct zuf_devset *devs;
	struct zuf_sbid *sbid;		/* referenced; NULL: not made yet, or umount.c has it */
	u32 server_gen;			/* the server that knows zus_sbi */
	u32 fs_caps;			/* ZUFS_FSC_* */
	u32 nio_write_min;		/* bytes: shorter writes go by WRITE; 0: no limit */
	u16 declared_flags;		/* ZUFS_S_* that its inodes may have */
	bool is_read_only;		/* of a type whose file systems cannot be changed */
	u64 zus_sbi;			/* cookie; 0 = the server has none */
	u64 sb_id;			/* the id of @sbid */
	u64 zus_zfi;			/* cookie of the type at mount time */
	struct zuf_pins *pins;		/* frames held longer than their inodes, or NULL */
	bool replaces;			/* files share blocks: a write may replace blocks */
	struct zuf_stats __percpu *stats; /* of @sbid, else the root's */
	struct zuf_ioclist *ioclist;	/* ioctls that the server knows; NULL: list not known */
	struct zuf_options opt;
	spinlock_t dirty_lock;		/* @dirty; outside of i_lock */
	struct list_head dirty;		/* struct zuf_mapped that are due for SYNC */
	u64 dirty_seq;			/* @dirty_lock: counts sync(2) */
	struct mutex sync_lock;		/* one sync of all of @dirty at a time */
	spinlock_t text_lock;		/* @server_text */
	char *server_text;		/* mount options as the server shows them; NULL = none */
	atomic64_t version_floor;	/* version.c */
	bool mount_killed;		/* the server may still be mounting it */
	bool lists_stay;		/* a list keeps the channel: T2, no ZUFS_FSC_RETRY_MOVES */
};

static inline struct zuf_sb *ZUF_SB(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* Does the mount's server keep back blocks that somebody holds (held.h)? */
static inline bool zuf_keeps_back(const struct zuf_sb *zsb)
{
	return zsb->fs_caps & ZUFS_FSC_QUARANTINE;
}

#endif
