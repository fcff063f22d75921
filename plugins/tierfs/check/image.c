// SPDX-License-Identifier: BSD-2-Clause
/*
 * The memory of an image; see image.h. The overlay is made of patches of 64 KiB, because no object
 * of the format crosses such a border; a patch is filled block by block, as it is asked for.
 */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tierfs.h"

/* Its CRC stands behind the magic. */
static uint32_t super_crc(const struct tierfs_super *s)
{
	const uint64_t head = s->magic;
	const size_t from = offsetof(struct tierfs_super, sequence);

	return tierfs_crc(tierfs_crc(0, &head, from), (const uint8_t *)s + from,
			  sizeof(*s) - from);
}

static const char *super_why(const struct tierfs_super *s, uint64_t bytes)
{
	uint64_t groups, table;

	if (s->magic != TIERFS_MAGIC)
		return "no super-block";
	if (s->crc != super_crc(s))
		return "bad checksum";
	if (s->dev_id >= TIERFS_IMAGE_DEVS)
		return "the id of the device is too high";
	if (!s->dev_blocks || s->dev_blocks % TIERFS_GROUP_BLOCKS ||
	    s->dev_blocks > bytes >> TIERFS_BLOCK_SHIFT ||
	    s->dev_blocks > TIERFS_PLACE_OFFSET >> TIERFS_BLOCK_SHIFT)
		return "the size of the device is wrong";
	if (!s->dev_count || s->dev_count > TIERFS_IMAGE_DEVS)
		return "the number of devices is wrong";
	groups = s->dev_blocks / TIERFS_GROUP_BLOCKS;
	table = tierfs_up(groups * TIERFS_LINE) +
		tierfs_up(groups * sizeof(struct tierfs_group_desc));
	if (s->group_table <= TIERFS_SUPER_BLOCK || s->group_table >= s->dev_blocks ||
	    table > s->dev_blocks - s->group_table)
		return "the group table is not on the device";
	return NULL;
}

static void read_copy(struct tierfs_image_dev *dev, unsigned int copy, uint64_t block)
{
	struct tierfs_image_super *c = &dev->copies[copy];

	if (block >= dev->bytes >> TIERFS_BLOCK_SHIFT) {
		c->why = "it is not on the device";
		return;
	}
	c->super = (const struct tierfs_super *)(dev->base + (block << TIERFS_BLOCK_SHIFT));
	c->why = super_why(c->super, dev->bytes);
}

/* The last block is where the first copy says, or at the end of what is there. */
static void read_supers(struct tierfs_image_dev *dev)
{
	const struct tierfs_super *a, *b;
	uint64_t end = dev->bytes >> TIERFS_BLOCK_SHIFT;

	read_copy(dev, 0, TIERFS_SUPER_BLOCK);
	a = dev->copies[0].why ? NULL : dev->copies[0].super;
	read_copy(dev, 1, (a ? a->dev_blocks : end) - 1);
	b = dev->copies[1].why ? NULL : dev->copies[1].super;
	dev->super = b && (!a || b->sequence > a->sequence) ? b : a;
	if (!dev->super)
		return;
	dev->blocks = dev->super->dev_blocks;
	dev->groups = dev->blocks / TIERFS_GROUP_BLOCKS;
	dev->group_table = dev->super->group_table << TIERFS_BLOCK_SHIFT;
	dev->desc_table = dev->group_table +
		(tierfs_up(dev->groups * TIERFS_LINE) << TIERFS_BLOCK_SHIFT);
}

static int by_id(const void *a, const void *b)
{
	const struct tierfs_image_dev *x = a, *y = b;
	uint32_t i = x->super ? x->super->dev_id : UINT32_MAX;
	uint32_t j = y->super ? y->super->dev_id : UINT32_MAX;

	if (i == j)
		return x->given < y->given ? -1 : 1;
	return i < j ? -1 : 1;
}

static void order_devs(struct tierfs_image *img)
{
	uint32_t i;

	if (img->nr_devs > 1)
		qsort(img->devs, img->nr_devs, sizeof(img->devs[0]), by_id);
	memset(img->by_id, 0xff, sizeof(img->by_id));
	for (i = 0; i < img->nr_devs && img->devs[i].super; i++) {
		uint16_t id = img->devs[i].super->dev_id;

		img->devs[i].first_bn = img->blocks;
		if (img->by_id[id] != 0xff)
			continue;
		img->by_id[id] = (uint8_t)i;
		img->blocks += img->devs[i].blocks;
	}
	if (img->by_id[0] != 0xff)
		img->super = img->devs[img->by_id[0]].super;
}

int tierfs_image_open(struct tierfs_image *img, const struct tierfs_check_devs *devs,
		      struct tierfs_check_memory *memory)
{
	uint32_t i;

