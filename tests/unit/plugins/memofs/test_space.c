// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: mount options, limits, and what happens when blocks or memory end at any point. After
 * every failure the tree must be usable, and when all is removed nothing may be missing.
 */
#include "fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>

/* ---- mount ---- */

static struct statfs64 stat_fs(struct fixture *fx)
{
	struct statfs64 st;

	assert_int_equal(fake_statfs(fx->t, &st), 0);
	return st;
}

static void root_is_what_the_options_say(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "uid=5,gid=6,mode=1777,mapped");
	char text[ZUFS_MO_MAX];
	int n;

	(void)state;
	assert_int_equal(le32toh(fx->root.zi->i_uid), 5);
	assert_int_equal(le32toh(fx->root.zi->i_gid), 6);
	assert_int_equal(zus_zi_mode(fx->root.zi), S_IFDIR | 01777);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 2);
	n = fake_show_options(fx->t, text, sizeof(text));
	assert_true(n > 0);
	text[n] = 0;
	assert_string_equal(text, ",mapped,uid=5,gid=6,mode=1777");
	fixture_umount(fx);
}

static void all_options_are_shown(void **state)
{
	static const char shown[] = ",nio,noquarantine,size=8192k,nr_inodes=99,uid=5,gid=6,"
				    "mode=0000";
	struct fixture *fx = fixture_mount(NULL, "mode=0,gid=6,uid=5,nr_inodes=99,size=8M,"
					   "noquarantine,nio");
	char text[ZUFS_MO_MAX] = "";

	(void)state;
	assert_int_equal(zus_zi_mode(fx->root.zi), S_IFDIR);
	assert_int_equal(fake_show_options(fx->t, text, sizeof(text)), strlen(shown));
	assert_string_equal(text, shown);
	fixture_umount(fx);
	fx = fixture_mount(NULL, "mode=7777,mapped");
	assert_int_equal(zus_zi_mode(fx->root.zi), S_IFDIR | 07777);
	fixture_umount(fx);
}

static void default_is_0755_and_the_kernel_copies(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "");
	char text[ZUFS_MO_MAX] = "";

	(void)state;
	assert_int_equal(zus_zi_mode(fx->root.zi), S_IFDIR | 0755);
	assert_int_equal(fake_show_options(fx->t, text, sizeof(text)), strlen(",nio"));
	assert_string_equal(text, ",nio");
	fixture_umount(fx);
}

static void remount_keeps_the_way_of_io(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "mapped");

	(void)state;
	assert_int_equal(fake_remount(fx->f, "nio", 0), -EINVAL);
	assert_int_equal(fake_remount(fx->f, "mapped", 0), 0);
	assert_int_equal(fake_remount(fx->f, "", 0), 0);
	fixture_umount(fx);
}

static void bad_options_are_refused(void **state)
{
	static const char *const bad[] = {
		"mode=8", "mode=10000", "mode=-1", "mode=", "uid=x", "uid=4294967295",
		"gid=99999999999", "size=1q", "nonsense",
	};
	struct fake *f;
	size_t i;

	(void)state;
	assert_int_equal(fake_create(&f, &zus_plugin, NULL), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fake_mount(f, bad[i]), -EINVAL);
		assert_int_equal(fake_outstanding(f), 0);
	}
	assert_int_equal(fake_mount(f, "size=4k"), -ENOSPC);
	assert_int_equal(fake_outstanding(f), 0);
	assert_int_equal(fake_mount(f, "uid=4294967294,gid=4294967294"), 0);
	assert_int_equal(fake_umount(f), 0);
	fake_destroy(f);
}

static void remount_changes_limits_only(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "nr_inodes=10");
	struct fake_node a = must_creat(fx, fx->root, "a");

	(void)state;
	assert_int_equal(stat_fs(fx).f_files, 10);
	assert_int_equal(fake_remount(fx->f, "nr_inodes=1", 0), -EINVAL);
	assert_int_equal(fake_remount(fx->f, "size=1M", 0), -EINVAL);
	assert_int_equal(fake_remount(fx->f, "noquarantine", 0), -EINVAL);
	assert_int_equal(fake_remount(fx->f, "nonsense", 0), -EINVAL);
	assert_int_equal(stat_fs(fx).f_files, 10);
	assert_int_equal(fake_remount(fx->f, "nr_inodes=20", ZUFS_REM_WILL_RO), 0);
	assert_int_equal(stat_fs(fx).f_files, 20);
	assert_int_equal(stat_fs(fx).f_ffree, 18);
	assert_int_equal(stat_fs(fx).f_bavail, stat_fs(fx).f_bfree);
	/* as many as there are, and none is left; then as many as fit again */
	assert_int_equal(fake_remount(fx->f, "nr_inodes=2", 0), 0);
	assert_int_equal(stat_fs(fx).f_ffree, 0);
	assert_int_equal(fake_remount(fx->f, "nr_inodes=0", 0), 0);
	assert_true(stat_fs(fx).f_ffree > 1000);
	must_remove(fx, fx->root, a, "a");
	fixture_umount(fx);
}

