// SPDX-License-Identifier: GPL-2.0-only
/*
 * rootfs.c - the pseudo file system "zuf": each mount of it is a root
 *
 * A root is the place of one server: the server opens unnamed special files here (O_TMPFILE,
 * special.c) and gives them roles. The struct zuf_root outlives its super-block as long as
 * anything refers to it. While a file system of the server is mounted the root's mount is
 * pinned.
 */
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/sysfs.h>

#include "root.h"
#include "rootfiles.h"
#include "rootfs.h"
#include "special.h"
#include "statsfile.h"
#include "type.h"

/* ---- the pseudo file system ---- */

static void inode_set_now(struct inode *inode)
{
	struct timespec64 now = current_time(inode);

	inode_set_atime_to_ts(inode, now);
	inode_set_mtime_to_ts(inode, now);
	inode_set_ctime_to_ts(inode, now);
}

/* The role decides what the file holds, so it cannot be truncated. */
static int special_setattr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	if (attr->ia_valid & ATTR_SIZE)
		return -EINVAL;
	return simple_setattr(idmap, dentry, attr);
}

static const struct inode_operations special_inode_ops = {
	.setattr = special_setattr,
};

static int root_tmpfile(struct zuf_idmap *idmap, struct inode *dir,
			struct file *file, umode_t mode)
{
	struct inode *inode = new_inode(dir->i_sb);
	struct zuf_special *sp;

	if (!inode)
		return finish_open_simple(file, -ENOMEM);
	inode->i_ino = get_next_ino();
	inode_init_owner(idmap, inode, dir, S_IFREG | (mode & 0700));
	/*
	 * The file looks like one of a DAX file system: this allows 2 MiB faults, and forbids
	 * long-term pins, which would outlive a mount. (For a DAX device the kernel assumes that
	 * nobody else has its pages.)
	 */
	inode->i_flags |= S_DAX;
	inode_set_now(inode);
	inode->i_op = &special_inode_ops;
	inode->i_fop = &zuf_special_fops;
	sp = zuf_special_create(dir->i_sb->s_fs_info, inode);
	if (!sp) {
		iput(inode);
		return finish_open_simple(file, -ENOMEM);
	}
	inode->i_private = sp;
	zuf_instantiate_tmpfile(file, inode);
	return finish_open_simple(file, 0);
}

static const struct inode_operations root_dir_inode_ops = {
	.lookup = simple_lookup,
	.tmpfile = root_tmpfile,
};

static long root_dir_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return zuf_special_ioctl(file_inode(file)->i_sb->s_fs_info, NULL, file, cmd, arg);
}

static const struct file_operations root_dir_fops = {
	.owner = THIS_MODULE,
	.open = dcache_dir_open,
	.release = dcache_dir_close,
	.llseek = dcache_dir_lseek,
	.read = generic_read_dir,
	.iterate_shared = dcache_readdir,
	.unlocked_ioctl = root_dir_ioctl,
};

static void root_evict_inode(struct inode *inode)
{
	clear_inode(inode);
	if (inode->i_fop == &zuf_special_fops)
		zuf_special_destroy(inode->i_private);
}

static const struct super_operations root_super_ops = {
	.statfs = simple_statfs,
	.drop_inode = inode_just_drop,
	.evict_inode = root_evict_inode,
};

static int root_add_file(struct super_block *sb, const char *name, umode_t mode,
			 const struct file_operations *fops)
{
	struct dentry *dentry = d_alloc_name(sb->s_root, name);
	struct inode *inode;

	if (!dentry)
		return -ENOMEM;
	inode = new_inode(sb);
	if (!inode) {
		dput(dentry);
		return -ENOMEM;
	}
	inode->i_ino = get_next_ino();
	inode->i_mode = S_IFREG | mode;
	inode_set_now(inode);
	inode->i_fop = fops;
	d_make_persistent(dentry, inode);
	dput(dentry);
	return 0;
}

static int root_add_files(struct super_block *sb)
{
	int err = root_add_file(sb, "state", 0400, &zuf_root_state_fops);

	if (!err)
		err = root_add_file(sb, "registered_fs", 0400, &zuf_root_types_fops);
	if (!err)
		err = root_add_file(sb, "ddbg", 0600, &zuf_root_ddbg_fops);
	if (!err)
		err = root_add_file(sb, "stats", 0600, &zuf_root_stats_fops);
	if (!err)
		err = root_add_file(sb, "control", 0200, &zuf_root_control_fops);
	return err;
}

static int root_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct inode *dir;

	sb->s_magic = ZUFS_SUPER_MAGIC_ROOT;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_time_gran = 1;
	sb->s_op = &root_super_ops;
	sb->s_fs_info = zuf_root_create();
	if (!sb->s_fs_info)
		return -ENOMEM;
	dir = new_inode(sb);
	if (!dir)
		return -ENOMEM;
	dir->i_ino = get_next_ino();
	dir->i_mode = S_IFDIR | 0700;
	set_nlink(dir, 2);
	inode_set_now(dir);
	dir->i_op = &root_dir_inode_ops;
	dir->i_fop = &root_dir_fops;
	sb->s_root = d_make_root(dir);
	if (!sb->s_root)
		return -ENOMEM;
	return root_add_files(sb);
}

static int root_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, root_fill_super);
}

static const struct fs_context_operations root_context_ops = {
	.get_tree = root_get_tree,
};

static int root_init_fs_context(struct fs_context *fc)
{
	fc->ops = &root_context_ops;
	return 0;
}

static void root_kill_sb(struct super_block *sb)
{
	struct zuf_root *root = sb->s_fs_info;

	if (root)
		zuf_type_drop_root(root);
	zuf_kill_persistent_super(sb);
	if (root)
		zuf_root_put(root);
}

static struct file_system_type root_type = {
	.owner = THIS_MODULE,
	.name = "zuf",
	.init_fs_context = root_init_fs_context,
	.kill_sb = root_kill_sb,
};
MODULE_ALIAS_FS("zuf");

int zuf_rootfs_init(void)
{
	int err = sysfs_create_mount_point(fs_kobj, "zuf");

	if (err)
		return err;
	err = register_filesystem(&root_type);
	if (err)
		sysfs_remove_mount_point(fs_kobj, "zuf");
	return err;
}

void zuf_rootfs_fini(void)
{
	unregister_filesystem(&root_type);
	sysfs_remove_mount_point(fs_kobj, "zuf");
	/* what is left of a mount whose server is gone ends by timers of its root */
	zuf_root_wait_freed();
}
