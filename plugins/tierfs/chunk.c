// SPDX-License-Identifier: BSD-2-Clause
/*
 * Objects of metadata: slots of inodes, objects of slabs, pages, which lie in chunks of 64 KiB.
 *
 * The head of a chunk on media has a bit for each object; as with blocks, DRAM has a copy in which
 * more is set (alloc.c). Chunks become known when somebody needs room of their kind, by a cursor
 * that goes once through the groups which have chunks of metadata, or when one of their objects
 * is freed. A new chunk is made by a transaction of its own, before the one that needs it; one that
 * has become empty is given back, but for chunks of inodes, which the tree names.
 *
 * Under the space's lock: what is in DRAM. The tree of inode chunks has the tree lock, which is
 * taken before; who only looks up takes none, because a chunk never leaves the tree.
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <zus/thread.h>

#define LIST_INODES	0
#define LIST_PAGES	1
#define LIST_SLABS	2		/* + class */

/* ---- what a chunk is ---- */

static uint64_t chunk_number(const struct tierfs *fs, const void *addr)
{
	return (uint64_t)((const uint8_t *)addr - fs->sb.md->t1) / TIERFS_CHUNK;
}

static const struct tierfs_chunk *head_at(const struct tierfs *fs, uint64_t number)
{
	return (const struct tierfs_chunk *)(fs->sb.md->t1 + number * TIERFS_CHUNK);
}

static const uint8_t *object_at(const struct tierfs_chunk_ram *c, uint32_t bit)
{
	const uint8_t *chunk = (const uint8_t *)c->head;

	if (c->list == LIST_PAGES)
		return chunk + (bit + 1) * TIERFS_BLOCK;
	return chunk + TIERFS_CHUNK_HEAD + bit * c->object_bytes;
}

static uint32_t object_bit(const struct tierfs_chunk_ram *c, const void *object)
{
	uint32_t at = (uint32_t)((const uint8_t *)object - (const uint8_t *)c->head);

	if (c->list == LIST_PAGES)
		return at / TIERFS_BLOCK - 1;
	return (at - TIERFS_CHUNK_HEAD) / c->object_bytes;
}

/* List and number of objects of a head; false: it is broken. */
static bool head_parse(const struct tierfs_chunk *head, enum tierfs_kind kind,
		       struct tierfs_chunk_ram *c)
{
	uint32_t bytes = head->object_bytes, class = 0;

	c->object_bytes = bytes;

	if (head->kind != kind || tierfs_crc_head(head, sizeof(*head)) != head->crc)
		return false;
	switch (kind) {
	case TIERFS_KIND_INODES:
		c->list = LIST_INODES;
		c->count = TIERFS_CHUNK_INODES;
		return bytes == TIERFS_INODE_SLOT;
	case TIERFS_KIND_PAGES:
		c->list = LIST_PAGES;
		c->count = TIERFS_CHUNK_PAGES;
		return bytes == TIERFS_BLOCK;
	case TIERFS_KIND_SLABS:
		while (class < TIERFS_SLAB_CLASSES && TIERFS_SLAB_MIN << class != bytes)
			class++;
		c->list = (uint8_t)(LIST_SLABS + class);
		c->count = (uint16_t)((TIERFS_CHUNK - TIERFS_CHUNK_HEAD) / (class ? bytes : 64));
		return class < TIERFS_SLAB_CLASSES;
	default:
		return false;
	}
}

/* ---- chunks in DRAM ---- */

static struct tierfs_chunk_ram **bucket_of(struct tierfs_space *s, uint64_t number)
{
	return &s->hash[number & (s->hash_size - 1)];
}

static struct tierfs_chunk_ram *ram_find(struct tierfs *fs, uint64_t number)
{
	struct tierfs_space *s = &fs->space;
	struct tierfs_chunk_ram *c = NULL;

	if (s->hash_size) {
		for (c = *bucket_of(s, number); c && c->head != head_at(fs, number); c = c->next)
			;
	}
	return c;
}

static int hash_grow(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space, old = *s;
	uint64_t i, size = s->hash_size ? 2 * s->hash_size : 64;
	struct tierfs_chunk_ram *c, *next;

	s->hash = zus_alloc_array(fs->sb.env, size, sizeof(*s->hash));
	if (!s->hash) {
		s->hash = old.hash;
		return s->hash_size ? 0 : -ENOMEM;
	}
	s->hash_size = size;
	for (i = 0; i < old.hash_size; i++) {
		for (c = old.hash[i]; c; c = next) {
			struct tierfs_chunk_ram **b = bucket_of(s, chunk_number(fs, c->head));

			next = c->next;
			c->next = *b;
			*b = c;
		}
	}
	zus_free(fs->sb.env, old.hash);
	return 0;
}

