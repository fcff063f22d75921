// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: the container of names: many names, the index, positions, room. The fixture's check_dir
 * looks at bits, counts, index and checksums of a directory on media; at the end only the root is
 * left.
 */
#include "fixture.h"

#include <stdio.h>
#include <zus/siphash.h>

static const struct fake_node none;

/* ---- many names ---- */

#define MANY		20000U
#define MAX_SEEN	(3 * MANY)

static void name_of(char *name, size_t size, unsigned int i)
{
	/* lengths of 2 to 60, each number its own name */
	snprintf(name, size, "f%u%.*s", i, (int)(i % 54),
		 "______________________________________________________");
}

static void make_one(struct fixture *fx, struct fake_node dir, unsigned int i)
{
	char name[96];

	name_of(name, sizeof(name), i);
	must_forget(fx, must_creat(fx, dir, name));
}

static void remove_one(struct fixture *fx, struct fake_node dir, unsigned int i)
{
	char name[96];

	name_of(name, sizeof(name), i);
	must_remove_name(fx, dir, name);
}

/* One file with many names costs no inodes. */
static void link_one(struct fixture *fx, struct fake_node dir, struct fake_node file,
		     unsigned int i)
{
	char name[96];

	name_of(name, sizeof(name), i);
	assert_int_equal(fake_link(fx->t, dir, file, name), 0);
}

static void unlink_one(struct fixture *fx, struct fake_node dir, struct fake_node file,
		       unsigned int i)
{
	char name[96];

	name_of(name, sizeof(name), i);
	assert_int_equal(fake_unlink(fx->t, dir, file, name), 0);
}

typedef void (*between_fn)(struct fixture *fx, struct fake_node dir, unsigned int round);

/* Reads the whole directory in pieces of `bytes`; counts how often each file was seen. */
static unsigned int list(struct fixture *fx, struct fake_node dir, unsigned char *seen,
			 size_t bytes, between_fn between)
{
	static struct fake_dirent e[2048];
	uint64_t pos = 0, last = 0;
	unsigned int dots = 0, round = 0;
	bool more = true, first = true;
	int i, n;

	memset(seen, 0, MAX_SEEN);
	while (more && pos < zus_zi_size(dir.zi)) {
		n = fake_readdir(fx->t, dir, &pos, bytes, e, 2048, &more);
		assert_true(n > 0 || !more);
		for (i = 0; i < n; i++) {
			assert_true(first || e[i].pos > last);
			assert_true(e[i].pos < zus_zi_size(dir.zi));
			last = e[i].pos;
			first = false;
			if (e[i].name[0] == '.')
				dots++;
			else
				seen[strtoul(e[i].name + 1, NULL, 10)]++;
		}
		if (between)
			between(fx, dir, round++);
	}
	return dots;
}

static void twenty_thousand_names_in_one_directory(void **state)
{
	static unsigned char seen[MAX_SEEN];
	struct fake_opts o = { .t1_bytes = 64 << 20 };
	struct fixture *fx = fixture_new(&o, NULL);
	struct fake_node d = must_mkdir(fx, fx->root, "d");
	unsigned int i;

	(void)state;
	for (i = 0; i < MANY; i++)
		make_one(fx, d, i);
	check_dir(fx, d);
	assert_int_equal(node_of(d)->rec->entries, MANY);
	assert_int_equal(list(fx, d, seen, 65536, NULL), 2);
	for (i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	must_forget(fx, d);
	fixture_remount(fx);
	d = must_lookup(fx, fx->root, "d");
	check_dir(fx, d);
	assert_int_equal(ino_of(fx, d, "f20000"), 0);
	for (i = 0; i < MANY; i += 2)
		remove_one(fx, d, i);
	check_dir(fx, d);
	must_forget(fx, d);
	fixture_crash(fx);
	d = must_lookup(fx, fx->root, "d");
	check_dir(fx, d);
	assert_int_equal(list(fx, d, seen, 65536, NULL), 2);
	for (i = 0; i < MANY; i++)
		assert_int_equal(seen[i], i % 2);
	for (i = 1; i < MANY; i += 2)
		remove_one(fx, d, i);
	assert_int_equal(zus_zi_size(d.zi), 64);
	assert_int_equal(zus_zi_blocks(d.zi), 0);
	assert_int_equal(node_of(d)->rec->hash, 0);
	must_remove(fx, fx->root, d, "d");
	fixture_end_empty(fx);
}

/* More than 512 buckets of 448: tables of the second level. */
static void index_gets_a_second_level(void **state)
{
	struct fake_opts o = { .t1_bytes = 128 << 20 };
	struct fixture *fx = fixture_new(&o, NULL);
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	char name[32];
	unsigned int i, n = 260000;

	(void)state;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(fake_link(fx->t, d, f, name), 0);
	}
	assert_int_equal(node_of(d)->rec->hash_bits, 18);
	check_dir(fx, d);
	must_forget(fx, d);
	must_forget(fx, f);
	fixture_remount(fx);
	d = must_lookup(fx, fx->root, "d");
	f = must_lookup(fx, fx->root, "f");
	for (i = 0; i < n; i += 1000) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(ino_of(fx, d, name), zus_zi_ino(f.zi));
	}
	for (i = n; i--; ) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(fake_unlink(fx->t, d, f, name), 0);
	}
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "f");
	fixture_end_empty(fx);
}

