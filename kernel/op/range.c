// SPDX-License-Identifier: GPL-2.0-only
/*
 * range.c - overlapping ranges of a file take turns, others go on side by side
 *
 * A single holder is named by zuf_ranges.only and nothing else. The second comer moves it into the
 * list, and all come and go through the list until it is empty again. Each range counts the earlier
 * ones that it conflicts with; a range that leaves, even if its task was killed while waiting,
 * decrements the counts of the later ones. So no range passes an earlier one in conflict, whether
 * that one is held or still waits, and no wake-up can get lost: 0 stays 0.
 *
 * Called by rw.c. A holder waits for the server, as with any VFS lock, but for no
 * other range and for no page of an application. Everything here but the wait itself is
 * executed in each possible order by tests/unit/kernel/test_range.c.
 */
#ifdef __KERNEL__
#include <linux/errno.h>

#include "range.h"
#include "wake.h"
#endif

void zuf_ranges_init(struct zuf_ranges *ranges)
{
	static struct lock_class_key key;

	ranges->only = NULL;
	spin_lock_init(&ranges->lock);
	INIT_LIST_HEAD(&ranges->list);
	lockdep_init_map(&ranges->dep_map, "zuf_range", &key, 0);
}

static bool in_conflict(const struct zuf_range *a, const struct zuf_range *b)
{
	return (a->write || b->write) && a->first <= b->last && b->first <= a->last;
}

/* From here on all other ranges come and go through the list, and so through our lock. */
static void list_the_only(struct zuf_ranges *ranges)
{
	struct zuf_range *seen = READ_ONCE(ranges->only), *was;

	for (; seen != ZUF_RANGES_LISTED; seen = was) {
		/* @seen is not read before the cmpxchg: it may be gone, or be another one by now */
		was = cmpxchg(&ranges->only, seen, ZUF_RANGES_LISTED);
		if (was != seen)
			continue;
		if (seen)
			list_add(&seen->link, &ranges->list);
		return;
	}
}

int zuf_range_lock_listed(struct zuf_ranges *ranges, struct zuf_range *me, bool nowait)
{
	struct zuf_range *other;
	int blockers = 0;

	spin_lock(&ranges->lock);
	list_the_only(ranges);
	list_for_each_entry(other, &ranges->list, link)
		blockers += in_conflict(other, me);
	/* if there are no blockers @me is added, so the list is never left empty */
	if (!blockers || !nowait) {
		atomic_set(&me->blockers, blockers);
		list_add_tail(&me->link, &ranges->list);
	}
	spin_unlock(&ranges->lock);
	if (!blockers)
		return 0;
	if (nowait)
		return -EAGAIN;
	if (!zuf_wait_var_killable(&me->blockers, !atomic_read_acquire(&me->blockers)))
		return 0;
	zuf_range_unlock_listed(ranges, me);
	return -EINTR;
}

void zuf_range_unlock_listed(struct zuf_ranges *ranges, struct zuf_range *me)
{
	struct zuf_range *later = me;

	spin_lock(&ranges->lock);
	/* a task that gets its turn here cannot leave before we have released the lock */
	list_for_each_entry_continue(later, &ranges->list, link)
		if (in_conflict(me, later) && atomic_dec_and_test(&later->blockers))
			wake_up_var(&later->blockers);
	list_del(&me->link);
	if (list_empty(&ranges->list))
		smp_store_release(&ranges->only, NULL);
	spin_unlock(&ranges->lock);
}
