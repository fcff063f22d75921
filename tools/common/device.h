/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is on a device: its table as the installed types understand it, or why there is none.
 * Works on block devices and on ordinary files (images).
 */
#ifndef TOOLS_DEVICE_H
#define TOOLS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <zus/md.h>
#include "fstypes.h"
#include "signatures.h"

enum device_content {
	DEVICE_TABLE,		/* a valid table: type, mdt */
	DEVICE_BROKEN,		/* the magic of a known type, but not valid: type */
	DEVICE_UNKNOWN,		/* valid by itself, but no installed type has this magic: mdt */
	DEVICE_NO_TABLE,	/* none of these */
};

struct device {
	const char *path;
	uint64_t bytes;
	enum device_content content;
	char text[128];			/* what it carries, for messages */
	struct fstype type;		/* name "" if it is not known */
	struct md_dev_table mdt;
	char label[MDT_LABEL_SIZE];	/* "": none, or another device of its set has it */
};

/* Fills all of dev; 0 or -errno with a message. */
int device_probe(const char *path, const struct fstype_list *types, struct device *dev);

/*
 * Does it start with zeros, and carry no signature anywhere (of a RAID at its end, say)? What
 * it carries is in what, "other data" if that has no name. 0 or -errno with a message.
 */
int device_is_blank(const char *path, bool *blank, char what[SIGNATURE_NAME]);

static inline unsigned int device_index(const struct device *dev)
{
	return dev->mdt.s_dev_list.id_index;
}

/* Text of the uuid of the set, and of the device with this index. */
void device_set_uuid(const struct device *dev, char text[37]);
void device_uuid(const struct device *dev, unsigned int index, char text[37]);

#endif
