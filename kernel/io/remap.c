// SPDX-License-Identifier: GPL-2.0-only
/*
 * remap.c - share blocks between two files: FICLONE, FICLONERANGE, FIDEDUPERANGE
 *
 * CLONE tells the server that a range of one file becomes that of the other. For dedupe the
 * kernel first compares the two by reading, under the same locks: there is no page cache that
 * the generic code could compare. copy_file_range shares what it can and copies the rest;
 * between two file systems it copies everything.
 *
 * Locks: both inode locks and both invalidate locks, exclusively, in the order of the VFS; all
 * puts of both inodes are executed before. No lock is held while the call waits for a pinned
 * page.
 */
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "dispatch.h"
#include "inode.h"
#include "mapped.h"
#include "mend.h"
#include "remap.h"
#include "ride.h"
#include "rw.h"
#include "sb.h"
#include "settle.h"
#include "sync.h"

/* Number of bytes of each side that are compared at a time. */
#define COMPARE_CHUNK SZ_64K

struct remap {
	struct file *in, *out;
	loff_t pos_in, pos_out;
	loff_t len;
	unsigned int flags;		/* REMAP_FILE_* */
	struct page *pinned;		/* a pinned page that is in the way; or NULL */
};

/* ---- compare ---- */

/* Read exactly @len bytes, which lie in the file. Return: 0 or -errno. */
static int read_side(struct file *file, loff_t pos, void *buf, size_t len)
{
	struct kvec kvec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t got;

	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = pos;
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, len);
	got = zuf_rw_kernel(&iocb, &iter, 0);
	if (got < 0)
		return got;
	return got == len ? 0 : -EIO;
}

