// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: names, link counts, references, listings. Each test starts on a fresh mount and
 * ends with only the root left, which the fixture checks down to the last block.
 */
#include "fixture.h"

#include <linux/fs.h>
#include <stdio.h>

static void new_file_is_found_by_name(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), again;

	assert_int_equal(zus_zi_nlink(a.zi), 1);
	assert_int_equal(zus_zi_mode(a.zi), S_IFREG | 0644);
	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &again), 0);
	assert_true(again.ii == a.ii && again.zi == a.zi);
	assert_int_equal(fake_evict(fx->t, again, ZI_LOOKUP_RACE), 0);
	assert_int_equal(ino_of(fx, fx->root, "b"), 0);
	must_remove(fx, fx->root, a, "a");
	assert_int_equal(ino_of(fx, fx->root, "a"), 0);
}

static void file_survives_eviction(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), again;
	char c = 0;

	must_write(fx, a, "x", 1, 0);
	assert_int_equal(fake_forget(fx->t, a), 0);
	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &again), 0);
	assert_int_equal(fake_read(fx->t, again, &c, 1, 0), 1);
	assert_int_equal(c, 'x');
	must_remove(fx, fx->root, again, "a");
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
	must_write(fx, a, "x", 1, 0);
	assert_int_equal(fake_forget(fx->t, a), 0);
	/* freed for the kernel, but a lookup under way still holds the handle */
	assert_int_equal(fixture_sb(fx)->inodes, 2);
	assert_int_equal(zus_zi_mode(raced.zi), 0);
	assert_int_equal(memofs_iget(fake_sb(fx->f), ino, &ii), -ESTALE);
	assert_int_equal(fake_evict(fx->t, raced, ZI_LOOKUP_RACE), 0);
	assert_int_equal(fixture_sb(fx)->inodes, 1);
}

static void numbers_lead_back_to_inodes(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t ino = zus_zi_ino(a.zi), gen = le64toh(a.zi->i_generation);
	struct zus_ii *ii = NULL;

	assert_int_equal(memofs_iget(fake_sb(fx->f), ino, &ii), 0);
	assert_ptr_equal(ii->zi, a.zi);
	memofs_evict(ii, 0);
	assert_int_equal(memofs_iget(fake_sb(fx->f), 0, &ii), -ESTALE);
	assert_int_equal(memofs_iget(fake_sb(fx->f), ino + MEMOFS_SHARDS, &ii), -ESTALE);
	assert_int_equal(memofs_iget(fake_sb(fx->f), UINT64_MAX, &ii), -ESTALE);
	must_remove(fx, fx->root, a, "a");
	assert_int_equal(memofs_iget(fake_sb(fx->f), ino, &ii), -ESTALE);
	a = must_creat(fx, fx->root, "a");
	assert_int_equal(zus_zi_ino(a.zi), ino);
	assert_true(le64toh(a.zi->i_generation) != gen);
	must_remove(fx, fx->root, a, "a");
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
	struct fake_node b = must_creat(fx, fx->root, "b"), none = { 0 };

	assert_int_equal(fake_unlink(fx->t, fx->root, b, "a"), -ENOENT);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "c"), -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", b, fx->root, "c", none, 0), -ENOENT);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

