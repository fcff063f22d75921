// SPDX-License-Identifier: GPL-2.0-only
/*
 * version.c - the change attribute of NFS (i_version), which must never go back
 *
 * A client keeps what it has of a directory as long as the number is the one that it
 * knows. Servers store no such number, so it is made of what they do store: it is the
 * ctime in ns. Of changes that no time tells apart only those count that somebody has
 * looked at in between (linux/iversion.h); these move ctime on by the least that the
 * file system can tell, so that an inode that was evicted comes back with its number.
 *
 * Where that does not work (coarse times, a clock that was set back, a change that was
 * refused) the number runs ahead of ctime. Then the super-block remembers the highest
 * one that has left the cache, and what comes in later begins there.
 *
 * Called by attr.c and inode.c.
 */
#include "version.h"

#include <linux/fs.h>
#include <linux/iversion.h>

#include "sb.h"

/* By more nobody moves a time. */
#define STEP_MAX_NS	1000

/* A clock that is behind by less was set, or shows no more than its ticks: time stands still. */
#define BEHIND_MAX_NS	NSEC_PER_SEC

static u64 version_of(struct timespec64 time)
{
	return max_t(s64, timespec64_to_ns(&time), 0);
}

void zuf_version_init(struct inode *inode)
{
	u64 floor = atomic64_read(&ZUF_SB(inode->i_sb)->version_floor);

	/* who knows it from before may have looked at this one */
	inode_set_iversion_queried(inode, max(version_of(inode_get_ctime(inode)), floor));
}

/* One more, and at least @version, if somebody has looked at it. */
static void count_change(struct inode *inode, u64 version)
{
	u64 old = inode_peek_iversion_raw(inode), new;

	do {
		if (!(old & I_VERSION_QUERIED))
			return;
		new = max((old >> I_VERSION_QUERIED_SHIFT) + 1, version);
	} while (!atomic64_try_cmpxchg(&inode->i_version, (s64 *)&old,
				       new << I_VERSION_QUERIED_SHIFT));
}

struct timespec64 zuf_version_change(struct inode *inode, struct timespec64 old,
				     struct timespec64 now)
{
	s64 behind = timespec64_to_ns(&old) - timespec64_to_ns(&now);
	u32 step = inode->i_sb->s_time_gran;

	if (behind >= 0 && behind < BEHIND_MAX_NS) {
		now = old;
		if (step <= STEP_MAX_NS && inode_iversion_need_inc(inode))
			timespec64_add_ns(&now, step);
	}
	count_change(inode, version_of(now));
	return now;
}

void zuf_version_leave(struct inode *inode)
{
	u64 version = inode_peek_iversion_raw(inode) >> I_VERSION_QUERIED_SHIFT;
	atomic64_t *floor = &ZUF_SB(inode->i_sb)->version_floor;
	s64 old = atomic64_read(floor);

	if (likely(version <= version_of(inode_get_ctime(inode))))
		return;
	while (old < (s64)version && !atomic64_try_cmpxchg(floor, &old, version))
		;
}
