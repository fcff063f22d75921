// SPDX-License-Identifier: GPL-2.0-only
/*
 * mountmsg.c - M_MOUNT and M_REMOUNT, which carry the options behind the message
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "devset.h"
#include "mounter.h"
#include "mountmsg.h"
#include "root.h"
#include "sb.h"
#include "type.h"

/* Mount flags for the server: nothing will be written, or some devices cannot be written to. */
static u64 mount_flags(const struct zuf_sb *zsb, bool read_only)
{
	return zsb->opt.flags | (read_only ? ZUFS_M_RDONLY : 0) |
	       (zsb->devs->is_protected ? ZUFS_M_PROTECTED : 0);
}

static struct zufs_ioc_mount *mountmsg_create(struct zuf_sb *zsb, u16 operation, bool read_only)
{
	const char *text = zsb->opt.server ?: "";
	size_t text_size = strlen(text) + 1;
	struct zufs_ioc_mount *msg = kzalloc(sizeof(*msg) + text_size, GFP_KERNEL);

	if (!msg)
		return NULL;
	msg->hdr = (struct zufs_ioc_hdr)ZUF_MNT_HDR(operation, sizeof(*msg));
	msg->hdr.in_len = sizeof(*msg) + text_size;
	msg->zmi.zus_zfi = zsb->zus_zfi;
	msg->zmi.num_cpu = num_possible_cpus();
	msg->zmi.num_channels = ZUF_NUM_CHANNELS;
	msg->zmi.zus_sbi = zsb->zus_sbi;
	msg->zmi.po.mount_flags = mount_flags(zsb, read_only);
	msg->zmi.po.pedantic = zsb->opt.pedantic;
	msg->zmi.po.mount_options_len = text_size;
	memcpy(ZUFS_TAIL(msg, zmi.po.mount_options), text, text_size);
	return msg;
}

int zuf_mountmsg_mount(struct zuf_sb *zsb, struct zufs_mount_info *answer)
{
	struct zufs_ioc_mount *msg = mountmsg_create(zsb, ZUFS_M_MOUNT, zsb->devs->read_only);
	int err;

	if (!msg)
		return -ENOMEM;
	msg->zmi.sb_id = zsb->sb_id;
	err = zuf_mounter_call(&zsb->root->peer, zsb->server_gen, msg);
	pr_debug("sb %llu: mount of type %s, options \"%s\": %d\n", zsb->sb_id,
		 zsb->type->name, zsb->opt.server ?: "", err);
	if (!err)
		*answer = msg->zmi;
	kfree(msg);
	return err;
}

int zuf_mountmsg_remount(struct zuf_sb *zsb, bool was_ro, bool will_ro)
{
	struct zufs_ioc_mount *msg;
	int err;

	if (!zuf_root_is_live(zsb->root, zsb->server_gen))
		return -EIO;
	msg = mountmsg_create(zsb, ZUFS_M_REMOUNT, will_ro);
	if (!msg)
		return -ENOMEM;
	if (was_ro)
		msg->zmi.remount_flags |= ZUFS_REM_WAS_RO;
	if (will_ro)
		msg->zmi.remount_flags |= ZUFS_REM_WILL_RO;
	err = zuf_mounter_call(&zsb->root->peer, zsb->server_gen, msg);
	pr_debug("sb %llu: remount, options \"%s\": %d\n", zsb->sb_id, zsb->opt.server ?: "",
		 err);
	kfree(msg);
	return err;
}
