// SPDX-License-Identifier: BSD-2-Clause
/*
 * Directories: blocks of names. While a directory is looked at, c->names has its names as a hash
 * set of cells (hash << 32 | unit + 1): it finds names that are there twice, and the index is
 * compared with it (bucket.c). Links of what is named are counted here, and judged in links.c.
 */
#include "tck.h"

#include <errno.h>
#include <string.h>
#include <zus/siphash.h>

#define DIR_EMPTY_SIZE	(TIERFS_DIR_HEAD_UNITS * TIERFS_UNIT)
#define DIR_MAX_BLOCKS	(((uint64_t)1 << 25) - 1)
#define NAMES_MIN	256U

/* A directory that is being read. */
struct reading {
	struct tck_map map;
	uint64_t entries;		/* that were found */
	uint64_t end;			/* block behind the last one */
};

static struct tck_object dir_object(uint64_t ino)
{
	return tck_of(TIERFS_CHECK_INODE, ino, 0);
}

uint32_t tck_name_units(uint32_t len)
{
	return (uint32_t)(offsetof(struct tierfs_dirent, name) + len + TIERFS_UNIT - 1) /
		TIERFS_UNIT;
}

static const char *name_of(const struct tierfs_dirent *e)
{
	return (const char *)e + offsetof(struct tierfs_dirent, name);
}

static bool has_bit(const uint64_t words[2], uint32_t unit)
{
	return words[unit / 64] >> unit % 64 & 1;
}

const struct tierfs_dirent *tck_entry_at(const struct tck *c, const struct tierfs_inode *rec,
					 uint64_t unit)
{
	const struct tierfs_dir_head *h = tck_dir_block(c, rec, unit / TIERFS_DIR_UNITS);
	uint32_t at = unit % TIERFS_DIR_UNITS;
	const struct tierfs_dirent *e;

	if (!h || at < TIERFS_DIR_HEAD_UNITS || !has_bit(h->begins, at))
		return NULL;
	e = (const struct tierfs_dirent *)((const uint8_t *)h + at * TIERFS_UNIT);
	return at + tck_name_units(e->len) <= TIERFS_DIR_UNITS ? e : NULL;
}

/* ---- the set of names ---- */

static uint64_t first_slot(const struct tck *c, uint64_t cell)
{
	return (cell >> 32) * 0x9e3779b1U & (c->max_names - 1);
}

uint64_t *tck_name_slot(const struct tck *c, uint64_t cell)
{
	uint64_t i = first_slot(c, cell);

	while (c->names[i] && c->names[i] != cell)
		i = (i + 1) & (c->max_names - 1);
	return &c->names[i];
}

/* Room for so many, at most half full. */
static bool names_begin(struct tck *c, uint64_t n)
{
	uint64_t max = NAMES_MIN;

	while (max < 2 * n)
		max *= 2;
	if (max > c->max_names) {
		c->max_names = 0;
		c->names = tierfs_check_zalloc(c->memory, max, sizeof(*c->names));
		if (!c->names) {
			c->err = -ENOMEM;
			return false;
		}
		c->max_names = max;
		return true;
	}
	c->max_names = max;
	memset(c->names, 0, max * sizeof(*c->names));
	return true;
}

/* Grows the set when it is half full. */
static bool names_room(struct tck *c, uint64_t n)
{
	uint64_t *old = c->names, i, size = c->max_names;

	if (2 * n < size)
		return true;
	c->names = tierfs_check_zalloc(c->memory, 2 * size, sizeof(*c->names));
	if (!c->names) {
		c->names = old;
		c->err = -ENOMEM;
		return false;
	}
	c->max_names = 2 * size;
	for (i = 0; i < size; i++) {
		if (old[i])
			*tck_name_slot(c, old[i]) = old[i];
	}
	return true;
}

static bool same_name(const struct tierfs_dirent *a, const struct tierfs_dirent *b)
{
	return a->len == b->len && !memcmp(name_of(a), name_of(b), a->len);
}

/* Is a name that hashes alike the same? Goes by the right hash, whatever the entry says. */
static void names_add(struct tck *c, struct reading *r, const struct tierfs_dirent *e,
		      uint32_t hash, uint64_t unit)
{
	uint64_t cell = (uint64_t)hash << 32 | (uint32_t)(unit + 1);
	uint64_t i;

	if (!names_room(c, r->entries))
		return;
	for (i = first_slot(c, cell); c->names[i]; i = (i + 1) & (c->max_names - 1)) {
		const struct tierfs_dirent *other;

		if (c->names[i] >> 32 != hash)
			continue;
		other = tck_entry_at(c, r->map.rec, (uint32_t)c->names[i] - 1);
		if (other && same_name(e, other))
			tck_error(c, dir_object(r->map.ino), "the name '%.*s' is there twice",
				  e->len, name_of(e));
	}
	c->names[i] = cell;
}

/* ---- entries ---- */

static bool name_is_good(const struct tierfs_dirent *e)
{
	const char *name = name_of(e);

	return e->len && !memchr(name, 0, e->len) && !memchr(name, '/', e->len) &&
		!(e->len == 1 && name[0] == '.') && !(e->len == 2 && !memcmp(name, "..", 2));
}

