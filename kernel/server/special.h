/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * special.h - special files, by which a server connects: each takes one role, for life
 */
#ifndef ZUF_SPECIAL_H
#define ZUF_SPECIAL_H

#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>

struct zuf_chan;
struct zuf_devset;
struct zuf_private;
struct zuf_root;
struct zuf_xbuf;

enum zuf_role {
	ZUF_ROLE_NONE,
	ZUF_ROLE_MOUNTER,
	ZUF_ROLE_ZT,
	ZUF_ROLE_PMEM,
	ZUF_ROLE_XBUF,
	ZUF_ROLE_PRIVATE,
};

/*
 * struct zuf_special - one special file, in inode->i_private
 * @role: NONE until the first successful role ioctl, then constant; written under @lock when the
 *	object in the union is complete (pairs with zuf_special_role)
 */
struct zuf_special {
	struct mutex lock;
	enum zuf_role role;
	atomic_t opened;		/* 1: the file has, or had, its one open file description */
	fl_owner_t owner;		/* files_struct of the process that gave the role */
	struct zuf_root *root;		/* referenced */
	struct inode *inode;
	union {
		struct zuf_chan *chan;
		struct zuf_devset *devs;
		struct zuf_xbuf *xbuf;
		struct zuf_private *private;
	};
};

static inline enum zuf_role zuf_special_role(const struct zuf_special *sp)
{
	return smp_load_acquire(&sp->role);
}

/* The caller holds sp->lock. */
static inline void zuf_special_set_role(struct zuf_special *sp, enum zuf_role role)
{
	lockdep_assert_held(&sp->lock);
	smp_store_release(&sp->role, role);
}

struct zuf_special *zuf_special_create(struct zuf_root *root, struct inode *inode);
void zuf_special_destroy(struct zuf_special *sp);

extern const struct file_operations zuf_special_fops;

/* Handle the ioctls that any file of the root takes; @sp NULL: the root directory. */
long zuf_special_ioctl(struct zuf_root *root, struct zuf_special *sp,
		       struct file *file, unsigned int cmd, unsigned long arg);

#endif
