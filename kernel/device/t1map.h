/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * t1map.h - addresses and pages of T1, and the mapping of T1 by the server
 */
#ifndef ZUF_T1MAP_H
#define ZUF_T1MAP_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include "devset.h"

/* Pages of 4 KiB that one large entry maps: 2 MiB. */
#define ZUF_HUGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define ZUF_HUGE_PAGES	(1UL << ZUF_HUGE_ORDER)

/**
 * zuf_t1_addr() - kernel address of @len bytes at a byte-form dpp_t
 * Return: NULL unless the bytes are in pool 0, at an offset other than 0, inside T1 and
 * contiguous.
 */
void __shm *zuf_t1_addr(struct zuf_devset *ds, u64 dpp, size_t len);

/**
 * zuf_t1_page() - get the struct pages of T1, for block I/O
 * @offset: in bytes, page aligned; *@len bytes from there lie inside of T1
 * @len: in: bytes wanted; out: bytes from there that are contiguous
 * Context: may sleep (a chunk of a device-less T1 is allocated if it is not there).
 * Return: the first page, or NULL: no memory.
 */
struct page *zuf_t1_page(struct zuf_devset *ds, u64 offset, size_t *len);

/**
 * zuf_t1_block_page() - zuf_t1_page() for @nr blocks that the server has named
 * Return: the first page; NULL: no memory, or the blocks are not all in T1 and contiguous.
 */
struct page *zuf_t1_block_page(struct zuf_devset *ds, u64 block, unsigned long nr);

/* Is data durable on all of T1 as soon as it is out of the CPU caches (MAP_SYNC)? */
bool zuf_t1_is_synchronous(const struct zuf_devset *ds);

/* Handle a fault of the server's mapping of T1; @order is 0 or 9; the file offset is in pages. */
vm_fault_t zuf_t1_fault(struct zuf_devset *ds, struct vm_fault *vmf, unsigned int order);

#endif
