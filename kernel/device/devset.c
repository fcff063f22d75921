// SPDX-License-Identifier: GPL-2.0-only
/*
 * devset.c - open a set of devices, hold it, close it
 *
 * Called by the mount (normal and private) and by the files that map T1; each
 * holds a reference, the last one closes the devices. While it is being opened
 * a set is known to one task only. A device belongs to its set from the moment
 * it is stored in devs[], so that zuf_devset_put() undoes a half-open set.
 */
#include "devset.h"

#include <linux/blkdev.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include "dtable.h"
#include "dtcheck.h"
#include "poison.h"
#include "t1dev.h"
#include "whynot.h"

/* Most memory of a set without a device, which bounds the table of its chunks. */
#define NODEV_MAX_BYTES		(1ULL << 46)
#define MEMBER_PATH_LEN		64

/* Make a set as its table describes it; the devices are opened later. */
static struct zuf_devset *devset_alloc(const struct md_dev_table *mdt,
				       const struct zuf_devset_spec *spec)
{
	unsigned int i, nr_t1 = zuf_dtable_nr_t1(mdt), nr = zuf_dtable_nr(mdt);
	struct zuf_devset *ds;
	u64 first = 0;

	ds = kzalloc(struct_size(ds, devs, nr), GFP_KERNEL);
	if (!ds)
		return NULL;
	kref_init(&ds->ref);
	mutex_init(&ds->lock);
	INIT_LIST_HEAD(&ds->poison_link);
	ds->mdt = *mdt;
	ds->dt_offset = spec->dt_offset;
	ds->read_only = spec->read_only;
	ds->shadow = le64_to_cpu(mdt->s_flags) & MDT_F_SHADOW;
	ds->main_index = zuf_dtable_index(mdt);
	ds->nr_t1 = nr_t1;
	ds->nr_t2 = nr - nr_t1;
	ds->t1 = ds->devs;
	ds->t2 = ds->devs + nr_t1;
	ds->t1_bytes = le64_to_cpu(mdt->s_t1_blocks) << ZUF_DT_BLOCK_SHIFT;
	ds->t2_blocks = le64_to_cpu(mdt->s_t2_blocks);

	for (i = 0; i < nr; i++) {
		if (i == nr_t1)
			first = 0;
		ds->devs[i].first = first;
		ds->devs[i].blocks = zuf_dtable_blocks(mdt, i);
		ds->devs[i].node = zuf_dtable_node(mdt, i);
		first += ds->devs[i].blocks;
	}
	return ds;
}

static void devset_release(struct kref *ref)
{
	struct zuf_devset *ds = container_of(ref, struct zuf_devset, ref);
	unsigned int i;

	if (!list_empty(&ds->poison_link))
		zuf_poison_unwatch(ds);
	for (i = 0; i < ds->nr_t1; i++)
		zuf_t1dev_fini(&ds->t1[i]);
	for (i = 0; i < ds->nr_t1 + ds->nr_t2; i++)
		if (ds->devs[i].bdev)
			zuf_bdev_close(ds->devs[i].bdev);
	mutex_destroy(&ds->lock);
	kfree(ds);
}

struct zuf_devset *zuf_devset_get(struct zuf_devset *ds)
{
	kref_get(&ds->ref);
	return ds;
}

void zuf_devset_put(struct zuf_devset *ds)
{
	if (ds)
		kref_put(&ds->ref, devset_release);
}

/*
 * Open a device for the set. Afterwards data that was written through its page cache is on the
 * device, and that cache keeps no old data for its readers.
 */
static struct zuf_bdev *devset_claim(const char *path, const struct zuf_devset_spec *spec)
{
	struct zuf_bdev *zb = zuf_bdev_open(path, !spec->read_only, spec->holder);
	int err;