static void unmount_frees_what_is_still_there(void **state)
{
	struct fixture *fx = fixture_mount(NULL, NULL);
	struct fake_node d = must_mkdir(fx, fx->root, "d"), a = must_creat(fx, d, "a"), t;
	struct fake *f = fx->f;

	(void)state;
	must_write(fx, a, "data", 4, 1 << 20);
	assert_int_equal(fake_tmpfile(fx->t, d, &t), 0);
	fake_thread_destroy(fx->t);
	assert_int_equal(fake_umount_dirty(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
	/* nothing of it is left in the next mount */
	assert_int_equal(fake_mount(f, ""), 0);
	fx->t = fake_thread_create(f, 0);
	fx->root = fake_root(f);
	assert_int_equal(ino_of(fx, fx->root, "d"), 0);
	fixture_umount(fx);
}

/* ---- limits ---- */

static void space_numbers_are_real(void **state)
{
	struct fixture *fx = *state;
	struct statfs64 a = stat_fs(fx), b;
	struct fake_node n = must_creat(fx, fx->root, "n");

	/* the table, and what is kept for truncates */
	assert_int_equal(a.f_blocks, (16 << 20) / BLOCK - 1 - 32);
	assert_int_equal(a.f_bfree, a.f_blocks - 1);
	assert_int_equal(a.f_files - a.f_ffree, 1);
	must_write(fx, n, "x", 1, 0);
	b = stat_fs(fx);
	assert_int_equal(b.f_bfree, a.f_bfree - 1);
	assert_int_equal(b.f_files - b.f_ffree, 2);
	must_remove(fx, fx->root, n, "n");
	b = stat_fs(fx);
	assert_int_equal(b.f_bfree, a.f_bfree);
}

static void inode_limit_holds(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "nr_inodes=2");
	struct fake_node a = must_creat(fx, fx->root, "a"), b;

	(void)state;
	assert_int_equal(fake_creat(fx->t, fx->root, "b", &b), -ENOSPC);
	assert_int_equal(ino_of(fx, fx->root, "b"), 0);
	must_remove(fx, fx->root, a, "a");
	b = must_creat(fx, fx->root, "b");
	must_remove(fx, fx->root, b, "b");
	fixture_umount(fx);
}

static void full_device_gives_a_short_write(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "size=64k");
	struct fake_node a = must_creat(fx, fx->root, "a");
	static char buf[64 * 1024];

	(void)state;
	/* block 0 is the table's, block 1 the inodes' */
	assert_int_equal(fake_write(fx->t, a, buf, sizeof(buf), 0), 14 * BLOCK);
	assert_int_equal(zus_zi_size(a.zi), 14 * BLOCK);
	assert_int_equal(fake_write(fx->t, a, buf, 1, 14 * BLOCK), -ENOSPC);
	assert_int_equal(zus_zi_size(a.zi), 14 * BLOCK);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 15 * BLOCK), -ENOSPC);
	must_write(fx, a, buf, 14 * BLOCK, 0);
	assert_int_equal(fake_truncate(fx->t, a, BLOCK), 0);
	must_write(fx, a, buf, BLOCK, 5 * BLOCK);
	/* the last ones are given, and what is there is no need */
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 14 * BLOCK), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 14);
	assert_int_equal(stat_fs(fx).f_bfree, 0);
	must_remove(fx, fx->root, a, "a");
	fixture_umount(fx);
}

