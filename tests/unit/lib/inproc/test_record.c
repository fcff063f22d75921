// SPDX-License-Identifier: BSD-2-Clause
/*
 * The record of stores: what the fake logs of the plugin's stores, of the kernel's and of the
 * devices', in which order, and that the log alone gives T1 as it is.
 */
#define _GNU_SOURCE
#include "../dispatch_fixture.h"

#include <endian.h>
#include <pthread.h>
#include <zus/iomap.h>
#include <zus/pmem.h>

#define AT	(200ULL << ZUS_BLOCK_SHIFT)	/* blocks that probefs does not use */

static const struct zus_env *env(void)
{
	return fake_sb(fx.f)->env;
}

static uint8_t *at(uint64_t offset)
{
	return fake_md(fx.f)->t1 + offset;
}

static struct fake_event event(uint64_t index)
{
	struct fake_event e;

	assert_true(fake_record_get(fx.f, index, &e));
	return e;
}

/* data NULL: it has none. */
static void assert_event(uint64_t index, enum fake_event_kind kind, uint64_t offset,
			 uint64_t bytes, const void *data)
{
	struct fake_event e = event(index);

	assert_int_equal(e.kind, kind);
	assert_int_equal(e.offset, offset);
	assert_int_equal(e.bytes, bytes);
	if (data)
		assert_memory_equal(e.data, data, bytes);
	else
		assert_null(e.data);
}

static void each_store_is_an_event(void **state)
{
	const uint64_t v = 0x0807060504030201ULL;
	struct fake_event e;

	(void)state;
	zus_store8(env(), at(AT), 7);
	fake_record_start(fx.f);
	assert_int_equal(fake_record_count(fx.f), 0);
	assert_false(fake_record_get(fx.f, 0, &e));
	zus_store(env(), at(AT + 3), "abc", 3);
	zus_store8(env(), at(AT + 8), v);
	zus_flush(env(), at(AT + 70), 5);
	zus_flush(env(), at(AT), 0);
	zus_copy_nt(env(), at(AT + 1), "streamed", 9);
	zus_zero_nt(env(), at(AT + 20), 11);
	zus_fence(env());
	fake_record_stop(fx.f);
	zus_store8(env(), at(AT), 7);
	assert_int_equal(fake_record_count(fx.f), 7);
	assert_event(0, FAKE_EV_STORE, AT + 3, 3, "abc");
	assert_event(1, FAKE_EV_STORE8, AT + 8, 8, &v);
	assert_event(2, FAKE_EV_FLUSH, AT + 70, 5, NULL);
	assert_event(3, FAKE_EV_FLUSH, AT, 0, NULL);
	assert_event(4, FAKE_EV_COPY_NT, AT + 1, 9, "streamed");
	assert_event(5, FAKE_EV_ZERO_NT, AT + 20, 11, NULL);
	assert_event(6, FAKE_EV_FENCE, 0, 0, NULL);
	assert_false(fake_record_get(fx.f, 7, &e));
	assert_int_equal(event(0).thread, zus_thread_number());
	assert_int_equal((uintptr_t)event(0).data & 7, 0);
	/* a new record begins with nothing */
	fake_record_start(fx.f);
	assert_int_equal(fake_record_count(fx.f), 0);
	zus_fence(env());
	assert_event(0, FAKE_EV_FENCE, 0, 0, NULL);
}

/* Applies all events that store to T1. */
static void replay(uint8_t *image)
{
	uint64_t i, n = fake_record_count(fx.f);

	for (i = 0; i < n; i++) {
		struct fake_event e = event(i);

		if (e.kind == FAKE_EV_ZERO_NT)
			memset(image + e.offset, 0, e.bytes);
		else if (e.data && e.kind < FAKE_EV_T2_WRITE)
			memcpy(image + e.offset, e.data, e.bytes);
	}
}

