// SPDX-License-Identifier: BSD-2-Clause
/*
 * Numbers of threads: small, different for all that are alive, below what a mount is told.
 *
 * Who needs one takes the smallest that is free. Threads of zus_thread_create have theirs from
 * their creation until they are joined, others from the first question until they end. What
 * keeps the numbers below num_threads is a count: threads that serve a channel are as many as
 * there are channels, all others are at most ZUS_THREADS_OTHER.
 *
 * The tables are under `lock`; what the calling thread has is its own.
 */
#define _GNU_SOURCE
#include <zus/thread.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zus/log.h>
#include "internal.h"

/* CPUs that a zufs_cpu_set has room for. */
#define CPUS_MAX	(sizeof(struct zufs_cpu_set) * 8)
#define NUMBERS		(CPUS_MAX * ZUFS_MAX_ZT_CHANNELS + ZUS_THREADS_OTHER)
#define WORDS		((NUMBERS + 63) / 64)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t used[WORDS];
static uint64_t serving[WORDS];		/* of those: they are not counted in `others` */
static unsigned int others;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;		/* gives the number of a thread back that is not ours */
static bool has_key;

/* Both are the number + 1, 0 = none. Plugins ask in each operation: see thread.c. */
#define HOT_TLS	static __thread __attribute__((tls_model("initial-exec")))

HOT_TLS unsigned int own;
HOT_TLS unsigned int current;		/* that of somebody for whom it acts, else its own */

static uint64_t bit_of(unsigned int number)
{
	return 1ULL << number % 64;
}

/* Under lock; ZUS_THREADS_OTHER keeps it from running out of words. */
static unsigned int smallest_free(void)
{
	unsigned int w = 0;

	while (!~used[w])
		w++;
	return w * 64 + (unsigned int)__builtin_ctzll(~used[w]);
}

int zus_thread_number_take(void)
{
	int number = -EAGAIN;

	pthread_mutex_lock(&lock);
	if (others < ZUS_THREADS_OTHER) {
		number = (int)smallest_free();
		used[number / 64] |= bit_of((unsigned int)number);
		others++;
	}
	pthread_mutex_unlock(&lock);
	return number;
}

void zus_thread_number_give(unsigned int number)
{
	pthread_mutex_lock(&lock);
	if (serving[number / 64] & bit_of(number))
		serving[number / 64] &= ~bit_of(number);
	else
		others--;
	used[number / 64] &= ~bit_of(number);
	pthread_mutex_unlock(&lock);
}

void zus_thread_number_set_own(unsigned int number)
{
	own = number + 1;
}

void zus_thread_number_serves(void)
{
	unsigned int number = zus_thread_number();

	pthread_mutex_lock(&lock);
	if (!(serving[number / 64] & bit_of(number)))
		others--;
	serving[number / 64] |= bit_of(number);
	pthread_mutex_unlock(&lock);
}

/* ---- threads that zus_thread_create has not made ---- */

static void end_of_stranger(void *value)
{
	zus_thread_number_give((unsigned int)(uintptr_t)value - 1);
	own = 0;
	current = 0;
}

static void make_key(void)
{
	has_key = !pthread_key_create(&key, end_of_stranger);
}

static void number_stranger(void)
{
	int number = zus_thread_number_take();

	if (number < 0) {
		zus_log(zus_env_default(), LOG_CRIT, "more than %d threads besides the channels'",
			ZUS_THREADS_OTHER);
		abort();		/* any number would be somebody else's */
	}
	own = (unsigned int)number + 1;
	pthread_once(&key_once, make_key);
	if (has_key)
		pthread_setspecific(key, (void *)(uintptr_t)own);
}

unsigned int zus_thread_number(void)
{
	if (__builtin_expect(!current, 0)) {
		if (!own)
			number_stranger();
		current = own;
	}
	return current - 1;
}

int zus_thread_act_as(int number)
{
	int before = (int)current - 1;

	current = (unsigned int)(number + 1);
	return before;
}
