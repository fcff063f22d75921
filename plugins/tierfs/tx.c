// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transactions: copies of what an operation changes, and the commit that makes one record of them.
 *
 * A commit, in this order: CRCs of the copies; late locks; bits of groups and chunks, which other
 * transactions change too, so their copies are made only now; the log's lock; the record; stores
 * in place; unlock; what was freed goes back to the allocators. Nothing before the record is seen
 * by anybody, so every error before it just forgets the copies.
 *
 * A tx belongs to the thread that began it. The memory of its copies is an arena that is empty
 * again when it ends.
 */
#include "tierfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zus/thread.h>

struct span {
	const uint8_t *addr;		/* in T1 */
	uint8_t *copy;
	uint32_t bytes;
	uint8_t crc;			/* enum tierfs_crc_kind */
	bool fresh;			/* all of it is written */
};

struct tierfs_tx {
	struct tierfs *fs;
	struct tierfs_thread *thread;	/* NULL: a spare one */
	uint32_t depth;
	uint32_t nr_spans;
	uint32_t nr_late;
	uint32_t arena;			/* bytes in use */
	uint32_t bytes;			/* an upper bound of what the record takes */
	int err;
	bool aside;
	struct span spans[TIERFS_TX_SPANS];
	struct tierfs_late late[TIERFS_TX_LATE];
	uint8_t nowhere[TIERFS_BLOCK];	/* what no room was for */
	_Alignas(8) uint8_t memory[TIERFS_TX_ARENA];
};

/* ---- begin and end ---- */

int tierfs_txs_init(struct tierfs *fs)
{
	unsigned int i;
	int err;

	for (i = 0; i < TIERFS_TX_DEPTH; i++) {
		err = zus_mutex_init(&fs->spare_tx[i].lock);
		if (err)
			return err;
		fs->spare_tx[i].tx = zus_alloc(fs->sb.env, sizeof(struct tierfs_tx));
		if (!fs->spare_tx[i].tx)
			return -ENOMEM;
	}
	fs->threads = zus_alloc_array(fs->sb.env, fs->nr_threads, sizeof(*fs->threads));
	return fs->threads ? 0 : -ENOMEM;
}

void tierfs_txs_fini(struct tierfs *fs)
{
	unsigned int i, depth;

	for (i = 0; fs->threads && i < fs->nr_threads; i++) {
		for (depth = 0; depth < TIERFS_TX_DEPTH; depth++)
			zus_free(fs->sb.env, fs->threads[i].tx[depth]);
	}
	zus_free(fs->sb.env, fs->threads);
	fs->threads = NULL;
	for (i = 0; i < TIERFS_TX_DEPTH; i++) {
		zus_free(fs->sb.env, fs->spare_tx[i].tx);
		fs->spare_tx[i].tx = NULL;
		zus_mutex_destroy(&fs->spare_tx[i].lock);
	}
}

struct tierfs_tx *tierfs_tx_begin(struct tierfs *fs)
{
	struct tierfs_thread *t = &fs->threads[zus_thread_number()];
	uint32_t depth = t->depth++;
	struct tierfs_tx *tx;

	if (depth >= TIERFS_TX_DEPTH)
		abort();	/* a fault of this file system's own */
	tx = t->tx[depth];
	if (!tx)
		tx = t->tx[depth] = zus_alloc(fs->sb.env, sizeof(*tx));
	if (!tx) {
		zus_mutex_lock(&fs->spare_tx[depth].lock);
		tx = fs->spare_tx[depth].tx;
	}
	tx->fs = fs;
	tx->thread = t;
	tx->depth = depth;
	tx->nr_spans = 0;
	tx->nr_late = 0;
	tx->arena = 0;
	tx->bytes = sizeof(struct tierfs_record) + 8;
	tx->err = 0;
	tx->aside = false;
	return tx;
}

static void tx_end(struct tierfs_tx *tx)
{
	tx->thread->depth--;
	if (tx == tx->fs->spare_tx[tx->depth].tx)
		zus_mutex_unlock(&tx->fs->spare_tx[tx->depth].lock);
}

