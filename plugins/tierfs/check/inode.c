// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tree of inode chunks, and each inode's record with what hangs on it.
 *
 * All inodes are looked at before their names are counted (links.c). An inode whose record is
 * broken is entered nevertheless: what hangs on it would be told as lost otherwise.
 */
#include "tck.h"

#include <string.h>
#include <sys/stat.h>

#define TREE_MAX_HEIGHT	6U

static struct tck_object inode_object(uint64_t ino)
{
	return tck_of(TIERFS_CHECK_INODE, ino, 0);
}

/* ---- the tree ---- */

static void take_chunk(struct tck *c, tierfs_place_t place, uint64_t index)
{
	struct tck_object root = tck_of(TIERFS_CHECK_ROOT, 0, 0);
	struct tck_chunk *ch = tck_chunk_at(c, place);

	if (!ch || ch->kind != TIERFS_KIND_INODES || place % TIERFS_CHUNK) {
		tck_error(c, root, "chunk %llu of inodes: %#llx is none", (unsigned long long)index,
			  (unsigned long long)place);
		return;
	}
	if (ch->claimed) {
		tck_error(c, root, "chunk %llu of inodes is another one too",
			  (unsigned long long)index);
		return;
	}
	ch->claimed = true;
	if (ch->index != index)
		tck_error(c, tck_of(TIERFS_CHECK_CHUNK, ch->index, place),
			  "its head says chunk %llu of inodes, it is %llu",
			  (unsigned long long)ch->index, (unsigned long long)index);
	ch->index = index;
	c->inode_chunks[index] = ch;
}

/* A page of the tree, `level` above the chunks, that leads to those from `index` on. */
static void walk_page(struct tck *c, tierfs_place_t place, unsigned int level, uint64_t index)
{
	const uint64_t *page = tck_claim_page(c, place, 0, "of the tree of inode chunks");
	uint64_t i, below = 1;

	for (i = 1; i < level; i++)
		below *= TIERFS_PAGE_WORDS;
	for (i = 0; page && i < TIERFS_PAGE_WORDS; i++) {
		uint64_t at = index + i * below;

		if (at >= c->nr_inode_chunks) {
			if (page[i])
				tck_error(c, tck_of(TIERFS_CHECK_PAGE, 0, place),
					  "word %llu is behind the last chunk of inodes",
					  (unsigned long long)i);
		} else if (level > 1) {
			walk_page(c, page[i], level - 1, at);
		} else {
			take_chunk(c, page[i], at);
		}
	}
}

void tck_inode_tree(struct tck *c)
{
	const struct tierfs_root *r = tierfs_image_root(&c->img);
	struct tck_object root = tck_of(TIERFS_CHECK_ROOT, 0, 0);
	uint64_t room = 1;
	uint32_t i;

	if (r->height > TREE_MAX_HEIGHT) {
		tck_error(c, root, "the tree of inode chunks is %u high", r->height);
		c->nr_inode_chunks = 0;
		return;
	}
	for (i = 0; i < r->height; i++)
		room *= TIERFS_PAGE_WORDS;
	if (r->nr_chunks > c->nr_inode_chunks || r->nr_chunks > room || !r->nr_chunks) {
		tck_error(c, root, "it says %llu chunks of inodes, there are %llu",
			  (unsigned long long)r->nr_chunks,
			  (unsigned long long)c->nr_inode_chunks);
		c->nr_inode_chunks = tierfs_min(c->nr_inode_chunks, room);
	} else {
		c->nr_inode_chunks = r->nr_chunks;
	}
	if (!c->nr_inode_chunks)
		return;
	if (r->height)
		walk_page(c, r->chunks, r->height, 0);
	else
		take_chunk(c, r->chunks, 0);
}

/* ---- numbers ---- */

static struct tck_chunk *chunk_of(const struct tck *c, uint64_t ino)
{
	uint64_t index = ino / TIERFS_CHUNK_INODES;

	return index < c->nr_inode_chunks ? c->inode_chunks[index] : NULL;
}

static bool is_used(const struct tck_chunk *ch, uint64_t ino)
{
	uint64_t slot = ino % TIERFS_CHUNK_INODES;

	return ino && ch && ch->head->bits[slot / 64] >> slot % 64 & 1;
}

struct tck_inode *tck_inode_of(const struct tck *c, uint64_t ino)
{
	struct tck_chunk *ch = chunk_of(c, ino);

	return is_used(ch, ino) ? &ch->inodes[ino % TIERFS_CHUNK_INODES] : NULL;
}

static const struct tierfs_inode *record_in(const struct tck *c, const struct tck_chunk *ch,
					    uint64_t slot)
{
	return tierfs_image_at(&c->img,
			       ch->place + TIERFS_CHUNK_HEAD + slot * TIERFS_INODE_SLOT,
			       sizeof(struct tierfs_inode));
}

const struct tierfs_inode *tck_record_of(const struct tck *c, uint64_t ino)
{
	const struct tck_chunk *ch = chunk_of(c, ino);

	return is_used(ch, ino) ? record_in(c, ch, ino % TIERFS_CHUNK_INODES) : NULL;
}

/* ---- records ---- */

static bool mode_is_known(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFCHR: case S_IFBLK: case S_IFIFO:
	case S_IFSOCK:
		return true;
	}
	return false;
}