	memset(img, 0, sizeof(*img));
	img->memory = memory;
	if (!devs->nr || devs->nr > TIERFS_IMAGE_DEVS)
		return -EINVAL;
	for (i = 0; i < devs->nr; i++) {
		struct tierfs_image_dev *dev = &img->devs[i];

		if (!devs->devs[i].base || (uintptr_t)devs->devs[i].base % TIERFS_LINE ||
		    devs->devs[i].bytes < 2 * TIERFS_BLOCK)
			return -EINVAL;
		dev->base = devs->devs[i].base;
		dev->bytes = devs->devs[i].bytes;
		dev->given = i;
		read_supers(dev);
	}
	img->nr_devs = devs->nr;
	order_devs(img);
	return 0;
}

const struct tierfs_image_dev *tierfs_image_dev(const struct tierfs_image *img,
						tierfs_place_t place)
{
	uint64_t id = place >> TIERFS_PLACE_DEV_SHIFT;

	if (id >= TIERFS_IMAGE_DEVS || img->by_id[id] == 0xff)
		return NULL;
	return &img->devs[img->by_id[id]];
}

const struct tierfs_image_dev *tierfs_image_dev_of(const struct tierfs_image *img, uint64_t bn)
{
	uint32_t i;

	for (i = 0; i < img->nr_devs && img->devs[i].super; i++) {
		const struct tierfs_image_dev *dev = &img->devs[i];

		if (bn >= dev->first_bn && bn - dev->first_bn < dev->blocks)
			return dev;
	}
	return NULL;
}

/* ---- the overlay ---- */

static uint64_t chunk_of(const struct tierfs_image_dev *dev, uint64_t offset)
{
	return dev->first_bn / TIERFS_CHUNK_BLOCKS + offset / TIERFS_CHUNK;
}

static struct tierfs_image_patch *find_patch(const struct tierfs_image *img, uint64_t chunk)
{
	struct tierfs_image_patch *p = img->patches[chunk % TIERFS_IMAGE_PATCHES];

	while (p && p->chunk != chunk)
		p = p->next;
	return p;
}

static uint32_t block_mask(uint64_t offset, uint64_t bytes)
{
	unsigned int first = offset % TIERFS_CHUNK >> TIERFS_BLOCK_SHIFT;
	unsigned int last = (offset % TIERFS_CHUNK + bytes - 1) >> TIERFS_BLOCK_SHIFT;

	return ((2U << (last - first)) - 1) << first;
}

static void fill_patch(struct tierfs_image_patch *p, const uint8_t *chunk, uint32_t mask)
{
	uint32_t missing = mask & ~p->have;

	p->have |= mask;
	while (missing) {
		unsigned int i = (unsigned int)__builtin_ctz(missing);

		memcpy(p->bytes + i * TIERFS_BLOCK, chunk + i * TIERFS_BLOCK, TIERFS_BLOCK);
		missing &= missing - 1;
	}
}

static const uint8_t *chunk_base(const struct tierfs_image_dev *dev, uint64_t offset)
{
	return dev->base + offset / TIERFS_CHUNK * TIERFS_CHUNK;
}

const void *tierfs_image_at(const struct tierfs_image *img, tierfs_place_t place, uint64_t bytes)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(img, place);
	uint64_t offset = tierfs_image_offset(place);
	struct tierfs_image_patch *p;

	if (!dev || offset % 8 || !bytes || offset < TIERFS_BLOCK ||
	    offset >= dev->blocks << TIERFS_BLOCK_SHIFT ||
	    bytes > TIERFS_CHUNK - offset % TIERFS_CHUNK)
		return NULL;
	p = img->patched ? find_patch(img, chunk_of(dev, offset)) : NULL;
	if (!p || !(p->have & block_mask(offset, bytes)))
		return dev->base + offset;
	fill_patch(p, chunk_base(dev, offset), block_mask(offset, bytes));
	return p->bytes + offset % TIERFS_CHUNK;
}

static struct tierfs_image_patch *make_patch(struct tierfs_image *img, uint64_t chunk)
{
	struct tierfs_image_patch **at = &img->patches[chunk % TIERFS_IMAGE_PATCHES];
	struct tierfs_image_patch *p = tierfs_check_zalloc(img->memory, 1, sizeof(*p));

	if (!p)
		return NULL;
	p->bytes = tierfs_check_alloc(img->memory, TIERFS_CHUNK);
	if (!p->bytes)
		return NULL;
	p->chunk = chunk;
	p->next = *at;
	*at = p;
	img->patched = true;
	return p;
}

int tierfs_image_store(struct tierfs_image *img, tierfs_place_t place, const uint64_t *words,
		       uint32_t n)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(img, place);
	uint64_t offset = tierfs_image_offset(place), chunk = chunk_of(dev, offset);
	struct tierfs_image_patch *p = find_patch(img, chunk);
	uint32_t mask = block_mask(offset, n * 8ULL);

	if (!p)
		p = make_patch(img, chunk);
	if (!p)
		return -ENOMEM;
	fill_patch(p, chunk_base(dev, offset), mask);
	memcpy(p->bytes + offset % TIERFS_CHUNK, words, n * 8ULL);
	p->changed |= mask;
	return 0;
}

