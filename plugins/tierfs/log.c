// SPDX-License-Identifier: BSD-2-Clause
/*
 * The logs: appending a record, and the horizon, below which no record is needed any more.
 *
 * Every thread has a log, or shares one (its number modulo the number of logs): the log's lock is
 * held from the building of a record until it is stored in place, and what happens within waits
 * for nobody but, for room, for the horizon. LSNs are given out while everything that a record
 * changes is locked, so records that touch the same words are in order.
 *
 * To move the horizon to H, the highest LSN now: wait until no log is storing a record up to H in
 * place; flush what these records have stored (the records say where); fence; write heads, which
 * carry H and release the records' space; fence. The highest horizon in any valid head counts, for
 * all logs. A head is written over the older of a log's two, so a torn one loses nothing.
 */
#include "tierfs.h"

#include <string.h>
#include <zus/thread.h>

#define ABOUT_TO	UINT64_MAX

/* ---- records ---- */

uint32_t tierfs_record_crc(uint64_t secret, uint32_t log, const struct tierfs_record *record)
{
	const uint64_t seed[2] = { secret, log };
	uint32_t zero = 0, crc = tierfs_crc(0, seed, sizeof(seed));
	uint64_t bytes = record->bytes;

	if (!record->lsn)
		bytes = sizeof(*record);
	crc = tierfs_crc(crc, &zero, sizeof(zero));
	return tierfs_crc(crc, (const uint8_t *)record + sizeof(zero), bytes - sizeof(zero));
}

const uint64_t *tierfs_record_entry(const struct tierfs_record *record, const uint64_t *before)
{
	const uint64_t *end = (const uint64_t *)((const uint8_t *)record + record->bytes);
	const uint64_t *entry = before ? before + 1 + tierfs_entry_words(before) :
				(const uint64_t *)(record + 1);

	if (!record->lsn || entry >= end || !tierfs_entry_words(entry) ||
	    entry + 1 + tierfs_entry_words(entry) > end)
		return NULL;
	return entry;
}

static void record_store(const struct tierfs *fs, const struct tierfs_record *record)
{
	const uint64_t *entry = NULL;
	uint32_t i, n;

	while ((entry = tierfs_record_entry(record, entry))) {
		const uint64_t *at;

		n = tierfs_entry_words(entry);
		at = tierfs_ptr(fs, tierfs_entry_place(entry), n * sizeof(*at));
		for (i = 0; at && i < n; i++)
			tierfs_pm_store8(fs, at + i, entry[1 + i]);
	}
}

static void record_flush(const struct tierfs *fs, const struct tierfs_record *record)
{
	const uint64_t *entry = NULL;

	while ((entry = tierfs_record_entry(record, entry))) {
		uint64_t bytes = tierfs_entry_words(entry) * sizeof(*entry);
		const void *at = tierfs_ptr(fs, tierfs_entry_place(entry), bytes);

		if (at)
			tierfs_pm_flush(fs, at, bytes);
	}
}

/* ---- life ---- */

static int log_init(struct tierfs *fs, struct tierfs_log *log, uint32_t index)
{
	const struct tierfs_log_entry *table;
	int err;

	table = (const void *)(fs->sb.md->t1 +
			       (fs->super->log_table << TIERFS_BLOCK_SHIFT));
	err = zus_mutex_init(&log->lock);
	if (!err)
		err = zus_mutex_init(&log->done_lock);
	if (err)
		return err;
	pthread_cond_init(&log->done, NULL);
	log->index = index;
	log->entry = &table[index];
	log->bytes = log->entry->bytes;
	log->area = tierfs_ptr(fs, log->entry->place, log->bytes);
	log->max_record = log->bytes / 8;
	log->image = zus_alloc(fs->sb.env, log->max_record);
	return log->image ? 0 : -ENOMEM;
}

int tierfs_logs_init(struct tierfs *fs)
{
	uint32_t i;
	int err = zus_mutex_init(&fs->horizon_lock);

	if (err)
		return err;
	fs->logs = zus_alloc_array(fs->sb.env, fs->super->log_count, sizeof(*fs->logs));
	if (!fs->logs)
		return -ENOMEM;
	for (i = 0; i < fs->super->log_count; i++) {
		fs->nr_logs = i + 1;
		err = log_init(fs, &fs->logs[i], i);
		if (err)
			return err;
	}
	return 0;
}

