// SPDX-License-Identifier: GPL-2.0-only
/*
 * rw.c - read and write of regular files: READ and WRITE through a window
 *
 * A request is cut into chunks of at most a window. The chunks are copied through the channel's
 * own pages, as many segments at a time as fit. With a smaller copy_max (window.c) the pages of
 * large segments are pinned and shown to the server, and only what cannot be pinned (kernel
 * iterators, device memory) is copied.
 *
 * Locks: reads, and writes that stay inside of i_size, share the inode lock and hold the range
 * of the rest of the call (range.h), so each request is atomic for all others. All other writes
 * hold the inode lock exclusively, and i_size moves after the data. No page of the user is
 * faulted in under these locks, because the fault may need the same inode: when a copy or a pin
 * comes out short, both locks are dropped, the memory is faulted in, and the request continues
 * from there.
 *
 * IOCB_NOWAIT: the round trip itself counts as the work. Waiting before it, for a lock, for a
 * channel or for memory of the user, gives -EAGAIN or ends the request short.
 */
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "chan.h"
#include "direct.h"
#include "dispatch.h"
#include "inode.h"
#include "mapped.h"
#include "mend.h"
#include "range.h"
#include "rw.h"
#include "sb.h"
#include "settle.h"
#include "window.h"

/* Scarce memory may be reclaimed again before it is used; retry, but not for ever. */
#define RW_IN_VAIN_MAX 100

/* At most this much memory is faulted in at once: not more than the next chunks need. */
#define RW_FAULT_IN_MAX ZUS_API_MAP_MAX_SIZE

static const struct {
	int iocb;
	u32 rw;
} rw_flag_map[] = {
	{ IOCB_EVENTFD, ZUFS_RW_EVENTFD },
	{ IOCB_APPEND, ZUFS_RW_APPEND },
	{ IOCB_DIRECT, ZUFS_RW_DIRECT },
	{ IOCB_HIPRI, ZUFS_RW_HIPRI },
	{ IOCB_DSYNC, ZUFS_RW_DSYNC },
	{ IOCB_SYNC, ZUFS_RW_SYNC },
	{ IOCB_NOWAIT, ZUFS_RW_NOWAIT },
};

#define RW_IOCB_FLAGS (IOCB_EVENTFD | IOCB_APPEND | IOCB_DIRECT | IOCB_HIPRI | \
		       IOCB_DSYNC | IOCB_SYNC | IOCB_NOWAIT)

u64 zuf_rw_flags(const struct rw_call *rw)
{
	const struct kiocb *iocb = rw->iocb;
	u64 flags = rw->write ? ZUFS_RW_WRITE : 0;
	unsigned int i;

	if (iocb->ki_filp->f_mode & FMODE_RANDOM)
		flags |= ZUFS_RW_RAND;
	if (!(iocb->ki_flags & RW_IOCB_FLAGS))
		return flags;
	for (i = 0; i < ARRAY_SIZE(rw_flag_map); i++)
		if (iocb->ki_flags & rw_flag_map[i].iocb)
			flags |= rw_flag_map[i].rw;
	return flags;
}

/* Check how far the server says it got against what it was asked for. */
static ssize_t rw_win_bytes(struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	if (io->last_pos < io->filepos || io->last_pos - io->filepos > op->win->len)
		return -EIO;
	return io->last_pos - io->filepos;
}

/* Pinning shows one segment; several small segments go together through the copy pages. */
static bool rw_may_pin(const struct rw_call *rw, size_t len)
{
	unsigned long addr;
	size_t seg;

	return len > zuf_copy_max && !rw->copy_only &&
	       zuf_iter_user_seg(rw->iter, &addr, &seg) && seg > zuf_copy_max;
}

