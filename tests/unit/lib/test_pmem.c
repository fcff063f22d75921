// SPDX-License-Identifier: BSD-2-Clause
/*
 * The default environment: non-temporal copies of every alignment touch exactly their bytes,
 * memory is zeroed and aligned, options of the wrong size fail; clocks, random bytes and threads
 * are there, also with an older table; stores are plain ones unless somebody watches. That flushes
 * and fences are there is seen in test_pmem_cpu.c.
 */
#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <zus/mem.h>
#include <zus/pmem.h>
#include <zus/random.h>
#include <zus/thread.h>
#include <zus/time.h>

static uint8_t dst[256], src[256];

static void check_copy(size_t d, size_t s, size_t n, int zero)
{
	const struct zus_env *env = zus_env_default();
	size_t i;

	memset(dst, 0xee, sizeof(dst));
	if (zero)
		zus_zero_nt(env, dst + d, n);
	else
		zus_copy_nt(env, dst + d, src + s, n);
	zus_fence(env);
	for (i = 0; i < sizeof(dst); i++) {
		int inside = i >= d && i < d + n;

		assert_int_equal(dst[i], !inside ? 0xee : zero ? 0 : src[s + i - d]);
	}
}

static void copies_touch_exactly_their_bytes(void **state)
{
	size_t d, s, n;

	(void)state;
	for (n = 0; n < sizeof(src); n++)
		src[n] = (uint8_t)(n * 7 + 1);
	for (d = 0; d < 9; d++) {
		for (s = 0; s < 9; s++) {
			for (n = 0; n < 80; n += 1 + n / 20) {
				check_copy(64 + d, s, n, 0);
				check_copy(64 + d, s, n, 1);
			}
		}
	}
}

/* An environment that watches, and what it has seen. */
static struct {
	const void *dst, *src;
	size_t bytes;
	uint64_t value;
	unsigned int stores, stores8;
} watched;

static void watch_store(const struct zus_env *env, void *to, const void *from, size_t bytes)
{
	(void)env;
	watched.dst = to;
	watched.src = from;
	watched.bytes = bytes;
	watched.stores++;
}

static void watch_store8(const struct zus_env *env, void *to, uint64_t value)
{
	(void)env;
	watched.dst = to;
	watched.value = value;
	watched.stores8++;
}

static void stores_are_plain_or_are_watched(void **state)
{
	struct zus_env env = *zus_env_default();
	_Alignas(8) uint8_t to[24] = { 0 };
	uint64_t v = 0x1122334455667788ULL;

	(void)state;
	assert_null(env.store);
	assert_null(env.store8);
	zus_store(&env, to + 1, "text", 4);
	zus_store8(&env, to + 8, v);
	assert_memory_equal(to, "\0text\0\0", 8);
	assert_memory_equal(to + 8, &v, 8);
	assert_int_equal(to[16], 0);
	env.store = watch_store;
	env.store8 = watch_store8;
	zus_store(&env, to, src, 3);
	zus_store8(&env, to + 8, 5);
	assert_int_equal(watched.stores, 1);
	assert_int_equal(watched.stores8, 1);
	assert_ptr_equal(watched.dst, to + 8);
	assert_ptr_equal(watched.src, src);
	assert_int_equal(watched.bytes, 3);
	assert_int_equal(watched.value, 5);
	assert_memory_equal(to + 8, &v, 8);
	/* what an older table has behind its end is none of its entries */
	env.size = offsetof(struct zus_env, store);
	zus_store(&env, to, "more", 4);
	zus_store8(&env, to + 8, 6);
	assert_memory_equal(to, "more", 4);
	assert_int_equal(to[8] + to[15], 6);
	assert_int_equal(watched.stores + watched.stores8, 2);
}

static void memory_is_zeroed_and_aligned(void **state)
{
	const struct zus_env *env = zus_env_default();
	uint8_t *p = zus_alloc(env, 100), *page;
	size_t i;

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p & 15, 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	zus_free(env, p);
	zus_free(env, NULL);
	page = zus_page_alloc(env, 2);
	assert_int_equal((uintptr_t)page & 4095, 0);
	memset(page, 1, 4 * 4096);
	zus_page_free(env, page, 2);
	assert_null(zus_alloc_array(env, SIZE_MAX / 2, 3));
	assert_null(zus_page_alloc(env, 60));
	/* lists are the daemon's */
	assert_int_equal(env->iomap_exec(env, NULL, NULL, 0), -EOPNOTSUPP);
	assert_true(env->now_ns(env) > 1500000000LL * 1000000000);
}

static void clocks_go_on(void **state)
{
	const struct zus_env *env = zus_env_default();
	struct zus_env old = *env;
	int64_t first = zus_monotonic_ns(env), then = zus_now_ns(env);
	struct timespec ts = { .tv_nsec = 2000000 };

	(void)state;
	nanosleep(&ts, NULL);
	assert_true(zus_monotonic_ns(env) - first >= 2000000);
	assert_true(zus_now_ns(env) - then >= 1000000);
	/* a provider that does not have the entry */
	old.size = offsetof(struct zus_env, random);
	assert_true(zus_monotonic_ns(&old) - first >= 2000000);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	assert_true(zus_monotonic_ns(env) / 1000000000 - ts.tv_sec <= 1);
}

static void random_bytes_fill_exactly_the_buffer(void **state)
{
	const struct zus_env *env = zus_env_default();
	struct zus_env old = *env;
	uint8_t a[1000], b[1000];
	size_t i, same = 0;

	(void)state;
	memset(a, 0xee, sizeof(a));
	assert_int_equal(zus_random(env, a, 0), 0);
	assert_int_equal(a[0], 0xee);
	assert_int_equal(zus_random(env, a, 600), 0);
	for (i = 600; i < sizeof(a); i++)
		assert_int_equal(a[i], 0xee);
	old.size = offsetof(struct zus_env, random);
	assert_int_equal(zus_random(&old, b, sizeof(b)), 0);
	/* getrandom(2) gives more than 256 bytes in pieces, if it likes */
	for (i = 0; i < 600; i++)
		same += a[i] == b[i];
	assert_true(same < 60);
	for (i = 500, same = 0; i < 600; i++)
		same += a[i] == 0xee;
	assert_true(same < 50);
}

static void *give_back(void *arg)
{
	return zus_thread_wait(-1) ? arg : NULL;
}

static void threads_are_started_with_and_without_the_entry(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	const struct zus_env *env = zus_env_default();
	struct zus_env old = *env;
	struct zus_thread *t;
	int x;

	(void)state;
	assert_int_equal(zus_env_thread_create(env, &t, &attr, give_back, &x), 0);
	zus_thread_wake(t);
	assert_ptr_equal(zus_env_thread_join(env, t), &x);
	old.size = offsetof(struct zus_env, random);
	assert_int_equal(zus_env_thread_create(&old, &t, &attr, give_back, &x), 0);
	zus_thread_wake(t);
	assert_ptr_equal(zus_env_thread_join(&old, t), &x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_touch_exactly_their_bytes),
		cmocka_unit_test(stores_are_plain_or_are_watched),
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(clocks_go_on),
		cmocka_unit_test(random_bytes_fill_exactly_the_buffer),
		cmocka_unit_test(threads_are_started_with_and_without_the_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
