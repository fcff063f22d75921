// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fixture's look at all names: as a text that can be compared, at each directory on media, and
 * the removal of everything.
 */
#include "fixture.h"

#include <stdio.h>
#include <zus/siphash.h>

#define MAX_ENTRIES	2048
#define READDIR_BYTES	(16U << 10)

struct text {
	char *str;
	size_t len;
	size_t max;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->max - t->len < 8192) {
		char *more = test_malloc(2 * t->max + 16384);

		memcpy(more, t->str ? t->str : "", t->len);
		test_free(t->str);
		t->str = more;
		t->max = 2 * t->max + 16384;
	}
	va_start(ap, fmt);
	n = vsnprintf(t->str + t->len, t->max - t->len, fmt, ap);
	va_end(ap);
	assert_in_range(n, 0, t->max - t->len - 1);
	t->len += (size_t)n;
}

/* ---- a directory on media ---- */

static void check_page_crc(const struct tierfs *fs, const void *page)
{
	uint64_t crc = *tierfs_page_crc_at(fs, page);

	if (crc)
		assert_int_equal((uint32_t)crc, tierfs_crc(0, page, BLOCK));
}

struct counts {
	uint64_t entries;
	uint64_t dirs;
	uint64_t cells;
};

static void check_entry(struct fixture *fx, struct fake_node dir, const struct tierfs_dirent *e,
			uint64_t pos, struct counts *c)
{
	const char *str = (const char *)e + offsetof(struct tierfs_dirent, name);
	struct zus_name name = { .str = str, .len = e->len };
	struct tierfs_found found;
	const struct tierfs_inode *rec;

	assert_int_equal(e->hash, (uint32_t)zus_siphash(fixture_fs(fx)->hash_seed, str, e->len));
	assert_int_equal(tierfs_dir_find(node_of(dir), &name, &found), 0);
	assert_ptr_equal(found.entry, e);
	assert_int_equal(found.pos, pos);
	assert_int_equal(tierfs_slot_find(fixture_fs(fx), e->ino, &rec), 0);
	assert_int_equal(e->type, rec->mode >> 12);
	assert_true(rec->nlink > 0);
	assert_int_equal(rec->cell, 0);
	if (S_ISDIR(rec->mode)) {
		assert_int_equal(rec->parent, node_of(dir)->ino);
		c->dirs++;
	}
	c->entries++;
}

static void check_block(struct fixture *fx, struct fake_node dir, uint64_t index,
			const struct tierfs_dir_head *h, struct counts *c)
{
	uint64_t used[2] = { 3, 0 };
	uint32_t n = 0;
	unsigned int i, j;

	check_page_crc(fixture_fs(fx), h);
	for (i = 0; i < TIERFS_DIR_UNITS; i++) {
		const struct tierfs_dirent *e;

		if (!(h->begins[i / 64] >> i % 64 & 1))
			continue;
		assert_true(i >= 2);
		n++;
		e = (const struct tierfs_dirent *)((const uint8_t *)h + i * TIERFS_UNIT);
		for (j = i; j < i + (14U + e->len + 31) / 32; j++) {
			assert_int_equal(used[j / 64] >> j % 64 & 1, 0);
			used[j / 64] |= 1ULL << j % 64;
		}
		check_entry(fx, dir, e, index * BLOCK + i * TIERFS_UNIT, c);
	}
	assert_int_equal(h->entries, n);
	assert_memory_equal(h->used, used, sizeof(used));
}

static void check_bucket(const struct tierfs *fs, const struct tierfs_bucket *b,
			 uint32_t prefix, struct counts *c)
{
	unsigned int i, used = 0;

	assert_non_null(b);
	check_page_crc(fs, b);
	for (i = 0; i < TIERFS_BUCKET_CELLS; i++) {
		if (!(uint32_t)b->cells[i])
			continue;
		used++;
		if (b->depth)
			assert_int_equal(b->cells[i] >> (64 - b->depth),
					 prefix >> (32 - b->depth));
	}
	assert_int_equal(b->used, used);
	c->cells += used;
}

/* A table whose words have the hashes from `prefix` on, `step` each. */
static void check_table(const struct tierfs *fs, const uint64_t *table, uint32_t prefix,
			unsigned int bits, struct counts *c)
{
	uint32_t step = (uint32_t)(1ULL << (32 - bits));
	unsigned int i;

	assert_non_null(table);
	check_page_crc(fs, table);
	for (i = 0; i < TIERFS_PAGE_WORDS; i++) {
		uint32_t first = prefix + i * step;
		const void *page = tierfs_page_at(fs, tierfs_word_place(table[i]));
		const struct tierfs_bucket *b = page;

		if (table[i] & TIERFS_HASH_TABLE) {
			assert_int_equal(bits, TIERFS_HASH_LEVEL_BITS);
			check_table(fs, page, first, TIERFS_HASH_MAX_BITS, c);
			continue;
		}
		assert_non_null(b);
		assert_in_range(b->depth, bits == TIERFS_HASH_LEVEL_BITS ? 0 : bits - 8, bits);
		/* once, at the first of its words */
		if (!(i & ((1U << (bits - b->depth)) - 1)))
			check_bucket(fs, b, first, c);
		else
			assert_int_equal(table[i], table[i - 1]);
	}
}

