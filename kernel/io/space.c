// SPDX-License-Identifier: GPL-2.0-only
/*
 * space.c - size, allocation and holes of a file: truncate, fallocate, lseek
 *
 * All changes go through FALLOCATE, with the inode lock and the invalidate lock held exclusively
 * and every put of the inode executed before. The server decides about blocks and reports the
 * new size in the shared inode; limits and alignment are checked here. Timestamps are set before
 * the request and restored if the server refuses. As on a disk file system only a fatal signal
 * interrupts the request: with a timer that fires faster than blocks are allocated it would
 * start over for ever.
 */
#include <linux/falloc.h>
#include <linux/pagemap.h>

#include "attr.h"
#include "dispatch.h"
#include "inode.h"
#include "mapped.h"
#include "mend.h"
#include "sb.h"
#include "settle.h"
#include "space.h"
#include "sync.h"

#define SPACE_MODES (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_NO_HIDE_STALE | \
		     FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE | \
		     FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

/* These modes move the blocks behind the range. */
#define SPACE_SHIFTS (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)

static int send_fallocate(struct inode *inode, u64 mode, u64 start, u64 end)
{
	struct zufs_ioc_IO io = {
		.hdr = ZUF_HDR(ZUFS_OP_FALLOCATE, sizeof(io), 0, sizeof(io)),
		.filepos = start,
		.rw = mode,
		.last_pos = end,
	};
	struct zuf_op op = ZUF_OP(&io, .flush = zuf_inode_tag(inode),
				  .flags = ZUF_OPF_KILLABLE, .retry = zuf_retry_op,
				  ZUF_INODE(inode, struct zufs_ioc_IO, zus_ii));

	zuf_assert_exclusive(inode);
	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

/* ---- truncate ---- */

/* As zuf_mapped_break(); waits only if the server does not keep held blocks back (held.h). */
static int break_range(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags)
{
	return zuf_mapped_break(inode, first, nr, flags | ZUF_DROP_HOLD);
}

/*
 * Nobody may keep a mapping of the pages behind the new end, or of the block that the new end is
 * in: the server may clear the block's tail by moving it. Private copies of that page stay.
 */
static int break_tail(struct inode *inode, loff_t size)
{
	int ret = 0;

	if (offset_in_page(size))
		ret = break_range(inode, size >> PAGE_SHIFT, 1, 0);
	return ret ?: break_range(inode, DIV_ROUND_UP_ULL(size, PAGE_SIZE), 0, ZUF_DROP_COWS);
}

/* The server has cut the tail off: stores to it are no longer due for SYNC. */
static void forget_tail(struct inode *inode, loff_t size)
{
	zuf_mapped_drop(inode, DIV_ROUND_UP_ULL(size, PAGE_SIZE), 0,
			ZUF_DROP_FORGET | ZUF_DROP_HOLD);
}

int zuf_truncate(struct inode *inode, loff_t size)
{
	struct address_space *mapping = inode->i_mapping;
	struct zuf_touch touch;
	loff_t old_size;
	int err;

	lockdep_assert_held_write(&inode->i_rwsem);
	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	old_size = i_size_read(inode);
	err = inode_newsize_ok(inode, size);
	if (err)
		return err;
	err = zuf_inode_refresh_blocks(inode);
	if (err)
		return err;
	if (!size && !old_size && !inode->i_blocks)
		return 0;

	err = zuf_lock_mapping_killable(mapping);
	if (err)
		return err;
	do {
		err = break_tail(inode, min(size, old_size));
	} while (err == ZUF_BREAK_AGAIN);
	if (err == ZUF_BREAK_LOST)
		return -EINTR;
	if (err)
		goto out;
	zuf_touch_start(&touch, inode, size == old_size ? 0 : STATX_MTIME | STATX_CTIME);
	err = send_fallocate(inode, ZUFS_FL_TRUNCATE, size, ~0ULL);
	zuf_touch_end(&touch, err);
	if (!err)
		forget_tail(inode, min(size, old_size));
	/* the server has cut off all blocks behind the end, also those that the user asked for */
	if (!err && size <= old_size)
		ZUF_I(inode)->tail_known = true;
out:
	filemap_invalidate_unlock(mapping);
	return err;
}

/* ---- fallocate ---- */

/* COLLAPSE and INSERT need whole blocks in front of the end of the file. */
static int check_shift(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	loff_t size = i_size_read(inode);

	if (!IS_ALIGNED(offset | len, i_blocksize(inode)))
		return -EINVAL;
	if (mode & FALLOC_FL_COLLAPSE_RANGE)
		return len < size && offset < size - len ? 0 : -EINVAL;
	if (size > inode->i_sb->s_maxbytes - len)
		return -EFBIG;
	if (offset >= size)
		return -EINVAL;
	return inode_newsize_ok(inode, size + len);
}

/* The VFS has checked for flags that exclude each other, and s_maxbytes. */
static int check_fallocate(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	if (mode & ~SPACE_MODES)
		return -EOPNOTSUPP;
	if (IS_SWAPFILE(inode))
		return -ETXTBSY;
	if (mode & SPACE_SHIFTS)
		return check_shift(inode, mode, offset, len);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + len > i_size_read(inode))
		return inode_newsize_ok(inode, offset + len);
	return 0;
}

