// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: what is written is read, holes are zeros, nothing stale comes into sight, also after the
 * next mount. T1 is dirtied first, so a block that was not zeroed shows.
 */
#include "datatest.h"

static void assert_all(struct fixture *fx, struct fake_node a, char c, uint64_t pos, size_t len)
{
	char *buf = test_malloc(len);
	size_t i;

	must_read(fx, a, buf, len, pos);
	for (i = 0; i < len && buf[i] == c; i++)
		;
	assert_int_equal(i, len);
	test_free(buf);
}

static void assert_zeros(struct fixture *fx, struct fake_node a, uint64_t pos, size_t len)
{
	assert_all(fx, a, 0, pos, len);
}

static void fill(struct fixture *fx, struct fake_node a, char c, uint64_t pos, size_t len)
{
	char *buf = test_malloc(len);

	memset(buf, c, len);
	must_write(fx, a, buf, len, pos);
	test_free(buf);
}

static uint64_t blocks_of(struct fake_node a)
{
	return zus_zi_blocks(a.zi);
}

static struct fake_node remount(struct fixture *fx, struct fake_node a, const char *name)
{
	must_forget(fx, a);
	fixture_remount(fx);
	return must_lookup(fx, fx->root, name);
}

static void short_write_leaves_zeros_around(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	fill(fx, a, 'd', 10000, 4);
	assert_int_equal(zus_zi_size(a.zi), 10004);
	a = remount(fx, a, "a");
	assert_int_equal(zus_zi_size(a.zi), 10004);
	assert_zeros(fx, a, 0, 10000);
	assert_all(fx, a, 'd', 10000, 4);
	/* the rest of the block comes into sight */
	assert_int_equal(fake_truncate(fx->t, a, 3 * BLOCK), 0);
	assert_zeros(fx, a, 10004, 3 * BLOCK - 10004);
	must_remove(fx, fx->root, a, "a");
}

static void truncated_data_does_not_come_back(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	fill(fx, a, 'x', 0, 3 * BLOCK);
	assert_int_equal(blocks_of(a), 3);
	assert_int_equal(fake_truncate(fx->t, a, 100), 0);
	assert_int_equal(blocks_of(a), 1);
	assert_int_equal(fake_truncate(fx->t, a, 3 * BLOCK), 0);
	assert_zeros(fx, a, 100, 3 * BLOCK - 100);
	a = remount(fx, a, "a");
	assert_all(fx, a, 'x', 0, 100);
	assert_zeros(fx, a, 100, 3 * BLOCK - 100);
	assert_int_equal(fake_truncate(fx->t, a, 0), 0);
	assert_int_equal(blocks_of(a), 0);
	must_remove(fx, fx->root, a, "a");
}

/* What a mapping stored behind i_size, in the last block. */
static void dirty_tail(struct fixture *fx, struct fake_node a)
{
	uint64_t size = zus_zi_size(a.zi);
	uint8_t *block = zus_t1_addr(fake_md(fx->f), block_of(a, size / BLOCK));

	memset(block + size % BLOCK, 'x', BLOCK - size % BLOCK);
}

static void stores_behind_the_end_stay_hidden(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	fill(fx, a, 'd', 0, 4);
	dirty_tail(fx, a);
	fill(fx, a, 'e', 5000, 4);
	assert_zeros(fx, a, 4, 4996);
	dirty_tail(fx, a);
	assert_int_equal(fake_truncate(fx->t, a, 6000), 0);
	assert_zeros(fx, a, 5004, 996);
	dirty_tail(fx, a);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 7000, 3000), 0);
	assert_zeros(fx, a, 6000, 4000);
	must_remove(fx, fx->root, a, "a");
}