static void *store_often(void *arg)
{
	unsigned int *seed = arg;
	uint64_t v, offset;

	for (int i = 0; i < 3000; i++) {
		v = (uint64_t)rand_r(seed) << 32 | (uint64_t)rand_r(seed);
		offset = AT + v % 4096;
		if (v >> 40 & 1)
			zus_store(env(), at(offset), &v, v % 8);
		else if (v >> 41 & 1)
			zus_copy_nt(env(), at(offset), &v, v % 8);
		else
			zus_store8(env(), at(offset & ~7ULL), v);
	}
	return NULL;
}

static void the_log_gives_t1_whoever_stores(void **state)
{
	const size_t bytes = fake_md(fx.f)->t1_blocks << ZUS_BLOCK_SHIFT;
	uint8_t *image = malloc(bytes);
	unsigned int seeds[3] = { 1, 2, 3 };
	pthread_t t[3];
	uint32_t numbers = 0;
	size_t i;

	(void)state;
	assert_non_null(image);
	memcpy(image, fake_md(fx.f)->t1, bytes);
	fake_record_start(fx.f);
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, store_often, &seeds[i]), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(fake_record_count(fx.f), 9000);
	replay(image);
	assert_memory_equal(image, fake_md(fx.f)->t1, bytes);
	for (i = 0; i < 9000; i++)
		numbers |= 1U << event(i).thread;
	assert_true(__builtin_popcount(numbers) >= 1);
	assert_int_equal(numbers & 1U << zus_thread_number(), 0);
	free(image);
}

static void data_stays_whatever_comes_later(void **state)
{
	static uint8_t big[3 << 20];
	struct fake_event first;
	size_t i, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		fake_record_start(fx.f);
		zus_store(env(), at(AT), "first", 5);
		first = event(0);
		for (i = 0; i < 700; i++) {
			memset(big, (int)i, 5000);
			zus_store(env(), at(AT), big, 5000);
		}
		memset(big, 0x77, sizeof(big));
		zus_copy_nt(env(), at(AT), big, sizeof(big));
		zus_store(env(), at(AT), "last", 4);
		assert_memory_equal(first.data, "first", 5);
		for (i = 0; i < 700; i++) {
			memset(big, (int)i, 5000);
			assert_event(1 + i, FAKE_EV_STORE, AT, 5000, big);
		}
		memset(big, 0x77, sizeof(big));
		assert_event(701, FAKE_EV_COPY_NT, AT, sizeof(big), big);
		assert_event(702, FAKE_EV_STORE, AT, 4, "last");
	}
}

static void copy_of_the_kernel_is_the_callers(void **state)
{
	const uint64_t block = probe_block(1, 0) << ZUS_BLOCK_SHIFT;
	uint8_t *staged = at(AT);

	(void)state;
	memset(staged, 0, 64);
	assert_int_equal(fake_persist_watch(fx.f), 0);
	staged[0] = 1;
	zus_flush(env(), staged, 1);
	/* what the plugin has flushed before is not in the kernel's way */
	zus_flush(env(), at(block), 64);
	fake_record_start(fx.f);
	assert_int_equal(fake_write(fx.t, fx.f0, "text", 4, 10), 4);
	assert_int_equal(fake_record_count(fx.f), 2);
	assert_event(0, FAKE_EV_KERNEL_COPY, block + 10, 4, "text");
	assert_event(1, FAKE_EV_KERNEL_FENCE, 0, 0, NULL);
	assert_int_equal(event(0).thread, fake_thread_number(fx.t));
	assert_int_equal(event(1).thread, fake_thread_number(fx.t));
	/* it is durable now, what the plugin has staged is not */
	assert_true(fake_is_durable(fx.f, at(block + 10), 4));
	assert_false(fake_is_durable(fx.f, staged, 1));
	zus_fence(env());
	assert_true(fake_is_durable(fx.f, at(block + 10), 4));
	assert_true(fake_is_durable(fx.f, staged, 1));
	/* a read stores nothing there */
	fake_record_start(fx.f);
	assert_int_equal(fake_read(fx.t, fx.f0, staged, 4, 10), 4);
	assert_int_equal(fake_record_count(fx.f), 0);
}

