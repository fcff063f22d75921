/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acl.h - POSIX access control lists; acl.c is built only for kernels that have them
 */
#ifndef ZUF_ACL_H
#define ZUF_ACL_H

#include <linux/fs.h>
#include <linux/posix_acl.h>

#define ZUF_ACL_ENTRY_SIZE	8	/* bytes of an entry in the server's value */

/* The ACLs that a new inode gets from its directory; either may be NULL. */
struct zuf_acls {
	struct posix_acl *access;
	struct posix_acl *def;
};

/*
 * Collect the ACLs that @inode inherits from @dir, and reduce its mode accordingly; if there is
 * nothing to inherit, the umask applies. The caller must call zuf_acls_release().
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

/* With zuf_get_acl(), the inode operations that ZUF_ACL_OPS of compat.h names. */
int zuf_set_acl(struct zuf_idmap *idmap, struct inode *inode, struct posix_acl *acl, int type);

/* Size of @acl in the form that the server stores; @acl may be NULL. */
static inline size_t zuf_acl_size(const struct posix_acl *acl)
{
	return acl ? acl->a_count * ZUF_ACL_ENTRY_SIZE : 0;
}

void zuf_acl_encode(const struct posix_acl *acl, void *value);

/* Cache the ACLs that the server now has for the inode, which nobody else can see yet. */
static inline void zuf_acls_cache(struct inode *inode, const struct zuf_acls *acls)
{
	cache_no_acl(inode);
	if (IS_ENABLED(CONFIG_FS_POSIX_ACL) && acls->def)
		set_cached_acl(inode, ACL_TYPE_DEFAULT, acls->def);
	if (IS_ENABLED(CONFIG_FS_POSIX_ACL) && acls->access)
		set_cached_acl(inode, ACL_TYPE_ACCESS, acls->access);
}

#endif
