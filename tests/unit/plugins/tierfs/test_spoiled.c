// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: directories whose media are broken. Whatever a block, an index or a map says, operations
 * end with an answer: what is broken is -EIO, what is not goes on. Images here are not repaired, so
 * only memory is checked at the end.
 */
#include "fixture.h"

#include <linux/fs.h>
#include <stdio.h>
#include <zus/siphash.h>

static const struct fake_node none;

struct dirs {
	struct fake_node f;
	struct fake_node small;		/* "a", "b": one block */
	struct fake_node large;		/* "n0" .. "n399": an index */
};

#define LARGE	400U

static struct dirs make_dirs(struct fixture *fx)
{
	struct dirs d = {
		.f = must_creat(fx, fx->root, "f"),
		.small = must_mkdir(fx, fx->root, "small"),
		.large = must_mkdir(fx, fx->root, "large"),
	};
	char name[32];
	unsigned int i;

	assert_int_equal(fake_link(fx->t, d.small, d.f, "a"), 0);
	assert_int_equal(fake_link(fx->t, d.small, d.f, "b"), 0);
	for (i = 0; i < LARGE; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(fake_link(fx->t, d.large, d.f, name), 0);
	}
	return d;
}

static void forget_dirs(struct fixture *fx, const struct dirs *d)
{
	must_forget(fx, d->f);
	must_forget(fx, d->small);
	must_forget(fx, d->large);
}

static int end(void **state)
{
	struct fixture *fx = *state;

	fx->spoiled = true;
	fixture_end(fx);
	return 0;
}

static struct tierfs_dir_head *block_at(struct fixture *fx, struct fake_node dir, uint64_t index)
{
	return zus_t1_addr(fake_md(fx->f), block_of(dir, index));
}

static struct tierfs_dirent *entry_of(struct fixture *fx, struct fake_node dir, const char *str)
{
	struct zus_name name = { .str = str, .len = (uint8_t)strlen(str) };
	struct tierfs_found found;

	(void)fx;
	assert_int_equal(tierfs_dir_find(node_of(dir), &name, &found), 0);
	return spoil(found.entry);
}

static int lookup(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node node;
	int err = fake_lookup(fx->t, dir, name, &node);

	if (!err)
		must_forget(fx, node);
	return err;
}

static int listing(struct fixture *fx, struct fake_node dir)
{
	static struct fake_dirent e[4096];
	uint64_t pos = 0;
	bool more;

	return fake_readdir(fx->t, dir, &pos, 65536, e, 4096, &more);
}

/* Everything that goes through a directory. */
static void all_are_eio(struct fixture *fx, struct fake_node dir, struct fake_node f,
			const char *name)
{
	struct fake_node node;

	assert_int_equal(lookup(fx, dir, name), -EIO);
	assert_int_equal(fake_creat(fx->t, dir, name, &node), -EIO);
	assert_int_equal(fake_unlink(fx->t, dir, f, name), -EIO);
	assert_int_equal(fake_link(fx->t, dir, f, name), -EIO);
	assert_int_equal(fake_rename(fx->t, dir, name, f, fx->root, "new", none, 0), -EIO);
	assert_int_equal(fake_rename(fx->t, fx->root, "f", f, dir, name, none, 0), -EIO);
}

static void entry_that_leaves_its_block_is_broken(void **state)
{
	struct fixture *fx = *state;
	struct dirs d = make_dirs(fx);
	struct tierfs_dir_head *h = block_at(fx, d.small, 0);
	struct tierfs_dirent *a = entry_of(fx, d.small, "a"), old = *a, *last;
	unsigned int i;

	a->len = 0;
	all_are_eio(fx, d.small, d.f, "a");
	*a = old;
	a->ino = 0;
	all_are_eio(fx, d.small, d.f, "a");
	*a = old;
	/* in the last unit, a name of 255 */
	last = (struct tierfs_dirent *)((uint8_t *)h + 127 * TIERFS_UNIT);
	*last = old;
	last->len = 255;
	h->begins[1] |= 1ULL << 63;
	assert_int_equal(lookup(fx, d.small, "c"), -EIO);
	assert_int_equal(listing(fx, d.small), -EIO);
	h->begins[1] &= ~(1ULL << 63);
	*last = (struct tierfs_dirent) { 0 };
	/* entries in the head */
	for (i = 0; i < 2; i++) {
		h->begins[0] |= 1ULL << i;
		assert_int_equal(lookup(fx, d.small, "c"), -ENOENT);
		assert_int_equal(listing(fx, d.small), 4);
		h->begins[0] &= ~(1ULL << i);
	}
	/* a head that says that it has room in itself */
	h->used[0] &= ~3ULL;
	assert_int_equal(fake_link(fx->t, d.small, d.f, "c"), -EIO);
	h->used[0] |= 3;
	h->entries = 0;
	assert_int_equal(fake_unlink(fx->t, d.small, d.f, "a"), -EIO);
	h->entries = 2;
	check_dir(fx, d.small);
	forget_dirs(fx, &d);
}