static void tables_of_all_devices_stay(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 4 << 20, .t1_count = 3 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	struct fake_node a = must_creat(fx, fx->root, "a");
	static char buf[1 << 20];
	uint64_t pos = 0;
	unsigned int i;

	(void)state;
	assert_int_equal(stat_fs(fx).f_blocks, 3 * 1024 - 3 - 24);
	memset(buf, 0xff, sizeof(buf));
	while (fake_write(fx->t, a, buf, sizeof(buf), pos) == (ssize_t)sizeof(buf))
		pos += sizeof(buf);
	assert_int_equal(stat_fs(fx).f_bfree, 0);
	for (i = 0; i < 3; i++) {
		struct md_dev_table mdt;

		memcpy(&mdt, zus_t1_addr(fake_md(fx->f), i * 1024), sizeof(mdt));
		assert_int_equal(zus_mdt_check(&mdt, MEMOFS_MAGIC, 1, 0, NULL), 0);
		assert_int_equal(le16toh(mdt.s_dev_list.id_index), i);
	}
	must_remove(fx, fx->root, a, "a");
	fixture_umount(fx);
}

static void limit_may_end_inside_of_a_set(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 4 << 20, .t1_count = 3 };
	struct fixture *fx = fixture_mount(&opts, "size=5M");

	(void)state;
	assert_int_equal(stat_fs(fx).f_blocks, 5 * 256 - 2 - 10);
	fixture_umount(fx);
}

/* ---- 2 MiB of a file on 2 MiB of T1 ---- */

/* How many 2 MiB of a file one large page could map. */
static unsigned int large_pages(const struct memofs_inode *mi, uint64_t blocks)
{
	uint64_t i, j, bn;
	unsigned int n = 0;

	for (i = 0; i + 512 <= blocks; i += 512) {
		bn = block_of(mi, i);
		for (j = 0; j < 512 && bn && bn % 512 == 0 && block_of(mi, i + j) == bn + j; j++)
			;
		n += j == 512;
	}
	return n;
}

/* The answer of a page fault of 2 MiB: its first block, or an error; one word is all of it. */
static int64_t large_fault(struct fixture *fx, struct fake_node node, uint64_t pos, uint64_t rw)
{
	uint64_t bn;
	int n = fake_get(fx->t, node, pos, 2 << 20, ZUFS_RW_MMAP | rw, &bn, 1);

	if (n < 0)
		return n;
	assert_int_equal(n, 1);
	assert_int_equal(fake_put(fx->t), 0);
	return (int64_t)bn;
}

static void large_faults_are_one_word(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 32 << 20 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t bn;

	(void)state;
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 8 << 20), 0);
	bn = block_of(inode_of(a), 1024);
	assert_true(bn && bn % 512 == 0);
	assert_int_equal(large_fault(fx, a, 4 << 20, 0), bn);
	assert_int_equal(large_fault(fx, a, 4 << 20, ZUFS_RW_WRITE), bn);
	assert_int_equal(large_fault(fx, b, 0, 0), -EOPNOTSUPP);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					5 << 20, BLOCK), 0);
	assert_int_equal(large_fault(fx, a, 4 << 20, 0), -EOPNOTSUPP);
	/* what is shared can be looked at, a store needs a copy; what nobody wrote is not shared */
	assert_int_equal(large_fault(fx, a, 0, ZUFS_RW_WRITE), block_of(inode_of(a), 0));
	assert_int_equal(fake_clone(fx->t, a, b, 0, 0, 2 << 20, 2 << 20), 0);
	assert_int_equal(large_fault(fx, b, 0, 0), block_of(inode_of(a), 0));
	assert_int_equal(large_fault(fx, b, 0, ZUFS_RW_WRITE), -EOPNOTSUPP);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	fixture_umount(fx);
}

static void large_runs_are_in_step(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 256 << 20 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_node c = must_creat(fx, fx->root, "c");
	char *buf = test_calloc(1, 4 << 20);
	uint64_t pos;

	(void)state;
	/* something small before, between and after */
	must_write(fx, c, buf, 5 * BLOCK, 0);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 64 << 20), 0);
	assert_int_equal(large_pages(inode_of(a), 64 << 8), 32);
	for (pos = 0; pos < 32 << 20; pos += 1 << 20) {
		must_write(fx, b, buf, 1 << 20, pos);
		must_write(fx, c, buf, BLOCK, (5 + (pos >> 20)) * BLOCK);
	}
	assert_int_equal(large_pages(inode_of(b), 32 << 8), 16);
	/* a hole in the middle, and a start that is not even */
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					3 * BLOCK, 16 << 20), 0);
	must_write(fx, a, buf, 4 << 20, 3 * BLOCK);
	must_write(fx, a, buf, 4 << 20, 3 * BLOCK + (4 << 20));
	assert_true(large_pages(inode_of(a), 64 << 8) >= 23 + 2);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	must_remove(fx, fx->root, c, "c");
	test_free(buf);
	fixture_umount(fx);
}

