// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch through the fake channel with probefs: mounting, inodes and names, the defaults of
 * missing operations, and what happens when the two sides do not keep the rules.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

#include <endian.h>
#include <unistd.h>

/* ---- mount ---- */

static void mount_fills_the_answer(void **state)
{
	const struct zufs_mount_info *zmi = fake_mount_info(fx.f);

	(void)state;
	assert_int_equal(zmi->s_blocksize_bits, 12);
	assert_int_equal(zmi->_zi, 4096);
	assert_int_equal(zmi->zus_ii, (uint64_t)(uintptr_t)&fx.p->root);
	assert_int_equal(zmi->zus_sbi, (uint64_t)(uintptr_t)fx.p);
}

static void mount_errors_leave_nothing_behind(void **state)
{
	static const struct { const char *options; int err; } cases[] = {
		{ "refuse", -EACCES }, { "positive", -EIO }, { "noroot", -EIO },
	};
	struct fake *f;
	size_t i;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, NULL), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(fake_mount(f, cases[i].options), cases[i].err);
		assert_int_equal(fake_outstanding(f), 0);
	}
	fake_fail(f, FAKE_ALLOC, 1);
	assert_int_equal(fake_mount(f, ""), -ENOMEM);
	assert_true(fake_fault_hit(f, FAKE_ALLOC));
	fake_fail(f, FAKE_DEVICE, 1);
	assert_int_equal(fake_mount(f, ""), -EIO);
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
}

static void remount_passes_options_and_flags(void **state)
{
	(void)state;
	assert_int_equal(fake_remount(fx.f, "x=1", ZUFS_REM_WILL_RO), 0);
	assert_string_equal(fx.p->text, "x=1");
	assert_int_equal(fx.p->last_flags, ZUFS_REM_WILL_RO);
	fx.p->result = -EBUSY;
	assert_int_equal(fake_remount(fx.f, NULL, 0), -EBUSY);
	fx.p->result = 0;
}

static void unterminated_options_are_refused(void **state)
{
	const struct zus_host host = { 0 };
	char buf[sizeof(struct zufs_ioc_mount) + 8];
	struct zufs_ioc_mount *msg = calloc(1, sizeof(buf));

	(void)state;
	assert_non_null(msg);
	msg->hdr.operation = ZUFS_M_REMOUNT;
	msg->zmi.zus_sbi = fake_mount_info(fx.f)->zus_sbi;
	msg->zmi.po.mount_options_len = 4;
	memcpy(ZUFS_TAIL(msg, zmi.po.mount_options), "abcdefgh", 8);
	zus_dispatch_mount(&host, msg, sizeof(buf));
	assert_int_equal(msg->hdr.err, -EINVAL);
	msg->zmi.po.mount_options_len = 4096;
	zus_dispatch_mount(&host, msg, sizeof(buf));
	assert_int_equal(msg->hdr.err, -EINVAL);
	msg->hdr.operation = 99;
	zus_dispatch_mount(&host, msg, sizeof(buf));
	assert_int_equal(msg->hdr.err, -EOPNOTSUPP);
	free(msg);
}

/* ---- names ---- */

static void lookup_of_dots_is_the_cores(void **state)
{
	struct fake_node n;

	(void)state;
	clear_log();
	assert_int_equal(fake_lookup(fx.t, fx.root, ".", &n), 0);
	assert_int_equal(n.ii, fx.root.ii);
	assert_int_equal(fake_lookup(fx.t, fx.root, "..", &n), 0);
	assert_int_equal(n.ii, fx.root.ii);
	assert_int_equal(fake_lookup(fx.t, fx.root, "...", &n), -ENOENT);
	assert_string_equal(fx.p->log, "IIL");
}

static void iget_finds_by_number_and_generation(void **state)
{
	uint64_t generation = le64toh(fx.root.zi->i_generation);
	int64_t live = fx.p->live;
	struct fake_node n;

	(void)state;
	assert_true(fake_mount_info(fx.f)->fs_caps & ZUFS_FSC_IGET);
	assert_int_equal(fake_iget(fx.t, 1, generation, &n), 0);
	assert_int_equal(n.ii, fx.root.ii);
	assert_int_equal(fx.p->live, live + 1);
	assert_int_equal(fake_evict(fx.t, n, ZI_LOOKUP_RACE), 0);
	/* what is wrong is not left with the kernel */
	assert_int_equal(fake_iget(fx.t, 1, generation + 1, &n), -ESTALE);
	assert_int_equal(fake_iget(fx.t, 2, generation, &n), -ESTALE);
	assert_int_equal(fx.p->live, live);
}

