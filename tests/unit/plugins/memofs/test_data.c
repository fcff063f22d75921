// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: what is written is read, holes are zeros, nothing stale comes into sight. T1 is
 * dirtied first, so a block that was not zeroed shows.
 */
#include "fixture.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <unistd.h>

#define MIB	(1024U * 1024)
#define FILE_MAX	(3 * MIB)

/* Mounts after filling all of T1 behind the table with a pattern. */
static int setup_dirty(void **state)
{
	struct fixture *fx = fixture_mount(NULL, NULL);
	struct fake_node a = must_creat(fx, fx->root, "a");
	static char dirt[MIB];
	uint64_t pos = 0;

	memset(dirt, 0xdd, sizeof(dirt));
	while (fake_write(fx->t, a, dirt, sizeof(dirt), pos) == (ssize_t)sizeof(dirt))
		pos += sizeof(dirt);
	must_remove(fx, fx->root, a, "a");
	*state = fx;
	return 0;
}

static void assert_zeros(struct fixture *fx, struct fake_node a, uint64_t pos, size_t len)
{
	char *buf = test_malloc(len);
	size_t i;

	memset(buf, 1, len);
	assert_int_equal(fake_read(fx->t, a, buf, len, pos), len);
	for (i = 0; i < len; i++)
		assert_int_equal(buf[i], 0);
	test_free(buf);
}

static void short_write_leaves_zeros_around(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	char buf[4] = { 0 };

	must_write(fx, a, "data", 4, 10000);
	assert_int_equal(zus_zi_size(a.zi), 10004);
	assert_int_equal(le64toh(a.zi->i_blocks), 1);
	assert_zeros(fx, a, 0, 10000);
	assert_int_equal(fake_read(fx->t, a, buf, 4, 10000), 4);
	assert_memory_equal(buf, "data", 4);
	/* the rest of the block comes into sight */
	assert_int_equal(fake_truncate(fx->t, a, 3 * BLOCK), 0);
	assert_zeros(fx, a, 10004, 3 * BLOCK - 10004);
	must_remove(fx, fx->root, a, "a");
}

static void truncated_data_does_not_come_back(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	char buf[3 * BLOCK];

	memset(buf, 'x', sizeof(buf));
	must_write(fx, a, buf, sizeof(buf), 0);
	assert_int_equal(fake_truncate(fx->t, a, 100), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 1);
	assert_int_equal(fake_truncate(fx->t, a, sizeof(buf)), 0);
	assert_zeros(fx, a, 100, sizeof(buf) - 100);
	assert_int_equal(fake_truncate(fx->t, a, 0), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 0);
	must_remove(fx, fx->root, a, "a");
}

static void truncate_clears_the_rest_of_the_block(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	char buf[BLOCK];
	uint8_t *addr;
	unsigned int i;

	memset(buf, 'x', sizeof(buf));
	must_write(fx, a, buf, sizeof(buf), 0);
	addr = zus_t1_addr(fake_md(fx->f), block_of(inode_of(a), 0));
	assert_int_equal(fake_truncate(fx->t, a, 100), 0);
	/* a mapping shows these bytes although they lie behind i_size */
	for (i = 0; i < BLOCK; i++)
		assert_int_equal(addr[i], i < 100 ? 'x' : 0);
	must_remove(fx, fx->root, a, "a");
}

/* Two writers of a hole: who comes second uses the blocks of the first. */
static void late_block_of_a_hole_is_given_back(void **state)
{
	struct fixture *fx = *state;
	struct memofs_sb *msb = fixture_sb(fx);
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t first, second, before;
	int err = 0;

	assert_int_equal(memofs_blocks_alloc(msb, 0, 0, 1, &first), 1);
	assert_int_equal(memofs_blocks_alloc(msb, 0, 0, 3, &second), 3);
	before = memofs_blocks_left(msb);
	assert_int_equal(memofs_map_fill(inode_of(a), 1001, first, 1, &err), 1);
	assert_int_equal(memofs_map_fill(inode_of(a), 1000, second, 3, &err), 3);
	assert_int_equal(block_of(inode_of(a), 1000), second);
	assert_int_equal(block_of(inode_of(a), 1001), first);
	assert_int_equal(block_of(inode_of(a), 1002), second + 2);
	assert_int_equal(memofs_blocks_left(msb), before + 1);
	assert_int_equal(le64toh(a.zi->i_blocks), 3);
	must_remove(fx, fx->root, a, "a");
}

