// SPDX-License-Identifier: BSD-2-Clause
/*
 * Numbers of threads: the smallest that is free, given back at the end of a thread, and a limit
 * that threads which serve channels do not count for. lib/number.c is built here, with a log of
 * the test's. That zus_thread_create gives numbers is seen in test_thread.c.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zus/env.h>

static jmp_buf aborted;
static _Noreturn void leave(void);

#define abort()	leave()
#include "../../../lib/number.c"
#undef abort

static unsigned int complaints;

static _Noreturn void leave(void)
{
	longjmp(aborted, 1);
}

void zus_log(const struct zus_env *env, int level, const char *fmt, ...)
{
	(void)env;
	(void)fmt;
	complaints += level == LOG_CRIT;
}

const struct zus_env *zus_env_default(void)
{
	return NULL;
}

static void the_smallest_free_number_is_taken(void **state)
{
	int n[130];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(n); i++) {
		n[i] = zus_thread_number_take();
		assert_int_equal(n[i], i);
	}
	zus_thread_number_give(70);
	zus_thread_number_give(5);
	assert_int_equal(zus_thread_number_take(), 5);
	assert_int_equal(zus_thread_number_take(), 70);
	assert_int_equal(zus_thread_number_take(), 130);
	for (i = 0; i <= ARRAY_LEN(n); i++)
		zus_thread_number_give((unsigned int)i);
	assert_int_equal(others, 0);
}

static void *ask(void *arg)
{
	unsigned int *number = arg;

	*number = zus_thread_number();
	return zus_thread_number() == *number ? arg : NULL;
}

static void number_of_a_thread_is_free_when_it_has_ended(void **state)
{
	unsigned int mine = zus_thread_number(), first, second;
	pthread_t tid;
	void *same;

	(void)state;
	assert_int_equal(mine, 0);
	assert_int_equal(pthread_create(&tid, NULL, ask, &first), 0);
	pthread_join(tid, &same);
	assert_non_null(same);
	assert_int_equal(first, 1);
	assert_int_equal(pthread_create(&tid, NULL, ask, &second), 0);
	pthread_join(tid, NULL);
	assert_int_equal(second, 1);
	assert_int_equal(zus_thread_number(), mine);
	assert_int_equal(others, 1);
}

static void who_acts_for_another_has_its_number(void **state)
{
	unsigned int mine = zus_thread_number();
	int other = zus_thread_number_take();

	(void)state;
	assert_int_equal(zus_thread_act_as(other), mine);
	assert_int_equal(zus_thread_number(), other);
	assert_int_equal(zus_thread_act_as(-1), other);
	assert_int_equal(zus_thread_number(), mine);
	assert_int_equal(zus_thread_act_as(other), mine);
	assert_int_equal(zus_thread_act_as((int)mine), other);
	assert_int_equal(zus_thread_number(), mine);
	zus_thread_number_give((unsigned int)other);
}

static void *ask_when_all_are_taken(void *arg)
{
	if (setjmp(aborted))
		return arg;
	zus_thread_number();
	return NULL;
}

static void others_are_limited_and_who_serves_is_none(void **state)
{
	static const char told[] = "told";
	pthread_t tid;
	void *ret;
	int n;

	(void)state;
	zus_thread_number();
	while (others < ZUS_THREADS_OTHER)
		assert_true(zus_thread_number_take() >= 0);
	assert_int_equal(zus_thread_number_take(), -EAGAIN);
	complaints = 0;
	assert_int_equal(pthread_create(&tid, NULL, ask_when_all_are_taken, (void *)told), 0);
	pthread_join(tid, &ret);
	assert_ptr_equal(ret, told);
	assert_int_equal(complaints, 1);
	/* a channel of this thread makes room for one; to say so again does not */
	zus_thread_number_serves();
	zus_thread_number_serves();
	n = zus_thread_number_take();
	assert_int_equal(n, ZUS_THREADS_OTHER);
	assert_int_equal(zus_thread_number_take(), -EAGAIN);
	/* and its end none for anybody else */
	zus_thread_number_give(zus_thread_number());
	assert_int_equal(zus_thread_number_take(), -EAGAIN);
	zus_thread_number_give((unsigned int)n);
	assert_int_equal(zus_thread_number_take(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_free_number_is_taken),
		cmocka_unit_test(number_of_a_thread_is_free_when_it_has_ended),
		cmocka_unit_test(who_acts_for_another_has_its_number),
		cmocka_unit_test(others_are_limited_and_who_serves_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
