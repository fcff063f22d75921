// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: operations on names: new inodes, links, renames, symbolic links. After each test nothing
 * but the root is left, which the fixture checks down to the last block of media; in between the
 * tree is compared before and after a remount.
 */
#include "fixture.h"

#include <linux/fs.h>
#include <stdio.h>

static const struct fake_node none;

static void new_file_is_found_by_name(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), again;
	uint64_t ino = zus_zi_ino(a.zi);

	assert_int_equal(zus_zi_nlink(a.zi), 1);
	assert_int_equal(zus_zi_mode(a.zi), S_IFREG | 0644);
	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &again), 0);
	assert_true(again.ii == a.ii && again.zi == a.zi);
	assert_int_equal(fake_evict(fx->t, again, ZI_LOOKUP_RACE), 0);
	assert_int_equal(ino_of(fx, fx->root, "b"), 0);
	must_forget(fx, a);
	remount_same(fx);
	assert_int_equal(ino_of(fx, fx->root, "a"), ino);
	must_remove_name(fx, fx->root, "a");
	assert_int_equal(ino_of(fx, fx->root, "a"), 0);
}

static void new_inode_is_there_after_a_crash(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d");
	struct fake_node a = must_creat(fx, d, "a");
	uint64_t ino = zus_zi_ino(a.zi);

	fixture_crash(fx);
	d = must_lookup(fx, fx->root, "d");
	assert_int_equal(ino_of(fx, d, "a"), ino);
	check_dir(fx, fx->root);
	check_dir(fx, d);
	must_remove_name(fx, d, "a");
	must_remove(fx, fx->root, d, "d");
}

static void orphans_go_with_a_crash(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_node d = must_mkdir(fx, fx->root, "d"), tmp;

	assert_int_equal(fake_tmpfile(fx->t, fx->root, &tmp), 0);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "a"), 0);
	assert_int_equal(fake_unlink(fx->t, fx->root, d, "d"), 0);
	assert_int_equal(fake_rename(fx->t, fx->root, "b", b, fx->root, "c", none, 0), 0);
	assert_int_equal(tierfs_inodes_used(fixture_fs(fx)), 5);
	fixture_crash(fx);
	assert_int_equal(tierfs_inodes_used(fixture_fs(fx)), 2);
	must_remove_name(fx, fx->root, "c");
}

static void unlinked_file_lives_until_last_reference(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), raced;
	uint64_t ino = zus_zi_ino(a.zi);
	struct zus_ii *ii;

	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &raced), 0);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "a"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 0);
	assert_true(node_of(a)->rec->cell);
	assert_int_equal(fake_evict(fx->t, raced, ZI_LOOKUP_RACE), 0);
	assert_int_equal(tierfs_inodes_used(fixture_fs(fx)), 2);
	must_forget(fx, a);
	assert_int_equal(tierfs_iget(fake_sb(fx->f), ino, &ii), -ESTALE);
	assert_int_equal(tierfs_inodes_used(fixture_fs(fx)), 1);
}

static void existing_name_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b;

	assert_int_equal(fake_creat(fx->t, fx->root, "a", &b), -EEXIST);
	assert_int_equal(fake_mkdir(fx->t, fx->root, "a", &b), -EEXIST);
	assert_int_equal(fake_link(fx->t, fx->root, a, "a"), -EEXIST);
	assert_int_equal(zus_zi_nlink(a.zi), 1);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 2);
	must_remove(fx, fx->root, a, "a");
}

static void wrong_inode_of_a_name_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct fake_node b = must_creat(fx, fx->root, "b");

	assert_int_equal(fake_unlink(fx->t, fx->root, b, "a"), -ENOENT);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "c"), -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", b, fx->root, "c", none, 0), -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "c", b, fx->root, "a", a, 0), -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "b", a, 0), -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "b", none, 0), -ENOENT);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