/* What a mapping stored behind i_size, in the last block. */
static void dirty_tail(struct fake_node a, struct fixture *fx)
{
	uint64_t size = zus_zi_size(a.zi), bn = block_of(inode_of(a), size / BLOCK);
	uint8_t *addr = zus_t1_addr(fake_md(fx->f), bn);

	assert_true(bn != 0);
	memset(addr + size % BLOCK, 0xee, BLOCK - size % BLOCK);
}

static void bytes_behind_the_end_never_show(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	must_write(fx, a, "data", 4, 0);
	dirty_tail(a, fx);
	must_write(fx, a, "data", 4, 5000);
	assert_zeros(fx, a, 4, 4996);
	dirty_tail(a, fx);
	assert_int_equal(fake_truncate(fx->t, a, 6000), 0);
	assert_zeros(fx, a, 5004, 996);
	dirty_tail(a, fx);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 7000, 3000), 0);
	assert_zeros(fx, a, 6000, 4000);
	must_remove(fx, fx->root, a, "a");
}

static void far_offsets_work(void **state)
{
	static const uint64_t pages[] = { 0, 15, 16, 511, 512, 4095, 4096, 262143, 262144, 16777216,
					  MEMOFS_MAX_BYTES / BLOCK - 1 };
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	size_t n = sizeof(pages) / sizeof(pages[0]), i;
	uint64_t got, at;

	for (i = n; i--; )
		must_write(fx, a, &pages[i], sizeof(pages[i]), pages[i] * BLOCK);
	assert_int_equal(le64toh(a.zi->i_blocks), n);
	for (i = 0; i < n; i++) {
		assert_int_equal(fake_read(fx->t, a, &got, sizeof(got), pages[i] * BLOCK), 8);
		assert_int_equal(got, pages[i]);
		at = i ? (pages[i - 1] + 1) * BLOCK : 0;
		if (i && pages[i] == pages[i - 1] + 1)
			continue;
		assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), 0);
		assert_int_equal(at, pages[i] * BLOCK);
	}
	/* from the top down, so that every level of the map is cut */
	for (i = n - 1; i; i--) {
		assert_int_equal(fake_truncate(fx->t, a, pages[i] * BLOCK), 0);
		assert_int_equal(le64toh(a.zi->i_blocks), i);
	}
	must_remove(fx, fx->root, a, "a");
}

static void too_large_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	assert_int_equal(fake_write(fx->t, a, "x", 1, MEMOFS_MAX_BYTES), -EFBIG);
	assert_int_equal(fake_truncate(fx->t, a, MEMOFS_MAX_BYTES + 1), -EFBIG);
	assert_int_equal(fake_fallocate(fx->t, a, 0, MEMOFS_MAX_BYTES, 1), -EFBIG);
	assert_int_equal(fake_truncate(fx->t, a, MEMOFS_MAX_BYTES), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 0);
	must_remove(fx, fx->root, a, "a");
}

static void fallocate_reserves_zeros(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	must_write(fx, a, "data", 4, 0);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, 0, 10 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 4);
	assert_int_equal(le64toh(a.zi->i_blocks), 10);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 5 * BLOCK, 10 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 15 * BLOCK);
	assert_int_equal(le64toh(a.zi->i_blocks), 15);
	assert_zeros(fx, a, 4, 15 * BLOCK - 4);
	assert_int_equal(fake_truncate(fx->t, a, 4), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 1);
	/* what lies behind the end goes with a truncate to where it is */
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, 0, 10 * BLOCK), 0);
	assert_int_equal(fake_truncate(fx->t, a, 4), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 1);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_UNSHARE_RANGE, 0, 3 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 3 * BLOCK);
	assert_int_equal(le64toh(a.zi->i_blocks), 3);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_NO_HIDE_STALE, 0, BLOCK), -EOPNOTSUPP);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_PUNCH_HOLE, 0, BLOCK), -EOPNOTSUPP);
	must_remove(fx, fx->root, a, "a");
}

