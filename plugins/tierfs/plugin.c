// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table of the plugin; mount, remount and unmount.
 *
 * A mount, in this order: options; supers of all devices; the table of logs; recovery, before
 * which nothing else is read; space, inodes, root; what was without a name at the end of the last
 * mount. After a clean unmount none of it takes longer when there are more files; after a crash the
 * heads of the chunks of inodes are counted (170 inodes a head), and orphans are freed.
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <zus/pmem.h>

#define BROKEN_LINES	16		/* so many are logged, then only counted */

/* ---- errors ---- */

int tierfs_may_change(const struct tierfs *fs)
{
	return __atomic_load_n(&fs->rdonly, __ATOMIC_RELAXED) ||
		__atomic_load_n(&fs->gave_up, __ATOMIC_RELAXED) ? -EROFS : 0;
}

static uint32_t errors_policy(const struct tierfs *fs)
{
	return fs->opts.errors == UINT32_MAX ? fs->super->errors : fs->opts.errors;
}

int tierfs_broken(struct tierfs *fs, uint64_t ino, const char *what)
{
	uint32_t n = __atomic_fetch_add(&fs->errors, 1, __ATOMIC_RELAXED);

	if (n < BROKEN_LINES)
		zus_err(fs->sb.env, "tierfs: inode %llu: %s is broken: run fsck.tierfs",
			(unsigned long long)ino, what);
	if (fs->super && errors_policy(fs) == TIERFS_ERRORS_REMOUNT_RO &&
	    !__atomic_exchange_n(&fs->gave_up, true, __ATOMIC_RELAXED))
		zus_err(fs->sb.env, "tierfs: nothing is changed any more (errors=remount-ro)");
	return -EIO;
}

/* ---- supers ---- */

static bool super_is_whole(const struct tierfs_super *s)
{
	struct tierfs_super copy = *s;

	copy.crc = 0;
	return s->magic == TIERFS_MAGIC && tierfs_crc(0, &copy, sizeof(copy)) == s->crc;
}

/* The copy that counts, or NULL. */
static const struct tierfs_super *super_find(const struct tierfs *fs, const struct tierfs_dev *d)
{
	const struct tierfs_super *a, *b;

	a = zus_t1_addr(fs->sb.md, d->first_bn + TIERFS_SUPER_BLOCK);
	b = zus_t1_addr(fs->sb.md, d->first_bn + d->blocks - 1);
	if (!super_is_whole(a) || !super_is_whole(b))
		return super_is_whole(a) ? a : super_is_whole(b) ? b : NULL;
	return b->sequence > a->sequence ? b : a;
}

static int features_check(const struct tierfs *fs, const struct tierfs_super *s)
{
	uint64_t incompat = s->incompat & ~TIERFS_INCOMPAT_KNOWN;
	uint64_t ro_compat = s->ro_compat & ~TIERFS_RO_COMPAT_KNOWN;

	if (incompat || !(s->incompat & TIERFS_INCOMPAT_BASE)) {
		zus_err(fs->sb.env, "tierfs: the image is of a newer version (features %#llx)",
			(unsigned long long)incompat);
		return -EINVAL;
	}
	if (ro_compat && !fs->rdonly) {
		zus_err(fs->sb.env, "tierfs: the image is of a newer version (features %#llx): it "
			"can be mounted read-only", (unsigned long long)ro_compat);
		return -EROFS;
	}
	return 0;
}

static bool is_on(const struct tierfs_dev *d, uint64_t block, uint64_t blocks)
{
	return block > TIERFS_SUPER_BLOCK && blocks < d->blocks && block < d->blocks - blocks;
}

/* The tables of a device lie on it. */
static bool places_are_right(const struct tierfs_dev *d)
{
	uint64_t groups = d->blocks / TIERFS_GROUP_BLOCKS;
	uint64_t bitmaps = tierfs_up(groups * TIERFS_LINE);
	uint64_t descs = tierfs_up(groups * sizeof(struct tierfs_group_desc));

	return is_on(d, d->super->group_table, bitmaps + descs);
}

