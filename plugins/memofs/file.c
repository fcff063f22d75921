// SPDX-License-Identifier: BSD-2-Clause
/*
 * Data of files: read, write, space, holes.
 *
 * Called by the core on any thread with the locks of zus/fs.h. Reads and writes inside of
 * i_size take no lock here: a block, once in the map, stays until an exclusive operation takes
 * it away. Bytes behind i_size may be anything (a mapping may have stored there), so
 * whoever moves i_size up zeroes what comes into sight.
 *
 * Copies are plain memcpy: nothing of memofs survives an unmount, so there is nothing to
 * flush, and data that stays in the caches is what the next reader wants. A file system that
 * keeps its data uses zus/pmem.h here.
 */
#include "memofs.h"

#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>
#include <zus/thread.h>

static uint64_t blocks_up(uint64_t bytes)
{
	return (bytes + ZUS_BLOCK_SIZE - 1) >> ZUS_BLOCK_SHIFT;
}

static uint64_t blocks_down(uint64_t bytes)
{
	return bytes >> ZUS_BLOCK_SHIFT;
}

static bool is_aligned(uint64_t bytes)
{
	return !(bytes & (ZUS_BLOCK_SIZE - 1));
}

/* What of the bytes [pos, end) of a file lies in a run of blocks. */
struct part {
	uint8_t *addr;			/* in T1; NULL = hole */
	uint64_t pos;
	uint64_t len;
};

static struct part part_of(const struct memofs_inode *mi, const struct memofs_run *r,
			   uint64_t pos, uint64_t end)
{
	uint64_t first = r->index << ZUS_BLOCK_SHIFT, last = first + (r->n << ZUS_BLOCK_SHIFT);
	struct part p = { .pos = first < pos ? pos : first };

	p.len = (last < end ? last : end) - p.pos;
	if (r->bn)
		p.addr = memofs_block_addr(mi, r->bn) + (p.pos - first);
	return p;
}

static void walk_bytes(struct memofs_walk *w, const struct memofs_inode *mi, uint64_t pos,
		       uint64_t end)
{
	memofs_walk_init(w, mi, blocks_down(pos), blocks_up(end));
}

ssize_t memofs_read(struct zus_ii *ii, struct zus_io *io)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t end = io->pos + io->len;
	struct memofs_walk w;
	struct memofs_run r;

	walk_bytes(&w, mi, io->pos, end);
	while (memofs_walk_next(&w, &r)) {
		struct part p = part_of(mi, &r, io->pos, end);
		uint8_t *dst = (uint8_t *)io->buf + (p.pos - io->pos);

		if (p.addr)
			memcpy(dst, p.addr, p.len);
		else
			memset(dst, 0, p.len);
	}
	return (ssize_t)io->len;
}

/*
 * Gives a hole blocks, or its first ones: those that lie in a row, one at least. They are zeroed
 * before a reader can find them.
 */
static int fill_hole(struct memofs_inode *mi, const struct memofs_run *hole)
{
	uint64_t n, bn, *slots = memofs_map_make(mi, hole->index, &n);

	if (!slots)
		return -ENOMEM;
	n = memofs_blocks_alloc(memofs_sb_of_inode(mi), n < hole->n ? n : hole->n, &bn);
	if (!n)
		return -ENOSPC;
	memset(memofs_block_addr(mi, bn), 0, n << ZUS_BLOCK_SHIFT);
	memofs_map_fill(mi, slots, bn, n);
	return 0;
}

/* The next run of a walk that fills the holes it meets. 1, 0 at the end, or -errno. */
static int next_filled(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r)
{
	int err;

	while (memofs_walk_next(w, r)) {
		if (r->bn)
			return 1;
		err = fill_hole(mi, r);
		if (err)
			return err;
		/* once more: somebody may have been faster */
		memofs_walk_init(w, mi, r->index, w->end);
	}
	return 0;
}

/* Zeroes what is there of a range of bytes. */
static void zero_bytes(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	struct memofs_walk w;
	struct memofs_run r;

	walk_bytes(&w, mi, pos, end);
	while (memofs_walk_next(&w, &r)) {
		struct part p = part_of(mi, &r, pos, end);

		if (p.addr)
			memset(p.addr, 0, p.len);
	}
}

