// SPDX-License-Identifier: GPL-2.0-only
/*
 * advise.c - posix_fadvise and readahead of regular files
 *
 * Like the kernel's generic code, except that advice about data goes to the server: WILLNEED is
 * PRE_READ, DONTNEED is SYNC with ZUFS_SF_DONTNEED. Advice has no result: the server's answer
 * only decides whether to go on.
 */
#include <linux/backing-dev.h>
#include <linux/fadvise.h>
#include <linux/fs.h>

#include "advise.h"
#include "dispatch.h"
#include "inode.h"
#include "sb.h"
#include "settle.h"

/* Number of pages of one PRE_READ. */
#define ADVISE_CHUNK_PAGES ZUS_API_MAP_MAX_PAGES

static void set_random(struct file *file, bool random)
{
	spin_lock(&file->f_lock);
	if (random)
		file->f_mode |= FMODE_RANDOM;
	else
		file->f_mode &= ~FMODE_RANDOM;
	spin_unlock(&file->f_lock);
}

static int send_pre_read(struct inode *inode, pgoff_t start, u32 pages)
{
	loff_t pos = (loff_t)start << PAGE_SHIFT;
	struct zufs_ioc_IO io = {
		.hdr = ZUF_HDR(ZUFS_OP_PRE_READ, sizeof(io), 0, sizeof(io)),
		.filepos = pos,
		.last_pos = pos,
		.ra.start = start,
		.ra.prev_pos = pos - 1,
		.ra.ra_pages = pages,
	};
	struct zuf_op op = ZUF_OP(&io, .flags = ZUF_OPF_SHARED, .retry = zuf_retry_op,
				  ZUF_INODE(inode, struct zufs_ioc_IO, zus_ii));

	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

static int send_dontneed(struct inode *inode, loff_t offset, loff_t len)
{
	struct zufs_ioc_sync msg = {
		.hdr = ZUF_HDR(ZUFS_OP_SYNC, sizeof(msg), 0, 0),
		.offset = offset,
		.length = len,
		.flags = ZUFS_SF_DONTNEED,
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_SHARED,
				  ZUF_INODE(inode, struct zufs_ioc_sync, zus_ii));

	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

/* The range must not be empty and must lie in the file. */
static void advise_willneed(struct inode *inode, loff_t offset, loff_t end)
{
	pgoff_t page = offset >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	u32 pages;

	for (; page <= last; page += pages) {
		pages = min_t(pgoff_t, last - page + 1, ADVISE_CHUNK_PAGES);
		if (send_pre_read(inode, page, pages) || fatal_signal_pending(current))
			return;
	}
}

static void advise_data(struct inode *inode, loff_t offset, loff_t len, bool will_need)
{
	loff_t end;

	if (zuf_lock_shared_killable(inode))
		return;
	/* killed: nothing is advised, as the messages would not be sent either */
	end = zuf_settle(inode, ZUF_OPF_SHARED) ? 0 : i_size_read(inode);
	if (len && len < end - offset)
		end = offset + len;
	if (offset < end && will_need)
		advise_willneed(inode, offset, end);
	else if (offset < end)
		send_dontneed(inode, offset, end - offset);
	inode_unlock_shared(inode);
}

int zuf_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	struct inode *inode = file_inode(file);
	unsigned long ra_pages = inode_to_bdi(inode)->ra_pages;

	if (len < 0)
		return -EINVAL;
	switch (advice) {
	case POSIX_FADV_NORMAL:
		file->f_ra.ra_pages = ra_pages;
		set_random(file, false);
		return 0;
	case POSIX_FADV_SEQUENTIAL:
		file->f_ra.ra_pages = ra_pages * 2;
		set_random(file, false);
		return 0;
	case POSIX_FADV_RANDOM:
		set_random(file, true);
		return 0;
	case POSIX_FADV_WILLNEED:
	case POSIX_FADV_DONTNEED:
		/* nothing lies behind a negative offset */
		if (offset >= 0)
			advise_data(inode, offset, len, advice == POSIX_FADV_WILLNEED);
		return 0;
	case POSIX_FADV_NOREUSE:
		return 0;
	default:
		return -EINVAL;
	}
}
