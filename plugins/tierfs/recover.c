// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a mount does with the logs before anything is given out.
 *
 *	take the next number of a mount, "not clean"		fence
 *	flush the logs: what a killed server has written may not be durable yet	fence
 *	store the records above the horizon in place, in the order of their LSNs	fence
 *	new heads, with this mount's number and a horizon above all records	fence
 *
 * A cut anywhere leaves something that the next mount does again. A record is checked when its turn
 * comes, after those before it: only places that are logged may be stored to. Called with nothing
 * else running.
 */
#include "tierfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LSN		((uint64_t)1 << 62)	/* nobody gets there by counting */

/* ---- the state of the set ---- */

static bool state_is_valid(const struct tierfs_state *s)
{
	return tierfs_crc_tail(s, sizeof(*s)) == s->crc;
}

/* The one that counts, or NULL. A mount writes "clean" after "not clean", with the same number. */
static const struct tierfs_state *state_find(const struct tierfs *fs)
{
	const struct tierfs_state *a = &fs->states[0], *b = &fs->states[1];

	if (!state_is_valid(a) || !state_is_valid(b))
		return state_is_valid(a) ? a : state_is_valid(b) ? b : NULL;
	if (a->mount != b->mount)
		return a->mount > b->mount ? a : b;
	return a->clean ? a : b;
}

static void state_write(struct tierfs *fs, uint32_t mount, bool clean, uint64_t inodes)
{
	const struct tierfs_state *now = state_find(fs);
	struct tierfs_state next = { .mount = mount, .clean = clean, .inodes = inodes };

	next.crc = tierfs_crc_tail(&next, sizeof(next));
	tierfs_pm_copy(fs, now == &fs->states[0] ? &fs->states[1] : &fs->states[0], &next,
		       sizeof(next));
	tierfs_pm_fence(fs);
}

/* ---- reading the logs ---- */

struct found {
	const struct tierfs_record *record;
	uint32_t log;
};

struct scan {
	struct tierfs *fs;
	struct found *found;
	uint64_t n;
	uint64_t max;
	uint64_t horizon;		/* the highest one of any valid head */
	uint64_t lsn;			/* the highest one */
};

static bool head_is_valid(const struct tierfs_log_head *h, const struct tierfs_log *log)
{
	return tierfs_crc_tail(h, sizeof(*h)) == h->crc && h->offset < log->bytes &&
		!(h->offset % TIERFS_LINE) && h->horizon < MAX_LSN;
}

static int heads_read(struct scan *scan, struct tierfs_log *log)
{
	const struct tierfs_log_head *h = log->entry->heads, *newest = NULL;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!head_is_valid(&h[i], log))
			continue;
		scan->horizon = tierfs_max(scan->horizon, h[i].horizon);
		if (!newest || h[i].generation > newest->generation)
			newest = &h[i];
	}
	if (!newest)
		return -EUCLEAN;
	log->next_head = newest == &h[0];
	log->generation = newest->generation;
	log->tail = newest->offset;
	log->tail_sequence = newest->sequence;
	return 0;
}

/* Is there a whole record at an offset, but for its sequence? */
static bool record_is_whole(const struct tierfs *fs, const struct tierfs_log *log, uint32_t offset)
{
	const struct tierfs_record *r = (const void *)(log->area + offset);

	return r->bytes >= sizeof(*r) && !(r->bytes % TIERFS_LINE) &&
		r->bytes <= log->bytes - offset && r->lsn < MAX_LSN &&
		(!r->lsn || r->bytes <= log->max_record) &&
		tierfs_record_crc(fs->super->log_secret, log->index, r) == r->crc;
}

static int found_add(struct scan *scan, const struct tierfs_record *r, uint32_t log)
{
	if (scan->n == scan->max) {
		uint64_t max = scan->max ? 2 * scan->max : 256;
		struct found *more = zus_alloc_array(scan->fs->sb.env, max, sizeof(*more));

		if (!more)
			return -ENOMEM;
		if (scan->n)
			memcpy(more, scan->found, scan->n * sizeof(*more));
		zus_free(scan->fs->sb.env, scan->found);
		scan->found = more;
		scan->max = max;
	}
	scan->found[scan->n++] = (struct found){ .record = r, .log = log };
	return 0;
}

/*
 * Behind the end of a log a later record of the same mount proves that one before it is damaged: a
 * cut can only tear the last one.
 */
static bool has_later_record(const struct tierfs *fs, const struct tierfs_log *log,
			     uint64_t sequence)
{
	uint32_t offset;

	for (offset = 0; offset < log->bytes; offset += TIERFS_LINE) {
		const struct tierfs_record *r = (const void *)(log->area + offset);

		if (r->sequence > sequence && r->sequence >> TIERFS_SEQUENCE_MOUNT ==
		    sequence >> TIERFS_SEQUENCE_MOUNT &&
		    record_is_whole(fs, log, offset))
			return true;
	}
	return false;
}

