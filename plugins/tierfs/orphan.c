// SPDX-License-Identifier: BSD-2-Clause
/*
 * Orphans: inodes that have no name, but are open, and inodes of which something is still to be cut
 * off behind their size. Each has its number in a cell, which the record that makes it an orphan
 * writes too; the next mount frees them, or cuts.
 *
 * A cell is one word, changed under the lock of the inode that has it. Free ones are known in DRAM.
 * Every log begins a list of pages of cells; all of them are one stock here.
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- free cells ---- */

static int push_locked(struct tierfs *fs, const uint64_t *cell)
{
	uint32_t max = fs->cells.max ? 2 * fs->cells.max : TIERFS_PAGE_WORDS;
	const uint64_t **more;

	if (fs->cells.n == fs->cells.max) {
		more = zus_alloc_array(fs->sb.env, max, sizeof(*more));
		if (!more)
			return -ENOMEM;
		if (fs->cells.n)
			memcpy(more, fs->cells.free, fs->cells.n * sizeof(*more));
		zus_free(fs->sb.env, fs->cells.free);
		fs->cells.free = more;
		fs->cells.max = max;
	}
	fs->cells.free[fs->cells.n++] = cell;
	return 0;
}

/* Without memory the cell is unknown until the next mount. */
void tierfs_cell_release(struct tierfs *fs, const uint64_t *cell)
{
	zus_mutex_lock(&fs->cells.lock);
	push_locked(fs, cell);
	zus_mutex_unlock(&fs->cells.lock);
}

static const struct tierfs_cells *first_page(const struct tierfs *fs, uint32_t log)
{
	return tierfs_page_at(fs, fs->logs[log].entry->orphans);
}

static int page_read(struct tierfs *fs, const struct tierfs_cells *page)
{
	unsigned int i;
	int err = 0;

	for (i = TIERFS_PAGE_WORDS - 1; i && !err; i--) {
		if (!page->cells[i - 1])
			err = push_locked(fs, &page->cells[i - 1]);
	}
	return err;
}

/* To the end of a list of pages. False: it has none, or is a circle. */
static bool list_ends(const struct tierfs *fs, const struct tierfs_cells *page)
{
	uint64_t left = fs->sb.md->t1_blocks;

	while (page && page->next && left--)
		page = tierfs_page_at(fs, page->next);
	return page && !page->next;
}

int tierfs_cells_init(struct tierfs *fs)
{
	const struct tierfs_cells *page;
	uint32_t log;
	int err = zus_mutex_init(&fs->cells.lock);

	for (log = 0; log < fs->nr_logs && !err; log++) {
		page = first_page(fs, log);
		if (!list_ends(fs, page))
			return tierfs_broken(fs, 0, "the list of orphans");
		for (; page && !err; page = tierfs_page_at(fs, page->next)) {
			if (!log)
				fs->cells.last = page;
			err = page_read(fs, page);
		}
	}
	return err;
}

/* A page of free cells at the end of the first list, by a transaction of its own; with the lock. */
static int cells_grow(struct tierfs *fs)
{
	struct tierfs_tx *tx = tierfs_tx_begin(fs);
	const void *page;
	int err = tierfs_page_alloc(tx, TIERFS_ALLOC_RESERVE, &page);

	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	/* its cells belong to many inodes, so nobody could keep a CRC of it */
	tierfs_pm_zero(fs, page, TIERFS_BLOCK);
	tierfs_tx_aside(tx);
	*(uint64_t *)tierfs_tx_get(tx, tierfs_page_crc_at(fs, page), 8, TIERFS_CRC_NONE) = 0;
	*(uint64_t *)tierfs_tx_get(tx, &fs->cells.last->next, 8, TIERFS_CRC_NONE) =
		tierfs_place(fs, page);
	err = tierfs_tx_commit(tx);
	if (err)
		return err;
	fs->cells.last = page;
	return page_read(fs, page);
}

static int cell_pop(struct tierfs *fs, const uint64_t **cell)
{
	int err = 0;

	zus_mutex_lock(&fs->cells.lock);
	if (!fs->cells.n)
		err = cells_grow(fs);
	if (!err)
		*cell = fs->cells.free[--fs->cells.n];
	zus_mutex_unlock(&fs->cells.lock);
	return err;
}

/* ---- on the list and off ---- */