static void name_without_an_inode_is_broken(void **state)
{
	struct fixture *fx = *state;
	struct dirs d = make_dirs(fx);
	struct tierfs_dirent *a = entry_of(fx, d.small, "a");
	static const uint64_t numbers[] = { 169, 170, UINT64_MAX, 1ULL << 40 };
	unsigned int i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		a->ino = numbers[i];
		assert_int_equal(lookup(fx, d.small, "a"), -EIO);
		assert_int_equal(lookup(fx, d.small, "b"), 0);
	}
	forget_dirs(fx, &d);
}

/* Places where no page of names can be: fixed, logs, data, in the middle, beyond the end. */
static void map_may_point_anywhere(void **state)
{
	struct fixture *fx = *state;
	struct dirs d = make_dirs(fx);
	struct tierfs *fs = fixture_fs(fx);
	struct tierfs_inode *rec = spoil(node_of(d.small)->rec);
	uint64_t old = rec->slots[0], blocks = fake_md(fx->f)->t1_blocks;
	uint64_t words[] = {
		0, 1, UINT64_MAX,
		tierfs_run_word(fs, 1, 1, false),
		tierfs_run_word(fs, 16, 1, false),
		tierfs_run_word(fs, blocks - 20, 1, false),
		tierfs_run_word(fs, blocks - 1, 1, false) + 1,
		TIERFS_FORM_RUN << TIERFS_WORD_FORM_SHIFT | 5ULL << TIERFS_WORD_DEV_SHIFT | 7,
		TIERFS_FORM_PAGE << TIERFS_WORD_FORM_SHIFT | 2,
		TIERFS_FORM_LIST << TIERFS_WORD_FORM_SHIFT | 2,
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		rec->slots[0] = words[i];
		all_are_eio(fx, d.small, d.f, "a");
		assert_true(listing(fx, d.small) == -EIO || !words[i]);
		rec->slots[0] = old;
		assert_int_equal(lookup(fx, d.small, "a"), 0);
	}
	/* without an index a directory has one block */
	rec->size = 3 * BLOCK;
	all_are_eio(fx, d.small, d.f, "a");
	rec->size = TIERFS_MAX_SIZE;
	all_are_eio(fx, d.small, d.f, "a");
	assert_int_equal(listing(fx, d.small), 4);
	rec->size = BLOCK;
	forget_dirs(fx, &d);
}

static void index_may_point_anywhere(void **state)
{
	struct fixture *fx = *state;
	struct dirs d = make_dirs(fx);
	struct tierfs *fs = fixture_fs(fx);
	struct tierfs_inode *rec = spoil(node_of(d.large)->rec);
	tierfs_place_t old = rec->hash;
	uint64_t *table = spoil(tierfs_page_at(fs, old)), words[TIERFS_PAGE_WORDS];
	struct tierfs_bucket *b = spoil(tierfs_page_at(fs, tierfs_word_place(table[0])));
	const uint64_t bad[] = {
		0, 1, UINT64_MAX, table[0] | TIERFS_HASH_TABLE,
		tierfs_page_word(fs, table) | TIERFS_HASH_TABLE,
		TIERFS_FORM_RUN << TIERFS_WORD_FORM_SHIFT | (table[0] & TIERFS_WORD_BLOCK),
		TIERFS_FORM_PAGE << TIERFS_WORD_FORM_SHIFT | 2,
		TIERFS_FORM_PAGE << TIERFS_WORD_FORM_SHIFT | TIERFS_WORD_BLOCK,
		table[0] | 9ULL << TIERFS_WORD_DEV_SHIFT,
	};
	const tierfs_place_t places[] = {
		1, 8, BLOCK, old + 8, UINT64_MAX, 1ULL << TIERFS_PLACE_DEV_SHIFT, 1ULL << 40,
	};
	unsigned int i, j;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		rec->hash = places[i];
		all_are_eio(fx, d.large, d.f, "n7");
	}
	/* as if there were no index */
	rec->hash = 0;
	all_are_eio(fx, d.large, d.f, "n7");
	rec->hash = old;
	memcpy(words, table, sizeof(words));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (j = 0; j < TIERFS_PAGE_WORDS; j++)
			table[j] = bad[i];
		all_are_eio(fx, d.large, d.f, "n7");
		memcpy(table, words, sizeof(words));
	}
	b->depth = 10;
	all_are_eio(fx, d.large, d.f, "n7");
	b->depth = 0;
	b->used = 512;
	all_are_eio(fx, d.large, d.f, "n7");
	b->used = LARGE;
	check_dir(fx, d.large);
	assert_int_equal(lookup(fx, d.large, "n7"), 0);
	forget_dirs(fx, &d);
}

