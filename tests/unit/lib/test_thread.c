// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads: name, CPU and result; a CPU or policy that is refused is an error of the creation.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <zus/thread.h>

struct seen {
	char name[16];
	int cpus;
	int cpu;
	sem_t go;
};

static int first_cpu(void)
{
	cpu_set_t set;
	int i;

	sched_getaffinity(0, sizeof(set), &set);
	for (i = 0; i < CPU_SETSIZE && !CPU_ISSET(i, &set); i++)
		;
	return i;
}

static void *look(void *arg)
{
	struct seen *s = arg;
	cpu_set_t set;

	sem_wait(&s->go);
	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	sched_getaffinity(0, sizeof(set), &set);
	s->cpus = CPU_COUNT(&set);
	s->cpu = zus_current_cpu();
	return s;
}

static void thread_has_its_name_and_cpu(void **state)
{
	int cpu = first_cpu();
	const struct zus_thread_attr attr = { .name = "a-name-too-long-to-show", .cpu = cpu };
	struct zus_thread *t;
	struct seen s = { .cpus = 0 };

	(void)state;
	sem_init(&s.go, 0, 0);
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), 0);
	assert_int_equal(zus_thread_pin(t, cpu), 0);
	assert_int_equal(zus_thread_pin(t, -1), -EINVAL);
	sem_post(&s.go);
	assert_ptr_equal(zus_thread_join(t), &s);
	assert_string_equal(s.name, "a-name-too-long");
	assert_int_equal(s.cpus, 1);
	assert_int_equal(s.cpu, cpu);
	sem_destroy(&s.go);
}

static void refused_attributes_fail_the_creation(void **state)
{
	struct zus_thread_attr attr = { .name = "x", .cpu = CPU_SETSIZE - 1 };
	struct zus_thread *t;
	struct seen s;

	(void)state;
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
	attr.cpu = CPU_SETSIZE;
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
	attr.cpu = -1;
	attr.policy = SCHED_FIFO;
	attr.priority = 1000;
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
}

static void outside_of_an_operation_nothing_is_pending(void **state)
{
	(void)state;
	assert_false(zus_signal_pending());
	assert_true(zus_current_cpu() >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_has_its_name_and_cpu),
		cmocka_unit_test(refused_attributes_fail_the_creation),
		cmocka_unit_test(outside_of_an_operation_nothing_is_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
