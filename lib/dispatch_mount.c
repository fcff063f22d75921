// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch of the mount thread's messages: mount, umount, remount, dynamic debug.
 *
 * Called by one thread per feeder. Owns the life of super-blocks: allocated here at mount
 * with the plugin's size, freed after its umount. The devices come from the feeder (grab) and
 * go back to it.
 */
#include <zus/server.h>

#include <errno.h>
#include <string.h>
#include <zus/iomap.h>
#include <zus/log.h>
#include <zus/thread.h>
#include "internal.h"

/* Options as a C string inside of the message, "" if there are none, NULL if malformed. */
static const char *options_of(const struct zufs_ioc_mount *msg, size_t size)
{
	const struct zufs_parse_options *po = &msg->zmi.po;
	const char *text = ZUFS_TAIL(po, mount_options);

	if (!po->mount_options_len)
		return "";
	if (po->mount_options_len > size - sizeof(*msg))
		return NULL;
	return memchr(text, 0, po->mount_options_len) ? text : NULL;
}

static int mount_args(const struct zufs_ioc_mount *msg, size_t size, struct zus_mount *m)
{
	const struct zufs_mount_info *zmi = &msg->zmi;

	*m = (struct zus_mount){
		.options = options_of(msg, size),
		.flags = zmi->po.mount_flags,
		.remount_flags = zmi->remount_flags,
		.pedantic = zmi->po.pedantic,
		.num_cpu = zmi->num_cpu,
		.num_channels = zmi->num_channels,
		/* as many as there can ever be, whatever this root wants now */
		.num_threads = (uint32_t)zmi->num_cpu * ZUFS_MAX_ZT_CHANNELS + ZUS_THREADS_OTHER,
	};
	return m->options ? 0 : -EINVAL;
}

/* Of a read-only type every mount is one, whoever asks for it. */
static void make_read_only(const struct zus_type *type, struct zus_mount *m)
{
	if (zus_type_is_read_only(type))
		m->flags |= ZUFS_M_RDONLY;
}

static int fill_mount_answer(struct zus_sb *sb, struct zufs_mount_info *zmi)
{
	int err = zus_check_handle(sb, sb->root, "mount");

	if (err)
		return err;
	if (!sb->blocksize_bits)
		sb->blocksize_bits = ZUS_BLOCK_SHIFT;
	zmi->zus_sbi = zus_cookie(sb);
	zmi->zus_ii = zus_cookie(sb->root);
	zmi->_zi = zus_t1_dpp(sb->md, sb->root->zi);
	/* what the core knows by itself comes on top */
	zmi->fs_caps = sb->fs_caps | ZUFS_FSC_XATTR_WINDOW | ZUFS_FSC_EVICT_RIDES |
		       (sb->type->ops.iget ? ZUFS_FSC_IGET : 0) |
		       (sb->type->ops.get_label ? ZUFS_FSC_LABEL : 0) |
		       (sb->type->ops.ioctls ? ZUFS_FSC_IOCTLS : 0) |
		       (sb->type->ops.put_write ? ZUFS_FSC_PUT_RESULT : 0);
	/* a name that exists can be opened, and only the plugin could say whether it does */
	if (zus_type_is_read_only(sb->type))
		zmi->fs_caps &= ~(uint32_t)ZUFS_FSC_NEW_EXCL;
	zmi->s_blocksize_bits = sb->blocksize_bits;
	zmi->nio_write_min = sb->nio_write_min;
	return 0;
}

static int checked(int err)
{
	return err > 0 || err < -4095 || err == -EZUFS_RETRY ? -EIO : err;
}

static int do_mount(const struct zus_host *host, struct zufs_ioc_mount *msg, size_t size)
{
	struct zus_type *type = (struct zus_type *)(uintptr_t)msg->zmi.zus_zfi;
	struct zus_mount m;
	struct zus_md *md;
	struct zus_sb *sb;
	int err;

	err = mount_args(msg, size, &m);
	if (err)
		return err;
	make_read_only(type, &m);
	sb = type->env->alloc(type->env, type->plugin->sb_size);
	if (!sb)
		return -ENOMEM;
	err = host->grab(host->ctx, msg->zmi.sb_id, &md);
	if (err)
		goto err_free;
	sb->env = type->env;
	sb->md = md;
	sb->plugin = type->plugin;
	sb->type = type;
	sb->kern_id = msg->zmi.sb_id;
	err = checked(type->ops.mount(sb, &m));
	if (err)
		goto err_release;
	if (sb->fs_caps & ZUFS_FSC_QUARANTINE)
		err = type->ops.blocks_free ? zus_quarantine_create(sb) : -EINVAL;
	if (!err)
		err = fill_mount_answer(sb, &msg->zmi);
	if (err)
		goto err_umount;
	zus_type_add_mount(type, sb);
	zus_dbg(sb->env, "sb %llu: mounted, type %s, options \"%s\"",
		(unsigned long long)sb->kern_id, type->plugin->name, m.options);
	return 0;

err_umount:
	zus_quarantine_destroy(sb);
	if (type->ops.umount)
		type->ops.umount(sb);
err_release:
	zus_iomap_drain(sb);
	host->release(host->ctx, md);
err_free:
	type->env->free(type->env, sb);
	return err;
}

