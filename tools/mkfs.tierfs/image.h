/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkfs.tierfs: the image on the members of a set, which are open and wiped.
 */
#ifndef MKFS_TIERFS_IMAGE_H
#define MKFS_TIERFS_IMAGE_H

#include "mkset.h"

/*
 * Maps all members and makes the file system on them, all but the device tables; durable. errors:
 * enum tierfs_errors. Writes nothing in a dry run. 0, or -1 and has printed why.
 */
int image_make(const struct mkset *m, uint32_t errors);

#endif /* MKFS_TIERFS_IMAGE_H */