static void lookup_gives_one_reference_each(void **state)
{
	struct fake_node a;
	int64_t live = fx.p->live;

	(void)state;
	assert_int_equal(fake_lookup(fx.t, fx.root, "f7", &a), 0);
	assert_int_equal(fake_lookup(fx.t, fx.root, "f7", &a), 0);
	assert_int_equal(fx.p->live, live + 2);
	assert_int_equal(fake_evict(fx.t, a, ZI_LOOKUP_RACE), 0);
	assert_int_equal(fx.p->last_flags, ZI_LOOKUP_RACE);
	assert_int_equal(fake_forget(fx.t, a), 0);
	assert_int_equal(fx.p->live, live);
	assert_int_equal(fake_lookup(fx.t, fx.root, "g", &a), -ENOENT);
	assert_int_equal(fake_lookup(fx.t, fx.root, "", &a), -EINVAL);
}

static void handle_outside_of_t1_is_taken_back(void **state)
{
	struct fake_node a;
	int64_t live = fx.p->live;

	(void)state;
	fx.p->bad_handle = true;
	assert_int_equal(fake_lookup(fx.t, fx.root, "f9", &a), -EIO);
	assert_int_equal(fx.p->live, live);
}

static void forget_frees_what_has_no_links(void **state)
{
	(void)state;
	clear_log();
	fx.f0.zi->i_nlink = 0;
	assert_int_equal(fake_forget(fx.t, fx.f0), 0);
	assert_int_equal(fake_forget(fx.t, fx.f1), 0);
	assert_string_equal(fx.p->log, "FE");
}

static void new_inode_passes_names_and_targets(void **state)
{
	char longer[201];
	struct fake_node n;

	(void)state;
	assert_int_equal(fake_creat(fx.t, fx.root, "file", &n), 0);
	assert_string_equal(fx.p->text, "file");
	assert_int_equal(fx.p->value_len, 0);
	assert_int_equal(n.ii, (uint64_t)(uintptr_t)&fx.p->files[0]);
	assert_int_equal(fake_symlink(fx.t, fx.root, "ln", "short", &n), 0);
	assert_int_equal(fx.p->value_len, 5);
	assert_memory_equal(fx.p->value, "short", 5);
	memset(longer, 'q', 200);
	longer[200] = 0;
	assert_int_equal(fake_symlink(fx.t, fx.root, "ln", longer, &n), 0);
	assert_int_equal(fx.p->value_len, 200);
	assert_memory_equal(fx.p->value, longer, sizeof(fx.p->value));
	assert_int_equal(fake_tmpfile(fx.t, fx.root, &n), 0);
	assert_int_equal(fx.p->last_flags, ZI_TMPFILE);
	fx.p->result = -ENOSPC;
	assert_int_equal(fake_mkdir(fx.t, fx.root, "d", &n), -ENOSPC);
	fx.p->result = 0;
}

static void new_inode_passes_attributes(void **state)
{
	static const struct zus_new_xattr xattrs[] = {
		{ ZUFS_XATTR_SYSTEM, 16, "system.posix_acl_access", "0123456789abcdef" },
		{ ZUFS_XATTR_SECURITY, 0, "empty", "" },
		{ ZUFS_XATTR_SECURITY, 5, "selinux", "label" },
	};
	struct fake_node n;

	(void)state;
	assert_int_equal(fake_creat_with(fx.t, fx.root, "file", xattrs, 3, &n), 0);
	assert_int_equal(fx.p->last_len, 3);
	assert_int_equal(fx.p->last_flags, 0);
	assert_string_equal(fx.p->text, "selinux");
	assert_int_equal(fx.p->value_len, 5);
	assert_memory_equal(fx.p->value, "label", 5);
	assert_int_equal(fake_creat_with(fx.t, fx.root, "file", xattrs, 2, &n), 0);
	assert_string_equal(fx.p->text, "empty");
	assert_int_equal(fx.p->value_len, 0);
}