static void link_counts_follow_names(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), a = must_creat(fx, d, "a");

	assert_int_equal(zus_zi_nlink(d.zi), 2);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 3);
	assert_int_equal(parent_of(d), zus_zi_ino(fx->root.zi));
	assert_int_equal(fake_link(fx->t, fx->root, a, "a2"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 2);
	assert_int_equal(fake_unlink(fx->t, fx->root, d, "d"), -ENOTEMPTY);
	assert_int_equal(fake_unlink(fx->t, d, a, "a"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 1);
	assert_int_equal(ino_of(fx, fx->root, "a2"), zus_zi_ino(a.zi));
	must_remove(fx, fx->root, d, "d");
	assert_int_equal(zus_zi_nlink(fx->root.zi), 2);
	must_remove(fx, fx->root, a, "a2");
}

/* Nothing of what only the file system may set comes from the kernel. */
static void new_inode_has_what_was_asked_for(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	static const uint8_t zeros[sizeof(((struct zus_inode *)0)->i_symlink)];
	const uint16_t modes[] = { S_IFREG | 0640, S_IFIFO | 0600, S_IFCHR | 0600 };
	struct zus_inode from;
	struct memofs_inode *mi;
	size_t i, kept;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		memset(&from, 0xff, sizeof(from));
		from.i_mode = htole16(modes[i]);
		assert_int_equal(memofs_inode_new(msb, &from, &mi), 0);
		kept = S_ISCHR(modes[i]) ? sizeof(from.i_rdev) : 0;
		assert_int_equal(zus_zi_mode(mi->ii.zi), modes[i]);
		assert_memory_equal(mi->ii.zi->i_symlink, from.i_symlink, kept);
		assert_memory_equal((const uint8_t *)mi->ii.zi->i_symlink + kept, zeros,
				    sizeof(zeros) - kept);
		assert_int_equal(zus_zi_size(mi->ii.zi), 0);
		assert_int_equal(mi->ii.zi->i_blocks, 0);
		assert_int_equal(mi->ii.zi->i_xattr, 0);
		assert_int_equal(mi->ii.zi->i_birth.btime, from.i_ctime);
		memofs_free_inode(&mi->ii);
	}
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
	must_remove(fx, fx->root, n, "c");
	assert_int_equal(fake_mknod(fx->t, fx->root, "p", S_IFIFO | 0600, 0, &n), 0);
	must_remove(fx, fx->root, n, "p");
	assert_int_equal(fake_mknod(fx->t, fx->root, "s", S_IFSOCK | 0600, 0, &n), 0);
	must_remove(fx, fx->root, n, "s");
}

static void symlink_of_any_length_is_read_back(void **state)
{
	static const size_t lengths[] = { 1, 30, 31, 32, 33, 255, 4094, 4095 };
	struct fixture *fx = *state;
	char target[ZUFS_MAX_SYMLINK], got[ZUFS_MAX_SYMLINK + 1];
	struct fake_node n;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(target, 'a' + (int)i, lengths[i]);
		target[lengths[i]] = 0;
		assert_int_equal(fake_symlink(fx->t, fx->root, "l", target, &n), 0);
		assert_int_equal(zus_zi_size(n.zi), lengths[i]);
		assert_int_equal(le64toh(n.zi->i_blocks), lengths[i] >= 32);
		memset(got, 0, sizeof(got));
		assert_int_equal(fake_readlink(fx->t, n, got, sizeof(got)), lengths[i]);
		assert_string_equal(got, target);
		must_remove(fx, fx->root, n, "l");
	}
}

static void tmpfile_can_get_a_name(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a, b;

	assert_int_equal(fake_tmpfile(fx->t, fx->root, &a), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 0);
	must_write(fx, a, "data", 4, 10000);
	assert_int_equal(fake_link(fx->t, fx->root, a, "a"), 0);
	assert_int_equal(zus_zi_nlink(a.zi), 1);
	must_remove(fx, fx->root, a, "a");
	assert_int_equal(fake_tmpfile(fx->t, fx->root, &b), 0);
	must_write(fx, b, "data", 4, 10000);
	assert_int_equal(fake_forget(fx->t, b), 0);
}