/* The late operations that have reserved something in DRAM give it back. */
void tierfs_tx_abort(struct tierfs_tx *tx)
{
	uint32_t i;

	for (i = 0; i < tx->nr_late; i++) {
		const struct tierfs_late *l = &tx->late[i];

		if (l->what == TIERFS_LATE_BLOCKS_SET)
			tierfs_blocks_release(tx->fs, l->bn, l->n);
		else if (l->what == TIERFS_LATE_OBJECT_SET)
			tierfs_object_release(tx->fs, l->chunk, l->bit);
		else if (l->what == TIERFS_LATE_CELL_SET)
			tierfs_cell_release(tx->fs, l->cell);
	}
	tx_end(tx);
}

struct tierfs *tierfs_tx_fs(const struct tierfs_tx *tx)
{
	return tx->fs;
}

void tierfs_tx_fail(struct tierfs_tx *tx, int err)
{
	if (!tx->err)
		tx->err = err;
}

void tierfs_tx_aside(struct tierfs_tx *tx)
{
	tx->aside = true;
}

uint32_t tierfs_tx_left(const struct tierfs_tx *tx)
{
	uint32_t max = tx->fs->logs[0].max_record;

	/* what is late takes two spans each; some are left for what ends an operation */
	if (tx->nr_spans + 2 * tx->nr_late + 16 > TIERFS_TX_SPANS ||
	    tx->nr_late + 8 > TIERFS_TX_LATE)
		return 0;
	return tx->bytes < max ? max - tx->bytes : 0;
}

/* ---- copies ---- */

/* A place to change that leads nowhere: the transaction fails. */
static void *nowhere(struct tierfs_tx *tx)
{
	tierfs_tx_fail(tx, -EFBIG);
	memset(tx->nowhere, 0, sizeof(tx->nowhere));
	return tx->nowhere;
}

static struct span *span_find(struct tierfs_tx *tx, const void *addr)
{
	uint32_t i;

	for (i = tx->nr_spans; i; i--) {
		if (tx->spans[i - 1].addr == addr)
			return &tx->spans[i - 1];
	}
	return NULL;
}

/* NULL: the transaction is too large, or two spans of one address have other sizes. */
static struct span *span_add(struct tierfs_tx *tx, const void *addr, size_t bytes,
			     enum tierfs_crc_kind crc)
{
	struct span *s;

	if (tx->nr_spans == TIERFS_TX_SPANS || bytes > TIERFS_TX_ARENA - tx->arena)
		return NULL;
	s = &tx->spans[tx->nr_spans++];
	*s = (struct span){
		.addr = addr,
		.copy = tx->memory + tx->arena,
		.bytes = (uint32_t)bytes,
		.crc = (uint8_t)crc,
	};
	tx->arena += (uint32_t)bytes;
	return s;
}

void *tierfs_tx_get(struct tierfs_tx *tx, const void *addr, size_t bytes,
		    enum tierfs_crc_kind crc)
{
	struct span *s = span_find(tx, addr);

	if (s)
		return s->bytes == bytes ? s->copy : nowhere(tx);
	s = span_add(tx, addr, bytes, crc);
	if (!s)
		return nowhere(tx);
	memcpy(s->copy, addr, bytes);
	/* most changes are of a few words */
	tx->bytes += 16 + (uint32_t)bytes / 4;
	return s->copy;
}

void *tierfs_tx_new(struct tierfs_tx *tx, const void *addr, size_t bytes,
		    enum tierfs_crc_kind crc)
{
	struct span *s = span_find(tx, addr) ? NULL : span_add(tx, addr, bytes, crc);

	if (!s)
		return nowhere(tx);
	s->fresh = true;
	memset(s->copy, 0, bytes);
	tx->bytes += 8 + (uint32_t)bytes;
	return s->copy;
}

static uint64_t offset_of(const struct tierfs *fs, const void *addr)
{
	return (uint64_t)((const uint8_t *)addr - fs->sb.md->t1);
}

const uint64_t *tierfs_page_crc_at(const struct tierfs *fs, const void *addr)
{
	uint64_t offset = offset_of(fs, addr), at = offset % TIERFS_CHUNK;

	return (const uint64_t *)(fs->sb.md->t1 + (offset - at) + TIERFS_PAGE_CRCS) +
		(at / TIERFS_BLOCK - 1);
}

#define PAGE_CRC_CHECKED	((uint64_t)1 << 32)