/* Blocks keep their place in T1, only their place in the file changes. */
static void collapse_and_insert_move_blocks(void **state)
{
	const uint32_t collapse = FALLOC_FL_COLLAPSE_RANGE, insert = FALLOC_FL_INSERT_RANGE;
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t first, last;
	char c = 0;

	must_write(fx, a, "first", 5, 0);
	must_write(fx, a, "last", 4, 100 * BLOCK);
	first = block_of(inode_of(a), 0);
	last = block_of(inode_of(a), 100);
	assert_int_equal(fake_fallocate(fx->t, a, collapse, BLOCK, 90 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 10 * BLOCK + 4);
	assert_int_equal(block_of(inode_of(a), 10), last);
	assert_int_equal(fake_fallocate(fx->t, a, insert, 0, 300 * BLOCK), 0);
	assert_int_equal(zus_zi_size(a.zi), 310 * BLOCK + 4);
	assert_int_equal(block_of(inode_of(a), 300), first);
	assert_int_equal(block_of(inode_of(a), 310), last);
	assert_int_equal(le64toh(a.zi->i_blocks), 2);
	assert_int_equal(fake_read(fx->t, a, &c, 1, 310 * BLOCK), 1);
	assert_int_equal(c, 'l');
	assert_zeros(fx, a, 0, 300 * BLOCK);
	/* what is left out is free again */
	assert_int_equal(fake_fallocate(fx->t, a, collapse, 200 * BLOCK, 105 * BLOCK), 0);
	assert_int_equal(le64toh(a.zi->i_blocks), 1);
	must_remove(fx, fx->root, a, "a");
}

static void collapse_and_insert_want_whole_blocks(void **state)
{
	const uint32_t collapse = FALLOC_FL_COLLAPSE_RANGE, insert = FALLOC_FL_INSERT_RANGE;
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	must_write(fx, a, "data", 4, 9 * BLOCK);
	assert_int_equal(fake_fallocate(fx->t, a, collapse, 1, BLOCK), -EINVAL);
	assert_int_equal(fake_fallocate(fx->t, a, collapse, 0, BLOCK + 1), -EINVAL);
	assert_int_equal(fake_fallocate(fx->t, a, collapse, 5 * BLOCK, 5 * BLOCK), -EINVAL);
	assert_int_equal(fake_fallocate(fx->t, a, insert, 100, BLOCK), -EINVAL);
	assert_int_equal(fake_fallocate(fx->t, a, insert, BLOCK, 100), -EINVAL);
	assert_int_equal(fake_fallocate(fx->t, a, insert, 10 * BLOCK, BLOCK), -EINVAL);
	assert_int_equal(fake_fallocate(fx->t, a, insert, 0, MEMOFS_MAX_BYTES - 9 * BLOCK),
			 -EFBIG);
	/* a block that was reserved far behind the end must not be lost */
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, MEMOFS_MAX_BYTES - BLOCK,
					BLOCK), 0);
	assert_int_equal(fake_fallocate(fx->t, a, insert, 0, BLOCK), -EFBIG);
	assert_int_equal(zus_zi_size(a.zi), 9 * BLOCK + 4);
	assert_int_equal(le64toh(a.zi->i_blocks), 2);
	must_remove(fx, fx->root, a, "a");
}

static void fallocate_stops_at_a_signal(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	fake_interrupt(fx->t, true);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, MIB), -EINTR);
	fake_interrupt(fx->t, false);
	assert_int_equal(zus_zi_size(a.zi), 0);
	must_remove(fx, fx->root, a, "a");
}

static void holes_are_found(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct fiemap_extent e[4];
	uint32_t n = 0;
	uint64_t at = 0;

	must_write(fx, a, "data", 4, 100 * BLOCK);
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
	must_write(fx, a, "data", 4, 102 * BLOCK);
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
	assert_int_equal(fake_fiemap(fx->t, a, 0, 100 * BLOCK, e, 4, &n), 0);
	assert_int_equal(n, 0);
	must_remove(fx, fx->root, a, "a");
}

/* What a page fault or a GET for writing got is data, whatever is then stored there. */
static void given_blocks_are_unwritten_until_then(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fiemap_extent e[8];
	uint64_t words[4], at = 0;
	uint32_t n = 0;

	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 100 * BLOCK), 0);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), -ENXIO);
	assert_int_equal(fake_get(fx->t, a, 50 * BLOCK, BLOCK, ZUFS_RW_MMAP, words, 4), 1);
	assert_int_equal(fake_put(fx->t), 0);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &at), -ENXIO);
	assert_int_equal(fake_get(fx->t, a, 50 * BLOCK, BLOCK, ZUFS_RW_MMAP | ZUFS_RW_WRITE, words,
				  4), 1);
	assert_int_equal(fake_put(fx->t), 0);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, e, 8, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(e[0].fe_length, 50 * BLOCK);
	assert_int_equal(e[0].fe_flags, FIEMAP_EXTENT_UNWRITTEN);
	assert_int_equal(e[1].fe_length, BLOCK);
	assert_int_equal(e[1].fe_flags, 0);
	assert_int_equal(e[2].fe_length, 49 * BLOCK);
	assert_int_equal(e[2].fe_flags, FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_LAST);
	/* nothing of it is worth sharing but that block */
	assert_int_equal(fake_clone(fx->t, a, b, 0, 0, 0, 0), 0);
	assert_int_equal(le64toh(b.zi->i_blocks), 1);
	assert_int_equal(block_of(inode_of(b), 50), block_of(inode_of(a), 50));
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

