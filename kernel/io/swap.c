// SPDX-License-Identifier: GPL-2.0-only
/*
 * swap.c - a file as swap space: swapon, pages out and in, swapoff
 *
 * The kernel swaps through the file's own I/O, so blocks may be anywhere. Such I/O must never
 * need a new block, because memory is what the kernel lacks then. So swapon looks for holes, for
 * shared blocks and for blocks that are only reserved, and writes the last. From swapon to
 * swapoff S_SWAPFILE refuses write, truncate to a smaller size, fallocate, clone and unlink, and
 * zuf_mapped.no_stores refuses stores through mappings; hence I/O takes no lock.
 *
 * Why memory that is being freed can wait for a server in user space:
 * - The server needs none of the memory that is out: the server is locked in memory
 *   (zusd --mlock). What it allocates on the way does not swap: PR_SET_IO_FLUSHER
 *   keeps its threads out of all reclaim that does I/O, as memalloc_noio_save() does
 *   here.
 * - There is a channel: swap uses the reserved channel of each CPU, which serves only
 *   operations that end without further memory. Operations on the other channels may
 *   themselves wait for memory, which is what swap frees.
 * - No lock is held that the server or its other callers could want.
 * The wait is unkillable. A page that fails to come in is lost to all tasks that share it, and a
 * write that nobody waits for could complete after a later write to the same place. When the
 * server dies pages cannot come in: -EIO, and a task that touches such a page gets a SIGBUS.
 */
#include <linux/bvec.h>
#include <linux/fiemap.h>
#include <linux/notifier.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/swap.h>
#include <linux/uio.h>

#include "dispatch.h"
#include "fiemap.h"
#include "inode.h"
#include "mapped.h"
#include "rw.h"
#include "sb.h"
#include "settle.h"
#include "space.h"
#include "swap.h"
#include "sync.h"

/* For these extents a write would have to allocate or to move blocks. */
#define BAD_EXTENTS	(FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_DATA_INLINE |		\
			 FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DELALLOC |		\
			 FIEMAP_EXTENT_ENCODED)

#define ZEROES_BYTES	SZ_64K

/* Number of active files. Hibernation looks for the block device of each; these have none. */
static atomic_t nr_active;

struct swap_check {
	struct inode *inode;
	u64 end;			/* of the part that was checked and is good */
	u64 unwritten_start, unwritten_len; /* the first unwritten extent; length 0: there is
					     * none */
	const char *what;		/* what is wrong at @end */
};

/* ---- what the file must be ---- */

static int check_extent(void *data, const struct fiemap_extent *e)
{
	struct swap_check *check = data;

	if (e->fe_logical > check->end)
		check->what = "a hole";
	else if (e->fe_flags & BAD_EXTENTS)
		check->what = "blocks that are not its own or not whole";
	if (check->what)
		return -EINVAL;
	if (e->fe_flags & FIEMAP_EXTENT_UNWRITTEN) {
		check->unwritten_start = e->fe_logical;
		check->unwritten_len = e->fe_length;
		return 1;
	}
	check->end = e->fe_logical + e->fe_length;
	return 0;
}

/* A server that reports no extents must say that there is no hole, and must not share blocks. */
static int check_by_seek(struct swap_check *check)
{
	loff_t hole = 0;
	int err = zuf_seek(check->inode, SEEK_HOLE, &hole);

	if (err)
		return err;
	check->end = hole;
	if (hole < i_size_read(check->inode))
		check->what = "a hole";
	else if (READ_ONCE(ZUF_SB(check->inode->i_sb)->replaces))
		check->what = "blocks that may be shared";
	return check->what ? -EINVAL : 0;
}

static int check_extents(struct swap_check *check)
{
	u64 size = i_size_read(check->inode);
	int err = zuf_fiemap_each(check->inode, check->end, size, check_extent, check);

	if (err == -EOPNOTSUPP)
		return check_by_seek(check);
	if (!err && !check->unwritten_len && check->end < size) {
		check->what = "a hole";
		err = -EINVAL;
	}
	return err;
}

