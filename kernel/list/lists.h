/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lists.h - count the lists of a mount that are under way: the end of the mount waits for them
 */
#ifndef ZUF_LISTS_H
#define ZUF_LISTS_H

#include <linux/atomic.h>
#include <linux/wait_bit.h>
#include "endpoint.h"

struct zuf_lists {
	struct zuf_endpoint *ep;	/* of the mount that contains this struct */
	atomic_t nr_running;		/* lists that have not ended */
};

/* A list begins. It references the mount until zuf_lists_ended(). */
static inline void zuf_lists_begin(struct zuf_lists *lists)
{
	zuf_endpoint_get(lists->ep);
	atomic_inc(&lists->nr_running);
}

/* The devices have done with the list. The reference now belongs to the caller. */
static inline void zuf_lists_ended(struct zuf_lists *lists)
{
	if (atomic_dec_and_test(&lists->nr_running))
		wake_up_var(&lists->nr_running);
}

static inline bool zuf_lists_have_ended(const struct zuf_lists *lists)
{
	return !atomic_read(&lists->nr_running);
}

#endif