/*
 * Blocks of the range may come, go and move. A hole that gets a block counts, too, because
 * readers have the zero page mapped there. Private copies stay, except for those of a page that
 * is no longer the page that they were made of.
 */
static int break_fallocated(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	pgoff_t first = offset >> PAGE_SHIFT, end = DIV_ROUND_UP_ULL(offset + len, PAGE_SIZE);
	int ret;

	if (mode & SPACE_SHIFTS) {
		/* pages that get other numbers would stay due for SYNC under their old ones */
		ret = zuf_sync_range(inode, offset, LLONG_MAX, true);
		/*
		 * blocks stay in the file, and CLONE finds held ones by page number: wait for
		 * pins
		 */
		return ret ?: zuf_mapped_break(inode, offset >> PAGE_SHIFT, 0, ZUF_DROP_COWS);
	}
	if (!(mode & ~FALLOC_FL_KEEP_SIZE)) {
		/* holes get blocks, but present blocks stay, also for whoever has them pinned */
		zuf_mapped_drop(inode, first, end - first, 0);
		return 0;
	}
	return break_range(inode, first, end - first, 0);
}

/* The server has done it: stores to blocks that are gone are no longer due for SYNC. */
static void forget_fallocated(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	pgoff_t first = DIV_ROUND_UP_ULL(offset, PAGE_SIZE);
	pgoff_t end = (offset + len) >> PAGE_SHIFT;

	if (mode & SPACE_SHIFTS)
		forget_tail(inode, offset);
	else if ((mode & FALLOC_FL_PUNCH_HOLE) && first < end)
		zuf_mapped_drop(inode, first, end - first, ZUF_DROP_FORGET | ZUF_DROP_HOLD);
}

static int do_fallocate(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	struct zuf_touch touch;
	int err = zuf_lock_mapping_killable(inode->i_mapping);

	lockdep_assert_held_write(&inode->i_rwsem);
	if (err)
		return err;
	/* whether the request succeeds or not */
	if ((mode & FALLOC_FL_KEEP_SIZE) && !(mode & FALLOC_FL_PUNCH_HOLE) &&
	    offset + len > i_size_read(inode))
		ZUF_I(inode)->tail_known = false;
	do {
		err = break_fallocated(inode, mode, offset, len);
	} while (err == ZUF_BREAK_AGAIN);
	if (err == ZUF_BREAK_LOST)
		return -EINTR;
	if (err)
		goto out;
	zuf_touch_start(&touch, inode, STATX_MTIME | STATX_CTIME);
	err = send_fallocate(inode, (u32)mode, offset, offset + len);
	zuf_touch_end(&touch, err);
	if (!err)
		forget_fallocated(inode, mode, offset, len);
out:
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

long zuf_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	int err = zuf_lock_killable(inode);

	if (err)
		return err;
	err = zuf_settle_change(inode, 0);
	if (!err)
		err = check_fallocate(inode, mode, offset, len);
	if (!err)
		err = file_remove_privs(file);
	if (!err)
		err = do_fallocate(inode, mode, offset, len);
	inode_unlock(inode);
	return err;
}

int zuf_space_give_back(struct inode *inode, u64 start, u64 end)
{
	int err;

	/* this task may hold the lock itself: file_modified() of a remap ends in setattr */
	if (!down_write_trylock(&inode->i_mapping->invalidate_lock))
		return 1;
	do {
		err = break_tail(inode, start);
	} while (err == ZUF_BREAK_AGAIN);
	if (err == ZUF_BREAK_LOST)
		return -EINTR;
	if (!err)
		err = send_fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start,
				     end);
	if (!err)
		forget_tail(inode, start);
	zuf_inode_refresh_blocks(inode);
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

/* ---- lseek ---- */

int zuf_seek(struct inode *inode, int whence, loff_t *offset)
{
	struct zufs_ioc_seek msg = {
		.hdr = ZUF_HDR(ZUFS_OP_LLSEEK, sizeof(msg), 0, sizeof(msg)),
		.offset_in = *offset,
		.whence = whence,
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_SHARED,
				  ZUF_INODE(inode, struct zufs_ioc_seek, zus_ii),
				  ZUF_OUT(struct zufs_ioc_seek, offset_out, sizeof(msg)));
	loff_t size = i_size_read(inode);
	int err;

	lockdep_assert_held(&inode->i_rwsem);
	if (*offset < 0 || *offset >= size)
		return -ENXIO;
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	if (err == -EOPNOTSUPP) {
		/* the file system knows no holes */
		if (whence == SEEK_HOLE)
			*offset = size;
		return 0;
	}
	if (err)
		return err;
	/* only SEEK_HOLE may find the end of the file */
	if (msg.offset_out < *offset || msg.offset_out > size - (whence == SEEK_DATA))
		return -EIO;
	*offset = msg.offset_out;
	return 0;
}

loff_t zuf_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		zuf_settle_look(inode);
		return generic_file_llseek(file, offset, whence);
	}
	err = zuf_lock_shared_killable(inode);
	if (err)
		return err;
	err = zuf_settle(inode, ZUF_OPF_SHARED);
	if (!err)
		err = zuf_seek(inode, whence, &offset);
	inode_unlock_shared(inode);
	if (err)
		return err;
	return vfs_setpos(file, offset, inode->i_sb->s_maxbytes);
}
