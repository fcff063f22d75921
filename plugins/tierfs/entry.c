// SPDX-License-Identifier: BSD-2-Clause
/*
 * Directories: new entries, entries that go, and what an empty directory gives back.
 *
 * Called by name.c and rename.c with the kernel's exclusive lock of the directory and the node's
 * lock. A change is the head of one block, the units of one entry and one cell of the index; a new
 * block is filled aside with its first entry in it. A block without entries becomes a hole, so
 * that the last name leaves nothing behind but an index, which tierfs_dir_trim frees after the
 * commit (or before the next name, if the server ended in between).
 *
 * An entry never moves. Where there is room is known by room.c; at most MAX_LOOKS blocks are looked
 * at for a new name, then the directory grows.
 */
#include "dir.h"

#include <string.h>

#define MAX_LOOKS	32U

struct new_entry {
	const struct zus_name *name;
	uint64_t ino;
	uint32_t hash;
	uint8_t type;
	unsigned int units;
	const struct tierfs_bucket *changed;	/* by the removal of a renamed entry, or NULL */
};

/* Where an entry goes. */
struct place {
	uint64_t index;			/* of the block */
	const struct tierfs_dir_head *head;	/* NULL: there is no block yet */
	unsigned int unit;
};

static struct new_entry new_entry(const struct tierfs_node *dir, const struct zus_name *name,
				  uint64_t ino, uint8_t type)
{
	return (struct new_entry) {
		.name = name,
		.ino = ino,
		.hash = tierfs_name_hash(tierfs_fs_of(dir), name),
		.type = type,
		.units = tierfs_entry_units(name->len),
	};
}

static const void *unit_at(const struct tierfs_dir_head *head, unsigned int unit)
{
	return (const uint8_t *)head + unit * TIERFS_UNIT;
}

static void set_bit(uint64_t words[2], unsigned int unit, bool set)
{
	if (set)
		words[unit / 64] |= 1ULL << unit % 64;
	else
		words[unit / 64] &= ~(1ULL << unit % 64);
}

/* The bits of an entry in a head. */
static void mark(struct tierfs_dir_head *h, unsigned int unit, unsigned int units, bool set)
{
	set_bit(h->begins, unit, set);
	while (units--)
		set_bit(h->used, unit++, set);
}

static void fill(void *at, const struct new_entry *n)
{
	struct tierfs_dirent *e = at;

	memset(at, 0, n->units * TIERFS_UNIT);
	e->ino = n->ino;
	e->hash = n->hash;
	e->type = n->type;
	e->len = n->name->len;
	memcpy((char *)at + offsetof(struct tierfs_dirent, name), n->name->str, n->name->len);
}

static struct tierfs_dir_head *change_head(struct tierfs_tx *tx, const struct tierfs_dir_head *h)
{
	return tierfs_tx_get(tx, h, sizeof(*h), TIERFS_CRC_PAGE);
}

/* ---- where ---- */

/* 1: a block, or a hole that may get one, has room; 0: it has not; -EIO. */
static int look_at(struct tierfs_node *dir, uint64_t index, unsigned int units, struct place *p)
{
	int err = tierfs_dir_block(dir, index, &p->head);

	if (err)
		return err;
	p->index = index;
	if (!p->head) {
		p->unit = TIERFS_DIR_HEAD_UNITS;
		tierfs_room_set(dir, index, TIERFS_ROOM_HOLE);
		return 1;
	}
	p->unit = tierfs_room_fit(p->head->used, units);
	if (p->unit < TIERFS_DIR_UNITS)
		return p->unit >= TIERFS_DIR_HEAD_UNITS ? 1 :
			tierfs_broken(tierfs_fs_of(dir), dir->ino, "head of a block of names");
	tierfs_room_set(dir, index, tierfs_room_gap(p->head->used));
	return 0;
}

static int search_blocks(struct tierfs_node *dir, uint64_t blocks, unsigned int units,
			 struct place *p)
{
	/* at first the last one: that is where the others have left room */
	uint64_t index = dir->room ? tierfs_min(dir->hint, blocks - 1) : blocks - 1;
	unsigned int looks;
	int ret = 0;

	tierfs_room_load(dir, blocks);
	if (tierfs_room_may_fit(dir, index, units))
		ret = look_at(dir, index, units, p);
	for (looks = 0; !ret && looks < MAX_LOOKS; looks++) {
		index = tierfs_room_find(dir, blocks, units);
		if (index == UINT64_MAX)
			break;
		ret = look_at(dir, index, units, p);
	}
	return ret;
}