static void link_counts_follow_names(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), a = must_creat(fx, d, "a");

	assert_int_equal(zus_zi_nlink(d.zi), 2);
	assert_int_equal(zus_zi_size(d.zi), BLOCK);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 3);
	assert_int_equal(parent_of(d), zus_zi_ino(fx->root.zi));
	assert_int_equal(fake_link(fx->t, fx->root, a, "a2"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 2);
	assert_int_equal(fake_unlink(fx->t, fx->root, d, "d"), -ENOTEMPTY);
	must_forget(fx, a);
	must_forget(fx, d);
	remount_same(fx);
	d = must_lookup(fx, fx->root, "d");
	a = must_lookup(fx, d, "a");
	assert_int_equal(zus_zi_nlink(a.zi), 2);
	assert_int_equal(fake_unlink(fx->t, d, a, "a"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 1);
	assert_int_equal(zus_zi_size(d.zi), 64);
	assert_int_equal(ino_of(fx, fx->root, "a2"), zus_zi_ino(a.zi));
	must_remove(fx, fx->root, d, "d");
	assert_int_equal(zus_zi_nlink(fx->root.zi), 2);
	must_remove(fx, fx->root, a, "a2");
}

/* What the kernel has set before the operation is in the record. */
static bool times_are_kept(struct fake_node node)
{
	const struct tierfs_inode *rec = node_of(node)->rec;

	return rec->mtime == zus_zi_mtime(node.zi) && rec->ctime == zus_zi_ctime(node.zi);
}

static void times_go_with_the_names(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), a = must_creat(fx, fx->root, "a");
	struct fake_node e = must_mkdir(fx, fx->root, "e");
	int64_t mtime;

	assert_int_equal(fake_link(fx->t, d, a, "l"), 0);
	assert_true(times_are_kept(d) && times_are_kept(a));
	assert_true(zus_zi_mtime(d.zi) > zus_zi_mtime(e.zi));
	assert_int_equal(fake_rename(fx->t, d, "l", a, e, "l", none, 0), 0);
	assert_true(times_are_kept(d) && times_are_kept(a) && times_are_kept(e));
	assert_int_equal(fake_rename(fx->t, e, "l", a, e, "m", none, 0), 0);
	assert_true(times_are_kept(e) && times_are_kept(a));
	mtime = zus_zi_mtime(e.zi);
	assert_int_equal(fake_unlink(fx->t, e, a, "m"), 0);
	assert_true(times_are_kept(e) && times_are_kept(a));
	assert_true(zus_zi_mtime(e.zi) > mtime);
	mtime = zus_zi_mtime(e.zi);
	fixture_crash(fx);
	e = must_lookup(fx, fx->root, "e");
	assert_int_equal(zus_zi_mtime(e.zi), mtime);
	must_forget(fx, e);
	must_remove_all(fx, fx->root);
}

static void links_have_a_limit(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), d = must_mkdir(fx, fx->root, "d");
	struct fake_node sub = must_mkdir(fx, fx->root, "sub"), e = must_mkdir(fx, d, "e"), x;
	struct tierfs_inode *rec = spoil(node_of(a)->rec), *drec = spoil(node_of(d)->rec);

	rec->nlink = INT32_MAX - 1;
	assert_int_equal(fake_link(fx->t, fx->root, a, "b"), 0);
	assert_int_equal(fake_link(fx->t, fx->root, a, "c"), -EMLINK);
	assert_int_equal(ino_of(fx, fx->root, "c"), 0);
	rec->nlink = 2;
	drec->nlink = INT32_MAX;
	assert_int_equal(fake_mkdir(fx->t, d, "f", &x), -EMLINK);
	assert_int_equal(fake_rename(fx->t, fx->root, "sub", sub, d, "sub", none, 0), -EMLINK);
	/* two directories that change places take no link more */
	assert_int_equal(fake_rename(fx->t, fx->root, "sub", sub, d, "e", e, RENAME_EXCHANGE), 0);
	assert_int_equal(node_of(d)->rec->nlink, INT32_MAX);
	assert_int_equal(fake_rename(fx->t, fx->root, "sub", e, d, "e", sub, 0), 0);
	assert_int_equal(node_of(d)->rec->nlink, INT32_MAX);
	drec->nlink = 3;
	must_forget(fx, sub);
	must_remove(fx, d, e, "e");
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, a, "a");
	must_remove_name(fx, fx->root, "b");
}

