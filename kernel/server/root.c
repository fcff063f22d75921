// SPDX-License-Identifier: GPL-2.0-only
/*
 * root.c - the pseudo file system "zuf": each mount of it is a root
 *
 * A root is where one server lives: it opens unnamed special files here
 * (O_TMPFILE, special.c) and gives them roles. The struct zuf_root outlives its
 * super-block as long as anything refers to it. While a file system of the
 * server is mounted the root's mount is pinned.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/wait_bit.h>

#include "chan.h"
#include "park.h"
#include "root.h"
#include "sbid.h"
#include "special.h"
#include "stats.h"
#include "trace.h"
#include "type.h"
#include "umount.h"

static struct workqueue_struct *root_free_wq;
static atomic_t nr_roots = ATOMIC_INIT(0);	/* whose memory is not freed */

/* ---- the object ---- */

static void root_free_memory(struct zuf_root *root)
{
	kvfree(root->retired);
	zuf_stats_destroy(root->stats);
	free_percpu(root->cpus);
	kfree(root);
}

static struct zuf_root *root_create(void)
{
	struct zuf_root *root = kzalloc(sizeof(*root), GFP_KERNEL_ACCOUNT);
	unsigned int cpu;

	if (!root)
		return NULL;
	root->cpus = alloc_percpu(struct zuf_cpu);
	root->stats = zuf_stats_create();
	root->retired = kvzalloc(sizeof(*root->retired), GFP_KERNEL_ACCOUNT);
	if (!root->cpus || !root->stats || !root->retired || zuf_mounter_init(&root->mounter)) {
		root_free_memory(root);
		return NULL;
	}
	for_each_possible_cpu(cpu) {
		struct zuf_cpu *zc = per_cpu_ptr(root->cpus, cpu);

		init_waitqueue_head(&zc->idle_wait);
		init_waitqueue_head(&zc->stays_wait);
		zc->cpu = cpu;
		zuf_puts_init(&zc->puts, root);
	}
	zuf_root_watch_init(root);
	zuf_ends_root_init(root);
	zuf_umount_root_init(root);
	spin_lock_init(&root->park_lock);
	INIT_LIST_HEAD(&root->parks);
	INIT_LIST_HEAD(&root->parks_left);
	atomic_inc(&nr_roots);
	kref_init(&root->ref);
	mutex_init(&root->lock);
	idr_init_base(&root->sbs, 1);
	return root;
}

static void root_free_work(struct work_struct *work)
{
	struct zuf_root *root = container_of(work, struct zuf_root, free_work);
	unsigned int cpu;

	cancel_delayed_work_sync(&root->watch);
	zuf_umount_root_fini(root);
	zuf_ends_root_fini(root);
	for_each_possible_cpu(cpu)
		zuf_puts_fini(&per_cpu_ptr(root->cpus, cpu)->puts);
	put_pid(root->server);
	put_pid(root->ousted);
	idr_destroy(&root->sbs);
	zuf_mounter_fini(&root->mounter);
	mutex_destroy(&root->lock);
	root_free_memory(root);
	if (atomic_dec_and_test(&nr_roots))
		wake_up_var(&nr_roots);
}

static void root_free(struct kref *ref)
{
	struct zuf_root *root = container_of(ref, struct zuf_root, ref);

	INIT_WORK(&root->free_work, root_free_work);
	queue_work(root_free_wq, &root->free_work);
}

struct zuf_root *zuf_root_get(struct zuf_root *root)
{
	kref_get(&root->ref);
	return root;
}

void zuf_root_put(struct zuf_root *root)
{
	kref_put(&root->ref, root_free);
}

/* ---- who is the server ---- */

/* A process that is exiting, or has ended and is not reaped yet, is gone. */
static bool server_is_alive(struct zuf_root *root)
{
	struct task_struct *task;
	bool alive;

	if (root->nr_roles)
		return true;
	rcu_read_lock();
	task = pid_task(root->server, PIDTYPE_TGID);
	alive = task && !task->exit_state && atomic_read(&task->signal->live);
	rcu_read_unlock();
	return alive;
}

