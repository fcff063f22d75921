// SPDX-License-Identifier: GPL-2.0-only
/*
 * stays.c - limit how many operations of a CPU may keep a channel for the time of a disk
 *
 * A server without ZUFS_FSC_RETRY_MOVES keeps its thread while a list runs. An operation that could
 * be answered so (ZUF_OPF_STAYS) takes a place of its CPU before it claims a channel there. There
 * is one place less than there are channels for all operations, so lists never take the last one
 * from other mounts, whatever is answered. If there is just one such channel, it has a place.
 *
 * The place goes with the channel. It is given back by the task that ends the claim, by the ZT if
 * the application was killed, or by the task that finds the channel dead. A server that is slow
 * without a list has always been able to take all threads of a CPU. So a place whose message is
 * that old does not count: otherwise a message that hangs would stop its mount although there is a
 * thread left.
 */
#include "stays.h"

#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include "chan.h"
#include "peer.h"

/* Jiffies; a server that works does not need that many for what it does without a list. */
#define STAYS_SLOW (HZ / 10)

static int stays_max(const struct zuf_cpu *zc)
{
	return max(READ_ONCE(zc->normal_end), 2U) - 1;
}

/* Number of places that do not count, because their server is slow without a list. */
static int nr_slow(struct zuf_cpu *zc)
{
	struct zuf_chan *ch;
	int i, nr = 0;

	rcu_read_lock();
	for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
		ch = rcu_dereference(zc->chans[i]);
		nr += ch && READ_ONCE(ch->stays) && !READ_ONCE(ch->has_list) &&
		      time_after(jiffies, READ_ONCE(ch->stays_at) + STAYS_SLOW);
	}
	rcu_read_unlock();
	return nr;
}

bool zuf_stays_get(struct zuf_cpu *zc)
{
	int max = stays_max(zc), nr = atomic_read(&zc->stays);

	do {
		if (nr >= max && nr - nr_slow(zc) >= max)
			return false;
	} while (!atomic_try_cmpxchg(&zc->stays, &nr, nr + 1));
	return true;
}

void zuf_stays_put(struct zuf_cpu *zc)
{
	atomic_dec(&zc->stays);
	if (wq_has_sleeper(&zc->stays_wait))
		wake_up(&zc->stays_wait);
}

void zuf_stays_begin(struct zuf_chan *ch)
{
	WRITE_ONCE(ch->stays_at, jiffies);
	WRITE_ONCE(ch->stays, true);
}

void zuf_stays_list(struct zuf_chan *ch, bool runs)
{
	/* a message that is sent again counts as new */
	WRITE_ONCE(ch->stays_at, jiffies);
	smp_store_release(&ch->has_list, runs);
}

void zuf_stays_end_slow(struct zuf_chan *ch)
{
	if (xchg(&ch->stays, false))
		zuf_stays_put(ch->zc);
}
