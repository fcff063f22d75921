/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * Device table of a ZUFS device set: the first 4096 bytes of every device.
 *
 * Read by the kernel at mount, by the server (a copy comes with GRAB_PMEM) and
 * by the mkfs/fsck tools. Everything is little endian. All tables of a set are
 * equal but for s_dev_list.id_index, s_sum and the part after s_start_dynamic.
 * The server gets a copy by value; nobody shares the table while it changes.
 */
#ifndef _ZUF_MD_DEF_H
#define _ZUF_MD_DEF_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

#ifdef __cplusplus
#define ZUFS_STATIC_ASSERT(cond) static_assert(cond, #cond)
#else
#define ZUFS_STATIC_ASSERT(cond) _Static_assert(cond, #cond)
#endif
#define ZUFS_SIZE_IS(type, size) ZUFS_STATIC_ASSERT(sizeof(struct type) == (size))
#define ZUFS_FIELD_AT(type, field, off) \
	ZUFS_STATIC_ASSERT(offsetof(struct type, field) == (off))

#define MDT_SIZE		4096	/* bytes reserved on each device */
#define MDT_STATIC_SIZE		1664	/* bytes 2 .. this are checksummed */
/* On the first T1 device a name for people, if the file system keeps it here; zeros behind it. */
#define MDT_LABEL_OFFSET	2048
#define MDT_LABEL_SIZE		256
#define MD_DEV_MAX		64	/* entries of the device list */
#define MD_DEV_NUMA_SHIFT	60	/* NUMA node in the top bits of md_dev_id.blocks */
#define MD_DEV_BLOCKS_MASK	0x0fffffffffffffffULL
#define MD_MINORS_PER_MAJOR	1024	/* s_version = major * this + minor */
#define MD_CRC_START		0xffff	/* CRC-16, reflected 0x8005, no final xor */

/* md_dev_table.s_flags */
#define MDT_F_SHADOW		(1ULL << 0)	/* T1 devices carry a second half: the shadow */
#define MDT_F_POSIXACL		(1ULL << 1)
#define MDT_F_USER_START	8		/* first bit that belongs to the file system */

struct md_uuid {
	__u8	b[16];			/* big endian, as printed */
};

struct md_dev_id {
	struct md_uuid	uuid;
	__le64		blocks;		/* 4 KiB blocks | NUMA node << MD_DEV_NUMA_SHIFT */
};
ZUFS_SIZE_IS(md_dev_id, 24);

struct md_dev_list {
	__le16	id_index;		/* the entry that describes the device it is read from */
	__le16	t1_count;
	__le16	t2_count;
	__le16	rmem_count;		/* 0 */
	struct md_dev_id dev_ids[MD_DEV_MAX];	/* T1 devices, then T2 devices */
	__u8	__pad[56];
};
ZUFS_SIZE_IS(md_dev_list, 1600);
ZUFS_FIELD_AT(md_dev_list, dev_ids, 8);

struct md_dev_table {
	/* static part, checksummed from s_version on */
	__le16	s_sum;
	__le16	s_version;
	__le32	s_magic;		/* register_fs_info.FS_magic of its file system */
	struct md_uuid s_uuid;		/* of the set */
	__le64	s_flags;		/* MDT_F_* */
	__le64	s_t1_blocks;		/* 4 KiB blocks, sum over the T1 devices */
	__le64	s_t2_blocks;
	__u8	__pad1[16];
	struct md_dev_list s_dev_list;
	/* dynamic part, not checksummed */
	__u8	s_start_dynamic[0];
	__le64	s_mtime;		/* last mount, ns since the epoch */
	__le64	s_wtime;		/* last change of the table */
	__u8	__pad2[48];
};
ZUFS_SIZE_IS(md_dev_table, 1728);
ZUFS_FIELD_AT(md_dev_table, s_dev_list, 64);
ZUFS_FIELD_AT(md_dev_table, s_start_dynamic, MDT_STATIC_SIZE);

/* CRC-16 with the table's polynomial; start a new sum with MD_CRC_START. */
static inline __u16 md_crc16(__u16 crc, const void *data, __u32 len)
{
	const __u8 *p = (const __u8 *)data;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = (__u16)((crc >> 1) ^ ((crc & 1) ? 0xa001 : 0));
	}
	return crc;
}

/* The sum that belongs into s_sum (as a host-order number). */
static inline __u16 md_table_sum(const struct md_dev_table *mdt)
{
	return md_crc16(MD_CRC_START, (const __u8 *)mdt + sizeof(mdt->s_sum),
			MDT_STATIC_SIZE - sizeof(mdt->s_sum));
}

#endif /* _ZUF_MD_DEF_H */
