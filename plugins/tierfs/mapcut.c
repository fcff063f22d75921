// SPDX-License-Identifier: BSD-2-Clause
/*
 * Taking blocks out of the map of a file: of a part of a slot, or of everything behind a block.
 *
 * A record holds so many runs of blocks; a slot with more of them is emptied in parts, from its
 * end. What remains of a slot may need a page, which comes from the reserve: a full file system
 * must be able to give space back. If there is none the words of the page that is there are
 * changed, a few in a transaction.
 *
 * Blocks of a directory are pages of metadata and are freed as such. Called with the node's lock,
 * or for an inode that nobody else has; nobody reads the file meanwhile.
 */
#include "data.h"

#include <errno.h>

#define WORDS_IN_PLACE	32		/* that one transaction changes in a page */
#define RUNS_MAX	12		/* that one transaction frees */

static int free_run(struct tierfs_change *c, uint64_t bn, uint32_t n)
{
	const uint8_t *addr = zus_t1_addr(c->fs->sb.md, bn);
	uint32_t i;

	if (!S_ISDIR(c->node->type)) {
		if (!tierfs_run_is_data(c->fs, bn, n))
			return tierfs_broken(c->fs, c->node->ino, "block of the map");
		tierfs_blocks_free(c->tx, bn, n);
		return 0;
	}
	for (i = 0; i < n; i++, addr += TIERFS_BLOCK) {
		if (!tierfs_page_at(c->fs, tierfs_place(c->fs, addr)))
			return tierfs_broken(c->fs, c->node->ino, "block of a directory");
		tierfs_page_free(c->tx, addr);
	}
	return 0;
}

/*
 * The part [first, end) of a slot's words that a transaction takes out: the last runs of it, and no
 * more words than max. Returns where it begins; *words = how many words that are not 0 it has.
 */
static uint32_t part_of(const struct tierfs_change *c, const uint64_t *words, uint32_t first,
			uint32_t end, uint32_t max, uint32_t *count)
{
	uint32_t runs = 0, i = end;

	*count = 0;
	while (i > first) {
		if (!words[i - 1]) {
			i--;
			continue;
		}
		/* of a directory each block is an object of its own */
		if (i == end || words[i] != words[i - 1] + 1 || S_ISDIR(c->node->type))
			runs++;
		if (runs > RUNS_MAX || *count == max)
			break;
		++*count;
		i--;
	}
	return i;
}

static int free_words(struct tierfs_change *c, uint64_t *words, uint32_t first, uint32_t end)
{
	struct tierfs_run r, last;
	uint32_t i, n;
	int err;

	for (i = first; i < end; i += n) {
		n = 1;
		if (!words[i])
			continue;
		while (i + n < end && words[i + n] == words[i] + n)
			n++;
		r = tierfs_word_run(c->fs, words[i]);
		last = tierfs_word_run(c->fs, words[i] + (n - 1));
		if (r.n != 1 || last.n != 1 || last.bn != r.bn + (n - 1))
			return tierfs_broken(c->fs, c->node->ino, "page of the map");
		err = free_run(c, r.bn, n);
		if (err)
			return err;
	}
	for (i = first; i < end; i++)
		words[i] = 0;
	return 0;
}

/*
 * Where the part begins that is taken out. A page that remains is written anew: its place is had
 * before anything is freed, or the part is small.
 */
static int choose_part(struct tierfs_change *c, const uint64_t *words, uint32_t first, uint32_t end,
		       uint32_t *begin)
{
	bool is_page = tierfs_word_form(tierfs_change_word(c)) == TIERFS_FORM_PAGE;
	uint32_t count;
	int err;

	*begin = part_of(c, words, first, end, UINT32_MAX, &count);
	if (!is_page || count <= WORDS_IN_PLACE || count == tierfs_words_count(words))
		return 0;
	err = tierfs_page_alloc(c->tx, TIERFS_ALLOC_RESERVE, &c->spare);
	if (err == -ENOSPC) {
		*begin = part_of(c, words, first, end, WORDS_IN_PLACE, &count);
		err = 0;
	}
	return err;
}

/* A slot that is a page, or becomes one. */
static int cut_words(struct tierfs_change *c, uint32_t first, uint32_t *n)
{
	uint64_t words[TIERFS_PAGE_WORDS];
	uint32_t before, begin, end = first + *n;
	int err;

	if (tierfs_words_of(c->fs, tierfs_change_word(c), words))
		return tierfs_broken(c->fs, c->node->ino, "slot");
	before = tierfs_words_count(words);
	err = choose_part(c, words, first, end, &begin);
	if (!err)
		err = free_words(c, words, begin, end);
	if (err)
		return err;
	*n = begin - first;
	return tierfs_change_store(c, words, before);
}

