// SPDX-License-Identifier: BSD-2-Clause
/*
 * Groups and chunks, and at the end what is used and has no owner; claim.c knows the owners.
 *
 * A chunk of a kind of metadata whose 16 blocks are free is free: its kind changes when it is used
 * again. Chunks of fixed things and of logs are used as a whole, whatever of them is in use.
 */
#include "tck.h"

#include <errno.h>
#include <string.h>

#define CHUNK_BITS	0xffffULL

static struct tck_object group_object(const struct tierfs_image_dev *dev, uint64_t group)
{
	return tck_of(TIERFS_CHECK_GROUP, group,
		      tierfs_image_place(dev, group * TIERFS_GROUP_BLOCKS * TIERFS_BLOCK));
}

static struct tck_object chunk_object(const struct tck_chunk *ch)
{
	return tck_of(TIERFS_CHECK_CHUNK, ch->index, ch->place);
}

static unsigned int kind_of(const struct tierfs_group_desc *desc, unsigned int chunk)
{
	return desc->kinds[chunk / 16] >> chunk % 16 * 4 & 15;
}

static bool is_metadata(unsigned int kind)
{
	return kind == TIERFS_KIND_INODES || kind == TIERFS_KIND_SLABS ||
		kind == TIERFS_KIND_PAGES;
}

static uint64_t chunk_bits(const uint64_t *bits, unsigned int chunk)
{
	return bits[chunk / 4] >> chunk % 4 * 16 & CHUNK_BITS;
}

/* ---- groups ---- */

static uint32_t group_crc(const uint64_t *bits, const struct tierfs_group_desc *desc)
{
	if (tck_is_zero(bits, TIERFS_LINE) && !desc->kinds[0] && !desc->kinds[1])
		return 0;
	return tierfs_crc(tierfs_crc(0, bits, TIERFS_LINE), desc->kinds, sizeof(desc->kinds));
}

static void check_kinds(struct tck *c, const struct tierfs_group_desc *desc,
			const uint64_t *bits, struct tck_object group)
{
	unsigned int i;

	for (i = 0; i < TIERFS_GROUP_CHUNKS; i++) {
		unsigned int kind = kind_of(desc, i);
		uint64_t used = chunk_bits(bits, i);

		if (kind > TIERFS_KIND_PAGES)
			tck_error(c, group, "chunk %u is of an unknown kind: %u", i, kind);
		else if (kind != TIERFS_KIND_DATA && used && used != CHUNK_BITS)
			tck_error(c, group, "chunk %u is of metadata and used in part: %#llx", i,
				  (unsigned long long)used);
	}
}

static void check_group(struct tck *c, const struct tierfs_image_dev *dev, uint64_t group)
{
	const struct tierfs_group_desc *desc = tierfs_image_desc(&c->img, dev, group);
	const uint64_t *bits = tierfs_image_bitmap(&c->img, dev, group);
	unsigned int i, used = 0;

	for (i = 0; i < 8; i++)
		used += (unsigned int)__builtin_popcountll(bits[i]);
	c->result->used_blocks += used;
	if (desc->crc != group_crc(bits, desc))
		tck_error(c, group_object(dev, group), "bad checksum of bitmap and kinds");
	if (desc->used != used)
		tck_error(c, group_object(dev, group), "%u blocks are used, its descriptor says %u",
			  used, desc->used);
	if (desc->bad > desc->used || desc->zero)
		tck_error(c, group_object(dev, group), "its descriptor makes no sense");
	if (desc->kinds[0] | desc->kinds[1])
		check_kinds(c, desc, bits, group_object(dev, group));
}

/* ---- chunks ---- */

static uint32_t count_of(uint32_t kind, uint32_t object_bytes)
{
	if (kind == TIERFS_KIND_INODES)
		return object_bytes == TIERFS_INODE_SLOT ? TIERFS_CHUNK_INODES : 0;
	if (kind == TIERFS_KIND_PAGES)
		return object_bytes == TIERFS_BLOCK ? TIERFS_CHUNK_PAGES : 0;
	if (object_bytes < TIERFS_SLAB_MIN || object_bytes > TIERFS_SLAB_MAX ||
	    object_bytes & (object_bytes - 1))
		return 0;
	return (TIERFS_CHUNK - TIERFS_CHUNK_HEAD) / object_bytes;
}

