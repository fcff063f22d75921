// SPDX-License-Identifier: BSD-2-Clause
/*
 * Data of files, in both ways of I/O: read and write, which copy, and get_blocks, after which
 * the kernel copies or maps.
 *
 * Called by the core on any thread with the locks of zus/fs.h. Reads and writes inside of
 * i_size take no lock here: what they find in the map stays what it is until an exclusive
 * operation or, in files with shared blocks, until the end of their contract (owners.c).
 * Bytes behind i_size may be anything (a mapping may have stored there), so whoever moves
 * i_size up zeroes what comes into sight.
 *
 * A page that is mapped may show a shared block that a write replaces. The kernel drops it from
 * the mappings before the put, so the contract ends then. A write through the window has no
 * put: it has the page dropped itself, or its contract is left (owners.c).
 *
 * Copies are plain memcpy: nothing of memofs survives an unmount, so there is nothing to
 * flush, and data that stays in the caches is what the next reader wants. A file system that
 * keeps its data uses zus/pmem.h here.
 */
#include "data.h"

#include <string.h>

/* A hole is filled in steps of this: a signal or somebody else's block is noticed. */
#define FILL_MAX	1024		/* blocks */

#define LARGE_PAGE	512		/* blocks */

struct memofs_part memofs_part_of(const struct memofs_inode *mi, const struct memofs_run *r,
				  uint64_t pos, uint64_t end)
{
	uint64_t first = r->index << ZUS_BLOCK_SHIFT, last = first + (r->n << ZUS_BLOCK_SHIFT);
	struct memofs_part p = { .pos = first < pos ? pos : first };

	p.len = (last < end ? last : end) - p.pos;
	if (r->bn)
		p.addr = memofs_block_addr(mi, r->bn) + (p.pos - first);
	return p;
}

void memofs_walk_bytes(struct memofs_walk *w, const struct memofs_inode *mi, uint64_t pos,
		       uint64_t end)
{
	memofs_walk_init(w, mi, memofs_blocks_down(pos), memofs_blocks_up(end));
}

/* The block that a large run shall follow, or 0. */
static uint64_t block_before(const struct memofs_inode *mi, uint64_t index, uint64_t n)
{
	struct memofs_run r = { .bn = 0 };
	struct memofs_walk w;

	if (!index || n < MEMOFS_LARGE_RUN)
		return 0;
	memofs_walk_init(&w, mi, index - 1, index);
	memofs_walk_next(&w, &r);
	return r.bn;
}

/*
 * Gives a hole blocks, or its first ones: those that lie in a row, one at least. They are zeroed
 * before a reader can find them.
 */
static int fill_hole(struct memofs_inode *mi, const struct memofs_run *hole, bool unwritten)
{
	struct memofs_sb *msb = memofs_sb_of_inode(mi);
	uint64_t n = hole->n < FILL_MAX ? hole->n : FILL_MAX, bn, done;
	int err = 0;

	n = memofs_blocks_alloc(msb, hole->index, block_before(mi, hole->index, n), n, &bn);
	if (!n)
		return -ENOSPC;
	memset(memofs_block_addr(mi, bn), 0, n << ZUS_BLOCK_SHIFT);
	done = memofs_map_fill(mi, hole->index, bn, n, &err);
	if (done < n)
		memofs_blocks_free(msb, bn + done, n - done);
	if (unwritten)
		memofs_map_unwritten(mi, hole->index, done);
	return done ? 0 : err;
}

/* Makes a hole as long as it is, whatever leaves it lies in; the walk goes on behind it. */
static void join_holes(struct memofs_walk *w, struct memofs_run *hole)
{
	struct memofs_walk ahead = *w;
	struct memofs_run r;

	while (hole->n < FILL_MAX && memofs_walk_next(&ahead, &r) && !r.bn) {
		hole->n += r.n;
		*w = ahead;
	}
}

