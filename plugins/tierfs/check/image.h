/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image as memory: the T1 devices of a set by their ids, and above them what a replay has
 * changed. For the checker and dump.tierfs; the image itself is never written here.
 *
 * Addresses that tierfs_image_at has returned are valid as long as the memory of the image; what
 * they show changes only by tierfs_image_store.
 */
#ifndef TIERFS_IMAGE_H
#define TIERFS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "check.h"
#include "memory.h"

#define TIERFS_IMAGE_DEVS	64

/* What is wrong with a copy of a super-block: NULL = nothing. */
struct tierfs_image_super {
	const struct tierfs_super *super;
	const char *why;
};

struct tierfs_image_dev {
	const uint8_t *base;
	uint64_t bytes;			/* that are there */
	uint32_t given;			/* index in what the caller gave */
	struct tierfs_image_super copies[2];	/* block 1, last block */
	const struct tierfs_super *super;	/* the copy that counts; NULL = there is none */
	uint64_t blocks;		/* as super says; 0 without */
	uint64_t groups;
	uint64_t first_bn;		/* of the set's blocks, those of the first device first */
	uint64_t group_table;		/* offset of the bitmaps */
	uint64_t desc_table;		/* offset of the descriptors */
};

/* 64 KiB that a replay has changed; only the blocks of `have` are filled. */
struct tierfs_image_patch {
	struct tierfs_image_patch *next;
	uint64_t chunk;			/* of the set */
	uint32_t have;
	uint32_t changed;		/* of them */
	uint8_t *bytes;
};

#define TIERFS_IMAGE_PATCHES	64	/* hash buckets */

struct tierfs_image {
	uint32_t nr_devs;
	struct tierfs_image_dev devs[TIERFS_IMAGE_DEVS];	/* with a super first, by id */
	uint8_t by_id[TIERFS_IMAGE_DEVS];	/* 0xff = none */
	uint64_t blocks;
	const struct tierfs_super *super;	/* of device 0; NULL = the rest is of no use */
	struct tierfs_check_memory *memory;
	bool patched;
	struct tierfs_image_patch *patches[TIERFS_IMAGE_PATCHES];
};

/*
 * Finds the supers. 0 or -EINVAL; img->super may be NULL afterwards. `memory` is for what is
 * stored, and stays the caller's.
 */
int tierfs_image_open(struct tierfs_image *img, const struct tierfs_check_devs *devs,
		      struct tierfs_check_memory *memory);

/* The device that a place or a block of the set lies on, or NULL. */
const struct tierfs_image_dev *tierfs_image_dev(const struct tierfs_image *img,
						tierfs_place_t place);
const struct tierfs_image_dev *tierfs_image_dev_of(const struct tierfs_image *img, uint64_t bn);
/* `bytes`, 64 KiB at most, from a place on; NULL: not 8-aligned, or not all in a chunk of T1. */
const void *tierfs_image_at(const struct tierfs_image *img, tierfs_place_t place, uint64_t bytes);
/* Changes words of what tierfs_image_at shows: a place that it knows. 0 or -ENOMEM. */
int tierfs_image_store(struct tierfs_image *img, tierfs_place_t place, const uint64_t *words,
		       uint32_t n);

static inline tierfs_place_t tierfs_image_place(const struct tierfs_image_dev *dev,
						uint64_t offset)
{
	return (uint64_t)dev->super->dev_id << TIERFS_PLACE_DEV_SHIFT | offset;
}

static inline uint64_t tierfs_image_offset(tierfs_place_t place)
{
	return place & TIERFS_PLACE_OFFSET;
}

/* Number of a block of the set, and back. The place must be in T1. */
uint64_t tierfs_image_bn(const struct tierfs_image *img, tierfs_place_t place);
tierfs_place_t tierfs_image_bn_place(const struct tierfs_image *img, uint64_t bn);

/* Group of a device: its 8 words, its descriptor; NULL only if the group is none of dev's. */
const uint64_t *tierfs_image_bitmap(const struct tierfs_image *img,
				    const struct tierfs_image_dev *dev, uint64_t group);
const struct tierfs_group_desc *tierfs_image_desc(const struct tierfs_image *img,
						  const struct tierfs_image_dev *dev,
						  uint64_t group);
/* Kind of the chunk at a place that is in T1; more than enum tierfs_kind knows is possible. */
unsigned int tierfs_image_kind(const struct tierfs_image *img, tierfs_place_t place);

/*
 * The newer one of the valid state lines, of one mount the clean one; NULL: there is none.
 */
const struct tierfs_state *tierfs_image_state(const struct tierfs_image *img);
const struct tierfs_root *tierfs_image_root(const struct tierfs_image *img);
/* Entry of the table of logs, or NULL. */
const struct tierfs_log_entry *tierfs_image_log(const struct tierfs_image *img, uint32_t index);
/* Index of the head of a log that counts, or -1. */
int tierfs_image_log_head(const struct tierfs_log_entry *entry);

/* The record at an offset of a log's area, if it is whole; whose turn it is is not looked at. */
const struct tierfs_record *tierfs_image_record(const struct tierfs_image *img, uint32_t log,
						const struct tierfs_log_entry *entry,
						uint32_t offset);
/* The first entry of a record, and the one after another; NULL = there is none. */
const uint64_t *tierfs_image_entry(const struct tierfs_record *record, const uint64_t *before);

/* A word of a map as a place and a number of blocks; 0 = it is no run of T1. */
uint32_t tierfs_image_run(const struct tierfs_image *img, uint64_t word, tierfs_place_t *place);

static inline tierfs_place_t tierfs_image_word_place(uint64_t word)
{
	return (word >> TIERFS_WORD_DEV_SHIFT & 63) << TIERFS_PLACE_DEV_SHIFT |
		(word & TIERFS_WORD_BLOCK) << TIERFS_BLOCK_SHIFT;
}

#endif /* TIERFS_IMAGE_H */