static void far_offsets_work(void **state)
{
	static const uint64_t at[] = {
		0, 511, 512, 12 * 512 - 1, 12 * 512, 512 * 512 - 1, 512 * 512, (uint64_t)1 << 27,
		(uint64_t)1 << 36, (uint64_t)1 << 45, (uint64_t)1 << 50, TIERFS_MAX_SIZE / BLOCK,
	};
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	size_t n = sizeof(at) / sizeof(at[0]), i;
	uint64_t got, pos;

	for (i = n; i--; )
		must_write(fx, a, &at[i], sizeof(at[i]), at[i] * BLOCK);
	a = remount(fx, a, "a");
	assert_int_equal(zus_zi_size(a.zi), at[n - 1] * BLOCK + 8);
	for (i = 0; i < n; i++) {
		must_read(fx, a, (char *)&got, sizeof(got), at[i] * BLOCK);
		assert_int_equal(got, at[i]);
		pos = i ? (at[i - 1] + 1) * BLOCK : 0;
		assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &pos), 0);
		assert_int_equal(pos, at[i] * BLOCK);
		assert_int_equal(fake_seek(fx->t, a, SEEK_HOLE, &pos), 0);
		if (i + 1 < n && at[i + 1] != at[i] + 1)
			assert_int_equal(pos, (at[i] + 1) * BLOCK);
	}
	/* from the top down, so that every level of the map is cut */
	for (i = n - 1; i; i--) {
		assert_int_equal(fake_truncate(fx->t, a, at[i] * BLOCK), 0);
		pos = at[i - 1] * BLOCK;
		assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &pos), 0);
		must_read(fx, a, (char *)&got, sizeof(got), at[i - 1] * BLOCK);
		assert_int_equal(got, at[i - 1]);
	}
	assert_int_equal(blocks_of(a), 1);
	assert_int_equal(node_of(a)->rec->height, 0);
	must_remove(fx, fx->root, a, "a");
}

static void too_large_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	assert_int_equal(fake_write(fx->t, a, "x", 1, TIERFS_MAX_SIZE), -EFBIG);
	assert_int_equal(fake_truncate(fx->t, a, (uint64_t)TIERFS_MAX_SIZE + 1), -EFBIG);
	assert_int_equal(fake_fallocate(fx->t, a, 0, TIERFS_MAX_SIZE, 1), -EFBIG);
	assert_int_equal(fake_truncate(fx->t, a, TIERFS_MAX_SIZE), 0);
	assert_int_equal(blocks_of(a), 0);
	assert_int_equal(fake_write(fx->t, a, "x", 1, TIERFS_MAX_SIZE - 1), 1);
	assert_int_equal(byte_at(fx, a, TIERFS_MAX_SIZE - 1), 'x');
	must_remove(fx, fx->root, a, "a");
}

static void fallocate_reserves_zeros(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	fill(fx, a, 'd', 0, 4);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, 0, 10 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 4);
	/* and a page for the slot, which is partly written */
	assert_int_equal(blocks_of(a), 11);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 5 * BLOCK, 10 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 15 * BLOCK);
	a = remount(fx, a, "a");
	assert_zeros(fx, a, 4, 15 * BLOCK - 4);
	assert_int_equal(fake_truncate(fx->t, a, 4), 0);
	assert_int_equal(blocks_of(a), 1);
	/* what lies behind the end goes with a truncate to where it is */
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, 0, 10 * BLOCK), 0);
	assert_int_equal(fake_truncate(fx->t, a, 4), 0);
	assert_int_equal(blocks_of(a), 1);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_UNSHARE_RANGE, 0, 3 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 3 * BLOCK);
	/* blocks that are there already come into sight */
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, 0, 9 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 3 * BLOCK);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 5 * BLOCK, 3 * BLOCK + 1), 0);
	assert_int_equal(zus_zi_size(a.zi), 8 * BLOCK + 1);
	assert_zeros(fx, a, 4, 8 * BLOCK + 1 - 4);
	must_remove(fx, fx->root, a, "a");
}

static void other_modes_are_refused(void **state)
{
	static const uint32_t modes[] = {
		FALLOC_FL_NO_HIDE_STALE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE,
	};
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), d = must_mkdir(fx, fx->root, "d");
	unsigned int i;
	uint32_t n;

	fill(fx, a, 'a', 0, 3 * BLOCK);
	for (i = 0; i < 4; i++)
		assert_int_equal(fake_fallocate(fx->t, a, modes[i], 0, BLOCK), -EOPNOTSUPP);
	assert_int_equal(fake_fallocate(fx->t, d, 0, 0, BLOCK), -EINVAL);
	assert_int_equal(fake_truncate(fx->t, d, 0), -EINVAL);
	assert_int_equal(fake_fiemap(fx->t, d, 0, BLOCK, NULL, 0, &n), -EOPNOTSUPP);
	assert_all(fx, a, 'a', 0, 3 * BLOCK);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, d, "d");
}

static void fallocate_stops_at_a_signal(void **state)
{
	const uint32_t punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	fake_interrupt(fx->t, true);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, MIB), -EINTR);
	fake_interrupt(fx->t, false);
	assert_int_equal(zus_zi_size(a.zi), 0);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 2 * SLOT), 0);
	fake_interrupt(fx->t, true);
	assert_int_equal(fake_fallocate(fx->t, a, punch, 0, 2 * SLOT), -EINTR);
	fake_interrupt(fx->t, false);
	must_remove(fx, fx->root, a, "a");
}