static bool main_places_are_right(const struct tierfs_dev *d)
{
	const struct tierfs_super *s = d->super;
	uint64_t logs = tierfs_up((uint64_t)s->log_count * sizeof(struct tierfs_log_entry));

	return is_on(d, s->state_block, 1) && is_on(d, s->root_block, 1) &&
		is_on(d, s->log_table, logs) && s->log_count && s->log_count <= TIERFS_MAX_LOGS &&
		s->inode_slot == TIERFS_INODE_SLOT;
}

static int dev_init(struct tierfs *fs, unsigned int index, uint64_t first_bn)
{
	const struct md_dev_table *mdt = &fs->sb.md->mdt;
	struct tierfs_dev *d = &fs->devs[index];
	const struct tierfs_super *s;
	uint64_t bitmaps;

	d->first_bn = first_bn;
	d->blocks = zus_md_dev_blocks(mdt, index);
	s = super_find(fs, d);
	if (!s) {
		zus_err(fs->sb.env, "tierfs: device %u of the set has no valid super-block", index);
		return -EUCLEAN;
	}
	d->super = s;
	if (s->dev_blocks != d->blocks || s->dev_count != zus_md_t1_count(mdt) ||
	    s->dev_id >= TIERFS_MAX_DEVS || fs->dev_index[s->dev_id] != 0xff ||
	    memcmp(s->set_uuid, fs->devs[0].super->set_uuid, sizeof(s->set_uuid)) ||
	    !places_are_right(d)) {
		zus_err(fs->sb.env, "tierfs: the super-block of device %u belongs to another set",
			index);
		return -EUCLEAN;
	}
	fs->dev_index[s->dev_id] = (uint8_t)index;
	bitmaps = tierfs_up(d->blocks / TIERFS_GROUP_BLOCKS * TIERFS_LINE);
	d->bitmaps = zus_t1_addr(fs->sb.md, first_bn + s->group_table);
	d->descs = zus_t1_addr(fs->sb.md, first_bn + s->group_table + bitmaps);
	return features_check(fs, s);
}

static int devs_init(struct tierfs *fs)
{
	const struct zus_md *md = fs->sb.md;
	uint64_t bn = 0;
	unsigned int i;
	int err;

	memset(fs->dev_index, 0xff, sizeof(fs->dev_index));
	fs->nr_devs = zus_md_t1_count(&md->mdt);
	for (i = 0; i < fs->nr_devs; i++) {
		err = dev_init(fs, i, bn);
		if (err)
			return err;
		bn += fs->devs[i].blocks;
	}
	if (!main_places_are_right(&fs->devs[0])) {
		zus_err(fs->sb.env, "tierfs: the super-block names places that are not there");
		return -EUCLEAN;
	}
	fs->super = fs->devs[0].super;
	fs->states = zus_t1_addr(md, fs->super->state_block);
	fs->root = zus_t1_addr(md, fs->super->root_block);
	memcpy(fs->hash_seed, fs->super->hash_seed, sizeof(fs->hash_seed));
	return 0;
}

/* ---- mount and unmount ---- */

static int locks_init(struct tierfs *fs)
{
	int err = zus_mutex_init(&fs->tree_lock);
	unsigned int i;

	STAILQ_INIT(&fs->space.rests);
	if (!err)
		err = zus_mutex_init(&fs->space.lock);
	for (i = 0; i < TIERFS_LATE_LOCKS && !err; i++)
		err = zus_mutex_init(&fs->late[i]);
	return err;
}

/* All that is in DRAM; media stay as they are. */
static void forget(struct tierfs *fs)
{
	unsigned int i;

	tierfs_nodes_fini(fs);
	zus_free(fs->sb.env, fs->cells.free);
	zus_mutex_destroy(&fs->cells.lock);
	tierfs_chunks_fini(fs);
	tierfs_space_fini(fs);
	tierfs_logs_fini(fs);
	tierfs_txs_fini(fs);
	zus_mutex_destroy(&fs->tree_lock);
	zus_mutex_destroy(&fs->space.lock);
	for (i = 0; i < TIERFS_LATE_LOCKS; i++)
		zus_mutex_destroy(&fs->late[i]);
}

static int root_check(struct tierfs *fs)
{
	const struct tierfs_root *root = fs->root;

	if (tierfs_crc_head(root, sizeof(*root)) == root->crc && root->nr_chunks &&
	    root->nr_chunks <= fs->sb.md->t1_blocks / TIERFS_CHUNK_BLOCKS)
		return 0;
	return tierfs_broken(fs, 0, "the root of the tree of inodes");
}

