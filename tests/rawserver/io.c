// SPDX-License-Identifier: BSD-2-Clause
/*
 * io.c - operations on data and space: read, write, get, put, fallocate, seek, clone
 *
 * Called by ZTs with raw_lock held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/falloc.h>
#include "raw.h"

char *raw_app_data(const struct raw_zt *zt, const struct zufs_ioc_hdr *hdr)
{
	uint64_t offset = hdr->offset, len = hdr->len;

	if (zt->window_gone)
		return NULL;
	if (offset + len <= ZUS_API_MAP_MAX_SIZE)
		return zt->window + offset;
	raw_stats.bad_messages++;
	raw_note("data of operation %u outside of the window", hdr->operation);
	return NULL;
}

/* ---- read, write ---- */

static uint64_t piece(uint64_t pos, uint64_t left)
{
	uint64_t in_page = ZUFS_PAGE_SIZE - pos % ZUFS_PAGE_SIZE;

	return left < in_page ? left : in_page;
}

static int read_data(struct raw_node *node, struct zufs_ioc_IO *io, char *data)
{
	uint64_t pos = io->filepos, end = pos + io->hdr.len, len, block;

	if (end > node->zi->i_size)
		end = node->zi->i_size;
	for (; pos < end; pos += len, data += len) {
		len = piece(pos, end - pos);
		block = raw_block(node, pos / ZUFS_PAGE_SIZE, false);
		if (block)
			memcpy(data, raw_block_addr(node->fs, block) + pos % ZUFS_PAGE_SIZE,
			       len);
		else
			memset(data, 0, len);
	}
	io->last_pos = pos;
	return 0;
}

/* What a mapping has left behind the end comes into sight: from there to the page's end. */
static void zero_tail(struct raw_node *node)
{
	uint64_t size = node->zi->i_size, in_page = size % ZUFS_PAGE_SIZE;
	uint64_t block = raw_block(node, size / ZUFS_PAGE_SIZE, false);

	if (block && in_page)
		memset(raw_block_addr(node->fs, block) + in_page, 0, ZUFS_PAGE_SIZE - in_page);
}

static int write_data(struct raw_node *node, struct zufs_ioc_IO *io, const char *data)
{
	uint64_t pos = io->filepos, end = pos + io->hdr.len, len, block;

	if (pos > node->zi->i_size)
		zero_tail(node);
	for (; pos < end; pos += len, data += len) {
		len = piece(pos, end - pos);
		block = raw_block(node, pos / ZUFS_PAGE_SIZE, true);
		if (!block)
			break;
		memcpy(raw_block_addr(node->fs, block) + pos % ZUFS_PAGE_SIZE, data, len);
	}
	if (pos == io->filepos && end > pos)
		return -ENOSPC;
	if (node->zi->i_size < pos)
		node->zi->i_size = pos;
	io->last_pos = pos;
	return 0;
}

/* ---- get, put ---- */

/* Does this GET_MULTY want blocks that only WRITE gets? Looks whether it may come at all. */
static bool is_by_write(const struct raw_node *node, const struct zufs_ioc_IO *io)
{
	if (!(raw_config.fs_caps & ZUFS_FSC_BY_WRITE) || !(io->rw & ZUFS_RW_WRITE) ||
	    (io->rw & ZUFS_RW_MMAP))
		return false;
	if (io->filepos + io->hdr.len > node->zi->i_size ||
	    io->hdr.len < raw_config.nio_write_min) {
		raw_stats.bad_messages++;
		raw_note("GET_MULTY of what must be WRITE: %u bytes at %llu", io->hdr.len,
			 (unsigned long long)io->filepos);
	}
	return true;
}

static int refuse(struct zufs_ioc_IO *io)
{
	io->ret_flags |= ZUFS_RET_BY_WRITE;
	io->ziom.iom_n = 0;
	io->hdr.out_len = (uint16_t)zufs_io_size(0);
	return 0;
}

