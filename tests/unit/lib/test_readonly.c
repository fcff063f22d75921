// SPDX-License-Identifier: BSD-2-Clause
/*
 * A type whose file systems cannot be changed: every operation that would change something is
 * -EROFS and does not reach the plugin, every other one does. The plugin is probefs, which has all
 * operations and notes each in its log; and one that has as few as possible.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "../../../lib/internal.h"

static struct zus_fs_ops ops;
static struct zus_plugin plugin;
static bool label_was_set;
static struct zus_mount seen_mount;

static int see_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	int err = probe_ops.mount(sb, m);

	seen_mount = *m;
	sb->fs_caps |= ZUFS_FSC_NEW_EXCL;
	return err;
}

static int see_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	seen_mount = *m;
	return probe_ops.remount(sb, m);
}

static int get_label(struct zus_sb *sb, char *label)
{
	(void)sb;
	memcpy(label, "label", sizeof("label"));
	return 0;
}

static int set_label(struct zus_sb *sb, const char *label)
{
	(void)sb, (void)label;
	label_was_set = true;
	return 0;
}

static void start_read_only(const char *options)
{
	ops = probe_ops;
	ops.mount = see_mount;
	ops.remount = see_remount;
	ops.get_label = get_label;
	ops.set_label = set_label;
	plugin = probe_plugin;
	plugin.ops = &ops;
	plugin.flags = ZUS_PLUGIN_READ_ONLY;
	start_with(&plugin, options);
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	assert_int_equal(fake_lookup(fx.t, fx.root, "f1", &fx.f1), 0);
	zus_zi_set_size(fx.f0.zi, 8192);
	clear_log();
}

static int setup_ro(void **state)
{
	(void)state;
	start_read_only("");
	return 0;
}

static int setup_ro_nio(void **state)
{
	(void)state;
	start_read_only("nio");
	return 0;
}

/* The answer is -EROFS, and the plugin was not asked. */
static void assert_refused(int result)
{
	assert_int_equal(result, -EROFS);
	assert_string_equal(fx.p->log, "");
}

static void nothing_is_made(void **state)
{
	static const struct zus_new_xattr xattr = {
		.type = ZUFS_XATTR_USER, .size = 1, .name = "a", .value = "b",
	};
	struct fake_node node;

	(void)state;
	assert_refused(fake_creat(fx.t, fx.root, "new", &node));
	assert_refused(fake_creat_with(fx.t, fx.root, "new", &xattr, 1, &node));
	assert_refused(fake_mkdir(fx.t, fx.root, "new", &node));
	assert_refused(fake_mknod(fx.t, fx.root, "new", S_IFIFO | 0600, 0, &node));
	assert_refused(fake_symlink(fx.t, fx.root, "new", "target", &node));
	assert_refused(fake_tmpfile(fx.t, fx.root, &node));
}

static void no_name_changes(void **state)
{
	const struct fake_node none = { 0 };

	(void)state;
	assert_refused(fake_link(fx.t, fx.root, fx.f0, "new"));
	assert_refused(fake_unlink(fx.t, fx.root, fx.f0, "f0"));
	assert_refused(fake_rename(fx.t, fx.root, "f0", fx.f0, fx.root, "new", none, 0));
	assert_refused(fake_rename(fx.t, fx.root, "f0", fx.f0, fx.root, "f1", fx.f1,
				   RENAME_EXCHANGE));
}

static void no_attribute_changes(void **state)
{
	(void)state;
	assert_refused(fake_setattr(fx.t, fx.f0, STATX_MODE));
	assert_refused(fake_setattr(fx.t, fx.f0, STATX_MTIME));
	assert_refused(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "a", "b", 1, 0));
	assert_refused(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "a", NULL, 0, XATTR_REPLACE));
	raw_message(sizeof(struct zufs_ioc_label), ZUFS_OP_SET_LABEL,
		    sizeof(struct zufs_ioc_label));
	((struct zufs_ioc_label *)raw_cmd.buf)->zus_sbi = (uintptr_t)fake_sb(fx.f);
	assert_refused(raw_dispatch());
	assert_false(label_was_set);
}

static void no_data_changes(void **state)
{
	(void)state;
	assert_refused((int)fake_write(fx.t, fx.f0, "data", 4, 0));
	assert_refused(fake_truncate(fx.t, fx.f0, 0));
	assert_refused(fake_fallocate(fx.t, fx.f0, 0, 0, 4096));
	assert_refused(fake_fallocate(fx.t, fx.f0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				      4096));
	assert_refused(fake_clone(fx.t, fx.f0, fx.f1, 0, 0, 4096, 4096));
	assert_int_equal(zus_zi_size(fx.f0.zi), 8192);
}

