// SPDX-License-Identifier: BSD-2-Clause
/*
 * The block index of a file: the first blocks in the inode, the others in a radix tree that
 * grows in height with the file's last block. A leaf speaks of 2 MiB, as page tables do.
 *
 * Called by io.c, space.c, clone.c, inode.c and name.c. Readers and those who fill holes run in
 * parallel without a lock: nodes and blocks are published by compare-and-swap, the loser of a
 * race frees what he made. Nodes are never taken away meanwhile, and blocks only for others with
 * the same content (clone.c). What takes away or shares has the kernel's exclusive lock of the
 * inode, which keeps everybody else out. The map owns its nodes, and is an owner of its blocks.
 * Nodes have an account (heap.c), and none stays without a block.
 *
 * A leaf knows how many of its first blocks lie in a row, so that nobody has to look at 512 words
 * to find 2 MiB in one piece. Who fills holes in their order makes the row longer; whoever
 * changes a word cuts it there first. Who still saw the longer row has found the block that was
 * there before, as if he had read the word. A row never grows over words that were changed: to
 * be entered again they have to be holes, for which somebody had the file to himself; and only
 * shared blocks are replaced, which what was just entered cannot be.
 *
 * A bit per slot says that its block is unwritten. It is set exclusively, in slots that have a
 * block, and taken by whoever may store there: before he does, and with the block.
 */
#include "data.h"

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

/* Blocks from `index` to the end of what a slot of a level speaks of. */
static uint64_t blocks_left(unsigned int level, uint64_t index)
{
	uint64_t span = (uint64_t)1 << level_shift(level);

	return span - index % span;
}

static bool is_covered(uint64_t root, uint64_t index)
{
	return !(index >> level_shift(height_of(root)));
}

static uint64_t *slot_at(uint64_t node, unsigned int level, uint64_t index)
{
	return &node_of(node)->slot[(index >> level_shift(level)) % FANOUT];
}

/* ---- the row of a leaf ---- */

#define ROW_BITS	10		/* of a row, low: how many; above: the first one */
#define ROW_MASK	((1U << ROW_BITS) - 1)

/* Where a block stands, counted from the first slot of its leaf that is in use. */
static uint64_t place_in_leaf(uint64_t index)
{
	return index < FANOUT ? index - MEMOFS_DIRECT : index % FANOUT;
}

/* How many blocks from `index` on lie in the leaf's row, from *bn on. */
static uint64_t row_from(const struct memofs_map_node *leaf, uint64_t index, uint64_t *bn)
{
	uint64_t row = __atomic_load_n(&leaf->row, __ATOMIC_ACQUIRE);
	uint64_t place = place_in_leaf(index), n = row & ROW_MASK;

	if (place >= n)
		return 0;
	*bn = (row >> ROW_BITS) + place;
	return n - place;
}

