/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devset.h - the devices of a mount, as two linear arrays of blocks: T1 and T2
 *
 * A set is opened before the super-block exists, is constant afterwards, and is
 * reference counted: by the mount and by every special file that maps it.
 */
#ifndef ZUF_DEVSET_H
#define ZUF_DEVSET_H

#include <linux/kref.h>
#include <linux/mm_types.h>
#include <linux/string.h>
#include "shm.h"
#include "zuf/md_def.h"
#include "zuf/zus_api.h"

struct dax_device;
struct fs_context;
struct dev_pagemap;
struct zuf_bdev;	/* compat: an open block device */

/* One device of the set. */
struct zuf_dev {
	struct zuf_bdev *bdev;		/* NULL: memory of a device-less mount */
	struct dax_device *dax;		/* T1 only */
	struct dev_pagemap *pgmap;	/* T1: holds its struct pages */
	void *virt;			/* T1: kernel address of block 0 */
	unsigned long pfn;		/* T1: frame of block 0 */
	u64 dax_start;			/* T1: byte of @dax that block 0 starts at */
	bool holds;			/* T1: the driver reports bad memory to us (poison.c) */
	void **chunks;			/* device-less T1: 2 MiB each, NULL = untouched;
					 * set once, under the set's lock */
	u64 first;			/* first block in the linear array */
	u64 blocks;			/* 4 KiB blocks; the shadow half not counted */
	int node;			/* NUMA node of T1 */
};

struct zuf_devset {
	struct kref ref;
	struct md_dev_table mdt;	/* the table as given to the server */
	u64 dt_offset;			/* ~0: no table on the media */
	unsigned int nr_t1, nr_t2;
	unsigned int main_index;	/* which entry was named at mount */
	u64 t1_bytes, t2_blocks;
	bool shadow;
	bool read_only;			/* s_umount: nothing is written to the devices */
	bool is_protected;		/* a device was write protected when it was opened */
	bool may_be_poisoned;		/* frames may be marked (poison.c); set once */
	struct list_head poison_link;	/* in the list of watched sets; poison.c */
	bool revoked;			/* unmounted: the mapping is gone for good */
	struct address_space *mapping;	/* of the file that grabbed it, or NULL */
	struct mutex lock;		/* revoked, mapping, chunk allocation; inside
					 * mmap_lock, outside i_mmap_rwsem */
	struct zuf_dev *t1;		/* nr_t1 entries, then nr_t2 of T2 */
	struct zuf_dev *t2;
	struct zuf_dev devs[];
};

/* Does the source of a mount say that there is no device? A missing source says so too. */
static inline bool zuf_source_is_none(const char *source)
{
	return !source || !strcmp(source, "none");
}

/* What a file-system type requires of its devices. */
struct zuf_devset_spec {
	u32 magic, ver_major, ver_minor;	/* of the table; minor: newest one */
	u64 dt_offset;			/* ~0: devices carry no table */
	bool nodev_ok;			/* may be mounted without a device */
	bool read_only;
	u64 size_bytes;			/* device-less: size of T1 */
	void *holder;			/* holder of the devices, as for the block layer */
	struct fs_context *fc;		/* gets the reason of a failure, or NULL */
};

/**
 * zuf_devset_open() - open and check the set that a device belongs to
 * Return: a set with one reference or ERR_PTR: -ENODEV, -EINVAL (foreign or
 * corrupt table, wrong size), -EBUSY, -ENOTBLK (not "none", and no path) ...;
 * zuf_whynot() has said why.
 */
struct zuf_devset *zuf_devset_open(const char *source, const struct zuf_devset_spec *spec);
struct zuf_devset *zuf_devset_get(struct zuf_devset *ds);
/* May sleep and take the locks of the disk: never under a lock of the VFS. */
void zuf_devset_put(struct zuf_devset *ds);

/**
 * zuf_devset_load_shadow() - go back to the state that was really persisted
 * Copies the shadow half of every T1 device over its first half. Must be called
 * once, before the server sees T1, and only when zuf_devset_same() has shown
 * that the set is not mounted already: the copy would damage the mounted one.
 * Return: 0 (also without a shadow) or -EIO (poisoned memory), said to @fc.
 */
int zuf_devset_load_shadow(struct zuf_devset *ds, struct fs_context *fc);

/* For remount. Return: 0; -EACCES: a device is write protected, said to @fc. */
int zuf_devset_set_read_only(struct zuf_devset *ds, bool read_only, struct fs_context *fc);
/* Set the file that maps T1. Return: 0; -EIO: there is one; -ENODEV: the mount has ended. */
int zuf_devset_attach(struct zuf_devset *ds, struct address_space *mapping);
void zuf_devset_detach(struct zuf_devset *ds);
/* Drop the server's mapping for good: the mount has ended. */
void zuf_devset_revoke(struct zuf_devset *ds);
/* Take one page out of the server's mapping; it may fault in again. */
void zuf_devset_drop_page(struct zuf_devset *ds, pgoff_t pgoff);
/* Do both sets consist of the same block devices? Sets without a device are never the same. */
bool zuf_devset_same(const struct zuf_devset *a, const struct zuf_devset *b);
/* Is a block device of one set also one of the other? */
bool zuf_devset_overlap(const struct zuf_devset *a, const struct zuf_devset *b);
/* Is the set device-less, so that T1 is memory that we have allocated? */
static inline bool zuf_devset_is_memory(const struct zuf_devset *ds)
{
	return ds->nr_t1 && ds->t1[0].chunks;
}

/* The index of the device that holds @block, which must lie within the linear array. */
static inline unsigned int zuf_dev_find(const struct zuf_dev *devs, unsigned int nr, u64 block)
{
	unsigned int low = 0, high = nr, mid;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (block < devs[mid].first)
			high = mid;
		else
			low = mid;
	}
	return low;
}

/* Write the time of the mount or of the last write into the tables on T1, unless read-only. */
void zuf_devset_stamp(struct zuf_devset *ds, bool mounting);

#endif