static void no_block_is_given_to_write(void **state)
{
	uint64_t bns[4];

	(void)state;
	assert_refused((int)fake_write(fx.t, fx.f0, "data", 4, 0));
	assert_refused(fake_get(fx.t, fx.f0, 0, 4096, ZUFS_RW_WRITE, bns, 4));
	assert_refused(fake_get(fx.t, fx.f0, 0, 4096, ZUFS_RW_WRITE | ZUFS_RW_MMAP, bns, 4));
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, ZUFS_RW_MMAP, bns, 4), 1);
	assert_int_equal(bns[0], probe_block(1, 0));
	assert_int_equal(fake_put(fx.t), 0);
}

static int see_ioctl(struct zus_ii *ii, struct zus_ioctl *args)
{
	((struct probe_sb *)ii->sb)->last_rw = args->cmd;
	return 0;
}

/* As listed; without a place in the list by the direction of the argument. */
static void ioctls_that_change_something_are_refused(void **state)
{
	const uint32_t listed = PROBE_IOC, changes = _IO('P', 2);
	const uint32_t writes = _IOW('P', 9, char[8]), reads = _IOR('P', 9, char[8]);
	char arg[16] = "";

	(void)state;
	ops.ioctl = see_ioctl;
	fx.p->sb.type->own.ioctl = see_ioctl;
	assert_refused(fake_ioctl(fx.t, fx.f0, changes, arg, sizeof(arg)));
	assert_refused(fake_ioctl(fx.t, fx.f0, writes, arg, sizeof(arg)));
	assert_int_equal(fx.p->last_rw, 0);
	assert_int_equal(fake_ioctl(fx.t, fx.f0, reads, arg, sizeof(arg)), 0);
	assert_int_equal(fx.p->last_rw, reads);
	/* writes an argument, but the list says that it changes nothing */
	assert_int_equal(fake_ioctl(fx.t, fx.f0, listed, arg, sizeof(arg)), 0);
	assert_int_equal(fx.p->last_rw, listed);
	/* without a list */
	fx.p->sb.type->ops.ioctls = NULL;
	assert_refused(fake_ioctl(fx.t, fx.f0, listed, arg, sizeof(arg)));
	assert_int_equal(fake_ioctl(fx.t, fx.f0, changes, arg, sizeof(arg)), 0);
	/* the list cannot be had */
	fx.p->sb.type->ops.ioctls = ops.ioctls;
	fx.p->result = -EIO;
	assert_int_equal(fake_ioctl(fx.t, fx.f0, writes, arg, sizeof(arg)), -EROFS);
	fx.p->result = 0;
}

static void reading_reaches_the_plugin(void **state)
{
	struct fake_dirent e[PROBE_INODES];
	struct zufs_ioctl_info list[4];
	struct fake_node node;
	struct statfs64 st;
	uint64_t pos = 0, unmapped;
	char buf[64];
	uint32_t n;
	bool more;

	(void)state;
	assert_int_equal(fake_lookup(fx.t, fx.root, "f2", &node), 0);
	assert_int_equal(fake_read(fx.t, node, buf, 0, 0), 0);
	assert_int_equal(fake_forget(fx.t, node), 0);
	assert_int_equal(fake_read(fx.t, fx.f0, buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(fake_readdir(fx.t, fx.root, &pos, 4096, e, PROBE_INODES, &more),
			 PROBE_INODES);
	assert_int_equal(fake_iget(fx.t, 1, 0, &node), 0);
	assert_int_equal(fake_forget(fx.t, node), 0);
	assert_int_equal(fake_statfs(fx.t, &st), 0);
	assert_true(fake_show_options(fx.t, buf, sizeof(buf)) > 0);
	pos = 4;
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_DATA, &pos), 0);
	assert_int_equal(fake_fiemap(fx.t, fx.f0, 0, 4096, NULL, 0, &n), 0);
	assert_true(fake_getxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "a", NULL, 0) >= 0);
	assert_true(fake_listxattr(fx.t, fx.f0, NULL, 0, false) > 0);
	assert_int_equal(fake_ioctls(fx.t, list, 4), 2);
	/* fsync(2) of a file that cannot change has nothing to do, which is no error */
	assert_int_equal(fake_sync(fx.t, fx.f0, 0, 4096, 0, &unmapped), 0);
	assert_int_equal(fake_pre_read(fx.t, fx.f0, 0, 1), 0);
	assert_int_equal(fake_mmap_close(fx.t, fx.f0), 0);
	raw_message(sizeof(struct zufs_ioc_label), ZUFS_OP_GET_LABEL,
		    sizeof(struct zufs_ioc_label));
	((struct zufs_ioc_label *)raw_cmd.buf)->zus_sbi = (uintptr_t)fake_sb(fx.f);
	assert_int_equal(raw_dispatch(), 0);
	assert_string_equal(((struct zufs_ioc_label *)raw_cmd.buf)->label, "label");
}