static void list_update(struct tierfs *fs, struct tierfs_chunk_ram *c)
{
	bool wanted = c->free && !c->doomed;

	if (wanted && !c->is_partial)
		LIST_INSERT_HEAD(&fs->space.partial[c->list], c, link);
	else if (!wanted && c->is_partial)
		LIST_REMOVE(c, link);
	c->is_partial = wanted;
}

static const struct tierfs_chunk *tree_look(struct tierfs *fs, uint64_t index);

/* What the head of a chunk says. False: it is broken. */
static bool ram_read(struct tierfs *fs, struct tierfs_chunk_ram *c)
{
	const struct tierfs_chunk *head = c->head;
	uint32_t i, used = 0;

	if (!head_parse(head, tierfs_kind_at(fs, head), c))
		return false;
	/* two chunks with one index would give two inodes one number */
	if (c->list == LIST_INODES && tree_look(fs, head->index) != head)
		return false;
	memcpy(c->bits, head->bits, sizeof(c->bits));
	for (i = 0; i < c->count; i++)
		used += c->bits[i / 64] >> i % 64 & 1;
	c->free = (uint16_t)(c->count - used);
	return true;
}

/*
 * Makes a chunk known; with the lock. NULL: *err. `fresh`: it was just made, and what is known of
 * an empty chunk that is being given back is of the one before it.
 */
static struct tierfs_chunk_ram *ram_load(struct tierfs *fs, uint64_t number, bool fresh, int *err)
{
	struct tierfs_chunk_ram *c = ram_find(fs, number), **b;

	if (c && fresh && c->doomed) {
		c->doomed = false;
		*err = ram_read(fs, c) ? 0 : tierfs_broken(fs, 0, "the head of a new chunk");
		list_update(fs, c);
		return *err ? NULL : c;
	}
	if (c)
		return c;
	*err = -ENOMEM;
	if (fs->space.nr_loaded >= fs->space.hash_size && hash_grow(fs))
		return NULL;
	c = zus_alloc(fs->sb.env, sizeof(*c));
	if (!c)
		return NULL;
	c->head = head_at(fs, number);
	if (!ram_read(fs, c)) {
		zus_free(fs->sb.env, c);
		*err = tierfs_broken(fs, 0, "the head of a chunk of metadata");
		return NULL;
	}
	b = bucket_of(&fs->space, number);
	c->next = *b;
	*b = c;
	fs->space.nr_loaded++;
	list_update(fs, c);
	*err = 0;
	return c;
}

static void ram_unload(struct tierfs *fs, struct tierfs_chunk_ram *c)
{
	struct tierfs_chunk_ram **p = bucket_of(&fs->space, chunk_number(fs, c->head));

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	fs->space.nr_loaded--;
	zus_free(fs->sb.env, c);
}

static enum tierfs_kind kind_of_list(unsigned int list)
{
	return list == LIST_INODES ? TIERFS_KIND_INODES :
	       list == LIST_PAGES ? TIERFS_KIND_PAGES : TIERFS_KIND_SLABS;
}

/* Is the first block of a chunk used? The kind is to be looked at after it (tx.c). */
static bool is_in_use(const struct tierfs *fs, uint64_t number)
{
	uint64_t bn = number * TIERFS_CHUNK_BLOCKS, bit = bn % TIERFS_GROUP_BLOCKS;
	const struct tierfs_dev *d = tierfs_dev_of(fs, bn);
	const uint64_t *bits = d->bitmaps + (bn - d->first_bn) / TIERFS_GROUP_BLOCKS * 8;

	return __atomic_load_n(&bits[bit / 64], __ATOMIC_ACQUIRE) >> bit % 64 & 1;
}

/* Makes all chunks of metadata of the next group known that has some; false: there are no more. */
static bool scan_step(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space;
	uint64_t first, i;
	int err;

	while (s->scan < s->nr_groups && !s->groups[s->scan].has_chunks)
		s->scan++;
	if (s->scan == s->nr_groups)
		return false;
	first = s->scan++ * TIERFS_GROUP_CHUNKS;
	for (i = first; i < first + TIERFS_GROUP_CHUNKS; i++) {
		/* an empty one keeps its kind until its blocks are given out again */
		if (is_in_use(fs, i) &&
		    tierfs_kind_at(fs, head_at(fs, i)) >= TIERFS_KIND_INODES)
			ram_load(fs, i, false, &err);
	}
	return true;
}