int memofs_walk_filled(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r,
		       uint32_t *change)
{
	int err;

	while (memofs_walk_next(w, r)) {
		if (r->bn)
			return 1;
		join_holes(w, r);
		err = fill_hole(mi, r, *change & MEMOFS_RESERVE);
		if (err)
			return err;
		/* once more: somebody may have been faster */
		memofs_walk_init(w, mi, r->index, w->end);
	}
	return 0;
}

int memofs_walk_owned(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r,
		      uint32_t *change)
{
	int ret = memofs_walk_filled(w, mi, r, change);
	uint64_t n;

	if (ret <= 0 || !mi->share)
		return ret;
	n = r->n;
	ret = memofs_own(mi, r, false);
	if (ret < 0)
		return ret;
	if (ret)
		*change |= MEMOFS_MOVED;
	if (r->n < n)
		memofs_walk_init(w, mi, r->index + r->n, w->end);
	return 1;
}

int memofs_walk_written(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r,
			uint32_t *change)
{
	int ret = memofs_walk_owned(w, mi, r, change);

	if (ret > 0 && memofs_has_unwritten(mi))
		memofs_map_written(mi, r->index, r->n);
	return ret;
}

void memofs_zero_tail(struct memofs_inode *mi, uint64_t size, uint64_t end)
{
	uint64_t stop = memofs_blocks_up(size) << ZUS_BLOCK_SHIFT;
	struct memofs_walk w;
	struct memofs_run r;
	bool shared;

	if (stop > end)
		stop = end;
	if (size >= stop)
		return;
	memofs_walk_bytes(&w, mi, size, stop);
	if (!memofs_walk_next(&w, &r) || !r.bn)
		return;
	/* there are zeros already */
	memofs_owners_run(memofs_sb_of_inode(mi), r.bn, 1, &shared);
	if (!shared)
		memset(memofs_part_of(mi, &r, size, stop).addr, 0, stop - size);
}

/* ---- through the window ---- */

ssize_t memofs_read(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t end = io->pos + io->len, contract = memofs_contract_begin(mi);
	struct memofs_walk w;
	struct memofs_run r;

	memofs_walk_bytes(&w, mi, io->pos, end);
	while (memofs_walk_next(&w, &r)) {
		struct memofs_part p = memofs_part_of(mi, &r, io->pos, end);
		uint8_t *dst = (uint8_t *)io->buf + (p.pos - io->pos);

		if (p.addr)
			memcpy(dst, p.addr, p.len);
		else
			memset(dst, 0, p.len);
	}
	memofs_contract_end(mi, contract);
	return (ssize_t)io->len;
}

static bool is_mapped(const struct memofs_inode *mi)
{
	return __atomic_load_n(&mi->mapped, __ATOMIC_SEQ_CST);
}

static ssize_t write_blocks(struct memofs_inode *mi, struct zus_io *io, uint32_t *change)
{
	uint64_t end = io->pos + io->len, done = 0;
	struct memofs_walk w;
	struct memofs_run r;
	int more;

	memofs_walk_bytes(&w, mi, io->pos, end);
	while ((more = memofs_walk_written(&w, mi, &r, change)) > 0) {
		struct memofs_part p = memofs_part_of(mi, &r, io->pos, end);

		memcpy(p.addr, (const uint8_t *)io->buf + done, p.len);
		done += p.len;
	}
	return done ? (ssize_t)done : more;
}

ssize_t memofs_write(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), contract;
	uint32_t change = 0;
	ssize_t n = memofs_check_range(io->pos, io->len);

	if (n)
		return n;
	memofs_zero_tail(mi, size, io->pos);
	contract = memofs_contract_begin(mi);
	n = write_blocks(mi, io, &change);
	if (!(change & MEMOFS_MOVED) || !is_mapped(mi))
		memofs_contract_end(mi, contract);
	else if (memofs_contract_leave(mi, contract, memofs_blocks_down(io->pos),
				       memofs_blocks_up(io->pos + io->len)))
		io->ret_flags |= ZUFS_RET_NEW;
	if (n > 0 && io->pos + (uint64_t)n > size)
		memofs_set_size(mi, io->pos + (uint64_t)n);
	return n;
}

