/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lists.h - how many lists of a mount are under way: its end waits for them
 */
#ifndef ZUF_LISTS_H
#define ZUF_LISTS_H

#include <linux/atomic.h>
#include <linux/wait_bit.h>
#include "endpoint.h"

struct zuf_lists {
	struct zuf_endpoint *ep;	/* of the mount, which this lies in */
	atomic_t nr_running;		/* lists that have not ended */
};

/* A list begins; it holds the mount until it has ended. */
static inline void zuf_lists_begin(struct zuf_lists *lists)
{
	zuf_endpoint_get(lists->ep);
	atomic_inc(&lists->nr_running);
}

/* The devices have done with it; the reference is still the caller's. */
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
