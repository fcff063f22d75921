/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acl.h - POSIX access control lists; kernels without them do not have acl.c
 */
#ifndef ZUF_ACL_H
#define ZUF_ACL_H

#include <linux/fs.h>
#include <linux/posix_acl.h>

#define ZUF_ACL_ENTRY_SIZE	8	/* in the server's value */

/* What a new inode gets from its directory; either may be NULL. */
struct zuf_acls {
	struct posix_acl *access;
	struct posix_acl *def;
};

/*
 * What a new inode gets from @dir; its mode is cut to fit, by the umask where there is
 * nothing to inherit. To be released.
 */
static inline int zuf_acls_inherit(struct inode *dir, struct inode *inode,
				   struct zuf_acls *acls)
{
	return posix_acl_create(dir, &inode->i_mode, &acls->def, &acls->access);
}

static inline void zuf_acls_release(struct zuf_acls *acls)
{
	posix_acl_release(acls->access);
	posix_acl_release(acls->def);
}

/* With zuf_get_acl() what ZUF_ACL_OPS of compat.h calls. */
int zuf_set_acl(struct zuf_idmap *idmap, struct inode *inode, struct posix_acl *acl, int type);

/* The value that the server stores; may be NULL. */
static inline size_t zuf_acl_size(const struct posix_acl *acl)
{
	return acl ? acl->a_count * ZUF_ACL_ENTRY_SIZE : 0;
}

void zuf_acl_encode(const struct posix_acl *acl, void *value);

/* The server has these for the inode, which nobody sees yet. */
static inline void zuf_acls_cache(struct inode *inode, const struct zuf_acls *acls)
{
	cache_no_acl(inode);
	if (IS_ENABLED(CONFIG_FS_POSIX_ACL) && acls->def)
		set_cached_acl(inode, ACL_TYPE_DEFAULT, acls->def);
	if (IS_ENABLED(CONFIG_FS_POSIX_ACL) && acls->access)
		set_cached_acl(inode, ACL_TYPE_ACCESS, acls->access);
}

#endif