/* One attribute in a message that ends too early, or that says something wrong of it. */
static int bad_attribute(size_t len, __u16 name_len, __u32 size, char end_of_name)
{
	struct zufs_ioc_new_inode *ioc;
	struct zufs_new_xattr *x;

	ioc = fake_msg(fx.t, ZUFS_OP_NEW_INODE, sizeof(*ioc) + len);
	ioc->dir_ii = fx.root.ii;
	ioc->str.len = 1;
	ioc->str.name[0] = 'a';
	ioc->flags = ZI_XATTRS;
	x = (struct zufs_new_xattr *)(ioc + 1);
	x->name_len = name_len;
	x->size = size;
	((char *)ZUFS_TAIL(x, buf))[1] = end_of_name;
	return fake_send(fx.t);
}

static void attributes_that_make_no_sense_are_refused(void **state)
{
	static const struct zus_new_xattr x = { ZUFS_XATTR_USER, 1, "n", "v" };
	struct zus_new_xattr many[ZUFS_NEW_XATTRS_MAX + 1];
	struct fake_node n;
	size_t i;

	(void)state;
	assert_int_equal(bad_attribute(24, 2, 6, 0), 0);
	assert_int_equal(bad_attribute(24, 2, 7, 0), -EINVAL);
	assert_int_equal(bad_attribute(24, 2, UINT32_MAX, 0), -EINVAL);
	assert_int_equal(bad_attribute(24, 0, 0, 0), -EINVAL);
	assert_int_equal(bad_attribute(24, 2, 0, 'x'), -EINVAL);
	assert_int_equal(bad_attribute(24, UINT16_MAX, 0, 0), -EINVAL);
	assert_int_equal(bad_attribute(8, 2, 0, 0), -EINVAL);
	for (i = 0; i < ZUFS_NEW_XATTRS_MAX + 1; i++)
		many[i] = x;
	assert_int_equal(fake_creat_with(fx.t, fx.root, "f", many, ZUFS_NEW_XATTRS_MAX, &n), 0);
	assert_int_equal(fake_creat_with(fx.t, fx.root, "f", many, ZUFS_NEW_XATTRS_MAX + 1, &n),
			 -EINVAL);
}

static void a_whiteout_comes_with_its_rename(void **state)
{
	struct zufs_ioc_rename *ioc = fake_msg(fx.t, ZUFS_OP_RENAME, sizeof(*ioc));
	struct fake_node none = { 0 };

	(void)state;
	/* this file system does not know it, and what is not there is not looked at */
	assert_int_equal(fake_rename(fx.t, fx.root, "f0", fx.f0, fx.root, "n", none, 4),
			 -EOPNOTSUPP);
	clear_log();
	ioc = fake_msg(fx.t, ZUFS_OP_RENAME, sizeof(*ioc));
	ioc->old_dir_ii = fx.root.ii;
	ioc->new_dir_ii = fx.root.ii;
	ioc->old_zus_ii = fx.f0.ii;
	ioc->old_d_str.len = 1;
	ioc->new_d_str.len = 1;
	ioc->flags = 4;
	assert_int_equal(fake_send(fx.t), -EINVAL);
	assert_string_equal(fx.p->log, "");
}

