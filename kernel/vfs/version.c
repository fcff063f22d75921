// SPDX-License-Identifier: GPL-2.0-only
/*
 * version.c - the change attribute of NFS (i_version), which must never decrease
 *
 * A client keeps its copy of a directory as long as the number is the one that it knows. Servers
 * store no such number, so it is derived from what they do store: it is the ctime in ns. If
 * several changes have the same time, a change counts only if somebody has looked at the number
 * since the change before (linux/iversion.h). Such a change moves ctime on by the smallest step
 * of the file system, so an inode that was evicted comes back with its number.
 *
 * Where that does not work (coarse times, a clock that was set back, a change that was refused)
 * the number runs ahead of ctime. Then the super-block remembers the highest such number that
 * has left the cache, and inodes that come in later start there.
 *
 * Called by attr.c and inode.c.
 */
#include "version.h"

#include <linux/fs.h>
#include <linux/iversion.h>

#include "sb.h"

/* A time is never moved by more than this. */
#define STEP_MAX_NS	1000

/* If the clock is behind by less, it was set back or shows only its ticks: time stands still. */
#define BEHIND_MAX_NS	NSEC_PER_SEC

static u64 version_of(struct timespec64 time)
{
	return max_t(s64, timespec64_to_ns(&time), 0);
}

void zuf_version_init(struct inode *inode)
{
	u64 floor = atomic64_read(&ZUF_SB(inode->i_sb)->version_floor);

	/* somebody who knows the number from before may have looked at this one */
	inode_set_iversion_queried(inode, max(version_of(inode_get_ctime(inode)), floor));
}

/* If somebody has looked at the number, add one to it and make it at least @version. */
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