static int choose_place(struct tierfs_node *dir, const struct tierfs_inode *rec,
			unsigned int units, struct place *p)
{
	uint64_t blocks = tierfs_dir_blocks(rec);
	int ret = 0;

	if (blocks == 1)
		ret = look_at(dir, 0, units, p);
	else if (blocks)
		ret = search_blocks(dir, blocks, units, p);
	if (ret)
		return ret < 0 ? ret : 0;
	*p = (struct place) { .index = blocks, .unit = TIERFS_DIR_HEAD_UNITS };
	return blocks < TIERFS_DIR_MAX_BLOCKS ? 0 : -ENOSPC;
}

/* ---- one more ---- */

static void put_in_block(struct tierfs_tx *tx, struct tierfs_node *dir, const struct place *p,
			 const struct new_entry *n)
{
	struct tierfs_dir_head *h = change_head(tx, p->head);

	mark(h, p->unit, n->units, true);
	h->entries++;
	fill(tierfs_tx_get(tx, unit_at(p->head, p->unit), n->units * TIERFS_UNIT,
			   TIERFS_CRC_PAGE), n);
	tierfs_room_set(dir, p->index, tierfs_room_gap(h->used));
}

static int put_in_new_block(struct tierfs_tx *tx, struct tierfs_node *dir,
			    struct tierfs_inode *rec, const struct place *p,
			    const struct new_entry *n)
{
	uint64_t content[TIERFS_PAGE_WORDS] = { 0 };
	struct tierfs_dir_head *h = (struct tierfs_dir_head *)content;
	const void *page;
	int err = tierfs_page_alloc(tx, 0, &page);

	if (err)
		return err;
	mark(h, 0, TIERFS_DIR_HEAD_UNITS, true);
	set_bit(h->begins, 0, false);
	mark(h, p->unit, n->units, true);
	h->entries = 1;
	fill((uint8_t *)content + p->unit * TIERFS_UNIT, n);
	tierfs_tx_page(tx, page, content);
	if (p->index == tierfs_dir_blocks(rec))
		rec->size = (p->index + 1) << TIERFS_BLOCK_SHIFT;
	tierfs_room_load(dir, p->index + 1);
	tierfs_room_set(dir, p->index, tierfs_room_gap(h->used));
	return tierfs_map_set(tx, dir, rec, p->index,
			      zus_t1_bn(tierfs_fs_of(dir)->sb.md, page), 1, false);
}

/* The second block: from now on there is an index, of what the first one has and the new name. */
static int build_index(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		       uint32_t hash, uint64_t unit)
{
	uint64_t cells[TIERFS_DIR_UNITS];
	const struct tierfs_dir_head *head, *h;
	unsigned int n = 0, at;
	int err = tierfs_dir_block(dir, 0, &head);

	if (err)
		return err;
	if (!head)
		return tierfs_broken(tierfs_fs_of(dir), dir->ino, "directory without an index");
	h = change_head(tx, head);
	for (at = TIERFS_DIR_HEAD_UNITS; at < TIERFS_DIR_UNITS; at++) {
		const struct tierfs_dirent *e = unit_at(head, at);

		if (tierfs_next_unit(h->begins, at, true) == at)
			cells[n++] = (uint64_t)e->hash << 32 | (at + 1);
	}
	cells[n++] = (uint64_t)hash << 32 | (unit + 1);
	return tierfs_hash_build(tx, rec, cells, n);
}

static int put_entry(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		     const struct place *p, const struct new_entry *n)
{
	uint64_t unit = p->index * TIERFS_DIR_UNITS + p->unit;
	int err = 0;

	if (p->head)
		put_in_block(tx, dir, p, n);
	else
		err = put_in_new_block(tx, dir, rec, p, n);
	if (!err && rec->hash)
		err = tierfs_hash_add(tx, dir, rec, n->hash, unit, n->changed);
	else if (!err && p->index)
		err = build_index(tx, dir, rec, n->hash, unit);
	rec->entries++;
	dir->hint = p->index;
	return err;
}

int tierfs_dir_add(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		   const struct zus_name *name, uint64_t ino, uint8_t type)
{
	struct new_entry n = new_entry(dir, name, ino, type);
	struct place p;
	int err = choose_place(dir, rec, n.units, &p);

	return err ? err : put_entry(tx, dir, rec, &p, &n);
}