/* Of free space with a block in use here and there, the whole 2 MiB are taken and no others. */
static void large_runs_do_not_end_in_the_middle(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 256 << 20 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t i, blocks = 96 << 8;

	(void)state;
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, blocks * BLOCK), 0);
	assert_int_equal(large_pages(inode_of(a), blocks), 48);
	/* leave a block in the middle of every third */
	for (i = 0; i < 48; i += 3) {
		assert_int_equal(fake_clone(fx->t, a, b, (i * 512 + 300) * BLOCK, i * BLOCK,
					    BLOCK, BLOCK), 0);
	}
	must_remove(fx, fx->root, a, "a");
	a = must_creat(fx, fx->root, "a");
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 160 << 20), 0);
	assert_int_equal(large_pages(inode_of(a), 160 << 8), 80);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	fixture_umount(fx);
}

/* Then any blocks will do: every second one is taken. */
static void large_runs_take_what_there_is(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t i, n = memofs_blocks_left(fixture_sb(fx)) / 2 - 64;

	for (i = 0; i < n; i++) {
		must_write(fx, a, "a", 1, i * BLOCK);
		must_write(fx, b, "b", 1, i * BLOCK);
	}
	must_remove(fx, fx->root, a, "a");
	a = must_creat(fx, fx->root, "a");
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, n * BLOCK), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), n);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

/* ---- a large directory ---- */

#define MANY	100000

static void hash_chains_stay_short(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 32 << 20 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	const struct memofs_dir *dir = &inode_of(fx->root)->dir;
	struct fake_node node;
	unsigned int i, longest = 0;
	char name[32];

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u", i);
		node = must_creat(fx, fx->root, name);
		fake_evict(fx->t, node, 0);
	}
	assert_true(dir->hash_size >= MANY);
	for (i = 0; i < dir->hash_size; i++) {
		unsigned int n = 0;
		const struct memofs_dentry *d;

		for (d = dir->hash[i]; d; d = d->next)
			n++;
		longest = n > longest ? n : longest;
	}
	assert_true(longest < 16);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(fake_lookup(fx->t, fx->root, name, &node), 0);
		must_remove(fx, fx->root, node, name);
	}
	assert_int_equal(dir->max_slots, 0);
	fixture_umount(fx);
}

/* ---- the end of blocks or memory at every point ---- */

/* A name that is there is removed with what lies below. */
static void clean(struct fixture *fx, struct fake_node dir)
{
	struct fake_dirent e[32];
	struct fake_node node;
	uint64_t pos = 0;
	bool more;
	int i, n = fake_readdir(fx->t, dir, &pos, 8192, e, 32, &more);

	assert_true(n >= 2 && !more);
	for (i = 2; i < n; i++) {
		assert_int_equal(fake_lookup(fx->t, dir, e[i].name, &node), 0);
		if (zus_zi_isdir(node.zi))
			clean(fx, node);
		must_remove(fx, dir, node, e[i].name);
	}
}

static void forget_new(struct fixture *fx, int err, struct fake_node node, int expected)
{
	if (err)
		assert_int_equal(err, expected);
	else
		assert_int_equal(fake_forget(fx->t, node), 0);
}

/* Moving blocks needs memory for the new index, or changes nothing. */
static void shift_file(struct fixture *fx, struct fake_node a, int expected)
{
	uint64_t size = zus_zi_size(a.zi), blocks = le64toh(a.zi->i_blocks);
	int err = 0;

	if (size < 4 * BLOCK)
		return;
	err = fake_fallocate(fx->t, a, FALLOC_FL_INSERT_RANGE, BLOCK, 5000 * BLOCK);
	assert_true(!err || err == expected);
	assert_int_equal(zus_zi_size(a.zi), size + (err ? 0 : 5000 * BLOCK));
	assert_int_equal(le64toh(a.zi->i_blocks), blocks);
	size = zus_zi_size(a.zi);
	err = fake_fallocate(fx->t, a, FALLOC_FL_COLLAPSE_RANGE, 0, 2 * BLOCK);
	assert_true(!err || err == expected);
	assert_int_equal(zus_zi_size(a.zi), size - (err ? 0 : 2 * BLOCK));
}

