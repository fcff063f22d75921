// SPDX-License-Identifier: BSD-2-Clause
/*
 * Index pages that nothing needs any more, after something was taken out of a map: those without a
 * word, which directories leave behind, and those on top of a map that has become small.
 *
 * Called with the node's lock by who has cut something off; nobody else looks at the map. Each page
 * is a transaction of its own, and any number of them may be left when a crash comes.
 */
#include "data.h"

#include <errno.h>
#include <string.h>

/* Are the words from `first` on all 0? */
static bool is_empty_from(const uint64_t *page, unsigned int first)
{
	while (first < TIERFS_PAGE_WORDS && !page[first])
		first++;
	return first == TIERFS_PAGE_WORDS;
}

/* Words of the top page that the inode itself, or the only page below, would do for. */
static unsigned int words_below(const struct tierfs_node *node)
{
	return node->rec->height == 1 ? TIERFS_SLOTS : 1;
}

/* The words of the top page become the inode's. */
static int lower(struct tierfs_node *node, const uint64_t *page)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(node));
	struct tierfs_inode *rec = tierfs_node_change(tx, node);

	memset(rec->slots, 0, sizeof(rec->slots));
	memcpy(rec->slots, page, words_below(node) * sizeof(*page));
	rec->height--;
	rec->blocks--;
	tierfs_page_free(tx, page);
	return tierfs_map_commit(tx, node, rec);
}

/*
 * Goes down by first words to a page without one, and takes it out. False: there is none, as the
 * first slot that is found shows.
 */
static bool find_empty(const struct tierfs_node *node, const uint64_t **word, const uint64_t **page)
{
	unsigned int level, i;

	*word = node->rec->slots;
	for (level = node->rec->height; level; level--) {
		*page = tierfs_map_page(tierfs_fs_of(node), **word);
		if (!*page)
			return false;
		for (i = 0; i < TIERFS_PAGE_WORDS && !(*page)[i]; i++)
			;
		if (i == TIERFS_PAGE_WORDS)
			return true;
		*word = &(*page)[i];
	}
	return false;
}

static int drop(struct tierfs_node *node, const uint64_t *at, const uint64_t *page)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(node));
	struct tierfs_inode *rec = tierfs_node_change(tx, node);

	if (at == node->rec->slots) {
		rec->slots[0] = 0;
		rec->height = 0;
	} else {
		*(uint64_t *)tierfs_tx_get(tx, at, sizeof(*at), TIERFS_CRC_PAGE) = 0;
	}
	rec->blocks--;
	tierfs_page_free(tx, page);
	return tierfs_map_commit(tx, node, rec);
}

bool tierfs_map_is_loose(const struct tierfs_node *node)
{
	const uint64_t *top = NULL, *page, *word;

	if (node->rec->height)
		top = tierfs_map_page(tierfs_fs_of(node), node->rec->slots[0]);
	return top && (find_empty(node, &word, &page) ||
		       is_empty_from(top, words_below(node)));
}

int tierfs_map_shrink(struct tierfs_node *node)
{
	const uint64_t *top, *page, *word;
	int err = 0;

	while (!err && node->rec->height && node->rec->slots[0]) {
		top = tierfs_map_page(tierfs_fs_of(node), node->rec->slots[0]);
		if (!top)
			err = tierfs_broken(tierfs_fs_of(node), node->ino, "index page");
		else if (find_empty(node, &word, &page))
			err = drop(node, word, page);
		else if (is_empty_from(top, words_below(node)))
			err = lower(node, top);
		else
			break;
	}
	tierfs_node_show(node);
	return err;
}
