// SPDX-License-Identifier: BSD-2-Clause
/*
 * Links, ways up to the root, orphans: what is known when all names have been read.
 *
 * Each log has a chain of pages of cells; a cell is the number of an inode without a name, or of
 * one that is being cut, and that inode knows its cell.
 */
#include "tck.h"

#include <sys/stat.h>

static struct tck_object inode_object(uint64_t ino)
{
	return tck_of(TIERFS_CHECK_INODE, ino, 0);
}

/* ---- orphans ---- */

static void take_cell(struct tck *c, uint64_t ino, tierfs_place_t place)
{
	const struct tierfs_inode *rec = tck_record_of(c, ino);

	if (!rec || !rec->mode) {
		tck_error(c, tck_of(TIERFS_CHECK_PAGE, 0, place),
			  "a cell of orphans has inode %llu, which is free",
			  (unsigned long long)ino);
		return;
	}
	c->result->orphans++;
	tck_inode_of(c, ino)->flags |= TCK_CELL;
	if (rec->cell != place)
		tck_error(c, inode_object(ino), "its cell of orphans is %#llx, but %#llx has it",
			  (unsigned long long)rec->cell, (unsigned long long)place);
}

static void take_chain(struct tck *c, tierfs_place_t place)
{
	const struct tierfs_cells *page;
	uint32_t i;

	for (; place; place = page->next) {
		page = tck_claim_cells(c, place);
		if (!page)
			return;
		for (i = 0; i < TIERFS_PAGE_WORDS - 1; i++) {
			if (page->cells[i])
				take_cell(c, page->cells[i],
					  place + offsetof(struct tierfs_cells, cells) + i * 8ULL);
		}
	}
}

void tck_orphans(struct tck *c)
{
	const struct tierfs_log_entry *e;
	uint32_t i;

	for (i = 0; i < c->img.super->log_count; i++) {
		e = tierfs_image_log(&c->img, i);
		if (e && e->orphans)
			take_chain(c, e->orphans);
	}
}

/* ---- links ---- */

static void check_links(struct tck *c, uint64_t ino, const struct tierfs_inode *rec,
			const struct tck_inode *inode)
{
	bool dir = inode->flags & TCK_DIR, root = ino == TIERFS_ROOT_INO;
	uint32_t names = inode->links + root;

	if (dir && names > 1)
		tck_error(c, inode_object(ino), "a directory with %u names", names);
	if (names != (dir ? !!rec->nlink : rec->nlink))
		tck_error(c, inode_object(ino), "it has %u names and %u links", names, rec->nlink);
	else if (dir && rec->nlink && rec->nlink != 2 + inode->subdirs)
		tck_error(c, inode_object(ino),
			  "a directory with %u directories in it and %u links", inode->subdirs,
			  rec->nlink);
	if (!rec->nlink && !rec->cell)
		tck_error(c, inode_object(ino), "no link, and it is no orphan");
	if (rec->cell && !(inode->flags & TCK_CELL))
		tck_error(c, inode_object(ino), "it is an orphan, but %#llx is not its cell",
			  (unsigned long long)rec->cell);
	if (rec->cell)
		tck_tell(c, TIERFS_CHECK_NOTE, inode_object(ino), rec->nlink ?
			 "it is being cut" : "it has no name: the next mount frees it");
}

/* Up from a directory until what is known; false: that is not the root. */
static bool is_rooted(const struct tck *c, uint64_t ino)
{
	for (;;) {
		struct tck_inode *inode = tck_inode_of(c, ino);
		const struct tierfs_inode *rec = tck_record_of(c, ino);

		if (!inode || !(inode->flags & TCK_DIR) || inode->flags & TCK_WALKING)
			return false;
		if (inode->flags & TCK_ROOTED)
			return true;
		inode->flags |= TCK_WALKING;
		ino = rec->parent;
	}
}

/* The way was gone: what it has met is known now. */
static void mark_way(const struct tck *c, uint64_t ino, bool rooted)
{
	struct tck_inode *inode;

	while ((inode = tck_inode_of(c, ino)) && inode->flags & TCK_WALKING) {
		inode->flags &= ~(uint32_t)TCK_WALKING;
		if (rooted)
			inode->flags |= TCK_ROOTED;
		ino = tck_record_of(c, ino)->parent;
	}
}

static void check_way(struct tck *c, uint64_t ino, const struct tierfs_inode *rec)
{
	bool rooted = is_rooted(c, ino);

	mark_way(c, ino, rooted);
	if (!rooted && rec->nlink)
		tck_error(c, inode_object(ino), "no way leads up from it to the root");
}

static bool check_root_dir(struct tck *c)
{
	struct tck_inode *inode = tck_inode_of(c, TIERFS_ROOT_INO);

	if (!inode || !(inode->flags & TCK_DIR)) {
		tck_error(c, inode_object(TIERFS_ROOT_INO), "there is no root directory");
		return false;
	}
	if (tck_record_of(c, TIERFS_ROOT_INO)->parent != TIERFS_ROOT_INO)
		tck_error(c, inode_object(TIERFS_ROOT_INO), "its parent is not itself");
	inode->flags |= TCK_ROOTED;
	return true;
}

void tck_links(struct tck *c)
{
	bool has_root = check_root_dir(c);
	uint64_t i, slot, ino;

	for (i = 0; i < c->nr_inode_chunks; i++) {
		for (slot = 0; c->inode_chunks[i] && slot < TIERFS_CHUNK_INODES; slot++) {
			const struct tck_inode *inode = &c->inode_chunks[i]->inodes[slot];

			if (!(inode->flags & TCK_VALID))
				continue;
			ino = i * TIERFS_CHUNK_INODES + slot;
			check_links(c, ino, tck_record_of(c, ino), inode);
			if (has_root && inode->flags & TCK_DIR)
				check_way(c, ino, tck_record_of(c, ino));
		}
	}
}
