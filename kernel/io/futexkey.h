/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * futexkey.h - keys by which futex(2) identifies words in shared mappings
 */
#ifndef ZUF_FUTEXKEY_H
#define ZUF_FUTEXKEY_H

#include <linux/mm_types.h>

int zuf_futexkey_init(void);
void zuf_futexkey_fini(void);

/* Return a key for a mapped file: page @n of the file has the key zuf_futexkey_new() + n. */
u64 zuf_futexkey_new(void);

/**
 * zuf_futexkey_set() - make futexes work in pages of T1
 * @page: the first of @nr pages that are adjacent in T1 and in the file: one page, or all pages
 *	of an aligned 2 MiB
 * @key: key of the first page
 * Context: the caller holds the lock of the file's record. The frames must stay in the record
 * until zuf_futexkey_clear() is called.
 */
void zuf_futexkey_set(struct page *page, unsigned long nr, u64 key);

/* Remove the keys; a page that has another key by now keeps that key. */
void zuf_futexkey_clear(struct page *page, unsigned long nr, u64 key);

#endif
