// SPDX-License-Identifier: GPL-2.0-only
/*
 * swap.c - a file as swap space: swapon, pages out and in, swapoff
 *
 * The kernel swaps through the file's own I/O, so that blocks may be
 * anywhere, and checks nothing but that there are no holes: a page that goes out
 * shall need no new block. From swapon to swapoff S_SWAPFILE refuses write,
 * truncate to less, fallocate, clone and unlink; hence no lock is taken here.
 *
 * Why memory that is being freed can wait for a server in user space:
 * - The server needs none of the memory that is out: it is locked in memory
 *   (zusd --mlock). What it allocates on the way does not swap: PR_SET_IO_FLUSHER
 *   keeps its threads out of all reclaim that does I/O, as memalloc_noio_save()
 *   keeps us.
 * - There is a channel: swap uses the reserved one of each CPU, which serves only
 *   operations that end without further memory. Those that hold the others may
 *   themselves wait for memory, and that is what we free.
 * - No lock is held that the server or its other callers could want.
 * The wait is unkillable. A page that fails to come in is lost to all who share it,
 * and a write that nobody waits for could come after the next one of its place.
 * When the server dies pages cannot come in: -EIO, who touches one gets a SIGBUS.
 */
#include <linux/bvec.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>
#include <linux/uio.h>

#include "dispatch.h"
#include "inode.h"
#include "rw.h"
#include "space.h"
#include "super.h"
#include "swap.h"

/* swapon(2) holds the inode lock exclusively. */
int zuf_swap_activate(struct swap_info_struct *sis, struct file *file, sector_t *span)
{
	struct inode *inode = file_inode(file);
	loff_t hole = 0;
	int err;

	err = zuf_seek(inode, SEEK_HOLE, &hole);
	if (err)
		return err;
	if (hole < i_size_read(inode)) {
		pr_err("sb %llu: inode %llu cannot be swap space, it has a hole at %lld\n",
		       ZUF_SB(inode->i_sb)->sb_id, (u64)inode->i_ino, hole);
		return -EINVAL;
	}
	*span = sis->pages;
	return zuf_swap_through_file(sis);
}

int zuf_swap_rw(struct kiocb *iocb, struct iov_iter *iter)
{
	unsigned int noio = memalloc_noio_save();
	ssize_t ret = zuf_rw_kernel(iocb, iter, ZUF_OPF_NESTED | ZUF_OPF_UNKILLABLE);

	memalloc_noio_restore(noio);
	return ret;
}

/*
 * The first page of the file, where swapon(2) looks for the header; uprobes read
 * instructions so, without the inode lock. It is never brought up to date:
 * zuf_file_open() drops it.
 */
int zuf_read_folio(struct file *file, struct folio *folio)
{
	size_t size = folio_size(folio);
	struct bio_vec bvec = { .bv_page = &folio->page, .bv_len = size };
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t got = -EINVAL;

	if (file) {
		init_sync_kiocb(&iocb, file);
		iocb.ki_pos = folio_pos(folio);
		iov_iter_bvec(&iter, ITER_DEST, &bvec, 1, size);
		filemap_invalidate_lock_shared(folio->mapping);
		got = zuf_rw_kernel(&iocb, &iter, 0);
		filemap_invalidate_unlock_shared(folio->mapping);
	}
	if (got >= 0) {
		folio_zero_segment(folio, got, size);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
	return got < 0 ? got : 0;
}