static void use_file(struct fixture *fx, struct fake_node a, int expected)
{
	static char buf[3 * BLOCK];
	ssize_t n;
	int err;

	memset(buf, 'x', sizeof(buf));
	n = fake_write(fx->t, a, buf, sizeof(buf), 2 * BLOCK + 10);
	assert_true(n > 0 || n == expected);
	if (n > 0)
		assert_int_equal(zus_zi_size(a.zi), 2 * BLOCK + 10 + (uint64_t)n);
	n = fake_write(fx->t, a, buf, 100, 1000 * BLOCK);
	assert_true(n == 100 || n == expected);
	err = fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, 300 * BLOCK, 2 * BLOCK);
	assert_true(!err || err == expected);
	shift_file(fx, a, expected);
	assert_int_equal(fake_truncate(fx->t, a, 2 * BLOCK), 0);
}

/* Every kind of operation that takes blocks or memory; each may fail with `expected` only. */
static void use_all(struct fixture *fx, int expected)
{
	struct fake_node a, d, n, none = { 0 };
	char target[100];
	int err;

	memset(target, 't', sizeof(target) - 1);
	target[sizeof(target) - 1] = 0;
	err = fake_symlink(fx->t, fx->root, "l", target, &n);
	forget_new(fx, err, n, expected);
	err = fake_tmpfile(fx->t, fx->root, &n);
	forget_new(fx, err, n, expected);
	err = fake_creat(fx->t, fx->root, "a", &a);
	if (err) {
		assert_int_equal(err, expected);
		return;
	}
	use_file(fx, a, expected);
	err = fake_mkdir(fx->t, fx->root, "d", &d);
	if (!err) {
		err = fake_rename(fx->t, fx->root, "a", a, d, "b", none, 0);
		assert_true(!err || err == expected);
		assert_true((ino_of(fx, fx->root, "a") == 0) == (err == 0));
		err = fake_link(fx->t, fx->root, a, "c");
		assert_true(!err || err == expected);
		assert_int_equal(fake_forget(fx->t, d), 0);
	}
	assert_int_equal(fake_forget(fx->t, a), 0);
}

static void blocks_may_end_at_any_point(void **state)
{
	char options[32];
	unsigned int blocks;

	(void)state;
	for (blocks = 2; blocks < 20; blocks++) {
		struct fixture *fx;

		snprintf(options, sizeof(options), "size=%uk", blocks * 4);
		fx = fixture_mount(NULL, options);
		use_all(fx, -ENOSPC);
		clean(fx, fx->root);
		fixture_umount(fx);
	}
}

static void memory_may_end_at_any_point(void **state)
{
	struct fixture *fx;
	unsigned int n;
	bool hit = true;

	(void)state;
	for (n = 1; hit; n++) {
		fx = fixture_mount(NULL, NULL);
		fake_fail(fx->f, FAKE_ALLOC, n);
		use_all(fx, -ENOMEM);
		hit = fake_fault_hit(fx->f, FAKE_ALLOC);
		fake_fail(fx->f, FAKE_ALLOC, 0);
		clean(fx, fx->root);
		fixture_umount(fx);
	}
	assert_true(n > 15);
}

static void mount_may_fail_at_any_allocation(void **state)
{
	struct fake *f;
	unsigned int n;
	int err = -1;

	(void)state;
	assert_int_equal(fake_create(&f, &zus_plugin, NULL), 0);
	for (n = 1; err; n++) {
		fake_fail(f, FAKE_ALLOC, n);
		err = fake_mount(f, "");
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(fake_outstanding(f), 0);
		}
	}
	assert_true(n > 10);
	fake_destroy(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_what_the_options_say),
		cmocka_unit_test(all_options_are_shown),
		cmocka_unit_test(default_is_0755_and_the_kernel_copies),
		cmocka_unit_test(remount_keeps_the_way_of_io),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(remount_changes_limits_only),
		cmocka_unit_test(unmount_frees_what_is_still_there),
		T(space_numbers_are_real),
		cmocka_unit_test(inode_limit_holds),
		cmocka_unit_test(full_device_gives_a_short_write),
		cmocka_unit_test(tables_of_all_devices_stay),
		cmocka_unit_test(limit_may_end_inside_of_a_set),
		cmocka_unit_test(large_faults_are_one_word),
		cmocka_unit_test(large_runs_are_in_step),
		cmocka_unit_test(large_runs_do_not_end_in_the_middle),
		T(large_runs_take_what_there_is),
		cmocka_unit_test(hash_chains_stay_short),
		cmocka_unit_test(blocks_may_end_at_any_point),
		cmocka_unit_test(memory_may_end_at_any_point),
		cmocka_unit_test(mount_may_fail_at_any_allocation),
	};

	return cmocka_run_group_tests_name("memofs space", tests, NULL, NULL);
}