/* What is not for inodes of this type. */
static void check_unused(struct tck *c, uint64_t ino, const struct tierfs_inode *rec)
{
	bool dir = S_ISDIR(rec->mode);

	if (!dir && (rec->parent || rec->entries || rec->hash || rec->hash_bits))
		tck_error(c, inode_object(ino), "has fields of a directory and is none");
	if (!S_ISREG(rec->mode) && !dir && rec->height)
		tck_error(c, inode_object(ino), "has a tree of index pages and no map");
	if (!S_ISREG(rec->mode) && !dir && !S_ISLNK(rec->mode) &&
	    (rec->size || !tck_is_zero(rec->slots, sizeof(rec->slots))))
		tck_error(c, inode_object(ino), "has blocks and is neither file nor directory");
	if (rec->own_flags & ~(TIERFS_INODE_COW | TIERFS_INODE_LINK_SLAB) || rec->reserved ||
	    rec->policy || !tck_is_zero(rec->zero, sizeof(rec->zero)))
		tck_error(c, inode_object(ino), "there is something where zeros should be");
	if (rec->own_flags & TIERFS_INODE_LINK_SLAB && !S_ISLNK(rec->mode))
		tck_error(c, inode_object(ino), "has the flag of a symlink and is none");
}

static void check_symlink(struct tck *c, uint64_t ino, const struct tierfs_inode *rec)
{
	const char *text = (const char *)rec->slots;
	bool slab = rec->own_flags & TIERFS_INODE_LINK_SLAB;

	if (!rec->size || rec->size > (slab ? TIERFS_SLAB_MAX - 1 : TIERFS_LINK_INLINE)) {
		tck_error(c, inode_object(ino), "a symlink of %llu bytes",
			  (unsigned long long)rec->size);
		return;
	}
	if (slab)
		text = tck_claim_object(c, rec->slots[0], (uint32_t)rec->size + 1, ino,
					"the text of a symlink");
	if (text && (text[rec->size] || memchr(text, 0, rec->size)))
		tck_error(c, inode_object(ino), "the text of the symlink has not %llu bytes",
			  (unsigned long long)rec->size);
}

static void file_run(struct tck *c, struct tck_map *map, const struct tck_run *run)
{
	uint64_t size = map->rec->size, end = run->index + run->n;

	tck_claim_blocks(c, run->place, run->n, map->ino, "of a file");
	/* a file that is being cut has them until the next mount */
	if (end > tierfs_up(size) && !run->unwritten && !map->rec->cell)
		tck_error(c, inode_object(map->ino), "written blocks up to %llu behind its end",
			  (unsigned long long)end);
}

static uint64_t check_file(struct tck *c, uint64_t ino, const struct tierfs_inode *rec)
{
	struct tck_map map = { .ino = ino, .rec = rec, .run = file_run };

	if (rec->size > TIERFS_MAX_SIZE)
		tck_error(c, inode_object(ino), "a file of %#llx bytes",
			  (unsigned long long)rec->size);
	tck_map_walk(c, &map);
	return map.blocks;
}

static void check_record(struct tck *c, uint64_t ino, const struct tierfs_inode *rec,
			 struct tck_inode *inode)
{
	uint64_t blocks = 0;

	if (rec->crc != tierfs_crc_head(rec, sizeof(*rec)))
		tck_error(c, inode_object(ino), "bad checksum");
	if (rec->version != 1)
		tck_error(c, inode_object(ino), "a record of version %u", rec->version);
	if (!mode_is_known(rec->mode)) {
		tck_error(c, inode_object(ino), "mode %#o", rec->mode);
		return;
	}
	inode->flags |= TCK_VALID;
	check_unused(c, ino, rec);
	if (S_ISDIR(rec->mode)) {
		inode->flags |= TCK_DIR;
		c->result->dirs++;
		tck_dir(c, ino, rec, &blocks);
	} else if (S_ISREG(rec->mode)) {
		blocks = check_file(c, ino, rec);
	} else if (S_ISLNK(rec->mode)) {
		check_symlink(c, ino, rec);
	}
	tck_xattrs(c, ino, rec, &blocks);
	if (rec->blocks != blocks)
		tck_error(c, inode_object(ino), "has %llu blocks, its record says %llu",
			  (unsigned long long)blocks, (unsigned long long)rec->blocks);
}

static void check_slot(struct tck *c, struct tck_chunk *ch, uint64_t slot)
{
	const struct tierfs_inode *rec = record_in(c, ch, slot);
	uint64_t ino = ch->index * TIERFS_CHUNK_INODES + slot;

	if (!ino)
		return;
	if (is_used(ch, ino)) {
		ch->inodes[slot].flags |= TCK_USED;
		c->result->inodes++;
		check_record(c, ino, rec, &ch->inodes[slot]);
	} else if (rec->mode) {
		tck_error(c, inode_object(ino), "its slot is free, but its record says mode %#o",
			  rec->mode);
	}
}

void tck_inodes(struct tck *c)
{
	uint64_t i, slot;

	for (i = 0; i < c->nr_inode_chunks; i++) {
		for (slot = 0; c->inode_chunks[i] && slot < TIERFS_CHUNK_INODES; slot++) {
			check_slot(c, c->inode_chunks[i], slot);
			if (c->err)
				return;
		}
	}
	if (c->result->clean && tierfs_image_state(&c->img)->inodes != c->result->inodes)
		tck_error(c, tck_of(TIERFS_CHECK_STATE, 0, 0),
			  "it says %llu inodes, there are %llu",
			  (unsigned long long)tierfs_image_state(&c->img)->inodes,
			  (unsigned long long)c->result->inodes);
}
