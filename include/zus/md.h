/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device set (multi-device) of a super-block: mapped T1, the geometry of T2, and the
 * device tables that mkfs writes.
 *
 * T1 is one linear array of 4 KiB blocks: the T1 devices back to back in table order. The
 * first block of *every* T1 device holds its device table and is not free for the file system
 * (zus_md_reserved_block). Without a table (the device `none`, and types whose dt_offset is ~0)
 * no block is reserved, but block 0 of T1 still has no number of its own: in the answer of
 * get_blocks 0 is a hole. The set is immutable while it is mounted; its memory belongs to the core.
 */
#ifndef ZUS_MD_H
#define ZUS_MD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zuf/zus_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZUS_BLOCK_SHIFT	12
#define ZUS_BLOCK_SIZE	((uint64_t)1 << ZUS_BLOCK_SHIFT)

struct zus_md {
	uint8_t *t1;			/* block 0 of T1 */
	uint64_t t1_blocks;
	uint64_t t2_blocks;
	struct md_dev_table mdt;	/* a copy; made up by the kernel if there is no table */
	uint32_t dev_index;		/* the entry that was given to mount */
	uint32_t flags;			/* ZUFS_PMEM_*, of GRAB_PMEM */
};

/* Where block bn < t1_blocks lies, and back. */
static inline void *zus_t1_addr(const struct zus_md *md, uint64_t bn)
{
	return md->t1 + (bn << ZUS_BLOCK_SHIFT);
}

static inline uint64_t zus_t1_bn(const struct zus_md *md, const void *addr)
{
	return (uint64_t)((const uint8_t *)addr - md->t1) >> ZUS_BLOCK_SHIFT;
}

/* An 8-byte aligned address in T1 as the dpp_t that goes to the kernel; NULL = 0. */
static inline dpp_t zus_t1_dpp(const struct zus_md *md, const void *addr)
{
	if (!addr)
		return 0;
	return zufs_dpp_pack((uint64_t)((const uint8_t *)addr - md->t1), ZUFS_POOL_T1);
}

/* The reverse; NULL for 0, for another pool and for an offset outside of T1. */
void *zus_t1_ptr(const struct zus_md *md, dpp_t dpp);

/* True if addr .. addr + bytes lies in T1. */
bool zus_t1_contains(const struct zus_md *md, const void *addr, size_t bytes);

/*
 * False: no table lies in T1, and the kernel has made mdt up, with one device and without UUIDs.
 */
bool zus_md_has_table(const struct zus_md *md);
/* True for the blocks that hold device tables; of none without a device table. */
bool zus_md_reserved_block(const struct zus_md *md, uint64_t bn);

/*
 * True: T1 is persistent memory that a flush and a fence make durable (zus/pmem.h). False: it is
 * not (memory of the kernel, virtio-pmem, whose host must be asked), or the kernel does not say.
 */
static inline bool zus_md_is_synchronous(const struct zus_md *md)
{
	return md->flags & ZUFS_PMEM_SYNC;
}

/* Number of T1 and of T2 devices, 4 KiB blocks of one of them (index over T1, then T2). */
unsigned int zus_md_t1_count(const struct md_dev_table *mdt);
unsigned int zus_md_t2_count(const struct md_dev_table *mdt);
uint64_t zus_md_dev_blocks(const struct md_dev_table *mdt, unsigned int index);

/* Where block bn of T2 is: index of the device in the table and block on it. -ERANGE. */
int zus_md_t2_locate(const struct md_dev_table *mdt, uint64_t bn, unsigned int *index,
		     uint64_t *dev_bn);

/* ---- device tables, for mkfs and fsck ---- */

struct zus_mdt_dev {
	uint8_t uuid[16];		/* of the device: where udev will find it */
	uint64_t bytes;			/* size to use; a multiple of 2 MiB, not 0 */
};

struct zus_mdt_spec {
	uint32_t magic;			/* register_fs_info.FS_magic */
	uint32_t version_major;
	uint32_t version_minor;
	uint64_t flags;			/* MDT_F_* */
	uint8_t uuid[16];		/* of the set */
	unsigned int t1_count;		/* at least one */
	unsigned int t2_count;
	const struct zus_mdt_dev *devs;	/* T1 devices first, then T2 */
};

/* Fills a table for the device of the list's first entry; 0, -EINVAL or -E2BIG. */
int zus_mdt_build(const struct zus_mdt_spec *spec, struct md_dev_table *mdt);

/* Makes it the table of device `index` of the set: sets id_index and the checksum. */
void zus_mdt_set_index(struct md_dev_table *mdt, unsigned int index);

/*
 * Checks a table by itself: magic, version, checksum, counts, sizes, sums. 0, or -EINVAL
 * and *why = a short text (why may be NULL).
 */
int zus_mdt_check(const struct md_dev_table *mdt, uint32_t magic, uint32_t version_major,
		  uint32_t version_minor, const char **why);

/* Reads or writes (and syncs) the table of an open device or file. 0 or -errno. */
int zus_mdt_read(int fd, uint64_t dt_offset, struct md_dev_table *mdt);
int zus_mdt_write(int fd, uint64_t dt_offset, const struct md_dev_table *mdt);

/* A new random UUID. */
void zus_uuid_generate(uint8_t uuid[16]);
/* The usual text, 36 characters and a NUL; and back: 0 or -EINVAL. */
void zus_uuid_format(const uint8_t uuid[16], char text[37]);
int zus_uuid_parse(const char *text, uint8_t uuid[16]);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_MD_H */
