/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stays.h - places of a CPU for those who may keep a channel for the time of a disk
 */
#ifndef ZUF_STAYS_H
#define ZUF_STAYS_H

#include "chan.h"

/**
 * zuf_stays_get() - take a place, for a channel of this CPU
 * Return: false: there is none; zc->stays_wait tells, but not of places that get old.
 */
bool zuf_stays_get(struct zuf_cpu *zc);
void zuf_stays_put(struct zuf_cpu *zc);

/* A place that was taken goes with the channel from here on. */
void zuf_stays_begin(struct zuf_chan *ch);
/* A list begins, has ended, for which the channel is kept. */
void zuf_stays_list(struct zuf_chan *ch, bool runs);

void zuf_stays_end_slow(struct zuf_chan *ch);

/* The channel is not what it was claimed for any more, whoever finds out. */
static inline void zuf_stays_end(struct zuf_chan *ch)
{
	if (unlikely(READ_ONCE(ch->stays)))
		zuf_stays_end_slow(ch);
}

#endif
