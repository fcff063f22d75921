// SPDX-License-Identifier: BSD-2-Clause
/*
 * t2.c - which T2 blocks are free. Next-fit, so that what goes down together lies
 * together. Under cold_sb.lock but for init and fini.
 */
#include "cold.h"

#define WORD_BITS	64

static void set_used(struct cold_sb *csb, uint64_t bn)
{
	csb->t2_bits[bn / WORD_BITS] |= (uint64_t)1 << bn % WORD_BITS;
	csb->t2_free--;
}

static bool is_used(const struct cold_sb *csb, uint64_t bn)
{
	return csb->t2_bits[bn / WORD_BITS] >> bn % WORD_BITS & 1;
}

int cold_t2_init(struct cold_sb *csb)
{
	const struct zus_md *md = csb->msb.sb.md;
	unsigned int i, t1 = zus_md_t1_count(&md->mdt), t2 = zus_md_t2_count(&md->mdt);
	uint64_t bn = 0;

	csb->t2_blocks = md->t2_blocks;
	csb->t2_free = csb->t2_blocks;
	csb->t2_bits = zus_alloc_array(csb->msb.sb.env, csb->t2_blocks / WORD_BITS + 1,
				       sizeof(*csb->t2_bits));
	if (!csb->t2_bits)
		return -ENOMEM;
	/* the first block of each device has its table */
	for (i = 0; i < t2; i++) {
		set_used(csb, bn);
		bn += zus_md_dev_blocks(&md->mdt, t1 + i);
	}
	return 0;
}

void cold_t2_fini(struct cold_sb *csb)
{
	uint64_t tables = zus_md_t2_count(&csb->msb.sb.md->mdt);

	if (csb->t2_free + tables != csb->t2_blocks)
		zus_err(csb->msb.sb.env, "coldfs: %llu T2 blocks were lost",
			(unsigned long long)(csb->t2_blocks - tables - csb->t2_free));
	zus_free(csb->msb.sb.env, csb->t2_bits);
}

uint64_t cold_t2_alloc(struct cold_sb *csb)
{
	uint64_t bn = csb->t2_hint;

	if (!csb->t2_free)
		return 0;
	do {
		bn = bn + 1 < csb->t2_blocks ? bn + 1 : 0;
	} while (is_used(csb, bn));
	set_used(csb, bn);
	csb->t2_hint = bn;
	return bn;
}

void cold_t2_free(struct cold_sb *csb, uint64_t bn)
{
	if (!is_used(csb, bn)) {
		zus_err(csb->msb.sb.env, "coldfs: T2 block %llu freed twice",
			(unsigned long long)bn);
		return;
	}
	csb->t2_bits[bn / WORD_BITS] &= ~((uint64_t)1 << bn % WORD_BITS);
	csb->t2_free++;
}
