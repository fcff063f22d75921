// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake is what other tests believe, so it has its own: what it counts, what a crash leaves,
 * what it says of an answer that the kernel would refuse.
 */
#define _GNU_SOURCE
#include "../dispatch_fixture.h"

#include <endian.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zus/pmem.h>
#include <zus/random.h>
#include <zus/time.h>

static void devices_are_counted(void **state)
{
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, NULL), 0);
	assert_int_equal(fake_devices(f), 0);
	assert_int_equal(fake_mount(f, "refuse"), -EACCES);
	assert_int_equal(fake_devices(f), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	assert_int_equal(fake_devices(f), 1);
	/* they are outstanding, as the super-block is */
	assert_int_equal(fake_outstanding(f), 2);
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_devices(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
}

static void t1_without_a_table_is_all_the_plugins(void **state)
{
	static const uint8_t zeros[4096];
	struct fake_opts opts = { .no_table = true };
	struct zus_plugin p = probe_plugin;
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &p, &opts), 0);
	assert_memory_equal(zus_t1_addr(fake_md(f), 0), zeros, sizeof(zeros));
	assert_false(zus_md_reserved_block(fake_md(f), 0));
	fake_destroy(f);
	/* a type says so by its offset */
	p.info.dt_offset = ~0ULL;
	assert_int_equal(fake_create(&f, &p, NULL), 0);
	assert_false(zus_md_has_table(fake_md(f)));
	fake_destroy(f);
	assert_int_equal(fake_create(&f, &probe_plugin, NULL), 0);
	assert_true(zus_md_reserved_block(fake_md(f), 0));
	assert_true(zus_md_is_synchronous(fake_md(f)));
	fake_destroy(f);
	opts.not_synchronous = true;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	assert_false(zus_md_is_synchronous(fake_md(f)));
	fake_destroy(f);
	opts.t1_count = 2;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), -EINVAL);
}

static void crash_leaves_what_was_flushed_and_fenced(void **state)
{
	const struct zus_env *env = fake_sb(fx.f)->env;
	uint8_t *p = zus_t1_addr(fake_md(fx.f), 200);

	(void)state;
	memset(p, 1, 256);
	assert_int_equal(fake_persist_watch(fx.f), 0);
	assert_int_equal(fake_persist_watch(fx.f), -EBUSY);
	assert_true(fake_is_durable(fx.f, p, 256));
	memset(p, 2, 256);
	assert_false(fake_is_durable(fx.f, p, 1));
	zus_flush(env, p + 63, 2);
	assert_false(fake_is_durable(fx.f, p, 128));
	/* what comes after the flush is not part of it */
	p[0] = 3;
	zus_fence(env);
	assert_false(fake_is_durable(fx.f, p, 1));
	assert_int_equal(*(const uint8_t *)fake_after_crash(fx.f, p), 2);
	assert_true(fake_is_durable(fx.f, p + 1, 127));
	assert_false(fake_is_durable(fx.f, p + 1, 128));
	zus_persist(env, p, 1);
	assert_true(fake_is_durable(fx.f, p, 128));
	assert_int_equal(fake_persisted(fx.f, FAKE_FLUSH), 2);
	assert_int_equal(fake_persisted(fx.f, FAKE_FENCE), 2);
}

static void streamed_bytes_are_durable_alone(void **state)
{
	const struct zus_env *env = fake_sb(fx.f)->env;
	uint8_t *p = zus_t1_addr(fake_md(fx.f), 200);

	(void)state;
	memset(p, 1, 64);
	assert_int_equal(fake_persist_watch(fx.f), 0);
	memset(p, 2, 64);
	zus_copy_nt(env, p + 8, "streamed", 8);
	zus_zero_nt(env, p + 16, 8);
	assert_false(fake_is_durable(fx.f, p + 8, 1));
	zus_fence(env);
	assert_true(fake_is_durable(fx.f, p + 8, 16));
	assert_memory_equal(fake_after_crash(fx.f, p + 8), "streamed\0\0\0\0\0\0\0\0", 16);
	assert_false(fake_is_durable(fx.f, p + 7, 1));
	assert_false(fake_is_durable(fx.f, p + 24, 1));
	assert_int_equal(fake_persisted(fx.f, FAKE_COPY_NT), 1);
	assert_int_equal(fake_persisted(fx.f, FAKE_ZERO_NT), 1);
	assert_int_equal(fake_persisted(fx.f, FAKE_FLUSH), 0);
}