static int write_zeroes(struct file *file, const void *zeroes, loff_t pos, u64 len)
{
	struct iov_iter iter;
	struct kiocb iocb;
	struct kvec kvec;
	ssize_t done;

	init_sync_kiocb(&iocb, file);
	for (iocb.ki_pos = pos; iocb.ki_pos < pos + len; cond_resched()) {
		kvec.iov_base = (void *)zeroes;
		kvec.iov_len = min_t(u64, pos + len - iocb.ki_pos, ZEROES_BYTES);
		iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, kvec.iov_len);
		done = zuf_rw_kernel(&iocb, &iter, 0);
		if (done <= 0)
			return done ? done : -EIO;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Fill the unwritten extent with zeros; the caller checks it and the rest again. */
static int write_extent(struct file *file, struct swap_check *check)
{
	u64 end = min_t(u64, check->unwritten_start + check->unwritten_len,
			i_size_read(check->inode));
	struct super_block *sb = check->inode->i_sb;
	void *zeroes = kvzalloc(ZEROES_BYTES, GFP_KERNEL);
	int err = -ENOMEM;

	check->unwritten_len = 0;
	/* a task that freezes the file system may want the inode lock, which swapon(2) holds */
	if (zeroes && !sb_start_write_trylock(sb)) {
		err = -EBUSY;
	} else if (zeroes) {
		err = write_zeroes(file, zeroes, check->end, end - check->end);
		sb_end_write(sb);
	}
	kvfree(zeroes);
	return err;
}

/* Every extent must be written and the file's own, without gaps; if not, log the reason. */
static int check_file(struct file *file)
{
	struct swap_check check = { .inode = file_inode(file) };
	u64 written = U64_MAX;
	int err;

	while (!(err = check_extents(&check)) && check.unwritten_len) {
		if (check.end == written) {
			check.what = "blocks that stay unwritten";
			err = -EINVAL;
			break;
		}
		written = check.end;
		err = write_extent(file, &check);
		if (err)
			break;
	}
	if (check.what)
		pr_err("sb %llu: inode %llu cannot be swap space, it has %s at %llu\n",
		       ZUF_SB(check.inode->i_sb)->sb_id, (u64)check.inode->i_ino, check.what,
		       check.end);
	return err;
}

/* ---- swapon, swapoff ---- */

/* From now on nobody stores to the file, through whatever mapping or by whatever DMA. */
static int end_stores(struct inode *inode)
{
	int err = zuf_lock_mapping_killable(inode->i_mapping);

	if (err)
		return err;
	err = zuf_sync_range(inode, 0, LLONG_MAX, true);
	if (!err)
		err = zuf_mapped_end_stores(inode, ZUF_PINS_TIMEOUT);
	if (err == ZUF_BREAK_LOST)
		return -EINTR;
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

/* Context: swapon(2) holds the inode lock exclusively. */
int zuf_swap_activate(struct swap_info_struct *sis, struct file *file, sector_t *span)
{
	struct inode *inode = file_inode(file);
	int err = zuf_settle(inode, 0);

	if (!err)
		err = check_file(file);
	if (!err)
		err = end_stores(inode);
	if (err)
		return err;
	atomic_inc(&nr_active);
	*span = sis->pages;
	err = zuf_swap_through_file(sis);
	if (err < 0)
		zuf_swap_deactivate(file);
	return err;
}

/* Called by swapoff(2), and by swapon(2) when it fails after zuf_swap_activate(). */
void zuf_swap_deactivate(struct file *file)
{
	zuf_mapped_allow_stores(file_inode(file));
	atomic_dec(&nr_active);
}

static int before_sleep(struct notifier_block *block, unsigned long action, void *data)
{
	if (action != PM_HIBERNATION_PREPARE || !atomic_read(&nr_active))
		return NOTIFY_DONE;
	pr_err("no hibernation while a file is swap space: swapoff it first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block sleep_notifier = { .notifier_call = before_sleep };

int zuf_swap_init(void)
{
	return register_pm_notifier(&sleep_notifier);
}

void zuf_swap_fini(void)
{
	unregister_pm_notifier(&sleep_notifier);
}

/* ---- pages ---- */

int zuf_swap_rw(struct kiocb *iocb, struct iov_iter *iter)
{
	unsigned int noio = memalloc_noio_save();
	ssize_t ret = zuf_rw_kernel(iocb, iter, ZUF_OPF_NESTED | ZUF_OPF_UNKILLABLE);

	memalloc_noio_restore(noio);
	return ret;
}

/*
 * Somebody moves or frees blocks. The folio lock is inside the invalidate lock, so unlock the
 * folio before waiting.
 */
static int come_again(struct folio *folio)
{
	folio_unlock(folio);
	schedule_timeout_killable(1);
	return fatal_signal_pending(current) ? -EINTR : AOP_TRUNCATED_PAGE;
}

static ssize_t read_page(struct file *file, struct folio *folio)
{
	size_t size = folio_size(folio);
	struct bio_vec bvec = { .bv_page = &folio->page, .bv_len = size };
	struct iov_iter iter;
	struct kiocb iocb;

	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = folio_pos(folio);
	iov_iter_bvec(&iter, ITER_DEST, &bvec, 1, size);
	return zuf_rw_kernel(&iocb, &iter, 0);
}

/*
 * Read a page for callers that read the file through the page cache: swapon(2) reads its header,
 * uprobes read instructions, others an ELF header. The page does not stay in the page cache,
 * because nothing keeps it up to date.
 *
 * The invalidate lock keeps the blocks in place. It is outside the folio lock, which the caller
 * holds, and the caller might hold it for reading while a writer waits. So only try to take it;
 * if that fails, say "read it again" without either lock.
 *
 * uprobes replace a page of a private mapping, for which each page must have an entry of its
 * own.
 */
int zuf_read_folio(struct file *file, struct folio *folio)
{
	struct address_space *mapping = folio->mapping;
	ssize_t got = -EINVAL;

	if (file) {
		if (!filemap_invalidate_trylock_shared(mapping))
			return come_again(folio);
		got = zuf_mapped_small_private(mapping->host);
		if (!got)
			got = read_page(file, folio);
		filemap_invalidate_unlock_shared(mapping);
	}
	if (got >= 0) {
		folio_zero_segment(folio, got, folio_size(folio));
		zuf_remove_folio(mapping, folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
	return got < 0 ? got : 0;
}
