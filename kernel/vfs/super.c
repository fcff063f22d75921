// SPDX-License-Identifier: GPL-2.0-only
/*
 * super.c - mount, remount, statfs, unmount of a registered type
 *
 * A mount opens its devices first: whichever device of the set is named, the same super-block is
 * found. Then it gets an id in the root, and the mounter of the server is told; the server grabs
 * the memory by that id and returns the root inode. An unmount cannot fail: when the server is
 * gone nobody is told.
 */
#include <linux/backing-dev.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>

#include "devset.h"
#include "dispatch.h"
#include "ends.h"
#include "export.h"
#include "inode.h"
#include "ioclist.h"
#include "mapped.h"
#include "mountmsg.h"
#include "options.h"
#include "pins.h"
#include "ride.h"
#include "root.h"
#include "sbid.h"
#include "super.h"
#include "sync.h"
#include "type.h"
#include "umount.h"
#include "unmap.h"
#include "whynot.h"
#include "xattr.h"

/* State of a mount that is being made. */
struct mount_ctx {
	struct zuf_type_info info;
	struct zuf_options opt;
};

/* ---- super-block operations ---- */

static int zuf_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct zuf_sb *zsb = ZUF_SB(dentry->d_sb);
	struct zufs_ioc_statfs msg = {
		.hdr = ZUF_HDR(ZUFS_OP_STATFS, offsetof(struct zufs_ioc_statfs, statfs_out),
			       0, sizeof(msg)),
		.zus_sbi = zsb->zus_sbi,
	};
	struct zuf_op op = ZUF_OP(&msg, ZUF_OUT(struct zufs_ioc_statfs, statfs_out,
						sizeof(msg)));
	int err = zuf_evict_flush_some(zsb);

	if (!err)
		err = zuf_dispatch(zsb, &op);
	if (err)
		return err;
	buf->f_type = zsb->sb->s_magic;
	buf->f_bsize = msg.statfs_out.f_bsize ?: dentry->d_sb->s_blocksize;
	buf->f_blocks = msg.statfs_out.f_blocks;
	buf->f_bfree = msg.statfs_out.f_bfree;
	buf->f_bavail = msg.statfs_out.f_bavail;
	buf->f_files = msg.statfs_out.f_files;
	buf->f_ffree = msg.statfs_out.f_ffree;
	buf->f_fsid.val[0] = msg.statfs_out.f_fsid.val[0];
	buf->f_fsid.val[1] = msg.statfs_out.f_fsid.val[1];
	/* export tables identify file systems by it */
	if (!buf->f_fsid.val[0] && !buf->f_fsid.val[1])
		buf->f_fsid = uuid_to_fsid(zsb->sb->s_uuid.b);
	buf->f_namelen = msg.statfs_out.f_namelen ?: ZUFS_NAME_LEN;
	buf->f_frsize = msg.statfs_out.f_frsize ?: buf->f_bsize;
	return 0;
}

/*
 * The server is asked for its text of options, ",name=value", only at mount and remount: tasks
 * that read /proc/mounts, as half of the programs on a machine do, wait for no server.
 */
static void take_server_text(struct zuf_sb *zsb)
{
	struct {
		struct zufs_ioc_mount_options msg;
		char text[ZUFS_MO_MAX + 1];
	} *so;
	struct zuf_op op = { };
	char *text = NULL;

	so = kzalloc(sizeof(*so), GFP_KERNEL);
	if (!so)
		return;
	so->msg.hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_SHOW_OPTIONS, sizeof(so->msg),
						   sizeof(so->msg), 0);
	so->msg.hdr.out_max = ZUFS_MO_MAX;
	so->msg.zus_sbi = zsb->zus_sbi;
	op.hdr = &so->msg.hdr;
	/* a NUL of the kernel ends the text */
	op.out_at = sizeof(so->msg);
	op.out_size = ZUFS_MO_MAX;
	if (!zuf_dispatch(zsb, &op))
		text = kstrdup(so->text, GFP_KERNEL_ACCOUNT);
	kfree(so);
	if (!text)
		return;		/* the text stays as it was */
	spin_lock(&zsb->text_lock);
	swap(zsb->server_text, text);
	spin_unlock(&zsb->text_lock);
	kfree(text);
}

/* Show the text as it is, except for odd characters. */
static void show_server_text(struct seq_file *m, struct zuf_sb *zsb)
{
	const char *text;

	spin_lock(&zsb->text_lock);
	text = zsb->server_text;
	if (text && text[0]) {
		if (text[0] != ',')
			seq_putc(m, ',');
		seq_escape(m, text, " \t\n\\#");
	}
	spin_unlock(&zsb->text_lock);
}