/* Return: bytes to show; -EFAULT: the caller must fault the memory in first. */
static ssize_t rw_prepare_window(struct rw_call *rw, struct zuf_win *win, size_t len)
{
	ssize_t ret;

	if (rw_may_pin(rw, len)) {
		ret = zuf_win_pin(win, rw->iter, len, rw->write);
		if (ret != -EOPNOTSUPP)
			return ret;
	}
	win->kind = ZUF_WIN_ITER;
	win->to_server = rw->write;
	win->iter = rw->iter;
	/* UNKILLABLE: the small copy pages always exist */
	win->len = min_t(size_t, len, rw->op_flags & ZUF_OPF_UNKILLABLE ? ZUF_BOUNCE_SMALL :
						zuf_copy_max);
	return win->len;
}

static void rw_take_ra(struct file_ra_state *ra, const struct zufs_ioc_IO *io)
{
	ra->start = io->ra.start;
	ra->prev_pos = io->ra.prev_pos;
	ra->ra_pages = min_t(u32, io->ra.ra_pages, ZUS_API_MAP_MAX_PAGES);
}

static ssize_t rw_chunk(struct rw_call *rw, size_t len);

/* Unpin the pages of an operation that is over, whatever its result. */
static void rw_unpin(struct rw_call *rw, struct zuf_win *win)
{
	if (likely(zuf_win_unpin(win)))
		return;
	/* whoever holds the page locks may wait for a lock of this task: rw_chunks() ends */
	rw->late = win->pages;
	rw->nr_late = win->nr_pages;
}

/* Unpin the remaining pages; the caller holds no lock. */
static void rw_unpin_late(struct rw_call *rw)
{
	if (likely(!rw->late))
		return;
	zuf_win_unpin_late(rw->late, rw->nr_late);
	rw->late = NULL;
}

static ssize_t rw_chunk_failed(struct rw_call *rw, const struct zuf_win *win,
			       const struct zufs_ioc_IO *io, size_t len, ssize_t err)
{
	bool copy_only = rw->copy_only;

	if (win->refused) {
		rw->copy_only = true;
		err = rw_chunk(rw, len);
		rw->copy_only = copy_only;
		return err;
	}
	/* the server never touches the user's memory: its -EFAULT asks for no fault-in */
	return err == -EFAULT && io->hdr.err ? -EIO : err;
}

/* One operation. Return: bytes transferred, by which the iterator moves, or -errno. */
static ssize_t rw_chunk(struct rw_call *rw, size_t len)
{
	struct inode *inode = rw->inode;
	struct file_ra_state *ra = &rw->iocb->ki_filp->f_ra;
	struct zuf_win win = { };
	struct zufs_ioc_IO io = {
		.hdr = ZUF_HDR(rw->write ? ZUFS_OP_WRITE : ZUFS_OP_READ,
			       sizeof(io), 0, sizeof(io)),
		.filepos = rw->iocb->ki_pos,
		.last_pos = rw->iocb->ki_pos,
		.rw = zuf_rw_flags(rw),
		.ra.start = ra->start,
		.ra.prev_pos = ra->prev_pos,
		.ra.ra_pages = ra->ra_pages,
	};
	struct zuf_op op = ZUF_OP(&io, .win = &win, .win_bytes = rw_win_bytes,
				  .flags = rw->op_flags, .retry = zuf_retry_op,
				  ZUF_INODE(inode, struct zufs_ioc_IO, zus_ii),
				  ZUF_OUT(struct zufs_ioc_IO, ret_flags,
					  offsetof(struct zufs_ioc_IO, ziom)));
	bool pinned;
	ssize_t ret;

	/* an orphaned write must not complete after a later one, so only reads are SHARED */
	if (!rw->write)
		op.flags |= ZUF_OPF_SHARED;
	ret = rw_prepare_window(rw, &win, len);
	if (ret < 0)
		return ret;
	pinned = win.kind == ZUF_WIN_PAGES;
	ret = zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	if (pinned)
		rw_unpin(rw, &win);
	if (ret)
		return rw_chunk_failed(rw, &win, &io, len, ret);
	if (pinned)
		iov_iter_advance(rw->iter, win.done);
	rw_take_ra(ra, &io);
	if (rw->write)
		zuf_rw_unmap(rw, &io, win.len, NULL);
	/* the server answered, but the user's memory was not present */
	if (!rw->write && !win.done && io.last_pos != io.filepos)
		return -EFAULT;
	return win.done;
}

