// SPDX-License-Identifier: BSD-2-Clause
/*
 * Changes of the map of a file: entering blocks, and which form a slot gets.
 *
 * A slot whose blocks lie in a row from its beginning is a run, everything else is a page. Up to
 * PAGE_CHANGES words of a page are changed in place; more, or another form, are a page that is
 * written aside and named by the slot's word, so what readers see at any time is one or the
 * other. What is not there on the way to a slot is made from below, so that one word of what is
 * there changes.
 *
 * Called with the node's lock, within a transaction. Words of T1 are read as they were before it: a
 * slot is changed once in a transaction, but for single blocks of a slot's page (directories).
 */
#include "data.h"

#include <errno.h>
#include <string.h>

#define PAGE_CHANGES	32		/* words of a page that are changed in place */

/* ---- index pages ---- */

static int new_page(struct tierfs_change *c, const uint64_t *words, uint64_t *word)
{
	const void *page = c->spare;
	int err = page ? 0 : tierfs_page_alloc(c->tx, c->flags, &page);

	if (err)
		return err;
	c->spare = NULL;
	tierfs_tx_page(c->tx, page, words);
	c->rec->blocks++;
	*word = tierfs_page_word(c->fs, page);
	return 0;
}

static void free_page(struct tierfs_change *c, const uint64_t *page)
{
	tierfs_page_free(c->tx, page);
	c->rec->blocks--;
}

/* Puts a page above what is there, until the map can have the slot. */
static int grow(struct tierfs_change *c)
{
	struct tierfs_inode *rec = c->rec;
	uint64_t words[TIERFS_PAGE_WORDS] = { 0 }, top;
	uint32_t n;
	int err;

	while (!tierfs_map_covers(rec->height, c->slot)) {
		if (rec->height >= TIERFS_MAX_HEIGHT)
			return -EFBIG;
		n = rec->height ? 1 : TIERFS_SLOTS;
		memcpy(words, rec->slots, n * sizeof(words[0]));
		top = 0;
		if (tierfs_words_count(words)) {
			err = new_page(c, words, &top);
			if (err)
				return err;
		}
		memset(rec->slots, 0, sizeof(rec->slots));
		memset(words, 0, TIERFS_SLOTS * sizeof(words[0]));
		rec->slots[0] = top;
		rec->height++;
	}
	return 0;
}

/* The way as far as it is there. */
static int find_way(struct tierfs_change *c)
{
	const uint64_t *page;

	c->level = c->rec->height;
	c->word = &c->rec->slots[c->level ? 0 : c->slot];
	for (; c->level && *c->word; c->level--) {
		page = tierfs_map_page(c->fs, *c->word);
		if (!page)
			return tierfs_broken(c->fs, c->node->ino, "index page");
		c->way[c->level - 1].page = page;
		c->way[c->level - 1].word = c->word;
		c->word = tierfs_tx_get(c->tx, &page[tierfs_word_index(c->slot, c->level)],
					sizeof(uint64_t), TIERFS_CRC_PAGE);
	}
	return 0;
}

int tierfs_change_begin(struct tierfs_change *c, struct tierfs_tx *tx, struct tierfs_node *node,
			struct tierfs_inode *rec, uint64_t slot)
{
	*c = (struct tierfs_change){
		.fs = tierfs_fs_of(node), .tx = tx, .node = node, .rec = rec, .slot = slot,
	};
	if (rec->height > TIERFS_MAX_HEIGHT)
		return tierfs_broken(c->fs, node->ino, "height of the map");
	if (tierfs_map_covers(rec->height, slot))
		return find_way(c);
	/* there is no way yet */
	c->level = 1;
	return 0;
}

static bool is_last_word(const uint64_t *page, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < TIERFS_PAGE_WORDS; i++)
		if (i != index && tierfs_load(&page[i]))
			return false;
	return true;
}

/* The slot becomes a hole, and index pages go that are empty then. */
static void take_way(struct tierfs_change *c)
{
	uint64_t *word = c->word;
	unsigned int level;

	for (level = 1; level <= c->rec->height; level++) {
		if (!is_last_word(c->way[level - 1].page, tierfs_word_index(c->slot, level)))
			break;
		free_page(c, c->way[level - 1].page);
		word = c->way[level - 1].word;
	}
	*word = 0;
	if (c->rec->height && !c->rec->slots[0])
		c->rec->height = 0;
}

