// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lists of commands that a plugin runs outside of its operations, and the message that tells
 * of their end (see zus/iomap.h).
 *
 * A list that nobody waits for is a struct list, whose address is the cookie of IOM_DONE; from
 * a successful start on it belongs to that message. Each super-block counts its own lists;
 * who drains sleeps on one condition for all, which only the last list of a super-block
 * signals.
 */
#include <zus/iomap.h>

#include <errno.h>
#include <pthread.h>
#include "internal.h"

struct list {
	struct zus_sb *sb;
	zus_iomap_done_fn done;
	void *arg;
};

static pthread_mutex_t drain_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t drained = PTHREAD_COND_INITIALIZER;

int zus_iomap_exec(struct zus_sb *sb, const struct zus_iomap *iom)
{
	const struct zus_env *env = sb->env;

	if (!iom->flags)
		return env->iomap_exec(env, sb, iom->words, iom->n);
	if (!ZUS_ENV_HAS(env, iomap_exec_flags))
		return -EOPNOTSUPP;
	return env->iomap_exec_flags(env, sb, iom->words, iom->n, iom->flags);
}

/* The super-block may be gone as soon as its count is 0. */
static void list_end(struct list *l)
{
	struct zus_sb *sb = l->sb;

	sb->env->free(sb->env, l);
	if (__atomic_sub_fetch(&sb->nr_lists, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_lock(&drain_lock);
	pthread_cond_broadcast(&drained);
	pthread_mutex_unlock(&drain_lock);
}

int zus_iomap_exec_async(struct zus_sb *sb, const struct zus_iomap *iom,
			 zus_iomap_done_fn done, void *arg)
{
	const struct zus_env *env = sb->env;
	struct list *l;
	int err;

	if (!ZUS_ENV_HAS(env, iomap_exec_async))
		return -EOPNOTSUPP;
	l = env->alloc(env, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->sb = sb;
	l->done = done;
	l->arg = arg;
	__atomic_add_fetch(&sb->nr_lists, 1, __ATOMIC_RELAXED);
	err = env->iomap_exec_async(env, sb, iom->words, iom->n, iom->flags, zus_cookie(l));
	if (err)
		list_end(l);
	return err;
}

void zus_iomap_drain(struct zus_sb *sb)
{
	pthread_mutex_lock(&drain_lock);
	while (__atomic_load_n(&sb->nr_lists, __ATOMIC_ACQUIRE))
		pthread_cond_wait(&drained, &drain_lock);
	pthread_mutex_unlock(&drain_lock);
}

int zus_do_iom_done(struct zus_op *op)
{
	struct zufs_ioc_iomap_done *msg = (struct zufs_ioc_iomap_done *)op->hdr;
	struct list *l = (struct list *)(uintptr_t)msg->iomb;

	if (!l || zus_cookie(l->sb) != msg->zus_sbi)
		return -EINVAL;
	l->done(l->sb, l->arg, msg->hdr.err);
	list_end(l);
	return 0;
}