static unsigned int count_bits(const uint64_t bits[16])
{
	unsigned int i, n = 0;

	for (i = 0; i < 16; i++)
		n += (unsigned int)__builtin_popcountll(bits[i]);
	return n;
}

/* Bits behind the last object. */
static bool has_bits_from(const uint64_t bits[16], uint32_t count)
{
	uint32_t i;

	for (i = count; i % 64; i++) {
		if (tck_bit(bits, i))
			return true;
	}
	return !tck_is_zero(bits + i / 64, (16 - i / 64) * 8ULL);
}

static void check_head(struct tck *c, struct tck_chunk *ch)
{
	const struct tierfs_chunk *h = ch->head;

	if (h->crc != tierfs_crc_head(h, sizeof(*h)))
		tck_error(c, chunk_object(ch), "bad checksum of its head");
	if (h->kind != ch->kind)
		tck_error(c, chunk_object(ch), "its head says kind %u, the group says %u", h->kind,
			  ch->kind);
	ch->count = count_of(ch->kind, h->object_bytes);
	if (!ch->count) {
		tck_error(c, chunk_object(ch), "objects of %u bytes", h->object_bytes);
		return;
	}
	if (has_bits_from(h->bits, ch->count))
		tck_error(c, chunk_object(ch), "bits behind its last object are set");
	if (h->used != count_bits(h->bits))
		tck_error(c, chunk_object(ch), "%u objects are used, its head says %u",
			  count_bits(h->bits), h->used);
	if (h->reserved || !tck_is_zero(h->zero, sizeof(h->zero)) ||
	    (ch->kind != TIERFS_KIND_INODES && h->index))
		tck_error(c, chunk_object(ch), "there is something where zeros should be");
}

/* Which chunks of a group are metadata in use: never the first one of a device. */
static uint32_t live_chunks(const struct tck *c, const struct tierfs_image_dev *dev,
			    uint64_t group)
{
	const struct tierfs_group_desc *desc = tierfs_image_desc(&c->img, dev, group);
	const uint64_t *bits = tierfs_image_bitmap(&c->img, dev, group);
	uint32_t i, live = 0;

	if (!(desc->kinds[0] | desc->kinds[1]))
		return 0;
	for (i = !group; i < TIERFS_GROUP_CHUNKS; i++) {
		if (is_metadata(kind_of(desc, i)) && chunk_bits(bits, i))
			live |= 1U << i;
	}
	return live;
}

static void add_chunks(struct tck *c, const struct tierfs_image_dev *dev, uint64_t group,
		       struct tck_chunk *ch)
{
	const struct tierfs_group_desc *desc = tierfs_image_desc(&c->img, dev, group);
	uint32_t live = c->groups[dev->first_bn / TIERFS_GROUP_BLOCKS + group].live;

	for (; live; live &= live - 1, ch++) {
		uint64_t i = (uint64_t)__builtin_ctz(live);

		ch->place = tierfs_image_place(dev, (group * TIERFS_GROUP_CHUNKS + i) *
						    TIERFS_CHUNK);
		ch->head = tierfs_image_at(&c->img, ch->place, TIERFS_BLOCK);
		ch->kind = kind_of(desc, (unsigned int)i);
		ch->index = ch->kind == TIERFS_KIND_INODES ? ch->head->index : 0;
		check_head(c, ch);
	}
}

/* Calls back for each group of the set, with its number. */
static void each_group(struct tck *c, void (*fn)(struct tck *c, const struct tierfs_image_dev *dev,
						 uint64_t group, struct tck_group *g))
{
	uint32_t i;
	uint64_t group;

	for (i = 0; i < c->img.nr_devs && c->img.devs[i].super; i++) {
		const struct tierfs_image_dev *dev = &c->img.devs[i];

		if (tierfs_image_dev(&c->img, tierfs_image_place(dev, 0)) != dev)
			continue;
		for (group = 0; group < dev->groups; group++)
			fn(c, dev, group,
			   &c->groups[dev->first_bn / TIERFS_GROUP_BLOCKS + group]);
	}
}

static void begin_group(struct tck *c, const struct tierfs_image_dev *dev, uint64_t group,
			struct tck_group *g)
{
	check_group(c, dev, group);
	g->first = c->nr_chunks;
	g->live = live_chunks(c, dev, group);
	c->nr_chunks += (uint32_t)__builtin_popcount(g->live);
}

