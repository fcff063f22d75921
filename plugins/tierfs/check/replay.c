// SPDX-License-Identifier: BSD-2-Clause
/*
 * The logs: are they as a mount wants them, and what it would do with them, in the overlay.
 *
 * The records of a log from its newest head on stand in a row; those of all logs are taken in the
 * order of their LSNs, without those up to the highest horizon of any head. A cut tears the last
 * record of a log at most: a later one behind the end of the row proves damage.
 */
#include "tck.h"

#include <errno.h>

#define MAX_LOGS	256U
#define MAX_LOG_BYTES	(1U << 20)

/* Where the merge is in a log. */
struct cursor {
	const struct tierfs_log_entry *entry;	/* NULL: nothing can be read */
	const struct tierfs_record *record;	/* the next one; NULL = there is no more */
	uint64_t sequence;			/* of that one */
	uint64_t lsn;				/* of the one before */
	uint64_t bytes;				/* from the head to that one */
	uint32_t offset;
};

static struct tck_object log_object(uint32_t index)
{
	return tck_of(TIERFS_CHECK_LOG, index, 0);
}

/* Can its area be read? What is wrong else is told. */
static bool check_entry(struct tck *c, const struct tierfs_log_entry *e, uint32_t index)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(&c->img, e->place);
	uint64_t offset = tierfs_image_offset(e->place);

	if (e->crc != tierfs_crc_tail(e, TIERFS_LINE))
		tck_error(c, log_object(index), "bad checksum of its entry in the table");
	if (!tck_is_zero(e->zero, sizeof(e->zero)) || e->reserved || e->pad || e->intents)
		tck_error(c, log_object(index), "there is something where zeros should be");
	if (!dev || !e->bytes || e->bytes % TIERFS_BLOCK || e->bytes > MAX_LOG_BYTES ||
	    offset % TIERFS_BLOCK || offset < TIERFS_BLOCK ||
	    offset > dev->blocks << TIERFS_BLOCK_SHIFT ||
	    e->bytes > (dev->blocks << TIERFS_BLOCK_SHIFT) - offset) {
		tck_error(c, log_object(index), "its area is not in T1");
		return false;
	}
	return true;
}

static void check_heads(struct tck *c, const struct tierfs_log_entry *e, uint32_t index,
			uint64_t *horizon)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct tierfs_log_head *h = &e->heads[i];

		if (h->crc == tierfs_crc_tail(h, sizeof(*h)))
			*horizon = tierfs_max(*horizon, h->horizon);
		else if (!tck_is_zero(h, sizeof(*h)))
			tck_tell(c, TIERFS_CHECK_NOTE, log_object(index), "head %u is broken", i);
	}
}

/* Takes the record at the cursor's offset, if it is the next one. */
static void find_record(struct tck *c, struct cursor *cur, uint32_t index)
{
	const struct tierfs_record *r = NULL;

	cur->record = NULL;
	if (cur->bytes < cur->entry->bytes)
		r = tierfs_image_record(&c->img, index, cur->entry, cur->offset);
	if (!r || r->sequence != cur->sequence)
		return;
	if (r->lsn && r->lsn <= cur->lsn)
		tck_error(c, log_object(index), "LSN %llu comes after %llu",
			  (unsigned long long)r->lsn, (unsigned long long)cur->lsn);
	cur->record = r;
	c->max_lsn = tierfs_max(c->max_lsn, r->lsn);
	cur->lsn = tierfs_max(cur->lsn, r->lsn);
}

/* Is there a record of the same mount that comes after the end of the row? */
static void check_end(struct tck *c, const struct cursor *cur, uint32_t index)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(&c->img, cur->entry->place);
	const uint8_t *area = dev->base + tierfs_image_offset(cur->entry->place);
	uint32_t offset;

	for (offset = 0; offset < cur->entry->bytes; offset += TIERFS_LINE) {
		const struct tierfs_record *r = (const void *)(area + offset);

		if (r->sequence <= cur->sequence || r->sequence >> TIERFS_SEQUENCE_MOUNT !=
				cur->sequence >> TIERFS_SEQUENCE_MOUNT ||
		    !tierfs_image_record(&c->img, index, cur->entry, offset))
			continue;
		tck_error(c, log_object(index),
			  "record %#llx is damaged: a later one, %#llx, is there",
			  (unsigned long long)cur->sequence, (unsigned long long)r->sequence);
		return;
	}
}

static void next_record(struct tck *c, struct cursor *cur, uint32_t index)
{
	cur->bytes += cur->record->bytes;
	cur->offset = (cur->offset + cur->record->bytes) % cur->entry->bytes;
	cur->sequence++;
	find_record(c, cur, index);
	if (!cur->record)
		check_end(c, cur, index);
}

static void begin_log(struct tck *c, struct cursor *cur, uint32_t index, uint64_t *horizon)
{
	const struct tierfs_log_entry *e = tierfs_image_log(&c->img, index);
	int head;

	if (!e) {
		tck_error(c, log_object(index), "its entry in the table is not on the device");
		return;
	}
	if (!check_entry(c, e, index))
		return;
	check_heads(c, e, index, horizon);
	head = tierfs_image_log_head(e);
	if (head < 0 || e->heads[head].offset % TIERFS_LINE ||
	    e->heads[head].offset >= e->bytes) {
		tck_error(c, log_object(index), "no head is valid");
		return;
	}
	cur->entry = e;
	cur->offset = e->heads[head].offset;
	cur->sequence = e->heads[head].sequence;
	find_record(c, cur, index);
	if (!cur->record)
		check_end(c, cur, index);
}

