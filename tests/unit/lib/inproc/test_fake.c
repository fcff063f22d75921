// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake is what other tests believe, so it has its own: what it counts, what a crash leaves,
 * what it says of an answer that the kernel would refuse.
 */
#define _GNU_SOURCE
#include "../dispatch_fixture.h"

#include <endian.h>
#include <unistd.h>
#include <zus/pmem.h>

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
		T(size_that_the_kernel_moves_is_counted),
		T(seek_is_the_plugins_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