static void begin_chunks(struct tck *c, const struct tierfs_image_dev *dev, uint64_t group,
			 struct tck_group *g)
{
	add_chunks(c, dev, group, &c->chunks[g->first]);
}

/* ---- begin and end ---- */

static bool alloc_inodes(struct tck *c)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < c->nr_chunks; i++)
		n += c->chunks[i].kind == TIERFS_KIND_INODES;
	c->nr_inode_chunks = n;
	c->inode_chunks = tierfs_check_zalloc(c->memory, n + 1, sizeof(struct tck_chunk *));
	c->inodes = tierfs_check_zalloc(c->memory, n * TIERFS_CHUNK_INODES + 1, sizeof(*c->inodes));
	if (!c->inode_chunks || !c->inodes)
		return false;
	for (i = 0, n = 0; i < c->nr_chunks; i++) {
		if (c->chunks[i].kind == TIERFS_KIND_INODES)
			c->chunks[i].inodes = &c->inodes[n++ * TIERFS_CHUNK_INODES];
	}
	return true;
}

void tck_space_begin(struct tck *c)
{
	c->nr_groups = c->img.blocks / TIERFS_GROUP_BLOCKS;
	c->groups = tierfs_check_zalloc(c->memory, c->nr_groups, sizeof(*c->groups));
	c->owned = tierfs_check_zalloc(c->memory, c->img.blocks / 64, sizeof(*c->owned));
	if (c->groups)
		each_group(c, begin_group);
	c->chunks = tierfs_check_zalloc(c->memory, c->nr_chunks + 1, sizeof(*c->chunks));
	if (c->groups && c->chunks)
		each_group(c, begin_chunks);
	if (!c->groups || !c->owned || !c->chunks || !alloc_inodes(c)) {
		c->err = -ENOMEM;
		return;
	}
	tck_claim_tables(c);
}

/* Objects that nothing refers to; of inodes links.c tells. */
static void end_chunk(struct tck *c, const struct tck_chunk *ch)
{
	uint32_t i;

	if (ch->kind == TIERFS_KIND_INODES) {
		if (!ch->claimed)
			tck_tell(c, TIERFS_CHECK_LEAK, chunk_object(ch),
				 "a chunk of inodes that is not in their tree");
		return;
	}
	if (!memcmp(ch->head->bits, ch->owned, sizeof(ch->owned)))
		return;
	for (i = 0; i < ch->count; i++) {
		bool page = ch->kind == TIERFS_KIND_PAGES;
		uint64_t at = page ? (i + 1ULL) * TIERFS_BLOCK :
				     TIERFS_CHUNK_HEAD + (uint64_t)i * ch->head->object_bytes;

		if (tck_bit(ch->head->bits, i) && !tck_bit(ch->owned, i))
			tck_tell(c, TIERFS_CHECK_LEAK,
				 tck_of(page ? TIERFS_CHECK_PAGE : TIERFS_CHECK_OBJECT, 0,
					ch->place + at),
				 "is used, but nothing refers to it");
	}
}

static void end_group(struct tck *c, const struct tierfs_image_dev *dev, uint64_t group,
		      struct tck_group *g)
{
	const struct tierfs_group_desc *desc = tierfs_image_desc(&c->img, dev, group);
	const uint64_t *bits = tierfs_image_bitmap(&c->img, dev, group);
	const uint64_t *owned = &c->owned[dev->first_bn / 64 + group * 8];
	unsigned int i, n = 0, first = 0;

	(void)g;
	for (i = 0; i < TIERFS_GROUP_CHUNKS; i++) {
		uint64_t lost = chunk_bits(bits, i) & ~chunk_bits(owned, i);

		if (!lost || kind_of(desc, i) != TIERFS_KIND_DATA)
			continue;
		if (!n)
			first = i * TIERFS_CHUNK_BLOCKS + (unsigned int)__builtin_ctzll(lost);
		n += (unsigned int)__builtin_popcountll(lost);
	}
	if (n > desc->bad)
		tck_tell(c, TIERFS_CHECK_LEAK, group_object(dev, group),
			 "%u blocks are used, but nothing refers to them; the first is %u", n,
			 first);
}

void tck_space_end(struct tck *c)
{
	uint32_t i;

	each_group(c, end_group);
	for (i = 0; i < c->nr_chunks; i++)
		end_chunk(c, &c->chunks[i]);
}