static void dot_names_work_by_number(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d");

	assert_int_equal(ino_of(fx, d, "."), zus_zi_ino(d.zi));
	assert_int_equal(ino_of(fx, d, ".."), zus_zi_ino(fx->root.zi));
	assert_int_equal(ino_of(fx, fx->root, ".."), zus_zi_ino(fx->root.zi));
	must_remove(fx, fx->root, d, "d");
}

static void special_file_keeps_its_device(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n;

	assert_int_equal(fake_mknod(fx->t, fx->root, "c", S_IFCHR | 0600, 0x1234, &n), 0);
	assert_int_equal(le32toh(n.zi->i_rdev), 0x1234);
	must_forget(fx, n);
	assert_int_equal(fake_mknod(fx->t, fx->root, "p", S_IFIFO | 0600, 0, &n), 0);
	must_forget(fx, n);
	assert_int_equal(fake_mknod(fx->t, fx->root, "s", S_IFSOCK | 0600, 0, &n), 0);
	must_forget(fx, n);
	remount_same(fx);
	n = must_lookup(fx, fx->root, "c");
	assert_int_equal(le32toh(n.zi->i_rdev), 0x1234);
	must_forget(fx, n);
	must_remove_all(fx, fx->root);
}

static void symlink_of_any_length_is_read_back(void **state)
{
	static const size_t lengths[] = { 1, 30, 31, 32, 33, 94, 95, 96, 97, 255, 504, 511, 512,
		513, 1000, 4094, 4095 };
	struct fixture *fx = *state;
	char target[ZUFS_MAX_SYMLINK], got[ZUFS_MAX_SYMLINK + 1], name[16];
	struct fake_node n;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(target, 'a' + (int)i, lengths[i]);
		target[lengths[i]] = 0;
		snprintf(name, sizeof(name), "l%zu", lengths[i]);
		assert_int_equal(fake_symlink(fx->t, fx->root, name, target, &n), 0);
		assert_int_equal(zus_zi_size(n.zi), lengths[i]);
		memset(got, 0, sizeof(got));
		assert_int_equal(fake_readlink(fx->t, n, got, sizeof(got)), lengths[i]);
		assert_string_equal(got, target);
		must_forget(fx, n);
	}
	remount_same(fx);
	fixture_crash(fx);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

static void tmpfile_can_get_a_name(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a, b;
	int64_t mtime = zus_zi_mtime(fx->root.zi);

	assert_int_equal(fake_tmpfile(fx->t, fx->root, &a), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 0);
	assert_true(node_of(a)->rec->cell);
	assert_int_equal(zus_zi_mtime(fx->root.zi), mtime);
	assert_int_equal(fake_link(fx->t, fx->root, a, "a"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 1);
	assert_int_equal(node_of(a)->rec->cell, 0);
	assert_int_equal(fake_tmpfile(fx->t, fx->root, &b), 0);
	must_forget(fx, b);
	must_forget(fx, a);
	remount_same(fx);
	fixture_crash(fx);
	must_remove_name(fx, fx->root, "a");
}

/* ---- rename ---- */

static void rename_moves_a_directory(void **state)
{
	struct fixture *fx = *state;
	struct fake_node p = must_mkdir(fx, fx->root, "p"), q = must_mkdir(fx, fx->root, "q");
	struct fake_node d = must_mkdir(fx, p, "d");

	assert_int_equal(fake_rename(fx->t, p, "d", d, q, "e", none, 0), 0);
	assert_int_equal(zus_zi_nlink(p.zi), 2);
	assert_int_equal(zus_zi_nlink(q.zi), 3);
	assert_int_equal(zus_zi_nlink(d.zi), 2);
	assert_int_equal(parent_of(d), zus_zi_ino(q.zi));
	assert_int_equal(node_of(d)->rec->parent, zus_zi_ino(q.zi));
	assert_int_equal(ino_of(fx, p, "d"), 0);
	assert_int_equal(ino_of(fx, q, "e"), zus_zi_ino(d.zi));
	must_forget(fx, p);
	must_forget(fx, q);
	must_forget(fx, d);
	remount_same(fx);
	p = must_lookup(fx, fx->root, "p");
	q = must_lookup(fx, fx->root, "q");
	d = must_lookup(fx, q, "e");
	/* over an empty directory: that one loses all its links */
	assert_int_equal(fake_rename(fx->t, q, "e", d, fx->root, "p", p, 0), 0);
	assert_int_equal(zus_zi_nlink(p.zi), 0);
	assert_int_equal(zus_zi_nlink(q.zi), 2);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 4);
	must_forget(fx, p);
	must_remove(fx, fx->root, d, "p");
	must_remove(fx, fx->root, q, "q");
}