/* ---- new chunks ---- */

/* The head, and for pages the CRCs behind it, written aside. */
static void head_write(struct tierfs_tx *tx, const struct tierfs_chunk *at, unsigned int list,
		       uint64_t index)
{
	struct tierfs_chunk head = {
		.kind = (uint16_t)kind_of_list(list),
		.object_bytes = list == LIST_INODES ? TIERFS_INODE_SLOT :
				list == LIST_PAGES ? TIERFS_BLOCK :
				TIERFS_SLAB_MIN << (list - LIST_SLABS),
		.index = index,
	};
	struct tierfs *fs = tierfs_tx_fs(tx);

	head.crc = tierfs_crc_head(&head, sizeof(head));
	tierfs_pm_copy(fs, at, &head, sizeof(head));
	if (list == LIST_PAGES)
		tierfs_pm_zero(fs, (const uint8_t *)at + sizeof(head),
			       TIERFS_BLOCK - sizeof(head));
	tierfs_tx_aside(tx);
}

static int tree_add(struct tierfs_tx *tx, const struct tierfs_chunk *chunk);

/* Slots have never had an inode: their records say so, also to a checker. */
static void slots_clear(struct tierfs_tx *tx, const struct tierfs_chunk *at)
{
	tierfs_pm_zero(tierfs_tx_fs(tx), at + 1, TIERFS_CHUNK - sizeof(*at));
}

static int chunk_make(struct tierfs *fs, unsigned int list, unsigned int flags)
{
	uint64_t bn = tierfs_chunk_reserve(fs, flags);
	struct tierfs_chunk_ram *c;
	struct tierfs_tx *tx;
	int err = 0;

	if (!bn)
		return -ENOSPC;
	tx = tierfs_tx_begin(fs);
	if (!tierfs_tx_late(tx, &(struct tierfs_late){
			.what = TIERFS_LATE_BLOCKS_SET,
			.kind = kind_of_list(list),
			.bn = bn,
			.n = TIERFS_CHUNK_BLOCKS,
		}))
		err = -EFBIG;
	head_write(tx, zus_t1_addr(fs->sb.md, bn), list,
		   list == LIST_INODES ? fs->root->nr_chunks : 0);
	if (list == LIST_INODES)
		slots_clear(tx, zus_t1_addr(fs->sb.md, bn));
	if (list == LIST_INODES && !err)
		err = tree_add(tx, zus_t1_addr(fs->sb.md, bn));
	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	err = tierfs_tx_commit(tx);
	if (err)
		return err;
	zus_mutex_lock(&fs->space.lock);
	c = ram_load(fs, bn / TIERFS_CHUNK_BLOCKS, true, &err);
	zus_mutex_unlock(&fs->space.lock);
	return c ? 0 : err;
}

/* ---- the tree of inode chunks ---- */

#define TREE_BITS	9
#define TREE_MASK	((1U << TREE_BITS) - 1)
#define TREE_HEIGHT	6U

/* A page with one word in it. */
static int tree_page(struct tierfs_tx *tx, unsigned int at, uint64_t word, const void **page)
{
	uint64_t content[TIERFS_PAGE_WORDS] = { 0 };
	int err = tierfs_page_alloc(tx, TIERFS_ALLOC_RESERVE, page);

	if (err)
		return err;
	content[at] = word;
	tierfs_tx_page(tx, *page, content);
	return 0;
}

/* Pages for the path to a chunk, from the lowest on; the word for the one above. */
static int tree_path(struct tierfs_tx *tx, uint64_t index, unsigned int levels, uint64_t *word)
{
	const void *page;
	unsigned int level;
	int err;

	for (level = 0; level < levels; level++) {
		err = tree_page(tx, index >> level * TREE_BITS & TREE_MASK, *word, &page);
		if (err)
			return err;
		*word = tierfs_place(tierfs_tx_fs(tx), page);
	}
	return 0;
}