static void dentries_and_rename_pass_their_arguments(void **state)
{
	struct fake_node none = { 0, NULL };

	(void)state;
	assert_int_equal(fake_link(fx.t, fx.root, fx.f1, "two"), 0);
	assert_ptr_equal(fx.p->seen_b, &fx.p->files[1]);
	assert_string_equal(fx.p->text, "two");
	assert_int_equal(fake_unlink(fx.t, fx.root, fx.f0, "f0"), 0);
	assert_ptr_equal(fx.p->seen_a, &fx.p->root);
	assert_int_equal(fake_rename(fx.t, fx.root, "f0", fx.f0, fx.root, "new", fx.f1, 2), 0);
	assert_string_equal(fx.p->text, "new");
	assert_ptr_equal(fx.p->seen_b, &fx.p->files[1]);
	assert_int_equal(fx.p->last_flags, 2);
	assert_true(fx.p->last_time > 0);
	assert_int_equal(fake_rename(fx.t, fx.root, "f0", fx.f0, fx.root, "n", none, 0), 0);
	assert_null(fx.p->seen_b);
	fx.p->result = -ENOTEMPTY;
	assert_int_equal(fake_unlink(fx.t, fx.root, fx.f0, "f0"), -ENOTEMPTY);
	fx.p->result = 5;
	assert_int_equal(fake_unlink(fx.t, fx.root, fx.f0, "f0"), -EIO);
	fx.p->result = -EZUFS_RETRY;
	assert_int_equal(fake_unlink(fx.t, fx.root, fx.f0, "f0"), -EIO);
	fx.p->result = -100000;
	assert_int_equal(fake_unlink(fx.t, fx.root, fx.f0, "f0"), -EIO);
	fx.p->result = 0;
}

static void readdir_goes_on_where_it_stopped(void **state)
{
	struct fake_dirent e[PROBE_INODES];
	unsigned int seen = 0, calls = 0;
	uint64_t pos = 0;
	bool more = true;
	int n, i;

	(void)state;
	while (more) {
		n = fake_readdir(fx.t, fx.root, &pos, 128, e, PROBE_INODES, &more);
		assert_true(n > 0);
		for (i = 0; i < n; i++, seen++) {
			assert_int_equal(e[i].ino, seen + 2);
			assert_int_equal(e[i].pos, seen);
			assert_int_equal(e[i].type, DT_REG);
		}
		calls++;
	}
	assert_int_equal(seen, PROBE_INODES);
	assert_true(calls > 2);
	assert_int_equal(pos, PROBE_INODES);
}

/* ---- rules ---- */

static void unknown_operations_are_refused(void **state)
{
	static const unsigned int ops[] = { 0, 18, 26, 33, 63, 127, 65535 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		fake_msg(fx.t, ops[i], sizeof(struct zufs_ioc_hdr));
		assert_int_equal(fake_send(fx.t), -EOPNOTSUPP);
	}
	fake_msg(fx.t, ZUFS_OP_NOOP, sizeof(struct zufs_ioc_hdr));
	assert_int_equal(fake_send(fx.t), 0);
}

static void short_messages_are_refused(void **state)
{
	unsigned int op;

	(void)state;
	clear_log();
	for (op = ZUFS_OP_STATFS; op < ZUFS_OP_NOOP; op++) {
		if (op == 18 || op == 26)
			continue;
		fake_msg(fx.t, op, sizeof(struct zufs_ioc_hdr));
		assert_int_equal(fake_send(fx.t), -EINVAL);
	}
	assert_string_equal(fx.p->log, "");
}

static void lost_message_reaches_nobody(void **state)
{
	struct fake_node n;

	(void)state;
	clear_log();
	fake_fail(fx.f, FAKE_MESSAGE, 2);
	assert_int_equal(fake_setattr(fx.t, fx.f0, 1), 0);
	assert_int_equal(fake_lookup(fx.t, fx.root, "f3", &n), -EIO);
	assert_string_equal(fx.p->log, "T");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f3", &n), 0);
}

/* ---- a plugin that has only what it must ---- */

static const struct zus_fs_ops *bare_ops(void)
{
	static struct zus_fs_ops ops;

	ops.mount = probe_ops.mount;
	ops.lookup = probe_ops.lookup;
	ops.new_inode = probe_ops.new_inode;
	return &ops;
}

static int setup_bare(void **state)
{
	static struct zus_plugin plugin;

	(void)state;
	plugin = probe_plugin;
	plugin.ops = bare_ops();
	start_with(&plugin, "");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	return 0;
}

static int send_label(unsigned int operation)
{
	struct zufs_ioc_label *msg = fake_msg(fx.t, operation, sizeof(*msg));

	msg->zus_sbi = fake_mount_info(fx.f)->zus_sbi;
	return fake_send(fx.t);
}

