// SPDX-License-Identifier: BSD-2-Clause
/*
 * plugin.c - drillfs as the server sees it: memofs's table with the data operations of
 * ops.c, scratch memory for lists, and the remote control
 */
#include "drill.h"

#include <string.h>

#define MEM_ORDER	6		/* DRILL_MEM_PAGES */

extern const struct zus_plugin memofs_plugin;	/* memofs's own table */

#define MEMOFS(op)	(memofs_plugin.ops->op)

/* ---- scratch memory ---- */

static void scratch_fini(struct drill_sb *d, uint64_t n)
{
	while (n)
		memofs_blocks_free(&d->msb, d->scratch + --n, 1);
}

/* Neighbours, which the allocator gives in a fresh file system. */
static int scratch_init(struct drill_sb *d)
{
	uint64_t n, bn;

	d->scratch = memofs_block_alloc(&d->msb);
	for (n = 1; d->scratch && n < DRILL_SCRATCH; n++) {
		bn = memofs_block_alloc(&d->msb);
		if (bn == d->scratch + n)
			continue;
		if (bn)
			memofs_blocks_free(&d->msb, bn, 1);
		scratch_fini(d, n);
		return -ENOSPC;
	}
	return d->scratch ? 0 : -ENOSPC;
}

/* ---- super-block ---- */

static int drill_init(struct drill_sb *d)
{
	const struct zus_env *env = d->msb.sb.env;
	int err;

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	LIST_INIT(&d->contracts);
	err = drill_moves_init(d);
	if (err)
		return err;
	d->rules = zus_alloc_array(env, DRILL_MAX_RULES, sizeof(*d->rules));
	d->mem = zus_page_alloc(env, MEM_ORDER);
	if (d->rules && d->mem)
		return 0;
	return -ENOMEM;
}

static void drill_fini(struct drill_sb *d)
{
	const struct zus_env *env = d->msb.sb.env;

	if (d->mem)
		zus_page_free(env, d->mem, MEM_ORDER);
	zus_free(env, d->rules);
}

static int drill_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct drill_sb *d = drill_sb_of(sb);
	struct ctl_options options;
	struct zus_mount memofs = *m;
	int err = ctl_split_options(m->options, &options);

	if (err)
		return err;
	memofs.options = options.rest;
	err = drill_init(d);
	if (err)
		goto err_init;
	err = MEMOFS(mount)(sb, &memofs);
	if (err)
		goto err_init;
	/* it moves blocks beside memofs */
	sb->fs_caps &= ~ZUFS_FSC_QUARANTINE;
	if (!options.kept)
		sb->fs_caps |= ZUFS_FSC_RETRY_MOVES;
	err = scratch_init(d);
	if (err)
		goto err_umount;
	err = ctl_start(&d->ctl, sb->env, options.name, drill_command, d);
	if (err)
		goto err_scratch;
	return 0;

err_scratch:
	scratch_fini(d, DRILL_SCRATCH);
err_umount:
	MEMOFS(umount)(sb);
err_init:
	drill_fini(d);
	return err;
}

static void drill_server_stop(struct zus_sb *sb)
{
	struct drill_sb *d = drill_sb_of(sb);

	ctl_stop(d->ctl);
	d->ctl = NULL;
	drill_flip_stop(d);
}

static void drill_umount(struct zus_sb *sb)
{
	struct drill_sb *d = drill_sb_of(sb);
	uint64_t lost;

	ctl_stop(d->ctl);
	zus_iomap_drain(sb);
	drill_flip_stop(d);
	scratch_fini(d, DRILL_SCRATCH);
	drill_moves_fini(d);
	MEMOFS(umount)(sb);
	lost = drill_contracts_drop(d);
	if (lost || d->stats.bad_puts || d->stats.async)
		zus_err(sb->env, "drillfs: %llu gets without a put, %llu bad puts, %llu lists left",
			(unsigned long long)lost, (unsigned long long)d->stats.bad_puts,
			(unsigned long long)d->stats.async);
	drill_fini(d);
}

static int drill_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	return MEMOFS(remount)(sb, m);
}

static int drill_statfs(struct zus_sb *sb, struct statfs64 *st)
{
	return MEMOFS(statfs)(sb, st);
}

static ssize_t drill_show_options(struct zus_sb *sb, char *buf, size_t size)
{
	return MEMOFS(show_options)(sb, buf, size);
}

static const struct zus_fs_ops drill_ops = {
	.mount = drill_mount,
	.umount = drill_umount,
	.server_stop = drill_server_stop,
	.remount = drill_remount,
	.statfs = drill_statfs,
	.show_options = drill_show_options,
	/* memofs */
	.free_inode = memofs_free_inode,
	.evict = memofs_evict,
	.iget = memofs_iget,
	.new_inode = memofs_new_inode,
	.lookup = memofs_lookup,
	.rename = memofs_rename,
	.readdir = memofs_readdir,
	.getxattr = memofs_getxattr,
	.setxattr = memofs_setxattr,
	.listxattr = memofs_listxattr,
	.seek = memofs_seek,
	.fiemap = memofs_fiemap,
	/* ops.c */
	.add_dentry = drill_add_dentry,
	.remove_dentry = drill_remove_dentry,
	.setattr = drill_setattr,
	.read = drill_read,
	.write = drill_write,
	.get_blocks = drill_get_blocks,
	.put_blocks = drill_put_blocks,
	.pre_read = drill_pre_read,
	.truncate = drill_truncate,
	.fallocate = drill_fallocate,
	.clone = drill_clone,
	.sync = drill_sync,
	.ioctl = drill_ioctl,
	.ioctls = drill_ioctls,
};

const struct zus_plugin zus_plugin = {
	ZUS_PLUGIN_HEAD,
	.sb_size = sizeof(struct drill_sb),
	.name = "drillfs",
	.info = {
		.fsname = "drillfs",
		.FS_magic = MEMOFS_MAGIC,	/* mkfs.memofs makes it */
		.FS_ver_major = MEMOFS_VER_MAJOR,
		.FS_ver_minor = MEMOFS_VER_MINOR,
		.dt_offset = 0,
		.s_maxbytes = MEMOFS_MAX_BYTES,
		.s_time_gran = 1,
		.def_mode = 0755,
	},
	.ops = &drill_ops,
};