static void rename_moves_a_directory(void **state)
{
	struct fixture *fx = *state;
	struct fake_node p = must_mkdir(fx, fx->root, "p"), q = must_mkdir(fx, fx->root, "q");
	struct fake_node d = must_mkdir(fx, p, "d"), none = { 0 };

	assert_int_equal(fake_rename(fx->t, p, "d", d, q, "e", none, 0), 0);
	assert_int_equal(zus_zi_nlink(p.zi), 2);
	assert_int_equal(zus_zi_nlink(q.zi), 3);
	assert_int_equal(zus_zi_nlink(d.zi), 2);
	assert_int_equal(parent_of(d), zus_zi_ino(q.zi));
	assert_int_equal(ino_of(fx, p, "d"), 0);
	assert_int_equal(ino_of(fx, q, "e"), zus_zi_ino(d.zi));
	/* over an empty directory: that one loses all its links */
	assert_int_equal(fake_rename(fx->t, q, "e", d, fx->root, "p", p, 0), 0);
	assert_int_equal(zus_zi_nlink(p.zi), 0);
	assert_int_equal(zus_zi_nlink(q.zi), 2);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 4);
	assert_int_equal(fake_forget(fx->t, p), 0);
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
	assert_int_equal(fake_forget(fx->t, b), 0);
	assert_int_equal(ino_of(fx, fx->root, "a"), 0);
	assert_int_equal(ino_of(fx, fx->root, "b"), zus_zi_ino(a.zi));
	must_remove(fx, d, in, "in");
	assert_int_equal(fake_rename(fx->t, fx->root, "b", a, fx->root, "d", d, 0), -EISDIR);
	assert_int_equal(fake_rename(fx->t, fx->root, "d", d, fx->root, "b", a, 0), -ENOTDIR);
	must_remove(fx, fx->root, a, "b");
	must_remove(fx, fx->root, d, "d");
}

static void rename_exchanges_file_and_directory(void **state)
{
	struct fixture *fx = *state;
	struct fake_node p = must_mkdir(fx, fx->root, "p"), a = must_creat(fx, fx->root, "a");
	struct fake_node d = must_mkdir(fx, p, "d"), none = { 0 };

	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, p, "x", none, RENAME_EXCHANGE),
			 -ENOENT);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, p, "d", d, RENAME_EXCHANGE), 0);
	assert_int_equal(ino_of(fx, fx->root, "a"), zus_zi_ino(d.zi));
	assert_int_equal(ino_of(fx, p, "d"), zus_zi_ino(a.zi));
	assert_int_equal(parent_of(d), zus_zi_ino(fx->root.zi));
	assert_int_equal(zus_zi_nlink(p.zi), 2);
	assert_int_equal(zus_zi_nlink(fx->root.zi), 4);
	must_remove(fx, p, a, "d");
	must_remove(fx, fx->root, d, "a");
	must_remove(fx, fx->root, p, "p");
}

static bool is_whiteout(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node w;
	bool is;

	assert_int_equal(fake_lookup(fx->t, dir, name, &w), 0);
	is = zus_zi_mode(w.zi) == S_IFCHR && !w.zi->i_rdev && zus_zi_nlink(w.zi) == 1;
	assert_int_equal(fake_forget(fx->t, w), 0);
	return is;
}

static void must_remove_name(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node node;

	assert_int_equal(fake_lookup(fx->t, dir, name, &node), 0);
	must_remove(fx, dir, node, name);
}

static void rename_leaves_a_whiteout(void **state)
{
	struct fixture *fx = *state;
	struct fake_node p = must_mkdir(fx, fx->root, "p"), a = must_creat(fx, fx->root, "a");
	struct fake_node b = must_creat(fx, p, "b"), d = must_mkdir(fx, fx->root, "d");
	struct fake_node none = { 0 };

	/* to a new name here, to one that is taken there, a directory */
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "c", none,
				     RENAME_WHITEOUT | RENAME_NOREPLACE), 0);
	assert_true(is_whiteout(fx, fx->root, "a"));
	assert_int_equal(fake_rename(fx->t, fx->root, "c", a, p, "b", b, RENAME_WHITEOUT), 0);
	assert_true(is_whiteout(fx, fx->root, "c"));
	assert_int_equal(ino_of(fx, p, "b"), zus_zi_ino(a.zi));
	assert_int_equal(zus_zi_nlink(b.zi), 0);
	assert_int_equal(fake_forget(fx->t, b), 0);
	assert_int_equal(fake_rename(fx->t, fx->root, "d", d, p, "d", none, RENAME_WHITEOUT), 0);
	assert_true(is_whiteout(fx, fx->root, "d"));
	assert_int_equal(parent_of(d), zus_zi_ino(p.zi));
	assert_int_equal(zus_zi_nlink(fx->root.zi), 3);
	assert_int_equal(zus_zi_nlink(p.zi), 3);
	must_remove(fx, p, d, "d");
	must_remove(fx, p, a, "b");
	must_remove(fx, fx->root, p, "p");
	must_remove_name(fx, fx->root, "a");
	must_remove_name(fx, fx->root, "c");
	must_remove_name(fx, fx->root, "d");
}