/* ---- the kernel copies, we say where ---- */

static int get_for_write(struct memofs_inode *mi, struct zus_blocks *b)
{
	uint64_t index = memofs_blocks_down(b->pos);
	int more, err = memofs_check_range(b->pos, b->len);
	uint32_t change = 0;
	struct memofs_walk w;
	struct memofs_run r;

	if (err)
		return err;
	memofs_zero_tail(mi, zus_zi_size(mi->ii.zi), b->pos);
	memofs_walk_init(&w, mi, index, index + zus_blocks_room(b));
	while ((more = memofs_walk_written(&w, mi, &r, &change)) > 0)
		zus_blocks_add_run(b, r.bn, (uint32_t)r.n);
	/* the put comes at once: what was replaced can go */
	if (change & MEMOFS_MOVED)
		b->ret_flags |= ZUFS_RET_NEW;
	return b->n ? 0 : more;
}

static int get_for_read(struct memofs_inode *mi, struct zus_blocks *b)
{
	uint64_t index = memofs_blocks_down(b->pos);
	struct memofs_walk w;
	struct memofs_run r;

	memofs_walk_init(&w, mi, index, index + zus_blocks_room(b));
	while (memofs_walk_next(&w, &r))
		zus_blocks_add_run(b, r.bn, (uint32_t)r.n);
	return 0;
}

/* No put follows an error, nor the fault of one page that is a hole. */
static bool is_over(const struct zus_blocks *b, int err)
{
	return err || ((b->rw & ZUFS_RW_MMAP) && zus_blocks_wanted(b) == 1 && !zus_blocks_bn(b, 0));
}

/*
 * The kernel asks whether 2 MiB can be mapped as one large page: if they are there, one run in
 * step with 2 MiB, and no store would have to replace some of them.
 */
static int get_large_page(struct memofs_inode *mi, struct zus_blocks *b)
{
	const uint64_t n = LARGE_PAGE, index = memofs_blocks_down(b->pos);
	struct memofs_run r = { .n = 0 };
	uint64_t done = 0, bn = 0;
	struct memofs_walk w;

	if ((b->rw & ZUFS_RW_WRITE) && mi->share)
		return -EOPNOTSUPP;
	memofs_walk_init(&w, mi, index, index + n);
	while (done < n && memofs_walk_next(&w, &r)) {
		if (!done)
			bn = r.bn;
		if (!bn || bn % n || r.bn != bn + done)
			return -EOPNOTSUPP;
		done += r.n;
	}
	if (done < n)
		return -EOPNOTSUPP;
	if (b->rw & ZUFS_RW_WRITE)
		memofs_map_written(mi, index, n);
	zus_blocks_set_large(b, bn);
	return 0;
}

static int get_any(struct memofs_inode *mi, struct zus_blocks *b)
{
	if ((b->rw & ZUFS_RW_MMAP) && zus_blocks_wanted(b) > 1)
		return get_large_page(mi, b);
	return b->rw & ZUFS_RW_WRITE ? get_for_write(mi, b) : get_for_read(mi, b);
}

int memofs_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	int err;

	/* before the map is looked at: one of us sees what the other does (is_mapped) */
	if ((b->rw & ZUFS_RW_MMAP) && !is_mapped(mi))
		__atomic_store_n(&mi->mapped, true, __ATOMIC_SEQ_CST);
	b->cookie = memofs_contract_begin(mi);
	err = get_any(mi, b);
	if (b->cookie && is_over(b, err)) {
		memofs_contract_end(mi, b->cookie);
		b->cookie = 0;
	}
	return err;
}

void memofs_put_blocks(struct zus_ii *ii, const struct zus_blocks *b)
{
	memofs_contract_end(memofs_inode_of(ii), b->cookie);
}
