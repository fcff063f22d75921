// SPDX-License-Identifier: BSD-2-Clause
/*
 * The default environment: non-temporal copies of every alignment touch exactly their bytes,
 * memory is zeroed and aligned, options of the wrong size fail. That flushes and fences are
 * there is seen in test_pmem_cpu.c.
 */
#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <zus/mem.h>
#include <zus/pmem.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_touch_exactly_their_bytes),
		cmocka_unit_test(memory_is_zeroed_and_aligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
