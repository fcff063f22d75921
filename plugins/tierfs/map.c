// SPDX-License-Identifier: BSD-2-Clause
/*
 * The map of a file: which block it has where. Slots of 2 MiB, twelve in the inode or as many as a
 * tree of index pages has; see tierfs_disk.h for their words.
 *
 * Called by all files about data, and by dir.c for the pages of directories. Finding takes no
 * lock: every word is loaded once, a page that was replaced is not used again before the horizon
 * has moved, and after a look at a page the slot's word must still be what it was. Only when a map
 * grows twelve words change together: the node counts that (`growth`, odd while it is being
 * stored), and who meets it waits for the node's lock and looks again.
 *
 * Media may be anything: depth is bounded by the height, searches by the number of blocks of T1,
 * and what names no page or no block of data is -EIO.
 */
#include "data.h"

#include <errno.h>

#define PAGE_WORD_ZERO	(TIERFS_WORD_TIER | TIERFS_WORD_UNWRITTEN | TIERFS_WORD_CHANGED | \
			 TIERFS_WORD_CODEC | (uint64_t)1023 << TIERFS_WORD_LEN_SHIFT)

bool tierfs_map_covers(unsigned int height, uint64_t slot)
{
	return height ? !(slot >> height * TIERFS_LEVEL_SHIFT) : slot < TIERFS_SLOTS;
}

const uint64_t *tierfs_map_page(const struct tierfs *fs, uint64_t word)
{
	if (tierfs_word_form(word) != TIERFS_FORM_PAGE || (word & PAGE_WORD_ZERO))
		return NULL;
	return tierfs_page_at(fs, tierfs_word_place(word));
}

static unsigned int height_of(const struct tierfs_node *node)
{
	return __atomic_load_n(&node->rec->height, __ATOMIC_ACQUIRE);
}

/* A run that a slot may have, or n = 0. */
static struct tierfs_run slot_run(const struct tierfs *fs, uint64_t word)
{
	struct tierfs_run r = tierfs_word_run(fs, word);

	if (!r.bn || r.n > TIERFS_SLOT_BLOCKS)
		r.n = 0;
	return r;
}

/*
 * Where the word of a slot is. NULL: nowhere, everything up to slot *end is a hole. -EIO: not told
 * yet, it may be that the map grows.
 */
static int find_word(const struct tierfs_node *node, uint64_t slot, const uint64_t **word,
		     uint64_t *end)
{
	const struct tierfs *fs = tierfs_fs_of(node);
	unsigned int height = height_of(node), level;
	const uint64_t *at = node->rec->slots, *page;
	uint64_t w;

	*word = NULL;
	*end = UINT64_MAX;
	if (height > TIERFS_MAX_HEIGHT)
		return -EIO;
	if (!tierfs_map_covers(height, slot))
		return 0;
	if (!height)
		at += slot;
	for (level = height; level; level--) {
		w = tierfs_load(at);
		*end = ((slot >> level * TIERFS_LEVEL_SHIFT) + 1) << level * TIERFS_LEVEL_SHIFT;
		if (!w)
			return 0;
		page = tierfs_map_page(fs, w);
		if (!page)
			return -EIO;
		at = &page[tierfs_word_index(slot, level)];
	}
	*word = at;
	return 0;
}

/* The run at word `first` of a slot's page: words that count up, or are all 0. */
static int run_of_page(const struct tierfs *fs, const uint64_t *page, unsigned int first,
		       uint32_t max, struct tierfs_run *run)
{
	uint64_t w = tierfs_load(&page[first]);
	struct tierfs_run last;
	uint32_t n = 1;

	while (n < max && tierfs_load(&page[first + n]) == (w ? w + n : 0))
		n++;
	*run = (struct tierfs_run){ .n = n };
	if (!w)
		return 0;
	*run = tierfs_word_run(fs, w);
	last = tierfs_word_run(fs, w + (n - 1));
	if (run->n != 1 || !run->bn || last.n != 1 || last.bn != run->bn + (n - 1))
		return -EIO;
	run->n = n;
	return 0;
}

/* What the block `first` of a slot is, by the slot's word; max blocks at most, to its end. */
static int run_of_slot(const struct tierfs *fs, uint64_t word, unsigned int first, uint32_t max,
		       struct tierfs_run *run)
{
	const uint64_t *page;