static int zuf_show_options(struct seq_file *m, struct dentry *root)
{
	struct zuf_sb *zsb = ZUF_SB(root->d_sb);

	if (zsb->opt.flags & ZUFS_M_PEDANTIC)
		seq_printf(m, ",pedantic=%u", zsb->opt.pedantic);
	if (zsb->opt.flags & ZUFS_M_EPHEMERAL)
		seq_puts(m, ",ephemeral");
	if (zsb->opt.dax)
		seq_puts(m, ",dax");
	if (zsb->opt.size_bytes)
		seq_printf(m, ",size=%lluk", zsb->opt.size_bytes >> 10);
	show_server_text(m, zsb);
	return 0;
}

/* All inodes are evicted: the server may forget the file system. */
static void send_umount(struct zuf_sb *zsb)
{
	zuf_pins_end(zsb);
	if ((zsb->zus_sbi || zsb->mount_killed) &&
	    zuf_root_is_live(zsb->root, zsb->server_gen)) {
		zuf_umount_send(zsb);
	} else if (zsb->sbid) {
		zuf_umount_drop(zsb);
	}
	zsb->sbid = NULL;
	zsb->stats = zsb->root->peer.stats;
	zsb->zus_sbi = 0;
	zsb->mount_killed = false;
}

static void zuf_put_super(struct super_block *sb)
{
	send_umount(ZUF_SB(sb));
}

static int zuf_freeze(struct super_block *sb)
{
	int err = zuf_quiesce(sb);

	if (!err)
		zuf_devset_stamp(ZUF_SB(sb)->devs, false);
	return err;
}

static int zuf_unfreeze(struct super_block *sb)
{
	zuf_devset_stamp(ZUF_SB(sb)->devs, false);
	/* before the VFS lets anybody write: the frees that are sent harm nobody */
	zuf_ends_thaw(ZUF_SB(sb)->sbid);
	return 0;
}

const struct super_operations zuf_super_ops = {
	.alloc_inode = zuf_alloc_inode,
	.destroy_inode = zuf_destroy_inode,
	.evict_inode = zuf_evict_inode,
	.drop_inode = inode_generic_drop,
	.put_super = zuf_put_super,
	.sync_fs = zuf_sync_fs,
	.statfs = zuf_statfs,
	.show_options = zuf_show_options,
	.freeze_fs = zuf_freeze,
	.unfreeze_fs = zuf_unfreeze,
};

/* ---- life of struct zuf_sb ---- */

static void super_replaced(struct inode *inode, pgoff_t first, pgoff_t nr)
{
	zuf_mapped_drop(inode, first, nr, ZUF_DROP_HOLD);
}

static const struct zuf_sb_ops zuf_sb_ops = {
	.reclaim = zuf_pins_reclaim,
	.replaced = super_replaced,
	.unmap = zuf_unmap,
};

static void zsb_free(struct zuf_sb *zsb)
{
	if (!zsb)
		return;
	zuf_pins_end(zsb);
	zuf_devset_put(zsb->devs);
	mntput(zsb->root_mnt);
	if (zsb->root)
		zuf_root_put(zsb->root);
	zuf_options_free(&zsb->opt);
	kfree(zsb->server_text);
	zuf_ioclist_free(zsb->ioclist);
	kfree(zsb);
}

static u64 default_size(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT >> 1;
}

static struct zuf_sb *zsb_create(struct fs_context *fc, struct mount_ctx *ctx)
{
	const struct register_fs_info *rfi = &ctx->info.rfi;
	struct zuf_devset_spec spec = {
		.magic = rfi->FS_magic,
		.ver_major = rfi->FS_ver_major,
		.ver_minor = rfi->FS_ver_minor,
		.dt_offset = rfi->dt_offset,
		.nodev_ok = rfi->notused & ZUFS_REG_NODEV_OK,
		.read_only = fc->sb_flags & SB_RDONLY,
		.size_bytes = ctx->opt.size_bytes ?: default_size(),
		.holder = ctx->info.type,
		.fc = fc,
	};
	struct zuf_sb *zsb = kzalloc(sizeof(*zsb), GFP_KERNEL_ACCOUNT);

