// SPDX-License-Identifier: BSD-2-Clause
/*
 * The answer of GET_MULTY: a word per page, written in runs.
 *
 * Called by plugins in get_blocks, with what the dispatcher gave them; on the path of every
 * read and write, so what is done per page is done in a loop without branches.
 */
#include <zus/io.h>

uint32_t zus_blocks_add_run(struct zus_blocks *b, uint64_t bn, uint32_t n)
{
	uint64_t *words = b->words + b->n;
	uint64_t word = zufs_iom_pack(IOM_T1_READ, zufs_dpp_from_block(bn, ZUFS_POOL_T1));
	uint64_t step = bn ? zufs_dpp_from_block(1, ZUFS_POOL_T1) : 0;
	uint32_t i;

	if (n > b->max - b->n)
		n = b->max - b->n;
#pragma GCC unroll 8
	for (i = 0; i < n; i++, word += step)
		words[i] = word;
	b->n += n;
	return n;
}
