// SPDX-License-Identifier: BSD-2-Clause
/*
 * storm.c - actions of rules that store single words into the command buffer
 *
 * A scribbled buffer (havoc.c) is noticed at the first look. One word that changes between
 * two looks is not: "storm" stores to each word of a message in turn, for a time as long as
 * many messages take, while the kernel builds messages there and reads the answers, and so
 * at each instant of a message. The other words of the answers are good ones.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "spoil.h"

/* What a message and the head of one that rides along with it take. */
#define STORM_BYTES	352

/* As large as can be, a little too large for a buffer, aligned or not, small, negative. */
static const uint64_t values[] = {
	~0ULL, 0x8008, 0x7ffffffffffffff8, 0xfff1, 8, 0, 0x0000100000001000,
};
#define NR_VALUES	(sizeof(values) / sizeof(values[0]))

/* The words of the header; behind it all are of 8 bytes. */
static const struct {
	unsigned int at, size;
} header_words[] = {
	{ 0, 4 }, { 4, 2 }, { 6, 2 }, { 8, 2 }, { 10, 2 }, { 12, 2 }, { 14, 2 }, { 16, 4 },
	{ 20, 4 },
};
#define NR_HEADER_WORDS	(sizeof(header_words) / sizeof(header_words[0]))
#define NR_WORDS	(NR_HEADER_WORDS + (STORM_BYTES - sizeof(struct zufs_ioc_hdr)) / 8)

struct storm {
	void *cmd;
	long long ns;		/* for each value of each word */
	long first, last;	/* bytes: words that begin there */
};

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void store(void *at, unsigned int size, uint64_t value)
{
	if (size == 2)
		*(volatile uint16_t *)at = (uint16_t)value;
	else if (size == 4)
		*(volatile uint32_t *)at = (uint32_t)value;
	else
		*(volatile uint64_t *)at = value;
}

static void store_for(const struct storm *st, unsigned int at, unsigned int size, uint64_t value)
{
	long long end = now_ns() + st->ns;
	int i;

	do {
		for (i = 0; i < 2000; i++)
			store((char *)st->cmd + at, size, value);
	} while (now_ns() < end);
}

static void store_word(const struct storm *st, unsigned int at, unsigned int size)
{
	size_t v;

	if ((long)at < st->first || (long)at > st->last)
		return;
	for (v = 0; v < NR_VALUES; v++)
		store_for(st, at, size, values[v]);
}

static void *stormer(void *data)
{
	struct storm *st = data;
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++) {
		if (i < NR_HEADER_WORDS)
			store_word(st, header_words[i].at, header_words[i].size);
		else
			store_word(st, (unsigned int)sizeof(struct zufs_ioc_hdr) +
					       8 * (i - (unsigned int)NR_HEADER_WORDS), 8);
	}
	raw_lock();
	raw_stats.storms++;
	raw_unlock();
	free(st);
	return NULL;
}

/* On any CPU but that of the channel. */
static void start(struct storm *st, unsigned int chan_cpu)
{
	pthread_attr_t attr;
	pthread_t thread;
	unsigned int cpu;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu != chan_cpu)
			CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (pthread_create(&thread, &attr, stormer, st))
		free(st);
	else
		pthread_detach(thread);
	pthread_attr_destroy(&attr);
}

/* MS[,FIRST,LAST]: so long in all; only the words that begin at these bytes. */
void raw_do_storm(struct spoil *s)
{
	struct storm *st = calloc(1, sizeof(*st));
	const char *first = strchr(s->arg, ','), *last;

	if (!st || !s->zt) {
		free(st);
		return;
	}
	last = first ? strchr(first + 1, ',') : NULL;
	st->cmd = s->zt->cmd;
	st->first = first ? (long)raw_number(first + 1) : 0;
	st->last = last ? (long)raw_number(last + 1) : STORM_BYTES;
	st->ns = raw_number(s->arg) * 1000000LL / (long long)(NR_WORDS * NR_VALUES);
	if (first)
		st->ns = raw_number(s->arg) * 1000000LL / (long long)NR_VALUES;
	start(st, s->zt->cpu);
}

/* OFFSET,VALUE[,BYTES]: one word of the answer. */
void raw_do_poke(struct spoil *s)
{
	const char *value = strchr(s->arg, ','), *size;

	if (!value)
		return;
	size = strchr(value + 1, ',');
	store((char *)s->hdr + raw_number(s->arg), size ? (unsigned int)raw_number(size + 1) : 8,
	      (uint64_t)raw_number(value + 1));
}