static void growing_file_is_contiguous(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	static char buf[MIB];
	uint32_t n = 0;

	must_write(fx, a, buf, sizeof(buf), 0);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, NULL, 0, &n), 0);
	assert_int_equal(n, 1);
	must_remove(fx, fx->root, a, "a");
}

/* ---- random operations, compared with a plain buffer ---- */

struct model {
	struct fixture *fx;
	struct fake_node a;
	uint64_t size;
	char *data;			/* FILE_MAX bytes; zeros behind size */
	char *buf;
	char *blocks;			/* STATES of them: hole, unwritten or written */
	unsigned int seed;
};

#define STATES	(1U << 18)	/* insert moves blocks behind the end further and further */

enum { HOLE, UNWRITTEN, WRITTEN };

static void set_states(struct model *m, uint64_t first, uint64_t end, int from, int to)
{
	for (; first < end; first++)
		if (from < 0 || m->blocks[first] == from)
			m->blocks[first] = (char)to;
}

static uint64_t rnd(struct model *m, uint64_t below)
{
	return ((uint64_t)rand_r(&m->seed) << 16 ^ (uint64_t)rand_r(&m->seed)) % below;
}

static void model_write(struct model *m, uint64_t pos, uint64_t len)
{
	memset(m->buf, (int)rnd(m, 255) + 1, len);
	must_write(m->fx, m->a, m->buf, len, pos);
	memcpy(m->data + pos, m->buf, len);
	set_states(m, pos / BLOCK, memofs_blocks_up(pos + len), -1, WRITTEN);
	if (pos + len > m->size)
		m->size = pos + len;
}

static void model_truncate(struct model *m, uint64_t size)
{
	assert_int_equal(fake_truncate(m->fx->t, m->a, size), 0);
	if (size < m->size)
		memset(m->data + size, 0, m->size - size);
	if (size <= m->size)
		set_states(m, memofs_blocks_up(size), STATES, -1, HOLE);
	m->size = size;
}

static void model_fallocate(struct model *m, uint32_t mode, uint64_t pos, uint64_t len)
{
	uint64_t end = pos + len;

	assert_int_equal(fake_fallocate(m->fx->t, m->a, mode, pos, len), 0);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		memset(m->data + pos, 0, len);
		set_states(m, memofs_blocks_up(pos), end / BLOCK, -1, HOLE);
	}
	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		set_states(m, pos / BLOCK, memofs_blocks_up(end), HOLE, UNWRITTEN);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > m->size)
		m->size = end;
}

/* Of a file that has them: blocks [at, at + n) go, or n blocks of zeros come. */
static void model_shift(struct model *m, uint64_t at, uint64_t n, bool is_insert)
{
	uint64_t pos = at * BLOCK, len = n * BLOCK;

	if (is_insert && pos < m->size && m->size + len <= FILE_MAX) {
		assert_int_equal(fake_fallocate(m->fx->t, m->a, FALLOC_FL_INSERT_RANGE, pos, len),
				 0);
		memmove(m->data + pos + len, m->data + pos, m->size - pos);
		memset(m->data + pos, 0, len);
		memmove(m->blocks + at + n, m->blocks + at, STATES - at - n);
		set_states(m, at, at + n, -1, HOLE);
		m->size += len;
	} else if (!is_insert && pos + len < m->size) {
		assert_int_equal(fake_fallocate(m->fx->t, m->a, FALLOC_FL_COLLAPSE_RANGE, pos,
						len), 0);
		memmove(m->data + pos, m->data + pos + len, m->size - pos - len);
		m->size -= len;
		memset(m->data + m->size, 0, len);
		memmove(m->blocks + at, m->blocks + at + n, STATES - at - n);
		set_states(m, STATES - n, STATES, -1, HOLE);
	}
}