void zuf_rw_unmap(struct rw_call *rw, const struct zufs_ioc_IO *io, size_t len,
		  const u64 *words)
{
	pgoff_t first = io->filepos >> PAGE_SHIFT, end;
	u64 pos;

	if (likely(!zuf_mapped_of(rw->inode)))
		return;
	end = DIV_ROUND_UP_ULL(io->filepos + len, PAGE_SIZE);
	if (!words && (io->ret_flags & ZUFS_RET_NEW))
		zuf_mapped_replaced(rw->inode, first, end - first);
	else
		zuf_mapped_rewrite(rw->inode, first, end - first, words);
	if (!io->wr_unmap.len)
		return;
	/* the answer has 32 bits of the offset: take the position that is nearest to the write */
	pos = io->filepos + (s32)(io->wr_unmap.offset - (u32)io->filepos);
	if ((s64)pos < 0)
		pos = io->wr_unmap.offset;
	first = pos >> PAGE_SHIFT;
	end = DIV_ROUND_UP_ULL(pos + io->wr_unmap.len, PAGE_SIZE);
	zuf_mapped_replaced(rw->inode, first, end - first);
}

/* Bytes that may be transferred from ki_pos on: a read ends at i_size. */
static size_t rw_left(const struct rw_call *rw)
{
	size_t left = iov_iter_count(rw->iter);
	loff_t size;

	if (rw->write)
		return left;
	size = i_size_read(rw->inode);
	if (rw->iocb->ki_pos >= size)
		return 0;
	return min_t(u64, left, size - rw->iocb->ki_pos);
}

int zuf_rw_wrote(struct rw_call *rw, loff_t pos)
{
	struct inode *inode = rw->inode;
	__le64 shared;
	int err;

	if (!rw->exclusive || pos <= i_size_read(inode))
		return 0;
	err = zuf_zi_load(inode, i_size, &shared);
	if (unlikely(err))
		return err;
	i_size_write(inode, pos);
	if (le64_to_cpu(shared) < pos)
		shm_store(&ZUF_I(inode)->zi->i_size, cpu_to_le64(pos));
	return 0;
}

void zuf_rw_unwrote(struct rw_call *rw, loff_t size)
{
	struct inode *inode = rw->inode;

	if (!rw->exclusive || i_size_read(inode) == size)
		return;
	i_size_write(inode, size);
	shm_store(&ZUF_I(inode)->zi->i_size, cpu_to_le64(size));
}

/* Does the kernel copy the next @len bytes itself, because the server names the blocks? */
static bool rw_is_direct(const struct rw_call *rw, size_t len)
{
	const struct zuf_sb *zsb = ZUF_SB(rw->inode->i_sb);

	if (!(zsb->fs_caps & (rw->write ? ZUFS_FSC_NIO_WRITES : ZUFS_FSC_NIO_READS)))
		return false;
	if (likely(!zuf_rw_may_refuse(rw)))
		return true;
	return rw->iocb->ki_pos >= rw->mapped_end && len >= zsb->nio_write_min &&
	       rw->iocb->ki_pos + len <= i_size_read(rw->inode);
}

/* Transfer up to @len bytes the way that the server wants. Return: as rw_chunk(). */
static ssize_t rw_any_chunk(struct rw_call *rw, size_t len)
{
	ssize_t got;

	if (rw_is_direct(rw, len)) {
		got = zuf_direct_chunk(rw, len);
		if (likely(got != ZUF_DIRECT_REFUSED))
			return got;
		/* also for what WRITE leaves of it, or there would be a GET for each window */
		rw->mapped_end = rw->iocb->ki_pos + len;
	}
	if (rw->iocb->ki_pos < rw->mapped_end)
		len = min_t(u64, len, rw->mapped_end - rw->iocb->ki_pos);
	return rw_chunk(rw, len);
}

/*
 * Transfer chunk after chunk under the locks. Return: 0: the end, or rw->late is set; -EFAULT:
 * fault in and continue.
 */
