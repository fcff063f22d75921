/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stays.h - limit how many operations of a CPU may keep a channel for the time of a disk
 */
#ifndef ZUF_STAYS_H
#define ZUF_STAYS_H

#include "chan.h"

/**
 * zuf_stays_get() - take a place, for a channel of this CPU
 * Return: false: there is none. zc->stays_wait is woken when one is given back, but not when one
 * ceases to count because it is old (stays.c).
 */
bool zuf_stays_get(struct zuf_cpu *zc);
void zuf_stays_put(struct zuf_cpu *zc);

/* The place that was taken belongs to the channel from here on. */
void zuf_stays_begin(struct zuf_chan *ch);
/* A list for which the channel is kept begins (@runs), or has ended. */
void zuf_stays_list(struct zuf_chan *ch, bool runs);

void zuf_stays_end_slow(struct zuf_chan *ch);

/* The operation that the place was taken for is over: give it back; anybody may find that out. */
static inline void zuf_stays_end(struct zuf_chan *ch)
{
	if (unlikely(READ_ONCE(ch->stays)))
		zuf_stays_end_slow(ch);
}

#endif