/* ---- one block, and the second one ---- */

static void small_directory_has_no_index(void **state)
{
	struct fixture *fx = *state;
	struct fake_node f = must_creat(fx, fx->root, "file"), d = must_mkdir(fx, fx->root, "d");
	char name[32];
	unsigned int i;

	/* a block has 126 units */
	for (i = 0; i < 126; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(fake_link(fx->t, d, f, name), 0);
	}
	assert_int_equal(zus_zi_size(d.zi), BLOCK);
	assert_int_equal(node_of(d)->rec->hash, 0);
	check_dir(fx, d);
	assert_int_equal(fake_link(fx->t, d, f, "one more"), 0);
	assert_int_equal(zus_zi_size(d.zi), 2 * BLOCK);
	assert_true(node_of(d)->rec->hash);
	check_dir(fx, d);
	must_forget(fx, f);
	must_forget(fx, d);
	remount_same(fx);
	d = must_lookup(fx, fx->root, "d");
	f = must_lookup(fx, d, "one more");
	/* the index stays until the directory is empty */
	for (i = 0; i < 126; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(fake_unlink(fx->t, d, f, name), 0);
	}
	check_dir(fx, d);
	assert_int_equal(block_of(d, 0), 0);
	assert_true(node_of(d)->rec->hash);
	assert_int_equal(zus_zi_blocks(d.zi), 2);	/* one, and the page of its slot */
	assert_int_equal(fake_unlink(fx->t, d, f, "one more"), 0);
	check_dir(fx, d);
	assert_int_equal(node_of(d)->rec->hash, 0);
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "file");
}

static void names_of_any_length_are_kept(void **state)
{
	struct fixture *fx = *state;
	struct fake_node f = must_creat(fx, fx->root, "f");
	char name[256];
	unsigned int len;

	for (len = 2; len <= 255; len++) {
		memset(name, 'a' + len % 26, len);
		name[len] = 0;
		assert_int_equal(fake_link(fx->t, fx->root, f, name), 0);
	}
	for (len = 2; len <= 255; len++) {
		memset(name, 'a' + len % 26, len);
		name[len] = 0;
		assert_int_equal(ino_of(fx, fx->root, name), zus_zi_ino(f.zi));
		name[len - 1] ^= 1;
		assert_int_equal(ino_of(fx, fx->root, name), 0);
	}
	must_forget(fx, f);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

/* ---- names that collide ---- */

static const uint64_t test_seed[2] = { 1, 2 };

static uint32_t hash_of_number(unsigned int i)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "c%u", i);

	return (uint32_t)zus_siphash(test_seed, name, (size_t)n);
}

struct hashed {
	uint32_t hash;
	unsigned int i;
};

