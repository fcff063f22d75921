// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: makes an image in mapped memory. Called by mkfs.tierfs and by tests, never by the plugin.
 *
 *	device 0	table, super, state, root, table of logs, group table |
 *			logs | cells of orphans | inodes
 *	others		table, super, group table
 *	every one	... and its last block, the second super-block
 *
 * A bar is the beginning of a chunk. The super-blocks are destroyed first and written last, that of
 * device 0 after all others: what a cut leaves in between is refused by every mount. Media are
 * little endian, and so are the machines that tierfs runs on.
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define GROUP_BYTES		((uint64_t)TIERFS_GROUP_BLOCKS * TIERFS_BLOCK)
#define MIN_BYTES		((uint64_t)4 << 20)	/* of device 0 */
#define STATE_BLOCK		2U
#define ROOT_BLOCK		3U
#define LOG_TABLE		4U

#define LOGS_MIN		4U
#define LOGS_MAX		64U
#define LOGS_PER_BLOCK		(TIERFS_BLOCK / sizeof(struct tierfs_log_entry))
#define LOGS_SMALL_BYTES	((uint64_t)64 << 20)	/* a smaller device has one block of them */
#define LOG_BYTES_MIN		(16U << 10)
#define LOG_BYTES_MAX		(256U << 10)	/* of each: 16 MiB together */

#define KIND_BITS		4U
#define KINDS_PER_WORD		16U

/* Where things are on device 0, in blocks; the areas are whole chunks. */
struct plan {
	const struct tierfs_format *f;
	uint32_t nr_logs;
	uint32_t log_bytes;		/* of each */
	uint32_t log_table_blocks;
	uint64_t fixed;			/* end of the tables */
	uint64_t cells;			/* chunks with a page for each log; the logs end here */
	uint64_t inodes;		/* chunk 0 */
	uint64_t end;
};

