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

/* A piece of a file that lies in one block. */
struct piece {
	uint64_t index;
	uint32_t offset;		/* in the block */
	uint32_t len;
};

static struct piece piece_at(uint64_t pos, uint64_t len)
{
	struct piece p = {
		.index = pos >> ZUS_BLOCK_SHIFT,
		.offset = (uint32_t)(pos & (ZUS_BLOCK_SIZE - 1)),
	};
	uint64_t room = ZUS_BLOCK_SIZE - p.offset;

	p.len = (uint32_t)(len < room ? len : room);
	return p;
}

static uint64_t blocks_up(uint64_t bytes)
{
	return (bytes + ZUS_BLOCK_SIZE - 1) >> ZUS_BLOCK_SHIFT;
}

ssize_t memofs_read(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t done = 0;

	while (done < io->len) {
		struct piece p = piece_at(io->pos + done, io->len - done);
		uint64_t bn = memofs_map_get(mi, p.index);
		uint8_t *dst = (uint8_t *)io->buf + done;

		if (bn)
			memcpy(dst, memofs_block_addr(mi, bn) + p.offset, p.len);
		else
			memset(dst, 0, p.len);
		done += p.len;
	}
	return (ssize_t)done;
}

/*
 * Gives a hole a block that holds `src` in the piece (NULL: zeros) and zeros around it. It is
 * complete before a reader can find it. *bn is the block of somebody faster if there was one,
 * and false in *is_mine then.
 */
static int fill_hole(struct memofs_inode *mi, const struct piece *p, const void *src,
		     uint64_t *bn, bool *is_mine)
{
	uint64_t *slot = memofs_map_make(mi, p->index);
	uint8_t *addr;

	if (!slot)
		return -ENOMEM;
	*bn = memofs_block_alloc(memofs_sb_of_inode(mi));
	if (!*bn)
		return -ENOSPC;
	addr = memofs_block_addr(mi, *bn);
	memset(addr, 0, src ? p->offset : ZUS_BLOCK_SIZE);
	if (src) {
		memcpy(addr + p->offset, src, p->len);
		memset(addr + p->offset + p->len, 0, ZUS_BLOCK_SIZE - p->offset - p->len);
	}
	*is_mine = memofs_map_set(mi, slot, bn);
	return 0;
}

static int write_piece(struct memofs_inode *mi, const struct piece *p, const void *src,
		       uint32_t *ret_flags)
{
	uint64_t bn = memofs_map_get(mi, p->index);
	bool is_mine = false;
	int err;

	if (!bn) {
		err = fill_hole(mi, p, src, &bn, &is_mine);
		if (err)
			return err;
		*ret_flags |= ZUFS_RET_NEW;
	}
	if (!is_mine)
		memcpy(memofs_block_addr(mi, bn) + p->offset, src, p->len);
	return 0;
}

/* Zeroes what is there of a piece of a file. */
static void zero_piece(struct memofs_inode *mi, const struct piece *p)
{
	uint64_t bn = memofs_map_get(mi, p->index);

	if (bn)
		memset(memofs_block_addr(mi, bn) + p->offset, 0, p->len);
}

/* Zeroes from the end of the file to the end of its last block or to `end`. */
static void zero_tail(struct memofs_inode *mi, uint64_t size, uint64_t end)
{
	struct piece p;

	if (!(size & (ZUS_BLOCK_SIZE - 1)) || end <= size)
		return;
	p = piece_at(size, end - size);
	zero_piece(mi, &p);
}

static int check_range(uint64_t pos, uint64_t len)
{
	return pos > MEMOFS_MAX_BYTES || len > MEMOFS_MAX_BYTES - pos ? -EFBIG : 0;
}

ssize_t memofs_write(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), done = 0;
	int err = check_range(io->pos, io->len);

	if (err)
		return err;
	zero_tail(mi, size, io->pos);
	while (done < io->len) {
		struct piece p = piece_at(io->pos + done, io->len - done);

		err = write_piece(mi, &p, (const uint8_t *)io->buf + done, &io->ret_flags);
		if (err)
			break;
		done += p.len;
	}
	if (!done)
		return err;
	if (io->pos + done > size)
		memofs_set_size(mi, io->pos + done);
	return (ssize_t)done;
}

/*
 * The other way of I/O: the kernel copies, we say where. A block of a file stays where it is
 * until an exclusive operation, so there is nothing to keep in place and no put to wait for.
 * New blocks are zeroed whole: a reader may come before the kernel has copied.
 */