static void rename_replaces_a_file(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_node d = must_mkdir(fx, fx->root, "d"), in = must_creat(fx, d, "in");

	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "b", b,
				     RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "d", d, 0), -ENOTEMPTY);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "b", b, 0), 0);
	assert_int_equal(zus_zi_nlink(b.zi), 0);
	assert_true(node_of(b)->rec->cell);
	must_forget(fx, b);
	assert_int_equal(ino_of(fx, fx->root, "a"), 0);
	assert_int_equal(ino_of(fx, fx->root, "b"), zus_zi_ino(a.zi));
	must_remove(fx, d, in, "in");
	assert_int_equal(fake_rename(fx->t, fx->root, "b", a, fx->root, "d", d, 0), -EISDIR);
	assert_int_equal(fake_rename(fx->t, fx->root, "d", d, fx->root, "b", a, 0), -ENOTDIR);
	/* from another directory, whose last name it is */
	assert_int_equal(fake_link(fx->t, d, a, "l"), 0);
	in = must_creat(fx, fx->root, "in");
	assert_int_equal(fake_rename(fx->t, d, "l", a, fx->root, "in", in, 0), 0);
	assert_int_equal(zus_zi_size(d.zi), 64);
	must_forget(fx, in);
	/* two names of one inode: nothing happens */
	assert_int_equal(fake_rename(fx->t, fx->root, "in", a, fx->root, "b", a, 0), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 2);
	must_forget(fx, a);
	must_forget(fx, d);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

static void rename_exchanges_file_and_directory(void **state)
{
	struct fixture *fx = *state;
	struct fake_node p = must_mkdir(fx, fx->root, "p"), a = must_creat(fx, fx->root, "a");
	struct fake_node d = must_mkdir(fx, p, "d");

	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, p, "x", none, RENAME_EXCHANGE),
			 -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, p, "d", d, RENAME_EXCHANGE), 0);
	assert_int_equal(ino_of(fx, fx->root, "a"), zus_zi_ino(d.zi));
	assert_int_equal(ino_of(fx, p, "d"), zus_zi_ino(a.zi));
	assert_int_equal(parent_of(d), zus_zi_ino(fx->root.zi));
	assert_int_equal(zus_zi_nlink(p.zi), 2);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 4);
	/* within a directory, and of two directories */
	assert_int_equal(fake_rename(fx->t, fx->root, "a", d, fx->root, "p", p, RENAME_EXCHANGE),
			 0);
	assert_int_equal(ino_of(fx, fx->root, "p"), zus_zi_ino(d.zi));
	must_forget(fx, p);
	must_forget(fx, a);
	must_forget(fx, d);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

static void check_whiteout(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node w = must_lookup(fx, dir, name);

	/* as the kernel makes one: of the caller, without rights */
	assert_int_equal(zus_zi_mode(w.zi), S_IFCHR);
	assert_int_equal(zus_zi_rdev(w.zi), 0);
	assert_int_equal(zus_zi_nlink(w.zi), 1);
	assert_int_equal(zus_zi_uid(w.zi), 1000);
	must_forget(fx, w);
}

