// SPDX-License-Identifier: BSD-2-Clause
/*
 * Places on media and pointers into T1. Everything that is read from media and points somewhere
 * goes through here: bounds and the kind of chunk are checked, what lies there is not. No locks;
 * kinds are read as they are at that time.
 */
#include "tierfs.h"

static uint64_t offset_of(const struct tierfs *fs, const void *addr)
{
	return (uint64_t)((const uint8_t *)addr - fs->sb.md->t1);
}

tierfs_place_t tierfs_place(const struct tierfs *fs, const void *addr)
{
	uint64_t offset = offset_of(fs, addr);
	const struct tierfs_dev *d = tierfs_dev_of(fs, offset >> TIERFS_BLOCK_SHIFT);

	return (uint64_t)d->super->dev_id << TIERFS_PLACE_DEV_SHIFT |
		(offset - (d->first_bn << TIERFS_BLOCK_SHIFT));
}

static const struct tierfs_dev *dev_by_id(const struct tierfs *fs, uint64_t id)
{
	return id < TIERFS_MAX_DEVS && fs->dev_index[id] < fs->nr_devs ?
		&fs->devs[fs->dev_index[id]] : NULL;
}

const void *tierfs_ptr(const struct tierfs *fs, tierfs_place_t place, uint64_t bytes)
{
	const struct tierfs_dev *d = dev_by_id(fs, place >> TIERFS_PLACE_DEV_SHIFT);
	uint64_t offset = place & TIERFS_PLACE_OFFSET, size;

	if (!place || !d || offset & 7)
		return NULL;
	size = d->blocks << TIERFS_BLOCK_SHIFT;
	if (bytes > size || offset > size - bytes)
		return NULL;
	return fs->sb.md->t1 + (d->first_bn << TIERFS_BLOCK_SHIFT) + offset;
}

enum tierfs_kind tierfs_kind_at(const struct tierfs *fs, const void *addr)
{
	uint64_t bn = offset_of(fs, addr) >> TIERFS_BLOCK_SHIFT;
	const struct tierfs_dev *d = tierfs_dev_of(fs, bn);
	const struct tierfs_group_desc *desc;
	uint64_t chunk, word;

	bn -= d->first_bn;
	desc = &d->descs[bn / TIERFS_GROUP_BLOCKS];
	chunk = bn % TIERFS_GROUP_BLOCKS / TIERFS_CHUNK_BLOCKS;
	word = __atomic_load_n(&desc->kinds[chunk / 16], __ATOMIC_RELAXED);
	return (enum tierfs_kind)(word >> chunk % 16 * 4 & 15);
}

const void *tierfs_page_at(const struct tierfs *fs, tierfs_place_t place)
{
	const void *page = tierfs_ptr(fs, place, TIERFS_BLOCK);

	if (!page || place % TIERFS_BLOCK || !(place % TIERFS_CHUNK))
		return NULL;
	return tierfs_kind_at(fs, page) == TIERFS_KIND_PAGES ? page : NULL;
}

const void *tierfs_slab_at(const struct tierfs *fs, tierfs_place_t place, uint32_t bytes)
{
	const uint8_t *object = tierfs_ptr(fs, place, bytes);
	uint64_t at = place % TIERFS_CHUNK;
	const struct tierfs_chunk *c;

	if (!object || at < TIERFS_CHUNK_HEAD ||
	    tierfs_kind_at(fs, object) != TIERFS_KIND_SLABS)
		return NULL;
	c = (const struct tierfs_chunk *)(object - at);
	if (c->object_bytes < TIERFS_SLAB_MIN || c->object_bytes > TIERFS_SLAB_MAX ||
	    c->object_bytes < bytes || (at - TIERFS_CHUNK_HEAD) % c->object_bytes ||
	    at + c->object_bytes > TIERFS_CHUNK)
		return NULL;
	return object;
}

struct tierfs_run tierfs_word_run(const struct tierfs *fs, uint64_t word)
{
	const struct tierfs_dev *d = dev_by_id(fs, word >> TIERFS_WORD_DEV_SHIFT & 63);
	uint64_t block = word & TIERFS_WORD_BLOCK;
	uint32_t n = (uint32_t)(word >> TIERFS_WORD_LEN_SHIFT & 1023) + 1;
	struct tierfs_run run = { .n = 0 };

	if (tierfs_word_form(word) != TIERFS_FORM_RUN || word & TIERFS_WORD_TIER || !d ||
	    !block || n > TIERFS_SLOT_BLOCKS || block + n > d->blocks)
		return run;
	run.bn = d->first_bn + block;
	run.n = n;
	run.unwritten = word & TIERFS_WORD_UNWRITTEN;
	return run;
}

uint64_t tierfs_run_word(const struct tierfs *fs, uint64_t bn, uint32_t n, bool unwritten)
{
	const struct tierfs_dev *d = tierfs_dev_of(fs, bn);

	return TIERFS_FORM_RUN << TIERFS_WORD_FORM_SHIFT |
		(unwritten ? TIERFS_WORD_UNWRITTEN : 0) |
		(uint64_t)(n - 1) << TIERFS_WORD_LEN_SHIFT |
		(uint64_t)d->super->dev_id << TIERFS_WORD_DEV_SHIFT | (bn - d->first_bn);
}