/* ---- storing ---- */

static bool is_within(uint64_t offset, uint64_t bytes, uint64_t from, uint64_t size)
{
	return offset >= from && offset + bytes <= from + size;
}

/* Group tables and the root: not super-blocks, states, logs. */
static bool is_logged_table(const struct tierfs_image *img, tierfs_place_t place, uint64_t bytes)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(img, place);
	uint64_t offset = tierfs_image_offset(place);

	if (is_within(offset, bytes, dev->group_table, dev->groups * TIERFS_LINE) ||
	    is_within(offset, bytes, dev->desc_table,
		      dev->groups * sizeof(struct tierfs_group_desc)))
		return true;
	return !dev->super->dev_id &&
		is_within(offset, bytes, img->super->root_block << TIERFS_BLOCK_SHIFT,
			  sizeof(struct tierfs_root));
}

/* The second part of a slot is the kernel's. */
static bool is_in_record(uint64_t in_chunk, uint64_t bytes)
{
	if (in_chunk < TIERFS_CHUNK_HEAD)
		return in_chunk + bytes <= TIERFS_CHUNK_HEAD;
	return (in_chunk - TIERFS_CHUNK_HEAD) % TIERFS_INODE_SLOT + bytes <=
		sizeof(struct tierfs_inode);
}

static bool may_store(const struct tierfs_image *img, tierfs_place_t place, uint64_t bytes)
{
	if (!tierfs_image_at(img, place, bytes))
		return false;
	switch (tierfs_image_kind(img, place)) {
	case TIERFS_KIND_FIXED:
		return is_logged_table(img, place, bytes);
	case TIERFS_KIND_INODES:
		return is_in_record(place % TIERFS_CHUNK, bytes);
	case TIERFS_KIND_SLABS:
	case TIERFS_KIND_PAGES:
		return true;
	}
	return false;
}

/* False: the record is no good, or there is no memory. */
static bool apply(struct tck *c, const struct tierfs_record *r, uint32_t index)
{
	const uint64_t mask = ((uint64_t)1 << TIERFS_ENTRY_WORDS_SHIFT) - 1;
	const uint64_t *entry = NULL;

	while ((entry = tierfs_image_entry(r, entry))) {
		uint32_t n = (uint32_t)(*entry >> TIERFS_ENTRY_WORDS_SHIFT);
		tierfs_place_t place = *entry & mask;

		if (!may_store(&c->img, place, n * 8ULL)) {
			tck_error(c, log_object(index),
				  "record %llu changes %u:%#llx, which no record may",
				  (unsigned long long)r->lsn,
				  (unsigned int)(place >> TIERFS_PLACE_DEV_SHIFT),
				  (unsigned long long)tierfs_image_offset(place));
			return false;
		}
		c->err = tierfs_image_store(&c->img, place, entry + 1, n);
		if (c->err)
			return false;
	}
	c->result->records++;
	return true;
}

/* The log whose next record has the lowest LSN; -1 = there is none. */
static int first_of(const struct cursor *cursors, uint32_t n)
{
	int best = -1;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (cursors[i].record &&
		    (best < 0 || cursors[i].record->lsn < cursors[best].record->lsn))
			best = (int)i;
	}
	return best;
}

static void merge(struct tck *c, struct cursor *cursors, uint32_t n, uint64_t horizon)
{
	bool store = !c->result->clean && !c->opts->norecovery;
	uint64_t behind = 0;
	int i;

	while ((i = first_of(cursors, n)) >= 0) {
		const struct tierfs_record *r = cursors[i].record;

		if (r->lsn > horizon) {
			behind++;
			store = store && apply(c, r, (uint32_t)i);
		}
		if (c->err)
			return;
		next_record(c, &cursors[i], (uint32_t)i);
	}
	if (behind && c->result->clean)
		tck_error(c, tck_of(TIERFS_CHECK_STATE, 0, 0),
			  "it says clean, but %llu records are to be replayed",
			  (unsigned long long)behind);
	if (behind && !c->result->clean)
		tck_tell(c, TIERFS_CHECK_NOTE, tck_of(TIERFS_CHECK_SET, 0, 0),
			 "not clean: %llu records are to be replayed", (unsigned long long)behind);
}

void tck_replay(struct tck *c)
{
	uint32_t i, n = c->img.super->log_count;
	struct cursor *cursors;
	uint64_t horizon = 0;

	if (!n || n > MAX_LOGS) {
		tck_error(c, tck_of(TIERFS_CHECK_SET, 0, 0), "it has %u logs", n);
		return;
	}
	cursors = tierfs_check_zalloc(c->memory, n, sizeof(*cursors));
	if (!cursors) {
		c->err = -ENOMEM;
		return;
	}
	for (i = 0; i < n; i++)
		begin_log(c, &cursors[i], i, &horizon);
	c->max_lsn = tierfs_max(c->max_lsn, horizon);
	merge(c, cursors, n, horizon);
}
