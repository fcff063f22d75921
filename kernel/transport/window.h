/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * window.h - what a server sees of an application: copy pages and mapped pages of a channel
 */
#ifndef ZUF_WINDOW_H
#define ZUF_WINDOW_H

#include <linux/mm.h>
#include "op.h"

struct zuf_chan;

extern const struct vm_operations_struct zuf_win_vm_ops;

/**
 * zuf_win_pin() - pin user pages of an iterator, without faulting any in
 * @win: becomes ZUF_WIN_PAGES with as many bytes as could be pinned
 * @len: wanted, from the current position of @iter, which is not advanced
 *
 * Return: bytes (> 0), or -EFAULT (the first page is not present),
 * -EOPNOTSUPP (not user memory), -ENOMEM.
 */
ssize_t zuf_win_pin(struct zuf_win *win, struct iov_iter *iter, size_t len, bool to_server);
/**
 * zuf_win_unpin() - unpin the pinned pages, without waiting for any
 * Context: the operation is over, no channel is held.
 * Return: true; false: pages are left that the server has stored to, but that cannot be marked
 * dirty now because somebody has locked them: zuf_win_unpin_late() must follow.
 */
bool zuf_win_unpin(struct zuf_win *win);
/**
 * zuf_unpin_marked() - mark pages dirty and unpin them, except for those that are locked
 * Return: how many these are; they stand at the beginning.
 */
unsigned int zuf_unpin_marked(struct page **pages, unsigned int nr);
/*
 * Mark and unpin the pages that are left. Waits for page locks, so for whatever file system the
 * pages belong to.
 */
void zuf_win_unpin_late(struct page **pages, unsigned int nr);

/**
 * zuf_win_open() - show the window to the server; hdr->offset and len are set
 * Context: the channel is claimed.
 * Return: 0, -EFAULT (nothing could be copied in without a page fault), -E2BIG, -EIO (the
 * server unmapped its window or is gone), -EAGAIN (PAGES: win->refused), -ENOMEM.
 */
int zuf_win_open(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr);
/* Copy @bytes of the server's data out; sets win->done. */
void zuf_win_take(struct zuf_chan *ch, struct zuf_win *win, size_t bytes);
/* Nothing of the application is visible after this; the caller must unpin its pages. */
void zuf_win_close(struct zuf_chan *ch, struct zuf_win *win);
/* The operation failed: put the iterator back to where it was. */
void zuf_win_abort(struct zuf_win *win);
/* Wipe what the copy pages show of the application. */
void zuf_win_clear(struct zuf_chan *ch);
/* Nobody waits for the pages that a channel shows: unmap and unpin them. */
void zuf_win_drop_pages(struct zuf_chan *ch);
/* zuf_win_drop_pages() when no mapping is left. */
void zuf_win_unpin_pages(struct zuf_chan *ch);

/* Map the window; vma->vm_pgoff is 0. */
int zuf_win_mmap(struct zuf_chan *ch, struct vm_area_struct *vma);

#endif
