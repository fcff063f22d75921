/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lost.h - a frame of T1 is poisoned: remove it from the mappings of all files
 */
#ifndef ZUF_LOST_H
#define ZUF_LOST_H

#include <linux/types.h>

struct zuf_devset;

/* A zuf_frame_lost_t, see there. */
void zuf_frame_lost(const struct zuf_devset *ds, u64 block);

#endif