static void stores_are_done_and_counted_and_not_durable(void **state)
{
	const struct zus_env *env = fake_sb(fx.f)->env;
	uint8_t *p = zus_t1_addr(fake_md(fx.f), 200);

	(void)state;
	memset(p, 0, 64);
	assert_int_equal(fake_persist_watch(fx.f), 0);
	zus_store(env, p + 3, "abc", 3);
	zus_store8(env, p + 8, 0x0101010101010101ULL);
	assert_memory_equal(p, "\0\0\0abc\0\0\1\1\1\1\1\1\1\1", 16);
	assert_int_equal(fake_persisted(fx.f, FAKE_STORE), 1);
	assert_int_equal(fake_persisted(fx.f, FAKE_STORE8), 1);
	zus_fence(env);
	assert_false(fake_is_durable(fx.f, p + 3, 1));
	assert_false(fake_is_durable(fx.f, p + 8, 1));
	zus_persist(env, p, 16);
	assert_true(fake_is_durable(fx.f, p, 16));
}

static unsigned int number_in_read(struct fake_thread *t)
{
	char c;

	fx.f0.zi->i_size = htole64(1);
	assert_int_equal(fake_read(t, fx.f0, &c, 1, 0), 1);
	return fx.p->thread;
}

static void each_caller_has_a_number_of_its_own(void **state)
{
	struct fake_thread *other = fake_thread_create(fx.f, 3), *more[ZUS_THREADS_OTHER];
	unsigned int mine = zus_thread_number(), n = 0, last;

	(void)state;
	assert_int_equal(number_in_read(fx.t), fake_thread_number(fx.t));
	assert_int_equal(number_in_read(other), fake_thread_number(other));
	assert_int_not_equal(fake_thread_number(fx.t), fake_thread_number(other));
	assert_int_not_equal(fake_thread_number(fx.t), mine);
	assert_int_not_equal(fake_thread_number(other), mine);
	/* out of operations it is that of the test's thread */
	assert_int_equal(zus_thread_number(), mine);
	last = fake_thread_number(other);
	fake_thread_destroy(other);
	while (n < ARRAY_LEN(more) && (more[n] = fake_thread_create(fx.f, 0)))
		n++;
	assert_int_equal(n, ZUS_THREADS_OTHER - 2);
	assert_int_equal(fake_thread_number(more[0]), last);
	while (n)
		fake_thread_destroy(more[--n]);
}

static void randomness_comes_from_the_seed(void **state)
{
	struct fake_opts opts = { .t2_bytes = 4 << 20 };
	const struct zus_env *env = fake_sb(fx.f)->env;
	uint8_t a[21], b[21], zeros[21] = { 0 };
	struct fake *same, *other;

	(void)state;
	assert_int_equal(zus_random(env, a, 21), 0);
	assert_memory_not_equal(a, zeros, 21);
	assert_int_equal(fake_create(&same, &probe_plugin, &opts), 0);
	opts.seed = 1;
	assert_int_equal(fake_create(&other, &probe_plugin, &opts), 0);
	/* the devices are the same, and what comes after */
	assert_memory_equal(fake_md(same)->t1, fake_md(fx.f)->t1, 4096);
	assert_memory_not_equal(fake_md(other)->t1, fake_md(fx.f)->t1, 4096);
	assert_int_equal(fake_mount(same, ""), 0);
	assert_int_equal(zus_random(fake_sb(same)->env, b, 21), 0);
	assert_memory_equal(a, b, 21);
	assert_int_equal(zus_random(env, b, 21), 0);
	assert_memory_not_equal(a, b, 21);
	fake_fail(fx.f, FAKE_RANDOM, 2);
	assert_int_equal(zus_random(env, b, 21), 0);
	assert_int_equal(zus_random(env, b, 21), -EIO);
	assert_true(fake_fault_hit(fx.f, FAKE_RANDOM));
	fake_destroy(same);
	fake_destroy(other);
}

static void clock_can_be_the_tests(void **state)
{
	const struct zus_env *env = fake_sb(fx.f)->env;
	int64_t first = zus_monotonic_ns(env);

	(void)state;
	assert_true(zus_now_ns(env) > 1500000000LL * 1000000000);
	assert_true(zus_monotonic_ns(env) >= first);
	fake_set_clock(fx.f, 1000, 7);
	assert_int_equal(zus_now_ns(env), 1000);
	assert_int_equal(zus_monotonic_ns(env), 1007);
	assert_int_equal(zus_now_ns(env), 1014);
}

static void *wait_for_stop(void *arg)
{
	while (zus_thread_wait(-1))
		;
	return arg;
}

static void background_threads_are_known_and_refused(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	const struct zus_env *env = fake_sb(fx.f)->env;
	int64_t before = fake_outstanding(fx.f);
	struct zus_thread *t[3];
	int i;

	(void)state;
	fake_fail(fx.f, FAKE_THREAD, 2);
	assert_int_equal(zus_env_thread_create(env, &t[0], &attr, wait_for_stop, &i), 0);
	assert_int_equal(zus_env_thread_create(env, &t[1], &attr, wait_for_stop, &i), -EAGAIN);
	assert_true(fake_fault_hit(fx.f, FAKE_THREAD));
	assert_int_equal(zus_env_thread_create(env, &t[1], &attr, wait_for_stop, &i), 0);
	assert_int_equal(zus_env_thread_create(env, &t[2], &attr, wait_for_stop, NULL), 0);
	assert_int_equal(fake_background(fx.f), 3);
	assert_int_equal(fake_outstanding(fx.f), before + 3);
	for (i = 1; i < 4; i++) {
		zus_thread_stop(t[i % 3]);
		assert_ptr_equal(zus_env_thread_join(env, t[i % 3]), i == 2 ? NULL : &i);
		assert_int_equal(fake_background(fx.f), 3 - i);
	}
	assert_int_equal(fake_outstanding(fx.f), before);
}