void tierfs_tx_page(struct tierfs_tx *tx, const void *page, const void *content)
{
	uint64_t *crc = tierfs_tx_get(tx, tierfs_page_crc_at(tx->fs, page), sizeof(*crc),
				      TIERFS_CRC_NONE);

	tierfs_pm_copy(tx->fs, page, content, TIERFS_BLOCK);
	tx->aside = true;
	*crc = PAGE_CRC_CHECKED | tierfs_crc(0, content, TIERFS_BLOCK);
}

bool tierfs_tx_late(struct tierfs_tx *tx, const struct tierfs_late *late)
{
	if (tx->nr_late == TIERFS_TX_LATE) {
		tx->err = -EFBIG;
		return false;
	}
	tx->late[tx->nr_late++] = *late;
	tx->bytes += 48;		/* an estimate: more when it is split over two groups */
	return true;
}

/* ---- commit: late locks and bits ---- */

/* The locks of all late operations, a bit each; taken in the order of their numbers. */
struct lock_set {
	uint64_t bits[TIERFS_LATE_LOCKS / 64];
};

static void set_add(struct lock_set *set, uint64_t key)
{
	unsigned int no = (key * 0x9e3779b97f4a7c15ULL >> 56) % TIERFS_LATE_LOCKS;

	set->bits[no / 64] |= (uint64_t)1 << no % 64;
}

/* Blocks may lie in several groups. */
static void set_add_late(const struct tierfs *fs, struct lock_set *set,
			 const struct tierfs_late *l)
{
	uint64_t g;

	if (l->cell)
		return;
	if (l->chunk) {
		set_add(set, offset_of(fs, l->chunk->head) / TIERFS_CHUNK * 2 + 1);
		return;
	}
	for (g = l->bn / TIERFS_GROUP_BLOCKS; g <= (l->bn + l->n - 1) / TIERFS_GROUP_BLOCKS; g++)
		set_add(set, g * 2);
}

static void late_lock(struct tierfs_tx *tx, struct lock_set *set)
{
	unsigned int i;

	memset(set, 0, sizeof(*set));
	for (i = 0; i < tx->nr_late; i++)
		set_add_late(tx->fs, set, &tx->late[i]);
	for (i = 0; i < TIERFS_LATE_LOCKS; i++) {
		if (!set->bits[i / 64])
			i |= 63;
		else if (set->bits[i / 64] >> i % 64 & 1)
			zus_mutex_lock(&tx->fs->late[i]);
	}
}

static void late_unlock(struct tierfs_tx *tx, const struct lock_set *set)
{
	unsigned int i;

	for (i = 0; i < TIERFS_LATE_LOCKS; i++) {
		if (!set->bits[i / 64])
			i |= 63;
		else if (set->bits[i / 64] >> i % 64 & 1)
			zus_mutex_unlock(&tx->fs->late[i]);
	}
}

/* Sets or clears a bit that must be the opposite. */
static bool flip(uint64_t *bits, uint32_t i, bool set)
{
	uint64_t bit = (uint64_t)1 << i % 64;

	if (!(bits[i / 64] & bit) != set)
		return false;
	bits[i / 64] ^= bit;
	return true;
}

static void set_kind(struct tierfs_group_desc *desc, uint32_t chunk, enum tierfs_kind kind)
{
	uint64_t *word = &desc->kinds[chunk / 16];
	unsigned int shift = chunk % 16 * 4;

	*word = (*word & ~((uint64_t)15 << shift)) | (uint64_t)kind << shift;
}

static bool is_zero(const void *mem, size_t bytes)
{
	const uint8_t *p = mem;

	return !p[0] && !memcmp(p, p + 1, bytes - 1);
}

static uint32_t group_crc(const uint64_t *bits, const struct tierfs_group_desc *desc)
{
	if (is_zero(bits, TIERFS_LINE) && !desc->kinds[0] && !desc->kinds[1])
		return 0;
	return tierfs_crc(tierfs_crc(0, bits, TIERFS_LINE), desc->kinds, sizeof(desc->kinds));
}

/*
 * Blocks of one group. The kinds are stored before the bits: who finds a bit set finds the kind
 * that its chunk has now (chunk.c).
 */
