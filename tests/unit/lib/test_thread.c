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

/* ---- background threads ---- */

struct worker {
	sem_t rounds;			/* posted after each wait that does not stop it */
	int64_t timeout_ns;
	int cpus;
	bool asked;			/* what zus_thread_should_stop says at the end */
};

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	w->cpus = CPU_COUNT(&set);
	while (zus_thread_wait(w->timeout_ns))
		sem_post(&w->rounds);
	w->asked = zus_thread_should_stop();
	/* it stays so */
	w->asked &= !zus_thread_wait(-1);
	return w;
}

static struct zus_thread *start_worker(struct worker *w, int64_t timeout_ns, int cpu)
{
	const struct zus_thread_attr attr = { .name = "worker", .cpu = cpu };
	struct zus_thread *t;

	*w = (struct worker){ .timeout_ns = timeout_ns };
	sem_init(&w->rounds, 0, 0);
	assert_int_equal(zus_thread_create(&t, &attr, work, w), 0);
	return t;
}

static void end_worker(struct zus_thread *t, struct worker *w)
{
	zus_thread_stop(t);
	assert_ptr_equal(zus_thread_join(t), w);
	assert_true(w->asked);
	sem_destroy(&w->rounds);
}

static void waiting_thread_is_woken_and_stopped(void **state)
{
	struct worker w;
	struct zus_thread *t = start_worker(&w, -1, -1);
	int i, rounds;

	(void)state;
	for (i = 0; i < 100; i++) {
		zus_thread_wake(t);
		sem_wait(&w.rounds);
	}
	/* a wake is not lost, wherever the thread is */
	zus_thread_wake(t);
	end_worker(t, &w);
	t = start_worker(&w, -1, -1);
	zus_thread_stop(t);
	end_worker(t, &w);
	t = start_worker(&w, 3600LL * 1000000000, -1);
	zus_thread_wake(t);
	sem_wait(&w.rounds);
	sem_getvalue(&w.rounds, &rounds);
	assert_int_equal(rounds, 0);
	end_worker(t, &w);
}

static void wait_ends_with_its_time(void **state)
{
	struct worker w;
	struct zus_thread *t = start_worker(&w, 1000000, -1);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		sem_wait(&w.rounds);
	end_worker(t, &w);
}

static void thread_is_bound_to_a_node(void **state)
{
	const struct zus_thread_attr attr = { .cpu = ZUS_THREAD_NODE(1000) };
	struct worker w;
	struct zus_thread *t = start_worker(&w, -1, ZUS_THREAD_NODE(0));
	struct seen s;

	(void)state;
	end_worker(t, &w);
	assert_true(w.cpus >= 1);
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
}

static void foreign_threads_do_not_wait(void **state)
{
	(void)state;
	assert_false(zus_thread_should_stop());
	assert_false(zus_thread_wait(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_has_its_name_and_cpu),
		cmocka_unit_test(refused_attributes_fail_the_creation),
		cmocka_unit_test(outside_of_an_operation_nothing_is_pending),
		cmocka_unit_test(waiting_thread_is_woken_and_stopped),
		cmocka_unit_test(wait_ends_with_its_time),
		cmocka_unit_test(thread_is_bound_to_a_node),
		cmocka_unit_test(foreign_threads_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
