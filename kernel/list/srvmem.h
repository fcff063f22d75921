/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * srvmem.h - pin the memory of a server that a list of commands names
 *
 * This memory may lie anywhere: on a file system that hangs, on one of ours, or where no page
 * comes until somebody provides it (userfaultfd). So the server's own thread pins it, before that
 * thread holds, counts or has answered anything, and nobody waits for the pages at the end.
 */
#ifndef ZUF_SRVMEM_H
#define ZUF_SRVMEM_H

#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct page;

/* Most pages that one list may pin. */
#define ZUF_SRVMEM_MAX	(SZ_64M >> PAGE_SHIFT)

struct zuf_srvmem {
	struct page **pages;		/* in the order of the list */
	unsigned long *read_into;	/* a bit per page: a device writes it */
	unsigned int nr;
	struct delayed_work late;	/* pages that could not be marked yet */
};

/**
 * zuf_srvmem_pin() - pin the memory that the elements of a list name
 * Context: the thread whose memory it is; page faults are waited for, killably.
 * Return: NULL: the elements name no memory; ERR_PTR(-EFAULT, -E2BIG, -ENOMEM, -EINTR; -EIO: the
 * list is bad, as zuf_list_create() will find).
 */
struct zuf_srvmem *zuf_srvmem_pin(const u64 *words, u32 n);
/* Unpin memory that was not used. @mem may be NULL or an ERR_PTR. */
void zuf_srvmem_drop(struct zuf_srvmem *mem);
/* The devices have done with the memory: mark it dirty, unpin it. Waits for no page. Also NULL. */
void zuf_srvmem_done(struct zuf_srvmem *mem);

int zuf_srvmem_init(void);
void zuf_srvmem_fini(void);

#endif