static int compare(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Pairs of names with the same 32 bits, in a directory with an index and one without. */
static void names_with_one_hash_are_two(void **state)
{
	enum { TRIED = 300000 };
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	struct fake_node g = must_creat(fx, fx->root, "g");
	struct hashed *h = test_calloc(TRIED, sizeof(*h));
	char a[32], b[32];
	unsigned int i, pairs = 0, round;

	for (i = 0; i < TRIED; i++)
		h[i] = (struct hashed) { hash_of_number(i), i };
	qsort(h, TRIED, sizeof(*h), compare);
	for (round = 0; round < 2; round++) {
		for (i = 0; i + 1 < TRIED; i++) {
			if (h[i].hash != h[i + 1].hash)
				continue;
			pairs++;
			snprintf(a, sizeof(a), "c%u", h[i].i);
			snprintf(b, sizeof(b), "c%u", h[i + 1].i);
			assert_int_equal(fake_link(fx->t, d, f, a), 0);
			assert_int_equal(ino_of(fx, d, b), 0);
			assert_int_equal(fake_link(fx->t, d, g, b), 0);
			assert_int_equal(ino_of(fx, d, a), zus_zi_ino(f.zi));
			assert_int_equal(ino_of(fx, d, b), zus_zi_ino(g.zi));
			check_dir(fx, d);
			assert_int_equal(fake_unlink(fx->t, d, f, a), 0);
			assert_int_equal(ino_of(fx, d, a), 0);
			assert_int_equal(ino_of(fx, d, b), zus_zi_ino(g.zi));
			assert_int_equal(fake_unlink(fx->t, d, g, b), 0);
		}
		for (i = 0; !round && i < 200; i++)
			link_one(fx, d, f, i);
	}
	assert_true(pairs >= 4);
	test_free(h);
	must_forget(fx, f);
	must_forget(fx, g);
	must_forget(fx, d);
	must_remove_all(fx, fx->root);
}

/* Names that share their upper bits split one bucket again and again. */
static void bucket_is_split_down_to_the_second_level(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	unsigned int i, n = 0, tried = 0;
	char name[32];

	for (i = 0; i < 130; i++)
		link_one(fx, d, f, i);
	for (i = 0; n < 1000; i++, tried++) {
		if (hash_of_number(i) >> 22 != 0x155)
			continue;
		snprintf(name, sizeof(name), "c%u", i);
		assert_int_equal(fake_link(fx->t, d, f, name), 0);
		n++;
	}
	assert_int_equal(node_of(d)->rec->hash_bits, 18);
	check_dir(fx, d);
	must_forget(fx, d);
	must_forget(fx, f);
	remount_same(fx);
	d = must_lookup(fx, fx->root, "d");
	f = must_lookup(fx, fx->root, "f");
	for (i = 0; i < tried; i++) {
		if (hash_of_number(i) >> 22 != 0x155)
			continue;
		snprintf(name, sizeof(name), "c%u", i);
		assert_int_equal(fake_unlink(fx->t, d, f, name), 0);
	}
	check_dir(fx, d);
	for (i = 0; i < 130; i++)
		unlink_one(fx, d, f, i);
	assert_int_equal(node_of(d)->rec->hash, 0);
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "f");
}

static const struct tierfs_bucket *first_bucket(struct fixture *fx, struct fake_node dir)
{
	const uint64_t *table = tierfs_page_at(fixture_fs(fx), node_of(dir)->rec->hash);

	assert_non_null(table);
	return tierfs_page_at(fixture_fs(fx), tierfs_word_place(table[0]));
}

/* One bucket at the largest depth takes 511 names, then it says that it is full. */
static void full_bucket_is_no_space(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	struct tierfs_bucket *b;
	unsigned int i;
	char name[96];

	for (i = 0; i < 200; i++)
		link_one(fx, d, f, i);
	b = spoil(first_bucket(fx, d));
	/* as if it could not be split */
	b->depth = 9;
	b->used = TIERFS_BUCKET_CELLS;
	name_of(name, sizeof(name), 200);
	assert_int_equal(fake_link(fx->t, d, f, name), -ENOSPC);
	assert_int_equal(ino_of(fx, d, name), 0);
	assert_int_equal(zus_zi_nlink(f.zi), 201);
	b->depth = 0;
	b->used = 200;
	assert_int_equal(fake_link(fx->t, d, f, name), 0);
	check_dir(fx, d);
	must_forget(fx, d);
	must_forget(fx, f);
	must_remove_all(fx, fx->root);
}

/* ---- positions ---- */

static uint64_t pos_of(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct zus_name n = { .str = name, .len = (uint8_t)strlen(name) };
	struct tierfs_found found;

	(void)fx;
	assert_int_equal(tierfs_dir_find(node_of(dir), &n, &found), 0);
	return found.pos;
}

