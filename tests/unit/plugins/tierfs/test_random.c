// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: random operations on the data of a file, compared with a plain buffer, with unmounts and
 * power cuts between them. TIERFS_TEST_STEPS says how many.
 */
#include "datatest.h"

#define FILE_MAX	(5 * MIB)
#define FILE_BLOCKS	(FILE_MAX / BLOCK)

struct model {
	struct fixture *fx;
	struct fake_node a;
	uint64_t base;			/* what is changed lies from here on */
	uint64_t size;			/* from there on too */
	char *data;			/* FILE_MAX bytes; zeros behind size */
	char *buf;
	char blocks[FILE_BLOCKS];
	unsigned int seed;
};

enum { HOLE, UNWRITTEN, WRITTEN };

static uint64_t rnd(struct model *m, uint64_t below)
{
	return ((uint64_t)rand_r(&m->seed) << 16 ^ (uint64_t)rand_r(&m->seed)) % below;
}

static void set_states(struct model *m, uint64_t first, uint64_t end, int from, int to)
{
	for (; first < end; first++)
		if (from < 0 || m->blocks[first] == from)
			m->blocks[first] = (char)to;
}

static void model_grow(struct model *m, uint64_t end)
{
	if (end > m->size)
		m->size = end;
}

static void model_write(struct model *m, uint64_t pos, uint64_t len)
{
	memset(m->buf, (int)rnd(m, 255) + 1, len);
	must_write(m->fx, m->a, m->buf, len, m->base + pos);
	memcpy(m->data + pos, m->buf, len);
	set_states(m, pos / BLOCK, tierfs_up(pos + len), -1, WRITTEN);
	model_grow(m, pos + len);
}

static void model_truncate(struct model *m, uint64_t size)
{
	assert_int_equal(fake_truncate(m->fx->t, m->a, m->base + size), 0);
	if (size < m->size)
		memset(m->data + size, 0, m->size - size);
	if (size <= m->size)
		set_states(m, tierfs_up(size), FILE_BLOCKS, -1, HOLE);
	m->size = size;
}

static void model_fallocate(struct model *m, uint32_t mode, uint64_t pos, uint64_t len)
{
	uint64_t end = pos + len, first = tierfs_up(pos), last = end / BLOCK;

	assert_int_equal(fake_fallocate(m->fx->t, m->a, mode, m->base + pos, len), 0);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		memset(m->data + pos, 0, len);
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		set_states(m, first, last, -1, HOLE);
		return;
	}
	set_states(m, pos / BLOCK, tierfs_up(end), HOLE, UNWRITTEN);
	if (mode & FALLOC_FL_ZERO_RANGE)
		set_states(m, first, last, -1, UNWRITTEN);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		model_grow(m, end);
}

/* A page is mapped, stored to and synced. */
static void model_store(struct model *m, uint64_t page)
{
	uint64_t pos = page * BLOCK, len, pages;
	char c = (char)rnd(m, 256);

	if (pos >= m->size)
		return;
	len = tierfs_min(m->size - pos, BLOCK);
	memset(zus_t1_addr(fake_md(m->fx->f),
			   fault(m->fx, m->a, m->base + pos, ZUFS_RW_WRITE)), c, BLOCK);
	assert_int_equal(fake_sync(m->fx->t, m->a, m->base + pos, BLOCK, 0, &pages), 0);
	memset(m->data + pos, c, len);
	m->blocks[page] = WRITTEN;
}

static void check_blocks(struct model *m)
{
	struct tierfs_run run;
	uint64_t i;

	for (i = 0; i < FILE_BLOCKS; i++) {
		assert_int_equal(tierfs_map_find(node_of(m->a), m->base / BLOCK + i, 1, &run), 0);
		assert_int_equal(!run.bn ? HOLE : run.unwritten ? UNWRITTEN : WRITTEN,
				 m->blocks[i]);
	}
}

