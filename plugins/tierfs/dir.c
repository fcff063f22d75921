// SPDX-License-Identifier: BSD-2-Clause
/*
 * Directories: find a name, list them all. entry.c changes them.
 *
 * Called by name.c, rename.c and the core, with the kernel's lock of the directory; nothing here
 * changes anything. A name is searched in the only block, or by the index (hash.c); a listing goes
 * through the blocks by their bits and begins at the next entry, whatever position it is given.
 */
#include "dir.h"

#include <string.h>
#include <zus/siphash.h>

#define DOT_DOT_POS	TIERFS_UNIT

uint32_t tierfs_name_hash(const struct tierfs *fs, const struct zus_name *name)
{
	return (uint32_t)zus_siphash(fs->hash_seed, name->str, name->len);
}

int tierfs_dir_block(const struct tierfs_node *dir, uint64_t index,
		     const struct tierfs_dir_head **head)
{
	struct tierfs *fs = tierfs_fs_of(dir);
	struct tierfs_run run;
	int err;

	*head = NULL;
	err = tierfs_map_find(dir, index, 1, &run);
	if (err || !run.bn)
		return err;
	*head = tierfs_page_at(fs, tierfs_place(fs, zus_t1_addr(fs->sb.md, run.bn)));
	return *head ? 0 : tierfs_broken(fs, dir->ino, "block of a directory");
}

const struct tierfs_dirent *tierfs_dir_entry(const struct tierfs_dir_head *head,
					     unsigned int unit)
{
	const struct tierfs_dirent *e;

	if (unit < TIERFS_DIR_HEAD_UNITS || unit >= TIERFS_DIR_UNITS ||
	    tierfs_next_unit(head->begins, unit, true) != unit)
		return NULL;
	e = (const struct tierfs_dirent *)((const uint8_t *)head + unit * TIERFS_UNIT);
	if (!e->ino || !e->len || unit + tierfs_entry_units(e->len) > TIERFS_DIR_UNITS)
		return NULL;
	return e;
}

static bool has_name(const struct tierfs_dirent *e, const struct zus_name *name)
{
	return e->len == name->len && !memcmp(tierfs_entry_name(e), name->str, name->len);
}

static int find_in_block(struct tierfs_node *dir, const struct zus_name *name, uint32_t hash,
			 struct tierfs_found *found)
{
	const struct tierfs_dir_head *head;
	const struct tierfs_dirent *e;
	unsigned int unit = TIERFS_DIR_HEAD_UNITS;
	int err = tierfs_dir_block(dir, 0, &head);

	if (err)
		return err;
	if (!head || tierfs_dir_blocks(dir->rec) != 1)
		return tierfs_broken(tierfs_fs_of(dir), dir->ino, "directory without an index");
	while ((unit = tierfs_next_unit(head->begins, unit, true)) < TIERFS_DIR_UNITS) {
		e = tierfs_dir_entry(head, unit);
		if (!e)
			return tierfs_broken(tierfs_fs_of(dir), dir->ino, "entry");
		if (e->hash == hash && has_name(e, name)) {
			*found = (struct tierfs_found){ e, (uint64_t)unit * TIERFS_UNIT };
			return 0;
		}
		unit++;
	}
	return -ENOENT;
}

/* What a cell of the index points to. */
static int entry_of_cell(struct tierfs_node *dir, uint64_t unit, uint32_t hash,
			 const struct tierfs_dirent **e)
{
	const struct tierfs_dir_head *head = NULL;
	uint64_t index = unit / TIERFS_DIR_UNITS;
	int err = 0;

	if (index < tierfs_dir_blocks(dir->rec))
		err = tierfs_dir_block(dir, index, &head);
	if (err)
		return err;
	*e = head ? tierfs_dir_entry(head, unit % TIERFS_DIR_UNITS) : NULL;
	if (!*e || (*e)->hash != hash)
		return tierfs_broken(tierfs_fs_of(dir), dir->ino, "cell of the index");
	return 0;
}

static int find_by_index(struct tierfs_node *dir, const struct zus_name *name, uint32_t hash,
			 struct tierfs_found *found)
{
	struct tierfs_cells_of cells;
	const struct tierfs_dirent *e;
	uint64_t unit;
	int err = tierfs_hash_begin(dir, hash, &cells);

	if (err)
		return err;
	while (tierfs_hash_next(&cells, &unit)) {
		err = entry_of_cell(dir, unit, hash, &e);
		if (err)
			return err;
		if (has_name(e, name)) {
			*found = (struct tierfs_found){ e, unit * TIERFS_UNIT };
			return 0;
		}
	}
	return -ENOENT;
}

int tierfs_dir_find(struct tierfs_node *dir, const struct zus_name *name,
		    struct tierfs_found *found)
{
	uint32_t hash;

	if (!dir->rec->entries)
		return -ENOENT;
	hash = tierfs_name_hash(tierfs_fs_of(dir), name);
	if (dir->rec->hash)
		return find_by_index(dir, name, hash, found);
	return find_in_block(dir, name, hash, found);
}

static bool emit_dots(const struct tierfs_node *dir, struct zus_dir_ctx *ctx, uint64_t pos)
{
	if (pos == 0 && !zus_dir_emit(ctx, dir->ino, DT_DIR, 0, ".", 1))
		return false;
	return pos > DOT_DOT_POS ||
		zus_dir_emit(ctx, dir->rec->parent, DT_DIR, DOT_DOT_POS, "..", 2);
}

/* Entries of a block from a unit on: 0, or -EIO. Did they fit, says ctx->full. */
static int emit_block(const struct tierfs_node *dir, struct zus_dir_ctx *ctx, uint64_t index,
		      unsigned int unit)
{
	const struct tierfs_dir_head *head;
	const struct tierfs_dirent *e;
	int err = tierfs_dir_block(dir, index, &head);

	if (err || !head)
		return err;
	if (unit < TIERFS_DIR_HEAD_UNITS)
		unit = TIERFS_DIR_HEAD_UNITS;
	while ((unit = tierfs_next_unit(head->begins, unit, true)) < TIERFS_DIR_UNITS) {
		e = tierfs_dir_entry(head, unit);
		if (!e)
			return tierfs_broken(tierfs_fs_of(dir), dir->ino, "entry");
		if (!zus_dir_emit(ctx, e->ino, e->type,
				  (index << TIERFS_BLOCK_SHIFT) + unit * TIERFS_UNIT,
				  tierfs_entry_name(e), e->len))
			return 0;
		unit++;
	}
	return 0;
}

int tierfs_readdir(struct zus_ii *ii, struct zus_dir_ctx *ctx)
{
	const struct tierfs_node *dir = tierfs_node_of(ii);
	uint64_t blocks = tierfs_dir_blocks(dir->rec), index = ctx->pos >> TIERFS_BLOCK_SHIFT;
	unsigned int unit = (ctx->pos % TIERFS_BLOCK + TIERFS_UNIT - 1) / TIERFS_UNIT;
	uint64_t next;
	int err;

	if (dir->broken)
		return -EIO;
	if (!emit_dots(dir, ctx, ctx->pos))
		return 0;
	while (index < blocks && (next = tierfs_map_next(dir, index)) < blocks) {
		err = emit_block(dir, ctx, next, next == index ? unit : 0);
		if (err || ctx->full)
			return err;
		index = next + 1;
		unit = 0;
	}
	ctx->pos = tierfs_max(dir->rec->size, TIERFS_DIR_EMPTY_SIZE);
	return 0;
}
