/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * futexkey.h - what futex(2) tells words in shared mappings apart by
 */
#ifndef ZUF_FUTEXKEY_H
#define ZUF_FUTEXKEY_H

#include <linux/mm_types.h>

int zuf_futexkey_init(void);
void zuf_futexkey_fini(void);

/* For a mapped file: its page @n has the key zuf_futexkey_new() + n. */
u64 zuf_futexkey_new(void);

/**
 * zuf_futexkey_set() - let futexes work in pages of T1
 * @page: the first of @nr that lie in a row, in T1 as in the file: one, or all of an
 *	aligned 2 MiB
 * @key: of the first one
 * Context: the lock of the file's record; the frames stay in the record until
 * zuf_futexkey_clear() was called.
 */
void zuf_futexkey_set(struct page *page, unsigned long nr, u64 key);

/* What has another key by now keeps it. */
void zuf_futexkey_clear(struct page *page, unsigned long nr, u64 key);

#endif