static uint64_t *cell_of(struct fixture *fx, struct tierfs_bucket *b, const char *name)
{
	uint32_t hash = (uint32_t)zus_siphash(fixture_fs(fx)->hash_seed, name, strlen(name));
	unsigned int i = 0;

	while (b->cells[i] >> 32 != hash)
		i++;
	return &b->cells[i];
}

static void cell_may_say_anything(void **state)
{
	struct fixture *fx = *state;
	struct dirs d = make_dirs(fx);
	struct tierfs *fs = fixture_fs(fx);
	const uint64_t *table = tierfs_page_at(fs, node_of(d.large)->rec->hash);
	struct tierfs_bucket *b = spoil(tierfs_page_at(fs, tierfs_word_place(table[0])));
	struct fake_node node;
	uint64_t *cell = cell_of(fx, b, "n7"), old = *cell;
	uint32_t units[] = {
		1, 2,					/* in a head */
		(uint32_t)old + 1,			/* another name's */
		127 * 128, UINT32_MAX, UINT32_MAX - 1,	/* behind the end */
	};
	unsigned int i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		*cell = (old & ~(uint64_t)UINT32_MAX) | units[i];
		assert_int_equal(lookup(fx, d.large, "n7"), -EIO);
		assert_int_equal(fake_creat(fx->t, d.large, "n7", &node), -EIO);
		assert_int_equal(lookup(fx, d.large, "n8"), 0);
	}
	/* a cell that is not there, and a bucket that nothing ends */
	*cell = TIERFS_CELL_GONE;
	assert_int_equal(lookup(fx, d.large, "n7"), -ENOENT);
	for (i = 0; i < TIERFS_BUCKET_CELLS; i++) {
		if (!b->cells[i])
			b->cells[i] = TIERFS_CELL_GONE;
	}
	assert_int_equal(lookup(fx, d.large, "none"), -ENOENT);
	*cell = old;
	assert_int_equal(lookup(fx, d.large, "n7"), 0);
	b->used = 0;
	assert_int_equal(fake_unlink(fx->t, d.large, d.f, "n7"), -EIO);
	forget_dirs(fx, &d);
}

/* An index that leads back to itself is not freed twice or for ever. */
static void broken_index_does_not_keep_a_directory(void **state)
{
	struct fixture *fx = *state;
	struct dirs d = make_dirs(fx);
	struct tierfs *fs = fixture_fs(fx);
	uint64_t *table = spoil(tierfs_page_at(fs, node_of(d.large)->rec->hash));
	char name[32];
	unsigned int i;
	int err;

	for (i = 1; i < LARGE; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(fake_unlink(fx->t, d.large, d.f, name), 0);
	}
	table[511] = tierfs_page_word(fs, table) | TIERFS_HASH_TABLE;
	table[510] = 77;
	table[509] = tierfs_page_word(fs, table);
	err = fake_unlink(fx->t, d.large, d.f, "n0");
	assert_true(err == 0 || err == -EIO);
	assert_int_equal(lookup(fx, d.large, "n0"), err ? 0 : -ENOENT);
	forget_dirs(fx, &d);
}