/* Zeroes from the end of the file to the end of its last block or to `end`. */
static void zero_tail(struct memofs_inode *mi, uint64_t size, uint64_t end)
{
	uint64_t stop = blocks_up(size) << ZUS_BLOCK_SHIFT;

	if (size < stop && size < end)
		zero_bytes(mi, size, end < stop ? end : stop);
}

static int check_range(uint64_t pos, uint64_t len)
{
	return pos > MEMOFS_MAX_BYTES || len > MEMOFS_MAX_BYTES - pos ? -EFBIG : 0;
}

ssize_t memofs_write(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), done = 0;
	int more, err = check_range(io->pos, io->len);
	struct memofs_walk w;
	struct memofs_run r;

	if (err)
		return err;
	zero_tail(mi, size, io->pos);
	walk_bytes(&w, mi, io->pos, io->pos + io->len);
	while ((more = next_filled(&w, mi, &r)) > 0) {
		struct part p = part_of(mi, &r, io->pos, io->pos + io->len);

		memcpy(p.addr, (const uint8_t *)io->buf + done, p.len);
		done += p.len;
	}
	if (!done)
		return more;
	if (io->pos + done > size)
		memofs_set_size(mi, io->pos + done);
	return (ssize_t)done;
}

/*
 * The other way of I/O: the kernel copies, we say where. A block of a file stays where it is
 * until an exclusive operation, so there is nothing to keep in place, no put to wait for, and
 * nothing that a put of new blocks would have to finish.
 */
static int get_for_write(struct memofs_inode *mi, struct zus_blocks *b)
{
	uint64_t index = blocks_down(b->pos);
	int more, err = check_range(b->pos, b->len);
	struct memofs_walk w;
	struct memofs_run r;

	if (err)
		return err;
	zero_tail(mi, zus_zi_size(mi->ii.zi), b->pos);
	memofs_walk_init(&w, mi, index, index + b->max);
	while ((more = next_filled(&w, mi, &r)) > 0)
		zus_blocks_add_run(b, r.bn, (uint32_t)r.n);
	return b->n ? 0 : more;
}

int memofs_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t index = blocks_down(b->pos);
	struct memofs_walk w;
	struct memofs_run r;

	if (b->rw & ZUFS_RW_WRITE)
		return get_for_write(mi, b);
	memofs_walk_init(&w, mi, index, index + b->max);
	while (memofs_walk_next(&w, &r))
		zus_blocks_add_run(b, r.bn, (uint32_t)r.n);
	return 0;
}

int memofs_truncate(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t old = zus_zi_size(ii->zi);
	int err = check_range(io->pos, 0);

	if (!S_ISREG(mi->type))
		return -EINVAL;
	if (err)
		return err;
	if (io->pos > old) {
		zero_tail(mi, old, io->pos);
		memofs_set_size(mi, io->pos);
		return 0;
	}
	memofs_set_size(mi, io->pos);
	zero_tail(mi, io->pos, UINT64_MAX);
	memofs_map_drop(mi, blocks_up(io->pos), UINT64_MAX);
	return 0;
}

/* ---- fallocate ---- */

/* Reads as zeros afterwards; blocks that lie in the range as a whole are freed. */
static int punch(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t first = blocks_up(pos), last = blocks_down(end);

	if (first > last) {
		zero_bytes(mi, pos, end);
		return 0;
	}
	zero_bytes(mi, pos, first << ZUS_BLOCK_SHIFT);
	zero_bytes(mi, last << ZUS_BLOCK_SHIFT, end);
	memofs_map_drop(mi, first, last);
	return 0;
}

/* Whole blocks go, what lies behind moves up; the end of the file is no part of it. */
static int collapse(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t size = zus_zi_size(mi->ii.zi);
	int err;

	if (!is_aligned(pos) || !is_aligned(end) || end >= size)
		return -EINVAL;
	err = memofs_map_shift(mi, blocks_down(pos), -(int64_t)blocks_down(end - pos));
	if (!err)
		memofs_set_size(mi, size - (end - pos));
	return err;
}

/* A hole of whole blocks, what lies behind moves on. */
static int insert(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t size = zus_zi_size(mi->ii.zi);
	int err;

	if (!is_aligned(pos) || !is_aligned(end) || pos >= size)
		return -EINVAL;
	err = check_range(size, end - pos);
	if (!err)
		err = memofs_map_shift(mi, blocks_down(pos), (int64_t)blocks_down(end - pos));
	if (!err)
		memofs_set_size(mi, size + (end - pos));
	return err;
}