	*run = (struct tierfs_run){ .n = max };
	if (!word)
		return 0;
	if (tierfs_word_form(word) == TIERFS_FORM_PAGE) {
		page = tierfs_map_page(fs, word);
		return page ? run_of_page(fs, page, first, max, run) : -EIO;
	}
	*run = slot_run(fs, word);
	if (!run->n)
		return -EIO;
	if (first >= run->n) {
		*run = (struct tierfs_run){ .n = max };
		return 0;
	}
	run->bn += first;
	run->n = (uint32_t)tierfs_min(run->n - first, max);
	return 0;
}

bool tierfs_run_is_data(const struct tierfs *fs, uint64_t bn, uint32_t n)
{
	const uint8_t *addr = zus_t1_addr(fs->sb.md, bn);
	uint32_t i;

	for (i = 0; i < n; i += TIERFS_CHUNK_BLOCKS - (bn + i) % TIERFS_CHUNK_BLOCKS)
		if (tierfs_kind_at(fs, addr + (uint64_t)i * TIERFS_BLOCK) != TIERFS_KIND_DATA)
			return false;
	return true;
}

static int look(const struct tierfs_node *node, uint64_t index, uint64_t max,
		struct tierfs_run *run)
{
	uint64_t slot = tierfs_slot_of(index), end, w;
	unsigned int first = index % TIERFS_SLOT_BLOCKS;
	const uint64_t *word;
	int err;

	do {
		err = find_word(node, slot, &word, &end);
		if (err)
			return err;
		if (!word) {
			if (end <= UINT64_MAX >> TIERFS_SLOT_SHIFT)
				max = tierfs_min(max, (end << TIERFS_SLOT_SHIFT) - index);
			*run = (struct tierfs_run){ .n = (uint32_t)tierfs_min(max, UINT32_MAX) };
			return 0;
		}
		w = tierfs_load(word);
		err = run_of_slot(tierfs_fs_of(node), w, first,
				  (uint32_t)tierfs_min(max, TIERFS_SLOT_BLOCKS - first), run);
		/* another form has taken its place: what was read may be old */
	} while (tierfs_load(word) != w);
	/* a file that has blocks of metadata would let its owner write there */
	if (!err && run->bn && S_ISREG(node->type) &&
	    !tierfs_run_is_data(tierfs_fs_of(node), run->bn, run->n))
		err = -EIO;
	return err;
}

int tierfs_map_look(const struct tierfs_node *node, uint64_t index, uint64_t max,
		    struct tierfs_run *run)
{
	int err = look(node, index, max, run);

	return err ? tierfs_broken(tierfs_fs_of(node), node->ino, "map") : 0;
}

/* The count of growths, when none is under way. */
static uint32_t growth_begin(const struct tierfs_node *node)
{
	uint32_t seen = __atomic_load_n(&node->growth, __ATOMIC_ACQUIRE);

	while (seen & 1) {
		zus_mutex_lock((struct zus_mutex *)&node->lock);
		seen = __atomic_load_n(&node->growth, __ATOMIC_ACQUIRE);
		zus_mutex_unlock((struct zus_mutex *)&node->lock);
	}
	return seen;
}

static bool has_grown(const struct tierfs_node *node, uint32_t seen)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&node->growth, __ATOMIC_RELAXED) != seen;
}

int tierfs_map_find(const struct tierfs_node *node, uint64_t index, uint64_t max,
		    struct tierfs_run *run)
{
	uint32_t seen;
	int err;

	do {
		seen = growth_begin(node);
		err = look(node, index, max, run);
	} while (has_grown(node, seen));
	if (!err)
		return 0;
	if (!S_ISREG(node->type))
		return tierfs_broken(tierfs_fs_of(node), node->ino, "map");
	/* a commit may have stored the word of a block, but not yet the kind of its chunk */
	zus_mutex_lock((struct zus_mutex *)&node->lock);
	err = tierfs_map_look(node, index, max, run);
	zus_mutex_unlock((struct zus_mutex *)&node->lock);
	return err;
}

/* ---- searching ---- */

/*
 * Follows the way to a slot, or to the next one in the tree that has a word. Returns the level
 * where it ends because nothing follows there; 0: *slot is found, or the first of what is broken.
 */