/* ---- numbers and words ---- */

uint64_t tierfs_image_bn(const struct tierfs_image *img, tierfs_place_t place)
{
	return tierfs_image_dev(img, place)->first_bn +
		(tierfs_image_offset(place) >> TIERFS_BLOCK_SHIFT);
}

tierfs_place_t tierfs_image_bn_place(const struct tierfs_image *img, uint64_t bn)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev_of(img, bn);

	return dev ? tierfs_image_place(dev, (bn - dev->first_bn) << TIERFS_BLOCK_SHIFT) : 0;
}

uint32_t tierfs_image_run(const struct tierfs_image *img, uint64_t word, tierfs_place_t *place)
{
	uint32_t n = (uint32_t)(word >> TIERFS_WORD_LEN_SHIFT & 1023) + 1;
	const struct tierfs_image_dev *dev;
	uint64_t block = word & TIERFS_WORD_BLOCK;

	*place = tierfs_image_word_place(word);
	dev = tierfs_image_dev(img, *place);
	if (word >> TIERFS_WORD_FORM_SHIFT != TIERFS_FORM_RUN || !dev ||
	    word & (TIERFS_WORD_TIER | TIERFS_WORD_CHANGED | TIERFS_WORD_CODEC) ||
	    n > TIERFS_SLOT_BLOCKS || !block || block >= dev->blocks || n > dev->blocks - block)
		return 0;
	return n;
}

/* ---- what hangs on nothing else ---- */

const uint64_t *tierfs_image_bitmap(const struct tierfs_image *img,
				    const struct tierfs_image_dev *dev, uint64_t group)
{
	if (group >= dev->groups)
		return NULL;
	return tierfs_image_at(img, tierfs_image_place(dev, dev->group_table + group * TIERFS_LINE),
			       TIERFS_LINE);
}

const struct tierfs_group_desc *tierfs_image_desc(const struct tierfs_image *img,
						  const struct tierfs_image_dev *dev,
						  uint64_t group)
{
	const uint64_t bytes = sizeof(struct tierfs_group_desc);

	if (group >= dev->groups)
		return NULL;
	return tierfs_image_at(img, tierfs_image_place(dev, dev->desc_table + group * bytes),
			       bytes);
}

unsigned int tierfs_image_kind(const struct tierfs_image *img, tierfs_place_t place)
{
	uint64_t chunk = tierfs_image_offset(place) / TIERFS_CHUNK;
	unsigned int in_group = chunk % TIERFS_GROUP_CHUNKS;
	const struct tierfs_group_desc *desc;

	desc = tierfs_image_desc(img, tierfs_image_dev(img, place), chunk / TIERFS_GROUP_CHUNKS);
	return desc->kinds[in_group / 16] >> in_group % 16 * 4 & 15;
}

static const void *block_of_first(const struct tierfs_image *img, uint64_t block, uint64_t offset,
				  uint64_t bytes)
{
	if (block > TIERFS_PLACE_OFFSET >> TIERFS_BLOCK_SHIFT)
		return NULL;
	return tierfs_image_at(img, (block << TIERFS_BLOCK_SHIFT) + offset, bytes);
}

const struct tierfs_state *tierfs_image_state(const struct tierfs_image *img)
{
	const struct tierfs_state *s, *best = NULL;
	unsigned int i;

	s = block_of_first(img, img->super->state_block, 0, 2 * sizeof(*s));
	for (i = 0; s && i < 2; i++, s++) {
		if (s->crc == tierfs_crc_tail(s, sizeof(*s)) &&
		    (!best || s->mount > best->mount ||
		     (s->mount == best->mount && s->clean > best->clean)))
			best = s;
	}
	return best;
}

const struct tierfs_root *tierfs_image_root(const struct tierfs_image *img)
{
	return block_of_first(img, img->super->root_block, 0, sizeof(struct tierfs_root));
}

const struct tierfs_log_entry *tierfs_image_log(const struct tierfs_image *img, uint32_t index)
{
	const uint64_t bytes = sizeof(struct tierfs_log_entry);

	if (index >= img->super->log_count)
		return NULL;
	return block_of_first(img, img->super->log_table, index * bytes, bytes);
}

int tierfs_image_log_head(const struct tierfs_log_entry *entry)
{
	int i, best = -1;

	for (i = 0; i < 2; i++) {
		const struct tierfs_log_head *h = &entry->heads[i];

		if (h->crc == tierfs_crc_tail(h, sizeof(*h)) &&
		    (best < 0 || h->generation > entry->heads[best].generation))
			best = i;
	}
	return best;
}