/* What a mount does that may write comes after what it only reads. */
static int load(struct tierfs *fs)
{
	struct tierfs_node *root;
	int err = tierfs_logs_check(fs);

	if (!err)
		err = tierfs_logs_init(fs);
	if (!err)
		err = tierfs_recover(fs, !fs->rdonly);
	if (!err)
		err = root_check(fs);
	if (!err)
		err = tierfs_space_init(fs);
	if (!err)
		err = tierfs_cells_init(fs);
	if (!err)
		err = tierfs_node_get(fs, TIERFS_ROOT_INO, &root);
	if (err)
		return err;
	fs->sb.root = &root->ii;
	tierfs_inodes_used(fs);
	return fs->rdonly ? 0 : tierfs_orphans_free(fs);
}

/* Stores to DAX that is not synchronous (virtio-pmem) wait in the host for an fsync. */
static bool can_be_durable(const struct tierfs *fs)
{
	return fs->opts.is_volatile ||
		(strcmp(zus_pmem_flush_name(), "none") && zus_md_is_synchronous(fs->sb.md));
}

static int tierfs_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct tierfs *fs = tierfs_of(sb);
	int err;

	fs->opts.errors = UINT32_MAX;
	fs->rdonly = m->flags & ZUFS_M_RDONLY;
	fs->nr_threads = m->num_threads;
	err = tierfs_options_parse(sb, m->options, &fs->opts);
	if (err)
		return err;
	if (fs->opts.norecovery && !fs->rdonly) {
		zus_err(sb->env, "tierfs: norecovery is for read-only mounts");
		return -EINVAL;
	}
	if (!can_be_durable(fs)) {
		zus_err(sb->env, "tierfs: neither this CPU nor this device makes stores to T1 "
			"durable: -o volatile mounts nevertheless");
		return -EOPNOTSUPP;
	}
	err = devs_init(fs);
	if (err)
		return err;
	err = locks_init(fs);
	if (!err)
		err = tierfs_txs_init(fs);
	if (!err)
		err = tierfs_nodes_init(fs);
	if (!err)
		err = load(fs);
	if (err) {
		forget(fs);
		return err;
	}
	sb->blocksize_bits = ZUS_BLOCK_SHIFT;
	sb->fs_caps = ZUFS_FSC_ACL_ON | ZUFS_FSC_NIO_READS | ZUFS_FSC_MMAP_2M | ZUFS_FSC_NEW_EXCL |
		ZUFS_FSC_NEW_XATTRS | ZUFS_FSC_BTIME | ZUFS_FSC_QUARANTINE |
		ZUFS_FSC_PUT_EMPTY | ZUFS_FSC_WHITEOUT | ZUFS_FSC_ACL_MODE;
	return 0;
}

static void tierfs_umount(struct zus_sb *sb)
{
	struct tierfs *fs = tierfs_of(sb);

	if (!tierfs_may_change(fs)) {
		tierfs_rests_drain(fs, true);
		tierfs_chunks_trim(fs);
		tierfs_set_clean(fs);
	}
	forget(fs);
}

/* Who is committing sees that nothing may change, or has ended: see write_record (tx.c). */
static void wait_for_commits(struct tierfs *fs)
{
	uint32_t i;

	for (i = 0; i < fs->nr_logs; i++) {
		zus_mutex_lock(&fs->logs[i].lock);
		zus_mutex_unlock(&fs->logs[i].lock);
	}
}

/* Inodes may be evicted meanwhile, and would like to keep their times. */
static int to_read_only(struct tierfs *fs)
{
	__atomic_store_n(&fs->rdonly, true, __ATOMIC_RELAXED);
	wait_for_commits(fs);
	if (!__atomic_load_n(&fs->gave_up, __ATOMIC_RELAXED))
		tierfs_set_clean(fs);
	return 0;
}

static int to_writable(struct tierfs *fs)
{
	int err = fs->opts.norecovery ? -EROFS : 0;

	if (!err && fs->super->ro_compat & ~TIERFS_RO_COMPAT_KNOWN)
		err = -EROFS;
	if (!err)
		err = tierfs_recover(fs, true);
	if (!err)
		err = tierfs_pool_init(fs);
	if (err)
		return err;
	__atomic_store_n(&fs->rdonly, false, __ATOMIC_RELEASE);
	return tierfs_orphans_free(fs);
}