static int compare_ranges(const struct remap *r, void *buf_in, void *buf_out)
{
	loff_t done;
	size_t len;
	int err;

	for (done = 0; done < r->len; done += len) {
		len = min_t(loff_t, r->len - done, COMPARE_CHUNK);
		err = read_side(r->in, r->pos_in + done, buf_in, len);
		if (!err)
			err = read_side(r->out, r->pos_out + done, buf_out, len);
		if (!err && memcmp(buf_in, buf_out, len))
			err = -EBADE;
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static int remap_compare(const struct remap *r)
{
	void *bufs = kvmalloc(2 * COMPARE_CHUNK, GFP_KERNEL);
	int err = -ENOMEM;

	if (bufs)
		err = compare_ranges(r, bufs, bufs + COMPARE_CHUNK);
	kvfree(bufs);
	return err;
}

/* ---- checks ---- */

/* Do both inodes allow dedupe, whoever asks? */
static int check_dedupe_inodes(const struct inode *in, const struct inode *out)
{
	if (IS_IMMUTABLE(out))
		return -EPERM;
	if (IS_SWAPFILE(in) || IS_SWAPFILE(out))
		return -ETXTBSY;
	return S_ISREG(in->i_mode) && S_ISREG(out->i_mode) ? 0 : -EINVAL;
}

/*
 * Both ranges must lie in their files and begin with a block. A last block that is not whole may
 * only be shared if it is the last of both files; otherwise it is left out.
 */
static int check_dedupe(struct remap *r)
{
	struct inode *in = file_inode(r->in), *out = file_inode(r->out);
	loff_t size_in = i_size_read(in), size_out = i_size_read(out), blocks;
	loff_t bs = i_blocksize(out);
	int err = check_dedupe_inodes(in, out);

	if (err)
		return err;
	if (!IS_ALIGNED(r->pos_in | r->pos_out, bs) ||
	    r->pos_in > size_in - r->len || r->pos_out > size_out - r->len)
		return -EINVAL;
	if (!IS_ALIGNED(r->len, bs) &&
	    (r->pos_in + r->len != size_in || r->pos_out + r->len != size_out)) {
		if (!(r->flags & REMAP_FILE_CAN_SHORTEN))
			return -EINVAL;
		r->len = round_down(r->len, bs);
	}
	blocks = round_up(r->len, bs);
	if (in == out && r->pos_out + blocks > r->pos_in && r->pos_out < r->pos_in + blocks)
		return -EINVAL;
	return 0;
}

static int remap_prepare(struct remap *r)
{
	int err;

	if (!(r->flags & REMAP_FILE_DEDUP))
		return generic_remap_file_range_prep(r->in, r->pos_in, r->out, r->pos_out,
						     &r->len, r->flags);
	err = check_dedupe(r);
	return err || !r->len ? err : remap_compare(r);
}

/* ---- clone ---- */

/* Return the length in whole blocks; 0: the destination becomes all of the source. */
static u64 clone_len_up(const struct remap *r)
{
	const struct inode *in = file_inode(r->in), *out = file_inode(r->out);
	loff_t size_in = i_size_read(in);

	if (!r->pos_in && !r->pos_out && r->len >= size_in && i_size_read(out) <= size_in)
		return 0;
	return r->pos_in + r->len == size_in ? round_up(r->len, i_blocksize(out)) : r->len;
}

static int send_clone(const struct remap *r, u64 len_up)
{
	struct inode *in = file_inode(r->in), *out = file_inode(r->out);
	struct zufs_ioc_clone msg = {
		.hdr = ZUF_HDR(ZUFS_OP_CLONE, sizeof(msg), 0, sizeof(msg)),
		.pos_in = r->pos_in,
		.pos_out = r->pos_out,
		.len = r->len,
		.len_up = len_up,
	};
	struct zuf_sb *zsb = ZUF_SB(in->i_sb);
	const struct zuf_op_inode more[] = {
		{ in, offsetof(struct zufs_ioc_clone, src_zus_ii) }, { }
	};
	struct zuf_op op = ZUF_OP(&msg, .flush = zuf_inode_tag(out), .more = more,
				  ZUF_INODE(out, struct zufs_ioc_clone, dst_zus_ii));
	int err = zuf_flush(zsb, zuf_inode_tag(in));

	zuf_assert_exclusive(in);
	zuf_assert_exclusive(out);
	/* from now on a write may leave its blocks to another file (write_guard() in rw.c) */
	WRITE_ONCE(zsb->replaces, true);
	return err ?: zuf_dispatch(zsb, &op);
}

/* The server has the data in place. Move i_size if the server has not. */
static void clone_done(struct inode *out, loff_t end)
{
	struct zus_inode __shm *zi = ZUF_I(out)->zi;

	zuf_inode_refresh(out);
	if (end <= i_size_read(out))
		return;
	shm_store(&zi->i_size, cpu_to_le64(end));
	i_size_write(out, end);
}

static struct page *break_range(struct inode *inode, loff_t pos, loff_t len, u32 flags)
{
	pgoff_t first = pos >> PAGE_SHIFT;
	pgoff_t nr = len ? DIV_ROUND_UP_ULL(pos + len, PAGE_SIZE) - first : 0;

	return zuf_mapped_break_or_find(inode, first, nr, flags);
}

/*
 * Nobody may store to what is compared and becomes shared, or see what is replaced. A length of
 * 0 stands for the rest of the file. Return: a pinned page that is in the way, or NULL.
 */
static struct page *break_both(const struct remap *r)
{
	struct inode *in = file_inode(r->in), *out = file_inode(r->out);
	/* what is replaced may be held, but not what is compared or becomes shared */
	u32 flags = r->flags & REMAP_FILE_DEDUP ? 0 : ZUF_DROP_HOLD;

	return break_range(in, r->pos_in, r->len, 0) ?:
	       break_range(out, r->pos_out, r->len, flags);
}

/* Stores to whole pages that are replaced are no longer due for SYNC; the rest stays due. */
static void forget_replaced(const struct remap *r, u64 len_up)
{
	struct inode *out = file_inode(r->out);
	pgoff_t first = DIV_ROUND_UP_ULL(r->pos_out, PAGE_SIZE);
	pgoff_t end = (r->pos_out + len_up) >> PAGE_SHIFT;

	if (!len_up)
		zuf_mapped_drop(out, 0, 0, ZUF_DROP_FORGET | ZUF_DROP_HOLD);
	else if (end > first)
		zuf_mapped_drop(out, first, end - first, ZUF_DROP_FORGET | ZUF_DROP_HOLD);
}

static int remap_locked(struct remap *r)
{
	struct inode *in = file_inode(r->in), *out = file_inode(r->out);
	u64 len_up;
	int err;

	r->pinned = break_both(r);
	if (r->pinned)
		return 0;
	err = remap_prepare(r);
	if (err || !r->len)
		return err;
	/* stores to the source become data of the destination, too */
	err = zuf_sync_range(in, r->pos_in, r->pos_in + r->len - 1, true);
	if (err)
		return err;
	len_up = clone_len_up(r);
	err = send_clone(r, len_up);
	if (!err) {
		forget_replaced(r, len_up);
		clone_done(out, r->pos_out + r->len);
	}
	zuf_inode_refresh_blocks(in);
	return err;
}

static int remap_both(struct remap *r)
{
	struct address_space *in = file_inode(r->in)->i_mapping;
	struct address_space *out = file_inode(r->out)->i_mapping;
	int err = zuf_lock_mappings_killable(in, out);

	if (err)
		return err;
	err = remap_locked(r);
	filemap_invalidate_unlock_two(in, out);
	return err;
}

static int remap_once(struct remap *r)
{
	struct inode *in = file_inode(r->in), *out = file_inode(r->out);
	int err = zuf_lock_two_killable(in, out);

	if (err)
		return err;
	err = zuf_settle(in, 0) ?: zuf_settle_change(out, 0) ?: remap_both(r);
	unlock_two_nondirectories(in, out);
	return err;
}

loff_t zuf_remap_file_range(struct file *file_in, loff_t pos_in, struct file *file_out,
			    loff_t pos_out, loff_t len, unsigned int remap_flags)
{
	struct remap r = {
		.in = file_in, .out = file_out, .pos_in = pos_in, .pos_out = pos_out,
		.len = len, .flags = remap_flags,
	};
	unsigned long until = (jiffies + ZUF_PINS_TIMEOUT) ?: 1;
	int err;

	if (remap_flags & ~(REMAP_FILE_DEDUP | REMAP_FILE_ADVISORY))
		return -EINVAL;
	/*
	 * Wait without a lock: a task needs only read access to the source to hold a page, maybe
	 * for ever, and so does the task that clones it.
	 */
	do {
		err = remap_once(&r);
		if (!err && r.pinned)
			err = zuf_mapped_wait_unpinned(r.pinned, until);
		if (!err && r.pinned && time_after(jiffies, until))
			err = -EBUSY;
	} while (!err && r.pinned);
	return err ?: r.len;
}

ssize_t zuf_copy_file_range(struct file *file_in, loff_t pos_in, struct file *file_out,
			    loff_t pos_out, size_t len, unsigned int flags)
{
	loff_t shared = 0;
	ssize_t copied;

	len = min_t(size_t, len, MAX_RW_COUNT);
	if (file_inode(file_in)->i_sb == file_inode(file_out)->i_sb)
		shared = zuf_remap_file_range(file_in, pos_in, file_out, pos_out, len,
					      REMAP_FILE_CAN_SHORTEN);
	if (zuf_is_interrupted(shared))
		return shared;
	if (shared <= 0)
		return splice_copy_file_range(file_in, pos_in, file_out, pos_out, len);
	file_accessed(file_in);
	/* copy the part that is no whole block: many programs do not ask again for the rest */
	if (shared == len)
		return shared;
	copied = splice_copy_file_range(file_in, pos_in + shared, file_out, pos_out + shared,
					len - shared);
	return shared + max_t(ssize_t, copied, 0);
}