static void count_link(struct tck *c, uint64_t dir, const struct tierfs_dirent *e)
{
	struct tck_inode *inode = tck_inode_of(c, e->ino);
	const struct tierfs_inode *rec = tck_record_of(c, e->ino);

	if (!inode || !rec->mode) {
		tck_error(c, dir_object(dir), "'%.*s' is inode %llu, which is free", e->len,
			  name_of(e), (unsigned long long)e->ino);
		return;
	}
	inode->links++;
	if (e->type != rec->mode >> 12)
		tck_error(c, dir_object(dir), "'%.*s' says type %u, inode %llu has mode %#o",
			  e->len, name_of(e), e->type, (unsigned long long)e->ino, rec->mode);
	if ((rec->mode >> 12) != 4)
		return;
	tck_inode_of(c, dir)->subdirs++;
	if (e->ino == TIERFS_ROOT_INO)
		tck_error(c, dir_object(dir), "'%.*s' is the root directory", e->len, name_of(e));
	else if (rec->parent != dir)
		tck_error(c, dir_object(e->ino), "its parent is inode %llu, but inode %llu has it",
			  (unsigned long long)rec->parent, (unsigned long long)dir);
}

/* An entry whose units are within its block. */
static void take_entry(struct tck *c, struct reading *r, const struct tierfs_dirent *e,
		       uint64_t unit)
{
	const struct tck_object dir = dir_object(r->map.ino);
	uint32_t hash = (uint32_t)zus_siphash(c->img.super->hash_seed, name_of(e), e->len);

	r->entries++;
	if (!name_is_good(e))
		tck_error(c, dir, "the name at %#llx is none",
			  (unsigned long long)unit * TIERFS_UNIT);
	if (e->hash != hash)
		tck_error(c, dir, "'%.*s' has a wrong hash", e->len, name_of(e));
	names_add(c, r, e, hash, unit);
	count_link(c, r->map.ino, e);
}

/*
 * The entry that begins at a unit: its units go into `used`. NULL: it is not within its block, or
 * another one begins in it.
 */
static const struct tierfs_dirent *entry_in(const struct tierfs_dir_head *h, uint32_t unit,
					    uint64_t used[2])
{
	const struct tierfs_dirent *e = (const void *)((const uint8_t *)h + unit * TIERFS_UNIT);
	uint32_t i, end = unit + tck_name_units(e->len);

	if (unit < TIERFS_DIR_HEAD_UNITS || end > TIERFS_DIR_UNITS)
		return NULL;
	for (i = unit; i < end; i++) {
		if (i > unit && has_bit(h->begins, i))
			return NULL;
		used[i / 64] |= 1ULL << i % 64;
	}
	return e;
}

/* What is used must be the units of the head and of the entries. */
static void read_block(struct tck *c, struct reading *r, const struct tierfs_dir_head *h,
		       uint64_t index)
{
	uint64_t used[2] = { (1ULL << TIERFS_DIR_HEAD_UNITS) - 1, 0 };
	const struct tierfs_dirent *e;
	uint32_t unit, n = 0;

	for (unit = 0; unit < TIERFS_DIR_UNITS && !c->err; unit++) {
		if (!has_bit(h->begins, unit))
			continue;
		n++;
		e = entry_in(h, unit, used);
		if (e)
			take_entry(c, r, e, index * TIERFS_DIR_UNITS + unit);
		else
			tck_error(c, dir_object(r->map.ino),
				  "block %llu: no entry can be at unit %u",
				  (unsigned long long)index, unit);
	}
	if (h->entries != n || h->used[0] != used[0] || h->used[1] != used[1] || h->reserved ||
	    !tck_is_zero(h->zero, sizeof(h->zero)))
		tck_error(c, dir_object(r->map.ino),
			  "block %llu: its head is not what its entries are",
			  (unsigned long long)index);
}

static void dir_run(struct tck *c, struct tck_map *map, const struct tck_run *run)
{
	struct reading *r = (struct reading *)map;
	uint32_t i;

	if (run->unwritten)
		tck_error(c, dir_object(map->ino), "block %llu is unwritten",
			  (unsigned long long)run->index);
	for (i = 0; i < run->n && !c->err; i++) {
		tierfs_place_t place = run->place + (uint64_t)i * TIERFS_BLOCK;
		const struct tierfs_dir_head *h = tck_claim_page(c, place, map->ino,
								 "a block of a directory");

		if (h && run->index + i < DIR_MAX_BLOCKS)
			read_block(c, r, h, run->index + i);
	}
	r->end = tierfs_max(r->end, run->index + run->n);
}

void tck_dir(struct tck *c, uint64_t ino, const struct tierfs_inode *rec, uint64_t *blocks)
{
	struct reading r = { .map = { .ino = ino, .rec = rec, .run = dir_run } };
	uint64_t size_blocks = rec->size >> TIERFS_BLOCK_SHIFT;

	if (!names_begin(c, 0))
		return;
	tck_map_walk(c, &r.map);
	*blocks += r.map.blocks;
	if (c->err)
		return;
	if (rec->size != DIR_EMPTY_SIZE && (rec->size % TIERFS_BLOCK || !size_blocks ||
					    size_blocks > DIR_MAX_BLOCKS))
		tck_error(c, dir_object(ino), "its positions end at %llu",
			  (unsigned long long)rec->size);
	if (r.end > size_blocks)
		tck_error(c, dir_object(ino), "it has blocks up to %llu behind its end",
			  (unsigned long long)r.end);
	if (r.entries != rec->entries)
		tck_error(c, dir_object(ino), "it has %llu names, its record says %llu",
			  (unsigned long long)r.entries, (unsigned long long)rec->entries);
	if (rec->hash)
		tck_dir_index(c, ino, rec, r.entries);
	else if (rec->hash_bits || (r.entries && size_blocks > 1))
		tck_error(c, dir_object(ino), "it has no index");
}
