// SPDX-License-Identifier: BSD-2-Clause
/*
 * Guarded loads: what is there is copied exactly, what is not there (the second page of a file
 * that has one) is -EIO of that load alone, in any thread, as often as one likes; all other
 * signals are as before.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zus/pmem.h>
#include <zus/server.h>

#ifdef __x86_64__

#define PAGE	4096
#define ROUNDS	2000

static uint8_t *t1;			/* two pages, of which one is there */
static unsigned int faults;		/* atomic */
static bool late_news_are_ours;		/* atomic */

static void handler(int sig, siginfo_t *info, void *context)
{
	siginfo_t late = *info;

	late.si_code = BUS_MCEERR_AO;
	if (zus_t1_load_failed(&late, context))
		__atomic_store_n(&late_news_are_ours, true, __ATOMIC_RELAXED);
	if (zus_t1_load_failed(info, context))
		__atomic_add_fetch(&faults, 1, __ATOMIC_RELAXED);
	else
		signal(sig, SIG_DFL);
}

/* In the test itself: cmocka has handlers of its own until it begins. */
static void guard(void)
{
	const struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	assert_int_equal(sigaction(SIGBUS, &sa, NULL), 0);
}

static int start(void **state)
{
	int fd = memfd_create("t1", 0), i;

	(void)state;
	if (fd < 0 || ftruncate(fd, PAGE))
		return -1;
	t1 = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (t1 == MAP_FAILED)
		return -1;
	for (i = 0; i < PAGE; i++)
		t1[i] = (uint8_t)(i * 7 + i / 256);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return munmap(t1, 2 * PAGE);
}

static void good_memory_is_copied_exactly(void **state)
{
	const struct zus_env *env = zus_env_default();
	uint8_t to[80], i, from, at, n;

	(void)state;
	guard();
	for (from = 0; from < 9; from++) {
		for (at = 0; at < 9; at++) {
			for (n = 0; n < 40; n++) {
				memset(to, 0xee, sizeof(to));
				assert_int_equal(zus_t1_load(env, to + at, t1 + from, n), 0);
				for (i = 0; i < sizeof(to); i++)
					assert_int_equal(to[i], i < at || i >= at + n ? 0xee :
							 t1[from + i - at]);
			}
		}
	}
	assert_int_equal(zus_t1_load(env, to, t1 + PAGE - 80, 80), 0);
	assert_memory_equal(to, t1 + PAGE - 80, 80);
	assert_int_equal(zus_t1_load(env, to, t1 + PAGE, 0), 0);
	assert_int_equal(faults, 0);
}

static void bad_memory_is_an_error_of_each_load(void **state)
{
	const struct zus_env *env = zus_env_default();
	unsigned int first = faults, loads = 0;
	static uint8_t to[2 * PAGE];
	sigset_t blocked;
	size_t from, n;

	(void)state;
	guard();
	for (from = PAGE - 17; from < PAGE + 17; from++) {
		for (n = from < PAGE ? PAGE + 1 - from : 1; n < 60; n++, loads++)
			assert_int_equal(zus_t1_load(env, to, t1 + from, n), -EIO);
		/* and then of none that is good */
		assert_int_equal(zus_t1_load(env, to, t1 + 100, 33), 0);
		assert_memory_equal(to, t1 + 100, 33);
	}
	assert_int_equal(zus_t1_load(env, to, t1, 2 * PAGE), -EIO);
	assert_memory_equal(to, t1, PAGE);
	/* one fault for each: the first one ends it */
	assert_int_equal(faults, first + loads + 1);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	assert_false(sigismember(&blocked, SIGBUS));
	assert_false(late_news_are_ours);
}

static void *load_often(void *arg)
{
	const struct zus_env *env = zus_env_default();
	uint64_t word;

	for (int i = 0; i < ROUNDS; i++) {
		if (zus_t1_load(env, &word, t1 + PAGE + i % PAGE, 1) != -EIO)
			return NULL;
		if (zus_t1_load(env, &word, t1 + 16, 8) || memcmp(&word, t1 + 16, 8))
			return NULL;
	}
	return arg;
}

static void threads_fail_on_their_own(void **state)
{
	unsigned int first = faults;
	pthread_t t[3];
	void *ok;
	size_t i;

	(void)state;
	guard();
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, load_often, t), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		pthread_join(t[i], &ok);
		assert_non_null(ok);
	}
	assert_int_equal(faults, first + ROUNDS * ARRAY_LEN(t));
}

static void store_behind_the_end(void)
{
	uint64_t word = 0;

	zus_t1_load(zus_env_default(), t1 + PAGE, &word, sizeof(word));
}

static void plain_load(void)
{
	if (*(volatile uint8_t *)(t1 + PAGE))
		_exit(1);
}

static void sent_by_somebody(void)
{
	raise(SIGBUS);
	raise(SIGBUS);
}

/* Ends by SIGBUS in a child. */
static void assert_not_guarded(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void nothing_else_is_guarded(void **state)
{
	(void)state;
	guard();
	assert_not_guarded(store_behind_the_end);
	assert_not_guarded(plain_load);
	assert_not_guarded(sent_by_somebody);
}

#endif /* __x86_64__ */

static int own_load(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	(void)env;
	(void)src;
	memset(dst, 'x', bytes);
	return -ENODATA;
}

static void environment_can_take_its_place(void **state)
{
	struct zus_env env = *zus_env_default();
	char to[5] = { 0 };

	(void)state;
	assert_null(env.load);
	env.load = own_load;
	assert_int_equal(zus_t1_load(&env, to, "text", 4), -ENODATA);
	assert_string_equal(to, "xxxx");
	env.size = offsetof(struct zus_env, load);
	assert_int_equal(zus_t1_load(&env, to, "text", 4), 0);
	assert_string_equal(to, "text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test_setup_teardown(good_memory_is_copied_exactly, start, stop),
		cmocka_unit_test_setup_teardown(bad_memory_is_an_error_of_each_load, start, stop),
		cmocka_unit_test_setup_teardown(threads_fail_on_their_own, start, stop),
		cmocka_unit_test_setup_teardown(nothing_else_is_guarded, start, stop),
#endif
		cmocka_unit_test(environment_can_take_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