/* The chunk with the next number goes into the tree; with the tree lock. */
static int tree_add(struct tierfs_tx *tx, const struct tierfs_chunk *chunk)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	struct tierfs_root *root = tierfs_tx_get(tx, fs->root, sizeof(*root), TIERFS_CRC_HEAD);
	uint64_t index = root->nr_chunks, word = tierfs_place(fs, chunk);
	const uint64_t *slot;
	unsigned int level;
	const void *page;
	int err;

	root->nr_chunks++;
	if (index >> root->height * TREE_BITS) {
		if (root->height == TREE_HEIGHT)
			return -ENOSPC;
		err = tree_page(tx, 0, root->chunks, &page);
		if (err)
			return err;
		root->chunks = tierfs_place(fs, page);
		root->height++;
		/* the path below the new page's second word */
		err = tree_path(tx, index, root->height - 1, &word);
		if (!err)
			*(uint64_t *)tierfs_tx_get(tx, (const uint64_t *)page + 1, sizeof(word),
						   TIERFS_CRC_PAGE) = word;
		return err;
	}
	slot = NULL;
	page = tierfs_page_at(fs, root->chunks);
	for (level = root->height; page; page = tierfs_page_at(fs, *slot)) {
		level--;
		slot = (const uint64_t *)page + (index >> level * TREE_BITS & TREE_MASK);
		if (!level || !*slot)
			break;
	}
	if (!slot || !page)
		return tierfs_broken(fs, 0, "the tree of inodes");
	err = tree_path(tx, index, level, &word);
	if (!err)
		*(uint64_t *)tierfs_tx_get(tx, slot, sizeof(word), TIERFS_CRC_PAGE) = word;
	return err;
}

/*
 * The head of chunk `index`, or NULL: also when the tree grows meanwhile, for then height and top
 * page do not fit, and what is met is of another kind.
 */
static const struct tierfs_chunk *tree_look(struct tierfs *fs, uint64_t index)
{
	uint32_t level = __atomic_load_n(&fs->root->height, __ATOMIC_ACQUIRE);
	tierfs_place_t place = __atomic_load_n(&fs->root->chunks, __ATOMIC_ACQUIRE);
	const struct tierfs_chunk *head;

	if (index >= __atomic_load_n(&fs->root->nr_chunks, __ATOMIC_ACQUIRE) ||
	    level > TREE_HEIGHT || (level < TREE_HEIGHT && index >> level * TREE_BITS))
		return NULL;
	while (level--) {
		const uint64_t *page = tierfs_page_at(fs, place);

		if (!page)
			return NULL;
		place = __atomic_load_n(&page[index >> level * TREE_BITS & TREE_MASK],
					__ATOMIC_ACQUIRE);
	}
	if (place % TIERFS_CHUNK)
		return NULL;
	head = tierfs_ptr(fs, place, TIERFS_CHUNK);
	return head && tierfs_kind_at(fs, head) == TIERFS_KIND_INODES && head->index == index ?
		head : NULL;
}

/* The same for certain: who makes chunks of inodes has the lock until the root is in place. */
static const struct tierfs_chunk *tree_find(struct tierfs *fs, uint64_t index)
{
	const struct tierfs_chunk *head = tree_look(fs, index);

	if (head)
		return head;
	zus_mutex_lock(&fs->tree_lock);
	head = tree_look(fs, index);
	zus_mutex_unlock(&fs->tree_lock);
	return head;
}

/* ---- objects ---- */

/* A free object of a kind: the chunk, and its bit. -ENOENT: there is none in any chunk. */
static int object_take(struct tierfs *fs, unsigned int list, struct tierfs_chunk_ram **out,
		       uint32_t *bit)
{
	struct tierfs_space *s = &fs->space;
	struct tierfs_chunk_ram *c;
	uint32_t w = 0;

	zus_mutex_lock(&s->lock);
	while (!(c = LIST_FIRST(&s->partial[list])) && scan_step(fs))
		;
	if (c) {
		while (c->bits[w] == UINT64_MAX)
			w++;
		*bit = w * 64 + (uint32_t)__builtin_ctzll(~c->bits[w]);
		c->bits[w] |= (uint64_t)1 << *bit % 64;
		c->free--;
		s->inodes += list == LIST_INODES;
		list_update(fs, c);
	}
	zus_mutex_unlock(&s->lock);
	*out = c;
	return c ? 0 : -ENOENT;
}

