/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * swap.h - address-space operations of a file that may be swap space
 */
#ifndef ZUF_SWAP_H
#define ZUF_SWAP_H

#include <linux/types.h>

struct file;
struct folio;
struct iov_iter;
struct kiocb;
struct swap_info_struct;

/* Called at module load and unload. */
int zuf_swap_init(void);
void zuf_swap_fini(void);

int zuf_swap_activate(struct swap_info_struct *sis, struct file *file, sector_t *span);
void zuf_swap_deactivate(struct file *file);
/* Context: reclaim or a page fault, under any locks of the VM. Return: bytes or -errno. */
int zuf_swap_rw(struct kiocb *iocb, struct iov_iter *iter);
int zuf_read_folio(struct file *file, struct folio *folio);

#endif