static ssize_t rw_chunks(struct rw_call *rw)
{
	ssize_t got;
	size_t left;

	while ((left = rw_left(rw)) > 0) {
		got = min3(left, (size_t)ZUS_API_MAP_MAX_SIZE, rw->limit);
		rw->limit = SIZE_MAX;
		got = rw_any_chunk(rw, got);
		if (got < 0)
			return got;
		if (!got)
			return 0;
		if (rw->write && unlikely(zuf_rw_wrote(rw, rw->iocb->ki_pos + got)))
			return -EIO;
		rw->iocb->ki_pos += got;
		rw->done += got;
		if (unlikely(rw->late))
			return 0;
		if (fatal_signal_pending(current) && !(rw->op_flags & ZUF_OPF_UNKILLABLE))
			return -EINTR;
	}
	return 0;
}

ssize_t zuf_rw_kernel(struct kiocb *iocb, struct iov_iter *iter, u32 op_flags)
{
	struct rw_call rw = {
		.iocb = iocb, .iter = iter, .inode = file_inode(iocb->ki_filp),
		.write = iov_iter_rw(iter) == WRITE, .op_flags = op_flags, .copy_only = true,
		.limit = SIZE_MAX,
	};
	ssize_t err = rw_chunks(&rw);

	/* -EFAULT: kernel memory needs no fault-in, so T1 is poisoned */
	return rw.done ? rw.done : err == -EFAULT ? -EIO : err;
}

/*
 * Make the user's memory present. If the transfer fails again although the memory is present, it
 * cannot be pinned.
 */
static int rw_fault_in(struct rw_call *rw, ssize_t done_before)
{
	size_t len = min_t(size_t, iov_iter_count(rw->iter), RW_FAULT_IN_MAX);
	size_t missing;

	if (!user_backed_iter(rw->iter))
		return -EFAULT;
	if (fatal_signal_pending(current))
		return -EINTR;
	if (rw->op_flags & ZUF_OPF_NOWAIT)
		return -EAGAIN;
	missing = rw->write ? fault_in_iov_iter_readable(rw->iter, len) :
			      fault_in_iov_iter_writeable(rw->iter, len);
	if (missing == len)
		return -EFAULT;
	/* a copy by words stops up to a word before the missing byte */
	if (missing)
		rw->limit = len - missing;
	if (done_before != rw->done)
		rw->in_vain = 0;
	else if (++rw->in_vain > RW_IN_VAIN_MAX)
		return -EIO;	/* the memory is present but the copy fails: T1 is poisoned */
	else if (len > zuf_copy_max)
		rw->copy_only = true;
	return 0;
}

static ssize_t rw_result(const struct rw_call *rw, ssize_t err)
{
	return rw->done ? rw->done : err;
}

static void rw_init(struct rw_call *rw, struct kiocb *iocb, struct iov_iter *iter)
{
	*rw = (struct rw_call){
		.iocb = iocb, .iter = iter, .inode = file_inode(iocb->ki_filp),
		.limit = SIZE_MAX,
	};
	if (iocb->ki_flags & IOCB_NOWAIT) {
		rw->op_flags = ZUF_OPF_NOWAIT;
		/* pinning and mapping take locks of both processes' memory */
		rw->copy_only = true;
	}
}

static void rw_inode_unlock(struct rw_call *rw)
{
	if (rw->exclusive)
		inode_unlock(rw->inode);
	else
		inode_unlock_shared(rw->inode);
}

static int rw_inode_lock(struct rw_call *rw)
{
	int err;

	if (rw->op_flags & ZUF_OPF_NOWAIT) {
		if (!(rw->exclusive ? inode_trylock(rw->inode) :
				      inode_trylock_shared(rw->inode)))
			return -EAGAIN;
		err = 0;
	} else {
		err = rw->exclusive ? zuf_lock_killable(rw->inode) :
				      zuf_lock_shared_killable(rw->inode);
	}
	if (err)
		return err;
	if (rw->exclusive)
		err = zuf_settle_change(rw->inode, rw->op_flags);
	else
		err = zuf_settle(rw->inode, rw->op_flags | ZUF_OPF_SHARED);
	if (unlikely(err))
		rw_inode_unlock(rw);
	return err;
}