static void a_whiteout_that_cannot_be_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_node d = must_mkdir(fx, fx->root, "d"), none = { 0 };
	uint64_t inodes = fixture_sb(fx)->inodes, n;

	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "b", b,
				     RENAME_WHITEOUT | RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(fake_rename(fx->t, fx->root, "a", a, fx->root, "d", d,
				     RENAME_WHITEOUT), -EISDIR);
	for (n = 1; ; n++) {
		fake_fail(fx->f, FAKE_ALLOC, n);
		if (!fake_rename(fx->t, fx->root, "a", a, fx->root, "c", none, RENAME_WHITEOUT))
			break;
		assert_true(fake_fault_hit(fx->f, FAKE_ALLOC));
		assert_int_equal(fixture_sb(fx)->inodes, inodes);
		assert_int_equal(ino_of(fx, fx->root, "a"), zus_zi_ino(a.zi));
		assert_int_equal(ino_of(fx, fx->root, "c"), 0);
	}
	fake_fail(fx->f, FAKE_ALLOC, 0);
	must_remove(fx, fx->root, a, "c");
	must_remove(fx, fx->root, b, "b");
	must_remove(fx, fx->root, d, "d");
	must_remove_name(fx, fx->root, "a");
}

#define MANY	3000

/* Reads the whole directory in small pieces; counts how often each file was seen. */
static void list(struct fixture *fx, struct fake_node dir, unsigned char *seen,
		 unsigned int *dots, void (*between)(struct fixture *, unsigned int))
{
	struct fake_dirent e[64];
	uint64_t pos = 0, last = 0;
	unsigned int round = 0;
	bool more = true, first = true;
	int i, n;

	*dots = 0;
	while (more && (first || pos < zus_zi_size(dir.zi))) {
		n = fake_readdir(fx->t, dir, &pos, 800, e, 64, &more);
		assert_true(n > 0 || !more);
		for (i = 0; i < n; i++) {
			assert_true(first || e[i].pos > last);
			assert_true(e[i].pos < zus_zi_size(dir.zi));
			last = e[i].pos;
			first = false;
			if (e[i].name[0] == '.')
				++*dots;
			else
				seen[atoi(e[i].name + 1)]++;
		}
		if (between)
			between(fx, round++);
	}
	assert_true(pos >= zus_zi_size(dir.zi));
}

static void make_many(struct fixture *fx, unsigned int n)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(fake_forget(fx->t, must_creat(fx, fx->root, name)), 0);
	}
}

static void remove_one(struct fixture *fx, unsigned int i)
{
	struct fake_node node;
	char name[32];

	snprintf(name, sizeof(name), "f%u", i);
	if (fake_lookup(fx->t, fx->root, name, &node) == 0)
		must_remove(fx, fx->root, node, name);
}

static void remove_many(struct fixture *fx, unsigned int n)
{
	while (n--)
		remove_one(fx, n);
}

