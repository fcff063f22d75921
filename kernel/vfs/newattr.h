/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * newattr.h - ACLs and security labels that a new inode must have before anybody sees it
 */
#ifndef ZUF_NEWATTR_H
#define ZUF_NEWATTR_H

#include <linux/fs.h>
#include "acl.h"
#include "zuf/zus_api.h"

/*
 * struct zuf_newattr - the attributes of one inode that is being made
 * @acls: ACLs inherited from the directory
 * @msg: room for the message, then @len bytes of records (struct zufs_new_xattr); NULL: there
 *	are no records
 * @nr: number of records
 * @labels_late: a security module's label depends on the inode number
 */
struct zuf_newattr {
	struct zuf_acls acls;
	struct zufs_ioc_new_inode *msg;
	size_t len;
	unsigned int nr;
	bool labels_late;
};

/**
 * zuf_newattr_collect() - collect the records for @na->acls, which are set, and the labels
 * @inode: complete except for the fields that the server decides
 * @name: NULL: the inode gets no name
 * Return: 0 or -errno; the caller must call zuf_newattr_release() in both cases.
 */
int zuf_newattr_collect(struct zuf_newattr *na, struct inode *inode, struct inode *dir,
		      const struct qstr *name);
void zuf_newattr_release(struct zuf_newattr *na);

/* Does an attribute need a message of its own, given whether NEW_INODE carries the records? */
static inline bool zuf_newattr_needs_steps(const struct zuf_newattr *na, bool carried)
{
	return na->labels_late || (na->len && !carried);
}

/*
 * The mode that the server gets first. As long as ACLs are missing, only the owner has access,
 * even if the server dies meanwhile.
 */
static inline umode_t zuf_newattr_first_mode(const struct zuf_newattr *na,
					   const struct inode *inode, bool carried)
{
	if (carried || (!na->acls.access && !na->acls.def))
		return inode->i_mode;
	return inode->i_mode & ~(S_IRWXG | S_IRWXO);
}

/* May NEW_INODE carry the records? */
bool zuf_newattr_can_ride(const struct zuf_newattr *na, const struct super_block *sb);

/**
 * zuf_newattr_store() - the server has made the inode, which nobody sees yet: store the rest
 * @carried: NEW_INODE has carried the records
 *
 * When the call returns, the server has the mode that the inode has.
 */
int zuf_newattr_store(struct zuf_newattr *na, struct inode *inode, struct inode *dir,
		    const struct qstr *name, bool carried);

#endif