	if (!zsb)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&zsb->dirty_lock);
	INIT_LIST_HEAD(&zsb->dirty);
	mutex_init(&zsb->sync_lock);
	spin_lock_init(&zsb->text_lock);
	zsb->root = zuf_root_get(ctx->info.root);
	zsb->root_mnt = zuf_mounter_mnt(&zsb->root->peer.mounter);
	zsb->type = ctx->info.type;
	zsb->server_gen = ctx->info.gen;
	zsb->stats = zsb->root->peer.stats;
	zsb->ops = &zuf_sb_ops;
	zsb->zus_zfi = ctx->info.zus_zfi;
	zsb->opt = ctx->opt;
	memset(&ctx->opt, 0, sizeof(ctx->opt));
	if (fc->sb_flags & SB_SILENT)
		zsb->opt.flags |= ZUFS_M_SILENT;
	if (!zsb->root_mnt || !zuf_root_is_live(zsb->root, zsb->server_gen)) {
		zuf_whynot(fc, "%s: no server is up for this type", fc->source ?: "none");
		zsb_free(zsb);
		return ERR_PTR(-EIO);
	}
	zsb->devs = zuf_devset_open(fc->source, &spec);
	if (IS_ERR(zsb->devs)) {
		int err = PTR_ERR(zsb->devs);

		zsb->devs = NULL;
		zsb_free(zsb);
		return ERR_PTR(err);
	}
	zsb->pins = zuf_pins_create(zsb);
	if (!zsb->pins) {
		zsb_free(zsb);
		return ERR_PTR(-ENOMEM);
	}
	/* shown as an option; a mount with devices shows none */
	zsb->opt.size_bytes = zuf_devset_is_memory(zsb->devs) ? zsb->devs->t1_bytes : 0;
	return zsb;
}

/* ---- mount ---- */

static int set_id(struct zuf_sb *zsb)
{
	struct zuf_sbid *sbid = zuf_sbid_create(zsb->root, zsb->devs, zsb->server_gen,
						zsb->type->name);

	if (IS_ERR(sbid))
		return PTR_ERR(sbid);
	zsb->sbid = sbid;
	zsb->sb_id = sbid->ep.id;
	zsb->stats = sbid->ep.stats;
	return 0;
}