static bool change_group(struct tierfs_tx *tx, const struct tierfs_late *l, uint64_t bn, uint32_t n)
{
	const struct tierfs_dev *d = tierfs_dev_of(tx->fs, bn);
	uint64_t g = (bn - d->first_bn) / TIERFS_GROUP_BLOCKS;
	struct tierfs_group_desc *desc = tierfs_tx_get(tx, d->descs + g, sizeof(*desc),
						       TIERFS_CRC_NONE);
	uint64_t *bits = tierfs_tx_get(tx, d->bitmaps + g * 8, TIERFS_LINE, TIERFS_CRC_NONE);
	bool set = l->what == TIERFS_LATE_BLOCKS_SET;
	uint32_t i, first = (uint32_t)(bn - d->first_bn) % TIERFS_GROUP_BLOCKS;

	if (tx->err)
		return true;
	for (i = first; i < first + n; i++) {
		if (!flip(bits, i, set))
			return false;
		if (set)
			set_kind(desc, i / TIERFS_CHUNK_BLOCKS, l->kind);
	}
	desc->used = (uint16_t)(desc->used + (set ? n : -n));
	desc->crc = group_crc(bits, desc);
	return true;
}

static bool change_blocks(struct tierfs_tx *tx, const struct tierfs_late *l)
{
	uint64_t bn = l->bn, end = l->bn + l->n;

	while (bn < end) {
		uint64_t border = (bn / TIERFS_GROUP_BLOCKS + 1) * TIERFS_GROUP_BLOCKS;
		uint64_t n = tierfs_min(border, end) - bn;

		if (!change_group(tx, l, bn, (uint32_t)n))
			return false;
		bn += n;
	}
	return true;
}

static bool change_object(struct tierfs_tx *tx, const struct tierfs_late *l)
{
	bool set = l->what == TIERFS_LATE_OBJECT_SET;
	struct tierfs_chunk *c = tierfs_tx_get(tx, l->chunk->head, sizeof(*c), TIERFS_CRC_HEAD);

	if (tx->err)
		return true;
	if (!flip(c->bits, l->bit, set))
		return false;
	c->used = (uint16_t)(c->used + (set ? 1 : -1));
	return true;
}

/* -EIO: bits on media are not what the allocators know. */
static int late_change(struct tierfs_tx *tx)
{
	uint32_t i;

	for (i = 0; i < tx->nr_late; i++) {
		const struct tierfs_late *l = &tx->late[i];

		if (!l->cell && !(l->chunk ? change_object(tx, l) : change_blocks(tx, l)))
			return tierfs_broken(tx->fs, 0, "a bitmap of used space");
	}
	return tx->err;
}

/* ---- commit: checksums and the record ---- */

static void page_crc(struct tierfs_tx *tx, const struct span *s)
{
	uint64_t offset = offset_of(tx->fs, s->addr) % TIERFS_BLOCK;
	const uint64_t *now = (const uint64_t *)s->addr, *then = (const uint64_t *)s->copy;
	uint32_t i, diff = 0;
	uint64_t *crc;

	for (i = 0; i < s->bytes / 8; i++) {
		if (now[i] != then[i])
			diff ^= tierfs_crc_word((unsigned int)(offset / 8 + i), now[i] ^ then[i]);
	}
	if (!diff)
		return;
	crc = tierfs_tx_get(tx, tierfs_page_crc_at(tx->fs, s->addr), sizeof(*crc), TIERFS_CRC_NONE);
	if (*crc & PAGE_CRC_CHECKED)
		*crc ^= diff;
}

static int checksums(struct tierfs_tx *tx)
{
	uint32_t i;

	/* CRCs of pages add spans */
	for (i = 0; i < tx->nr_spans; i++) {
		struct span *s = &tx->spans[i];
		uint32_t crc;

		if (s->crc == TIERFS_CRC_PAGE)
			page_crc(tx, s);
		if (s->crc == TIERFS_CRC_HEAD) {
			crc = tierfs_crc_head(s->copy, s->bytes);
			memcpy(s->copy, &crc, sizeof(crc));
		}
	}
	return tx->err;
}

/* Where an image of a record is built. */
struct image {
	uint64_t *words;
	uint32_t n;
	uint32_t max;
	bool full;
};