	if (IS_ERR(zb))
		return zb;
	err = sync_blockdev(zuf_blkdev(zb));
	if (err) {
		zuf_bdev_close(zb);
		return ERR_PTR(err);
	}
	invalidate_bdev(zuf_blkdev(zb));
	return zb;
}

/* Open and check entry @index of the set; @mdt is scratch space. */
static int devset_open_member(struct zuf_devset *ds, unsigned int index,
			      const struct zuf_devset_spec *spec,
			      const struct md_dev_table *first, struct md_dev_table *mdt)
{
	char path[MEMBER_PATH_LEN];
	struct block_device *main_bdev = zuf_blkdev(ds->devs[ds->main_index].bdev);
	struct zuf_bdev *zb;

	snprintf(path, sizeof(path), "/dev/disk/by-uuid/%pUb",
		 first->s_dev_list.dev_ids[index].uuid.b);
	zb = devset_claim(path, spec);
	if (IS_ERR(zb)) {
		zuf_whynot(spec->fc, "%pg: device %u of its set: expected at %s, found %pe",
			   main_bdev, index, path, zb);
		return zb == ERR_PTR(-ENOENT) || zb == ERR_PTR(-ENXIO) ? -ENODEV : PTR_ERR(zb);
	}
	ds->devs[index].bdev = zb;
	return zuf_dtable_load_member(zuf_blkdev(zb), spec, first, index, mdt);
}

/* @mdt: the table of the named device, which is overwritten. */
static int devset_open_members(struct zuf_devset *ds, const struct zuf_devset_spec *spec,
			       struct md_dev_table *mdt)
{
	unsigned int i;
	int err;