static int log_read(struct scan *scan, struct tierfs_log *log)
{
	uint64_t sequence = log->tail_sequence, bytes = 0;
	uint32_t offset = log->tail;
	int err;

	while (bytes < log->bytes && record_is_whole(scan->fs, log, offset)) {
		const struct tierfs_record *r = (const void *)(log->area + offset);

		if (r->sequence != sequence)
			break;
		if (r->lsn) {
			err = found_add(scan, r, log->index);
			if (err)
				return err;
		}
		scan->lsn = tierfs_max(scan->lsn, r->lsn);
		bytes += r->bytes;
		offset = (offset + r->bytes) % log->bytes;
		sequence++;
	}
	if (has_later_record(scan->fs, log, sequence)) {
		zus_err(scan->fs->sb.env, "tierfs: log %u: record %llu is damaged, later ones are "
			"not: run fsck.tierfs", log->index, (unsigned long long)sequence);
		return -EUCLEAN;
	}
	return 0;
}

static int by_lsn(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->record->lsn != y->record->lsn)
		return x->record->lsn < y->record->lsn ? -1 : 1;
	return x->log < y->log ? -1 : x->log > y->log;
}

static int logs_read(struct scan *scan)
{
	struct tierfs *fs = scan->fs;
	uint32_t i;
	int err = 0;

	for (i = 0; i < fs->nr_logs && !err; i++)
		err = heads_read(scan, &fs->logs[i]);
	scan->lsn = scan->horizon;
	for (i = 0; i < fs->nr_logs && !err; i++)
		err = log_read(scan, &fs->logs[i]);
	if (!err && scan->n)
		qsort(scan->found, scan->n, sizeof(*scan->found), by_lsn);
	return err;
}

/* ---- replay ---- */

/* May a record change these bytes of a chunk of fixed things? */
static bool is_logged_table(const struct tierfs *fs, const uint8_t *at, uint64_t bytes)
{
	uint64_t offset = (uint64_t)(at - fs->sb.md->t1);
	const struct tierfs_dev *d = tierfs_dev_of(fs, offset >> TIERFS_BLOCK_SHIFT);
	uint64_t groups = d->blocks / TIERFS_GROUP_BLOCKS;
	const uint8_t *bitmaps = (const uint8_t *)d->bitmaps, *descs = (const uint8_t *)d->descs;
	const uint8_t *root = (const uint8_t *)fs->root;

	return (at >= bitmaps && at + bytes <= bitmaps + groups * TIERFS_LINE) ||
		(at >= descs && at + bytes <= descs + groups * sizeof(struct tierfs_group_desc)) ||
		(at >= root && at + bytes <= root + sizeof(struct tierfs_root));
}

/* The slot's second part is the kernel's. */
static bool is_in_records(uint64_t at, uint64_t bytes)
{
	uint64_t in_slot;

	if (at + bytes <= TIERFS_CHUNK_HEAD)
		return true;
	if (at < TIERFS_CHUNK_HEAD)
		return false;
	in_slot = (at - TIERFS_CHUNK_HEAD) % TIERFS_INODE_SLOT;
	return in_slot + bytes <= sizeof(struct tierfs_inode);
}

static bool may_store(const struct tierfs *fs, tierfs_place_t place, uint64_t bytes)
{
	const uint8_t *at = tierfs_ptr(fs, place, bytes);
	uint64_t in_chunk = place % TIERFS_CHUNK;

	if (!at)
		return false;
	switch (tierfs_kind_at(fs, at)) {
	case TIERFS_KIND_FIXED:
		return is_logged_table(fs, at, bytes);
	case TIERFS_KIND_INODES:
		return in_chunk + bytes <= TIERFS_CHUNK && is_in_records(in_chunk, bytes);
	case TIERFS_KIND_SLABS:
	case TIERFS_KIND_PAGES:
		return in_chunk + bytes <= TIERFS_CHUNK;
	default:
		return false;
	}
}

static int replay_record(const struct tierfs *fs, const struct tierfs_record *r)
{
	const uint64_t *entry = NULL;
	uint32_t i, n;

	while ((entry = tierfs_record_entry(r, entry))) {
		const uint64_t *at;

		n = tierfs_entry_words(entry);
		if (!may_store(fs, tierfs_entry_place(entry), n * sizeof(*at))) {
			zus_err(fs->sb.env, "tierfs: record %llu changes %#llx, which no record "
				"may: run fsck.tierfs", (unsigned long long)r->lsn,
				(unsigned long long)tierfs_entry_place(entry));
			return -EUCLEAN;
		}
		at = tierfs_ptr(fs, tierfs_entry_place(entry), n * sizeof(*at));
		for (i = 0; i < n; i++)
			tierfs_pm_store8(fs, at + i, entry[1 + i]);
		tierfs_pm_flush(fs, at, n * sizeof(*at));
	}
	return 0;
}

