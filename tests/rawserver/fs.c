// SPDX-License-Identifier: BSD-2-Clause
/*
 * fs.c - the file system's store: inodes and blocks in T1
 *
 * T1: block 0 is left alone (device table), then RAW_MAX_NODES shared inodes,
 * then data blocks. What else is known of an inode is in ordinary memory. A
 * cookie is the address of a struct raw_node or raw_fs and is believed only if
 * it is one that was handed out: the kernel is checked too. A block that somebody holds
 * (T1_BUSY) is free when he does no more. raw_lock held.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "raw.h"

static struct raw_fs raw_fs_table[RAW_MAX_FS];
static struct raw_fs *last_fs;

#define INODES_OFFSET	ZUFS_PAGE_SIZE
#define FIRST_BLOCK	(1 + RAW_MAX_NODES * ZUFS_INODE_SIZE / ZUFS_PAGE_SIZE)

char *raw_block_addr(const struct raw_fs *fs, uint64_t block)
{
	return fs->t1 + block * ZUFS_PAGE_SIZE;
}

uint64_t raw_block_alloc(struct raw_fs *fs)
{
	uint64_t i, block;

	if (!fs->free_blocks)
		return 0;
	for (i = 0; i < fs->nr_blocks; i++) {
		block = fs->next_block++;
		if (fs->next_block == fs->nr_blocks)
			fs->next_block = FIRST_BLOCK;
		if (!fs->block_used[block]) {
			fs->block_used[block] = 1;
			fs->free_blocks--;
			memset(raw_block_addr(fs, block), 0, ZUFS_PAGE_SIZE);
			return block;
		}
	}
	return 0;
}

#define KEPT	2			/* of block_used: nobody's, but busy */

static void block_free(struct raw_fs *fs, uint64_t block)
{
	if (fs->block_busy[block]) {
		fs->block_used[block] = KEPT;
		return;
	}
	fs->block_used[block] = 0;
	fs->free_blocks++;
}

/* What the kernel says of a block that nobody knows of is for another server. */
static void count_busy(struct raw_fs *fs, uint64_t block, bool busy)
{
	if (busy)
		fs->block_busy[block]++;
	else if (fs->block_busy[block] && !--fs->block_busy[block] &&
		 fs->block_used[block] == KEPT)
		block_free(fs, block);
}

int raw_op_t1_runs(const struct zufs_ioc_t1_runs *msg)
{
	const struct zufs_t1_run *runs = ZUFS_TAIL(msg, runs);
	struct raw_fs *fs = raw_fs_of(msg->zus_sbi);
	uint64_t block;
	uint32_t i;

	if (!fs)
		return -EINVAL;
	for (i = 0; i < msg->nr; i++) {
		if (i == ZUFS_T1_RUNS_MAX || runs[i].first + runs[i].nr > fs->nr_blocks) {
			raw_stats.bad_messages++;
			raw_note("busy or idle blocks outside of T1");
			return -EINVAL;
		}
		for (block = runs[i].first; block < runs[i].first + runs[i].nr; block++)
			count_busy(fs, block, msg->hdr.operation == ZUFS_OP_T1_BUSY);
	}
	return 0;
}

bool raw_block_room(struct raw_node *node, uint64_t pages)
{
	size_t want = pages + 64;
	uint64_t *blocks;

	if (pages <= node->nr_blocks)
		return true;
	if (pages > RAW_MAX_PAGES)
		return false;
	blocks = realloc(node->blocks, want * sizeof(*blocks));
	if (!blocks)
		return false;
	memset(blocks + node->nr_blocks, 0, (want - node->nr_blocks) * sizeof(*blocks));
	node->blocks = blocks;
	node->nr_blocks = want;
	return true;
}

uint64_t raw_block(struct raw_node *node, uint64_t page, bool make)
{
	if (page < node->nr_blocks && node->blocks[page])
		return node->blocks[page];
	if (!make || !raw_block_room(node, page + 1))
		return 0;
	node->blocks[page] = raw_block_alloc(node->fs);
	if (node->blocks[page])
		node->zi->i_blocks++;
	return node->blocks[page];
}

void raw_blocks_cut(struct raw_node *node, uint64_t first, uint64_t end)
{
	uint64_t page;

	for (page = first; page < end && page < node->nr_blocks; page++) {
		if (!node->blocks[page])
			continue;
		block_free(node->fs, node->blocks[page]);
		node->blocks[page] = 0;
		node->zi->i_blocks--;
	}
}

/* ---- nodes ---- */

struct raw_node *raw_node_peek(uint64_t cookie)
{
	struct raw_fs *fs;
	uint64_t offset;

	for (fs = raw_fs_table; fs < raw_fs_table + RAW_MAX_FS; fs++) {
		if (!fs->used || cookie < (uintptr_t)fs->nodes)
			continue;
		offset = cookie - (uintptr_t)fs->nodes;
		if (offset % sizeof(*fs->nodes) || offset / sizeof(*fs->nodes) >= RAW_MAX_NODES)
			continue;
		if (fs->nodes[offset / sizeof(*fs->nodes)].used)
			return &fs->nodes[offset / sizeof(*fs->nodes)];
	}
	return NULL;
}

struct raw_node *raw_node_of(uint64_t cookie)
{
	struct raw_node *node = raw_node_peek(cookie);