static void list_done(struct zus_sb *sb, void *arg, int err)
{
	(void)sb;
	(void)arg;
	assert_int_equal(err, 0);
}

static void lists_are_events_of_the_devices(void **state)
{
	struct zus_sb *sb = fake_sb(fx.f);
	static const uint8_t zeros[4096];
	static uint8_t page[4096];
	struct zus_iomap iom;
	uint64_t words[16];

	(void)state;
	memset(page, 0x33, sizeof(page));
	memset(at(AT), 0x33, 4096);
	fake_record_start(fx.f);
	zus_iomap_init(&iom, words, ARRAY_LEN(words));
	assert_int_equal(zus_iomap_t2_write(&iom, 5, zus_t1_dpp(sb->md, at(AT)), 1), 0);
	assert_int_equal(zus_iomap_t2_read(&iom, 5, zus_t1_dpp(sb->md, at(AT + 4096)), 1), 0);
	assert_int_equal(zus_iomap_discard(&iom, 7, 2), 0);
	assert_int_equal(zus_iomap_exec(sb, &iom), 0);
	assert_int_equal(fake_record_count(fx.f), 3);
	assert_event(0, FAKE_EV_T2_WRITE, 5 * 4096, 4096, page);
	assert_event(1, FAKE_EV_T2_READ, AT + 4096, 4096, page);
	assert_event(2, FAKE_EV_T2_DISCARD, 7 * 4096, 2 * 4096, NULL);
	assert_memory_equal(at(AT + 4096), page, 4096);
	/* with flags there is a flush behind it */
	zus_iomap_init(&iom, words, ARRAY_LEN(words));
	assert_int_equal(zus_iomap_t2_read(&iom, 7, zus_t1_dpp(sb->md, at(AT + 4096)), 1), 0);
	zus_iomap_set_flags(&iom, ZUFS_IOM_EXEC_FLUSH);
	assert_int_equal(zus_iomap_exec(sb, &iom), 0);
	assert_event(3, FAKE_EV_T2_READ, AT + 4096, 4096, zeros);
	assert_event(4, FAKE_EV_T2_FLUSH, 0, 0, NULL);
	zus_iomap_set_flags(&iom, ZUFS_IOM_EXEC_FUA);
	assert_int_equal(zus_iomap_exec_async(sb, &iom, list_done, NULL), 0);
	zus_iomap_drain(sb);
	assert_event(5, FAKE_EV_T2_READ, AT + 4096, 4096, zeros);
	assert_event(6, FAKE_EV_T2_FLUSH, 0, 0, NULL);
	assert_int_equal(fake_record_count(fx.f), 7);
	/* and none behind one that has failed */
	fake_fail(fx.f, FAKE_DEVICE, 1);
	assert_int_equal(zus_iomap_exec(sb, &iom), -EIO);
	assert_int_equal(fake_record_count(fx.f), 7);
}

static void poisoned_bytes_cannot_be_loaded(void **state)
{
	uint8_t to[200];

	(void)state;
	memset(at(AT), 0x44, 300);
	fake_poison(fx.f, at(AT + 100), 2);
	assert_int_equal(zus_t1_load(env(), to, at(AT), 100), 0);
	assert_memory_equal(to, at(AT), 100);
	assert_int_equal(zus_t1_load(env(), to, at(AT), 101), -EIO);
	assert_int_equal(zus_t1_load(env(), to, at(AT + 101), 1), -EIO);
	assert_int_equal(zus_t1_load(env(), to, at(AT + 102), 50), 0);
	fake_poison(fx.f, at(AT + 100), 0);
	assert_int_equal(zus_t1_load(env(), to, at(AT), 200), 0);
	assert_memory_equal(to, at(AT), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_store_is_an_event),
		T(the_log_gives_t1_whoever_stores),
		T(data_stays_whatever_comes_later),
		TN(copy_of_the_kernel_is_the_callers),
		T(lists_are_events_of_the_devices),
		T(poisoned_bytes_cannot_be_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