/* Blocks of one table, many of which share a place there, in an order of their own. */
static void memory_is_accounted_for(void **state)
{
	const struct zus_env *env = fake_sb(fx.f)->env;
	int64_t before = fake_outstanding(fx.f);
	void *block[3000], *page[40];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(block); i++)
		assert_non_null(block[i] = zus_alloc(env, 1 + i % 100));
	for (i = 0; i < ARRAY_LEN(page); i++)
		assert_non_null(page[i] = zus_page_alloc(env, i % 3));
	assert_int_equal(fake_outstanding(fx.f), before + 3040);
	for (i = 0; i < ARRAY_LEN(block); i += 2)
		zus_free(env, block[i]);
	for (i = 0; i < ARRAY_LEN(page); i++)
		zus_page_free(env, page[i], i % 3);
	assert_int_equal(fake_outstanding(fx.f), before + 1500);
	for (i = 0; i < ARRAY_LEN(block); i += 2)
		assert_non_null(block[i] = zus_alloc(env, 200));
	for (i = ARRAY_LEN(block); i--;)
		zus_free(env, block[i]);
	zus_free(env, NULL);
	zus_page_free(env, NULL, 1);
	assert_int_equal(fake_outstanding(fx.f), before);
}

static void give_back_what_is_none(const struct zus_env *env)
{
	void *p = zus_alloc(env, 100);

	zus_page_free(env, p, 0);
}

static void give_back_twice(const struct zus_env *env)
{
	void *p = zus_alloc(env, 100);

	zus_free(env, p);
	zus_free(env, p);
}

/* It does so in a child, which says nothing. */
static void assert_aborts(void (*fn)(const struct zus_env *env))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		fn(fake_sb(fx.f)->env);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void store_outside_of_t1(const struct zus_env *env)
{
	char text[8];

	zus_store(env, text, "abc", 3);
}

static void store8_beyond_t1(const struct zus_env *env)
{
	const struct zus_md *md = fake_md(fx.f);

	zus_store8(env, md->t1 + (md->t1_blocks << ZUS_BLOCK_SHIFT), 1);
}

static void store8_to_an_odd_address(const struct zus_env *env)
{
	zus_store8(env, fake_md(fx.f)->t1 + 4096 + 4, 1);
}

static void stores_that_cannot_be_are_told(void **state)
{
	(void)state;
	assert_aborts(store_outside_of_t1);
	assert_aborts(store8_beyond_t1);
	assert_aborts(store8_to_an_odd_address);
}

static void what_was_not_taken_cannot_be_given_back(void **state)
{
	(void)state;
	assert_aborts(give_back_what_is_none);
	assert_aborts(give_back_twice);
}

static void size_that_the_kernel_moves_is_counted(void **state)
{
	(void)state;
	assert_int_equal(fake_write(fx.t, fx.f0, "data", 4, 0), 4);
	assert_int_equal(fake_sizes_raised(fx.f), 1);
	assert_int_equal(fake_write(fx.t, fx.f0, "data", 4, 0), 4);
	assert_int_equal(fake_sizes_raised(fx.f), 1);
}

static void seek_is_the_plugins_answer(void **state)
{
	uint64_t at = 100;

	(void)state;
	fx.f0.zi->i_size = htole64(105);
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_HOLE, &at), 0);
	assert_int_equal(at, 105);
	/* probefs says 5 more whatever it is asked: data does not lie at the end, nor behind it */
	at = 100;
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_DATA, &at), FAKE_BAD_ANSWER);
	at = 105;
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_HOLE, &at), FAKE_BAD_ANSWER);
	fx.p->result = -ENXIO;
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_HOLE, &at), -ENXIO);
	fx.p->result = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_counted),
		cmocka_unit_test(t1_without_a_table_is_all_the_plugins),
		T(crash_leaves_what_was_flushed_and_fenced),
		T(streamed_bytes_are_durable_alone),
		T(stores_are_done_and_counted_and_not_durable),
		T(stores_that_cannot_be_are_told),
		T(each_caller_has_a_number_of_its_own),
		T(randomness_comes_from_the_seed),
		T(clock_can_be_the_tests),
		T(background_threads_are_known_and_refused),
		T(memory_is_accounted_for),
		T(what_was_not_taken_cannot_be_given_back),
		T(size_that_the_kernel_moves_is_counted),
		T(seek_is_the_plugins_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