/* These have been entered: do they go on where the row ends? */
static void row_extend(struct memofs_map_node *leaf, uint64_t index, uint64_t bn, uint64_t n)
{
	uint64_t row = __atomic_load_n(&leaf->row, __ATOMIC_ACQUIRE), len = row & ROW_MASK;

	if (place_in_leaf(index) == len && (!len || bn == (row >> ROW_BITS) + len))
		__atomic_compare_exchange_n(&leaf->row, &row, len ? row + n : bn << ROW_BITS | n,
					    false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Blocks from `index` on are about to change. */
static void row_cut(struct memofs_map_node *leaf, uint64_t index)
{
	uint64_t row = __atomic_load_n(&leaf->row, __ATOMIC_ACQUIRE);
	uint64_t place = place_in_leaf(index);

	while (place < (row & ROW_MASK) &&
	       !__atomic_compare_exchange_n(&leaf->row, &row, (row & ~(uint64_t)ROW_MASK) | place,
					    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
}

/* ---- finding ---- */

/* Slots that lie side by side. */
struct span {
	uint64_t *slots;		/* NULL = holes */
	uint64_t n;
	struct memofs_map_node *leaf;	/* they are in, or NULL */
};

static struct span direct_span(struct memofs_map *map, uint64_t index)
{
	return (struct span){ .slots = &map->direct[index], .n = MEMOFS_DIRECT - index };
}

static struct span leaf_span(uint64_t leaf, uint64_t index)
{
	return (struct span){ .slots = slot_at(leaf, 0, index), .n = blocks_left(1, index),
			      .leaf = node_of(leaf) };
}

/* The slots of the blocks from `index` on. */
static struct span span_find(const struct memofs_map *map, uint64_t index)
{
	unsigned int level;
	uint64_t word;

	if (index < MEMOFS_DIRECT)
		return direct_span((struct memofs_map *)map, index);
	word = __atomic_load_n(&map->root, __ATOMIC_ACQUIRE);
	if (!is_covered(word, index))
		return (struct span){ .n = UINT64_MAX - index };
	for (level = height_of(word) - 1; level; level--) {
		word = __atomic_load_n(slot_at(word, level, index), __ATOMIC_ACQUIRE);
		if (!word)
			return (struct span){ .n = blocks_left(level, index) };
	}
	return leaf_span(word, index);
}

void memofs_walk_init(struct memofs_walk *w, const struct memofs_inode *mi, uint64_t index,
		      uint64_t end)
{
	*w = (struct memofs_walk){ .mi = mi, .index = index, .end = end };
}

/* Do eight slots hold T1 blocks in a row, from `bn` on? One branch for all of them. */
static bool are_neighbours(const uint64_t *slots, uint64_t bn)
{
	uint64_t differ = 0, i;

#pragma GCC unroll 8
	for (i = 0; i < 8; i++)
		differ |= __atomic_load_n(&slots[i], __ATOMIC_ACQUIRE) ^ (bn + i);
	return !differ;
}

/*
 * How many of n slots hold neighbouring T1 blocks from `bn` on, or nothing if that is 0. The first
 * did when it was read, and is not looked at again: it may have been filled or replaced meanwhile.
 */
static uint64_t run_length(const uint64_t *slots, uint64_t n, uint64_t bn)
{
	uint64_t step = bn ? 1 : 0, i = 1;

	while (bn && i + 8 <= n && are_neighbours(slots + i, bn + i))
		i += 8;
	while (i < n && __atomic_load_n(&slots[i], __ATOMIC_ACQUIRE) == bn + i * step)
		i++;
	return i;
}

/* Into the next leaf; how much of the way ahead is known to be a row, and from where on. */
static uint64_t walk_enter(struct memofs_walk *w, uint64_t *bn)
{
	struct span span = span_find(&w->mi->map, w->index);

	w->slots = span.slots;
	w->left = memofs_min(span.n, w->end - w->index);
	return span.leaf ? memofs_min(row_from(span.leaf, w->index, bn), w->left) : 0;
}

bool memofs_walk_next(struct memofs_walk *w, struct memofs_run *r)
{
	uint64_t row = 0;

	if (w->index >= w->end)
		return false;
	r->index = w->index;
	r->bn = 0;
	if (!w->left)
		row = walk_enter(w, &r->bn);
	r->n = row ? row : w->left;
	if (w->slots && !row) {
		r->bn = __atomic_load_n(w->slots, __ATOMIC_ACQUIRE);
		r->n = run_length(w->slots, w->left, r->bn);
	}
	if (w->slots)
		w->slots += r->n;
	w->index += r->n;
	w->left -= r->n;
	return true;
}

void memofs_map_run(const struct memofs_inode *mi, struct memofs_run *r)
{
	struct span span = span_find(&mi->map, r->index);

	r->bn = __atomic_load_n(span.slots, __ATOMIC_ACQUIRE);
	r->n = run_length(span.slots, memofs_min(span.n, r->n), r->bn);
}

/* ---- unwritten blocks ---- */

/* Marks n slots from `index` on, or takes their marks; how many have changed. */
static uint64_t mark_span(struct memofs_map *map, const struct span *span, uint64_t index,
			  bool unwritten)
{
	uint64_t *words = span->leaf ? span->leaf->unwritten : &map->direct_unwritten;
	uint64_t at = index % FANOUT, end = at + span->n, changed = 0, n;

	for (; at < end; at += n) {
		uint64_t *word = &words[at / 64], mask, old;

		n = memofs_min(end - at, 64 - at % 64);
		mask = UINT64_MAX >> (64 - n) << at % 64;
		old = unwritten ? __atomic_fetch_or(word, mask, __ATOMIC_RELAXED) :
				  ~__atomic_fetch_and(word, ~mask, __ATOMIC_RELAXED);
		changed += (uint64_t)__builtin_popcountll(mask & ~old);
	}
	return changed;
}

static void mark(struct memofs_map *map, uint64_t index, uint64_t n, bool unwritten)
{
	uint64_t changed = 0;
	struct span span;

	for (; n; index += span.n, n -= span.n) {
		span = span_find(map, index);
		span.n = memofs_min(span.n, n);
		if (span.slots)
			changed += mark_span(map, &span, index, unwritten);
	}
	if (unwritten)
		__atomic_fetch_add(&map->unwritten, changed, __ATOMIC_RELAXED);
	else
		__atomic_fetch_sub(&map->unwritten, changed, __ATOMIC_RELAXED);
}

void memofs_map_unwritten(struct memofs_inode *mi, uint64_t index, uint64_t n)
{
	mark(&mi->map, index, n, true);
}

void memofs_map_written(struct memofs_inode *mi, uint64_t index, uint64_t n)
{
	if (memofs_has_unwritten(mi))
		mark(&mi->map, index, n, false);
}

static bool is_unwritten(const struct memofs_map *map, const struct span *span, uint64_t index)
{
	const uint64_t *words = span->leaf ? span->leaf->unwritten : &map->direct_unwritten;
	uint64_t at = index % FANOUT;

	return __atomic_load_n(&words[at / 64], __ATOMIC_RELAXED) >> at % 64 & 1;
}

uint64_t memofs_unwritten_run(const struct memofs_inode *mi, const struct memofs_run *r,
			      bool *unwritten)
{
	uint64_t n = 0, i = 0;
	struct span span;

	*unwritten = false;
	if (!memofs_has_unwritten(mi))
		return r->n;
	for (; n < r->n; n += i) {
		span = span_find(&mi->map, r->index + n);
		span.n = memofs_min(span.n, r->n - n);
		if (!n)
			*unwritten = is_unwritten(&mi->map, &span, r->index);
		for (i = 0; i < span.n; i++) {
			if (is_unwritten(&mi->map, &span, r->index + n + i) != *unwritten)
				return n + i;
		}
	}
	return n;
}

bool memofs_walk_data(struct memofs_walk *w, struct memofs_run *r)
{
	bool unwritten;
	uint64_t n;

	if (!memofs_walk_next(w, r))
		return false;
	if (!r->bn)
		return true;
	n = memofs_unwritten_run(w->mi, r, &unwritten);
	if (n < r->n)
		memofs_walk_init(w, w->mi, r->index + n, w->end);
	r->n = n;
	if (unwritten)
		r->bn = 0;
	return true;
}

/* ---- making ---- */

static struct memofs_map_node *make_node(struct memofs_sb *msb, int *err)
{
	return memofs_heap_alloc(msb, &msb->nodes, sizeof(struct memofs_map_node), err);
}

static void free_node(struct memofs_sb *msb, uint64_t node)
{
	memofs_heap_free(msb, &msb->nodes, node_of(node), sizeof(struct memofs_map_node));
}

/* Publishes `node` in an empty word; else frees it. The word's value afterwards. */
static uint64_t publish(struct memofs_sb *msb, uint64_t *word, uint64_t expected,
			struct memofs_map_node *node, unsigned int height)
{
	uint64_t value = (uint64_t)(uintptr_t)node | height;

	if (__atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return value;
	free_node(msb, (uint64_t)(uintptr_t)node);
	return expected;
}

/* Makes the tree high enough for a block; its root word, or 0 and *err. */
static uint64_t grow(struct memofs_sb *msb, struct memofs_map *map, uint64_t index, int *err)
{
	uint64_t root = __atomic_load_n(&map->root, __ATOMIC_ACQUIRE);

	while (!is_covered(root, index)) {
		struct memofs_map_node *node = make_node(msb, err);
		unsigned int height = height_of(root) + 1;

		if (!node)
			return 0;
		node->slot[0] = root & ~(uint64_t)HEIGHT_MASK;
		/* below nothing there is nothing to be made */
		while (!root && index >> level_shift(height))
			height++;
		root = publish(msb, &map->root, root, node, height);
	}
	return root;
}

/* The same as span_find, but makes what is missing; no slots = no memory: *err. */
static struct span span_make(struct memofs_sb *msb, struct memofs_map *map, uint64_t index,
			     int *err)
{
	unsigned int level;
	uint64_t word;

	if (index < MEMOFS_DIRECT)
		return direct_span(map, index);
	word = grow(msb, map, index, err);
	if (!word)
		return (struct span){ .n = 0 };
	for (level = height_of(word) - 1; level; level--) {
		uint64_t *slot = slot_at(word, level, index);

		word = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (!word) {
			struct memofs_map_node *node = make_node(msb, err);

			if (!node)
				return (struct span){ .n = 0 };
			word = publish(msb, slot, 0, node, 0);
		}
	}
	return leaf_span(word, index);
}

int memofs_map_make(struct memofs_inode *mi, uint64_t index, uint64_t n)
{
	struct span span;
	int err;

	for (; n; index += span.n, n -= span.n) {
		span = span_make(memofs_sb_of_inode(mi), &mi->map, index, &err);
		if (!span.slots)
			return err;
		span.n = memofs_min(span.n, n);
	}
	return 0;
}

/* How many blocks were entered; for the others somebody was faster. */
static uint64_t fill_span(struct memofs_inode *mi, const struct span *span, uint64_t bn)
{
	uint64_t i, set = 0;

	for (i = 0; i < span->n; i++) {
		uint64_t expected = 0;

		if (__atomic_compare_exchange_n(&span->slots[i], &expected, bn + i, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			set++;
		else
			memofs_blocks_free(memofs_sb_of_inode(mi), bn + i, 1);
	}
	return set;
}

uint64_t memofs_map_fill(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n,
			 int *err)
{
	uint64_t done, set = 0;
	struct span span;

	for (done = 0; done < n; done += span.n) {
		uint64_t entered;

		span = span_make(memofs_sb_of_inode(mi), &mi->map, index + done, err);
		if (!span.slots)
			break;
		span.n = memofs_min(span.n, n - done);
		entered = fill_span(mi, &span, bn + done);
		if (span.leaf && entered == span.n)
			row_extend(span.leaf, index + done, bn + done, span.n);
		set += entered;
	}
	zus_zi_add_blocks(mi->ii.zi, (int64_t)set);
	return done;
}

void memofs_map_replace(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n)
{
	struct span span = span_find(&mi->map, index);
	uint64_t i;

	if (span.leaf)
		row_cut(span.leaf, index);
	for (i = 0; i < n; i++)
		__atomic_store_n(&span.slots[i], bn + i, __ATOMIC_RELEASE);
}

/* How many of the slots were holes. */
static uint64_t share_span(struct memofs_sb *msb, const struct span *span, uint64_t bn)
{
	uint64_t i, set = 0;

	for (i = 0; i < span->n; i++) {
		uint64_t old = span->slots[i];

		if (old == bn + i)
			continue;
		memofs_owner_add(msb, bn + i);
		span->slots[i] = bn + i;
		if (old)
			memofs_owners_drop(msb, old, 1);
		else
			set++;
	}
	return set;
}

void memofs_map_share(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n)
{
	uint64_t set = 0;

	memofs_map_written(mi, index, n);
	while (n) {
		struct span span = span_find(&mi->map, index);

		span.n = memofs_min(span.n, n);
		if (span.leaf)
			row_cut(span.leaf, index);
		set += share_span(memofs_sb_of_inode(mi), &span, bn);
		if (span.leaf)
			row_extend(span.leaf, index, bn, span.n);
		index += span.n;
		bn += span.n;
		n -= span.n;
	}
	zus_zi_add_blocks(mi->ii.zi, (int64_t)set);
}

/* ---- taking away ---- */

/* A range of blocks that is being dropped, and the run of T1 blocks that is to go next. */
struct drop {
	struct memofs_inode *mi;
	uint64_t first;
	uint64_t end;
	uint64_t bn;
	uint64_t n;
};

static void drop_flush(struct drop *d)
{
	if (!d->n)
		return;
	memofs_owners_drop(memofs_sb_of_inode(d->mi), d->bn, d->n);
	zus_zi_add_blocks(d->mi->ii.zi, -(int64_t)d->n);
	d->n = 0;
}

static void drop_block(struct drop *d, uint64_t *slot)
{
	if (!*slot)
		return;
	if (*slot != d->bn + d->n)
		drop_flush(d);
	if (!d->n)
		d->bn = *slot;
	d->n++;
	*slot = 0;
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
			row_cut(node_of(node), lo);
			drop_block(d, slot);
			continue;
		}
		drop_node(d, *slot, level - 1, lo);
	}
}

/*
 * Frees the nodes in [index, end) that have become empty, below one of a level whose first block
 * is `base`; is it empty itself? Else a file could have any number of them without a block.
 */
static bool trim_node(struct memofs_sb *msb, uint64_t node, unsigned int level, uint64_t base,
		      uint64_t index, uint64_t end)
{
	uint64_t span = (uint64_t)1 << level_shift(level), used = 0;
	unsigned int i;

	for (i = 0; i < FANOUT && (level || !used); i++) {
		uint64_t lo = base + i * span, *slot = &node_of(node)->slot[i];

		if (level && *slot && lo < end && lo + span > index &&
		    trim_node(msb, *slot, level - 1, lo, index, end)) {
			free_node(msb, *slot);
			*slot = 0;
		}
		used |= *slot;
	}
	return !used;
}

void memofs_map_trim(struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	struct memofs_sb *msb = memofs_sb_of_inode(mi);
	uint64_t root = mi->map.root;

	if (root && trim_node(msb, root, height_of(root) - 1, 0, index, end)) {
		free_node(msb, root);
		mi->map.root = 0;
	}
}

void memofs_map_clear(struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	struct drop d = { .mi = mi, .first = index, .end = end };
	uint64_t root = mi->map.root, i;

	memofs_map_written(mi, index, end - index);
	for (i = index; i < end && i < MEMOFS_DIRECT; i++)
		drop_block(&d, &mi->map.direct[i]);
	if (root)
		drop_node(&d, root, height_of(root) - 1, 0);
	drop_flush(&d);
}

void memofs_map_drop(struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	memofs_map_clear(mi, index, end);
	memofs_map_trim(mi, index, end);
}

/* Frees the nodes below and at `node`, not the blocks. */
static void free_nodes(struct memofs_sb *msb, uint64_t node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < FANOUT; i++) {
		if (node_of(node)->slot[i])
			free_nodes(msb, node_of(node)->slot[i], level - 1);
	}
	free_node(msb, node);
}

static void free_index(struct memofs_sb *msb, struct memofs_map *map)
{
	if (map->root)
		free_nodes(msb, map->root, height_of(map->root) - 1);
}

/* Enters a run into another index. */
static int copy_run(struct memofs_sb *msb, struct memofs_map *to, uint64_t at, uint64_t bn,
		    uint64_t n)
{
	struct span span;
	uint64_t i;
	int err;

	for (; n; at += span.n, bn += span.n, n -= span.n) {
		span = span_make(msb, to, at, &err);
		if (!span.slots)
			return err;
		span.n = memofs_min(span.n, n);
		for (i = 0; i < span.n; i++)
			span.slots[i] = bn + i;
		if (span.leaf)
			row_extend(span.leaf, at, bn, span.n);
	}
	return 0;
}

/* Of those that have been entered there. */
static void copy_marks(const struct memofs_inode *mi, struct memofs_map *to, struct memofs_run r,
		       uint64_t at)
{
	bool unwritten;
	uint64_t n;

	for (; r.n; r.index += n, r.n -= n, at += n) {
		n = memofs_unwritten_run(mi, &r, &unwritten);
		if (unwritten)
			mark(to, at, n, true);
	}
}

/* Enters the blocks of [index, end) into another index, `by` further on. */
static int copy_part(const struct memofs_inode *mi, struct memofs_map *to, uint64_t index,
		     uint64_t end, int64_t by)
{
	struct memofs_walk w;
	struct memofs_run r;
	int err = 0;

	memofs_walk_init(&w, mi, index, end);
	while (!err && memofs_walk_next(&w, &r)) {
		uint64_t at = r.index + (uint64_t)by;

		if (!r.bn)
			continue;
		if (at + r.n > MEMOFS_MAX_BLOCKS)
			return -EFBIG;
		err = copy_run(memofs_sb_of_inode(mi), to, at, r.bn, r.n);
		if (!err)
			copy_marks(mi, to, r, at);
	}
	return err;
}

int memofs_map_shift(struct memofs_inode *mi, uint64_t index, int64_t by)
{
	uint64_t tail = by < 0 ? index - (uint64_t)by : index;
	struct memofs_map to = { .root = 0 };
	int err;

	err = copy_part(mi, &to, 0, index, 0);
	if (!err)
		err = copy_part(mi, &to, tail, MEMOFS_MAX_BLOCKS, by);
	if (err) {
		free_index(memofs_sb_of_inode(mi), &to);
		return err;
	}
	memofs_map_drop(mi, index, tail);
	free_index(memofs_sb_of_inode(mi), &mi->map);
	mi->map = to;
	return 0;
}