static void positions_survive_removals_and_remounts(void **state)
{
	enum { N = 2000 };
	static uint64_t pos[N];
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	char name[96];
	unsigned int i;

	for (i = 0; i < N; i++) {
		link_one(fx, d, f, i);
		name_of(name, sizeof(name), i);
		pos[i] = pos_of(fx, d, name);
	}
	for (i = 0; i < N; i++) {
		if (i % 3)
			unlink_one(fx, d, f, i);
	}
	for (i = N; i < N + 500; i++)
		link_one(fx, d, f, i);
	must_forget(fx, d);
	must_forget(fx, f);
	fixture_remount(fx);
	d = must_lookup(fx, fx->root, "d");
	for (i = 0; i < N; i += 3) {
		name_of(name, sizeof(name), i);
		assert_int_equal(pos_of(fx, d, name), pos[i]);
	}
	must_forget(fx, d);
	must_remove_all(fx, fx->root);
}

/* Whatever position a client comes with: the next entry is what it gets. */
static void listing_goes_on_from_any_position(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	struct fake_dirent e[64];
	uint64_t pos, at, next[3 * BLOCK / 32 + 1];
	unsigned int i;
	bool more;
	char name[96];

	for (i = 0; i < 150; i++)
		link_one(fx, d, f, i);
	assert_int_equal(zus_zi_size(d.zi), 3 * BLOCK);
	memset(next, 0, sizeof(next));
	for (i = 0; i < 150; i++) {
		name_of(name, sizeof(name), i);
		next[pos_of(fx, d, name) / 32] = pos_of(fx, d, name);
	}
	for (i = 3 * BLOCK / 32; i-- > 2; ) {
		if (!next[i])
			next[i] = next[i + 1];
	}
	for (pos = 33; pos < 3 * BLOCK; pos += 7) {
		at = pos;
		i = (unsigned int)((pos + 31) / 32);
		assert_true(fake_readdir(fx->t, d, &at, 800, e, 64, &more) >= 0);
		if (next[i])
			assert_int_equal(e[0].pos, next[i]);
		else
			assert_int_equal(at, 3 * BLOCK);
	}
	for (pos = 0; pos <= 32; pos++) {
		at = pos;
		assert_true(fake_readdir(fx->t, d, &at, 400, e, 64, &more) > 0);
		assert_string_equal(e[0].name, pos ? ".." : ".");
	}
	at = 3 * BLOCK;
	assert_int_equal(fake_readdir(fx->t, d, &at, 800, e, 64, &more), 0);
	at = (1ULL << 56) - 1;
	assert_int_equal(fake_readdir(fx->t, d, &at, 800, e, 64, &more), 0);
	must_forget(fx, d);
	must_forget(fx, f);
	must_remove_all(fx, fx->root);
}

#define SOME	3000U

/* Removes what was seen, as rm -r does, adds others, and renames in place. */
static void disturb(struct fixture *fx, struct fake_node dir, unsigned int round)
{
	struct fake_node node;
	char name[96], to[96];

	name_of(name, sizeof(name), round * 7 % SOME);
	if (fake_lookup(fx->t, dir, name, &node) == 0)
		must_remove(fx, dir, node, name);
	name_of(name, sizeof(name), SOME + round);
	if (fake_creat(fx->t, dir, name, &node) == 0)
		must_forget(fx, node);
	name_of(name, sizeof(name), round * 5 % SOME);
	name_of(to, sizeof(to), 2 * SOME + round * 5 % SOME);
	if (fake_lookup(fx->t, dir, name, &node) == 0) {
		assert_int_equal(fake_rename(fx->t, dir, name, node, dir, to, none, 0), 0);
		must_forget(fx, node);
	}
}

static void listing_is_not_disturbed_by_changes(void **state)
{
	static unsigned char seen[MAX_SEEN];
	struct fixture *fx = *state;
	unsigned int i;

	for (i = 0; i < SOME; i++)
		make_one(fx, fx->root, i);
	assert_int_equal(list(fx, fx->root, seen, 800, disturb), 2);
	/* what was there all the time was seen once */
	for (i = 0; i < SOME; i++) {
		assert_true(seen[i] <= 1);
		if (i % 7 && i % 5)
			assert_int_equal(seen[i], 1);
	}
	check_dir(fx, fx->root);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

/* ---- room ---- */

static void freed_room_is_used_again(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	uint64_t size;
	unsigned int i, round;

	for (i = 0; i < 5000; i++)
		link_one(fx, d, f, i);
	size = zus_zi_size(d.zi);
	for (round = 0; round < 3; round++) {
		for (i = round; i < 5000; i += 3)
			unlink_one(fx, d, f, i);
		if (round == 1) {
			/* nothing is known of the room after a mount */
			must_forget(fx, d);
			must_forget(fx, f);
			fixture_remount(fx);
			d = must_lookup(fx, fx->root, "d");
			f = must_lookup(fx, fx->root, "f");
		}
		for (i = round; i < 5000; i += 3)
			link_one(fx, d, f, i);
		check_dir(fx, d);
		assert_true(zus_zi_size(d.zi) <= size + 2 * BLOCK);
	}
	for (i = 0; i < 5000; i++)
		unlink_one(fx, d, f, i);
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "f");
}

