// SPDX-License-Identifier: BSD-2-Clause
/*
 * Geometry of a device set: which device a block lies on, which addresses are T1's.
 *
 * Called by plugins on the I/O path (the translation functions) and at mount. Works on the
 * immutable struct zus_md only; no locks.
 */
#include <zus/md.h>

#include <endian.h>
#include <errno.h>
#include <string.h>

void *zus_t1_ptr(const struct zus_md *md, dpp_t dpp)
{
	uint64_t off = zufs_dpp_offset(dpp);

	if (!off || zufs_dpp_pool(dpp) != ZUFS_POOL_T1 || off >= md->t1_blocks << ZUS_BLOCK_SHIFT)
		return NULL;
	return md->t1 + off;
}

bool zus_t1_contains(const struct zus_md *md, const void *addr, size_t bytes)
{
	uint64_t size = md->t1_blocks << ZUS_BLOCK_SHIFT;
	uint64_t off = (uint64_t)(uintptr_t)addr - (uint64_t)(uintptr_t)md->t1;

	return off < size && bytes <= size - off;
}

unsigned int zus_md_t1_count(const struct md_dev_table *mdt)
{
	return le16toh(mdt->s_dev_list.t1_count);
}

unsigned int zus_md_t2_count(const struct md_dev_table *mdt)
{
	return le16toh(mdt->s_dev_list.t2_count);
}

uint64_t zus_md_dev_blocks(const struct md_dev_table *mdt, unsigned int index)
{
	return le64toh(mdt->s_dev_list.dev_ids[index].blocks) & MD_DEV_BLOCKS_MASK;
}

bool zus_md_has_table(const struct zus_md *md)
{
	static const struct md_uuid none;

	/* the kernel makes up one device; a set has the UUIDs by which its members are found */
	return zus_md_t1_count(&md->mdt) + zus_md_t2_count(&md->mdt) > 1 ||
	       memcmp(&md->mdt.s_uuid, &none, sizeof(none)) ||
	       memcmp(&md->mdt.s_dev_list.dev_ids[0].uuid, &none, sizeof(none));
}

bool zus_md_reserved_block(const struct zus_md *md, uint64_t bn)
{
	unsigned int i, n = zus_md_has_table(md) ? zus_md_t1_count(&md->mdt) : 0;
	uint64_t start = 0;

	for (i = 0; i < n && start <= bn; i++) {
		if (bn == start)
			return true;
		start += zus_md_dev_blocks(&md->mdt, i);
	}
	return false;
}

int zus_md_t2_locate(const struct md_dev_table *mdt, uint64_t bn, unsigned int *index,
		     uint64_t *dev_bn)
{
	unsigned int i = zus_md_t1_count(mdt);
	unsigned int end = i + zus_md_t2_count(mdt);

	for (; i < end; i++) {
		uint64_t blocks = zus_md_dev_blocks(mdt, i);

		if (bn < blocks) {
			*index = i;
			*dev_bn = bn;
			return 0;
		}
		bn -= blocks;
	}
	return -ERANGE;
}