/* A slot that is a run: its end is cut off. False: something behind the range remains. */
static bool cut_run(struct tierfs_change *c, const struct tierfs_run *run, uint32_t first,
		    uint32_t *n, int *err)
{
	if (first + *n < run->n)
		return false;
	*n = 0;
	*err = 0;
	if (first >= run->n)
		return true;
	*err = free_run(c, run->bn + first, run->n - first);
	c->rec->blocks -= run->n - first;
	if (!*err)
		*err = tierfs_change_set(c, first ? tierfs_run_word(c->fs, run->bn, first,
								   run->unwritten) : 0);
	return true;
}

int tierfs_map_clear(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		     uint64_t index, uint32_t *n)
{
	uint32_t first = index % TIERFS_SLOT_BLOCKS;
	struct tierfs_change c;
	struct tierfs_run run;
	int err = tierfs_change_begin(&c, tx, node, rec, tierfs_slot_of(index));

	if (err)
		return err;
	c.flags = TIERFS_ALLOC_RESERVE;
	c.alone = true;
	if (!tierfs_change_word(&c)) {
		*n = 0;
		return 0;
	}
	run = tierfs_word_run(c.fs, tierfs_change_word(&c));
	/* the blocks of a directory may be too many for a record */
	if (run.n && !S_ISDIR(node->type) && cut_run(&c, &run, first, n, &err))
		return err;
	return cut_words(&c, first, n);
}

/* ---- everything behind a block ---- */

/* Last slot below an index page whose word is not 0, or UINT64_MAX; *budget bounds the search. */
static uint64_t last_below(const struct tierfs *fs, uint64_t word, unsigned int level,
			   uint64_t *budget)
{
	const uint64_t *page = tierfs_map_page(fs, word);
	unsigned int i = TIERFS_PAGE_WORDS;
	uint64_t slot, w;

	/* whoever takes it out will find that there is no page */
	if (!page || !*budget)
		return 0;
	--*budget;
	while (i--) {
		w = tierfs_load(&page[i]);
		if (!w)
			continue;
		slot = level > 1 ? last_below(fs, w, level - 1, budget) : 0;
		if (slot != UINT64_MAX)
			return slot + ((uint64_t)i << (level - 1) * TIERFS_LEVEL_SHIFT);
	}
	return UINT64_MAX;
}

/* UINT64_MAX in *slot: there is none. -EIO. */
static int last_slot(const struct tierfs_node *node, uint64_t *slot)
{
	const uint64_t *slots = node->rec->slots;
	uint64_t budget = node->ii.sb->md->t1_blocks;
	unsigned int height = node->rec->height, i = TIERFS_SLOTS;

	*slot = UINT64_MAX;
	if (height > TIERFS_MAX_HEIGHT)
		return tierfs_broken(tierfs_fs_of(node), node->ino, "height of the map");
	if (height && tierfs_load(slots))
		*slot = last_below(tierfs_fs_of(node), *slots, height, &budget);
	while (!height && *slot == UINT64_MAX && i--)
		if (tierfs_load(&slots[i]))
			*slot = i;
	return budget ? 0 : tierfs_broken(tierfs_fs_of(node), node->ino, "index pages");
}

/* Takes out what is there of a slot from block `first` of it on, in one transaction. */
static int cut_once(struct tierfs_node *node, uint64_t index, uint32_t *n)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(node));
	struct tierfs_inode *rec = tierfs_node_change(tx, node);
	int err = tierfs_map_clear(tx, node, rec, index, n);

	if (err)
		tierfs_tx_abort(tx);
	return err ? err : tierfs_map_commit(tx, node, rec);
}

int tierfs_map_cut(struct tierfs_node *node, uint64_t index, uint64_t end)
{
	uint32_t n = (uint32_t)(end - index);
	int err = 0;

	while (!err && n)
		err = cut_once(node, index, &n);
	return err;
}

int tierfs_map_truncate(struct tierfs_node *node, uint64_t index)
{
	uint64_t slot = UINT64_MAX, first;
	int err = 0;

	if (S_ISLNK(node->type))
		return 0;
	while (!err) {
		err = last_slot(node, &slot);
		if (err || slot == UINT64_MAX || slot < tierfs_slot_of(index))
			break;
		first = tierfs_max(index, slot << TIERFS_SLOT_SHIFT);
		if (first % TIERFS_SLOT_BLOCKS && tierfs_map_look_next(node, first) == UINT64_MAX)
			break;
		err = tierfs_map_cut(node, first, (slot + 1) << TIERFS_SLOT_SHIFT);
	}
	if (!err)
		return tierfs_map_shrink(node);
	tierfs_node_show(node);
	return err;
}