static int object_alloc(struct tierfs_tx *tx, unsigned int list, unsigned int flags,
			const void **object)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	struct tierfs_late late = { .what = TIERFS_LATE_OBJECT_SET };
	int err;

	while ((err = object_take(fs, list, &late.chunk, &late.bit)) == -ENOENT) {
		if (tierfs_rests_drain(fs, false))
			continue;
		if (list == LIST_INODES)
			zus_mutex_lock(&fs->tree_lock);
		err = chunk_make(fs, list, flags);
		if (list == LIST_INODES)
			zus_mutex_unlock(&fs->tree_lock);
		if (err == -ENOSPC && tierfs_rests_drain(fs, true))
			continue;
		if (err)
			return err;
	}
	*object = object_at(late.chunk, late.bit);
	if (!tierfs_tx_late(tx, &late)) {
		tierfs_object_release(fs, late.chunk, late.bit);
		return -EFBIG;
	}
	return 0;
}

/* Is there another chunk with room of that kind? One empty chunk is kept, for what comes next. */
static bool has_other(const struct tierfs *fs, const struct tierfs_chunk_ram *c)
{
	const struct tierfs_chunk_ram *first = LIST_FIRST(&fs->space.partial[c->list]);

	return first && (first != c || LIST_NEXT(first, link));
}

void tierfs_object_clear(struct tierfs *fs, struct tierfs_chunk_ram *c, uint32_t bit)
{
	c->bits[bit / 64] &= ~((uint64_t)1 << bit % 64);
	c->free++;
	list_update(fs, c);
	if (c->free < c->count || c->list == LIST_INODES || !has_other(fs, c))
		return;
	c->doomed = true;
	list_update(fs, c);
	LIST_INSERT_HEAD(&fs->space.doomed, c, link);
}

static struct tierfs_chunk_ram *doomed_pop(struct tierfs *fs)
{
	struct tierfs_chunk_ram *c;

	zus_mutex_lock(&fs->space.lock);
	c = LIST_FIRST(&fs->space.doomed);
	if (c)
		LIST_REMOVE(c, link);
	zus_mutex_unlock(&fs->space.lock);
	return c;
}

/* What cannot be given back is used again. */
static void doomed_save(struct tierfs *fs, struct tierfs_chunk_ram *c)
{
	zus_mutex_lock(&fs->space.lock);
	c->doomed = false;
	list_update(fs, c);
	zus_mutex_unlock(&fs->space.lock);
}

/* Its blocks are cleared on media; they rest, and its group must know that. */
static int doomed_free(struct tierfs *fs, struct tierfs_chunk_ram *c)
{
	uint64_t bn = zus_t1_bn(fs->sb.md, c->head);
	struct tierfs_tx *tx;
	bool loaded;

	zus_mutex_lock(&fs->space.lock);
	loaded = tierfs_group_load(fs, bn / TIERFS_GROUP_BLOCKS);
	zus_mutex_unlock(&fs->space.lock);
	if (!loaded)
		return -EIO;
	tx = tierfs_tx_begin(fs);
	tierfs_tx_late(tx, &(struct tierfs_late){
		.what = TIERFS_LATE_BLOCKS_CLEAR,
		.kind = kind_of_list(c->list),
		.bn = bn,
		.n = TIERFS_CHUNK_BLOCKS,
	});
	return tierfs_tx_commit(tx);
}

bool tierfs_chunks_trim(struct tierfs *fs)
{
	struct tierfs_thread *t = &fs->threads[zus_thread_number()];
	struct tierfs_chunk_ram *c;
	bool any = false;

	/* a commit of this comes here again */
	if (t->is_trimming || t->depth == TIERFS_TX_DEPTH)
		return false;
	t->is_trimming = true;
	while (LIST_FIRST(&fs->space.doomed) && (c = doomed_pop(fs))) {
		if (doomed_free(fs, c)) {
			doomed_save(fs, c);
			break;
		}
		any = true;
		zus_mutex_lock(&fs->space.lock);
		/* or a new one has been made there meanwhile */
		if (c->doomed)
			ram_unload(fs, c);
		zus_mutex_unlock(&fs->space.lock);
	}
	t->is_trimming = false;
	return any;
}

void tierfs_object_release(struct tierfs *fs, struct tierfs_chunk_ram *c, uint32_t bit)
{
	zus_mutex_lock(&fs->space.lock);
	if (c->list == LIST_INODES)
		fs->space.inodes--;
	tierfs_object_clear(fs, c, bit);
	zus_mutex_unlock(&fs->space.lock);
}