/* Gives every block of the range memory; with `zero` the range reads as zeros. */
static int reserve(struct memofs_inode *mi, uint64_t pos, uint64_t end, bool zero)
{
	struct memofs_walk w;
	struct memofs_run r;
	int more;

	walk_bytes(&w, mi, pos, end);
	while ((more = next_filled(&w, mi, &r)) > 0) {
		struct part p = part_of(mi, &r, pos, end);

		if (zus_signal_pending())
			return -EINTR;
		if (zero)
			memset(p.addr, 0, p.len);
	}
	return more;
}

/* True if the range cannot fit whatever of it is there already. */
static bool is_hopeless(const struct memofs_inode *mi, uint64_t len)
{
	return blocks_down(len) > le64toh(mi->ii.zi->i_blocks) +
		memofs_blocks_left(memofs_sb_of_inode(mi));
}

/* Memory for a range, and the end of the file behind it unless told to keep that. */
static int allocate(struct memofs_inode *mi, uint64_t pos, uint64_t end, uint32_t mode)
{
	uint64_t size = zus_zi_size(mi->ii.zi);
	bool may_grow = !(mode & FALLOC_FL_KEEP_SIZE);
	int err;

	if (is_hopeless(mi, end - pos))
		return -ENOSPC;
	if (may_grow)
		zero_tail(mi, size, end);
	err = reserve(mi, pos, end, mode & FALLOC_FL_ZERO_RANGE);
	if (!err && may_grow && end > size)
		memofs_set_size(mi, end);
	return err;
}

int memofs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t end = io->pos + io->len;
	int err = check_range(io->pos, io->len);

	if (err)
		return err;
	if (!S_ISREG(mi->type))
		return -EINVAL;
	switch (mode) {
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
		return punch(mi, io->pos, end);
	case FALLOC_FL_COLLAPSE_RANGE:
		return collapse(mi, io->pos, end);
	case FALLOC_FL_INSERT_RANGE:
		return insert(mi, io->pos, end);
	}
	switch (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE) {
	case 0:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_UNSHARE_RANGE:	/* nothing is ever shared */
		return allocate(mi, io->pos, end, mode);
	}
	return -EOPNOTSUPP;
}

/* ---- where the data is ---- */

int memofs_seek(struct zus_ii *ii, int whence, uint64_t *offset)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), pos = size;
	struct memofs_walk w;
	struct memofs_run r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (*offset >= size)
		return -ENXIO;
	walk_bytes(&w, mi, *offset, size);
	while (memofs_walk_next(&w, &r)) {
		if ((whence == SEEK_DATA) == (r.bn != 0)) {
			pos = r.index << ZUS_BLOCK_SHIFT;
			break;
		}
	}
	if (pos == size && whence == SEEK_DATA)
		return -ENXIO;
	if (pos > *offset)
		*offset = pos;
	return 0;
}

static bool add_extent(struct zus_fiemap *map, const struct memofs_run *r, uint32_t flags)
{
	return zus_fiemap_add(map, r->index << ZUS_BLOCK_SHIFT, r->bn << ZUS_BLOCK_SHIFT,
			      r->n << ZUS_BLOCK_SHIFT, flags);
}

/* Runs that go on in the next leaf are one extent; an extent is told when the next one is known. */
int memofs_fiemap(struct zus_ii *ii, struct zus_fiemap *map)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	struct memofs_run r, extent = { .n = 0 };
	uint64_t end = MEMOFS_MAX_BYTES;
	struct memofs_walk w;

	if (map->start < end && map->length < end - map->start)
		end = map->start + map->length;
	walk_bytes(&w, mi, map->start, MEMOFS_MAX_BYTES);
	while (memofs_walk_next(&w, &r)) {
		if (!r.bn)
			continue;
		if (extent.n && r.index == extent.index + extent.n &&
		    r.bn == extent.bn + extent.n) {
			extent.n += r.n;
			continue;
		}
		if (extent.n && !add_extent(map, &extent, 0))
			return 0;
		extent = r;
		if (r.index >= blocks_up(end))
			return 0;
	}
	if (extent.n)
		add_extent(map, &extent, FIEMAP_EXTENT_LAST);
	return 0;
}