/* What the file says of a block. */
static int state_of(const struct memofs_inode *mi, uint64_t index)
{
	struct memofs_run r = { .index = index, .bn = block_of(mi, index), .n = 1 };
	bool unwritten;

	assert_int_equal(memofs_unwritten_run(mi, &r, &unwritten), 1);
	if (!r.bn)
		return HOLE;
	return unwritten ? UNWRITTEN : WRITTEN;
}

/* Where data is said to be, block by block. */
static void check_seek(struct model *m)
{
	uint64_t at = 0, hole, i = 0, blocks = memofs_blocks_up(m->size);

	while (at < m->size && !fake_seek(m->fx->t, m->a, SEEK_DATA, &at)) {
		for (; i < at / BLOCK; i++)
			assert_int_not_equal(m->blocks[i], WRITTEN);
		hole = at;
		assert_int_equal(fake_seek(m->fx->t, m->a, SEEK_HOLE, &hole), 0);
		for (; i < memofs_blocks_up(hole); i++)
			assert_int_equal(m->blocks[i], WRITTEN);
		at = hole;
	}
	for (; i < blocks; i++)
		assert_int_not_equal(m->blocks[i], WRITTEN);
}

static void check_states(struct model *m)
{
	const struct memofs_inode *mi = inode_of(m->a);
	uint64_t i, unwritten = 0;

	for (i = 0; i < STATES; i++) {
		unwritten += m->blocks[i] == UNWRITTEN;
		/* far away there is little but holes */
		if (m->blocks[i] || i < 2 * FILE_MAX / BLOCK)
			assert_int_equal(state_of(mi, i), m->blocks[i]);
	}
	assert_int_equal(mi->map.unwritten, unwritten);
	check_seek(m);
}

static void model_check(struct model *m)
{
	assert_int_equal(zus_zi_size(m->a.zi), m->size);
	check_states(m);
	if (!m->size)
		return;
	assert_int_equal(fake_read(m->fx->t, m->a, m->buf, m->size, 0), m->size);
	assert_memory_equal(m->buf, m->data, m->size);
	assert_runs_are_true(m->a);
}

static void model_step(struct model *m)
{
	static const uint32_t modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_UNSHARE_RANGE,
	};
	uint64_t pos = rnd(m, FILE_MAX - 1), len = 1 + rnd(m, rnd(m, 2) ? 9000 : 200000);

	/* now and then where the file ends: its blocks lie in a row */
	if (rnd(m, 3) == 0 && m->size < FILE_MAX)
		pos = m->size;
	if (len > FILE_MAX - pos)
		len = FILE_MAX - pos;
	if (rnd(m, 3) == 0)
		pos &= ~(uint64_t)(BLOCK - 1);
	switch (rnd(m, 5)) {
	case 0:
		model_truncate(m, pos);
		break;
	case 1:
		model_fallocate(m, modes[rnd(m, 6)], pos, len);
		break;
	case 2:
		model_shift(m, pos / BLOCK, 1 + rnd(m, 100), rnd(m, 2));
		break;
	default:
		model_write(m, pos, len);
	}
}

static void random_operations_match_a_buffer(void **state)
{
	struct fixture *fx = *state;
	struct model m = { .fx = fx, .seed = 1 };
	int i;

	m.a = must_creat(fx, fx->root, "a");
	m.data = test_calloc(1, FILE_MAX);
	m.buf = test_malloc(FILE_MAX);
	m.blocks = test_calloc(1, STATES);
	for (i = 0; i < 1500; i++) {
		model_step(&m);
		if (i % 5 == 0)
			model_check(&m);
	}
	model_check(&m);
	model_truncate(&m, 0);
	assert_int_equal(le64toh(m.a.zi->i_blocks), 0);
	must_remove(fx, fx->root, m.a, "a");
	test_free(m.data);
	test_free(m.buf);
	test_free(m.blocks);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_dirty, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(short_write_leaves_zeros_around),
		T(truncated_data_does_not_come_back),
		T(truncate_clears_the_rest_of_the_block),
		T(late_block_of_a_hole_is_given_back),
		T(bytes_behind_the_end_never_show),
		T(far_offsets_work),
		T(too_large_is_refused),
		T(fallocate_reserves_zeros),
		T(collapse_and_insert_move_blocks),
		T(collapse_and_insert_want_whole_blocks),
		T(fallocate_stops_at_a_signal),
		T(holes_are_found),
		T(given_blocks_are_unwritten_until_then),
		cmocka_unit_test_setup_teardown(growing_file_is_contiguous, setup, teardown),
		T(random_operations_match_a_buffer),
	};

	return cmocka_run_group_tests_name("memofs data", tests, NULL, NULL);
}
