// SPDX-License-Identifier: GPL-2.0-only
/*
 * space.c - size, allocation and holes of a file: truncate, fallocate, lseek
 *
 * All changes go by FALLOCATE, with the inode lock and the invalidate lock held
 * exclusively and every put of the inode executed before. The server decides about
 * blocks and says the new size in the shared inode; limits and alignment are
 * checked here. Times are now when it is asked and come back when it refuses.
 */
#include <linux/falloc.h>
#include <linux/pagemap.h>

#include "dispatch.h"
#include "inode.h"
#include "mapped.h"
#include "space.h"
#include "super.h"
#include "sync.h"

#define SPACE_MODES (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_NO_HIDE_STALE | \
		     FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE | \
		     FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

/* These move what lies behind. */
#define SPACE_SHIFTS (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)

static int send_fallocate(struct inode *inode, u64 mode, u64 start, u64 end)
{
	struct zufs_ioc_IO io = {
		.hdr = ZUF_HDR(ZUFS_OP_FALLOCATE, sizeof(io), 0, sizeof(io)),
		.zus_ii = ZUF_I(inode)->zus_ii,
		.filepos = start,
		.rw = mode,
		.last_pos = end,
	};
	struct zuf_op op = ZUF_OP(&io, .goose = ZUF_I(inode)->put_tag,
				  .flags = ZUF_OPF_IOMAP, .inode = inode);

	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

/* ---- truncate ---- */

/* Takes pages out of the mappings; 1: had to wait, once more. */
static int break_range(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags)
{
	return zuf_mapped_break(inode, first, nr, flags, inode->i_mapping);
}

/*
 * Nobody may keep a mapping of what lies behind the new end, nor of the block that
 * the new end is in: the server may clear its tail by moving it. Private copies of
 * that page stay.
 */
static int break_tail(struct inode *inode, loff_t size)
{
	int ret = 0;

	if (offset_in_page(size))
		ret = break_range(inode, size >> PAGE_SHIFT, 1, 0);
	return ret ?: break_range(inode, DIV_ROUND_UP_ULL(size, PAGE_SIZE), 0,
				  ZUF_DROP_COWS | ZUF_DROP_FORGET);
}

int zuf_truncate(struct inode *inode, loff_t size)
{
	struct address_space *mapping = inode->i_mapping;
	loff_t old_size = i_size_read(inode);
	struct zuf_touch touch;
	int err;

	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	err = inode_newsize_ok(inode, size);
	if (err)
		return err;
	if (!size && !old_size && !inode->i_blocks)
		return 0;

	filemap_invalidate_lock(mapping);
	do {
		err = break_tail(inode, min(size, old_size));
	} while (err > 0);
	if (err)
		goto out;
	zuf_touch_start(&touch, inode, size == old_size ? 0 : STATX_MTIME | STATX_CTIME);
	err = send_fallocate(inode, ZUFS_FL_TRUNCATE, size, ~0ULL);
	zuf_touch_end(&touch, err);
out:
	filemap_invalidate_unlock(mapping);
	return err;
}

/* ---- fallocate ---- */

/* COLLAPSE and INSERT: whole blocks, in front of the end of the file. */
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

/* The VFS has looked at flags that exclude each other, and at s_maxbytes. */
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
 * Blocks of the range may come, go and move: also a hole that gets one, as readers
 * have the zero page there. Private copies stay, but for those of a page that is no
 * longer the one that they were made of.
 */
static int break_fallocated(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	pgoff_t first = offset >> PAGE_SHIFT, end = DIV_ROUND_UP_ULL(offset + len, PAGE_SIZE);
	pgoff_t whole = DIV_ROUND_UP_ULL(offset, PAGE_SIZE);
	pgoff_t whole_end = (offset + len) >> PAGE_SHIFT;
	int ret;

	if (mode & SPACE_SHIFTS) {
		/* pages that get other numbers would be due for SYNC by the old ones */
		ret = zuf_sync_range(inode, offset, LLONG_MAX, true);
		return ret ?: break_tail(inode, offset);
	}
	ret = break_range(inode, first, end - first, 0);
	if (!ret && (mode & FALLOC_FL_PUNCH_HOLE) && whole < whole_end)
		ret = break_range(inode, whole, whole_end - whole, ZUF_DROP_FORGET);
	return ret;
}

static int do_fallocate(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	struct zuf_touch touch;
	int err;

	filemap_invalidate_lock(inode->i_mapping);
	do {
		err = break_fallocated(inode, mode, offset, len);
	} while (err > 0);
	if (err)
		goto out;
	zuf_touch_start(&touch, inode, STATX_MTIME | STATX_CTIME);
	err = send_fallocate(inode, (u32)mode, offset, offset + len);
	zuf_touch_end(&touch, err);
out:
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

long zuf_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	int err;

	inode_lock(inode);
	err = check_fallocate(inode, mode, offset, len);
	if (!err)
		err = file_remove_privs(file);
	if (!err)
		err = do_fallocate(inode, mode, offset, len);
	inode_unlock(inode);
	return err;
}

/* ---- lseek ---- */

int zuf_seek(struct inode *inode, int whence, loff_t *offset)
{
	struct zufs_ioc_seek msg = {
		.hdr = ZUF_HDR(ZUFS_OP_LLSEEK, sizeof(msg), 0, sizeof(msg)),
		.zus_ii = ZUF_I(inode)->zus_ii,
		.offset_in = *offset,
		.whence = whence,
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_SHARED, .inode = inode);
	loff_t size = i_size_read(inode);
	int err;

	if (*offset < 0 || *offset >= size)
		return -ENXIO;
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	if (err == -EOPNOTSUPP) {
		/* a file system that knows no holes */
		if (whence == SEEK_HOLE)
			*offset = size;
		return 0;
	}
	if (err)
		return err;
	/* of the end of the file only holes may be found */
	if (msg.offset_out < *offset || msg.offset_out > size - (whence == SEEK_DATA))
		return -EIO;
	*offset = msg.offset_out;
	return 0;
}

loff_t zuf_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(file, offset, whence);
	inode_lock_shared(inode);
	err = zuf_seek(inode, whence, &offset);
	inode_unlock_shared(inode);
	if (err)
		return err;
	return vfs_setpos(file, offset, inode->i_sb->s_maxbytes);
}