static int get_blocks(struct raw_node *node, struct zufs_ioc_IO *io)
{
	uint64_t pos = io->filepos, end = pos + io->hdr.len, block, *words;
	uint32_t n = 0, max = (raw_config.max_command - 120) / 8;
	bool write = io->rw & ZUFS_RW_WRITE, by_write = is_by_write(node, io), was_hole;
	bool one_word = raw_config.of_2019 && (io->rw & ZUFS_RW_MMAP);

	if (max > ZUS_API_MAP_MAX_PAGES)
		max = ZUS_API_MAP_MAX_PAGES;
	words = ZUFS_TAIL(io, iom_e);
	if (write && pos > node->zi->i_size)
		zero_tail(node);
	while (pos < end && n < max) {
		was_hole = !raw_block(node, pos / ZUFS_PAGE_SIZE, false);
		if (was_hole && by_write)
			break;
		block = raw_block(node, pos / ZUFS_PAGE_SIZE, write);
		if (write && !block)
			break;
		if (write && was_hole)
			io->ret_flags |= ZUFS_RET_NEW;
		words[n++] = zufs_iom_pack(IOM_T1_READ, block << ZUFS_DPP_POOL_BITS);
		pos += piece(pos, end - pos);
	}
	if (!n)
		return by_write ? refuse(io) : -ENOSPC;
	io->ziom.iom_max = max;
	io->ziom.iom_n = n;
	if (!one_word)
		io->last_pos = pos;
	io->hdr.out_len = (uint16_t)zufs_io_size(n);
	io->cookie = (uintptr_t)node;
	/* for a page fault on a hole nothing is held: no put will come */
	if (n > 1 || zufs_iom_val(words[0]) || !(io->rw & ZUFS_RW_MMAP))
		raw_stats.contracts++;
	return 0;
}

/* The put of a write tells how far it was copied: noted for tests. */
static void note_copied(const struct zufs_ioc_IO *io)
{
	if (!(raw_config.fs_caps & ZUFS_FSC_PUT_RESULT) || !(io->rw & ZUFS_RW_WRITE) ||
	    (io->rw & ZUFS_RW_MMAP))
		return;
	if (io->last_pos < io->filepos || io->last_pos > io->filepos + io->hdr.len) {
		raw_stats.bad_messages++;
		raw_note("a put that was copied to %llu", (unsigned long long)io->last_pos);
	}
	raw_note("copied %llu of %u", (unsigned long long)(io->last_pos - io->filepos),
		 io->hdr.len);
}

static int put_blocks(struct raw_node *node, struct zufs_ioc_IO *io)
{
	if (io->cookie != (uintptr_t)node) {
		raw_stats.bad_messages++;
		raw_note("put without its cookie");
	}
	raw_stats.contracts--;
	note_copied(io);
	return 0;
}

/* ---- space ---- */

static void clear_range(struct raw_node *node, uint64_t pos, uint64_t end)
{
	uint64_t len, block;

	for (; pos < end; pos += len) {
		len = piece(pos, end - pos);
		block = raw_block(node, pos / ZUFS_PAGE_SIZE, false);
		if (block && len < ZUFS_PAGE_SIZE)
			memset(raw_block_addr(node->fs, block) + pos % ZUFS_PAGE_SIZE, 0, len);
		else if (block)
			raw_blocks_cut(node, pos / ZUFS_PAGE_SIZE, pos / ZUFS_PAGE_SIZE + 1);
	}
}

static int set_size(struct raw_node *node, uint64_t size)
{
	uint64_t next = (size + ZUFS_PAGE_SIZE - 1) / ZUFS_PAGE_SIZE;

	if (size > node->zi->i_size) {
		zero_tail(node);
	} else if (size < node->zi->i_size) {
		raw_blocks_cut(node, next, UINT64_MAX);
		clear_range(node, size, next * ZUFS_PAGE_SIZE);
	}
	node->zi->i_size = size;
	return 0;
}

