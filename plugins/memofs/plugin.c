// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs as the server sees it: the table of operations, mount, options.
 *
 * Start reading here: the table at the end names every operation, and the file of each one
 * tells the rest. Mount, umount and remount are called by one thread, statfs and show_options
 * by any.
 */
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zus/opt.h>
#include <zus/pmem.h>

_Static_assert(MDT_LABEL_SIZE == ZUFS_LABEL_SIZE, "what programs set is what is kept");

static const struct zus_opt memofs_options[] = {
	{ "size", ZUS_OPT_SIZE, offsetof(struct memofs_opts, size), 0 },
	{ "nr_inodes", ZUS_OPT_SIZE, offsetof(struct memofs_opts, nr_inodes), 0 },
	{ "uid", ZUS_OPT_U64, offsetof(struct memofs_opts, uid), 0 },
	{ "gid", ZUS_OPT_U64, offsetof(struct memofs_opts, gid), 0 },
	{ "mode", ZUS_OPT_OCTAL, offsetof(struct memofs_opts, mode), 07777 },
	{ "mapped", ZUS_OPT_SET, offsetof(struct memofs_opts, mapped), 1 },
	{ "nio", ZUS_OPT_SET, offsetof(struct memofs_opts, mapped), 0 },
	{ "noquarantine", ZUS_OPT_SET, offsetof(struct memofs_opts, waits), 1 },
	{ NULL, ZUS_OPT_IGNORE, 0, 0 }
};

/* The options of a mount on top of what *o holds already. */
static int parse_options(const struct zus_sb *sb, const char *text, struct memofs_opts *o)
{
	char bad[80];

	if (zus_opt_parse(text, memofs_options, o, bad, sizeof(bad))) {
		zus_err(sb->env, "memofs: %s", bad);
		return -EINVAL;
	}
	if (o->uid >= UINT32_MAX || o->gid >= UINT32_MAX) {
		zus_err(sb->env, "memofs: uid= and gid= must be below %u", UINT32_MAX);
		return -EINVAL;
	}
	return 0;
}

static int make_root(struct memofs_sb *msb)
{
	const struct memofs_opts *o = &msb->opts;
	uint32_t mode = o->mode;
	struct zus_inode zi = { 0 };
	struct memofs_inode *root;
	int err;

	if (mode == MEMOFS_DEFAULT_MODE)
		mode = msb->sb.plugin->info.def_mode & 07777;
	zus_zi_set_mode(&zi, (uint16_t)(S_IFDIR | mode));
	zus_zi_set_owner(&zi, (uint32_t)o->uid, (uint32_t)o->gid);
	zus_zi_set_times(&zi, msb->sb.env->now_ns(msb->sb.env));
	err = memofs_inode_new(msb, &zi, &root);
	if (err)
		return err;
	memofs_dir_init(root, root->ino);
	zus_zi_add_nlink(root->ii.zi, 1);	/* the mount point's name */
	msb->sb.root = &root->ii;
	return 0;
}

static int memofs_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct memofs_sb *msb = memofs_sb_of(sb);
	int err;

	msb->opts.mode = MEMOFS_DEFAULT_MODE;
	err = parse_options(sb, m->options, &msb->opts);
	if (err)
		return err;
	if (getentropy(msb->hash_seed, sizeof(msb->hash_seed)))
		return -errno;
	err = memofs_blocks_init(msb, msb->opts.size);
	if (err)
		return err;
	memofs_heaps_init(msb);
	err = memofs_inodes_init(msb);
	if (err)
		goto err_blocks;
	err = make_root(msb);
	if (err)
		goto err_inodes;
	sb->blocksize_bits = ZUS_BLOCK_SHIFT;
	sb->fs_caps = ZUFS_FSC_ACL_ON | ZUFS_FSC_MMAP_2M | ZUFS_FSC_NEW_EXCL |
		ZUFS_FSC_NEW_XATTRS | ZUFS_FSC_BTIME | ZUFS_FSC_WHITEOUT | ZUFS_FSC_ACL_MODE;
	if (!msb->opts.waits)
		sb->fs_caps |= ZUFS_FSC_QUARANTINE;
	if (!msb->opts.mapped)
		sb->fs_caps |= ZUFS_FSC_NIO_READS | ZUFS_FSC_NIO_WRITES;
	zus_dbg(sb->env, "mounted with %llu blocks", (unsigned long long)msb->usable);
	return 0;

err_inodes:
	memofs_inodes_fini(msb);
err_blocks:
	memofs_blocks_fini(msb);
	return err;
}

static void memofs_umount(struct zus_sb *sb)
{
	struct memofs_sb *msb = memofs_sb_of(sb);
	uint64_t missing, bytes;

	memofs_inodes_fini(msb);
	memofs_owners_fini(msb);
	missing = msb->usable - memofs_blocks_left(msb) + msb->reserve.max - msb->reserve.count;
	bytes = msb->nodes.bytes + msb->names.bytes + msb->handles.bytes + msb->xattrs.bytes;
	if (missing || msb->inodes || bytes)
		zus_err(sb->env, "memofs: %llu blocks, %llu inodes, %llu bytes of memory were lost",
			(unsigned long long)missing, (unsigned long long)msb->inodes,
			(unsigned long long)bytes);
	memofs_blocks_fini(msb);
}