	for (i = 0; i < ds->nr_t1 + ds->nr_t2; i++) {
		if (i == ds->main_index)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		err = devset_open_member(ds, i, spec, &ds->mdt, mdt);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Find devices that are write protected. T1 must not be: a server stores into its memory, which
 * no protection of the block device prevents.
 */
static int devset_find_protected(struct zuf_devset *ds, const struct zuf_devset_spec *spec)
{
	unsigned int i;

	for (i = 0; i < ds->nr_t1 + ds->nr_t2; i++) {
		struct block_device *bdev = zuf_blkdev(ds->devs[i].bdev);

		if (!bdev_read_only(bdev))
			continue;
		if (i < ds->nr_t1) {
			zuf_whynot(spec->fc, "%pg: T1: is write protected, also for ro: "
				   "its memory cannot be stored to", bdev);
			return -EROFS;
		}
		ds->is_protected = true;
	}
	return 0;
}

/* After this call the table given to the server differs from that of the media. */
static int devset_map_t1(struct zuf_devset *ds, const struct zuf_devset_spec *spec)
{
	unsigned int i;
	int err;

	for (i = 0; i < ds->nr_t1; i++) {
		err = zuf_t1dev_map(&ds->t1[i], spec->fc);
		if (err)
			return err;
		zuf_dtable_set_node(&ds->mdt, i, ds->t1[i].node);
	}
	return 0;
}

/* Make a set from a table; consumes @zb, the named device, on success. */
static struct zuf_devset *devset_build(struct zuf_bdev *zb, struct md_dev_table *mdt,
				       const struct zuf_devset_spec *spec)
{
	struct zuf_devset *ds;
	int err;

	ds = devset_alloc(mdt, spec);
	if (!ds)
		return ERR_PTR(-ENOMEM);
	ds->devs[ds->main_index].bdev = zb;
	err = devset_open_members(ds, spec, mdt);
	if (!err)
		err = devset_find_protected(ds, spec);
	if (!err)
		err = devset_map_t1(ds, spec);
	if (err)
		goto err_put;
	zuf_poison_watch(ds);
	return ds;

err_put:
	ds->devs[ds->main_index].bdev = NULL;
	zuf_devset_put(ds);
	return ERR_PTR(err);
}

/* Describe one device without a table: T1 if it can be addressed, else T2. */
static int devset_describe_single(struct block_device *bdev, struct md_dev_table *mdt,
				  const struct zuf_devset_spec *spec)
{
	u64 blocks = round_down(bdev_nr_bytes(bdev), ZUF_CHUNK_SIZE) >> ZUFS_PAGE_SHIFT;

	if (!blocks) {
		zuf_whynot(spec->fc, "%pg: size: expected at least %llu bytes, found %llu",
			   bdev, ZUF_CHUNK_SIZE, (u64)bdev_nr_bytes(bdev));
		return -EINVAL;
	}
	zuf_dtable_make(mdt, spec, zuf_t1dev_is_dax(bdev), blocks);
	return 0;
}

static struct zuf_devset *devset_open_bdev(const char *source,
					   const struct zuf_devset_spec *spec)
{
	struct zuf_devset *ds = ERR_PTR(-ENOMEM);
	struct md_dev_table *mdt;
	struct zuf_bdev *zb;
	int err;

	zb = devset_claim(source, spec);
	if (IS_ERR(zb)) {
		zuf_whynot(spec->fc, "%s: expected a block device that is free, found %pe",
			   source, zb);
		return ERR_CAST(zb);
	}
	mdt = kmalloc(sizeof(*mdt), GFP_KERNEL);
	if (!mdt)
		goto out;
	if (spec->dt_offset == ~0ULL)
		err = devset_describe_single(zuf_blkdev(zb), mdt, spec);
	else
		err = zuf_dtable_load(zuf_blkdev(zb), spec, mdt);
	ds = err ? ERR_PTR(err) : devset_build(zb, mdt, spec);
	kfree(mdt);
out:
	if (IS_ERR(ds))
		zuf_bdev_close(zb);
	return ds;
}

/* Make a set without a device: T1 is memory, allocated when the server touches it. */
static struct zuf_devset *devset_open_memory(const char *source,
					     const struct zuf_devset_spec *spec)
{
	struct md_dev_table *mdt;
	struct zuf_devset *ds;
	int err;

	if (!spec->size_bytes || spec->size_bytes > NODEV_MAX_BYTES) {
		zuf_whynot(spec->fc, "%s: size of the memory: expected 1 to %llu bytes, found %llu",
			   source, NODEV_MAX_BYTES, spec->size_bytes);
		return ERR_PTR(-EINVAL);
	}
	mdt = kmalloc(sizeof(*mdt), GFP_KERNEL);
	if (!mdt)
		return ERR_PTR(-ENOMEM);
	zuf_dtable_make(mdt, spec, true,
			round_up(spec->size_bytes, ZUF_CHUNK_SIZE) >> ZUFS_PAGE_SHIFT);
	ds = devset_alloc(mdt, spec);
	kfree(mdt);
	if (!ds)
		return ERR_PTR(-ENOMEM);
	ds->dt_offset = ~0ULL;
	/* nobody tells us of poison in the kernel's own memory */
	ds->may_be_poisoned = true;
	err = zuf_t1dev_alloc(&ds->t1[0]);
	if (err)
		goto err_put;
	return ds;

err_put:
	zuf_devset_put(ds);
	return ERR_PTR(err);
}

struct zuf_devset *zuf_devset_open(const char *source, const struct zuf_devset_spec *spec)
{
	if (source && source[0] == '/')
		return devset_open_bdev(source, spec);
	if (!zuf_source_is_none(source)) {
		zuf_whynot(spec->fc, "%s: expected \"none\" or the absolute path of a device",
			   source);
		return ERR_PTR(-ENOTBLK);
	}
	if (spec->nodev_ok || spec->dt_offset == ~0ULL)
		return devset_open_memory("none", spec);
	zuf_whynot(spec->fc, "none: this type takes the absolute path of a device");
	return ERR_PTR(-ENODEV);
}

int zuf_devset_load_shadow(struct zuf_devset *ds, struct fs_context *fc)
{
	unsigned int i;
	int err = 0;

	if (!ds->shadow)
		return 0;
	for (i = 0; !err && i < ds->nr_t1; i++)
		err = zuf_t1dev_load_shadow(&ds->t1[i], fc);
	return err;
}

int zuf_devset_set_read_only(struct zuf_devset *ds, bool read_only, struct fs_context *fc)
{
	unsigned int i;

	for (i = 0; !read_only && i < ds->nr_t1 + ds->nr_t2; i++) {
		struct zuf_bdev *zb = ds->devs[i].bdev;

		if (zb && bdev_read_only(zuf_blkdev(zb))) {
			zuf_whynot(fc, "%pg: is write protected", zuf_blkdev(zb));
			return -EACCES;
		}
	}
	ds->read_only = read_only;
	return 0;
}

int zuf_devset_attach(struct zuf_devset *ds, struct address_space *mapping)
{
	int err = 0;

	mutex_lock(&ds->lock);
	if (ds->revoked)
		err = -ENODEV;
	else if (ds->mapping)
		err = -EIO;
	else
		ds->mapping = mapping;
	mutex_unlock(&ds->lock);
	return err;
}

void zuf_devset_detach(struct zuf_devset *ds)
{
	mutex_lock(&ds->lock);
	ds->mapping = NULL;
	mutex_unlock(&ds->lock);
}

void zuf_devset_revoke(struct zuf_devset *ds)
{
	mutex_lock(&ds->lock);
	ds->revoked = true;
	if (ds->mapping)
		unmap_mapping_range(ds->mapping, 0, 0, 1);
	mutex_unlock(&ds->lock);
}

void zuf_devset_drop_page(struct zuf_devset *ds, pgoff_t pgoff)
{
	mutex_lock(&ds->lock);
	if (ds->mapping)
		unmap_mapping_pages(ds->mapping, pgoff, 1, true);
	mutex_unlock(&ds->lock);
}

bool zuf_devset_same(const struct zuf_devset *a, const struct zuf_devset *b)
{
	unsigned int i;

	if (a == b)
		return true;
	if (a->nr_t1 != b->nr_t1 || a->nr_t2 != b->nr_t2)
		return false;
	for (i = 0; i < a->nr_t1 + a->nr_t2; i++) {
		const struct zuf_bdev *x = a->devs[i].bdev, *y = b->devs[i].bdev;

		if (!x || !y || zuf_blkdev(x) != zuf_blkdev(y))
			return false;
	}
	return true;
}

static bool devset_has(const struct zuf_devset *ds, struct block_device *bdev)
{
	unsigned int i;

	for (i = 0; i < ds->nr_t1 + ds->nr_t2; i++)
		if (ds->devs[i].bdev && zuf_blkdev(ds->devs[i].bdev) == bdev)
			return true;
	return false;
}

bool zuf_devset_overlap(const struct zuf_devset *a, const struct zuf_devset *b)
{
	unsigned int i;

	for (i = 0; i < a->nr_t1 + a->nr_t2; i++)
		if (a->devs[i].bdev && devset_has(b, zuf_blkdev(a->devs[i].bdev)))
			return true;
	return false;
}

void zuf_devset_stamp(struct zuf_devset *ds, bool mounting)
{
	u64 now_ns = ktime_get_real_ns();
	unsigned int i;

	if (ds->read_only || ds->dt_offset == ~0ULL)
		return;
	for (i = 0; i < ds->nr_t1; i++) {
		u64 bytes = ds->t1[i].blocks << ZUFS_PAGE_SHIFT;
		void *table = ds->t1[i].virt + ds->dt_offset;

		zuf_dtable_stamp(table, now_ns, mounting);
		/* Otherwise the next mount would bring the old times back. */
		if (ds->shadow && ds->dt_offset < bytes)
			zuf_dtable_stamp(table + bytes, now_ns, mounting);
	}
}