/* What is missing of the way to a slot, from below: *word becomes the word above it. */
static int make_way(struct tierfs_change *c, uint64_t *word)
{
	uint64_t words[TIERFS_PAGE_WORDS] = { 0 };
	unsigned int level, i;
	int err = 0;

	for (level = 1; !err && level <= c->level; level++) {
		i = tierfs_word_index(c->slot, level);
		words[i] = *word;
		err = new_page(c, words, word);
		words[i] = 0;
	}
	return err;
}

int tierfs_change_set(struct tierfs_change *c, uint64_t word)
{
	int err = 0;

	if (!word) {
		if (!c->level && c->alone)
			take_way(c);
		else if (!c->level)
			*c->word = 0;
		return 0;
	}
	if (!tierfs_map_covers(c->rec->height, c->slot)) {
		err = grow(c);
		if (!err)
			err = find_way(c);
	}
	if (!err && c->level)
		err = make_way(c, &word);
	if (!err)
		*c->word = word;
	return err;
}

/* ---- forms ---- */

/* A run's word, if the words are one from the beginning on and nothing else. */
static bool words_as_run(const struct tierfs_change *c, const uint64_t *words, uint64_t *word)
{
	struct tierfs_run r = tierfs_word_run(c->fs, words[0]);
	uint32_t n = 1, i;

	while (n < TIERFS_PAGE_WORDS && words[n] == words[0] + n)
		n++;
	for (i = n; i < TIERFS_PAGE_WORDS; i++)
		if (words[i])
			return false;
	/* words that were always there may be anything, also of two devices */
	if (r.n != 1 || tierfs_word_run(c->fs, words[0] + (n - 1)).n != 1)
		return false;
	*word = tierfs_run_word(c->fs, r.bn, n, r.unwritten);
	return true;
}

/* The copies of words of a slot's page, one span of them: nobody else gets some of this page. */
static uint64_t *page_words(struct tierfs_change *c, const uint64_t *page, unsigned int first,
			    uint32_t n)
{
	return tierfs_tx_get(c->tx, &page[first], n * sizeof(*page), TIERFS_CRC_PAGE);
}

/* Changes the words of a page that differ, unless they are too many. */
static bool store_in_place(struct tierfs_change *c, const uint64_t *page, const uint64_t *words)
{
	unsigned int i, first = TIERFS_PAGE_WORDS, end = 0, n = 0;

	for (i = 0; i < TIERFS_PAGE_WORDS; i++) {
		if (words[i] == tierfs_load(&page[i]))
			continue;
		if (!n++)
			first = i;
		end = i + 1;
	}
	if (n > PAGE_CHANGES)
		return false;
	if (n)
		memcpy(page_words(c, page, first, end - first), words + first,
		       (end - first) * sizeof(*words));
	return true;
}

/* The page that was had beforehand is not needed. */
static void give_spare(struct tierfs_change *c)
{
	if (c->spare)
		tierfs_page_free(c->tx, c->spare);
	c->spare = NULL;
}

int tierfs_change_store(struct tierfs_change *c, const uint64_t *words, uint32_t before)
{
	const uint64_t *page = tierfs_map_page(c->fs, tierfs_change_word(c));
	uint32_t after = tierfs_words_count(words);
	uint64_t word = 0;
	int err;

	c->rec->blocks += after;
	c->rec->blocks -= before;
	if (after && !(words[0] && words_as_run(c, words, &word))) {
		if (page && store_in_place(c, page, words)) {
			give_spare(c);
			return 0;
		}
		err = new_page(c, words, &word);
		if (err) {
			c->rec->blocks += before;
			c->rec->blocks -= after;
			return err;
		}
	}
	if (page)
		free_page(c, page);
	give_spare(c);
	return tierfs_change_set(c, word);
}

int tierfs_map_put(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		   uint64_t slot, const uint64_t *words)
{
	uint64_t old[TIERFS_PAGE_WORDS];
	struct tierfs_change c;
	int err = tierfs_change_begin(&c, tx, node, rec, slot);

	if (err)
		return err;
	if (tierfs_words_of(c.fs, tierfs_change_word(&c), old))
		return tierfs_broken(c.fs, node->ino, "slot");
	return tierfs_change_store(&c, words, tierfs_words_count(old));
}

/* ---- one run of blocks ---- */

struct part {
	unsigned int first;		/* in the slot */
	uint32_t n;
	uint64_t bn;			/* 0 = a hole */
	bool unwritten;
};