/* Whole pages go or come, what lies behind moves; the kernel has looked at the range. */
static int shift(struct raw_node *node, const struct zufs_ioc_IO *io)
{
	uint64_t first = io->filepos / ZUFS_PAGE_SIZE, end = io->last_pos / ZUFS_PAGE_SIZE;
	bool insert = io->rw & FALLOC_FL_INSERT_RANGE;
	uint64_t *blocks, n = end - first;

	if (!insert)
		raw_blocks_cut(node, first, end);
	else if (first < node->nr_blocks && !raw_block_room(node, node->nr_blocks + n))
		return -ENOSPC;
	blocks = node->blocks;
	if (insert && first < node->nr_blocks) {
		memmove(blocks + end, blocks + first,
			(node->nr_blocks - end) * sizeof(*blocks));
		memset(blocks + first, 0, n * sizeof(*blocks));
	} else if (!insert && end < node->nr_blocks) {
		memmove(blocks + first, blocks + end,
			(node->nr_blocks - end) * sizeof(*blocks));
		memset(blocks + node->nr_blocks - n, 0, n * sizeof(*blocks));
	}
	node->zi->i_size += insert ? n * ZUFS_PAGE_SIZE : -n * ZUFS_PAGE_SIZE;
	return 0;
}

static int allocate(struct raw_node *node, struct zufs_ioc_IO *io)
{
	uint64_t pos = io->filepos, end = io->last_pos;

	if (io->rw & ZUFS_FL_TRUNCATE)
		return set_size(node, io->filepos);
	if (io->rw & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		return shift(node, io);
	if (io->rw & ~(uint64_t)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
				 FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (io->rw & FALLOC_FL_PUNCH_HOLE) {
		if (end > node->zi->i_size)
			end = node->zi->i_size;
		clear_range(node, pos, end);
		return 0;
	}
	if (!(io->rw & FALLOC_FL_KEEP_SIZE) && node->zi->i_size < end)
		zero_tail(node);
	if (io->rw & FALLOC_FL_ZERO_RANGE)
		clear_range(node, pos, end);
	/* what cannot be had changes nothing */
	if ((end - pos) / ZUFS_PAGE_SIZE > node->fs->free_blocks + node->zi->i_blocks)
		return -ENOSPC;
	for (; pos < end; pos += piece(pos, end - pos))
		if (!raw_block(node, pos / ZUFS_PAGE_SIZE, true))
			return -ENOSPC;
	if (!(io->rw & FALLOC_FL_KEEP_SIZE) && node->zi->i_size < end)
		node->zi->i_size = end;
	return 0;
}

static int seek(struct zufs_ioc_seek *msg)
{
	struct raw_node *node = raw_node_of(msg->zus_ii);
	uint64_t pos = msg->offset_in;

	if (!node)
		return -EINVAL;
	if (pos >= node->zi->i_size)
		return -ENXIO;
	while (pos < node->zi->i_size &&
	       !raw_block(node, pos / ZUFS_PAGE_SIZE, false) == (msg->whence == SEEK_DATA))
		pos += piece(pos, ZUFS_PAGE_SIZE);
	if (pos >= node->zi->i_size) {
		if (msg->whence == SEEK_DATA)
			return -ENXIO;
		pos = node->zi->i_size;
	}
	msg->offset_out = pos;
	return 0;
}

/* The next page with a block, or where the file's blocks end. */
static uint64_t next_block(const struct raw_node *node, uint64_t page)
{
	while (page < node->nr_blocks && !node->blocks[page])
		page++;
	return page;
}

/* Of a directory, or of attributes: one, where the shared inode is. */
static int fiemap_other(struct raw_node *node, struct zufs_ioc_fiemap *msg,
			struct fiemap_extent *extents)
{
	const struct fiemap_extent extent = {
		.fe_physical = zufs_dpp_offset(raw_node_dpp(node)) & ~(ZUFS_PAGE_SIZE - 1ULL),
		.fe_length = ZUFS_PAGE_SIZE,
		.fe_flags = FIEMAP_EXTENT_LAST | FIEMAP_EXTENT_NOT_ALIGNED,
	};

	msg->extents_mapped = !msg->start;
	if (!msg->start && msg->extents_max)
		memcpy(extents, &extent, sizeof(extent));
	return 0;
}

/* An extent for each page. */
static int fiemap(struct raw_zt *zt, struct zufs_ioc_fiemap *msg)
{
	struct raw_node *node = raw_node_of(msg->zus_ii);
	struct fiemap_extent extent, *extents = (void *)raw_app_data(zt, &msg->hdr);
	uint64_t page, next, end = UINT64_MAX;
	uint32_t n = 0;

	if (!node || !extents)
		return -EINVAL;
	if ((msg->flags & FIEMAP_FLAG_XATTR) || (node->zi->i_mode & S_IFMT) == S_IFDIR) {
		if (raw_config.fs_caps & ZUFS_FSC_FIEMAP_MORE)
			return fiemap_other(node, msg, extents);
		raw_stats.bad_messages++;
	}
	if (msg->length < end - msg->start)
		end = msg->start + msg->length;
	page = next_block(node, msg->start / ZUFS_PAGE_SIZE);
	for (; page < node->nr_blocks; page = next) {
		next = next_block(node, page + 1);
		if (page * ZUFS_PAGE_SIZE >= end || (msg->extents_max && n == msg->extents_max))
			break;
		extent = (struct fiemap_extent) {
			.fe_logical = page * ZUFS_PAGE_SIZE,
			.fe_physical = node->blocks[page] * ZUFS_PAGE_SIZE,
			.fe_length = ZUFS_PAGE_SIZE,
			.fe_flags = next < node->nr_blocks ? 0 : FIEMAP_EXTENT_LAST,
		};
		if (msg->extents_max)
			memcpy(&extents[n], &extent, sizeof(extent));
		n++;
	}
	msg->extents_mapped = n;
	return 0;
}

/* A clone that shares nothing: the destination gets copies of the pages. */
static int clone_pages(struct raw_node *src, struct raw_node *dst, uint64_t from, uint64_t to,
		       uint64_t pages)
{
	uint64_t block, copy;

	for (; pages; pages--, from++, to++) {
		block = raw_block(src, from, false);
		if (!block) {
			raw_blocks_cut(dst, to, to + 1);
			continue;
		}
		copy = raw_block(dst, to, true);
		if (!copy)
			return -ENOSPC;
		memcpy(raw_block_addr(dst->fs, copy), raw_block_addr(src->fs, block),
		       ZUFS_PAGE_SIZE);
	}
	return 0;
}

static int clone_file(struct zufs_ioc_clone *msg)
{
	struct raw_node *src = raw_node_of(msg->src_zus_ii);
	struct raw_node *dst = raw_node_of(msg->dst_zus_ii);
	uint64_t len = msg->len_up;

	if (!src || !dst)
		return -EINVAL;
	if (!len) {
		/* all of it */
		len = src->zi->i_size;
		dst->zi->i_size = len;
	}
	return clone_pages(src, dst, msg->pos_in / ZUFS_PAGE_SIZE,
			   msg->pos_out / ZUFS_PAGE_SIZE,
			   (len + ZUFS_PAGE_SIZE - 1) / ZUFS_PAGE_SIZE);
}

int raw_op_io(struct raw_zt *zt, struct zufs_ioc_hdr *hdr)
{
	struct zufs_ioc_IO *io = (struct zufs_ioc_IO *)hdr;
	struct raw_node *node;
	char *data;

	if (hdr->operation == ZUFS_OP_LLSEEK)
		return seek((struct zufs_ioc_seek *)hdr);
	if (hdr->operation == ZUFS_OP_FIEMAP)
		return fiemap(zt, (struct zufs_ioc_fiemap *)hdr);
	if (hdr->operation == ZUFS_OP_CLONE)
		return clone_file((struct zufs_ioc_clone *)hdr);
	node = raw_node_of(io->zus_ii);
	if (!node)
		return -EINVAL;
	switch (hdr->operation) {
	case ZUFS_OP_GET_MULTY:
		return get_blocks(node, io);
	case ZUFS_OP_PUT_MULTY:
		return put_blocks(node, io);
	case ZUFS_OP_FALLOCATE:
		return allocate(node, io);
	case ZUFS_OP_PRE_READ:
		return raw_config.of_2019 ? -ENOTSUP : 0;
	}
	data = raw_app_data(zt, hdr);
	if (!data)
		return -EINVAL;
	return hdr->operation == ZUFS_OP_READ ? read_data(node, io, data) :
						write_data(node, io, data);
}
