// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who owns what: a bit for each block of the set, and for each object of the chunks of metadata
 * that are in use. What a pointer leads to is claimed once; a second claim is told and refused,
 * which is why every walk ends.
 */
#include "tck.h"

struct tck_chunk *tck_chunk_at(const struct tck *c, tierfs_place_t place)
{
	const struct tck_group *g;
	uint64_t chunk;
	uint32_t bit;

	if (!tierfs_image_at(&c->img, place & ~7ULL, 8))
		return NULL;
	chunk = tierfs_image_bn(&c->img, place) / TIERFS_CHUNK_BLOCKS;
	g = &c->groups[chunk / TIERFS_GROUP_CHUNKS];
	bit = 1U << chunk % TIERFS_GROUP_CHUNKS;
	if (!(g->live & bit))
		return NULL;
	return &c->chunks[g->first + (uint32_t)__builtin_popcount(g->live & (bit - 1))];
}

/* Makes an object somebody's; tells why that cannot be. */
static bool claim_bit(struct tck *c, struct tck_chunk *ch, uint32_t i, struct tck_object object,
		      const char *what)
{
	if (!tck_bit(ch->head->bits, i))
		tck_error(c, object, "is free, but is %s", what);
	if (tck_bit(ch->owned, i)) {
		tck_error(c, object, "is something else already, and %s", what);
		return false;
	}
	ch->owned[i / 64] |= 1ULL << i % 64;
	return true;
}

static uint64_t page_crc(const struct tck_chunk *ch, uint32_t i)
{
	const uint64_t *crcs = (const uint64_t *)((const uint8_t *)ch->head + TIERFS_PAGE_CRCS);

	return crcs[i];
}

static uint32_t page_index(tierfs_place_t place)
{
	return (uint32_t)(place % TIERFS_CHUNK / TIERFS_BLOCK) - 1;
}

/* A page that can be one, and has no owner yet; its CRC is not looked at. */
static const void *claim_page(struct tck *c, tierfs_place_t place, uint64_t ino, const char *what,
			      uint64_t *crc)
{
	struct tck_object object = tck_of(TIERFS_CHECK_PAGE, ino, place);
	struct tck_chunk *ch = tck_chunk_at(c, place);

	if (!ch || ch->kind != TIERFS_KIND_PAGES || !ch->count || place % TIERFS_BLOCK ||
	    !(place % TIERFS_CHUNK)) {
		tck_error(c, object, "no page can be there, but it is %s", what);
		return NULL;
	}
	if (!claim_bit(c, ch, page_index(place), object, what))
		return NULL;
	*crc = page_crc(ch, page_index(place));
	return tierfs_image_at(&c->img, place, TIERFS_BLOCK);
}

/* The CRC is the low half of its word; the bit above says that there is one. */
const void *tck_claim_page(struct tck *c, tierfs_place_t place, uint64_t ino, const char *what)
{
	uint64_t crc;
	const void *page = claim_page(c, place, ino, what, &crc);

	if (page && crc != (1ULL << 32 | tierfs_crc(0, page, TIERFS_BLOCK)))
		tck_error(c, tck_of(TIERFS_CHECK_PAGE, ino, place), "bad checksum of %s", what);
	return page;
}

const struct tierfs_cells *tck_claim_cells(struct tck *c, tierfs_place_t place)
{
	uint64_t crc;
	const void *page = claim_page(c, place, 0, "of cells of orphans", &crc);

	if (page && crc)
		tck_error(c, tck_of(TIERFS_CHECK_PAGE, 0, place),
			  "a page of cells of orphans has a checksum");
	return page;
}

const void *tck_page_at(const struct tck *c, tierfs_place_t place)
{
	const struct tck_chunk *ch = tck_chunk_at(c, place);

	if (!ch || ch->kind != TIERFS_KIND_PAGES || place % TIERFS_BLOCK ||
	    !(place % TIERFS_CHUNK) || !tck_bit(ch->owned, page_index(place)))
		return NULL;
	return tierfs_image_at(&c->img, place, TIERFS_BLOCK);
}

const void *tck_claim_object(struct tck *c, tierfs_place_t place, uint32_t bytes, uint64_t ino,
			     const char *what)
{
	struct tck_object object = tck_of(TIERFS_CHECK_OBJECT, ino, place);
	struct tck_chunk *ch = tck_chunk_at(c, place);
	uint64_t at = place % TIERFS_CHUNK - TIERFS_CHUNK_HEAD;

	if (!ch || ch->kind != TIERFS_KIND_SLABS || !ch->count ||
	    place % TIERFS_CHUNK < TIERFS_CHUNK_HEAD || at % ch->head->object_bytes ||
	    at / ch->head->object_bytes >= ch->count || bytes > ch->head->object_bytes) {
		tck_error(c, object, "no object of %u bytes can be there, but it is %s", bytes,
			  what);
		return NULL;
	}
	if (!claim_bit(c, ch, (uint32_t)(at / ch->head->object_bytes), object, what))
		return NULL;
	return tierfs_image_at(&c->img, place, bytes);
}