static int set_root_inode(struct super_block *sb, const struct zufs_mount_info *zmi)
{
	struct inode *root = zuf_iget(sb, zmi->_zi, zmi->zus_ii);

	if (IS_ERR(root))
		return PTR_ERR(root);
	if (!S_ISDIR(root->i_mode)) {
		iput(root);
		return -EIO;
	}
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static int set_answer(struct super_block *sb, struct fs_context *fc,
		      const struct zufs_mount_info *zmi)
{
	struct zuf_sb *zsb = ZUF_SB(sb);
	u32 bits = zmi->s_blocksize_bits ?: PAGE_SHIFT;

	zsb->zus_sbi = zmi->zus_sbi;
	zuf_sbid_set_sbi(zsb->sbid, zmi->zus_sbi);
	zsb->fs_caps = zmi->fs_caps;
	zsb->sbid->fs_caps = zmi->fs_caps;
	zsb->nio_write_min = zmi->nio_write_min;
	zsb->lists_stay = zsb->devs->t2_blocks && !(zsb->fs_caps & ZUFS_FSC_RETRY_MOVES);
	zuf_evicts_init(zsb);
	if (!zmi->zus_sbi || bits < 9 || bits > 30) {
		zuf_whynot(fc, "sb %llu: the server answered with sbi %#llx, block bits %u",
			   zsb->sb_id, zmi->zus_sbi, bits);
		return -EIO;
	}
	sb->s_blocksize_bits = bits;
	sb->s_blocksize = 1UL << bits;
	if (zsb->fs_caps & ZUFS_FSC_ACL_ON)
		sb->s_flags |= SB_POSIXACL;
	return set_root_inode(sb, zmi);
}

/* The UUID of the device set; memory gets a new one each time. */
static void set_uuid(struct super_block *sb)
{
	const struct zuf_devset *devs = ZUF_SB(sb)->devs;
	uuid_t uuid;

	if (zuf_devset_is_memory(devs))
		generate_random_uuid(uuid.b);
	else
		memcpy(uuid.b, &devs->mdt.s_uuid, sizeof(uuid.b));
	super_set_uuid(sb, uuid.b, sizeof(uuid.b));
}

static int ask_server(struct zuf_sb *zsb, struct fs_context *fc, struct zufs_mount_info *zmi)
{
	int err = zuf_mountmsg_mount(zsb, zmi);

	zsb->mount_killed = err == -EINTR;
	if (err)
		zuf_whynot(fc, "%s: the server answered with %pe, its log may say why",
			   fc->source ?: "none", ERR_PTR(err));
	return err;
}

static int zuf_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct mount_ctx *ctx = fc->fs_private;
	const struct register_fs_info *rfi = &ctx->info.rfi;
	struct zuf_sb *zsb = ZUF_SB(sb);
	struct zufs_mount_info zmi;
	int err;

	zsb->sb = sb;
	zsb->declared_flags = rfi->notused & ZUFS_S_DECLARED;
	zsb->is_read_only = rfi->notused & ZUFS_REG_READ_ONLY;
	sb->s_op = &zuf_super_ops;
	sb->s_export_op = &zuf_export_ops;
	sb->s_xattr = zuf_xattr_handlers;
	sb->s_magic = rfi->FS_magic;
	sb->s_maxbytes = clamp_t(u64, rfi->s_maxbytes, 1, MAX_LFS_FILESIZE);
	sb->s_time_gran = clamp_t(u32, rfi->s_time_gran, 1, NSEC_PER_SEC);
	sb->s_time_min = div_s64(S64_MIN, NSEC_PER_SEC);
	sb->s_time_max = div_s64(S64_MAX, NSEC_PER_SEC);
	sb->s_max_links = ZUF_LINK_MAX;
	sb->s_flags |= SB_NOSEC | SB_I_VERSION;
	set_uuid(sb);
	err = super_setup_bdi(sb);
	if (err)
		return err;
	sb->s_bdi->ra_pages = ZUFS_READAHEAD_PAGES;
	err = zuf_devset_load_shadow(zsb->devs, fc);
	if (!err)
		err = set_id(zsb);
	if (!err)
		err = ask_server(zsb, fc, &zmi);
	if (!err)
		err = set_answer(sb, fc, &zmi);
	if (!err)
		err = zuf_pins_start(zsb);
	if (err)
		return err;
	take_server_text(zsb);
	zsb->ioclist = zuf_ioclist_load(zsb);
	zuf_sbid_attach(zsb->sbid, sb);
	if (!sb_rdonly(sb))
		zuf_devset_stamp(zsb->devs, true);
	sb->s_flags |= SB_ACTIVE;
	return 0;
}

static int test_super(struct super_block *sb, struct fs_context *fc)
{
	const struct zuf_sb *zsb = ZUF_SB(sb), *mine = fc->s_fs_info;

	return zsb->type == mine->type && zuf_devset_same(zsb->devs, mine->devs);
}

/* Check another mount of a device set that is mounted already. */
static int check_shared(struct super_block *sb, struct fs_context *fc)
{
	struct zuf_sb *zsb = ZUF_SB(sb);

	if ((sb->s_flags ^ fc->sb_flags) & SB_RDONLY) {
		zuf_whynot(fc, "%s: already mounted %s", fc->source, sb_rdonly(sb) ? "ro" : "rw");
		return -EBUSY;
	}
	if (!zuf_root_is_live(zsb->root, zsb->server_gen)) {
		zuf_whynot(fc, "%s: still mounted for a server that has ended; unmount that first",
			   fc->source);
		return -EIO;
	}
	return 0;
}

static int zuf_get_tree(struct fs_context *fc)
{
	const struct mount_ctx *ctx = fc->fs_private;
	struct super_block *sb;
	struct zuf_sb *zsb;
	int err;

	if (ctx->info.rfi.notused & ZUFS_REG_READ_ONLY)
		fc->sb_flags |= SB_RDONLY;
	zsb = zsb_create(fc, fc->fs_private);
	if (IS_ERR(zsb))
		return PTR_ERR(zsb);
	fc->s_fs_info = zsb;
	sb = sget_fc(fc, test_super, set_anon_super_fc);
	if (IS_ERR(sb)) {
		fc->s_fs_info = NULL;
		zsb_free(zsb);
		return PTR_ERR(sb);
	}
	if (sb->s_root) {
		fc->s_fs_info = NULL;
		/* closing a device may take its disk's lock, which is outside s_umount */
		up_write(&sb->s_umount);
		zsb_free(zsb);
		down_write(&sb->s_umount);
		err = check_shared(sb, fc);
	} else if (zuf_sbid_devices_in_use(zsb->devs)) {
		zuf_whynot(fc, "%s: the server has not yet ended the last mount of its devices",
			   fc->source);
		err = -EBUSY;
	} else if (zuf_pins_hold(zsb->devs, zsb->type)) {
		zuf_whynot(fc, "%s: pages of the last mount of its devices are still in use",
			   fc->source);
		err = -EBUSY;
	} else {
		err = zuf_fill_super(sb, fc);
	}
	if (err) {
		deactivate_locked_super(sb);
		return err;
	}
	fc->root = dget(sb->s_root);
	return 0;
}

