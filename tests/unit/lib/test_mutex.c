// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mutexes keep others out, and who holds one has the priority of who waits: the kernel shows it.
 * Nice values are enough to see it, so this needs no rights.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zus/mutex.h>

#define ROUNDS	20000

static struct zus_mutex mutex;
static unsigned long counter;

static void *count(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		zus_mutex_lock(&mutex);
		counter++;
		zus_mutex_unlock(&mutex);
	}
	return arg;
}

static void one_at_a_time_has_it(void **state)
{
	pthread_t t[3];
	size_t i;

	(void)state;
	assert_int_equal(zus_mutex_init(&mutex), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, count, NULL), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(counter, ROUNDS * ARRAY_LEN(t));
	zus_mutex_destroy(&mutex);
}

static void *try(void *arg)
{
	if (!zus_mutex_trylock(&mutex))
		return NULL;
	zus_mutex_unlock(&mutex);
	return arg;
}

static void *try_elsewhere(void)
{
	pthread_t t;
	void *ret;

	assert_int_equal(pthread_create(&t, NULL, try, &mutex), 0);
	pthread_join(t, &ret);
	return ret;
}

static void to_try_does_not_wait(void **state)
{
	(void)state;
	assert_int_equal(zus_mutex_init(&mutex), 0);
	assert_true(zus_mutex_trylock(&mutex));
	assert_null(try_elsewhere());
	zus_mutex_unlock(&mutex);
	assert_non_null(try_elsewhere());
	zus_mutex_destroy(&mutex);
}

/* The 18th word of the thread's stat: its priority as it is now; 20 + nice of ordinary ones. */
static int priority_now(void)
{
	char text[1024], *p;
	FILE *f = fopen("/proc/thread-self/stat", "re");
	size_t n;
	int i;

	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	p = strrchr(text, ')');
	for (i = 2; p && i < 18; i++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p) : 0;
}

static struct {
	sem_t has_it;
	int before, best, after;
} holder;

static void *hold(void *arg)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	setpriority(PRIO_PROCESS, 0, 19);
	zus_mutex_lock(&mutex);
	holder.before = holder.best = priority_now();
	sem_post(&holder.has_it);
	/* until somebody waits, whose priority it gets then; an alarm bounds it */
	while (holder.best >= holder.before) {
		nanosleep(&ms, NULL);
		holder.best = priority_now();
	}
	zus_mutex_unlock(&mutex);
	holder.after = priority_now();
	return arg;
}

static void holder_has_the_priority_of_who_waits(void **state)
{
	pthread_t t;

	(void)state;
	if (getpriority(PRIO_PROCESS, 0) >= 19)
		skip();			/* there is nothing that it could inherit */
	alarm(60);
	sem_init(&holder.has_it, 0, 0);
	assert_int_equal(zus_mutex_init(&mutex), 0);
	assert_int_equal(pthread_create(&t, NULL, hold, NULL), 0);
	while (sem_wait(&holder.has_it))
		;
	zus_mutex_lock(&mutex);
	zus_mutex_unlock(&mutex);
	pthread_join(t, NULL);
	alarm(0);
	assert_int_equal(holder.before, 39);
	assert_int_equal(holder.best, 20 + getpriority(PRIO_PROCESS, 0));
	assert_int_equal(holder.after, 39);
	zus_mutex_destroy(&mutex);
	sem_destroy(&holder.has_it);
}

static void unlock_of_a_strange_mutex_is_told(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(zus_mutex_init(&mutex), 0);
	zus_mutex_lock(&mutex);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* the child's thread is none that has it */
		signal(SIGABRT, SIG_DFL);
		zus_mutex_unlock(&mutex);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	zus_mutex_unlock(&mutex);
	zus_mutex_destroy(&mutex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time_has_it),
		cmocka_unit_test(to_try_does_not_wait),
		cmocka_unit_test(holder_has_the_priority_of_who_waits),
		cmocka_unit_test(unlock_of_a_strange_mutex_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
