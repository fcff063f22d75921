// SPDX-License-Identifier: BSD-2-Clause
/*
 * The block index of a file: the first blocks in the inode, the others in a radix tree of
 * small nodes that grows in height with the file's last block.
 *
 * Called by file.c and inode.c. Readers and those who fill holes run in parallel without a lock:
 * nodes and blocks are published by compare-and-swap and never taken away meanwhile; the loser
 * of a race frees what he made. Only memofs_map_drop takes away, and the kernel's exclusive
 * lock of the inode keeps everybody else out then. The map owns its nodes and blocks.
 */
#include "memofs.h"

#define FANOUT		(1U << MEMOFS_MAP_BITS)
#define HEIGHT_MASK	15		/* low bits of a node's address in the root word */

static struct memofs_map_node *node_of(uint64_t word)
{
	return (struct memofs_map_node *)(uintptr_t)(word & ~(uint64_t)HEIGHT_MASK);
}

static unsigned int height_of(uint64_t root)
{
	return root & HEIGHT_MASK;
}

/* Blocks that a slot of a level (leaf = 0) speaks of, as a shift. */
static unsigned int level_shift(unsigned int level)
{
	return level * MEMOFS_MAP_BITS;
}

static bool is_covered(uint64_t root, uint64_t index)
{
	return !(index >> level_shift(height_of(root)));
}

static uint64_t *slot_at(uint64_t node, unsigned int level, uint64_t index)
{
	return &node_of(node)->slot[(index >> level_shift(level)) % FANOUT];
}

uint64_t *memofs_map_find(const struct memofs_inode *mi, uint64_t index, uint64_t *next)
{
	unsigned int level;
	uint64_t word;

	if (index < MEMOFS_DIRECT)
		return (uint64_t *)&mi->map.direct[index];
	word = __atomic_load_n(&mi->map.root, __ATOMIC_ACQUIRE);
	if (!is_covered(word, index)) {
		if (next)
			*next = UINT64_MAX;
		return NULL;
	}
	for (level = height_of(word) - 1; level; level--) {
		word = __atomic_load_n(slot_at(word, level, index), __ATOMIC_ACQUIRE);
		if (!word) {
			if (next)
				*next = ((index >> level_shift(level)) + 1) << level_shift(level);
			return NULL;
		}
	}
	return slot_at(word, 0, index);
}

/* Publishes `node` in an empty word; else frees it. The word's value afterwards. */
static uint64_t publish(const struct zus_env *env, uint64_t *word, uint64_t expected,
			struct memofs_map_node *node, unsigned int height)
{
	uint64_t value = (uint64_t)(uintptr_t)node | height;

	if (__atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return value;
	zus_free(env, node);
	return expected;
}

/* Makes the tree high enough for a block; its root word or 0. */
static uint64_t grow(const struct zus_env *env, struct memofs_map *map, uint64_t index)
{
	uint64_t root = __atomic_load_n(&map->root, __ATOMIC_ACQUIRE);

	while (!is_covered(root, index)) {
		struct memofs_map_node *node = zus_alloc(env, sizeof(*node));

		if (!node)
			return 0;
		node->slot[0] = root & ~(uint64_t)HEIGHT_MASK;
		root = publish(env, &map->root, root, node, height_of(root) + 1);
	}
	return root;
}

uint64_t *memofs_map_make(struct memofs_inode *mi, uint64_t index)
{
	const struct zus_env *env = mi->ii.sb->env;
	unsigned int level;
	uint64_t word;

	if (index < MEMOFS_DIRECT)
		return &mi->map.direct[index];
	word = grow(env, &mi->map, index);
	if (!word)
		return NULL;
	for (level = height_of(word) - 1; level; level--) {
		uint64_t *slot = slot_at(word, level, index);

		word = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (!word) {
			struct memofs_map_node *node = zus_alloc(env, sizeof(*node));

			if (!node)
				return NULL;
			word = publish(env, slot, 0, node, 0);
		}
	}
	return slot_at(word, 0, index);
}

/* i_blocks is little endian and has parallel writers. */
static void count_blocks(struct memofs_inode *mi, int64_t n)
{
	uint64_t *word = (uint64_t *)&mi->ii.zi->i_blocks;
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(word, &old, htole64(le64toh(old) + (uint64_t)n),
					    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

bool memofs_map_set(struct memofs_inode *mi, uint64_t *slot, uint64_t *bn)
{
	uint64_t expected = 0;

	if (__atomic_compare_exchange_n(slot, &expected, *bn, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		count_blocks(mi, 1);
		return true;
	}
	memofs_block_free(memofs_sb_of_inode(mi), *bn);
	*bn = expected;
	return false;
}

uint64_t memofs_map_next_data(const struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	while (index < end) {
		uint64_t next = index + 1;
		uint64_t *slot = memofs_map_find(mi, index, &next);

		if (slot && __atomic_load_n(slot, __ATOMIC_ACQUIRE))
			return index;
		index = next;
	}
	return end;
}

uint64_t memofs_map_next_hole(const struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	while (index < end && memofs_map_get(mi, index))
		index++;
	return index;
}

/* A range of blocks that is being dropped. */
struct drop {
	struct memofs_inode *mi;
	uint64_t first;
	uint64_t end;
	uint64_t freed;
};

static void drop_block(struct drop *d, uint64_t *slot)
{
	if (!*slot)
		return;
	memofs_block_free(memofs_sb_of_inode(d->mi), *slot);
	*slot = 0;
	d->freed++;
}

/* The part of the range in a node of a level whose first block is `base`. */
static void drop_node(struct drop *d, uint64_t node, unsigned int level, uint64_t base)
{
	uint64_t span = (uint64_t)1 << level_shift(level);
	unsigned int i;

	for (i = 0; i < FANOUT; i++) {
		uint64_t lo = base + i * span, hi = lo + span;
		uint64_t *slot = &node_of(node)->slot[i];

		if (!*slot || hi <= d->first || lo >= d->end)
			continue;
		if (!level) {
			drop_block(d, slot);
			continue;
		}
		drop_node(d, *slot, level - 1, lo);
		if (d->first <= lo && hi <= d->end) {
			zus_free(d->mi->ii.sb->env, node_of(*slot));
			*slot = 0;
		}
	}
}

void memofs_map_drop(struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	struct drop d = { .mi = mi, .first = index, .end = end };
	uint64_t root = mi->map.root, i;

	for (i = index; i < end && i < MEMOFS_DIRECT; i++)
		drop_block(&d, &mi->map.direct[i]);
	if (root)
		drop_node(&d, root, height_of(root) - 1, 0);
	if (root && !index && end == UINT64_MAX) {
		zus_free(mi->ii.sb->env, node_of(root));
		mi->map.root = 0;
	}
	if (d.freed)
		count_blocks(mi, -(int64_t)d.freed);
}