void tierfs_logs_fini(struct tierfs *fs)
{
	uint32_t i;

	for (i = 0; i < fs->nr_logs; i++) {
		struct tierfs_log *log = &fs->logs[i];

		zus_free(fs->sb.env, log->image);
		zus_mutex_destroy(&log->lock);
		zus_mutex_destroy(&log->done_lock);
		pthread_cond_destroy(&log->done);
	}
	zus_mutex_destroy(&fs->horizon_lock);
	zus_free(fs->sb.env, fs->logs);
	fs->logs = NULL;
	fs->nr_logs = 0;
}

/* The first sequence of a log in a mount. */
static uint64_t first_sequence(const struct tierfs *fs)
{
	return (uint64_t)fs->mount << TIERFS_SEQUENCE_MOUNT | 1;
}

/* Writes the next head of a log; durable after a fence. */
static void head_write(struct tierfs *fs, struct tierfs_log *log, uint64_t horizon)
{
	struct tierfs_log_head head = {
		.sequence = log->tail_sequence,
		.horizon = horizon,
		.offset = log->tail,
		.generation = ++log->generation,
	};

	head.crc = tierfs_crc_tail(&head, sizeof(head));
	tierfs_pm_copy(fs, &log->entry->heads[log->next_head], &head, sizeof(head));
	log->next_head ^= 1;
}

void tierfs_logs_begin(struct tierfs *fs, uint64_t horizon)
{
	uint32_t i;

	for (i = 0; i < fs->nr_logs; i++) {
		struct tierfs_log *log = &fs->logs[i];

		log->head = 0;
		log->tail = 0;
		log->used = 0;
		log->sequence = first_sequence(fs);
		log->tail_sequence = log->sequence;
		log->end_sequence = log->sequence;
		head_write(fs, log, horizon);
	}
	tierfs_pm_fence(fs);
	fs->lsn = horizon;
	fs->horizon = horizon;
}

/* ---- horizon ---- */

static bool is_storing(struct tierfs_log *log, uint64_t upto)
{
	uint64_t lsn = __atomic_load_n(&log->inflight, __ATOMIC_SEQ_CST);

	return lsn == ABOUT_TO || (lsn && lsn <= upto);
}

/* Until no record up to an LSN is being stored in place. */
static void wait_stored(struct tierfs_log *log, uint64_t upto)
{
	if (!is_storing(log, upto))
		return;
	__atomic_fetch_add(&log->waiters, 1, __ATOMIC_SEQ_CST);
	zus_mutex_lock(&log->done_lock);
	while (is_storing(log, upto))
		pthread_cond_wait(&log->done, &log->done_lock.mutex);
	zus_mutex_unlock(&log->done_lock);
	__atomic_fetch_sub(&log->waiters, 1, __ATOMIC_SEQ_CST);
}

static void set_inflight(struct tierfs_log *log, uint64_t lsn)
{
	__atomic_store_n(&log->inflight, lsn, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&log->waiters, __ATOMIC_SEQ_CST))
		return;
	zus_mutex_lock(&log->done_lock);
	pthread_cond_broadcast(&log->done);
	zus_mutex_unlock(&log->done_lock);
}

static const struct tierfs_record *record_at(const struct tierfs_log *log, uint32_t offset)
{
	return (const struct tierfs_record *)(log->area + offset);
}

/*
 * Flushes what the records up to an LSN have stored and moves the tail behind them; the bytes they
 * take, which are free when the head that says so is durable.
 */
static uint64_t flush_records(struct tierfs *fs, struct tierfs_log *log, uint64_t upto)
{
	uint64_t end = __atomic_load_n(&log->end_sequence, __ATOMIC_ACQUIRE), bytes = 0;

	while (log->tail_sequence < end) {
		const struct tierfs_record *r = record_at(log, log->tail);

		if (r->lsn > upto)
			break;
		record_flush(fs, r);
		bytes += r->bytes;
		log->tail = (log->tail + r->bytes) % log->bytes;
		log->tail_sequence++;
	}
	return bytes;
}