void check_dir(struct fixture *fx, struct fake_node dir)
{
	const struct tierfs *fs = fixture_fs(fx);
	const struct tierfs_inode *rec = node_of(dir)->rec;
	struct counts c = { 0 };
	uint64_t index, bn;

	assert_int_equal(rec->crc, tierfs_crc_head(rec, sizeof(*rec)));
	for (index = 0; index < rec->size / BLOCK; index++) {
		bn = block_of(dir, index);
		if (bn)
			check_block(fx, dir, index, zus_t1_addr(fs->sb.md, bn), &c);
	}
	assert_int_equal(c.entries, rec->entries);
	assert_int_equal(c.dirs + 2, rec->nlink);
	assert_int_equal(zus_zi_nlink(dir.zi), rec->nlink);
	assert_int_equal(zus_zi_size(dir.zi), rec->size);
	if (!rec->entries)
		assert_int_equal(rec->size, 64);
	if (rec->size <= BLOCK)
		assert_int_equal(rec->hash, 0);
	if (!rec->hash)
		return;
	check_table(fs, tierfs_page_at(fs, rec->hash), 0, TIERFS_HASH_LEVEL_BITS, &c);
	assert_int_equal(c.cells, rec->entries);
}

/* ---- all of them ---- */

static void add_data(struct text *t, struct fixture *fx, struct fake_node node)
{
	static const uint64_t key[2] = { 3, 4 };
	uint64_t size = zus_zi_size(node.zi), pos, sum = 0;
	char buf[BLOCK];

	for (pos = 0; pos < size; pos += BLOCK) {
		ssize_t n = fake_read(fx->t, node, buf, sizeof(buf), pos);

		assert_true(n > 0);
		sum = sum * 31 + zus_siphash(key, buf, (size_t)n);
	}
	if (size)
		add(t, " data %016llx", (unsigned long long)sum);
}

static void add_node(struct text *t, struct fixture *fx, struct fake_node node)
{
	const struct zus_inode *zi = node.zi;
	char target[ZUFS_MAX_SYMLINK + 1];

	add(t, " ino %llu gen %llu mode %o nlink %u size %llu blocks %llu owner %u:%u flags %x",
	    (unsigned long long)zus_zi_ino(zi), (unsigned long long)zus_zi_generation(zi),
	    zus_zi_mode(zi), zus_zi_nlink(zi), (unsigned long long)zus_zi_size(zi),
	    (unsigned long long)zus_zi_blocks(zi), zus_zi_uid(zi), zus_zi_gid(zi),
	    zus_zi_flags(zi));
	add(t, " times %lld %lld %lld", (long long)zus_zi_atime(zi), (long long)zus_zi_mtime(zi),
	    (long long)zus_zi_ctime(zi));
	if (S_ISCHR(zus_zi_mode(zi)) || S_ISBLK(zus_zi_mode(zi)))
		add(t, " rdev %x", zus_zi_rdev(zi));
	if (zus_zi_islnk(zi)) {
		assert_int_equal(fake_readlink(fx->t, node, target, sizeof(target)),
				 zus_zi_size(zi));
		add(t, " -> %s", target);
	}
	if (zus_zi_isreg(zi))
		add_data(t, fx, node);
}

typedef void (*visit_fn)(struct fixture *fx, struct fake_node dir, const char *path,
			 const struct fake_dirent *e, void *arg);

/* All entries but the dots; visit may remove them. */
static void each_entry(struct fixture *fx, struct fake_node dir, const char *path, visit_fn visit,
		       void *arg)
{
	struct fake_dirent *e = test_malloc(MAX_ENTRIES * sizeof(*e));
	uint64_t pos = 0;
	bool more = true;
	int n, i;

	while (more && pos < tierfs_max(zus_zi_size(dir.zi), 1)) {
		n = fake_readdir(fx->t, dir, &pos, READDIR_BYTES, e, MAX_ENTRIES, &more);
		assert_true(n >= 0);
		for (i = 0; i < n; i++) {
			if (strcmp(e[i].name, ".") && strcmp(e[i].name, ".."))
				visit(fx, dir, path, &e[i], arg);
		}
	}
	test_free(e);
}

static void visit_tree(struct fixture *fx, struct fake_node dir, const char *path,
		       const struct fake_dirent *e, void *arg)
{
	struct fake_node node = must_lookup(fx, dir, e->name);
	struct text *t = arg;
	char *below;

	assert_int_equal(zus_zi_ino(node.zi), e->ino);
	assert_int_equal(zus_zi_dtype(node.zi), e->type);
	add(t, "%s/%s pos %llu", path, e->name, (unsigned long long)e->pos);
	add_node(t, fx, node);
	add(t, "\n");
	if (zus_zi_isdir(node.zi)) {
		check_dir(fx, node);
		below = test_malloc(strlen(path) + e->len + 2U);
		snprintf(below, strlen(path) + e->len + 2U, "%s/%s", path, e->name);
		each_entry(fx, node, below, visit_tree, t);
		test_free(below);
	}
	assert_int_equal(fake_evict(fx->t, node, 0), 0);
}

char *tree_of(struct fixture *fx)
{
	struct text t = { 0 };

	add(&t, "/");
	add_node(&t, fx, fx->root);
	add(&t, "\n");
	check_dir(fx, fx->root);
	each_entry(fx, fx->root, "", visit_tree, &t);
	return t.str;
}

void remount_same(struct fixture *fx)
{
	char *before = tree_of(fx), *after;

	fixture_remount(fx);
	after = tree_of(fx);
	assert_string_equal(before, after);
	test_free(before);
	test_free(after);
}

static void visit_remove(struct fixture *fx, struct fake_node dir, const char *path,
			 const struct fake_dirent *e, void *arg)
{
	struct fake_node node = must_lookup(fx, dir, e->name);

	if (zus_zi_isdir(node.zi))
		each_entry(fx, node, path, visit_remove, arg);
	must_remove(fx, dir, node, e->name);
}

void must_remove_all(struct fixture *fx, struct fake_node dir)
{
	each_entry(fx, dir, "", visit_remove, NULL);
}