/* From rw to ro everything is as after an unmount, from ro to rw as at a mount. */
static int change_mode(struct tierfs *fs, bool rdonly)
{
	if (rdonly == fs->rdonly)
		return 0;
	return rdonly ? to_read_only(fs) : to_writable(fs);
}

static int tierfs_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct tierfs *fs = tierfs_of(sb);
	struct tierfs_opts o = fs->opts;
	int err = tierfs_options_parse(sb, m->options, &o);

	if (err)
		return err;
	if (o.norecovery != fs->opts.norecovery || o.is_volatile != fs->opts.is_volatile) {
		zus_err(sb->env, "tierfs: a remount cannot change norecovery or volatile");
		return -EINVAL;
	}
	err = change_mode(fs, m->remount_flags & ZUFS_REM_WILL_RO);
	if (!err)
		fs->opts = o;
	return err;
}

static int tierfs_statfs(struct zus_sb *sb, struct statfs64 *st)
{
	struct tierfs *fs = tierfs_of(sb);
	uint64_t used = tierfs_inodes_used(fs);

	st->f_blocks = fs->space.total;
	st->f_bavail = tierfs_blocks_left(fs);
	st->f_bfree = st->f_bavail + fs->space.pool_count * TIERFS_CHUNK_BLOCKS;
	st->f_ffree = st->f_bavail / TIERFS_CHUNK_BLOCKS * TIERFS_CHUNK_INODES;
	st->f_files = used + st->f_ffree;
	return 0;
}

static ssize_t tierfs_show_options(struct zus_sb *sb, char *buf, size_t size)
{
	return tierfs_options_show(&tierfs_of(sb)->opts, buf, size);
}

static int tierfs_get_label(struct zus_sb *sb, char *label)
{
	memcpy(label, tierfs_of(sb)->super->label, TIERFS_LABEL_BYTES);
	return 0;
}

static const struct zus_fs_ops tierfs_ops = {
	/* here */
	.mount = tierfs_mount,
	.umount = tierfs_umount,
	.remount = tierfs_remount,
	.statfs = tierfs_statfs,
	.show_options = tierfs_show_options,
	.get_label = tierfs_get_label,
	/* alloc.c */
	.blocks_free = tierfs_blocks_idle,
	.block_take = tierfs_block_take,
	/* node.c */
	.free_inode = tierfs_free_inode,
	.evict = tierfs_evict,
	.iget = tierfs_iget,
	.setattr = tierfs_setattr,
	/* name.c, rename.c */
	.new_inode = tierfs_new_inode,
	.lookup = tierfs_lookup,
	.add_dentry = tierfs_add_dentry,
	.remove_dentry = tierfs_remove_dentry,
	.rename = tierfs_rename,
	/* dir.c */
	.readdir = tierfs_readdir,
	/* io.c */
	.read = tierfs_read,
	.write = tierfs_write,
	.get_blocks = tierfs_get_blocks,
	.put_blocks = tierfs_put_blocks,
	.sync = tierfs_sync,
	/* space.c */
	.truncate = tierfs_truncate,
	.fallocate = tierfs_fallocate,
	/* extent.c */
	.seek = tierfs_seek,
	.fiemap = tierfs_fiemap,
	/* xattr.c */
	.getxattr = tierfs_getxattr,
	.setxattr = tierfs_setxattr,
	.listxattr = tierfs_listxattr,
};

const struct zus_plugin zus_plugin = {
	ZUS_PLUGIN_HEAD,
	.sb_size = sizeof(struct tierfs),
	.name = "tierfs",
	.info = {
		.fsname = "tierfs",
		.FS_magic = TIERFS_MAGIC,
		.FS_ver_major = TIERFS_MAJOR,
		.FS_ver_minor = TIERFS_MINOR,
		.dt_offset = 0,
		.s_maxbytes = TIERFS_MAX_SIZE,
		.s_time_gran = 1,
		.def_mode = 0755,
	},
	.ops = &tierfs_ops,
	.inode_flags = ZUFS_S_NODUMP,
};