static void listing_shows_every_entry_once(void **state)
{
	static unsigned char seen[MANY];
	struct fixture *fx = *state;
	struct fake_node d;
	unsigned int i, dots;

	make_many(fx, MANY);
	list(fx, fx->root, seen, &dots, NULL);
	assert_int_equal(dots, 2);
	for (i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	remove_many(fx, MANY);
	/* an empty directory starts afresh, as a new one begins */
	assert_int_equal(zus_zi_size(fx->root.zi), 64);
	d = must_mkdir(fx, fx->root, "d");
	assert_int_equal(zus_zi_size(d.zi), 64);
	must_remove(fx, fx->root, d, "d");
}

static void renamed_entry_keeps_its_place(void **state)
{
	static unsigned char seen[16];
	struct fixture *fx = *state;
	struct fake_node node, none = { 0 };
	unsigned int i, dots;
	uint64_t size;

	make_many(fx, 5);
	size = zus_zi_size(fx->root.zi);
	assert_int_equal(fake_lookup(fx->t, fx->root, "f2", &node), 0);
	assert_int_equal(fake_rename(fx->t, fx->root, "f2", node, fx->root, "f9", none, 0), 0);
	assert_int_equal(fake_forget(fx->t, node), 0);
	assert_int_equal(zus_zi_size(fx->root.zi), size);
	memset(seen, 0, sizeof(seen));
	list(fx, fx->root, seen, &dots, NULL);
	for (i = 0; i < sizeof(seen); i++)
		assert_int_equal(seen[i], (i < 5 && i != 2) || i == 9);
	remove_one(fx, 9);
	remove_many(fx, 5);
}

/* The first tables have room for this many. */
#define FULL	16

static void full_tables_have_no_room_behind_them(void **state)
{
	static unsigned char seen[FULL + 1];
	struct fixture *fx = fixture_mount(NULL, NULL);
	unsigned int i, n, dots;

	(void)state;
	for (n = FULL - 1; n <= FULL + 1; n++) {
		make_many(fx, n);
		memset(seen, 0, sizeof(seen));
		list(fx, fx->root, seen, &dots, NULL);
		for (i = 0; i < n; i++)
			assert_int_equal(seen[i], 1);
		if (n != FULL) {
			remove_many(fx, n);
			continue;
		}
		/* and a mount that goes away with them */
		fake_thread_destroy(fx->t);
		assert_int_equal(fake_umount_dirty(fx->f), 0);
		assert_int_equal(fake_outstanding(fx->f), 0);
		assert_int_equal(fake_mount(fx->f, ""), 0);
		fx->t = fake_thread_create(fx->f, 0);
		fx->root = fake_root(fx->f);
	}
	fixture_umount(fx);
}

/* Removes what was seen, as rm -r does, adds others, and renames in place. */
static void disturb(struct fixture *fx, unsigned int round)
{
	struct fake_node node, none = { 0 };
	char name[32], to[32];

	remove_one(fx, round * 7 % MANY);
	snprintf(name, sizeof(name), "f%u", MANY + round);
	if (fake_creat(fx->t, fx->root, name, &node) == 0)
		assert_int_equal(fake_forget(fx->t, node), 0);
	snprintf(name, sizeof(name), "f%u", round * 5 % MANY);
	snprintf(to, sizeof(to), "f%u", 2 * MANY + round * 5 % MANY);
	if (fake_lookup(fx->t, fx->root, name, &node) == 0) {
		assert_int_equal(fake_rename(fx->t, fx->root, name, node, fx->root, to, none, 0),
				 0);
		assert_int_equal(fake_forget(fx->t, node), 0);
	}
}

static void listing_is_not_disturbed_by_changes(void **state)
{
	static unsigned char seen[3 * MANY];
	struct fixture *fx = *state;
	unsigned int i, dots;

	make_many(fx, MANY);
	list(fx, fx->root, seen, &dots, disturb);
	assert_int_equal(dots, 2);
	/* what was there all the time was seen once, under one name or the other */
	for (i = 0; i < MANY; i++) {
		assert_true(seen[i] + seen[2 * MANY + i] <= 1);
		if (i % 7 && i % 5)
			assert_int_equal(seen[i], 1);
	}
	remove_many(fx, 3 * MANY);
}

static void freed_positions_are_used_again(void **state)
{
	struct fixture *fx = *state;
	uint64_t size;
	unsigned int i;

	make_many(fx, 100);
	size = zus_zi_size(fx->root.zi);
	for (i = 0; i < 50; i++)
		remove_one(fx, 2 * i);
	assert_int_equal(zus_zi_size(fx->root.zi), size);
	make_many(fx, 1);
	assert_int_equal(zus_zi_size(fx->root.zi), size);
	remove_many(fx, 100);
}

static void long_names_work(void **state)
{
	struct fixture *fx = *state;
	char name[256];
	struct fake_node a, b;

	memset(name, 'n', 255);
	name[255] = 0;
	a = must_creat(fx, fx->root, name);
	name[254] = 'm';
	b = must_creat(fx, fx->root, name);
	assert_int_equal(ino_of(fx, fx->root, name), zus_zi_ino(b.zi));
	must_remove(fx, fx->root, b, name);
	name[254] = 'n';
	must_remove(fx, fx->root, a, name);
}

static void names_may_take_so_much_memory(void **state)
{
	struct fixture *fx = *state;
	uint64_t max = fixture_sb(fx)->blocks * BLOCK / 2;
	struct fake_node f = must_creat(fx, fx->root, "f"), d;
	char name[256];
	unsigned int made, i;
	int err = 0;

	/* many names of one file, in a directory that goes with them */
	d = must_mkdir(fx, fx->root, "d");
	for (made = 0; !err && made < 1000000; made++) {
		snprintf(name, sizeof(name), "%0255u", made);
		err = fake_link(fx->t, d, f, name);
	}
	made--;
	assert_int_equal(err, -ENOSPC);
	assert_true(fixture_sb(fx)->names.bytes <= max);
	/* a directory's tables double */
	assert_true(fixture_sb(fx)->names.bytes > max / 3);
	assert_int_equal(zus_zi_nlink(f.zi), made + 1);
	/* what is there works on, and what goes makes room */
	assert_int_equal(ino_of(fx, d, name), 0);
	snprintf(name, sizeof(name), "%0255u", made - 1);
	assert_int_equal(ino_of(fx, d, name), zus_zi_ino(f.zi));
	for (i = 0; i < made; i++) {
		snprintf(name, sizeof(name), "%0255u", i);
		assert_int_equal(fake_unlink(fx->t, d, f, name), 0);
	}
	assert_int_equal(fake_link(fx->t, d, f, "again"), 0);
	assert_int_equal(fake_unlink(fx->t, d, f, "again"), 0);
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "f");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(new_file_is_found_by_name),
		T(file_survives_eviction),
		T(unlinked_file_lives_until_last_reference),
		T(numbers_lead_back_to_inodes),
		T(existing_name_is_refused),
		T(wrong_inode_of_a_name_is_refused),
		T(link_counts_follow_names),
		T(names_may_take_so_much_memory),
		T(new_inode_has_what_was_asked_for),
		T(dot_names_work_by_number),
		T(special_file_keeps_its_device),
		T(symlink_of_any_length_is_read_back),
		T(tmpfile_can_get_a_name),
		T(rename_moves_a_directory),
		T(rename_replaces_a_file),
		T(rename_exchanges_file_and_directory),
		T(rename_leaves_a_whiteout),
		T(a_whiteout_that_cannot_be_leaves_nothing),
		T(listing_shows_every_entry_once),
		cmocka_unit_test(full_tables_have_no_room_behind_them),
		T(renamed_entry_keeps_its_place),
		T(listing_is_not_disturbed_by_changes),
		T(freed_positions_are_used_again),
		T(long_names_work),
	};

	return cmocka_run_group_tests_name("memofs names", tests, NULL, NULL);
}