int zuf_root_claim(struct zuf_root *root)
{
	struct pid *me = task_tgid(current);

	if (root->ousted == me)
		return -ESHUTDOWN;
	if (root->server != me && server_is_alive(root))
		return -EBUSY;
	if (root->server != me) {
		put_pid(root->server);
		root->server = get_pid(me);
		WRITE_ONCE(root->live_gen, 0);
	}
	if (!root->live_gen) {
		/* 0 is "no server" and never a generation */
		if (!++root->last_gen)
			root->last_gen = 1;
		WRITE_ONCE(root->put_max, U32_MAX);
		WRITE_ONCE(root->live_gen, root->last_gen);
		trace_zuf_server_up(root->live_gen, pid_nr(me));
		pr_debug("process %d is the server, generation %u\n", pid_nr(me), root->live_gen);
	}
	return 0;
}

void zuf_root_role_get(struct zuf_root *root)
{
	root->nr_roles++;
}

/* A server without mounts may come and go. */
static void report_dead_mounts(struct zuf_root *root)
{
	struct zuf_sbid *sbid;
	unsigned int n = 0;
	int id;

	lockdep_assert_held(&root->lock);
	idr_for_each_entry(&root->sbs, sbid, id)
		n += sbid->dev && !sbid->draining && sbid->server_gen == root->live_gen;
	if (n)
		pr_warn("the server (pid %d) has ended, its %u mounts are dead until unmounted\n",
			pid_nr(root->server), n);
}

void zuf_root_server_down(struct zuf_root *root)
{
	unsigned int cpu;

	if (root->live_gen) {
		report_dead_mounts(root);
		trace_zuf_server_down(root->live_gen, pid_nr(root->server));
		pr_debug("process %d is no longer the server, generation %u\n",
			 pid_nr(root->server), root->live_gen);
	}
	WRITE_ONCE(root->live_gen, 0);
	root->state = ZUF_ROOT_INITIALIZING;
	zuf_puts_drop_all(root);
	zuf_park_drop_all(root);
	for_each_possible_cpu(cpu) {
		wake_up_all(&per_cpu_ptr(root->cpus, cpu)->idle_wait);
		wake_up_all(&per_cpu_ptr(root->cpus, cpu)->stays_wait);
	}
	wake_up_all(&root->mounter.caller_wait);
}

void zuf_root_role_put(struct zuf_root *root)
{
	if (!--root->nr_roles)
		zuf_root_server_down(root);
}

/* ---- the pseudo file system ---- */

static void inode_set_now(struct inode *inode)
{
	struct timespec64 now = current_time(inode);

	inode_set_atime_to_ts(inode, now);
	inode_set_mtime_to_ts(inode, now);
	inode_set_ctime_to_ts(inode, now);
}

/* The role says what is there: nothing is cut off. */
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
	 * Looks like a file of a DAX file system: 2 MiB faults, and no long-term pins, which
	 * would outlive a mount. (A DAX device is thought to have its pages to itself.)
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
	sb->s_fs_info = root_create();
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

int zuf_root_init(void)
{
	int err = sysfs_create_mount_point(fs_kobj, "zuf");

	if (err)
		return err;
	err = register_filesystem(&root_type);
	if (err)
		sysfs_remove_mount_point(fs_kobj, "zuf");
	return err;
}

void zuf_root_fini(void)
{
	unregister_filesystem(&root_type);
	sysfs_remove_mount_point(fs_kobj, "zuf");
	/* what is left of a mount whose server is gone ends by the timers of its root */
	wait_var_event(&nr_roots, !atomic_read(&nr_roots));
}

int zuf_root_wq_init(void)
{
	root_free_wq = alloc_workqueue("zuf_root", WQ_UNBOUND, 0);
	return root_free_wq ? 0 : -ENOMEM;
}

void zuf_root_wq_fini(void)
{
	destroy_workqueue(root_free_wq);
}