static void check_seek(struct model *m)
{
	uint64_t i = rnd(m, FILE_BLOCKS), pos = m->base + i * BLOCK;
	int err = fake_seek(m->fx->t, m->a, SEEK_DATA, &pos);

	while (i < FILE_BLOCKS && m->blocks[i] != WRITTEN)
		i++;
	if (i * BLOCK >= m->size)
		assert_int_equal(err, -ENXIO);
	else
		assert_int_equal(pos, m->base + i * BLOCK);
}

static void check(struct model *m)
{
	assert_int_equal(zus_zi_size(m->a.zi), m->base + m->size);
	if (m->size) {
		must_read(m->fx, m->a, m->buf, m->size, m->base);
		assert_memory_equal(m->buf, m->data, m->size);
	}
	check_blocks(m);
	check_seek(m);
}

/* What a power cut would leave, and everything that was answered is there. */
static void cut_power(struct fixture *fx)
{
	uint8_t *t1 = fake_md(fx->f)->t1, *copy;
	uint64_t bytes = fake_md(fx->f)->t1_blocks * BLOCK;
	const struct zus_env *env;

	copy = test_malloc(bytes);
	memcpy(copy, fake_after_crash(fx->f, t1), bytes);
	fake_thread_destroy(fx->t);
	env = fake_sb(fx->f)->env;
	assert_int_equal(fake_umount_dirty(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	memcpy(t1, copy, bytes);
	test_free(copy);
	zus_persist(env, t1, bytes);
	fixture_mount(fx);
}

static void come_back(struct model *m, bool cut)
{
	if (cut) {
		cut_power(m->fx);
	} else {
		must_forget(m->fx, m->a);
		fixture_remount(m->fx);
	}
	m->a = must_lookup(m->fx, m->fx->root, "a");
	check(m);
}

static void one_step(struct model *m)
{
	static const uint32_t modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_UNSHARE_RANGE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	};
	uint64_t pos = rnd(m, FILE_MAX - 1), len = 1 + rnd(m, FILE_MAX - pos);

	/* most are small, and some begin and end with blocks */
	if (rnd(m, 8))
		len = 1 + len % (5 * BLOCK);
	if (!rnd(m, 4))
		pos = pos / BLOCK * BLOCK;
	if (!rnd(m, 4))
		len = tierfs_min(tierfs_up(len) * BLOCK, FILE_MAX - pos);
	len = tierfs_min(len, FILE_MAX - pos);
	switch (rnd(m, 8)) {
	case 0:
		model_truncate(m, pos);
		break;
	case 1:
	case 2:
		model_fallocate(m, modes[rnd(m, sizeof(modes) / sizeof(modes[0]))], pos, len);
		break;
	case 3:
		model_store(m, pos / BLOCK);
		break;
	default:
		model_write(m, pos, len);
	}
}

static void random_from(struct fixture *fx, uint64_t base, unsigned int seed, unsigned int steps)
{
	struct model m = { .fx = fx, .base = base, .seed = seed };
	unsigned int i;

	m.data = test_calloc(1, FILE_MAX);
	m.buf = test_malloc(FILE_MAX);
	m.a = must_creat(fx, fx->root, "a");
	assert_int_equal(fake_truncate(fx->t, m.a, base), 0);
	for (i = 0; i < steps; i++) {
		one_step(&m);
		if (i % 16 == 15)
			check(&m);
		if (i % 64 == 63)
			come_back(&m, i % 128 == 127);
	}
	must_remove(fx, fx->root, m.a, "a");
	test_free(m.buf);
	test_free(m.data);
}

static void random_operations(void **state)
{
	static const uint64_t bases[] = {
		0, SLOT - 5 * BLOCK, 11 * SLOT, 511ULL * SLOT, 1ULL << 40, 1ULL << 62,
	};
	const char *text = getenv("TIERFS_TEST_STEPS");
	unsigned int i, steps = text ? (unsigned int)atoi(text) : 128;
	struct fixture *fx = *state;

	assert_int_equal(fake_persist_watch(fx->f), 0);
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		random_from(fx, bases[i], i + steps, steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_operations, setup_dirty, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