static void rename_leaves_a_whiteout(void **state)
{
	struct fixture *fx = *state;
	struct fake_node p = must_mkdir(fx, fx->root, "p"), a = must_creat(fx, fx->root, "a");
	struct fake_node b = must_creat(fx, p, "b"), d = must_mkdir(fx, fx->root, "d");

	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "a2", none,
				     RENAME_WHITEOUT), 0);
	check_whiteout(fx, fx->root, "a");
	assert_int_equal(ino_of(fx, fx->root, "a2"), zus_zi_ino(a.zi));
	/* over a name in another directory */
	assert_int_equal(fake_rename(fx->t, fx->root, "a2", a, p, "b", b, RENAME_WHITEOUT), 0);
	check_whiteout(fx, fx->root, "a2");
	assert_int_equal(ino_of(fx, p, "b"), zus_zi_ino(a.zi));
	assert_int_equal(zus_zi_nlink(b.zi), 0);
	must_forget(fx, b);
	/* a directory */
	assert_int_equal(fake_rename(fx->t, fx->root, "d", d, p, "d", none, RENAME_WHITEOUT), 0);
	check_whiteout(fx, fx->root, "d");
	assert_int_equal(zus_zi_nlink(fx->root.zi), 3);
	assert_int_equal(zus_zi_nlink(p.zi), 3);
	must_forget(fx, p);
	must_forget(fx, a);
	must_forget(fx, d);
	remount_same(fx);
	fixture_crash(fx);
	must_remove_all(fx, fx->root);
}

/* ---- errors ---- */

/* Each allocation fails in turn: the operation is done, or nothing has happened. */
static void operations_without_memory_change_nothing(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a, l;
	unsigned int n;
	int err = -ENOMEM;
	char target[200];

	memset(target, 't', sizeof(target) - 1);
	target[sizeof(target) - 1] = 0;
	must_forget(fx, must_creat(fx, fx->root, "there"));
	for (n = 1; err; n++) {
		fake_fail(fx->f, FAKE_ALLOC, n);
		err = fake_creat(fx->t, fx->root, "a", &a);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		fake_fail(fx->f, FAKE_ALLOC, 0);
		check_dir(fx, fx->root);
		assert_int_equal(ino_of(fx, fx->root, "a"), 0);
	}
	fake_fail(fx->f, FAKE_ALLOC, 0);
	for (n = 1, err = -ENOMEM; err; n++) {
		fake_fail(fx->f, FAKE_ALLOC, n);
		err = fake_symlink(fx->t, fx->root, "l", target, &l);
		fake_fail(fx->f, FAKE_ALLOC, 0);
		check_dir(fx, fx->root);
	}
	must_forget(fx, l);
	must_forget(fx, a);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

static void nothing_changes_on_a_read_only_mount(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b;

	must_forget(fx, a);
	fixture_umount(fx);
	assert_int_equal(fixture_try_mount(fx, ZUFS_M_RDONLY), 0);
	a = must_lookup(fx, fx->root, "a");
	assert_int_equal(fake_creat(fx->t, fx->root, "b", &b), -EROFS);
	assert_int_equal(fake_link(fx->t, fx->root, a, "b"), -EROFS);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "a"), -EROFS);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "b", none, 0), -EROFS);
	must_forget(fx, a);
	check_dir(fx, fx->root);
	fixture_remount(fx);
	must_remove_name(fx, fx->root, "a");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(new_file_is_found_by_name),
		T(new_inode_is_there_after_a_crash),
		T(orphans_go_with_a_crash),
		T(unlinked_file_lives_until_last_reference),
		T(existing_name_is_refused),
		T(wrong_inode_of_a_name_is_refused),
		T(link_counts_follow_names),
		T(times_go_with_the_names),
		T(links_have_a_limit),
		T(dot_names_work_by_number),
		T(special_file_keeps_its_device),
		T(symlink_of_any_length_is_read_back),
		T(tmpfile_can_get_a_name),
		T(rename_moves_a_directory),
		T(rename_replaces_a_file),
		T(rename_exchanges_file_and_directory),
		T(rename_leaves_a_whiteout),
		T(operations_without_memory_change_nothing),
		T(nothing_changes_on_a_read_only_mount),
	};

	return cmocka_run_group_tests_name("tierfs names", tests, NULL, NULL);
}