int memofs_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t index = b->pos >> ZUS_BLOCK_SHIFT, bn;
	bool is_write = b->rw & ZUFS_RW_WRITE, is_mine;
	int err = is_write ? check_range(b->pos, b->len) : 0;

	if (!err && is_write)
		zero_tail(mi, zus_zi_size(ii->zi), b->pos);
	while (!err && b->n < b->max) {
		struct piece p = { .index = index++, .len = ZUS_BLOCK_SIZE };

		bn = memofs_map_get(mi, p.index);
		if (!bn && is_write)
			err = fill_hole(mi, &p, NULL, &bn, &is_mine);
		if (!err)
			zus_blocks_add(b, bn);
	}
	return b->n ? 0 : err;
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

/* Reads as zeros afterwards; blocks that lie in the range as a whole are freed. */
static void punch(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t first = blocks_up(pos), last = end >> ZUS_BLOCK_SHIFT;
	struct piece p = piece_at(pos, end - pos);

	if (p.offset || p.len < ZUS_BLOCK_SIZE)
		zero_piece(mi, &p);
	if (last >= first) {
		p = piece_at(last << ZUS_BLOCK_SHIFT, end & (ZUS_BLOCK_SIZE - 1));
		zero_piece(mi, &p);
		memofs_map_drop(mi, first, last);
	}
}

/* Gives every block of the range memory; with `zero` the range reads as zeros. */
static int reserve(struct memofs_inode *mi, uint64_t pos, uint64_t end, bool zero)
{
	uint64_t bn;
	bool is_mine;
	int err = 0;

	while (!err && pos < end) {
		struct piece p = piece_at(pos, end - pos);

		if (zus_signal_pending())
			return -EINTR;
		if (!memofs_map_get(mi, p.index))
			err = fill_hole(mi, &p, NULL, &bn, &is_mine);
		else if (zero)
			zero_piece(mi, &p);
		pos += p.len;
	}
	return err;
}

/* True if the range cannot fit whatever of it is there already. */
static bool is_hopeless(const struct memofs_inode *mi, uint64_t len)
{
	return len >> ZUS_BLOCK_SHIFT > le64toh(mi->ii.zi->i_blocks) +
		memofs_blocks_free(memofs_sb_of_inode(mi));
}

int memofs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), end = io->pos + io->len;
	int err = check_range(io->pos, io->len);

	if (err)
		return err;
	if (!S_ISREG(mi->type))
		return -EINVAL;
	switch (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE) {
	case FALLOC_FL_PUNCH_HOLE:
		punch(mi, io->pos, end);
		return 0;
	case 0:
	case FALLOC_FL_ZERO_RANGE:
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (is_hopeless(mi, io->len))
		return -ENOSPC;
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		zero_tail(mi, size, end);
	err = reserve(mi, io->pos, end, mode & FALLOC_FL_ZERO_RANGE);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		memofs_set_size(mi, end);
	return err;
}

int memofs_seek(struct zus_ii *ii, int whence, uint64_t *offset)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), index, end = blocks_up(size), pos;

	if (*offset >= size)
		return -ENXIO;
	index = *offset >> ZUS_BLOCK_SHIFT;
	if (whence == SEEK_DATA) {
		index = memofs_map_next_data(mi, index, end);
		if (index >= end)
			return -ENXIO;
	} else if (whence == SEEK_HOLE) {
		index = memofs_map_next_hole(mi, index, end);
	} else {
		return -EINVAL;
	}
	pos = index << ZUS_BLOCK_SHIFT;
	if (pos > *offset)
		*offset = pos < size ? pos : size;
	return 0;
}

/* The end of the run of blocks from `index` on that lie in a row in T1. */
static uint64_t run_end(const struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	uint64_t first = index, bn = memofs_map_get(mi, index);

	while (++index < end && memofs_map_get(mi, index) == bn + (index - first))
		;
	return index;
}

int memofs_fiemap(struct zus_ii *ii, struct zus_fiemap *map)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t eof = MEMOFS_MAX_BYTES >> ZUS_BLOCK_SHIFT;
	uint64_t index = map->start >> ZUS_BLOCK_SHIFT, end = eof;

	if (map->start < MEMOFS_MAX_BYTES && map->length < MEMOFS_MAX_BYTES - map->start)
		end = blocks_up(map->start + map->length);
	index = memofs_map_next_data(mi, index, end);
	while (index < end) {
		uint64_t stop = run_end(mi, index, eof);
		uint64_t next = memofs_map_next_data(mi, stop, eof);

		if (!zus_fiemap_add(map, index << ZUS_BLOCK_SHIFT,
				    memofs_map_get(mi, index) << ZUS_BLOCK_SHIFT,
				    (stop - index) << ZUS_BLOCK_SHIFT,
				    next == eof ? FIEMAP_EXTENT_LAST : 0))
			break;
		index = next;
	}
	return 0;
}
