// SPDX-License-Identifier: GPL-2.0-only
/*
 * dtable.c - read device tables from the media and check them, make them up, write them back
 *
 * Called by devset.c while a set is opened, and to stamp it. A table is read
 * by a bio of its own, not through the page cache, into memory that only the
 * caller knows. No locking. The rules themselves are in dtcheck.c.
 */
#include "dtable.h"

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/libnvdimm.h>
#include <linux/string.h>
#include "dtcheck.h"
#include "whynot.h"

static int table_is_on_device(struct block_device *bdev, const struct zuf_devset_spec *spec)
{
	u64 dt_offset = spec->dt_offset;
	u64 bytes = bdev_nr_bytes(bdev);

	if (bytes < MDT_SIZE || dt_offset > bytes - MDT_SIZE) {
		zuf_whynot(spec->fc,
			   "%pg: device table: no room: expected %u bytes at %llu, found %llu",
			   bdev, MDT_SIZE, dt_offset, bytes);
		return -EINVAL;
	}
	if (dt_offset & (bdev_logical_block_size(bdev) - 1)) {
		zuf_whynot(spec->fc,
			   "%pg: device table: offset: expected a multiple of %u, found %llu",
			   bdev, bdev_logical_block_size(bdev), dt_offset);
		return -EINVAL;
	}
	return 0;
}

static int table_read(struct block_device *bdev, const struct zuf_devset_spec *spec,
		      struct md_dev_table *mdt)
{
	u64 dt_offset = spec->dt_offset;
	struct bio_vec vec;
	struct page *page;
	struct bio bio;
	int err;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;

	bio_init(&bio, bdev, &vec, 1, REQ_OP_READ | REQ_SYNC | REQ_META);
	bio.bi_iter.bi_sector = dt_offset >> SECTOR_SHIFT;
	__bio_add_page(&bio, page, MDT_SIZE, 0);
	err = submit_bio_wait(&bio);
	bio_uninit(&bio);

	if (err)
		zuf_whynot(spec->fc, "%pg: cannot read the device table at %llu: %pe",
			   bdev, dt_offset, ERR_PTR(err));
	else
		memcpy(mdt, page_address(page), sizeof(*mdt));
	__free_page(page);
	return err;
}

static void dtable_report(struct block_device *bdev, const struct zuf_devset_spec *spec,
			  const struct zuf_dtable_fault *fault)
{
	if (fault->entry < 0)
		zuf_whynot(spec->fc, "%pg: device table: %s: expected %s%#llx, found %#llx", bdev,
			   fault->what, fault->rel, fault->expected, fault->found);
	else
		zuf_whynot(spec->fc,
			   "%pg: device table, device %d: %s: expected %s%#llx, found %#llx",
			   bdev, fault->entry, fault->what, fault->rel, fault->expected,
			   fault->found);
}

int zuf_dtable_load(struct block_device *bdev, const struct zuf_devset_spec *spec,
		    struct md_dev_table *mdt)
{
	const struct zuf_dtable_want want = {
		.magic = spec->magic,
		.ver_major = spec->ver_major,
		.ver_minor = spec->ver_minor,
		.dev_bytes = bdev_nr_bytes(bdev),
	};
	struct zuf_dtable_fault fault;
	int err;

	err = table_is_on_device(bdev, spec);
	if (err)
		return err;
	err = table_read(bdev, spec, mdt);
	if (err)
		return err;
	err = zuf_dtable_check(mdt, &want, &fault);
	if (err)
		dtable_report(bdev, spec, &fault);
	return err;
}

int zuf_dtable_load_member(struct block_device *bdev, const struct zuf_devset_spec *spec,
			   const struct md_dev_table *first, unsigned int index,
			   struct md_dev_table *mdt)
{
	struct zuf_dtable_fault fault;
	int err;

	err = zuf_dtable_load(bdev, spec, mdt);
	if (err)
		return err;
	err = zuf_dtable_match(first, mdt, index, &fault);
	if (err)
		dtable_report(bdev, spec, &fault);
	return err;
}

static void dtable_seal(struct md_dev_table *mdt)
{
	mdt->s_sum = cpu_to_le16(md_table_sum(mdt));
}

void zuf_dtable_make(struct md_dev_table *mdt, const struct zuf_devset_spec *spec,
		     bool is_t1, u64 blocks)
{
	memset(mdt, 0, sizeof(*mdt));
	mdt->s_version = cpu_to_le16(spec->ver_major * MD_MINORS_PER_MAJOR + spec->ver_minor);
	mdt->s_magic = cpu_to_le32(spec->magic);
	if (is_t1) {
		mdt->s_t1_blocks = cpu_to_le64(blocks);
		mdt->s_dev_list.t1_count = cpu_to_le16(1);
	} else {
		mdt->s_t2_blocks = cpu_to_le64(blocks);
		mdt->s_dev_list.t2_count = cpu_to_le16(1);
	}
	mdt->s_dev_list.dev_ids[0].blocks = cpu_to_le64(blocks);
	dtable_seal(mdt);
}

void zuf_dtable_set_node(struct md_dev_table *mdt, unsigned int entry, int node)
{
	u64 blocks = zuf_dtable_blocks(mdt, entry);

	/* The field has 4 bits; a node that does not fit is left out. */
	if (node > 0 && node < 1 << (64 - MD_DEV_NUMA_SHIFT))
		blocks |= (u64)node << MD_DEV_NUMA_SHIFT;
	mdt->s_dev_list.dev_ids[entry].blocks = cpu_to_le64(blocks);
	dtable_seal(mdt);
}

void zuf_dtable_stamp(struct md_dev_table *mdt, u64 now_ns, bool mounting)
{
	if (mounting)
		WRITE_ONCE(mdt->s_mtime, cpu_to_le64(now_ns));
	WRITE_ONCE(mdt->s_wtime, cpu_to_le64(now_ns));
	arch_wb_cache_pmem(&mdt->s_mtime, sizeof(mdt->s_mtime) + sizeof(mdt->s_wtime));
	pmem_wmb();
}
