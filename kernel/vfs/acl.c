// SPDX-License-Identifier: GPL-2.0-only
/*
 * acl.c - POSIX access control lists
 *
 * The server stores ACLs as attributes of type "system" with their full names. The value is an
 * array of entries without a header; ids are those of the initial user namespace. The VFS caches
 * what is read and checks permissions with it. An access ACL and the mode belong together: the
 * mode is set in the shared inode before the ACL is sent, and both the mode and the cached ACL
 * are restored if the server refuses. Setters hold the inode lock.
 */
#include <linux/posix_acl_xattr.h>
#include <linux/user_namespace.h>
#include <linux/xattr.h>

#include "acl.h"
#include "attr.h"
#include "inode.h"
#include "sb.h"
#include "xattr.h"

/* An entry of the ABI. */
struct wire_entry {
	__le16 tag;
	__le16 perm;
	__le32 id;
};
static_assert(sizeof(struct wire_entry) == ZUF_ACL_ENTRY_SIZE);

#define FEW_ENTRIES	32	/* ACLs of this size are read without an allocation */

static const char *acl_name(int type)
{
	return type == ACL_TYPE_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS :
					 XATTR_NAME_POSIX_ACL_DEFAULT;
}

/* ---- from the server ---- */

static void decode_entry(const struct wire_entry *wire, struct posix_acl_entry *entry)
{
	u32 id = le32_to_cpu(wire->id);

	entry->e_tag = le16_to_cpu(wire->tag);
	entry->e_perm = le16_to_cpu(wire->perm);
	if (entry->e_tag == ACL_USER)
		entry->e_uid = make_kuid(&init_user_ns, id);
	else if (entry->e_tag == ACL_GROUP)
		entry->e_gid = make_kgid(&init_user_ns, id);
}

static struct posix_acl *acl_decode(struct inode *inode, const struct wire_entry *wire, size_t size)
{
	size_t count = size / sizeof(*wire), i;
	struct posix_acl *acl;

	if (!count || size % sizeof(*wire))
		goto invalid;
	acl = posix_acl_alloc(count, GFP_KERNEL);
	if (!acl)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++)
		decode_entry(&wire[i], &acl->a_entries[i]);
	if (!posix_acl_valid(&init_user_ns, acl))
		return acl;
	posix_acl_release(acl);
invalid:
	pr_warn_ratelimited("sb %llu: an ACL of inode %llu is invalid\n",
			    ZUF_SB(inode->i_sb)->sb_id, (u64)inode->i_ino);
	return ERR_PTR(-EIO);
}

static struct posix_acl *read_many(struct inode *inode, int type)
{
	void *wire = kvmalloc(XATTR_SIZE_MAX, GFP_KERNEL);
	struct posix_acl *acl;
	ssize_t size;

	if (!wire)
		return ERR_PTR(-ENOMEM);
	size = zuf_xattr_get(inode, ZUFS_XATTR_SYSTEM, acl_name(type), wire, XATTR_SIZE_MAX);
	acl = size < 0 ? ERR_PTR(size) : acl_decode(inode, wire, size);
	kvfree(wire);
	return acl;
}

struct posix_acl *zuf_get_acl(struct inode *inode, int type, bool rcu)
{
	struct wire_entry wire[FEW_ENTRIES];
	ssize_t size;

	if (rcu)
		return ERR_PTR(-ECHILD);
	size = zuf_xattr_get(inode, ZUFS_XATTR_SYSTEM, acl_name(type), wire, sizeof(wire));
	if (size == -ERANGE)
		return read_many(inode, type);
	if (size == -ENODATA || size == -EOPNOTSUPP)
		return NULL;
	return size < 0 ? ERR_PTR(size) : acl_decode(inode, wire, size);
}

/* ---- to the server ---- */

static void encode_entry(const struct posix_acl_entry *entry, struct wire_entry *wire)
{
	u32 id = ACL_UNDEFINED_ID;

	if (entry->e_tag == ACL_USER)
		id = from_kuid(&init_user_ns, entry->e_uid);
	else if (entry->e_tag == ACL_GROUP)
		id = from_kgid(&init_user_ns, entry->e_gid);
	wire->tag = cpu_to_le16(entry->e_tag);
	wire->perm = cpu_to_le16(entry->e_perm);
	wire->id = cpu_to_le32(id);
}

void zuf_acl_encode(const struct posix_acl *acl, void *value)
{
	struct wire_entry *wire = value;
	unsigned int i;

	for (i = 0; i < acl->a_count; i++)
		encode_entry(&acl->a_entries[i], &wire[i]);
}

/* @acl NULL: remove the ACL. */
static int acl_store(struct inode *inode, int type, const struct posix_acl *acl)
{
	size_t size = zuf_acl_size(acl);
	void *value;
	int err;

	if (!acl)
		return zuf_xattr_set(inode, ZUFS_XATTR_SYSTEM, acl_name(type), NULL, 0, 0);
	value = kvmalloc(size, GFP_KERNEL);
	if (!value)
		return -ENOMEM;
	zuf_acl_encode(acl, value);
	err = zuf_xattr_set(inode, ZUFS_XATTR_SYSTEM, acl_name(type), value, size, 0);
	kvfree(value);
	return err;
}

static void set_mode(struct inode *inode, umode_t mode)
{
	inode->i_mode = mode;
	zuf_inode_publish(inode, STATX_MODE);
}

/* Store the new ACL, or remove it, together with the mode that fits. */
static int store_with_mode(struct inode *inode, int type, const struct posix_acl *acl,
			   umode_t mode)
{
	u32 riding = ZUF_I(inode)->riding_attr;
	u32 bits = STATX_MODE | STATX_CTIME | riding;
	umode_t old_mode = inode->i_mode;
	struct zuf_touch touch;
	bool same = false;
	int err;

	/* from here on they are the message's, whatever comes of it */
	ZUF_I(inode)->riding_attr = 0;

	zuf_touch_start(&touch, inode, STATX_CTIME);
	set_mode(inode, mode);
	err = acl_store(inode, type, acl);
	/* there was no ACL: only the mode changes, if at all */
	if (err == -ENODATA && !acl) {
		/* chmod(2) has changed the mode before, and nobody has told the server */
		same = mode == old_mode && !riding;
		err = same ? 0 : zuf_setattr_send(inode, bits);
	}
	if (err)
		set_mode(inode, old_mode);
	zuf_touch_end(&touch, same ? -ENODATA : err);
	return err;
}

int zuf_set_acl(struct zuf_idmap *idmap, struct inode *inode, struct posix_acl *acl, int type)
{
	umode_t mode = inode->i_mode;
	int err;

	if (type == ACL_TYPE_ACCESS && acl) {
		err = posix_acl_update_mode(idmap, inode, &mode, &acl);
		if (err)
			return err;
	}
	err = store_with_mode(inode, type, acl, mode);
	if (!err)
		set_cached_acl(inode, type, acl);
	else if (zuf_outcome_unknown(err))
		forget_cached_acl(inode, type);
	return err;
}
