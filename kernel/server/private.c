// SPDX-License-Identifier: GPL-2.0-only
/*
 * private.c - ZU_IOC_PRIVATE_MOUNT: devices and memory for a tool, without a mount
 *
 * For programs like mkfs and fsck that link a plugin. The ioctl opens the devices and makes an
 * sb_id, with which the program grabs the memory. The VFS does not know of it, and no channel is
 * needed. It ends with the ioctl (is_umount) or with the file.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "devset.h"
#include "private.h"
#include "sbid.h"
#include "special.h"

struct zuf_private {
	struct zuf_sbid *sbid;	/* under sp->lock; NULL: the private mount has ended */
};

/* Read the whole argument with its options, which end within it. Return: a copy, or ERR_PTR. */
static struct zufs_ioc_mount_private *private_read(void __user *arg)
{
	struct zufs_ioc_mount_private *pm;
	struct zufs_ioc_hdr hdr;

	if (copy_from_user(&hdr, arg, sizeof(hdr)))
		return ERR_PTR(-EFAULT);
	if (hdr.in_len < sizeof(*pm) || hdr.in_len > PAGE_SIZE)
		return ERR_PTR(-EINVAL);
	pm = kzalloc(hdr.in_len + 1, GFP_KERNEL_ACCOUNT);
	if (!pm)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(pm, arg, hdr.in_len)) {
		kfree(pm);
		return ERR_PTR(-EFAULT);
	}
	pm->hdr.in_len = hdr.in_len;
	return pm;
}

/*
 * Take "zpmdev=PATH" out of the comma-separated options; NULL: there is none. The options behind
 * it move up.
 */
static char *private_take_device(char *options)
{
	static const char key[] = ZUFS_PMDEV_OPT "=";
	char *word = options, *end, *path;

	while (*word) {
		end = strchrnul(word, ',');
		if (!strncmp(word, key, strlen(key))) {
			path = kmemdup_nul(word + strlen(key), end - word - strlen(key),
					   GFP_KERNEL);
			if (*end)
				end++;
			else if (word > options)
				word--;
			memmove(word, end, strlen(end) + 1);
			return path ?: ERR_PTR(-ENOMEM);
		}
		if (!*end)
			break;
		word = end + 1;
	}
	return NULL;
}

static int private_open(struct zuf_special *sp, struct zuf_private *priv,
			struct zufs_ioc_mount_private *pm)
{
	struct zuf_devset_spec spec = {
		.magic = pm->rfi.FS_magic,
		.ver_major = pm->rfi.FS_ver_major,
		.ver_minor = pm->rfi.FS_ver_minor,
		.dt_offset = pm->rfi.dt_offset,
		.holder = priv,
	};
	char *path = private_take_device(ZUFS_TAIL(pm, zmi.po.mount_options));
	struct zuf_devset *devs;
	int err;

	if (IS_ERR_OR_NULL(path))
		return path ? PTR_ERR(path) : -EINVAL;
	devs = path[0] == '/' ? zuf_devset_open(path, &spec) : ERR_PTR(-EINVAL);
	kfree(path);
	if (IS_ERR(devs))
		return PTR_ERR(devs);
	err = zuf_devset_load_shadow(devs, NULL);
	if (!err) {
		priv->sbid = zuf_sbid_create(sp->root, devs, 0, NULL);
		err = PTR_ERR_OR_ZERO(priv->sbid);
	}
	/* the id has a reference of its own */
	zuf_devset_put(devs);
	return err;
}

static void private_end(struct zuf_private *priv)
{
	if (!priv->sbid)
		return;
	zuf_sbid_close(priv->sbid);
	zuf_sbid_put(priv->sbid);
	priv->sbid = NULL;
}

static int private_mount(struct zuf_special *sp, struct zufs_ioc_mount_private *pm)
{
	struct zuf_private *priv;
	int err;

	lockdep_assert_held(&sp->lock);
	if (sp->role != ZUF_ROLE_NONE)
		return -EINVAL;
	priv = kzalloc(sizeof(*priv), GFP_KERNEL_ACCOUNT);
	if (!priv)
		return -ENOMEM;
	err = private_open(sp, priv, pm);
	if (err) {
		kfree(priv);
		return err;
	}
	pm->zmi.sb_id = priv->sbid->ep.id;
	pm->zmi.po.mount_flags |= ZUFS_M_PRIVATE;
	sp->private = priv;
	zuf_special_set_role(sp, ZUF_ROLE_PRIVATE);
	return 0;
}

long zuf_ioc_private_mount(struct zuf_special *sp, void __user *arg)
{
	struct zufs_ioc_mount_private *pm = private_read(arg);
	int err = 0;

	if (IS_ERR(pm))
		return PTR_ERR(pm);
	mutex_lock(&sp->lock);
	if (!pm->is_umount)
		err = private_mount(sp, pm);
	else if (sp->role == ZUF_ROLE_PRIVATE)
		private_end(sp->private);
	else
		err = -EINVAL;
	mutex_unlock(&sp->lock);
	pm->hdr.err = err;
	if (copy_to_user(arg, pm, pm->hdr.in_len))
		err = -EFAULT;
	kfree(pm);
	return err;
}

void zuf_private_release(struct zuf_special *sp)
{
	private_end(sp->private);
	kfree(sp->private);
}