int tierfs_orphan_add(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	struct tierfs_late late = { .what = TIERFS_LATE_CELL_SET };
	int err;

	if (rec->cell)
		return 0;
	err = cell_pop(fs, &late.cell);
	if (err)
		return err;
	if (!tierfs_tx_late(tx, &late)) {
		tierfs_cell_release(fs, late.cell);
		return -EFBIG;
	}
	*(uint64_t *)tierfs_tx_get(tx, late.cell, 8, TIERFS_CRC_NONE) = node->ino;
	rec->cell = tierfs_place(fs, late.cell);
	return 0;
}

/* Where a record says that its cell is; NULL: no cell can be there. */
static const uint64_t *cell_at(const struct tierfs *fs, tierfs_place_t place)
{
	uint64_t offset = place % TIERFS_BLOCK;

	if (offset < sizeof(tierfs_place_t) || offset % sizeof(uint64_t) ||
	    !tierfs_page_at(fs, place - offset))
		return NULL;
	return tierfs_ptr(fs, place, sizeof(uint64_t));
}

void tierfs_orphan_del(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	struct tierfs_late late = { .what = TIERFS_LATE_CELL_CLEAR };

	if (!rec->cell)
		return;
	late.cell = cell_at(fs, rec->cell);
	rec->cell = 0;
	if (!late.cell || *late.cell != node->ino) {
		tierfs_tx_fail(tx, tierfs_broken(fs, node->ino, "its cell of orphans"));
		return;
	}
	*(uint64_t *)tierfs_tx_get(tx, late.cell, 8, TIERFS_CRC_NONE) = 0;
	tierfs_tx_late(tx, &late);
}

/* ---- the end of an inode ---- */

/* Slot, attributes and cell go in one record; the generation stays. */
static int slot_erase(struct tierfs_node *node)
{
	struct tierfs *fs = tierfs_fs_of(node);
	struct tierfs_tx *tx = tierfs_tx_begin(fs);
	struct tierfs_inode *rec = tierfs_node_change(tx, node);
	uint32_t generation = rec->generation;
	int err = S_ISLNK(node->type) ? tierfs_link_free(tx, node, rec) : 0;

	if (!err && rec->xattrs)
		err = tierfs_xattrs_free(tx, node, rec);
	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	tierfs_orphan_del(tx, node, rec);
	memset(rec, 0, sizeof(*rec));
	rec->generation = generation;
	tierfs_slot_free(tx, node->rec);
	return tierfs_tx_commit(tx);
}

int tierfs_node_erase(struct tierfs_node *node)
{
	int err = 0;

	zus_mutex_lock(&node->lock);
	if (S_ISDIR(node->type))
		err = tierfs_dir_trim(node);
	else if (S_ISREG(node->type))
		err = tierfs_map_truncate(node, 0);
	if (!err)
		err = slot_erase(node);
	zus_mutex_unlock(&node->lock);
	return err;
}

/* ---- at mount ---- */

static int cut(struct tierfs_node *node)
{
	struct tierfs_tx *tx;
	int err;

	zus_mutex_lock(&node->lock);
	err = tierfs_map_truncate(node, tierfs_up(node->rec->size));
	if (!err) {
		tx = tierfs_tx_begin(tierfs_fs_of(node));
		tierfs_orphan_del(tx, node, tierfs_node_change(tx, node));
		err = tierfs_tx_commit(tx);
	}
	if (!err)
		tierfs_node_show(node);
	zus_mutex_unlock(&node->lock);
	return err;
}

/* -ENOMEM, or what a cut says; what is broken stays for fsck. */
static int orphan_end(struct tierfs *fs, const uint64_t *cell)
{
	struct tierfs_node *node;
	int err = tierfs_node_get(fs, *cell, &node);

	if (err == -ENOMEM)
		return err;
	if (err || node->rec->cell != tierfs_place(fs, cell)) {
		tierfs_broken(fs, *cell, "its cell of orphans");
		if (!err)
			tierfs_node_put(node);
		return 0;
	}
	err = node->rec->nlink ? cut(node) : 0;
	/* without a name it goes with its last reference */
	tierfs_node_put(node);
	return err == -EIO ? 0 : err;
}

static int page_end(struct tierfs *fs, const struct tierfs_cells *page)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < TIERFS_PAGE_WORDS - 1 && !err; i++) {
		if (page->cells[i])
			err = orphan_end(fs, &page->cells[i]);
	}
	return err;
}

int tierfs_orphans_free(struct tierfs *fs)
{
	const struct tierfs_cells *page;
	uint32_t log;
	int err = 0;

	for (log = 0; log < fs->nr_logs; log++) {
		page = first_page(fs, log);
		while (page && !err) {
			err = page_end(fs, page);
			page = page->next ? tierfs_page_at(fs, page->next) : NULL;
		}
	}
	return err;
}