static void holes_are_found(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct fiemap_extent e[4];
	uint64_t at = 0;
	uint32_t n = 0;

	fill(fx, a, 'd', 100 * BLOCK, 4);
	assert_int_equal(fake_truncate(fx->t, a, 200 * BLOCK), 0);
	assert_int_equal(fake_seek(fx->t, a, SEEK_HOLE, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), 0);
	assert_int_equal(at, 100 * BLOCK);
	at += 10;
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), 0);
	assert_int_equal(at, 100 * BLOCK + 10);
	assert_int_equal(fake_seek(fx->t, a, SEEK_HOLE, &at), 0);
	assert_int_equal(at, 101 * BLOCK);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), -ENXIO);
	at = 200 * BLOCK;
	assert_int_equal(fake_seek(fx->t, a, SEEK_HOLE, &at), -ENXIO);
	at = 0;
	assert_int_equal(fake_seek(fx->t, a, SEEK_END, &at), -EINVAL);
	fill(fx, a, 'd', 102 * BLOCK, 4);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, e, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(e[0].fe_logical, 100 * BLOCK);
	assert_int_equal(e[0].fe_length, BLOCK);
	assert_int_equal(e[0].fe_flags, 0);
	assert_int_equal(e[1].fe_logical, 102 * BLOCK);
	assert_int_equal(e[1].fe_flags, FIEMAP_EXTENT_LAST);
	assert_int_equal(fake_fiemap(fx->t, a, 0, 101 * BLOCK, NULL, 0, &n), 0);
	assert_int_equal(n, 1);
	/* of what begins where the range ends nothing is told but that there is more */
	assert_int_equal(fake_fiemap(fx->t, a, 0, 102 * BLOCK, e, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(e[0].fe_flags, 0);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, e, 1, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(fake_truncate(fx->t, a, 0), 0);
	/* slots that follow each other are one extent */
	fill(fx, a, 'd', 0, 2 * SLOT);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, e, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(e[0].fe_length, 2 * SLOT);
	must_remove(fx, fx->root, a, "a");
}

/* ---- faults ---- */

static void store_faults_fill_holes(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct fiemap_extent e[8];
	uint64_t at = 0, bn;
	uint32_t n = 0;

	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 100 * BLOCK), 0);
	assert_int_equal(fake_truncate(fx->t, a, 200 * BLOCK), 0);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), -ENXIO);
	assert_int_equal(fault(fx, a, 50 * BLOCK, 0), 0);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), -ENXIO);
	bn = fault(fx, a, 50 * BLOCK, ZUFS_RW_WRITE);
	assert_int_not_equal(bn, 0);
	assert_int_equal(fault(fx, a, 50 * BLOCK, 0), bn);
	assert_int_equal(fault(fx, a, 50 * BLOCK, ZUFS_RW_WRITE), bn);
	assert_int_equal(fault(fx, a, 150 * BLOCK, 0), 0);
	memset(zus_t1_addr(fake_md(fx->f), fault(fx, a, 150 * BLOCK, ZUFS_RW_WRITE)), 'm', BLOCK);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, e, 8, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(e[0].fe_length, 50 * BLOCK);
	assert_int_equal(e[0].fe_flags, FIEMAP_EXTENT_UNWRITTEN);
	assert_int_equal(e[1].fe_length, BLOCK);
	assert_int_equal(e[1].fe_flags, 0);
	assert_int_equal(e[2].fe_length, 49 * BLOCK);
	assert_int_equal(e[2].fe_flags, FIEMAP_EXTENT_UNWRITTEN);
	assert_int_equal(e[3].fe_logical, 150 * BLOCK);
	a = remount(fx, a, "a");
	assert_zeros(fx, a, 0, 150 * BLOCK);
	assert_all(fx, a, 'm', 150 * BLOCK, BLOCK);
	must_remove(fx, fx->root, a, "a");
}

static void faults_hide_what_lies_behind_the_end(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint8_t *block;
	unsigned int i, rw;

	for (rw = 0; rw < 2; rw++) {
		fill(fx, a, 'x', 0, 100);
		dirty_tail(fx, a);
		block = zus_t1_addr(fake_md(fx->f), fault(fx, a, 0, rw ? ZUFS_RW_WRITE : 0));
		for (i = 0; i < BLOCK; i++)
			assert_int_equal(block[i], i < 100 ? 'x' : 0);
	}
	/* nor does a truncate leave it to those who have the page mapped */
	fill(fx, a, 'x', 0, BLOCK);
	assert_int_equal(fake_truncate(fx->t, a, 10), 0);
	for (i = 0; i < BLOCK; i++)
		assert_int_equal(block[i], i < 10 ? 'x' : 0);
	must_remove(fx, fx->root, a, "a");
}

