// SPDX-License-Identifier: BSD-2-Clause
/*
 * plugin.c - coldfs as the server sees it: memofs's operations, those of data.c, a
 * tiering thread per mount, and a remote control
 *
 *	stats		counters, a line each
 *	down		move everything to T2 that nobody holds; returns when it is there
 *	pause, resume	the tiering
 */
#include "cold.h"

#include <string.h>

extern const struct zus_plugin memofs_plugin;	/* memofs's own table */

#define MEMOFS(op)	(memofs_plugin.ops->op)

/* ---- remote control ---- */

static void print_stats(struct cold_sb *csb, FILE *out)
{
	struct cold_stats s = csb->stats;
	unsigned long long t2_used;

	pthread_mutex_lock(&csb->lock);
	t2_used = csb->t2_blocks - csb->t2_free - zus_md_t2_count(&csb->msb.sb.md->mdt);
	pthread_mutex_unlock(&csb->lock);
#define PRINT(field)	fprintf(out, #field " %llu\n", (unsigned long long)s.field)
	PRINT(down);
	PRINT(up);
	PRINT(down_lists);
	PRINT(up_lists);
	PRINT(down_errors);
	PRINT(up_errors);
	PRINT(kept);
	PRINT(held);
	PRINT(held_max);
	fprintf(out, "t1_free %llu\nt1_usable %llu\nt2_used %llu\n",
		(unsigned long long)memofs_blocks_left(&csb->msb),
		(unsigned long long)csb->msb.usable, t2_used);
}

static void set_paused(struct cold_sb *csb, bool paused)
{
	pthread_mutex_lock(&csb->lock);
	csb->paused = paused;
	pthread_cond_signal(&csb->kick);
	pthread_cond_broadcast(&csb->moved);
	pthread_mutex_unlock(&csb->lock);
}

static void run_line(void *arg, char *line, FILE *out)
{
	struct cold_sb *csb = arg;

	if (!strcmp(line, "stats"))
		print_stats(csb, out);
	else if (!strcmp(line, "down"))
		cold_down_all(csb);
	else if (!strcmp(line, "pause"))
		set_paused(csb, true);
	else if (!strcmp(line, "resume"))
		set_paused(csb, false);
	else
		fprintf(out, "error: unknown word \"%s\"\n", line);
}

/* ---- super-block ---- */

static int cold_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct cold_sb *csb = cold_sb_of(sb);
	struct ctl_options options;
	struct zus_mount memofs = *m;
	int err = ctl_split_options(m->options, &options);

	if (err)
		return err;
	memofs.options = options.rest;
	pthread_mutex_init(&csb->lock, NULL);
	pthread_cond_init(&csb->kick, NULL);
	pthread_cond_init(&csb->moved, NULL);
	TAILQ_INIT(&csb->files);
	if (sb->md->t2_blocks < 2) {
		zus_err(sb->env, "coldfs: needs a T2 device");
		return -EINVAL;
	}
	err = cold_t2_init(csb);
	if (err)
		return err;
	err = MEMOFS(mount)(sb, &memofs);
	if (err)
		goto err_t2;
	/* blocks come up one by one, and go down whoever has them mapped: the kernel waits */
	sb->fs_caps &= ~(ZUFS_FSC_MMAP_2M | ZUFS_FSC_QUARANTINE);
	if (!options.kept)
		sb->fs_caps |= ZUFS_FSC_RETRY_MOVES;
	err = cold_down_start(csb);
	if (err)
		goto err_umount;
	err = ctl_start(&csb->ctl, sb->env, options.name, run_line, csb);
	if (err)
		goto err_stop;
	return 0;

err_stop:
	cold_down_stop(csb);
err_umount:
	MEMOFS(umount)(sb);
err_t2:
	cold_t2_fini(csb);
	return err;
}

/* Its threads; what is cold stays so, and comes up by its readers' own lists. */
static void cold_server_stop(struct zus_sb *sb)
{
	struct cold_sb *csb = cold_sb_of(sb);

	set_paused(csb, false);
	ctl_stop(csb->ctl);
	csb->ctl = NULL;
	cold_down_stop(csb);
}

static void cold_umount(struct zus_sb *sb)
{
	struct cold_sb *csb = cold_sb_of(sb);

	cold_server_stop(sb);
	MEMOFS(umount)(sb);
	cold_t2_fini(csb);
	if (csb->stats.held)
		zus_err(sb->env, "coldfs: %llu blocks were never put",
			(unsigned long long)csb->stats.held);
}

static int cold_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	return MEMOFS(remount)(sb, m);
}

static int cold_statfs(struct zus_sb *sb, struct statfs64 *st)
{
	struct cold_sb *csb = cold_sb_of(sb);
	int err = MEMOFS(statfs)(sb, st);

	pthread_mutex_lock(&csb->lock);
	st->f_blocks += csb->t2_blocks;
	st->f_bfree += csb->t2_free;
	st->f_bavail = st->f_bfree;
	pthread_mutex_unlock(&csb->lock);
	return err;
}

static ssize_t cold_show_options(struct zus_sb *sb, char *buf, size_t size)
{
	return MEMOFS(show_options)(sb, buf, size);
}

static const struct zus_fs_ops cold_ops = {
	.mount = cold_mount,
	.umount = cold_umount,
	.server_stop = cold_server_stop,
	.remount = cold_remount,
	.statfs = cold_statfs,
	.show_options = cold_show_options,
	/* memofs */
	.free_inode = memofs_free_inode,
	.evict = memofs_evict,
	.iget = memofs_iget,
	.new_inode = memofs_new_inode,
	.lookup = memofs_lookup,
	.add_dentry = memofs_add_dentry,
	.remove_dentry = memofs_remove_dentry,
	.rename = memofs_rename,
	.readdir = memofs_readdir,
	.getxattr = memofs_getxattr,
	.setxattr = memofs_setxattr,
	.listxattr = memofs_listxattr,
	/* data.c */
	.read = memofs_read,
	.write = memofs_write,
	.get_blocks = memofs_get_blocks,
	.put_blocks = memofs_put_blocks,
	.pre_read = cold_pre_read,
	.truncate = memofs_truncate,
	.seek = memofs_seek,
};

const struct zus_plugin zus_plugin = {
	ZUS_PLUGIN_HEAD,
	.sb_size = sizeof(struct cold_sb),
	.name = "coldfs",
	.info = {
		.fsname = "coldfs",
		.FS_magic = MEMOFS_MAGIC,	/* mkfs.memofs makes it */
		.FS_ver_major = MEMOFS_VER_MAJOR,
		.FS_ver_minor = MEMOFS_VER_MINOR,
		.dt_offset = 0,
		.s_maxbytes = COLD_MAX_BLOCKS << ZUS_BLOCK_SHIFT,
		.s_time_gran = 1,
		.def_mode = 0755,
	},
	.ops = &cold_ops,
};