void zuf_kill_sb(struct super_block *sb)
{
	struct zuf_sb *zsb = ZUF_SB(sb);

	if (zsb->sbid)
		zuf_sbid_detach(zsb->sbid);
	/* a mount that failed has no root, so put_super is not called, and it has no inodes */
	if (!sb->s_root)
		send_umount(zsb);
	kill_anon_super(sb);
	zsb_free(zsb);
}

/* ---- the context ---- */

static int zuf_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct mount_ctx *ctx = fc->fs_private;
	int err = vfs_parse_fs_param_source(fc, param);

	if (err != -ENOPARAM)
		return err;
	return zuf_option_parse(fc, &ctx->opt, param);
}

static int super_reconfigure(struct fs_context *fc, bool to_ro)
{
	struct mount_ctx *ctx = fc->fs_private;
	struct super_block *sb = fc->root->d_sb;
	struct zuf_sb *zsb = ZUF_SB(sb);
	struct zuf_options old = zsb->opt;
	int err;

	if (!to_ro) {
		err = zuf_devset_set_read_only(zsb->devs, false, fc);
		if (err)
			return err;
	}
	zuf_options_keep(&ctx->opt, &old);
	zsb->opt = ctx->opt;
	err = zuf_mountmsg_remount(zsb, sb_rdonly(sb), to_ro);
	if (err) {
		zuf_whynot(fc, "sb %llu: the server answered a remount with %pe, "
			   "its log may say why", zsb->sb_id, ERR_PTR(err));
		zsb->opt = old;
		if (sb_rdonly(sb))
			zuf_devset_set_read_only(zsb->devs, true, fc);
		return err;
	}
	take_server_text(zsb);
	ctx->opt = old;		/* freed with the context */
	if (to_ro != sb_rdonly(sb))
		zuf_devset_stamp(zsb->devs, !to_ro);
	if (to_ro)
		zuf_devset_set_read_only(zsb->devs, true, fc);
	return 0;
}

static int zuf_reconfigure(struct fs_context *fc)
{
	struct super_block *sb = fc->root->d_sb;
	bool to_ro = (fc->sb_flags_mask & SB_RDONLY ? fc->sb_flags : sb->s_flags) & SB_RDONLY;
	int err;

	if (!to_ro && ZUF_SB(sb)->is_read_only) {
		zuf_whynot(fc, "sb %llu: file systems of type %s are read-only",
			   ZUF_SB(sb)->sb_id, ZUF_SB(sb)->type->name);
		return -EROFS;
	}
	/* mount(8) passes it as an option, which is off unless it is given */
	fc->sb_flags |= SB_I_VERSION;
	sync_filesystem(sb);
	err = to_ro ? zuf_quiesce_read_only(sb) : zuf_evict_flush(ZUF_SB(sb));
	if (err == -EBUSY)
		zuf_whynot(fc, "sb %llu: pages of deleted files are still in use",
			   ZUF_SB(sb)->sb_id);
	if (err)
		return err;
	err = super_reconfigure(fc, to_ro);
	if (to_ro)
		zuf_ends_thaw(ZUF_SB(sb)->sbid);
	return err;
}

static void zuf_free_context(struct fs_context *fc)
{
	struct mount_ctx *ctx = fc->fs_private;

	if (!ctx)
		return;
	zuf_options_free(&ctx->opt);
	zuf_root_put(ctx->info.root);
	kfree(ctx);
}

static const struct fs_context_operations zuf_context_ops = {
	.parse_param = zuf_parse_param,
	.get_tree = zuf_get_tree,
	.reconfigure = zuf_reconfigure,
	.free = zuf_free_context,
};

int zuf_init_fs_context(struct fs_context *fc)
{
	struct mount_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	int err;

	if (!ctx)
		return -ENOMEM;
	err = zuf_type_info(fc->fs_type, &ctx->info);
	if (err) {
		kfree(ctx);
		return err;
	}
	fc->fs_private = ctx;
	fc->ops = &zuf_context_ops;
	return 0;
}
