// SPDX-License-Identifier: BSD-2-Clause
/*
 * Maps of files and directories: every word leads to something that is nobody else's. Depth is
 * bounded by the height, and no page is entered twice because it is claimed before (claim.c).
 */
#include "tck.h"

#define INDEX_BITS	9
#define MAX_INDEX	((uint64_t)1 << (63 - TIERFS_BLOCK_SHIFT))
#define PAGE_WORD_ZERO	(TIERFS_WORD_TIER | TIERFS_WORD_UNWRITTEN | TIERFS_WORD_CHANGED | \
			 TIERFS_WORD_CODEC | (uint64_t)1023 << TIERFS_WORD_LEN_SHIFT)

static struct tck_object map_object(const struct tck_map *map)
{
	return tck_of(TIERFS_CHECK_INODE, map->ino, 0);
}

static bool is_page_word(uint64_t word)
{
	return word >> TIERFS_WORD_FORM_SHIFT == TIERFS_FORM_PAGE && !(word & PAGE_WORD_ZERO);
}

static void take_run(struct tck *c, struct tck_map *map, uint64_t index, tierfs_place_t place,
		     uint32_t n, uint64_t word)
{
	struct tck_run run = {
		.index = index,
		.place = place,
		.n = n,
		.unwritten = word & TIERFS_WORD_UNWRITTEN,
	};

	map->blocks += n;
	if (index >= MAX_INDEX)
		tck_error(c, map_object(map), "block %llu is behind the largest size",
			  (unsigned long long)index);
	map->run(c, map, &run);
}

static void bad_word(struct tck *c, const struct tck_map *map, uint64_t index, uint64_t word)
{
	tck_error(c, map_object(map), "block %llu: a word of its map makes no sense: %#llx",
		  (unsigned long long)index, (unsigned long long)word);
}

/* Words of a slot's page that count up are one run, if that is all on the device. */
static uint32_t run_length(const struct tck *c, const uint64_t *page, uint32_t first)
{
	tierfs_place_t place;
	uint32_t n = 1;

	while (first + n < TIERFS_PAGE_WORDS && page[first + n] == page[first] + n)
		n++;
	while (n > 1 && tierfs_image_run(&c->img, page[first] + (n - 1), &place) != 1)
		n--;
	return n;
}

static void walk_slot_page(struct tck *c, struct tck_map *map, const uint64_t *page, uint64_t index)
{
	tierfs_place_t place;
	uint32_t i, n;

	for (i = 0; i < TIERFS_PAGE_WORDS; i += n) {
		n = 1;
		if (!page[i])
			continue;
		if (tierfs_image_run(&c->img, page[i], &place) != 1) {
			bad_word(c, map, index + i, page[i]);
			continue;
		}
		n = run_length(c, page, i);
		take_run(c, map, index + i, place, n, page[i]);
	}
}

static void walk_slot(struct tck *c, struct tck_map *map, uint64_t word, uint64_t index)
{
	const uint64_t *page;
	tierfs_place_t place;
	uint32_t n;

	if (!word)
		return;
	n = tierfs_image_run(&c->img, word, &place);
	if (n) {
		take_run(c, map, index, place, n, word);
		return;
	}
	if (!is_page_word(word)) {
		bad_word(c, map, index, word);
		return;
	}
	page = tck_claim_page(c, tierfs_image_word_place(word), map->ino, "of the map of a slot");
	if (!page)
		return;
	map->blocks++;
	walk_slot_page(c, map, page, index);
}

/* What a word of a page of level + 1 leads to, or of the inode; `slot` is the first one below. */
static void walk_word(struct tck *c, struct tck_map *map, uint64_t word, unsigned int level,
		      uint64_t slot)
{
	const uint64_t *page;
	uint32_t i;

	if (!word)
		return;
	if (!level) {
		walk_slot(c, map, word, slot * TIERFS_SLOT_BLOCKS);
		return;
	}
	if (!is_page_word(word)) {
		bad_word(c, map, slot * TIERFS_SLOT_BLOCKS, word);
		return;
	}
	page = tck_claim_page(c, tierfs_image_word_place(word), map->ino, "an index page of a map");
	if (!page)
		return;
	map->blocks++;
	for (i = 0; i < TIERFS_PAGE_WORDS; i++)
		walk_word(c, map, page[i], level - 1,
			  slot + ((uint64_t)i << (level - 1) * INDEX_BITS));
}

void tck_map_walk(struct tck *c, struct tck_map *map)
{
	const struct tierfs_inode *rec = map->rec;
	uint32_t i;

	if (rec->height > TIERFS_MAX_HEIGHT) {
		tck_error(c, map_object(map), "its map is %u high", rec->height);
		return;
	}
	for (i = 0; i < TIERFS_SLOTS; i++) {
		if (i && rec->height && rec->slots[i])
			tck_error(c, map_object(map), "slot %u beside a tree of index pages", i);
		else
			walk_word(c, map, rec->slots[i], rec->height, rec->height ? 0 : i);
	}
}

/* ---- one block of a directory, whose map was walked ---- */

static uint64_t slot_word(const struct tck *c, const struct tierfs_inode *rec, uint64_t slot)
{
	unsigned int level = rec->height;
	const uint64_t *page;
	uint64_t word;

	if (level > TIERFS_MAX_HEIGHT)
		return 0;
	if (!level)
		return slot < TIERFS_SLOTS ? rec->slots[slot] : 0;
	if (slot >> level * INDEX_BITS)
		return 0;
	for (word = rec->slots[0]; word && level; level--) {
		page = is_page_word(word) ? tck_page_at(c, tierfs_image_word_place(word)) : NULL;
		word = page ? page[slot >> (level - 1) * INDEX_BITS & (TIERFS_PAGE_WORDS - 1)] : 0;
	}
	return word;
}

const void *tck_dir_block(const struct tck *c, const struct tierfs_inode *rec, uint64_t index)
{
	uint64_t word = slot_word(c, rec, index / TIERFS_SLOT_BLOCKS);
	uint32_t n, first = index % TIERFS_SLOT_BLOCKS;
	const uint64_t *page;
	tierfs_place_t place;

	if (word && is_page_word(word)) {
		page = tck_page_at(c, tierfs_image_word_place(word));
		word = page ? page[first] : 0;
		first = 0;
	}
	n = word ? tierfs_image_run(&c->img, word, &place) : 0;
	if (first >= n)
		return NULL;
	return tck_page_at(c, place + ((uint64_t)first << TIERFS_BLOCK_SHIFT));
}