/* Owners of the blocks [bn, bn + n); false: one had an owner. */
static bool own_blocks(struct tck *c, uint64_t bn, uint64_t n)
{
	bool fresh = true;

	while (n) {
		uint64_t count = tierfs_min(64 - bn % 64, n);
		uint64_t mask = (count == 64 ? ~0ULL : (1ULL << count) - 1) << bn % 64;

		fresh = fresh && !(c->owned[bn / 64] & mask);
		c->owned[bn / 64] |= mask;
		bn += count;
		n -= count;
	}
	return fresh;
}

static bool all_used(const struct tck *c, tierfs_place_t place, uint32_t n)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(&c->img, place);
	uint64_t block = tierfs_image_offset(place) >> TIERFS_BLOCK_SHIFT;
	const uint64_t *bits = NULL;
	uint32_t i;

	for (i = 0; i < n; i++, block++) {
		if (!bits || !(block % TIERFS_GROUP_BLOCKS))
			bits = tierfs_image_bitmap(&c->img, dev, block / TIERFS_GROUP_BLOCKS);
		if (!tck_bit(bits, block % TIERFS_GROUP_BLOCKS))
			return false;
	}
	return true;
}

/* Are these blocks, which are in T1, of a kind of chunk? */
static bool all_of_kind(const struct tck *c, tierfs_place_t place, uint64_t n, unsigned int kind)
{
	tierfs_place_t at = place, end = place + (n << TIERFS_BLOCK_SHIFT);

	for (; at < end; at = (at / TIERFS_CHUNK + 1) * TIERFS_CHUNK) {
		if (tierfs_image_kind(&c->img, at) != kind)
			return false;
	}
	return true;
}

bool tck_claim_blocks(struct tck *c, tierfs_place_t place, uint32_t n, uint64_t ino,
		      const char *what)
{
	struct tck_object object = tck_of(TIERFS_CHECK_BLOCKS, ino, place);

	if (!all_of_kind(c, place, n, TIERFS_KIND_DATA)) {
		tck_error(c, object, "%u blocks are %s, but not of data", n, what);
		return false;
	}
	if (!all_used(c, place, n))
		tck_error(c, object, "some of %u blocks are free, but are %s", n, what);
	if (own_blocks(c, tierfs_image_bn(&c->img, place), n))
		return true;
	tck_error(c, object, "some of %u blocks are something else already, and %s", n, what);
	return false;
}

/* Blocks that a super-block speaks of. */
static void claim_fixed(struct tck *c, const struct tierfs_image_dev *dev, uint64_t block,
			uint64_t n, unsigned int kind, const char *what)
{
	struct tck_object super = tck_of(TIERFS_CHECK_SUPER, dev->given, 0);
	tierfs_place_t place;

	if (block >= dev->blocks || n > dev->blocks - block) {
		tck_error(c, super, "%s is not on the device", what);
		return;
	}
	place = tierfs_image_place(dev, block << TIERFS_BLOCK_SHIFT);
	if (!all_of_kind(c, place, n, kind))
		tck_error(c, super, "%s is not in chunks of its kind", what);
	if (!all_used(c, place, (uint32_t)n))
		tck_error(c, super, "blocks of %s are free", what);
	if (!own_blocks(c, dev->first_bn + block, n))
		tck_error(c, super, "%s is where something else is", what);
}

static void claim_tables(struct tck *c, const struct tierfs_image_dev *dev)
{
	uint64_t table = tierfs_up(dev->groups * TIERFS_LINE) +
		tierfs_up(dev->groups * sizeof(struct tierfs_group_desc));

	claim_fixed(c, dev, 0, TIERFS_SUPER_BLOCK + 1, TIERFS_KIND_FIXED, "the first super-block");
	claim_fixed(c, dev, dev->blocks - 1, 1, TIERFS_KIND_FIXED, "the second super-block");
	claim_fixed(c, dev, dev->super->group_table, table, TIERFS_KIND_FIXED, "the group table");
}

static void claim_log(struct tck *c, uint32_t index)
{
	const struct tierfs_log_entry *e = tierfs_image_log(&c->img, index);
	const struct tierfs_image_dev *dev = e ? tierfs_image_dev(&c->img, e->place) : NULL;

	if (dev)
		claim_fixed(c, dev, tierfs_image_offset(e->place) >> TIERFS_BLOCK_SHIFT,
			    e->bytes >> TIERFS_BLOCK_SHIFT, TIERFS_KIND_LOG, "the area of a log");
}

/* What device 0 alone has. */
static void claim_first(struct tck *c)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(&c->img, 0);
	const struct tierfs_super *s = c->img.super;
	uint64_t bytes = s->log_count * sizeof(struct tierfs_log_entry);
	uint32_t i;

	claim_fixed(c, dev, s->state_block, 1, TIERFS_KIND_FIXED, "the state");
	claim_fixed(c, dev, s->root_block, 1, TIERFS_KIND_FIXED, "the root block");
	claim_fixed(c, dev, s->log_table, tierfs_up(bytes), TIERFS_KIND_FIXED,
		    "the table of logs");
	for (i = 0; i < s->log_count; i++)
		claim_log(c, i);
}

void tck_claim_tables(struct tck *c)
{
	uint32_t i;

	for (i = 0; i < c->img.nr_devs && c->img.devs[i].super; i++) {
		const struct tierfs_image_dev *dev = &c->img.devs[i];

		if (tierfs_image_dev(&c->img, tierfs_image_place(dev, 0)) == dev)
			claim_tables(c, dev);
	}
	claim_first(c);
}
