/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dtcheck.h - rules that a device table must keep
 *
 * Pure functions on a private copy of a table: they use no kernel types, so that the
 * unit tests compile them in user space. dtable.c reads the table and prints
 * the broken rule.
 */
#ifndef ZUF_DTCHECK_H
#define ZUF_DTCHECK_H

#include "zuf/md_def.h"

#ifdef __KERNEL__
#include <asm/byteorder.h>
#else
#include <endian.h>
#define le16_to_cpu(v) le16toh(v)
#define le32_to_cpu(v) le32toh(v)
#define le64_to_cpu(v) le64toh(v)
#endif

#define ZUF_DT_BLOCK_SHIFT	12
#define ZUF_DT_ALIGN_BLOCKS	512ULL		/* 2 MiB */
/* Most blocks of all of T1 or T2; twice their bytes still fit a signed 64-bit number. */
#define ZUF_DT_MAX_BLOCKS	(1ULL << 49)

/* What the reader of a table requires of it. */
struct zuf_dtable_want {
	__u32 magic;
	__u32 ver_major;
	__u32 ver_minor;	/* newest one that is understood */
	__u64 dev_bytes;	/* size of the device that carries the table */
};

/* A broken rule, to be printed as "what: expected rel expected, found found". */
struct zuf_dtable_fault {
	int entry;		/* of the device list, -1 = the table as a whole */
	const char *what;
	const char *rel;	/* "" or "at most " and the like */
	__u64 expected;
	__u64 found;
};

static inline unsigned int zuf_dtable_nr_t1(const struct md_dev_table *mdt)
{
	return le16_to_cpu(mdt->s_dev_list.t1_count);
}

static inline unsigned int zuf_dtable_nr_t2(const struct md_dev_table *mdt)
{
	return le16_to_cpu(mdt->s_dev_list.t2_count);
}

static inline unsigned int zuf_dtable_nr(const struct md_dev_table *mdt)
{
	return zuf_dtable_nr_t1(mdt) + zuf_dtable_nr_t2(mdt);
}

static inline unsigned int zuf_dtable_index(const struct md_dev_table *mdt)
{
	return le16_to_cpu(mdt->s_dev_list.id_index);
}

static inline __u64 zuf_dtable_blocks(const struct md_dev_table *mdt, unsigned int entry)
{
	return le64_to_cpu(mdt->s_dev_list.dev_ids[entry].blocks) & MD_DEV_BLOCKS_MASK;
}

static inline unsigned int zuf_dtable_node(const struct md_dev_table *mdt, unsigned int entry)
{
	return (unsigned int)(le64_to_cpu(mdt->s_dev_list.dev_ids[entry].blocks) >>
			      MD_DEV_NUMA_SHIFT);
}

/* Blocks that a device needs: a T1 device with a shadow is twice its size. */
static inline __u64 zuf_dtable_need(const struct md_dev_table *mdt, unsigned int entry)
{
	__u64 blocks = zuf_dtable_blocks(mdt, entry);

	if ((le64_to_cpu(mdt->s_flags) & MDT_F_SHADOW) && entry < zuf_dtable_nr_t1(mdt))
		blocks *= 2;
	return blocks;
}

/**
 * zuf_dtable_check() - check that @mdt is the valid table of a device of that size
 * Return: 0, or -EINVAL with the first broken rule in @fault.
 */
int zuf_dtable_check(const struct md_dev_table *mdt, const struct zuf_dtable_want *want,
		     struct zuf_dtable_fault *fault);

/**
 * zuf_dtable_match() - check that @mdt is the table of entry @index of the same set
 * @first: table of the set; it has passed zuf_dtable_check(), as @mdt has
 * Return: as zuf_dtable_check().
 */
int zuf_dtable_match(const struct md_dev_table *first, const struct md_dev_table *mdt,
		     unsigned int index, struct zuf_dtable_fault *fault);

#endif