	if (node && node->refs)
		return node;
	raw_stats.bad_cookies++;
	raw_note("bad cookie %#llx", (unsigned long long)cookie);
	return NULL;
}

struct raw_node *raw_node_new(struct raw_fs *fs)
{
	struct raw_node *node;
	size_t i;

	for (i = 0; i < RAW_MAX_NODES && fs->nodes[i].used; i++)
		;
	if (i == RAW_MAX_NODES)
		return NULL;
	node = &fs->nodes[i];
	memset(node, 0, sizeof(*node));
	node->used = true;
	node->fs = fs;
	node->zi = (struct zus_inode *)(fs->t1 + INODES_OFFSET) + i;
	node->next_pos = 1;
	memset(node->zi, 0, sizeof(*node->zi));
	node->zi->i_ino = i + 1;
	return node;
}

void raw_node_free(struct raw_node *node)
{
	struct raw_xattr *xattr;
	struct raw_name *name;

	raw_blocks_cut(node, 0, UINT64_MAX);
	free(node->blocks);
	while ((name = node->names)) {
		node->names = name->next;
		free(name);
	}
	while ((xattr = node->xattrs)) {
		node->xattrs = xattr->next;
		free(xattr);
	}
	memset(node, 0, sizeof(*node));
}

dpp_t raw_node_dpp(const struct raw_node *node)
{
	return zufs_dpp_pack((uint64_t)((char *)node->zi - node->fs->t1), ZUFS_POOL_T1);
}

void raw_node_spoil(struct raw_node *node)
{
	if (!node->spoiled)
		node->saved = *node->zi;
	node->spoiled = true;
}

void raw_heal_all(void)
{
	struct raw_fs *fs;
	size_t i;

	for (fs = raw_fs_table; fs < raw_fs_table + RAW_MAX_FS; fs++) {
		for (i = 0; fs->used && i < RAW_MAX_NODES; i++) {
			if (!fs->nodes[i].spoiled)
				continue;
			*fs->nodes[i].zi = fs->nodes[i].saved;
			fs->nodes[i].spoiled = false;
		}
	}
}

struct raw_counts raw_count(void)
{
	struct raw_counts counts = { 0 };
	struct raw_fs *fs;
	size_t i;

	for (fs = raw_fs_table; fs < raw_fs_table + RAW_MAX_FS; fs++) {
		for (i = 0; fs->used && i < RAW_MAX_NODES; i++) {
			counts.refs += fs->nodes[i].refs;
			counts.nodes += fs->nodes[i].used;
		}
	}
	return counts;
}

/* ---- file systems ---- */

static void make_root(struct raw_fs *fs)
{
	struct raw_node *root = raw_node_new(fs);

	root->zi->i_mode = 0040755;
	root->zi->i_nlink = 2;
	root->zi->i_generation = ++fs->generation;
	root->zi->i_dir.parent = root->zi->i_ino;
	root->refs = 1;
	snprintf(root->label, sizeof(root->label), "/");
}

struct raw_fs *raw_fs_create(uint64_t sb_id, int fd, char *t1, uint64_t t1_bytes)
{
	struct raw_fs *fs;

	for (fs = raw_fs_table; fs < raw_fs_table + RAW_MAX_FS && fs->used; fs++)
		;
	if (fs == raw_fs_table + RAW_MAX_FS)
		return NULL;
	memset(fs, 0, sizeof(*fs));
	fs->nr_blocks = t1_bytes / ZUFS_PAGE_SIZE;
	fs->nodes = calloc(RAW_MAX_NODES, sizeof(*fs->nodes));
	fs->block_used = calloc(fs->nr_blocks, 1);
	fs->block_busy = calloc(fs->nr_blocks, sizeof(*fs->block_busy));
	if (!fs->nodes || !fs->block_used || !fs->block_busy) {
		free(fs->nodes);
		free(fs->block_used);
		free(fs->block_busy);
		return NULL;
	}
	fs->used = true;
	last_fs = fs;
	fs->sb_id = sb_id;
	fs->pmem_fd = fd;
	fs->t1 = t1;
	fs->t1_bytes = t1_bytes;
	fs->next_block = FIRST_BLOCK;
	fs->free_blocks = fs->nr_blocks - FIRST_BLOCK;
	memset(fs->block_used, 1, FIRST_BLOCK);
	make_root(fs);
	return fs;
}

struct raw_fs *raw_fs_last(void)
{
	return last_fs;
}

void raw_fs_destroy(struct raw_fs *fs)
{
	size_t i;

	for (i = 0; i < RAW_MAX_NODES; i++)
		if (fs->nodes[i].used)
			raw_node_free(&fs->nodes[i]);
	free(fs->nodes);
	free(fs->block_used);
	free(fs->block_busy);
	munmap(fs->t1, fs->t1_bytes);
	close(fs->pmem_fd);
	if (fs == last_fs)
		last_fs = NULL;
	memset(fs, 0, sizeof(*fs));
}

struct raw_fs *raw_fs_of(uint64_t cookie)
{
	struct raw_fs *fs;

	for (fs = raw_fs_table; fs < raw_fs_table + RAW_MAX_FS; fs++)
		if (fs->used && cookie == (uintptr_t)fs)
			return fs;
	raw_stats.bad_cookies++;
	raw_note("bad file system cookie %#llx", (unsigned long long)cookie);
	return NULL;
}