/* Is the slot, which was a run or a hole, a run after that? *word, and *before = its blocks. */
static bool part_as_run(const struct tierfs_change *c, const struct part *p, uint64_t *word,
			uint32_t *before)
{
	uint64_t old = tierfs_change_word(c);
	struct tierfs_run r = { .n = 0 };

	if (old) {
		r = tierfs_word_run(c->fs, old);
		if (tierfs_word_form(old) != TIERFS_FORM_RUN || !r.n || !r.bn)
			return false;
	}
	*before = r.n;
	if (!p->bn) {
		if (p->first + p->n < r.n)
			return false;
		r.n = (uint32_t)tierfs_min(p->first, r.n);
	} else if (!p->first && p->n >= r.n) {
		r = (struct tierfs_run){ .bn = p->bn, .n = p->n, .unwritten = p->unwritten };
	} else if (r.n && p->first == r.n && p->bn == r.bn + r.n && p->unwritten == r.unwritten) {
		r.n += p->n;
	} else {
		return false;
	}
	*word = r.n ? tierfs_run_word(c->fs, r.bn, r.n, r.unwritten) : 0;
	return true;
}

static uint64_t part_word(const struct tierfs_change *c, const struct part *p, uint32_t i)
{
	return p->bn ? tierfs_run_word(c->fs, p->bn + i, 1, p->unwritten) : 0;
}

/* Would all words of the page count up, written, with this part of it? */
static bool makes_row(const struct tierfs_change *c, const uint64_t *page, const struct part *p)
{
	uint64_t base = part_word(c, p, 0) - p->first;
	unsigned int i;

	if (!p->bn || p->unwritten || !S_ISREG(c->node->type) ||
	    tierfs_word_run(c->fs, base).n != 1)
		return false;
	/* the last one first: a file that grows has none yet */
	for (i = TIERFS_PAGE_WORDS; i--; )
		if ((i < p->first || i >= p->first + p->n) && tierfs_load(&page[i]) != base + i)
			return false;
	return true;
}

/* Changes some words of a page in place, or the page becomes a run. */
static int set_in_page(struct tierfs_change *c, const uint64_t *page, const struct part *p)
{
	uint64_t *words = page_words(c, page, p->first, p->n), new;
	bool row = makes_row(c, page, p);
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		new = part_word(c, p, i);
		c->rec->blocks += !!new;
		c->rec->blocks -= !!words[i];
		if (!row)
			words[i] = new;
	}
	if (!row)
		return 0;
	free_page(c, page);
	return tierfs_change_set(c, tierfs_run_word(c->fs, p->bn - p->first, TIERFS_SLOT_BLOCKS,
						    false));
}

/* The slot gets another form. */
static int set_anew(struct tierfs_change *c, const struct part *p)
{
	uint64_t words[TIERFS_PAGE_WORDS];
	uint32_t before, i;

	if (tierfs_words_of(c->fs, tierfs_change_word(c), words))
		return tierfs_broken(c->fs, c->node->ino, "slot");
	before = tierfs_words_count(words);
	for (i = 0; i < p->n; i++)
		words[p->first + i] = part_word(c, p, i);
	return tierfs_change_store(c, words, before);
}

int tierfs_map_set(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		   uint64_t index, uint64_t bn, uint32_t n, bool unwritten)
{
	struct part p = {
		.first = index % TIERFS_SLOT_BLOCKS, .n = n, .bn = bn, .unwritten = unwritten,
	};
	struct tierfs_change c;
	const uint64_t *page;
	uint32_t before;
	uint64_t word;
	int err = tierfs_change_begin(&c, tx, node, rec, tierfs_slot_of(index));

	if (err)
		return err;
	/* to take something away must not fail for want of space */
	if (!bn)
		c.flags = TIERFS_ALLOC_RESERVE;
	if (part_as_run(&c, &p, &word, &before)) {
		rec->blocks += tierfs_word_run(c.fs, word).n;
		rec->blocks -= before;
		return tierfs_change_set(&c, word);
	}
	page = tierfs_map_page(c.fs, tierfs_change_word(&c));
	return page && n <= PAGE_CHANGES ? set_in_page(&c, page, &p) : set_anew(&c, &p);
}

int tierfs_map_commit(struct tierfs_tx *tx, struct tierfs_node *node,
		      const struct tierfs_inode *rec)
{
	bool grows = rec->height != node->rec->height;
	int err;

	if (grows)
		__atomic_fetch_add(&node->growth, 1, __ATOMIC_ACQ_REL);
	err = tierfs_tx_commit(tx);
	if (grows)
		__atomic_fetch_add(&node->growth, 1, __ATOMIC_ACQ_REL);
	return err;
}