/* Lock the range of the rest of the call; under the exclusive inode lock there is no need. */
static int rw_range_lock(struct rw_call *rw)
{
	if (rw->exclusive)
		return 0;
	rw->range.first = rw->iocb->ki_pos >> PAGE_SHIFT;
	rw->range.last = (rw->iocb->ki_pos + iov_iter_count(rw->iter) - 1) >> PAGE_SHIFT;
	rw->range.write = rw->write;
	return zuf_range_lock(&ZUF_I(rw->inode)->ranges, &rw->range,
			      rw->op_flags & ZUF_OPF_NOWAIT);
}

/* Unlock the range and the inode. */
static void rw_unlock(struct rw_call *rw)
{
	if (!rw->exclusive)
		zuf_range_unlock(&ZUF_I(rw->inode)->ranges, &rw->range);
	rw_inode_unlock(rw);
}

static int read_begin(struct rw_call *rw)
{
	int err = rw_inode_lock(rw);

	if (err)
		return err;
	err = rw_range_lock(rw);
	if (err)
		rw_inode_unlock(rw);
	return err;
}

/* Read under the locks. Return: 1: there is more to read, but the locks had to be dropped. */
static ssize_t read_run(struct rw_call *rw)
{
	ssize_t err = read_begin(rw), before = rw->done;
	bool late;

	if (err)
		return err;
	err = rw_chunks(rw);
	rw_unlock(rw);
	late = rw->late && rw->done > before;
	rw_unpin_late(rw);
	return late && !err ? 1 : err;
}

ssize_t zuf_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct rw_call rw;
	bool faulted = false;
	ssize_t err, before;

	if (!iov_iter_count(to))
		return 0;
	rw_init(&rw, iocb, to);
	do {
		before = rw.done;
		do {
			err = read_run(&rw);
		} while (err > 0);
		if (err != -EFAULT)
			break;
		/* the first failure may only mean that the memory was not present */
		err = rw_fault_in(&rw, faulted ? before : -1);
		faulted = true;
	} while (!err);
	/* also at the end of the file, or if the user's memory is bad */
	if (rw.done || (err != -EAGAIN && !zuf_is_interrupted(err)))
		file_accessed(iocb->ki_filp);
	return rw_result(&rw, err);
}

/* Does the write need the inode lock exclusively? Dropping privileges needs it, too. */
static bool write_is_exclusive(const struct rw_call *rw)
{
	const struct kiocb *iocb = rw->iocb;

	return (iocb->ki_flags & IOCB_APPEND) || !IS_NOSEC(rw->inode) ||
	       iocb->ki_pos + iov_iter_count(rw->iter) > i_size_read(rw->inode);
}

/* Take the inode lock, shared or exclusively, as this write needs it. */
static int write_lock_inode(struct rw_call *rw)
{
	int err;

	rw->exclusive = write_is_exclusive(rw);
	err = rw_inode_lock(rw);
	if (err || rw->exclusive || !write_is_exclusive(rw))
		return err;
	rw_inode_unlock(rw);
	rw->exclusive = true;
	return rw_inode_lock(rw);
}

/* Drop privileges and set the timestamps. */
static int write_modified(const struct rw_call *rw)
{
	int err = kiocb_modified(rw->iocb);

	/* the VFS assumes that setting timestamps may wait; here it does not */
	if (err == -EAGAIN && IS_NOSEC(rw->inode))
		err = file_modified(rw->iocb->ki_filp);
	return err;
}

/*
 * Check the limits, then lock the range, which they may have cut. Return: <= 0: the call is over
 * and no range is locked.
 */
static ssize_t write_checks(struct rw_call *rw)
{
	ssize_t ret = generic_write_checks(rw->iocb, rw->iter);
	int err;

	if (ret <= 0)
		return ret;
	/* the file may have become immutable after it was opened */
	if (IS_IMMUTABLE(rw->inode))
		return -EPERM;
	err = rw_range_lock(rw);
	return err ? err : ret;
}

