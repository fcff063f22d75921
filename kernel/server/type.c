// SPDX-License-Identifier: GPL-2.0-only
/*
 * type.c - ZU_IOC_REGISTER_FS: file-system types that "mount -t" accepts
 *
 * The file_system_types are static, because lockdep needs their lock classes to be, and because
 * the VFS may hold one while its root goes away. An entry keeps its name for good. A later
 * server, on the same or another root, takes the entry over once its former server is gone.
 */
#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/fs_context.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "root.h"
#include "special.h"
#include "type.h"

#define ZUF_MAX_TYPES 32

static struct zuf_type zuf_types[ZUF_MAX_TYPES];
static DEFINE_MUTEX(zuf_types_lock);
static struct zuf_type_ops type_ops __ro_after_init;

void __init zuf_types_init(const struct zuf_type_ops *ops)
{
	type_ops = *ops;
}

static bool name_is_valid(const char *name, size_t size)
{
	size_t len = strnlen(name, size), i;

	if (!len || len == size)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum(name[i]) && name[i] != '_' && name[i] != '-')
			return false;
	return true;
}

/* Find the entry of a name, or a fresh one; NULL: all entries are taken. */
static struct zuf_type *type_slot(const char *name)
{
	struct zuf_type *t, *empty = NULL;

	for (t = zuf_types; t < zuf_types + ZUF_MAX_TYPES; t++) {
		if (!strcmp(t->name, name))
			return t;
		if (!empty && !t->name[0])
			empty = t;
	}
	return empty;
}

static bool type_is_served(const struct zuf_type *t)
{
	return t->root && zuf_root_is_live(t->root, t->gen);
}

static int type_list(struct zuf_type *t, const char *name)
{
	int err;

	strscpy(t->name, name, sizeof(t->name));
	t->fst.owner = THIS_MODULE;
	t->fst.name = t->name;
	t->fst.fs_flags = FS_ALLOW_IDMAP;
	t->fst.init_fs_context = type_ops.init_fs_context;
	t->fst.kill_sb = type_ops.kill_sb;
	err = register_filesystem(&t->fst);
	if (err)
		t->name[0] = 0;
	else
		t->listed = true;
	return err;
}

/* The caller holds root->peer.lock and is the server. */
static int type_register(struct zuf_root *root, const struct zufs_ioc_register_fs *reg)
{
	const struct register_fs_info *rfi = &reg->rfi;
	struct zuf_type *t;
	int err = 0;

	lockdep_assert_held(&root->peer.lock);
	if (!name_is_valid(rfi->fsname, sizeof(rfi->fsname)))
		return -EINVAL;
	mutex_lock(&zuf_types_lock);
	t = type_slot(rfi->fsname);
	if (!t)
		err = -ENOSPC;
	else if (type_is_served(t))
		err = -EEXIST;
	else if (!t->listed)
		err = type_list(t, rfi->fsname);
	if (!err) {
		if (t->root != root) {
			if (t->root)
				zuf_root_put(t->root);
			t->root = zuf_root_get(root);
		}
		t->gen = root->peer.live_gen;
		t->zus_zfi = reg->zus_zfi;
		t->rfi = *rfi;
	}
	mutex_unlock(&zuf_types_lock);
	return err;
}

long zuf_ioc_register_fs(struct zuf_root *root, void __user *arg)
{
	struct zufs_ioc_register_fs reg;
	int err;

	if (copy_from_user(&reg, arg, sizeof(reg)))
		return -EFAULT;
	mutex_lock(&root->peer.lock);
	err = zuf_peer_claim(&root->peer);
	if (!err)
		err = type_register(root, &reg);
	if (!err && root->state == ZUF_ROOT_INITIALIZING)
		root->state = ZUF_ROOT_REGISTERING;
	mutex_unlock(&root->peer.lock);
	if (err)
		pr_err("type \"%.*s\" not registered: %d\n",
		       (int)sizeof(reg.rfi.fsname), reg.rfi.fsname, err);
	else
		pr_debug("type \"%.*s\" registered\n", (int)sizeof(reg.rfi.fsname),
			 reg.rfi.fsname);
	reg.hdr.err = err;
	return copy_to_user(arg, &reg.hdr, sizeof(reg.hdr)) ? -EFAULT : 0;
}

int zuf_type_info(struct file_system_type *fst, struct zuf_type_info *info)
{
	struct zuf_type *t = container_of(fst, struct zuf_type, fst);
	int err = -ENODEV;

	mutex_lock(&zuf_types_lock);
	if (t->root) {
		info->type = t;
		info->root = zuf_root_get(t->root);
		info->gen = t->gen;
		info->zus_zfi = t->zus_zfi;
		info->rfi = t->rfi;
		err = 0;
	}
	mutex_unlock(&zuf_types_lock);
	return err;
}

void zuf_type_drop_root(struct zuf_root *root)
{
	struct zuf_type *t;

	mutex_lock(&zuf_types_lock);
	for (t = zuf_types; t < zuf_types + ZUF_MAX_TYPES; t++) {
		if (t->root != root)
			continue;
		unregister_filesystem(&t->fst);
		t->listed = false;
		zuf_root_put(t->root);
		t->root = NULL;
	}
	mutex_unlock(&zuf_types_lock);
}

size_t zuf_type_names(struct zuf_root *root, char *buf, size_t size)
{
	struct zuf_type *t;
	size_t len = 0;

	mutex_lock(&zuf_types_lock);
	for (t = zuf_types; t < zuf_types + ZUF_MAX_TYPES; t++)
		if (t->root == root && type_is_served(t))
			len += scnprintf(buf + len, size - len, "%s%s", len ? " " : "",
					 t->name);
	mutex_unlock(&zuf_types_lock);
	return len;
}