static void image_add(struct image *image, const struct tierfs *fs, const void *addr,
		      const uint64_t *words, uint32_t n)
{
	if (image->n + 1 + n > image->max) {
		image->full = true;
		return;
	}
	image->words[image->n++] = (uint64_t)n << TIERFS_ENTRY_WORDS_SHIFT | tierfs_place(fs, addr);
	memcpy(&image->words[image->n], words, n * sizeof(*words));
	image->n += n;
}

/* The words of a span that change, those that stand together in one entry. */
static void image_span(struct image *image, const struct tierfs *fs, const struct span *s)
{
	const uint64_t *now = (const uint64_t *)s->addr, *then = (const uint64_t *)s->copy;
	uint32_t i, n, words = s->bytes / 8;

	for (i = 0; i < words; i += n) {
		for (n = 0; i + n < words && n < TIERFS_ENTRY_MAX_WORDS &&
		     (s->fresh || now[i + n] != then[i + n]); n++)
			;
		if (n)
			image_add(image, fs, now + i, then + i, n);
		else
			n = 1;
	}
}

/* Bytes of the record, 0 if nothing changes; -EFBIG. */
static int image_build(struct tierfs_tx *tx, struct tierfs_log *log)
{
	struct image image = {
		.words = log->image,
		.n = sizeof(struct tierfs_record) / 8,
		.max = log->max_record / 8 - 1,
	};
	uint32_t i, bytes;

	for (i = 0; i < tx->nr_spans; i++)
		image_span(&image, tx->fs, &tx->spans[i]);
	if (image.full)
		return -EFBIG;
	if (image.n == sizeof(struct tierfs_record) / 8)
		return 0;
	bytes = (image.n * 8 + TIERFS_LINE - 1) & ~(TIERFS_LINE - 1);
	memset((uint8_t *)log->image + image.n * 8, 0, bytes - image.n * 8);
	return (int)bytes;
}

static int write_record(struct tierfs_tx *tx, uint64_t *lsn)
{
	struct tierfs_log *log = tierfs_log_lock(tx->fs);
	/* a remount to read-only waits for this lock, and nothing is written after it */
	int bytes = tierfs_may_change(tx->fs);

	if (!bytes)
		bytes = image_build(tx, log);
	if (bytes > 0)
		*lsn = tierfs_log_append(tx->fs, log, (uint32_t)bytes, tx->aside);
	tierfs_log_unlock(log);
	if (!bytes && tx->aside)
		tierfs_pm_fence(tx->fs);
	return bytes < 0 ? bytes : 0;
}

/* What was freed goes back to the allocators. */
static void give_back(struct tierfs_tx *tx, uint64_t lsn)
{
	uint32_t i;

	for (i = 0; i < tx->nr_late; i++) {
		const struct tierfs_late *l = &tx->late[i];

		if (l->what == TIERFS_LATE_OBJECT_CLEAR)
			tierfs_object_rest(tx->fs, l->chunk, l->bit, lsn);
		else if (l->what == TIERFS_LATE_BLOCKS_CLEAR && l->kind != TIERFS_KIND_DATA)
			tierfs_blocks_rest(tx->fs, l->bn, l->n, lsn);
		else if (l->what == TIERFS_LATE_BLOCKS_CLEAR)
			tierfs_blocks_release(tx->fs, l->bn, l->n);
		else if (l->what == TIERFS_LATE_CELL_CLEAR)
			tierfs_cell_release(tx->fs, l->cell);
	}
}

int tierfs_tx_commit(struct tierfs_tx *tx)
{
	struct tierfs *fs = tx->fs;
	struct lock_set set;
	uint64_t lsn = 0;
	int err = tx->err ? tx->err : tierfs_may_change(fs);

	if (!err) {
		late_lock(tx, &set);
		err = late_change(tx);
		if (!err)
			err = checksums(tx);
		if (!err)
			err = write_record(tx, &lsn);
		late_unlock(tx, &set);
	}
	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	give_back(tx, lsn);
	tx_end(tx);
	if (fs->opts.test_horizon)
		tierfs_horizon_move(fs);
	if (!tx->depth && LIST_FIRST(&fs->space.doomed))
		tierfs_chunks_trim(fs);
	return 0;
}