/* The number of inodes may change; what is about the root directory was for its birth only. */
static int memofs_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct memofs_sb *msb = memofs_sb_of(sb);
	struct memofs_opts o = msb->opts;
	int err;

	err = parse_options(sb, m->options, &o);
	if (err)
		return err;
	if (o.size != msb->opts.size) {
		zus_err(sb->env, "memofs: a remount cannot change size=");
		return -EINVAL;
	}
	if (o.mapped != msb->opts.mapped) {
		zus_err(sb->env, "memofs: a remount cannot change the way of I/O");
		return -EINVAL;
	}
	if (o.waits != msb->opts.waits) {
		zus_err(sb->env, "memofs: a remount cannot change noquarantine");
		return -EINVAL;
	}
	if (o.nr_inodes && o.nr_inodes < __atomic_load_n(&msb->inodes, __ATOMIC_RELAXED)) {
		zus_err(sb->env, "memofs: more than nr_inodes=%llu inodes are in use",
			(unsigned long long)o.nr_inodes);
		return -EINVAL;
	}
	__atomic_store_n(&msb->opts.nr_inodes, o.nr_inodes, __ATOMIC_RELAXED);
	return 0;
}

static int memofs_statfs(struct zus_sb *sb, struct statfs64 *st)
{
	const struct memofs_sb *msb = memofs_sb_of(sb);
	uint64_t used = __atomic_load_n(&msb->inodes, __ATOMIC_RELAXED);
	uint64_t max = __atomic_load_n(&msb->opts.nr_inodes, __ATOMIC_RELAXED);
	uint64_t handles = memofs_heap_left(&msb->handles) / sizeof(struct memofs_inode);

	st->f_blocks = msb->usable;
	st->f_bfree = memofs_blocks_left(msb);
	st->f_bavail = st->f_bfree;
	/* without a limit: as many as the free blocks and the memory of handles could hold */
	st->f_files = max ? max : used + memofs_min(st->f_bfree * MEMOFS_PER_BLOCK, handles);
	st->f_ffree = st->f_files > used ? st->f_files - used : 0;
	return 0;
}

static ssize_t memofs_show_options(struct zus_sb *sb, char *buf, size_t size)
{
	const struct memofs_opts *o = &memofs_sb_of(sb)->opts;
	char text[160];
	int n;

	n = snprintf(text, sizeof(text), o->mapped ? ",mapped" : ",nio");
	if (o->waits)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",noquarantine");
	if (o->size)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",size=%lluk",
			      (unsigned long long)o->size >> 10);
	if (o->nr_inodes)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",nr_inodes=%llu",
			      (unsigned long long)o->nr_inodes);
	if (o->uid)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",uid=%u", (uint32_t)o->uid);
	if (o->gid)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",gid=%u", (uint32_t)o->gid);
	if (o->mode != MEMOFS_DEFAULT_MODE)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",mode=%04o", o->mode);
	if ((size_t)n > size)
		return -E2BIG;
	memcpy(buf, text, (size_t)n);
	return n;
}

/* The label stays when all else is gone at unmount; it lies behind the device table. */
static char *label_at(const struct zus_sb *sb)
{
	return (char *)zus_t1_addr(sb->md, 0) + MDT_LABEL_OFFSET;
}

static int memofs_get_label(struct zus_sb *sb, char *label)
{
	memcpy(label, label_at(sb), MDT_LABEL_SIZE - 1);
	return 0;
}

static int memofs_set_label(struct zus_sb *sb, const char *label)
{
	memcpy(label_at(sb), label, MDT_LABEL_SIZE);
	zus_persist(sb->env, label_at(sb), MDT_LABEL_SIZE);
	return 0;
}

static const struct zus_fs_ops memofs_ops = {
	/* here */
	.mount = memofs_mount,
	.umount = memofs_umount,
	.remount = memofs_remount,
	.statfs = memofs_statfs,
	.show_options = memofs_show_options,
	.get_label = memofs_get_label,
	.set_label = memofs_set_label,
	/* alloc.c */
	.blocks_free = memofs_blocks_idle,
	.block_take = memofs_block_take,
	/* inode.c */
	.free_inode = memofs_free_inode,
	.evict = memofs_evict,
	.iget = memofs_iget,
	/* name.c */
	.new_inode = memofs_new_inode,
	.lookup = memofs_lookup,
	.add_dentry = memofs_add_dentry,
	.remove_dentry = memofs_remove_dentry,
	.rename = memofs_rename,
	/* dir.c */
	.readdir = memofs_readdir,
	/* io.c */
	.read = memofs_read,
	.write = memofs_write,
	.get_blocks = memofs_get_blocks,
	.put_blocks = memofs_put_blocks,
	.sync = memofs_sync,
	/* space.c */
	.truncate = memofs_truncate,
	.fallocate = memofs_fallocate,
	/* clone.c */
	.clone = memofs_clone,
	/* extent.c */
	.seek = memofs_seek,
	.fiemap = memofs_fiemap,
	/* xattr.c */
	.getxattr = memofs_getxattr,
	.setxattr = memofs_setxattr,
	.listxattr = memofs_listxattr,
};

const struct zus_plugin zus_plugin = {
	ZUS_PLUGIN_HEAD,
	.sb_size = sizeof(struct memofs_sb),
	.name = "memofs",
	.info = {
		.fsname = "memofs",
		.FS_magic = MEMOFS_MAGIC,
		.FS_ver_major = MEMOFS_VER_MAJOR,
		.FS_ver_minor = MEMOFS_VER_MINOR,
		.dt_offset = 0,
		.s_maxbytes = MEMOFS_MAX_BYTES,
		.s_time_gran = 1,
		.def_mode = 0755,
	},
	.ops = &memofs_ops,
	.flags = ZUS_PLUGIN_NODEV_OK,
	.inode_flags = ZUFS_S_NODUMP,
};
