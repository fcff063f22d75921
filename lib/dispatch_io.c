// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch of data operations: read, write, blocks, space, seek, fiemap, clone, sync.
 *
 * Called by dispatch.c with a message of at least the operation's size. READ, WRITE,
 * GET_MULTY and PUT_MULTY are the hot path: no allocation, no lock, no log. What the plugin says is
 * bounded before the kernel sees it: bytes done <= bytes wanted, words <= room.
 */
#include <errno.h>
#include "internal.h"

#define LARGE_PAGE	512		/* blocks that zus_blocks_set_large() speaks of */

/* The part of a message from iom_e on that is ours to fill. */
static uint32_t iom_room(const struct zus_op *op)
{
	size_t room = op->room;

	if (room > UINT16_MAX)
		room = UINT16_MAX;
	return (uint32_t)(room - offsetof(struct zufs_ioc_IO, iom_e)) / sizeof(uint64_t);
}

static void io_init(struct zus_io *io, const struct zus_op *op, void *buf)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;

	*io = (struct zus_io){
		.buf = buf,
		.pos = ioc->filepos,
		.len = ioc->hdr.len,
		.rw = ioc->rw,
		.internal = { .msg = ioc, .iom_room = iom_room(op) },
	};
}

/* A retry must have a list; everything else ends the story of an earlier list. */
static int io_end(struct zufs_ioc_IO *ioc, int err)
{
	if (err == -EZUFS_RETRY)
		return ioc->ziom.iomb && ioc->ziom.iom_n ? err : -EIO;
	ioc->ziom.iomb = 0;
	ioc->ret_flags &= ~(uint32_t)(ZUFS_RET_IOM_FLUSH | ZUFS_RET_IOM_FUA);
	return err;
}

static int do_rw(struct zus_op *op, ssize_t (*fn)(struct zus_ii *, struct zus_io *))
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;
	void *buf = zus_op_window(op);
	struct zus_io io;
	ssize_t n;

	if (!fn)
		return -EOPNOTSUPP;
	if (!buf)
		return -EINVAL;
	io_init(&io, op, buf);
	n = fn(zus_ii_of(ioc->zus_ii), &io);
	if (n < 0)
		return io_end(ioc, (int)n);
	if ((uint64_t)n > io.len)
		return -EIO;
	ioc->last_pos = io.pos + (uint64_t)n;
	ioc->ret_flags = io.ret_flags;
	ioc->wr_unmap.offset = io.unmap_offset;
	ioc->wr_unmap.len = io.unmap_len;
	ioc->ziom.iom_n = 0;
	return io_end(ioc, 0);
}

int zus_do_read(struct zus_op *op)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;

	return do_rw(op, zus_ops_of(zus_ii_of(ioc->zus_ii))->read);
}

int zus_do_write(struct zus_op *op)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;

	return do_rw(op, zus_ops_of(zus_ii_of(ioc->zus_ii))->write);
}

int zus_do_pre_read(struct zus_op *op)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct zus_io io;

	if (!zus_ops_of(ii)->pre_read)
		return 0;
	io_init(&io, op, NULL);
	io.pos = ioc->ra.start << ZUS_BLOCK_SHIFT;
	io.len = (uint64_t)ioc->ra.ra_pages << ZUS_BLOCK_SHIFT;
	return io_end(ioc, zus_ops_of(ii)->pre_read(ii, &io));
}

int zus_do_fallocate(struct zus_op *op)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	const struct zus_fs_ops *ops = zus_ops_of(ii);
	struct zus_io io;
	int err;

	io_init(&io, op, NULL);
	io.rw = 0;
	io.len = 0;
	if (ioc->rw & ZUFS_FL_TRUNCATE) {
		err = ops->truncate ? ops->truncate(ii, &io) : -EOPNOTSUPP;
	} else {
		if (ioc->last_pos < ioc->filepos)
			return -EINVAL;
		io.len = ioc->last_pos - ioc->filepos;
		err = ops->fallocate ? ops->fallocate(ii, &io, (uint32_t)ioc->rw)
				     : -EOPNOTSUPP;
	}
	return io_end(ioc, err);
}

/* Position after the last byte that n blocks from pos on cover. */
static uint64_t covered_to(const struct zus_blocks *b)
{
	uint64_t n = b->internal.large ? b->internal.max : b->n;
	uint64_t end = (b->pos & ~(ZUS_BLOCK_SIZE - 1)) + (n << ZUS_BLOCK_SHIFT);

	return end < b->pos + b->len ? end : b->pos + b->len;
}

static bool is_good_answer(const struct zus_blocks *b)
{
	if (b->internal.large)
		return b->n == 1 && b->internal.max == LARGE_PAGE && (b->rw & ZUFS_RW_MMAP);
	return b->n && b->n <= b->internal.max;
}