/* There nothing is stored, not even zeros. */
static void a_read_only_mount_stores_nothing(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t bytes = fake_md(fx->f)->t1_blocks * BLOCK, pages;
	uint8_t *copy = test_malloc(bytes);

	fill(fx, a, 'x', 0, 100);
	dirty_tail(fx, a);
	must_forget(fx, a);
	fixture_umount(fx);
	assert_int_equal(fixture_try_mount(fx, ZUFS_M_RDONLY), 0);
	a = must_lookup(fx, fx->root, "a");
	memcpy(copy, fake_md(fx->f)->t1, bytes);
	assert_all(fx, a, 'x', 0, 100);
	assert_int_not_equal(fault(fx, a, 0, 0), 0);
	zus_zi_set_mtime(a.zi, zus_zi_mtime(a.zi));
	assert_int_equal(fake_sync(fx->t, a, 0, UINT64_MAX, 0, &pages), 0);
	assert_int_equal(fake_truncate(fx->t, a, 0), -EROFS);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 1), -EROFS);
	assert_int_equal(fake_write(fx->t, a, "x", 1, 0), -EROFS);
	assert_memory_equal(copy, fake_md(fx->f)->t1, bytes);
	test_free(copy);
	must_forget(fx, a);
	fixture_remount(fx);
	must_remove_name(fx, fx->root, "a");
}

static int fault_2m(struct fixture *fx, struct fake_node a, uint64_t pos, uint64_t rw, uint64_t *bn)
{
	int n = fake_get(fx->t, a, pos, SLOT, ZUFS_RW_MMAP | rw, bn, 1);

	if (n > 0)
		assert_int_equal(fake_put(fx->t), 0);
	return n;
}

static void large_faults_get_large_pages(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t bn = 0, other = 0;

	assert_int_equal(fake_truncate(fx->t, a, 3 * SLOT), 0);
	/* a hole stays one for who reads */
	assert_int_equal(fault_2m(fx, a, SLOT, 0, &bn), -EOPNOTSUPP);
	assert_int_equal(fault_2m(fx, a, SLOT, ZUFS_RW_WRITE, &bn), 1);
	assert_int_equal(bn % 512, 0);
	assert_int_equal(fault_2m(fx, a, SLOT, 0, &other), 1);
	assert_int_equal(bn, other);
	assert_zeros(fx, a, SLOT, SLOT);
	/* unwritten blocks too */
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, SLOT), 0);
	assert_int_equal(fault_2m(fx, a, 0, 0, &bn), -EOPNOTSUPP);
	assert_int_equal(fault_2m(fx, a, 0, ZUFS_RW_WRITE, &bn), 1);
	assert_zeros(fx, a, 0, SLOT);
	/* a hole in it */
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					SLOT + BLOCK, BLOCK), 0);
	assert_int_equal(fault_2m(fx, a, SLOT, ZUFS_RW_WRITE, &bn), -EOPNOTSUPP);
	assert_int_equal(fault_2m(fx, a, SLOT + BLOCK, 0, &bn), -EOPNOTSUPP);
	must_remove(fx, fx->root, a, "a");
}

static void a_get_for_write_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t bn;

	fill(fx, a, 'x', 0, BLOCK);
	assert_int_equal(fake_get(fx->t, a, 0, BLOCK, ZUFS_RW_WRITE, &bn, 1), -EOPNOTSUPP);
	must_remove(fx, fx->root, a, "a");
}

/* ---- times ---- */

static void times_are_kept(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t pages;

	fill(fx, a, 'x', 0, BLOCK);
	zus_zi_set_mtime(a.zi, 77);
	fill(fx, a, 'y', 0, 10);
	assert_int_equal(node_of(a)->rec->mtime, 77);
	zus_zi_set_mtime(a.zi, 78);
	assert_int_equal(fake_sync(fx->t, a, 0, UINT64_MAX, 0, &pages), 0);
	assert_int_equal(node_of(a)->rec->mtime, 78);
	zus_zi_set_mtime(a.zi, 79);
	assert_int_equal(fake_truncate(fx->t, a, 5), 0);
	assert_int_equal(node_of(a)->rec->mtime, 79);
	zus_zi_set_mtime(a.zi, 80);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 5), 0);
	assert_int_equal(node_of(a)->rec->mtime, 80);
	must_remove(fx, fx->root, a, "a");
}