static int do_umount(const struct zus_host *host, struct zufs_ioc_mount *msg)
{
	struct zus_sb *sb = zus_sb_of(msg->zmi.zus_sbi);
	const struct zus_env *env;

	if (!sb)
		return -EINVAL;
	env = sb->env;
	zus_dbg(env, "sb %llu: unmount", (unsigned long long)sb->kern_id);
	zus_type_remove_mount(sb->type, sb);
	zus_quarantine_destroy(sb);
	if (sb->type->ops.umount)
		sb->type->ops.umount(sb);
	/* a callback of the plugin's that still comes finds its super-block */
	zus_iomap_drain(sb);
	host->release(host->ctx, (struct zus_md *)sb->md);
	env->free(env, sb);
	return 0;
}

static bool to_writable(uint64_t remount_flags)
{
	return (remount_flags & ZUFS_REM_WAS_RO) && !(remount_flags & ZUFS_REM_WILL_RO);
}

static int do_remount(struct zufs_ioc_mount *msg, size_t size)
{
	struct zus_sb *sb = zus_sb_of(msg->zmi.zus_sbi);
	struct zus_mount m;
	int err;

	if (!sb)
		return -EINVAL;
	err = mount_args(msg, size, &m);
	if (!err && zus_type_is_read_only(sb->type) && to_writable(m.remount_flags))
		err = -EROFS;
	if (err || !sb->type->ops.remount)
		return err;
	make_read_only(sb->type, &m);
	err = checked(sb->type->ops.remount(sb, &m));
	zus_dbg(sb->env, "sb %llu: remount, options \"%s\": %d",
		(unsigned long long)sb->kern_id, m.options, err);
	return err;
}

static int do_ddbg_read(struct zufs_ioc_mount *msg, size_t size)
{
	size_t start = offsetof(struct zufs_ioc_mount, zdi.msg);
	size_t room = size < UINT16_MAX ? size - start : UINT16_MAX - start;
	uint64_t id = msg->zdi.id;

	if (msg->zdi.len < room)
		room = msg->zdi.len;
	msg->zdi.len = zus_ddbg_read(&id, ZUFS_TAIL(&msg->zdi, msg), room);
	msg->zdi.id = id;
	msg->hdr.out_len = (uint16_t)(start + msg->zdi.len);
	return 0;
}

static int do_ddbg_write(struct zufs_ioc_mount *msg, size_t size)
{
	const char *text = ZUFS_TAIL(&msg->zdi, msg);
	size_t room = size - offsetof(struct zufs_ioc_mount, zdi.msg);
	int n;

	if (!memchr(text, 0, room))
		return -EINVAL;
	n = zus_ddbg_write(text);
	return n < 0 ? n : 0;
}

static int run(const struct zus_host *host, struct zufs_ioc_mount *msg, size_t size)
{
	switch (msg->hdr.operation) {
	case ZUFS_M_MOUNT:
		return do_mount(host, msg, size);
	case ZUFS_M_UMOUNT:
		return do_umount(host, msg);
	case ZUFS_M_REMOUNT:
		return do_remount(msg, size);
	case ZUFS_M_DDBG_RD:
		return do_ddbg_read(msg, size);
	case ZUFS_M_DDBG_WR:
		return do_ddbg_write(msg, size);
	default:
		zus_warn(zus_env_default(), "mount message %u is unknown",
			 (unsigned int)msg->hdr.operation);
		return -EOPNOTSUPP;
	}
}

void zus_dispatch_mount(const struct zus_host *host, struct zufs_ioc_mount *msg,
			size_t size)
{
	zus_current_set_mount(msg);
	msg->hdr.err = run(host, msg, size);
	zus_current_set_mount(NULL);
}