void tierfs_object_rest(struct tierfs *fs, struct tierfs_chunk_ram *c, uint32_t bit, uint64_t lsn)
{
	if (c->list == LIST_INODES) {
		zus_mutex_lock(&fs->space.lock);
		fs->space.inodes--;
		zus_mutex_unlock(&fs->space.lock);
	}
	tierfs_rest_add(fs, &(struct tierfs_rest){ .lsn = lsn, .chunk = c, .bit = bit });
}

/* Frees an object in tx, which fails if its chunk cannot be known. */
static void object_free(struct tierfs_tx *tx, const void *object)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	struct tierfs_late late = { .what = TIERFS_LATE_OBJECT_CLEAR };
	int err = 0;

	zus_mutex_lock(&fs->space.lock);
	late.chunk = ram_load(fs, chunk_number(fs, object), false, &err);
	if (late.chunk) {
		late.bit = object_bit(late.chunk, object);
		/* somebody's pointer leads to what is nobody's */
		if (late.bit >= late.chunk->count ||
		    !(late.chunk->bits[late.bit / 64] >> late.bit % 64 & 1))
			err = -EIO;
	}
	zus_mutex_unlock(&fs->space.lock);
	if (err)
		tierfs_tx_fail(tx, late.chunk ? tierfs_broken(fs, 0, "what is to be freed") : err);
	else
		tierfs_tx_late(tx, &late);
}

int tierfs_page_alloc(struct tierfs_tx *tx, unsigned int flags, const void **page)
{
	return object_alloc(tx, LIST_PAGES, flags, page);
}

void tierfs_page_free(struct tierfs_tx *tx, const void *page)
{
	object_free(tx, page);
}

int tierfs_slab_alloc(struct tierfs_tx *tx, uint32_t bytes, unsigned int flags,
		      const void **object)
{
	unsigned int class = 0;

	while (TIERFS_SLAB_MIN << class < bytes)
		class++;
	if (class >= TIERFS_SLAB_CLASSES)
		return -EFBIG;
	return object_alloc(tx, LIST_SLABS + class, flags, object);
}

void tierfs_slab_free(struct tierfs_tx *tx, const void *object)
{
	object_free(tx, object);
}

int tierfs_slot_alloc(struct tierfs_tx *tx, uint64_t *ino, const struct tierfs_inode **rec)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	const struct tierfs_chunk *head;
	const void *slot;
	int err = object_alloc(tx, LIST_INODES, 0, &slot);

	if (err)
		return err;
	head = head_at(fs, chunk_number(fs, slot));
	*rec = slot;
	*ino = head->index * TIERFS_CHUNK_INODES +
		(uint64_t)((const uint8_t *)slot - (const uint8_t *)(head + 1)) /
		TIERFS_INODE_SLOT;
	return 0;
}

void tierfs_slot_free(struct tierfs_tx *tx, const struct tierfs_inode *rec)
{
	object_free(tx, rec);
}

int tierfs_slot_find(struct tierfs *fs, uint64_t ino, const struct tierfs_inode **rec)
{
	const struct tierfs_chunk *head = tree_find(fs, ino / TIERFS_CHUNK_INODES);
	uint32_t slot = (uint32_t)(ino % TIERFS_CHUNK_INODES);

	if (!ino || !head)
		return -ESTALE;
	if (!(__atomic_load_n(&head->bits[slot / 64], __ATOMIC_ACQUIRE) >> slot % 64 & 1))
		return -ESTALE;
	*rec = (const struct tierfs_inode *)((const uint8_t *)(head + 1) +
					     slot * TIERFS_INODE_SLOT);
	return (*rec)->mode ? 0 : -ESTALE;
}

uint64_t tierfs_inodes_used(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space;
	const struct tierfs_chunk *head;
	uint64_t i, used = 0, n = fs->root->nr_chunks;

	if (!s->inodes_known) {
		for (i = 0; i < n; i++) {
			head = tree_find(fs, i);
			used += head ? head->used : 0;
		}
		/* slot 0 of chunk 0 is no inode */
		zus_mutex_lock(&s->lock);
		s->inodes = used - 1;
		s->inodes_known = true;
		zus_mutex_unlock(&s->lock);
	}
	return s->inodes;
}

void tierfs_chunks_fini(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space;
	uint64_t i;

	for (i = 0; i < s->hash_size; i++) {
		while (s->hash[i])
			ram_unload(fs, s->hash[i]);
	}
	zus_free(fs->sb.env, s->hash);
	s->hash = NULL;
	s->hash_size = 0;
}
