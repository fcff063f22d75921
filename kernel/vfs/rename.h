/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rename.h - steps of a rename, for one that is made of several
 *
 * Context of all: the directories are locked exclusively.
 */
#ifndef ZUF_RENAME_H
#define ZUF_RENAME_H

#include <linux/types.h>

struct inode;
struct qstr;
struct zuf_undo;

struct zuf_rename {
	struct inode *old_dir, *new_dir;
	const struct qstr *old_name, *new_name;
	struct inode *inode;
	struct inode *target;		/* what new_name is now, or NULL */
	unsigned int flags;		/* RENAME_NOREPLACE, RENAME_EXCHANGE */
	struct zuf_undo *undo;		/* the step is one of several; or NULL */
};

/* One RENAME, with the times, sizes and links that it changes. */
int zuf_rename_step(const struct zuf_rename *rn);
/* One name less. @undo: as in struct zuf_rename */
int zuf_name_remove(struct inode *dir, const struct qstr *name, struct inode *inode,
		    u32 op_flags, struct zuf_undo *undo);
/* A new device with a name: referenced and complete, or ERR_PTR. */
struct inode *zuf_create_device(struct zuf_idmap *idmap, struct inode *dir,
				const struct qstr *name, umode_t mode, dev_t rdev,
				u32 op_flags);

/**
 * zuf_rename_whiteout() - a rename that leaves a whiteout (a character device 0:0) behind
 * The names change as a whole or not at all, unless the server dies or its answers are
 * none. A fatal signal ends the wait (-EINTR), and the server is told what follows.
 */
int zuf_rename_whiteout(struct zuf_idmap *idmap, const struct zuf_rename *rn);

#endif
