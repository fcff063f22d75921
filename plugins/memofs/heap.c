// SPDX-License-Identifier: BSD-2-Clause
/*
 * Accounts of heap memory: what users can make grow without taking blocks of T1 for it.
 *
 * A file of a few blocks that lie far apart needs an index of the same size, and a clone of it
 * another one and no block at all; hard links need names, and no inode; an empty file is a handle
 * of 230 bytes for 128 bytes of T1. So each kind has an account, and an end that is a part of T1's
 * size; behind that whoever wants more gets -ENOSPC, as if T1 were full. What is freed goes
 * back to its account at once.
 *
 * Called by all that allocate for an operation, on any thread; sums are atomic. What is small for
 * each block of T1 (bitmaps, lists of replaced blocks) needs no account.
 */
#include "memofs.h"

static uint64_t part_of_t1(const struct memofs_sb *msb, unsigned int part)
{
	return (msb->blocks << ZUS_BLOCK_SHIFT) / part;
}

void memofs_heaps_init(struct memofs_sb *msb)
{
	msb->nodes.max = part_of_t1(msb, 2);
	msb->names.max = part_of_t1(msb, 2);
	msb->handles.max = part_of_t1(msb, 1);
	msb->xattrs.max = part_of_t1(msb, 8);
}

void *memofs_heap_alloc(struct memofs_sb *msb, struct memofs_heap *heap, uint64_t bytes, int *err)
{
	void *mem = NULL;

	*err = -ENOSPC;
	if (__atomic_add_fetch(&heap->bytes, bytes, __ATOMIC_RELAXED) <= heap->max) {
		mem = zus_alloc(msb->sb.env, bytes);
		*err = mem ? 0 : -ENOMEM;
	}
	if (!mem)
		__atomic_fetch_sub(&heap->bytes, bytes, __ATOMIC_RELAXED);
	return mem;
}

void memofs_heap_free(struct memofs_sb *msb, struct memofs_heap *heap, void *mem, uint64_t bytes)
{
	if (!mem)
		return;
	__atomic_fetch_sub(&heap->bytes, bytes, __ATOMIC_RELAXED);
	zus_free(msb->sb.env, mem);
}

uint64_t memofs_heap_left(const struct memofs_heap *heap)
{
	uint64_t used = __atomic_load_n(&heap->bytes, __ATOMIC_RELAXED);

	return used < heap->max ? heap->max - used : 0;
}