/* Does the plugin want the range as WRITE? Then the answer holds nothing. */
static bool is_refusal(const struct zus_blocks *b, const struct zus_sb *sb)
{
	return (b->ret_flags & ZUFS_RET_BY_WRITE) && (sb->fs_caps & ZUFS_FSC_BY_WRITE) &&
	       (b->rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE && !b->n &&
	       !b->internal.large;
}

static void answer_blocks(struct zufs_ioc_IO *ioc, const struct zus_blocks *b, uint64_t last_pos)
{
	ioc->cookie = b->cookie;
	ioc->ret_flags = b->ret_flags;
	ioc->last_pos = last_pos;
	ioc->ziom.iom_max = b->n;
	ioc->ziom.iom_n = b->n;
	ioc->hdr.out_len = (uint16_t)zufs_io_size(b->n);
}

int zus_do_get_multy(struct zus_op *op)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct zus_io io;
	struct zus_blocks b = {
		.pos = ioc->filepos,
		.len = ioc->hdr.len,
		.rw = ioc->rw,
		.internal = { .max = iom_room(op), .words = ZUFS_TAIL(ioc, iom_e) },
		.io = &io,
	};
	int err;

	if (!zus_ops_of(ii)->get_blocks)
		return -EOPNOTSUPP;
	io_init(&io, op, NULL);
	if (b.internal.max > zus_blocks_wanted(&b))
		b.internal.max = zus_blocks_wanted(&b);
	err = zus_ops_of(ii)->get_blocks(ii, &b);
	if (err)
		return io_end(ioc, err);
	if (is_refusal(&b, ii->sb))
		answer_blocks(ioc, &b, ioc->filepos);
	else if (is_good_answer(&b) && !(b.ret_flags & ZUFS_RET_BY_WRITE))
		answer_blocks(ioc, &b, covered_to(&b));
	else
		err = -EIO;
	return io_end(ioc, err);
}

int zus_do_put_multy(struct zus_op *op)
{
	struct zufs_ioc_IO *ioc = (struct zufs_ioc_IO *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct zus_blocks b = {
		.pos = ioc->filepos,
		.len = ioc->hdr.len,
		.rw = ioc->rw,
		.cookie = ioc->cookie,
		.ret_flags = ioc->ret_flags,
		.n = ioc->ziom.iom_n,
		.internal = { .max = ioc->ziom.iom_n, .words = ZUFS_TAIL(ioc, iom_e) },
	};

	if (b.n > (ioc->hdr.in_len - offsetof(struct zufs_ioc_IO, iom_e)) / sizeof(uint64_t))
		return -EINVAL;
	if (zus_ops_of(ii)->put_write &&
	    (b.rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE) {
		if (ioc->last_pos < b.pos || ioc->last_pos - b.pos > b.len)
			return -EINVAL;
		b.copied = ioc->last_pos - b.pos;
		return zus_ops_of(ii)->put_write(ii, &b);
	}
	if (zus_ops_of(ii)->put_blocks)
		zus_ops_of(ii)->put_blocks(ii, &b);
	return 0;
}

int zus_do_clone(struct zus_op *op)
{
	struct zufs_ioc_clone *ioc = (struct zufs_ioc_clone *)op->hdr;
	struct zus_clone c = {
		.src = zus_ii_of(ioc->src_zus_ii),
		.dst = zus_ii_of(ioc->dst_zus_ii),
		.pos_in = ioc->pos_in,
		.pos_out = ioc->pos_out,
		.len = ioc->len,
		.len_up = ioc->len_up,
	};

	return zus_ops_of(c.dst)->clone ? zus_ops_of(c.dst)->clone(&c) : -EOPNOTSUPP;
}

int zus_do_sync(struct zus_op *op)
{
	struct zufs_ioc_sync *ioc = (struct zufs_ioc_sync *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct zus_sync s = {
		.offset = ioc->offset,
		.length = ioc->length,
		.flags = ioc->flags,
	};
	int err;

	if (!zus_ops_of(ii)->sync)
		return 0;
	err = zus_ops_of(ii)->sync(ii, &s);
	ioc->write_unmapped = s.write_unmapped;
	/* the kernels of 2019 have no room for it in the answer */
	if (ioc->hdr.out_max >= sizeof(ioc->write_unmapped))
		ioc->hdr.out_len = sizeof(ioc->write_unmapped);
	return err;
}

int zus_do_seek(struct zus_op *op)
{
	struct zufs_ioc_seek *ioc = (struct zufs_ioc_seek *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	uint64_t offset = ioc->offset_in;
	int err;

	if (!zus_ops_of(ii)->seek)
		return -EOPNOTSUPP;
	err = zus_ops_of(ii)->seek(ii, (int)ioc->whence, &offset);
	if (!err)
		ioc->offset_out = offset;
	return err;
}

int zus_do_fiemap(struct zus_op *op)
{
	struct zufs_ioc_fiemap *ioc = (struct zufs_ioc_fiemap *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct zus_fiemap map = {
		.start = ioc->start,
		.length = ioc->length,
		.flags = ioc->flags,
		.max = ioc->extents_max,
	};
	int err;

	if (!zus_ops_of(ii)->fiemap)
		return -EOPNOTSUPP;
	if (map.max) {
		map.extents = zus_op_window(op);
		if (!map.extents || op->hdr->len / sizeof(struct fiemap_extent) < map.max)
			return -EINVAL;
	}
	err = zus_ops_of(ii)->fiemap(ii, &map);
	if (err)
		return err;
	if (map.max && map.mapped > map.max)
		return -EIO;
	ioc->extents_mapped = map.mapped;
	return 0;
}

int zus_do_mmap_close(struct zus_op *op)
{
	struct zufs_ioc_mmap_close *ioc = (struct zufs_ioc_mmap_close *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);

	if (zus_ops_of(ii)->mmap_close)
		zus_ops_of(ii)->mmap_close(ii);
	return 0;
}