/* In place, and with the times as they are: no record. */
static void an_overwrite_changes_no_metadata(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t lsn, bn;

	fill(fx, a, 'x', 0, 3 * BLOCK);
	bn = block_of(a, 1);
	lsn = fixture_fs(fx)->lsn;
	fill(fx, a, 'y', 100, 2 * BLOCK);
	assert_int_equal(fixture_fs(fx)->lsn, lsn);
	assert_int_equal(block_of(a, 1), bn);
	assert_all(fx, a, 'y', 100, 2 * BLOCK);
	must_remove(fx, fx->root, a, "a");
}

/* ---- no space ---- */

static uint64_t left(struct fixture *fx)
{
	return tierfs_blocks_left(fixture_fs(fx));
}

/* Everything that is free goes into a file, 64 KiB a write, the last ones short. */
static uint64_t fill_all(struct fixture *fx, struct fake_node a)
{
	static char buf[65536];
	uint64_t pos = 0;
	ssize_t n;

	memset(buf, 'f', sizeof(buf));
	while ((n = fake_write(fx->t, a, buf, sizeof(buf), pos)) > 0)
		pos += (uint64_t)n;
	assert_int_equal(n, -ENOSPC);
	return pos;
}

static void a_full_device_stays_usable(void **state)
{
	const uint32_t punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t size, before;

	fill(fx, b, 'b', 0, 10 * BLOCK);
	before = left(fx);
	size = fill_all(fx, a);
	assert_int_equal(zus_zi_size(a.zi), size);
	assert_int_equal(left(fx), 0);
	/* in place everything goes on */
	fill(fx, a, 'g', 5, 100000);
	assert_int_equal(fake_write(fx->t, b, "x", 1, 20 * BLOCK), -ENOSPC);
	assert_int_equal(zus_zi_size(b.zi), 10 * BLOCK);
	assert_int_equal(fake_fallocate(fx->t, b, 0, 0, 20 * BLOCK), -ENOSPC);
	assert_int_equal(zus_zi_size(b.zi), 10 * BLOCK);
	/* a part of a write is better than nothing */
	assert_int_equal(fake_truncate(fx->t, a, size - 3 * BLOCK), 0);
	assert_int_equal(fake_write(fx->t, b, (char[8 * BLOCK]){ 0 }, 8 * BLOCK, 10 * BLOCK),
			 3 * BLOCK);
	assert_int_equal(zus_zi_size(b.zi), 13 * BLOCK);
	assert_all(fx, a, 'f', 100005, (size_t)(size - 100005 - 3 * BLOCK));
	/* a hole in the middle needs a page for what remains */
	assert_int_equal(fake_fallocate(fx->t, a, punch, 10 * BLOCK, BLOCK), 0);
	assert_int_equal(fake_write(fx->t, b, "y", 1, 13 * BLOCK), 1);
	a = remount(fx, a, "a");
	b = must_lookup(fx, fx->root, "b");
	assert_all(fx, a, 'g', 5, 10 * BLOCK - 5);
	assert_zeros(fx, a, 10 * BLOCK, BLOCK);
	assert_int_equal(byte_at(fx, b, 13 * BLOCK), 'y');
	must_remove(fx, fx->root, a, "a");
	assert_int_equal(fake_truncate(fx->t, b, 10 * BLOCK), 0);
	assert_in_range(left(fx), before - 16, before);
	must_remove(fx, fx->root, b, "b");
}

static int setup_full(void **state)
{
	*state = fixture_new(NULL, NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(short_write_leaves_zeros_around, setup_dirty,
						teardown),
		cmocka_unit_test_setup_teardown(truncated_data_does_not_come_back, setup_dirty,
						teardown),
		cmocka_unit_test_setup_teardown(stores_behind_the_end_stay_hidden, setup_dirty,
						teardown),
		cmocka_unit_test_setup_teardown(far_offsets_work, setup_dirty, teardown),
		cmocka_unit_test_setup_teardown(too_large_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(fallocate_reserves_zeros, setup_dirty, teardown),
		cmocka_unit_test_setup_teardown(other_modes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(fallocate_stops_at_a_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_are_found, setup_dirty, teardown),
		cmocka_unit_test_setup_teardown(store_faults_fill_holes, setup_dirty, teardown),
		cmocka_unit_test_setup_teardown(faults_hide_what_lies_behind_the_end, setup_dirty,
						teardown),
		cmocka_unit_test_setup_teardown(a_read_only_mount_stores_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(large_faults_get_large_pages, setup_dirty,
						teardown),
		cmocka_unit_test_setup_teardown(a_get_for_write_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(times_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(an_overwrite_changes_no_metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_device_stays_usable, setup_full, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