/* Take the locks and check the limits. Return: <= 0: the call is over and nothing is locked. */
static ssize_t write_begin(struct rw_call *rw)
{
	ssize_t ret = write_lock_inode(rw);
	int err;

	if (ret)
		return ret;
	ret = write_checks(rw);
	if (ret <= 0) {
		rw_inode_unlock(rw);
		return ret;
	}
	err = write_modified(rw);
	if (err) {
		rw_unlock(rw);
		return err;
	}
	return ret;
}

/*
 * Memory that is not present must not cut an append in two, so an append is faulted in
 * beforehand. Of other writes only the first byte is checked: if there is nothing to write,
 * holes stay holes.
 */
static bool nothing_to_write(const struct kiocb *iocb, struct iov_iter *from)
{
	size_t look = iocb->ki_flags & IOCB_APPEND ? RW_FAULT_IN_MAX : 1;

	look = min_t(size_t, iov_iter_count(from), look);
	return look && !(iocb->ki_flags & IOCB_NOWAIT) && user_backed_iter(from) &&
	       fault_in_iov_iter_readable(from, look) == look;
}

/*
 * Where files share blocks, a write may leave the old block to another file, which frees it
 * without asking the kernel. So nobody may have the pages pinned, and nobody may map them
 * meanwhile, unless the server keeps held blocks back (held.h).
 */
static int write_guard(struct rw_call *rw)
{
	pgoff_t first = rw->iocb->ki_pos >> PAGE_SHIFT;
	u64 end = DIV_ROUND_UP_ULL(rw->iocb->ki_pos + iov_iter_count(rw->iter), PAGE_SIZE);
	struct inode *inode = rw->inode;
	int err;

	if (likely(!zuf_mapped_of(inode) || !READ_ONCE(ZUF_SB(inode->i_sb)->replaces)) ||
	    zuf_keeps_back(ZUF_SB(inode->i_sb)))
		return 0;
	if (rw->op_flags & ZUF_OPF_NOWAIT)
		return -EAGAIN;
	/* pinning takes the mmap_lock, and faults take the invalidate lock inside of it */
	rw->copy_only = true;
	err = zuf_lock_mapping_killable(inode->i_mapping);
	if (err)
		return err;
	do {
		err = zuf_mapped_break(inode, first, end - first, 0);
	} while (err == ZUF_BREAK_AGAIN);
	if (err == ZUF_BREAK_LOST)
		return -EINTR;
	if (err)
		filemap_invalidate_unlock(inode->i_mapping);
	else
		rw->guarded = true;
	return err;
}

static ssize_t write_chunks(struct rw_call *rw)
{
	ssize_t err = write_guard(rw);

	if (!err)
		err = rw_chunks(rw);
	if (unlikely(rw->guarded))
		filemap_invalidate_unlock(rw->inode->i_mapping);
	rw->guarded = false;
	return err;
}

/* The server may have allocated blocks behind the end for data that was not written. */
static void write_fell_short(const struct rw_call *rw, ssize_t err)
{
	size_t chunk = min_t(size_t, iov_iter_count(rw->iter), ZUS_API_MAP_MAX_SIZE);

	if (rw->exclusive && (err == -EFAULT || err == -EIO || err == -EINTR))
		zuf_settle_tail(rw->inode, rw->iocb->ki_pos + chunk);
}

ssize_t zuf_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct rw_call rw;
	bool faulted = false, is_bad;
	ssize_t err, before;

	rw_init(&rw, iocb, from);
	rw.write = true;
	is_bad = nothing_to_write(iocb, from);
	do {
		before = rw.done;
		err = write_begin(&rw);
		if (err <= 0)
			break;
		err = is_bad ? -EFAULT : write_chunks(&rw);
		rw_unlock(&rw);
		if (err != -EFAULT)
			break;
		err = rw_fault_in(&rw, faulted ? before : -1);
		faulted = true;
	} while (!err);
	if (unlikely(err < 0))
		write_fell_short(&rw, err);
	return rw_result(&rw, err);
}