static uint64_t up_to(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static void *block_of(const struct tierfs_format_dev *d, uint64_t block)
{
	return d->base + (block << TIERFS_BLOCK_SHIFT);
}

static uint64_t last_block(const struct tierfs_format_dev *d)
{
	return (d->bytes >> TIERFS_BLOCK_SHIFT) - 1;
}

/* On device 0: its number is 0. */
static tierfs_place_t place_of(uint64_t block)
{
	return block << TIERFS_BLOCK_SHIFT;
}

static void persist(const struct tierfs_format *f, const void *addr, uint64_t bytes)
{
	if (f->persist)
		f->persist(addr, bytes);
}

/* Zeros that must be there, unless the devices came so. */
static void clear(const struct tierfs_format *f, void *addr, uint64_t bytes)
{
	if (!f->zeroed)
		memset(addr, 0, bytes);
}

/* ---- sizes ---- */

static uint64_t groups_of(const struct tierfs_format_dev *d)
{
	return d->bytes / GROUP_BYTES;
}

/* Blocks of the bitmaps, which the descriptors follow. */
static uint64_t bitmap_blocks(const struct tierfs_format_dev *d)
{
	return tierfs_up(groups_of(d) * (TIERFS_GROUP_BLOCKS / 8));
}

static uint64_t group_blocks(const struct tierfs_format_dev *d)
{
	return bitmap_blocks(d) + tierfs_up(groups_of(d) * sizeof(struct tierfs_group_desc));
}

static int check_sizes(const struct tierfs_format *f)
{
	uint32_t i;

	if (f->nr_devs > TIERFS_MAX_DEVS)
		return -E2BIG;
	if (!f->nr_devs || f->devs[0].bytes < MIN_BYTES)
		return -EINVAL;
	for (i = 0; i < f->nr_devs; i++) {
		if (!f->devs[i].bytes || f->devs[i].bytes % GROUP_BYTES ||
		    f->devs[i].bytes > TIERFS_PLACE_OFFSET)
			return -EINVAL;
	}
	return 0;
}

/* By all of T1; but a small first device, which has them all, is not filled with logs. */
static void plan_logs(struct plan *p)
{
	uint64_t budget = p->f->devs[0].bytes / 16, sum = 0, max = LOGS_MAX, bytes;
	uint32_t i;

	for (i = 0; i < p->f->nr_devs; i++)
		sum += p->f->devs[i].bytes;
	budget = tierfs_min(budget, sum / 64);
	if (p->f->devs[0].bytes < LOGS_SMALL_BYTES)
		max = LOGS_PER_BLOCK;
	p->nr_logs = (uint32_t)tierfs_max(tierfs_min(budget / TIERFS_CHUNK, max), LOGS_MIN);
	bytes = budget / p->nr_logs;
	bytes -= bytes % (bytes > TIERFS_CHUNK ? TIERFS_CHUNK : TIERFS_BLOCK);
	bytes = tierfs_max(tierfs_min(bytes, LOG_BYTES_MAX), LOG_BYTES_MIN);
	p->log_bytes = (uint32_t)bytes;
	p->log_table_blocks = (uint32_t)(max / LOGS_PER_BLOCK);
}

static void plan_init(struct plan *p, const struct tierfs_format *f)
{
	uint64_t logs, chunks;

	*p = (struct plan){ .f = f };
	plan_logs(p);
	p->fixed = up_to(LOG_TABLE + p->log_table_blocks + group_blocks(&f->devs[0]),
			 TIERFS_CHUNK_BLOCKS);
	logs = tierfs_up((uint64_t)p->nr_logs * p->log_bytes);
	p->cells = p->fixed + up_to(logs, TIERFS_CHUNK_BLOCKS);
	chunks = (p->nr_logs + TIERFS_CHUNK_PAGES - 1) / TIERFS_CHUNK_PAGES;
	p->inodes = p->cells + chunks * TIERFS_CHUNK_BLOCKS;
	p->end = p->inodes + TIERFS_CHUNK_BLOCKS;
}

static uint64_t group_table(const struct plan *p, uint32_t dev)
{
	return dev ? TIERFS_SUPER_BLOCK + 1 : LOG_TABLE + p->log_table_blocks;
}

/* ---- groups ---- */

static uint64_t *bitmap_of(const struct plan *p, uint32_t dev, uint64_t group)
{
	const struct tierfs_format_dev *d = &p->f->devs[dev];

	return (uint64_t *)block_of(d, group_table(p, dev)) + group * TIERFS_GROUP_BLOCKS / 64;
}

static struct tierfs_group_desc *desc_of(const struct plan *p, uint32_t dev, uint64_t group)
{
	const struct tierfs_format_dev *d = &p->f->devs[dev];

	return (struct tierfs_group_desc *)block_of(d, group_table(p, dev) + bitmap_blocks(d)) +
		group;
}

/* The chunk with this block is used, all of it, for things of this kind. */
static void mark_chunk(const struct plan *p, uint32_t dev, uint64_t block, enum tierfs_kind kind)
{
	uint64_t group = block / TIERFS_GROUP_BLOCKS;
	uint64_t *bitmap = bitmap_of(p, dev, group);
	struct tierfs_group_desc *desc = desc_of(p, dev, group);
	unsigned int in_group = (unsigned int)(block % TIERFS_GROUP_BLOCKS);
	unsigned int chunk = in_group / TIERFS_CHUNK_BLOCKS;
	uint32_t crc;

	bitmap[in_group / 64] |= (uint64_t)0xffff << (chunk * TIERFS_CHUNK_BLOCKS % 64);
	desc->kinds[chunk / KINDS_PER_WORD] |=
		(uint64_t)kind << (chunk % KINDS_PER_WORD * KIND_BITS);
	desc->used = (uint16_t)(desc->used + TIERFS_CHUNK_BLOCKS);
	crc = tierfs_crc(0, bitmap, TIERFS_GROUP_BLOCKS / 8);
	desc->crc = tierfs_crc(crc, desc->kinds, sizeof(desc->kinds));
}

/* The chunks from that of block `first` to before `end`. */
static void mark(const struct plan *p, uint32_t dev, uint64_t first, uint64_t end,
		 enum tierfs_kind kind)
{
	uint64_t block;

	for (block = first - first % TIERFS_CHUNK_BLOCKS; block < end;
	     block += TIERFS_CHUNK_BLOCKS)
		mark_chunk(p, dev, block, kind);
}

static void write_groups(const struct plan *p, uint32_t dev)
{
	const struct tierfs_format_dev *d = &p->f->devs[dev];
	uint64_t table = group_table(p, dev), n = group_blocks(d), last = last_block(d);
	uint64_t end = table + n;

	clear(p->f, block_of(d, table), n << TIERFS_BLOCK_SHIFT);
	mark(p, dev, 0, end, TIERFS_KIND_FIXED);
	if (!dev) {
		mark(p, dev, p->fixed, p->cells, TIERFS_KIND_LOG);
		mark(p, dev, p->cells, p->inodes, TIERFS_KIND_PAGES);
		mark(p, dev, p->inodes, p->end, TIERFS_KIND_INODES);
	}
	/* the chunk of the second super-block */
	mark(p, dev, last, last + 1, TIERFS_KIND_FIXED);
	persist(p->f, block_of(d, table), n << TIERFS_BLOCK_SHIFT);
}

/* ---- what device 0 has ---- */

static uint64_t cells_block(const struct plan *p, uint32_t log)
{
	return p->cells + log / TIERFS_CHUNK_PAGES * TIERFS_CHUNK_BLOCKS + 1 +
		log % TIERFS_CHUNK_PAGES;
}

static void log_head_init(struct tierfs_log_head *head)
{
	head->sequence = 1;		/* the number of the mount, 0, stands above it */
	head->generation = 1;
	head->crc = tierfs_crc_tail(head, sizeof(*head));
}

static void log_entry_init(const struct plan *p, struct tierfs_log_entry *e, uint32_t log)
{
	e->place = place_of(p->fixed) + (uint64_t)log * p->log_bytes;
	e->bytes = p->log_bytes;
	e->orphans = place_of(cells_block(p, log));
	e->crc = tierfs_crc_tail(e, offsetof(struct tierfs_log_entry, heads));
	log_head_init(&e->heads[0]);
}

static void write_logs(const struct plan *p)
{
	const struct tierfs_format_dev *d = &p->f->devs[0];
	struct tierfs_log_entry *table = block_of(d, LOG_TABLE);
	uint64_t bytes = (p->cells - p->fixed) << TIERFS_BLOCK_SHIFT;
	uint64_t table_bytes = (uint64_t)p->log_table_blocks << TIERFS_BLOCK_SHIFT;
	uint32_t i;

	clear(p->f, block_of(d, p->fixed), bytes);
	persist(p->f, block_of(d, p->fixed), bytes);
	clear(p->f, table, table_bytes);
	for (i = 0; i < p->nr_logs; i++)
		log_entry_init(p, &table[i], i);
	persist(p->f, table, table_bytes);
}

static void chunk_init(struct tierfs_chunk *c, enum tierfs_kind kind, uint32_t object_bytes,
		       uint32_t used)
{
	c->kind = (uint16_t)kind;
	c->object_bytes = object_bytes;
	c->used = (uint16_t)used;
	c->bits[0] = ((uint64_t)1 << used) - 1;
	c->crc = tierfs_crc_head(c, sizeof(*c));
}

/* Their CRCs stay 0: a page of cells has none. */
static void write_cells(const struct plan *p)
{
	const struct tierfs_format_dev *d = &p->f->devs[0];
	uint64_t block, bytes = (p->inodes - p->cells) << TIERFS_BLOCK_SHIFT;
	uint32_t left = p->nr_logs, n;

	clear(p->f, block_of(d, p->cells), bytes);
	for (block = p->cells; block < p->inodes; block += TIERFS_CHUNK_BLOCKS, left -= n) {
		n = (uint32_t)tierfs_min(left, TIERFS_CHUNK_PAGES);
		chunk_init(block_of(d, block), TIERFS_KIND_PAGES, TIERFS_BLOCK, n);
	}
	persist(p->f, block_of(d, p->cells), bytes);
}

static void root_dir_init(const struct tierfs_format *f, struct tierfs_inode *rec)
{
	rec->version = 1;
	rec->mode = (uint16_t)(S_IFDIR | (f->mode & 07777));
	rec->uid = f->uid;
	rec->gid = f->gid;
	rec->nlink = 2;
	rec->size = TIERFS_DIR_HEAD_UNITS * TIERFS_UNIT;
	rec->atime = rec->mtime = rec->ctime = rec->btime = f->now_ns;
	rec->generation = f->generation;
	rec->changes = 1;
	rec->parent = TIERFS_ROOT_INO;
	rec->crc = tierfs_crc_head(rec, sizeof(*rec));
}

/* Slot 0 is used and is no inode. */
static void write_inodes(const struct plan *p)
{
	uint8_t *chunk = block_of(&p->f->devs[0], p->inodes);

	clear(p->f, chunk, TIERFS_CHUNK);
	chunk_init((struct tierfs_chunk *)chunk, TIERFS_KIND_INODES, TIERFS_INODE_SLOT,
		   TIERFS_ROOT_INO + 1);
	root_dir_init(p->f, (struct tierfs_inode *)(chunk + TIERFS_CHUNK_HEAD +
						    TIERFS_ROOT_INO * TIERFS_INODE_SLOT));
	persist(p->f, chunk, TIERFS_CHUNK);
}

static void write_state(const struct plan *p)
{
	struct tierfs_state *state = block_of(&p->f->devs[0], STATE_BLOCK);
	struct tierfs_root *root = block_of(&p->f->devs[0], ROOT_BLOCK);

	clear(p->f, state, TIERFS_BLOCK);
	state->clean = 1;
	state->inodes = 1;
	state->crc = tierfs_crc_tail(state, sizeof(*state));
	clear(p->f, root, TIERFS_BLOCK);
	root->chunks = place_of(p->inodes);
	root->nr_chunks = 1;
	root->crc = tierfs_crc_head(root, sizeof(*root));
	persist(p->f, state, (uint64_t)(ROOT_BLOCK + 1 - STATE_BLOCK) << TIERFS_BLOCK_SHIFT);
}

/* ---- super-blocks ---- */

static void super_init_first(const struct plan *p, struct tierfs_super *s)
{
	const struct tierfs_format *f = p->f;

	s->state_block = STATE_BLOCK;
	s->root_block = ROOT_BLOCK;
	s->log_table = LOG_TABLE;
	s->log_secret = f->log_secret;
	s->hash_seed[0] = f->hash_seed[0];
	s->hash_seed[1] = f->hash_seed[1];
	s->created_ns = f->now_ns;
	s->errors = f->errors;
	memcpy(s->label, f->label, sizeof(s->label));
}

static void super_init(const struct plan *p, struct tierfs_super *s, uint32_t dev)
{
	const struct tierfs_format_dev *d = &p->f->devs[dev];

	memset(s, 0, sizeof(*s));
	s->magic = TIERFS_MAGIC;
	s->sequence = 1;
	s->incompat = TIERFS_INCOMPAT_BASE;
	memcpy(s->set_uuid, p->f->set_uuid, sizeof(s->set_uuid));
	memcpy(s->dev_uuid, d->uuid, sizeof(s->dev_uuid));
	s->dev_id = (uint16_t)dev;
	s->dev_count = (uint16_t)p->f->nr_devs;
	s->inode_slot = TIERFS_INODE_SLOT;
	s->log_count = (uint16_t)p->nr_logs;
	s->dev_blocks = d->bytes >> TIERFS_BLOCK_SHIFT;
	s->group_table = group_table(p, dev);
	if (!dev)
		super_init_first(p, s);
	s->crc = tierfs_crc(0, s, sizeof(*s));
}

static void write_super_at(const struct plan *p, uint32_t dev, uint64_t block,
			   const struct tierfs_super *s)
{
	void *at = block_of(&p->f->devs[dev], block);

	memcpy(at, s, sizeof(*s));
	persist(p->f, at, sizeof(*s));
}

static void write_supers(const struct plan *p)
{
	struct tierfs_super s;
	uint32_t dev;

	for (dev = p->f->nr_devs; dev-- > 0; ) {
		super_init(p, &s, dev);
		write_super_at(p, dev, last_block(&p->f->devs[dev]), &s);
		write_super_at(p, dev, TIERFS_SUPER_BLOCK, &s);
	}
}

static void destroy_supers(const struct plan *p)
{
	static const struct tierfs_super none;
	uint32_t dev;

	for (dev = 0; dev < p->f->nr_devs && !p->f->zeroed; dev++) {
		write_super_at(p, dev, TIERFS_SUPER_BLOCK, &none);
		write_super_at(p, dev, last_block(&p->f->devs[dev]), &none);
	}
}

int tierfs_format(const struct tierfs_format *f)
{
	int err = check_sizes(f);
	struct plan p;
	uint32_t dev;

	if (err)
		return err;
	plan_init(&p, f);
	destroy_supers(&p);
	for (dev = 0; dev < f->nr_devs; dev++)
		write_groups(&p, dev);
	write_logs(&p);
	write_cells(&p);
	write_inodes(&p);
	write_state(&p);
	write_supers(&p);
	return 0;
}