void tierfs_horizon_move(struct tierfs *fs)
{
	uint64_t freed[256], upto;
	uint32_t i;

	zus_mutex_lock(&fs->horizon_lock);
	upto = __atomic_load_n(&fs->lsn, __ATOMIC_SEQ_CST);
	if (upto == fs->horizon) {
		zus_mutex_unlock(&fs->horizon_lock);
		return;
	}
	for (i = 0; i < fs->nr_logs; i++)
		wait_stored(&fs->logs[i], upto);
	for (i = 0; i < fs->nr_logs; i++)
		freed[i] = flush_records(fs, &fs->logs[i], upto);
	tierfs_pm_fence(fs);
	for (i = 0; i < fs->nr_logs; i++) {
		if (freed[i])
			head_write(fs, &fs->logs[i], upto);
	}
	tierfs_pm_fence(fs);
	for (i = 0; i < fs->nr_logs; i++)
		__atomic_fetch_sub(&fs->logs[i].used, freed[i], __ATOMIC_RELEASE);
	__atomic_store_n(&fs->horizon, upto, __ATOMIC_RELEASE);
	zus_mutex_unlock(&fs->horizon_lock);
}

/* ---- appending ---- */

struct tierfs_log *tierfs_log_lock(struct tierfs *fs)
{
	struct tierfs_log *log = &fs->logs[zus_thread_number() % fs->nr_logs];

	zus_mutex_lock(&log->lock);
	return log;
}

void tierfs_log_unlock(struct tierfs_log *log)
{
	zus_mutex_unlock(&log->lock);
}

/* Makes room for a record, and for one that fills the end of the area before it. */
static void log_make_room(struct tierfs *fs, struct tierfs_log *log, uint32_t bytes)
{
	uint64_t need = bytes;

	if (log->head + bytes > log->bytes)
		need += log->bytes - log->head;
	/* the last line stays free: a full log and an empty one look different */
	while (__atomic_load_n(&log->used, __ATOMIC_ACQUIRE) + need + TIERFS_LINE > log->bytes)
		tierfs_horizon_move(fs);
}

/* Writes the record in the image at the head of the log. */
static void write_image(struct tierfs *fs, struct tierfs_log *log, uint32_t record_bytes,
			uint64_t lsn, uint32_t written)
{
	struct tierfs_record *r = (struct tierfs_record *)log->image;

	*r = (struct tierfs_record){
		.bytes = record_bytes,
		.sequence = log->sequence,
		.lsn = lsn,
	};
	r->crc = tierfs_record_crc(fs->super->log_secret, log->index, r);
	tierfs_pm_copy(fs, log->area + log->head, r, written);
	tierfs_pm_fence(fs);
	log->head = (log->head + record_bytes) % log->bytes;
	log->sequence++;
	__atomic_fetch_add(&log->used, record_bytes, __ATOMIC_RELAXED);
}

/*
 * The record that fills the end of the area has the LSN 0 and no entries; it is durable before the
 * next one begins, or a cut could leave that one behind a gap.
 */
static void log_wrap(struct tierfs *fs, struct tierfs_log *log)
{
	write_image(fs, log, log->bytes - log->head, 0, sizeof(struct tierfs_record));
}

uint64_t tierfs_log_append(struct tierfs *fs, struct tierfs_log *log, uint32_t bytes, bool aside)
{
	const struct tierfs_record *r;
	uint64_t lsn;

	log_make_room(fs, log, bytes);
	if (aside)
		tierfs_pm_fence(fs);
	if (log->head + bytes > log->bytes)
		log_wrap(fs, log);
	set_inflight(log, ABOUT_TO);
	lsn = __atomic_add_fetch(&fs->lsn, 1, __ATOMIC_SEQ_CST);
	set_inflight(log, lsn);
	r = record_at(log, log->head);
	write_image(fs, log, bytes, lsn, bytes);
	record_store(fs, r);
	__atomic_store_n(&log->end_sequence, log->sequence, __ATOMIC_RELEASE);
	set_inflight(log, 0);
	return lsn;
}
