// SPDX-License-Identifier: BSD-2-Clause
/*
 * Private mounts (see zus/private.h): ZU_IOC_PRIVATE_MOUNT on a special file, then GRAB_PMEM with
 * the id that it gave.
 */
#include <zus/private.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zus/channel.h>

#include "internal.h"

/* The argument with its options behind it, as long as these are. */
static struct zufs_ioc_mount_private *make_arg(const struct register_fs_info *info,
					       const char *device)
{
	static const char key[] = ZUFS_PMDEV_OPT "=";
	size_t len = sizeof(key) - 1 + strlen(device) + 1;
	struct zufs_ioc_mount_private *arg = calloc(1, sizeof(*arg) + len);
	char *options;

	if (!arg)
		return NULL;
	options = ZUFS_TAIL(arg, zmi.po.mount_options);
	memcpy(options, key, sizeof(key) - 1);
	memcpy(options + sizeof(key) - 1, device, strlen(device));
	arg->hdr.in_len = (uint16_t)(sizeof(*arg) + len);
	arg->zmi.po.mount_options_len = (uint32_t)len;
	arg->rfi = *info;
	return arg;
}

int zus_private_mount(struct zus_private *p, int root_fd, const struct register_fs_info *info,
		      const char *device)
{
	struct zufs_ioc_mount_private *arg;
	int err;

	/* a comma would end it */
	if (device[0] != '/' || strchr(device, ',') || strlen(device) >= 4096 - sizeof(*arg) - 16)
		return -EINVAL;
	p->root_fd = root_fd;
	p->fd = zus_special_open(root_fd);
	if (p->fd < 0)
		return p->fd;
	arg = make_arg(info, device);
	err = arg ? zus_special_ioctl(p->fd, ZU_IOC_PRIVATE_MOUNT, arg) : -ENOMEM;
	if (!err) {
		p->sb_id = arg->zmi.sb_id;
		err = zus_pmem_grab(&p->root_fd, p->sb_id, &p->md);
	}
	free(arg);
	if (err)
		close(p->fd);
	return err;
}

void zus_private_umount(struct zus_private *p)
{
	zus_pmem_release(&p->root_fd, p->md);
	/* the end of the file is that of the mount */
	close(p->fd);
	p->fd = -1;
}
