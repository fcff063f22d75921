/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dtable.h - read device tables from the media and check them, make them up, write them back
 */
#ifndef ZUF_DTABLE_H
#define ZUF_DTABLE_H

#include "devset.h"

struct block_device;

/**
 * zuf_dtable_load() - read the table of a device and check it
 * Return: 0, -EIO, -ENOMEM, or -EINVAL (there is no table, or a bad one); zuf_whynot()
 * has said why.
 */
int zuf_dtable_load(struct block_device *bdev, const struct zuf_devset_spec *spec,
		    struct md_dev_table *mdt);

/* zuf_dtable_load() for entry @index of the set whose first table is @first. */
int zuf_dtable_load_member(struct block_device *bdev, const struct zuf_devset_spec *spec,
			   const struct md_dev_table *first, unsigned int index,
			   struct md_dev_table *mdt);

/* Make a table in memory for one device that has none on the media. */
void zuf_dtable_make(struct md_dev_table *mdt, const struct zuf_devset_spec *spec,
		     bool is_t1, u64 blocks);

/* Write the NUMA node of an entry; the table has a valid checksum afterwards. */
void zuf_dtable_set_node(struct md_dev_table *mdt, unsigned int entry, int node);

/* Write the times into a table in T1 memory, and write them back from the CPU caches. */
void zuf_dtable_stamp(struct md_dev_table *mdt, u64 now_ns, bool mounting);

#endif