/* Each handle knows nothing, and the directory does not grow for ever nevertheless. */
static void handles_that_live_short_find_room(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	unsigned int i, n = 9000;
	uint64_t size;

	for (i = 0; i < n; i++) {
		link_one(fx, d, f, i);
		must_forget(fx, d);
		d = must_lookup(fx, fx->root, "d");
	}
	size = zus_zi_size(d.zi);
	assert_true(size < 170 * BLOCK);
	for (i = 0; i < 2 * n; i++) {
		/* in every block some go, others come */
		unlink_one(fx, d, f, i % 2 ? i * 7 % n : i * 5 % n);
		link_one(fx, d, f, i % 2 ? i * 7 % n : i * 5 % n);
		must_forget(fx, d);
		d = must_lookup(fx, fx->root, "d");
	}
	assert_true(zus_zi_size(d.zi) < size + size / 4);
	check_dir(fx, d);
	must_forget(fx, d);
	must_forget(fx, f);
	must_remove_all(fx, fx->root);
}

/* A block without entries is a hole, and gets a page again before the directory grows. */
static void empty_block_is_a_hole(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	char name[32];
	uint64_t size;
	unsigned int i;

	for (i = 0; i < 126 * 4; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(fake_link(fx->t, d, f, name), 0);
	}
	size = zus_zi_size(d.zi);
	assert_int_equal(size, 4 * BLOCK);
	for (i = 126; i < 252; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(fake_unlink(fx->t, d, f, name), 0);
	}
	assert_int_equal(block_of(d, 1), 0);
	check_dir(fx, d);
	for (i = 126; i < 252; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(fake_link(fx->t, d, f, name), 0);
	}
	assert_true(block_of(d, 1));
	assert_int_equal(zus_zi_size(d.zi), size);
	check_dir(fx, d);
	must_forget(fx, d);
	must_forget(fx, f);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

static void renamed_entry_keeps_its_place(void **state)
{
	struct fixture *fx = *state;
	struct fake_node f = must_creat(fx, fx->root, "f");
	char longer[64] = "a name that takes more than one unit of 32 bytes";
	uint64_t pos;
	unsigned int i;

	for (i = 0; i < 300; i++)
		link_one(fx, fx->root, f, i);
	pos = pos_of(fx, fx->root, "f");
	assert_int_equal(fake_rename(fx->t, fx->root, "f", f, fx->root, "g", none, 0), 0);
	assert_int_equal(pos_of(fx, fx->root, "g"), pos);
	assert_int_equal(fake_rename(fx->t, fx->root, "g", f, fx->root, longer, none, 0), 0);
	assert_true(pos_of(fx, fx->root, longer) != pos);
	check_dir(fx, fx->root);
	must_forget(fx, f);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

/* The only name of a full block moves to a new one: the old one may stay, but not for ever. */
static void rename_into_a_new_block_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	char name[256], other[256];
	unsigned int i;

	memset(name, 'x', 255);
	memset(other, 'y', 255);
	name[255] = other[255] = 0;
	for (i = 0; i < 14 * 3; i++) {
		name[0] = other[0] = (char)('A' + i);
		assert_int_equal(fake_link(fx->t, d, f, name), 0);
	}
	for (i = 0; i < 14 * 3; i++) {
		name[0] = other[0] = (char)('A' + i);
		assert_int_equal(fake_rename(fx->t, d, name, f, d, other, none, 0), 0);
		check_dir(fx, d);
	}
	for (i = 0; i < 14 * 3; i++) {
		other[0] = (char)('A' + i);
		assert_int_equal(fake_unlink(fx->t, d, f, other), 0);
	}
	assert_int_equal(zus_zi_size(d.zi), 64);
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "f");
}