static unsigned int descend(const struct tierfs_node *node, unsigned int height, uint64_t *slot)
{
	uint64_t word = tierfs_load(&node->rec->slots[0]);
	unsigned int level, i, shift;
	const uint64_t *page;

	for (level = height; level; level--) {
		if (!word)
			return level;
		page = tierfs_map_page(tierfs_fs_of(node), word);
		if (!page)
			return 0;
		shift = (level - 1) * TIERFS_LEVEL_SHIFT;
		i = tierfs_word_index(*slot, level);
		while (i < TIERFS_PAGE_WORDS && !(word = tierfs_load(&page[i])))
			i++;
		if (i == TIERFS_PAGE_WORDS)
			return level;
		if (i != tierfs_word_index(*slot, level))
			*slot = *slot >> (shift + TIERFS_LEVEL_SHIFT) <<
				(shift + TIERFS_LEVEL_SHIFT) | (uint64_t)i << shift;
	}
	return 0;
}

/* First slot from `slot` on whose word is not 0; UINT64_MAX: none. */
static uint64_t next_slot(const struct tierfs_node *node, uint64_t slot)
{
	uint64_t budget = node->ii.sb->md->t1_blocks;
	unsigned int height = height_of(node), level;

	if (!height) {
		while (slot < TIERFS_SLOTS && !tierfs_load(&node->rec->slots[slot]))
			slot++;
		return slot < TIERFS_SLOTS ? slot : UINT64_MAX;
	}
	/* whoever looks at it will find out */
	if (height > TIERFS_MAX_HEIGHT)
		return slot;
	while (budget-- && tierfs_map_covers(height, slot)) {
		level = descend(node, height, &slot);
		if (!level)
			return slot;
		slot = ((slot >> level * TIERFS_LEVEL_SHIFT) + 1) << level * TIERFS_LEVEL_SHIFT;
	}
	return UINT64_MAX;
}

static uint64_t next_slot_safe(const struct tierfs_node *node, uint64_t slot)
{
	uint64_t found;
	uint32_t seen;

	do {
		seen = growth_begin(node);
		found = next_slot(node, slot);
	} while (has_grown(node, seen));
	return found;
}

static uint64_t map_next(const struct tierfs_node *node, uint64_t index, bool locked)
{
	uint64_t budget = node->ii.sb->md->t1_blocks, slot, n;
	struct tierfs_run run;
	int err;

	while (budget--) {
		slot = next_slot_safe(node, tierfs_slot_of(index));
		if (slot == UINT64_MAX)
			return UINT64_MAX;
		index = tierfs_max(index, slot << TIERFS_SLOT_SHIFT);
		n = tierfs_slot_end(index) - index;
		err = locked ? tierfs_map_look(node, index, n, &run) :
			       tierfs_map_find(node, index, n, &run);
		if (err || run.bn)
			return index;
		index += run.n;
		/* a hole that ends within the slot is followed by a block */
		if (index % TIERFS_SLOT_BLOCKS)
			return index;
	}
	return UINT64_MAX;
}

uint64_t tierfs_map_next(const struct tierfs_node *node, uint64_t index)
{
	return map_next(node, index, false);
}

uint64_t tierfs_map_look_next(const struct tierfs_node *node, uint64_t index)
{
	return map_next(node, index, true);
}

/* ---- slots as words ---- */

uint32_t tierfs_words_count(const uint64_t *words)
{
	uint32_t n = 0, i;

	for (i = 0; i < TIERFS_PAGE_WORDS; i++)
		n += !!words[i];
	return n;
}

int tierfs_words_of(const struct tierfs *fs, uint64_t word, uint64_t *words)
{
	const uint64_t *page;
	struct tierfs_run r;
	uint32_t i;

	if (tierfs_word_form(word) == TIERFS_FORM_PAGE) {
		page = tierfs_map_page(fs, word);
		for (i = 0; page && i < TIERFS_PAGE_WORDS; i++)
			words[i] = tierfs_load(&page[i]);
		return page ? 0 : -EIO;
	}
	for (i = 0; i < TIERFS_PAGE_WORDS; i++)
		words[i] = 0;
	if (!word)
		return 0;
	r = slot_run(fs, word);
	for (i = 0; i < r.n; i++)
		words[i] = tierfs_run_word(fs, r.bn + i, 1, r.unwritten);
	return r.n ? 0 : -EIO;
}

int tierfs_map_words(const struct tierfs_node *node, uint64_t slot, uint64_t *words)
{
	const uint64_t *word;
	uint64_t end;
	int err = find_word(node, slot, &word, &end);

	if (!err)
		err = tierfs_words_of(tierfs_fs_of(node), word ? tierfs_load(word) : 0, words);
	return err ? tierfs_broken(tierfs_fs_of(node), node->ino, "map") : 0;
}