static void target_may_be_anywhere(void **state)
{
	struct fixture *fx = *state;
	struct fake_node l;
	char target[201];
	const struct tierfs_inode *found;
	struct tierfs_inode *rec, old;
	const uint64_t places[] = { 0, 1, BLOCK, UINT64_MAX, 1ULL << 40 };
	uint64_t ino;
	unsigned int i;

	memset(target, 't', 200);
	target[200] = 0;
	assert_int_equal(fake_symlink(fx->t, fx->root, "l", target, &l), 0);
	ino = zus_zi_ino(l.zi);
	must_forget(fx, l);
	assert_int_equal(tierfs_slot_find(fixture_fs(fx), ino, &found), 0);
	rec = spoil(found);
	old = *rec;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		rec->slots[0] = places[i];
		rec->crc = tierfs_crc_head(rec, sizeof(*rec));
		assert_int_equal(lookup(fx, fx->root, "l"), -EIO);
	}
	*rec = old;
	for (i = 0; i < 3; i++) {
		rec->size = i ? i == 1 ? 100 : 5000 : TIERFS_MAX_SIZE;
		rec->crc = tierfs_crc_head(rec, sizeof(*rec));
		assert_int_equal(lookup(fx, fx->root, "l"), -EIO);
	}
	*rec = old;
	rec->own_flags = 0;
	rec->crc = tierfs_crc_head(rec, sizeof(*rec));
	assert_int_equal(lookup(fx, fx->root, "l"), -EIO);
	*rec = old;
	assert_int_equal(lookup(fx, fx->root, "l"), 0);
}

/* ---- at random ---- */

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

static void *page_of_index(struct fixture *fx, const struct dirs *d, bool bucket)
{
	struct tierfs *fs = fixture_fs(fx);
	const uint64_t *table = tierfs_page_at(fs, node_of(d->large)->rec->hash);

	if (!table)
		return NULL;
	return spoil(bucket ? tierfs_page_at(fs, tierfs_word_place(table[0])) : table);
}

static void spoil_something(struct fixture *fx, const struct dirs *d, unsigned int *seed)
{
	struct tierfs_run run;
	uint8_t *page = NULL;

	switch (next_random(seed) % 4) {
	case 0:
		page = page_of_index(fx, d, true);
		break;
	case 1:
		page = page_of_index(fx, d, false);
		break;
	default:
		if (!tierfs_map_find(node_of(next_random(seed) % 2 ? d->small : d->large),
				     next_random(seed) % 4, 1, &run) && run.bn)
			page = zus_t1_addr(fake_md(fx->f), run.bn);
	}
	if (page && next_random(seed) % 2)
		page[next_random(seed) % 64] ^= (uint8_t)(1U << next_random(seed) % 8);
	else if (page)
		page[next_random(seed) % BLOCK] = (uint8_t)next_random(seed);
}

static void do_something(struct fixture *fx, const struct dirs *d, unsigned int *seed)
{
	struct fake_node dir = next_random(seed) % 4 ? d->large : d->small, node;
	char name[32], to[32];
	int err;

	snprintf(name, sizeof(name), "n%u", next_random(seed) % (2 * LARGE));
	snprintf(to, sizeof(to), "n%u", next_random(seed) % (2 * LARGE));
	switch (next_random(seed) % 6) {
	case 0:
		err = fake_creat(fx->t, dir, name, &node);
		if (!err)
			fake_forget(fx->t, node);
		break;
	case 1:
	case 2:
		err = fake_unlink(fx->t, dir, d->f, name);
		break;
	case 3:
		err = fake_rename(fx->t, dir, name, d->f, d->large, to, none, 0);
		break;
	case 4:
		err = listing(fx, dir);
		break;
	default:
		err = lookup(fx, dir, name);
	}
	/* what the kernel may be told */
	assert_true(err >= 0 || err == -EIO || err == -ENOENT || err == -EEXIST ||
		    err == -ENOSPC || err == -EMLINK || err == FAKE_BAD_ANSWER);
}

static void spoiled_media_are_survived(void **state)
{
	struct fixture *fx;
	struct dirs d;
	unsigned int round, i, seed;

	(void)state;
	for (round = 0; round < 60; round++) {
		seed = 1000 + round;
		fx = fixture_new(&(struct fake_opts){ .t1_bytes = 4 << 20 }, NULL);
		fx->spoiled = true;
		d = make_dirs(fx);
		for (i = 0; i < 400; i++) {
			if (i % 8 == 0)
				spoil_something(fx, &d, &seed);
			do_something(fx, &d, &seed);
		}
		fake_forget(fx->t, d.f);
		fake_forget(fx->t, d.small);
		fake_forget(fx->t, d.large);
		fixture_end(fx);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(entry_that_leaves_its_block_is_broken),
		T(name_without_an_inode_is_broken),
		T(map_may_point_anywhere),
		T(index_may_point_anywhere),
		T(cell_may_say_anything),
		T(broken_index_does_not_keep_a_directory),
		T(target_may_be_anywhere),
		cmocka_unit_test(spoiled_media_are_survived),
	};

	return cmocka_run_group_tests_name("tierfs spoiled", tests, NULL, NULL);
}
