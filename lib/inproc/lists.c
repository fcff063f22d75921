// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lists of commands that nobody waits for: a thread of the fake executes them one after the
 * other and tells of each with an IOM_DONE message, in a buffer of its own.
 *
 * The queue is under f->lists.lock. The thread is made at the first list and ends with the
 * fake.
 */
#include "inproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fake_list {
	struct fake_list *next;
	uint64_t sbi, cookie;
	uint32_t n, flags;
	uint64_t words[];
};

static void tell(const struct fake_list *list, int err)
{
	union {
		struct zufs_ioc_iomap_done msg;
		uint64_t room[32];
	} u;
	struct zus_cmd cmd = { .buf = &u, .size = sizeof(u) };

	memset(&u, 0, sizeof(u));
	u.msg.hdr.operation = ZUFS_OP_IOM_DONE;
	u.msg.hdr.in_len = sizeof(u.msg);
	u.msg.hdr.err = err;
	u.msg.zus_sbi = list->sbi;
	u.msg.iomb = list->cookie;
	zus_dispatch(&cmd);
	if (u.msg.hdr.err)
		abort();		/* the server does not know its own list */
}

/* The next list, waited for; NULL = the end. Under the lock. */
static struct fake_list *take(struct fake_lists *q)
{
	struct fake_list *list;

	while (!q->stop && (q->hold || !q->first))
		pthread_cond_wait(&q->event, &q->lock);
	list = q->first;
	if (list && !(q->first = list->next))
		q->last = NULL;
	return list;
}

static void *worker(void *arg)
{
	struct fake *f = arg;
	struct fake_lists *q = &f->lists;
	struct fake_list *list;

	pthread_mutex_lock(&q->lock);
	while ((list = take(q))) {
		pthread_mutex_unlock(&q->lock);
		tell(list, fake_iomap_run_flags(f, list->words, list->n, list->flags));
		free(list);
		pthread_mutex_lock(&q->lock);
		q->told++;
		pthread_cond_broadcast(&q->event);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Under the lock. */
static int enqueue(struct fake *f, struct fake_list *list)
{
	struct fake_lists *q = &f->lists;

	if (q->begun - q->told >= FAKE_LISTS_MAX)
		return -EAGAIN;
	if (!q->running && pthread_create(&q->thread, NULL, worker, f))
		return -ENOMEM;
	q->running = true;
	if (q->last)
		q->last->next = list;
	else
		q->first = list;
	q->last = list;
	q->begun++;
	pthread_cond_broadcast(&q->event);
	return 0;
}

int fake_list_start(struct fake *f, const struct zus_sb *sb, const uint64_t *words, uint32_t n,
		    uint32_t flags, uint64_t cookie)
{
	struct fake_list *list;
	int err = fake_iomap_check(f, words, n);

	if (err)
		return err;
	list = calloc(1, sizeof(*list) + n * sizeof(*words));
	if (!list)
		return -ENOMEM;
	list->sbi = (uint64_t)(uintptr_t)sb;
	list->cookie = cookie;
	list->n = n;
	list->flags = flags;
	memcpy(list->words, words, n * sizeof(*words));
	pthread_mutex_lock(&f->lists.lock);
	err = enqueue(f, list);
	pthread_mutex_unlock(&f->lists.lock);
	if (err)
		free(list);
	return err;
}

void fake_hold_lists(struct fake *f, bool hold)
{
	pthread_mutex_lock(&f->lists.lock);
	f->lists.hold = hold;
	pthread_cond_broadcast(&f->lists.event);
	pthread_mutex_unlock(&f->lists.lock);
}

/* Until all that have begun by now are told of: they end in their order. */
void fake_lists_drain(struct fake *f)
{
	struct fake_lists *q = &f->lists;
	uint64_t until;

	pthread_mutex_lock(&q->lock);
	until = q->begun;
	while (q->told < until)
		pthread_cond_wait(&q->event, &q->lock);
	pthread_mutex_unlock(&q->lock);
}

void fake_lists_finish(struct fake *f)
{
	bool hold = f->lists.hold;

	fake_hold_lists(f, false);
	fake_lists_drain(f);
	fake_hold_lists(f, hold);
}

void fake_lists_init(struct fake *f)
{
	pthread_mutex_init(&f->lists.lock, NULL);
	pthread_cond_init(&f->lists.event, NULL);
}

void fake_lists_fini(struct fake *f)
{
	struct fake_lists *q = &f->lists;

	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->event);
	pthread_mutex_unlock(&q->lock);
	if (q->running)
		pthread_join(q->thread, NULL);
	pthread_cond_destroy(&q->event);
	pthread_mutex_destroy(&q->lock);
}
