/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rename.h - steps of a rename that is made of several messages
 *
 * All functions here: the caller holds the directories' inode locks exclusively.
 */
#ifndef ZUF_RENAME_H
#define ZUF_RENAME_H

#include <linux/types.h>

struct inode;
struct qstr;
struct zuf_undo;
struct zus_inode;

struct zuf_rename {
	struct inode *old_dir, *new_dir;
	const struct qstr *old_name, *new_name;
	struct inode *inode;
	struct inode *target;		/* the inode that new_name has now, or NULL */
	unsigned int flags;		/* RENAME_NOREPLACE, EXCHANGE; WHITEOUT with @whiteout */
	const struct zus_inode *whiteout; /* what the old name becomes in the same step; or NULL */
	struct zuf_undo *undo;		/* set if the step is one of several; or NULL */
};

/* Send one RENAME and update the timestamps, sizes and link counts that it changes. */
int zuf_rename_step(const struct zuf_rename *rn);
/* Remove one name. @undo: as in struct zuf_rename. */
int zuf_name_remove(struct inode *dir, const struct qstr *name, struct inode *inode,
		    u32 op_flags, struct zuf_undo *undo);
/**
 * zuf_describe_device() - what NEW_INODE would say of a device node
 * Return: 0; 1: it would have to come with ACLs or labels, which @zi cannot say; -errno.
 */
int zuf_describe_device(struct zuf_idmap *idmap, struct inode *dir, const struct qstr *name,
			umode_t mode, dev_t rdev, struct zus_inode *zi);
/* Make a device node with a name. Return: a referenced and complete inode, or ERR_PTR. */
struct inode *zuf_create_device(struct zuf_idmap *idmap, struct inode *dir,
				const struct qstr *name, umode_t mode, dev_t rdev,
				u32 op_flags);

/**
 * zuf_rename_whiteout() - a rename that leaves a whiteout (a character device 0:0) behind
 *
 * The names change as a whole or not at all, unless the server dies or gives invalid answers. A
 * fatal signal ends the wait (-EINTR), and a thread of the server takes the remaining steps
 * (undo.h).
 */
int zuf_rename_whiteout(struct zuf_idmap *idmap, const struct zuf_rename *rn);

#endif