void tierfs_dir_set(struct tierfs_tx *tx, struct tierfs_node *dir,
		    const struct tierfs_found *found, uint64_t ino, uint8_t type)
{
	struct tierfs_dirent *e = tierfs_tx_get(tx, found->entry, 16, TIERFS_CRC_PAGE);

	(void)dir;
	e->ino = ino;
	e->type = type;
}

/* ---- one less ---- */

/* The entry's bits and its cell go; *p is its place, *head its block's head after that. */
static int take_entry(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		      const struct tierfs_found *found, struct place *p,
		      struct tierfs_dir_head **head, const struct tierfs_bucket **changed)
{
	const struct tierfs_dirent *e = found->entry;

	p->index = found->pos >> TIERFS_BLOCK_SHIFT;
	p->unit = (unsigned int)(found->pos % TIERFS_BLOCK / TIERFS_UNIT);
	p->head = (const struct tierfs_dir_head *)
		((const uint8_t *)e - found->pos % TIERFS_BLOCK);
	*head = change_head(tx, p->head);
	if (!(*head)->entries)
		return tierfs_broken(tierfs_fs_of(dir), dir->ino, "head of a block of names");
	mark(*head, p->unit, tierfs_entry_units(e->len), false);
	(*head)->entries--;
	rec->entries--;
	tierfs_room_set(dir, p->index, tierfs_room_gap((*head)->used));
	return rec->hash ? tierfs_hash_remove(tx, dir, rec, e->hash,
					      found->pos / TIERFS_UNIT, changed) : 0;
}

/* An empty block becomes a hole; if there is no space for that it stays. */
static int free_block(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		      const struct place *p)
{
	int err = tierfs_map_set(tx, dir, rec, p->index, 0, 1, false);

	if (err)
		return err == -ENOSPC ? 0 : err;
	tierfs_page_free(tx, p->head);
	tierfs_room_set(dir, p->index, TIERFS_ROOM_HOLE);
	if (!rec->entries && !rec->hash)
		rec->size = TIERFS_DIR_EMPTY_SIZE;
	return 0;
}

int tierfs_dir_remove(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		      const struct tierfs_found *found)
{
	struct tierfs_dir_head *head;
	struct place p;
	int err = take_entry(tx, dir, rec, found, &p, &head, NULL);

	if (err || head->entries)
		return err;
	return free_block(tx, dir, rec, &p);
}

/* In the block of the old entry: at its own unit if the new one fits there. */
static bool fits_beside(const struct tierfs_dir_head *head, unsigned int units, struct place *p)
{
	if (p->unit + units > tierfs_next_unit(head->used, p->unit, true))
		p->unit = tierfs_room_fit(head->used, units);
	return p->unit >= TIERFS_DIR_HEAD_UNITS && p->unit < TIERFS_DIR_UNITS;
}

int tierfs_dir_rename(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		      const struct tierfs_found *found, const struct zus_name *name)
{
	struct new_entry n = new_entry(dir, name, found->entry->ino, found->entry->type);
	struct tierfs_dir_head *head;
	struct place old, p;
	int err = take_entry(tx, dir, rec, found, &old, &head, &n.changed);

	if (err)
		return err;
	p = old;
	if (!fits_beside(head, n.units, &p)) {
		err = choose_place(dir, rec, n.units, &p);
		if (err)
			return err;
	}
	err = put_entry(tx, dir, rec, &p, &n);
	/* the map changes once in a transaction: beside a new block an empty one stays */
	if (err || head->entries || !p.head)
		return err;
	return free_block(tx, dir, rec, &old);
}

/* ---- what an empty directory gives back ---- */

static int trim_size(struct tierfs_node *dir)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(dir));
	int err;

	tierfs_node_change(tx, dir)->size = TIERFS_DIR_EMPTY_SIZE;
	err = tierfs_tx_commit(tx);
	if (!err)
		tierfs_node_show(dir);
	return err;
}

int tierfs_dir_trim(struct tierfs_node *dir)
{
	int err;

	if (dir->rec->entries || dir->rec->size == TIERFS_DIR_EMPTY_SIZE)
		return 0;
	tierfs_room_free(dir);
	err = tierfs_hash_drop(dir);
	if (!err)
		err = tierfs_map_truncate(dir, 0);
	return err ? err : trim_size(dir);
}

void tierfs_dir_forget(struct tierfs_node *dir)
{
	tierfs_room_free(dir);
}