static void missing_operations_have_their_defaults(void **state)
{
	struct fake_dirent e[2];
	struct fake_node n;
	struct statfs64 st;
	uint64_t u = 0;
	uint32_t m;
	char buf[64];
	bool more;

	(void)state;
	assert_int_equal(send_label(ZUFS_OP_GET_LABEL), -EOPNOTSUPP);
	assert_int_equal(send_label(ZUFS_OP_SET_LABEL), -EOPNOTSUPP);
	assert_int_equal(fake_ioctls(fx.t, NULL, 0), -EOPNOTSUPP);
	assert_int_equal(fake_remount(fx.f, "", 0), 0);
	assert_int_equal(fake_statfs(fx.t, &st), -EOPNOTSUPP);
	assert_int_equal(fake_show_options(fx.t, buf, sizeof(buf)), 0);
	assert_int_equal(fake_lookup(fx.t, fx.root, ".", &n), -EOPNOTSUPP);
	assert_false(fake_mount_info(fx.f)->fs_caps & ZUFS_FSC_IGET);
	assert_int_equal(fake_iget(fx.t, 1, 0, &n), -EOPNOTSUPP);
	assert_int_equal(fake_link(fx.t, fx.root, fx.f0, "a"), -EOPNOTSUPP);
	assert_int_equal(fake_unlink(fx.t, fx.root, fx.f0, "a"), -EOPNOTSUPP);
	assert_int_equal(fake_rename(fx.t, fx.root, "a", fx.f0, fx.root, "b", fx.f0, 0),
			 -EOPNOTSUPP);
	assert_int_equal(fake_readdir(fx.t, fx.root, &u, 4096, e, 2, &more), -EOPNOTSUPP);
	assert_int_equal(fake_setattr(fx.t, fx.f0, 1), 0);
	assert_int_equal(fake_write(fx.t, fx.f0, "a", 1, 0), -EOPNOTSUPP);
	assert_int_equal(fake_pre_read(fx.t, fx.f0, 0, 1), 0);
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, 0, &u, 1), -EOPNOTSUPP);
	assert_int_equal(fake_truncate(fx.t, fx.f0, 0), -EOPNOTSUPP);
	assert_int_equal(fake_fallocate(fx.t, fx.f0, 0, 0, 1), -EOPNOTSUPP);
	assert_int_equal(fake_fiemap(fx.t, fx.f0, 0, 1, NULL, 0, &m), -EOPNOTSUPP);
	assert_int_equal(fake_clone(fx.t, fx.f0, fx.f0, 0, 0, 1, 1), -EOPNOTSUPP);
	assert_int_equal(fake_mmap_close(fx.t, fx.f0), 0);
	assert_int_equal(fake_sync(fx.t, fx.f0, 0, 1, 0, &u), 0);
	assert_int_equal(u, 0);
	assert_int_equal(fake_getxattr(fx.t, fx.f0, 4, "a", buf, 4), -EOPNOTSUPP);
	assert_int_equal(fake_setxattr(fx.t, fx.f0, 4, "a", buf, 4, 0), -EOPNOTSUPP);
	assert_int_equal(fake_listxattr(fx.t, fx.f0, buf, 4, 0), -EOPNOTSUPP);
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, buf, 64), -ENOTTY);
	assert_int_equal(fake_forget(fx.t, fx.f0), 0);
	fx.f0.zi->i_size = htole64(10);
	u = 3;
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_DATA, &u), -EOPNOTSUPP);
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 4, 0), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mount_fills_the_answer),
		cmocka_unit_test(mount_errors_leave_nothing_behind),
		T(remount_passes_options_and_flags),
		T(unterminated_options_are_refused),
		T(lookup_of_dots_is_the_cores),
		T(iget_finds_by_number_and_generation),
		T(lookup_gives_one_reference_each),
		T(handle_outside_of_t1_is_taken_back),
		T(forget_frees_what_has_no_links),
		T(new_inode_passes_names_and_targets),
		T(new_inode_passes_attributes),
		T(attributes_that_make_no_sense_are_refused),
		T(dentries_and_rename_pass_their_arguments),
		T(a_whiteout_comes_with_its_rename),
		T(readdir_goes_on_where_it_stopped),
		T(unknown_operations_are_refused),
		T(short_messages_are_refused),
		T(lost_message_reaches_nobody),
		cmocka_unit_test_setup_teardown(missing_operations_have_their_defaults,
						setup_bare, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
