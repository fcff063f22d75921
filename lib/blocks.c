// SPDX-License-Identifier: BSD-2-Clause
/*
 * The answer of GET_MULTY: a word per page, written in runs.
 *
 * Called by plugins in get_blocks, with what the dispatcher gave them; on the path of every
 * read and write, so what is done per page is done in a loop without branches.
 */
#include <zus/io.h>

#include <stddef.h>

/* Functions of zus/io.h are compiled into plugins: what they use stays where it is. */
_Static_assert(offsetof(struct zus_blocks, n) == 36, "older plugins");
_Static_assert(offsetof(struct zus_blocks, internal.max) == 40, "older plugins");
_Static_assert(offsetof(struct zus_blocks, internal.large) == 44, "older plugins");
_Static_assert(offsetof(struct zus_blocks, internal.words) == 48, "older plugins");
_Static_assert(offsetof(struct zus_blocks, io) == 56, "older plugins");
_Static_assert(offsetof(struct zus_io, unmap_len) == 40, "older plugins");
_Static_assert(offsetof(struct zus_io, internal.msg) == 48, "older plugins");

uint32_t zus_blocks_add_run(struct zus_blocks *b, uint64_t bn, uint32_t n)
{
	uint64_t *words = b->internal.words + b->n;
	uint64_t word = zufs_iom_pack(IOM_T1_READ, zufs_dpp_from_block(bn, ZUFS_POOL_T1));
	uint64_t step = bn ? zufs_dpp_from_block(1, ZUFS_POOL_T1) : 0;
	uint32_t i;

	if (n > zus_blocks_room(b))
		n = zus_blocks_room(b);
#pragma GCC unroll 8
	for (i = 0; i < n; i++, word += step)
		words[i] = word;
	b->n += n;
	return n;
}