static int replay(struct scan *scan)
{
	uint64_t i, replayed = 0;
	int err = 0;

	for (i = 0; i < scan->n && !err; i++) {
		if (scan->found[i].record->lsn <= scan->horizon)
			continue;
		err = replay_record(scan->fs, scan->found[i].record);
		replayed++;
	}
	tierfs_pm_fence(scan->fs);
	if (!err && replayed)
		zus_info(scan->fs->sb.env, "tierfs: recovered, %llu records were replayed",
			 (unsigned long long)replayed);
	return err;
}

/* ---- the mount ---- */

static bool entry_is_valid(const struct tierfs *fs, const struct tierfs_log_entry *e,
			   uint32_t bytes)
{
	return tierfs_crc_tail(e, TIERFS_LINE) == e->crc && e->bytes == bytes &&
		e->bytes >= 16 * 1024 && e->bytes <= 1024 * 1024 && !(e->bytes % TIERFS_BLOCK) &&
		!(e->place % TIERFS_BLOCK) && tierfs_ptr(fs, e->place, e->bytes) &&
		tierfs_kind_at(fs, tierfs_ptr(fs, e->place, e->bytes)) == TIERFS_KIND_LOG;
}

int tierfs_logs_check(const struct tierfs *fs)
{
	const struct tierfs_log_entry *table;
	uint32_t i;

	table = (const void *)(fs->sb.md->t1 +
			       (fs->super->log_table << TIERFS_BLOCK_SHIFT));
	for (i = 0; i < fs->super->log_count; i++) {
		if (!entry_is_valid(fs, &table[i], table[0].bytes)) {
			zus_err(fs->sb.env, "tierfs: entry %u of the table of logs is broken", i);
			return -EUCLEAN;
		}
	}
	return 0;
}

static int logs_replay(struct tierfs *fs, uint64_t *horizon)
{
	struct scan scan = { .fs = fs };
	uint32_t i;
	int err;

	for (i = 0; i < fs->nr_logs; i++)
		tierfs_pm_flush(fs, fs->logs[i].area, fs->logs[i].bytes);
	tierfs_pm_fence(fs);
	err = logs_read(&scan);
	if (!err)
		err = replay(&scan);
	zus_free(fs->sb.env, scan.found);
	*horizon = scan.lsn;
	return err;
}

static int heads_check(struct tierfs *fs, uint64_t *horizon)
{
	struct scan scan = { .fs = fs };
	uint32_t i;
	int err = 0;

	for (i = 0; i < fs->nr_logs && !err; i++)
		err = heads_read(&scan, &fs->logs[i]);
	*horizon = scan.horizon;
	return err;
}

/* A server that was killed may have left what can be seen, but is not durable. */
static void tables_flush(const struct tierfs *fs)
{
	tierfs_pm_flush(fs, fs->states, 2 * sizeof(*fs->states));
	tierfs_pm_flush(fs, fs->logs[0].entry, fs->nr_logs * sizeof(*fs->logs[0].entry));
	tierfs_pm_fence(fs);
}

int tierfs_recover(struct tierfs *fs, bool may_write)
{
	const struct tierfs_state *state;
	uint64_t horizon = 0;
	bool clean;
	int err;

	if (may_write)
		tables_flush(fs);
	state = state_find(fs);
	if (!state)
		return -EUCLEAN;
	clean = state->clean;
	fs->mount = state->mount;
	if (!may_write) {
		fs->space.inodes = clean ? state->inodes : 0;
		fs->space.inodes_known = clean;
		if (clean || fs->opts.norecovery)
			return 0;
		zus_err(fs->sb.env, "tierfs: a read-only mount cannot recover: fsck.tierfs -p does "
			"it, or -o norecovery shows what is there");
		return -EROFS;
	}
	if (state->mount >= TIERFS_MAX_MOUNT)
		return -EOVERFLOW;
	fs->space.inodes = clean ? state->inodes : 0;
	fs->space.inodes_known = clean;
	fs->mount++;
	state_write(fs, fs->mount, false, 0);
	err = clean ? heads_check(fs, &horizon) : logs_replay(fs, &horizon);
	if (err)
		return err;
	tierfs_logs_begin(fs, horizon);
	return 0;
}

void tierfs_set_clean(struct tierfs *fs)
{
	uint64_t inodes = tierfs_inodes_used(fs);

	tierfs_horizon_move(fs);
	if (__atomic_load_n(&fs->errors, __ATOMIC_RELAXED))
		return;
	state_write(fs, fs->mount, true, inodes);
}