/* Random changes beside a model of them. */
static void random_changes_agree_with_a_model(void **state)
{
	enum { NAMES = 700, STEPS = 12000 };
	static unsigned char there[NAMES];
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	unsigned int seed = 12345, step, i, j, phase;
	char a[96], b[96];

	memset(there, 0, sizeof(there));
	for (step = 0; step < STEPS; step++) {
		seed = seed * 1103515245 + 12345;
		i = (seed >> 8) % NAMES;
		seed = seed * 1103515245 + 12345;
		j = (seed >> 8) % NAMES;
		/* grows, is stirred, shrinks */
		phase = step / (STEPS / 6) % 3;
		name_of(a, sizeof(a), i);
		name_of(b, sizeof(b), j);
		if (there[i] && i != j && !there[j] && seed >> 28 & 1) {
			assert_int_equal(fake_rename(fx->t, d, a, f, d, b, none, 0), 0);
			there[i] = 0;
			there[j] = 1;
		} else if (there[i] && phase) {
			assert_int_equal(fake_unlink(fx->t, d, f, a), 0);
			there[i] = 0;
		} else if (!there[i] && phase < 2) {
			assert_int_equal(fake_link(fx->t, d, f, a), 0);
			there[i] = 1;
		}
		if (step % 1000)
			continue;
		check_dir(fx, d);
		must_forget(fx, d);
		must_forget(fx, f);
		if (step % 2000)
			fixture_remount(fx);
		else
			fixture_crash(fx);
		d = must_lookup(fx, fx->root, "d");
		f = must_lookup(fx, fx->root, "f");
		for (i = 0; i < NAMES; i++) {
			name_of(a, sizeof(a), i);
			assert_int_equal(ino_of(fx, d, a), there[i] ? zus_zi_ino(f.zi) : 0);
		}
	}
	must_forget(fx, d);
	must_forget(fx, f);
	must_remove_all(fx, fx->root);
}

/* ---- without space ---- */

static void full_file_system_lets_names_go(void **state)
{
	struct fake_opts o = { .t1_bytes = 4 << 20 };
	struct fixture *fx = fixture_new(&o, NULL);
	struct fake_node d = must_mkdir(fx, fx->root, "d"), f = must_creat(fx, fx->root, "f");
	char name[256];
	unsigned int made, i;
	int err = 0;

	(void)state;
	for (made = 0; !err; made++) {
		snprintf(name, sizeof(name), "%0255u", made);
		err = fake_link(fx->t, d, f, name);
	}
	made--;
	assert_int_equal(err, -ENOSPC);
	assert_true(made > 5000);
	assert_int_equal(zus_zi_nlink(f.zi), made + 1);
	assert_int_equal(ino_of(fx, d, name), 0);
	check_dir(fx, d);
	must_forget(fx, d);
	must_forget(fx, f);
	fixture_remount(fx);
	d = must_lookup(fx, fx->root, "d");
	f = must_lookup(fx, fx->root, "f");
	check_dir(fx, d);
	for (i = 0; i < made; i++) {
		snprintf(name, sizeof(name), "%0255u", i);
		assert_int_equal(fake_unlink(fx->t, d, f, name), 0);
	}
	assert_int_equal(fake_link(fx->t, d, f, "again"), 0);
	assert_int_equal(fake_unlink(fx->t, d, f, "again"), 0);
	must_remove(fx, fx->root, d, "d");
	must_remove(fx, fx->root, f, "f");
	fixture_end_empty(fx);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(small_directory_has_no_index),
		T(names_of_any_length_are_kept),
		T(names_with_one_hash_are_two),
		T(bucket_is_split_down_to_the_second_level),
		T(full_bucket_is_no_space),
		T(positions_survive_removals_and_remounts),
		T(listing_goes_on_from_any_position),
		T(listing_is_not_disturbed_by_changes),
		T(freed_room_is_used_again),
		T(handles_that_live_short_find_room),
		T(empty_block_is_a_hole),
		T(renamed_entry_keeps_its_place),
		T(rename_into_a_new_block_leaves_nothing),
		T(random_changes_agree_with_a_model),
		cmocka_unit_test(full_file_system_lets_names_go),
		cmocka_unit_test(twenty_thousand_names_in_one_directory),
		cmocka_unit_test(index_gets_a_second_level),
	};

	return cmocka_run_group_tests_name("tierfs directories", tests, NULL, NULL);
}
