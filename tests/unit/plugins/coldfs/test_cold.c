// SPDX-License-Identifier: BSD-2-Clause
/*
 * coldfs on the fake kernel: files of four times the size of T1, moved down and up all the
 * time, compared with a model; devices that fail. COLD_TEST_OPTIONS chooses the way of I/O.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cold.h"
#include "fake.h"

#define T1_BYTES	(4U << 20)
#define THREADS		4
#define FILE_BYTES	(4U << 20)
#define ROUNDS		400
#define PIECE_MAX	40000U

struct fixture {
	struct fake *f;
	struct fake_thread *t;
	struct fake_node root;
};

static struct cold_sb *sb_of(const struct fixture *fx)
{
	return cold_sb_of(fake_sb(fx->f));
}

static int setup(void **state)
{
	const struct fake_opts opts = { .t1_bytes = T1_BYTES, .t2_bytes = 64U << 20 };
	struct fixture *fx = test_calloc(1, sizeof(*fx));
	const char *options = getenv("COLD_TEST_OPTIONS");

	assert_int_equal(fake_create(&fx->f, &zus_plugin, &opts), 0);
	assert_int_equal(fake_mount(fx->f, options ? options : "nio"), 0);
	fx->t = fake_thread_create(fx->f, 0);
	assert_non_null(fx->t);
	fx->root = fake_root(fx->f);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;
	struct cold_sb *csb = sb_of(fx);

	assert_int_equal(csb->stats.held, 0);
	assert_int_equal(csb->t2_free, csb->t2_blocks - 1);
	assert_int_equal(memofs_blocks_left(&csb->msb), csb->msb.usable - 1);
	/* a write by the mapped way moves i_size itself */
	if (!(fake_mount_info(fx->f)->fs_caps & ZUFS_FSC_NIO_WRITES))
		assert_int_equal(fake_sizes_raised(fx->f), 0);
	fake_thread_destroy(fx->t);
	assert_int_equal(fake_umount(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	fake_destroy(fx->f);
	test_free(fx);
	return 0;
}

static void must_remove(struct fixture *fx, struct fake_node node, const char *name)
{
	assert_int_equal(fake_unlink(fx->t, fx->root, node, name), 0);
	assert_int_equal(fake_forget(fx->t, node), 0);
}

/* ---- a file and what must be in it ---- */

struct model {
	struct fixture *fx;
	struct fake_thread *t;
	struct fake_node node;
	pthread_t tid;
	unsigned int seed;
	uint64_t size;
	uint8_t *data;			/* FILE_BYTES */
	uint8_t buf[PIECE_MAX];
	int failures;
};

static uint32_t pick(struct model *m, uint32_t end)
{
	return (uint32_t)rand_r(&m->seed) % end;
}

static void model_write(struct model *m, uint64_t pos, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		m->buf[i] = (uint8_t)rand_r(&m->seed);
	m->failures += fake_write(m->t, m->node, m->buf, len, pos) != (ssize_t)len;
	memcpy(m->data + pos, m->buf, len);
	if (m->size < pos + len)
		m->size = pos + len;
}

static void model_check(struct model *m, uint64_t pos, uint32_t len)
{
	uint64_t left = pos < m->size ? m->size - pos : 0;
	ssize_t wanted = (ssize_t)(left < len ? left : len);

	m->failures += fake_read(m->t, m->node, m->buf, len, pos) != wanted;
	m->failures += memcmp(m->buf, m->data + pos, (size_t)wanted) != 0;
}

static void model_cut(struct model *m, uint64_t size)
{
	m->failures += fake_truncate(m->t, m->node, size) != 0;
	if (size < m->size)
		memset(m->data + size, 0, m->size - size);
	m->size = size;
}

static void *model_run(void *arg)
{
	struct model *m = arg;
	uint32_t round, pos, len;

	for (pos = 0; pos < FILE_BYTES; pos += 32768)
		model_write(m, pos, 32768);
	for (round = 0; round < ROUNDS; round++) {
		pos = pick(m, FILE_BYTES - PIECE_MAX);
		len = 1 + pick(m, PIECE_MAX);
		if (round % 3 == 0)
			model_write(m, pos, len);
		else
			model_check(m, pos, len);
		if (round % 50 == 49)
			model_cut(m, pos);
	}
	for (pos = 0; pos < FILE_BYTES; pos += 32768)
		model_check(m, pos, 32768);
	return NULL;
}

static void model_start(struct model *m, struct fixture *fx, unsigned int no)
{
	char name[2] = { (char)('a' + no), 0 };

	m->fx = fx;
	m->seed = no;
	m->t = fake_thread_create(fx->f, (int)no);
	assert_non_null(m->t);
	m->data = test_calloc(1, FILE_BYTES);
	assert_int_equal(fake_creat(fx->t, fx->root, name, &m->node), 0);
	assert_int_equal(pthread_create(&m->tid, NULL, model_run, m), 0);
}

static void model_end(struct model *m, unsigned int no)
{
	char name[2] = { (char)('a' + no), 0 };

	pthread_join(m->tid, NULL);
	fake_thread_destroy(m->t);
	assert_int_equal(m->failures, 0);
	must_remove(m->fx, m->node, name);
	test_free(m->data);
}

static void four_times_t1_is_kept(void **state)
{
	struct fixture *fx = *state;
	struct model *m = test_calloc(THREADS, sizeof(*m));
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		model_start(&m[i], fx, i);
	for (i = 0; i < THREADS; i++)
		model_end(&m[i], i);
	assert_true(sb_of(fx)->stats.up > 1000);
	assert_true(sb_of(fx)->stats.down > 1000);
	test_free(m);
}

/* ---- single steps ---- */

#define COLD_BYTES	(64U * 4096)

static struct fake_node cold_file(struct fixture *fx, const char *name, uint8_t *data)
{
	struct fake_node node;

	memset(data, 'c', COLD_BYTES);
	assert_int_equal(fake_creat(fx->t, fx->root, name, &node), 0);
	assert_int_equal(fake_write(fx->t, node, data, COLD_BYTES, 0), COLD_BYTES);
	fake_goose(fx->t, 0);
	cold_down_all(sb_of(fx));
	assert_int_equal(sb_of(fx)->stats.down, COLD_BYTES / 4096);
	return node;
}

static void pre_read_brings_up(void **state)
{
	struct fixture *fx = *state;
	static uint8_t data[COLD_BYTES];
	struct fake_node node = cold_file(fx, "f", data);

	assert_int_equal(fake_pre_read(fx->t, node, 2, 5), 0);
	assert_int_equal(sb_of(fx)->stats.up, 5);
	assert_int_equal(fake_pre_read(fx->t, node, 2, 6), 0);
	assert_int_equal(sb_of(fx)->stats.up, 6);
	assert_int_equal(fake_pre_read(fx->t, node, 1000, 6), 0);
	fake_fail(fx->f, FAKE_DEVICE, 1);
	assert_int_equal(fake_pre_read(fx->t, node, 0, 2), -EIO);
	assert_int_equal(sb_of(fx)->stats.up, 6);
	must_remove(fx, node, "f");
}

static void a_failed_read_changes_nothing(void **state)
{
	struct fixture *fx = *state;
	static uint8_t data[COLD_BYTES], got[COLD_BYTES];
	struct fake_node node = cold_file(fx, "f", data);

	fake_fail(fx->f, FAKE_DEVICE, 1);
	assert_int_equal(fake_read(fx->t, node, got, 100, 0), -EIO);
	fake_fail(fx->f, FAKE_DEVICE, 1);
	assert_int_equal(fake_write(fx->t, node, got, 100, 50), -EIO);
	fake_fail(fx->f, FAKE_DEVICE, 1);
	assert_int_equal(fake_truncate(fx->t, node, 5000), -EIO);
	assert_int_equal(zus_zi_size(node.zi), COLD_BYTES);
	assert_int_equal(fake_read(fx->t, node, got, COLD_BYTES, 0), COLD_BYTES);
	assert_memory_equal(data, got, COLD_BYTES);
	must_remove(fx, node, "f");
}

static void a_failed_write_keeps_t1(void **state)
{
	struct fixture *fx = *state;
	static uint8_t data[COLD_BYTES], got[COLD_BYTES];
	struct fake_node node;

	memset(data, 'd', COLD_BYTES);
	assert_int_equal(fake_creat(fx->t, fx->root, "f", &node), 0);
	assert_int_equal(fake_write(fx->t, node, data, COLD_BYTES, 0), COLD_BYTES);
	fake_goose(fx->t, 0);
	fake_fail(fx->f, FAKE_DEVICE, 1);
	cold_down_all(sb_of(fx));
	assert_true(fake_fault_hit(fx->f, FAKE_DEVICE));
	assert_int_equal(sb_of(fx)->stats.down_errors, 1);
	assert_int_equal(fake_read(fx->t, node, got, COLD_BYTES, 0), COLD_BYTES);
	assert_memory_equal(data, got, COLD_BYTES);
	must_remove(fx, node, "f");
}

static void *all_down(void *csb)
{
	cold_down_all(csb);
	return NULL;
}

/* A block that is written while its list is under way stays; what was read goes. */
static void a_write_calls_a_block_back(void **state)
{
	struct fixture *fx = *state;
	struct cold_sb *csb = sb_of(fx);
	static uint8_t data[COLD_BYTES];
	struct fake_node node;
	pthread_t tid;

	assert_int_equal(fake_creat(fx->t, fx->root, "f", &node), 0);
	assert_int_equal(fake_write(fx->t, node, data, COLD_BYTES, 0), COLD_BYTES);
	fake_goose(fx->t, 0);
	fake_hold_lists(fx->f, true);
	assert_int_equal(pthread_create(&tid, NULL, all_down, csb), 0);
	pthread_mutex_lock(&csb->lock);
	while (!csb->lists) {
		pthread_mutex_unlock(&csb->lock);
		sched_yield();
		pthread_mutex_lock(&csb->lock);
	}
	pthread_mutex_unlock(&csb->lock);
	assert_int_equal(fake_write(fx->t, node, "new", 3, 4096), 3);
	fake_hold_lists(fx->f, false);
	pthread_join(tid, NULL);
	fake_goose(fx->t, 0);
	assert_true(csb->stats.kept >= 1);
	assert_int_equal(fake_read(fx->t, node, data, 4, 4096), 4);
	assert_memory_equal(data, "new", 4);
	must_remove(fx, node, "f");
}

/* The server ends: no thread is left, what is cold is still brought up, umount may follow. */
static void operations_go_on_after_server_stop(void **state)
{
	static uint8_t data[COLD_BYTES], got[COLD_BYTES];
	struct fixture *fx = *state;
	struct cold_sb *csb = sb_of(fx);
	struct fake_node node;

	memset(data, 7, COLD_BYTES);
	assert_int_equal(fake_creat(fx->t, fx->root, "f", &node), 0);
	assert_int_equal(fake_write(fx->t, node, data, COLD_BYTES, 0), COLD_BYTES);
	fake_goose(fx->t, 0);
	cold_down_all(csb);
	assert_true(csb->stats.down > 0);
	assert_int_equal(fake_server_stop(fx->f), 1);
	assert_null(csb->thread);
	assert_null(csb->ctl);
	assert_int_equal(fake_read(fx->t, node, got, COLD_BYTES, 0), COLD_BYTES);
	assert_memory_equal(data, got, COLD_BYTES);
	assert_int_equal(fake_write(fx->t, node, data, COLD_BYTES, COLD_BYTES), COLD_BYTES);
	must_remove(fx, node, "f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pre_read_brings_up, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_read_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_write_keeps_t1, setup, teardown),
		cmocka_unit_test_setup_teardown(a_write_calls_a_block_back, setup, teardown),
		cmocka_unit_test_setup_teardown(operations_go_on_after_server_stop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(four_times_t1_is_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
