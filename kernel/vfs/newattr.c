// SPDX-License-Identifier: GPL-2.0-only
/*
 * newattr.c - what a new inode must have before anybody sees it
 *
 * Inherited ACLs and the labels of security modules are collected before the server is asked. A
 * server with ZUFS_FSC_NEW_XATTRS gets them with NEW_INODE: all or nothing, whatever happens to
 * the server. For other servers, and for records that do not fit, each record is an XATTR_SET
 * after NEW_INODE; the mode bits that give access to others come last, by SETATTR.
 *
 * A security module may sign labels together with the inode number (EVM). Then all its labels
 * are collected again when there is a number. Callers hold the directory's inode lock.
 */
#include <linux/mm.h>
#include <linux/security.h>
#include <linux/xattr.h>

#include "attr.h"
#include "inode.h"
#include "newattr.h"
#include "sb.h"
#include "xattr.h"

/* ---- records ---- */

static struct zufs_new_xattr *record_at(const struct zuf_newattr *na, size_t at)
{
	return (void *)(na->msg + 1) + at;
}

static char *record_name(struct zufs_new_xattr *record)
{
	return ZUFS_TAIL(record, buf);
}

static int make_room(struct zuf_newattr *na, size_t bytes)
{
	size_t used = sizeof(*na->msg) + na->len;
	void *msg = kvzalloc(used + bytes, GFP_KERNEL_ACCOUNT);

	if (!msg)
		return -ENOMEM;
	if (na->msg)
		memcpy(msg, na->msg, used);
	kvfree(na->msg);
	na->msg = msg;
	return 0;
}

/* Add a record; the caller must write its value, @size bytes, at *@value. */
static int newattr_add(struct zuf_newattr *na, u32 type, const char *name, size_t size,
		       void **value)
{
	size_t name_len = strlen(name) + 1, bytes;
	struct zufs_new_xattr *record;
	int err;

	if (name_len > XATTR_NAME_MAX + 1 || size > XATTR_SIZE_MAX)
		return -E2BIG;
	bytes = zufs_new_xattr_size(name_len, size);
	err = make_room(na, bytes);
	if (err)
		return err;
	record = record_at(na, na->len);
	record->type = type;
	record->size = size;
	record->name_len = name_len;
	memcpy(record_name(record), name, name_len);
	*value = record_name(record) + name_len;
	na->len += bytes;
	na->nr++;
	return 0;
}

void zuf_newattr_release(struct zuf_newattr *na)
{
	kvfree(na->msg);
	zuf_acls_release(&na->acls);
}

/* ---- before the inode is made ---- */

static int add_acl(struct zuf_newattr *na, const char *name, const struct posix_acl *acl)
{
	void *value;
	int err;

	if (!IS_ENABLED(CONFIG_FS_POSIX_ACL) || !acl)
		return 0;
	err = newattr_add(na, ZUFS_XATTR_SYSTEM, name, zuf_acl_size(acl), &value);
	if (!err)
		zuf_acl_encode(acl, value);
	return err;
}

static int add_labels(struct inode *inode, const struct xattr *labels, void *data)
{
	struct zuf_newattr *na = data;
	const struct xattr *label;
	void *value;
	int err;

	for (label = labels; label->name; label++)
		if (!strcmp(label->name, XATTR_EVM_SUFFIX))
			na->labels_late = true;
	for (label = labels; label->name && !na->labels_late; label++) {
		err = newattr_add(na, ZUFS_XATTR_SECURITY, label->name, label->value_len, &value);
		if (err)
			return err;
		memcpy(value, label->value, label->value_len);
	}
	return 0;
}

int zuf_newattr_collect(struct zuf_newattr *na, struct inode *inode, struct inode *dir,
		      const struct qstr *name)
{
	int err = add_acl(na, XATTR_NAME_POSIX_ACL_DEFAULT, na->acls.def);

	if (!err)
		err = add_acl(na, XATTR_NAME_POSIX_ACL_ACCESS, na->acls.access);
	return err ?: security_inode_init_security(inode, dir, name, add_labels, na);
}

bool zuf_newattr_can_ride(const struct zuf_newattr *na, const struct super_block *sb)
{
	return na->len && (ZUF_SB(sb)->fs_caps & ZUFS_FSC_NEW_XATTRS) &&
	       na->nr <= ZUFS_NEW_XATTRS_MAX && sizeof(*na->msg) + na->len <= U16_MAX;
}

/* ---- after the inode is made ---- */

static int store_record(struct inode *inode, struct zufs_new_xattr *record)
{
	char *name = record_name(record);
	int err = zuf_xattr_set(inode, record->type, name, name + record->name_len,
				record->size, 0);

	/* as in other file systems, that is no reason to have no file */
	return err == -EOPNOTSUPP && record->type == ZUFS_XATTR_SECURITY ? 0 : err;
}

static int store_records(struct zuf_newattr *na, struct inode *inode)
{
	struct zufs_new_xattr *record;
	size_t at, bytes;
	int err = 0;

	for (at = 0; at < na->len && !err; at += bytes) {
		record = record_at(na, at);
		bytes = zufs_new_xattr_size(record->name_len, record->size);
		err = store_record(inode, record);
	}
	return err;
}

static int store_labels(struct inode *inode, const struct xattr *labels, void *unused)
{
	const struct xattr *label;
	int err = 0;

	for (label = labels; label->name && !err; label++)
		err = zuf_xattr_set(inode, ZUFS_XATTR_SECURITY, label->name, label->value,
				    label->value_len, 0);
	return err;
}

/* A server that says that the inode has no attributes has not understood the records. */
static int check_carried(struct inode *inode)
{
	__le64 xattr;
	int err = zuf_zi_load(inode, i_xattr, &xattr);

	if (err || xattr)
		return err;
	pr_warn_ratelimited("sb %llu: the server has not kept what inode %llu came with\n",
			    ZUF_SB(inode->i_sb)->sb_id, (u64)inode->i_ino);
	return -EIO;
}

/* Replace the mode that the inode was made with by its real mode. */
static int open_to_others(struct zuf_newattr *na, struct inode *inode, bool carried)
{
	umode_t first = zuf_newattr_first_mode(na, inode, carried);
	int err;

	if (first == inode->i_mode)
		return 0;
	zuf_inode_publish(inode, STATX_MODE);
	err = zuf_setattr_send(inode, STATX_MODE);
	if (err)
		shm_store(&ZUF_I(inode)->zi->i_mode, cpu_to_le16(first));
	return err;
}

int zuf_newattr_store(struct zuf_newattr *na, struct inode *inode, struct inode *dir,
		    const struct qstr *name, bool carried)
{
	int err = carried ? check_carried(inode) : store_records(na, inode);

	if (!err && na->labels_late)
		err = security_inode_init_security(inode, dir, name, store_labels, NULL);
	if (!err)
		err = open_to_others(na, inode, carried);
	if (!err)
		zuf_acls_cache(inode, &na->acls);
	return err;
}