/* The kernel is told at registration, and then refuses an open for writing by itself. */
static void every_mount_is_read_only(void **state)
{
	struct register_fs_info info;

	(void)state;
	zus_type_info(fx.p->sb.type, &info);
	assert_true(info.notused & ZUFS_REG_READ_ONLY);
	assert_false(info.notused & ZUFS_REG_NODEV_OK);
	assert_true(seen_mount.flags & ZUFS_M_RDONLY);
	assert_int_equal(fake_remount(fx.f, "probe", 0), 0);
	assert_true(seen_mount.flags & ZUFS_M_RDONLY);
	assert_int_equal(fake_remount(fx.f, "probe", ZUFS_REM_WAS_RO | ZUFS_REM_WILL_RO), 0);
	clear_log();
	assert_refused(fake_remount(fx.f, "probe", ZUFS_REM_WAS_RO));
	/* open(2) with O_CREAT of a name that exists looks it up */
	assert_false(fake_mount_info(fx.f)->fs_caps & ZUFS_FSC_NEW_EXCL);
}

static void others_are_not(void **state)
{
	struct register_fs_info info;
	struct fake_node node;

	(void)state;
	zus_type_info(fx.p->sb.type, &info);
	assert_int_equal(info.notused, 0);
	assert_int_equal(fake_creat(fx.t, fx.root, "new", &node), 0);
	assert_int_equal(fake_forget(fx.t, node), 0);
	assert_int_equal(fake_remount(fx.f, "", ZUFS_REM_WAS_RO), 0);
}

/* What a plugin does not have is -EROFS as well, and not what its absence means otherwise. */
static void few_operations_are_enough(void **state)
{
	const struct fake_node none = { 0 };
	struct fake_node node;
	char why[256];
	uint64_t bn;

	(void)state;
	ops = (struct zus_fs_ops){
		.mount = probe_ops.mount, .lookup = probe_ops.lookup, .evict = probe_ops.evict,
	};
	plugin = probe_plugin;
	plugin.ops = &ops;
	assert_int_equal(zus_plugin_check(&plugin, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "new_inode is missing"));
	plugin.flags = ZUS_PLUGIN_READ_ONLY | ZUS_PLUGIN_NODEV_OK;
	start_with(&plugin, "");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	clear_log();
	assert_refused(fake_creat(fx.t, fx.root, "new", &node));
	assert_refused(fake_link(fx.t, fx.root, fx.f0, "new"));
	assert_refused(fake_unlink(fx.t, fx.root, fx.f0, "f0"));
	assert_refused(fake_rename(fx.t, fx.root, "f0", fx.f0, fx.root, "new", none, 0));
	assert_refused(fake_setattr(fx.t, fx.f0, STATX_MODE));
	assert_refused(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "a", "b", 1, 0));
	assert_refused((int)fake_write(fx.t, fx.f0, "data", 4, 0));
	assert_refused(fake_truncate(fx.t, fx.f0, 0));
	assert_refused(fake_fallocate(fx.t, fx.f0, 0, 0, 4096));
	assert_refused(fake_clone(fx.t, fx.f0, fx.f0, 0, 4096, 4096, 4096));
	assert_refused(fake_get(fx.t, fx.f0, 0, 4096, ZUFS_RW_WRITE, &bn, 1));
	/* and what changes nothing is what its absence means */
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, why, 16), -ENOTTY);
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, 0, &bn, 1), -EOPNOTSUPP);
	assert_int_equal(fake_remount(fx.f, "", 0), 0);
	assert_int_equal(fake_remount(fx.f, "", ZUFS_REM_WAS_RO), -EROFS);
	assert_int_equal(fake_forget(fx.t, fx.f0), 0);
	teardown(state);
}

#define R(fn)	cmocka_unit_test_setup_teardown(fn, setup_ro, raw_teardown)
#define RN(fn)	cmocka_unit_test_setup_teardown(fn, setup_ro_nio, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		R(nothing_is_made),
		R(no_name_changes),
		R(no_attribute_changes),
		R(no_data_changes),
		RN(no_block_is_given_to_write),
		R(ioctls_that_change_something_are_refused),
		R(reading_reaches_the_plugin),
		R(every_mount_is_read_only),
		T(others_are_not),
		cmocka_unit_test(few_operations_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
