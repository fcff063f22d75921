// SPDX-License-Identifier: BSD-2-Clause
/*
 * io.c - operations on data and space: read, write, get, put, fallocate, seek, clone
 *
 * Called by ZTs with raw_lock held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
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

static int write_data(struct raw_node *node, struct zufs_ioc_IO *io, const char *data)
{
	uint64_t pos = io->filepos, end = pos + io->hdr.len, len, block;

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

static int get_blocks(struct raw_node *node, struct zufs_ioc_IO *io)
{
	uint64_t pos = io->filepos, end = pos + io->hdr.len, block, *words;
	uint32_t n = 0, max = (raw_config.max_command - 120) / 8;
	bool write = io->rw & ZUFS_RW_WRITE, was_hole;

	if (max > ZUS_API_MAP_MAX_PAGES)
		max = ZUS_API_MAP_MAX_PAGES;
	words = ZUFS_TAIL(io, iom_e);
	while (pos < end && n < max) {
		was_hole = !raw_block(node, pos / ZUFS_PAGE_SIZE, false);
		block = raw_block(node, pos / ZUFS_PAGE_SIZE, write);
		if (write && !block)
			break;
		if (write && was_hole)
			io->ret_flags |= ZUFS_RET_NEW;
		words[n++] = zufs_iom_pack(IOM_T1_READ, block << ZUFS_DPP_POOL_BITS);
		pos += piece(pos, end - pos);
	}
	if (!n)
		return -ENOSPC;
	io->ziom.iom_max = max;
	io->ziom.iom_n = n;
	io->last_pos = pos;
	io->hdr.out_len = (uint16_t)zufs_io_size(n);
	io->cookie = (uintptr_t)node;
	/* for a page fault on a hole nothing is held: no put will come */
	if (n > 1 || zufs_iom_val(words[0]) || !(io->rw & ZUFS_RW_MMAP))
		raw_stats.contracts++;
	return 0;
}

static int put_blocks(struct raw_node *node, struct zufs_ioc_IO *io)
{
	if (io->cookie != (uintptr_t)node) {
		raw_stats.bad_messages++;
		raw_note("put without its cookie");
	}
	raw_stats.contracts--;
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

	if (size < node->zi->i_size) {
		raw_blocks_cut(node, next, UINT64_MAX);
		clear_range(node, size, next * ZUFS_PAGE_SIZE);
	}
	node->zi->i_size = size;
	return 0;
}

static int allocate(struct raw_node *node, struct zufs_ioc_IO *io)
{
	uint64_t pos = io->filepos, end = io->last_pos;

	if (io->rw & ZUFS_FL_TRUNCATE)
		return set_size(node, io->filepos);
	if (io->rw & ~(uint64_t)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (io->rw & FALLOC_FL_PUNCH_HOLE) {
		if (end > node->zi->i_size)
			end = node->zi->i_size;
		clear_range(node, pos, end);
		return 0;
	}
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

static int fiemap(struct raw_zt *zt, struct zufs_ioc_fiemap *msg)
{
	struct raw_node *node = raw_node_of(msg->zus_ii);
	struct fiemap_extent extent, *extents = (void *)raw_app_data(zt, &msg->hdr);
	uint64_t page;
	uint32_t n = 0;

	if (!node || !extents)
		return -EINVAL;
	for (page = 0; page < node->nr_blocks; page++) {
		if (!node->blocks[page] || (msg->extents_max && n == msg->extents_max))
			continue;
		extent = (struct fiemap_extent) {
			.fe_logical = page * ZUFS_PAGE_SIZE,
			.fe_physical = node->blocks[page] * ZUFS_PAGE_SIZE,
			.fe_length = ZUFS_PAGE_SIZE,
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
		return 0;
	}
	data = raw_app_data(zt, hdr);
	if (!data)
		return -EINVAL;
	return hdr->operation == ZUFS_OP_READ ? read_data(node, io, data) :
						write_data(node, io, data);
}
