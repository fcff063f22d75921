/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lost.h - a frame of T1 has gone bad: out of the mappings of all files
 */
#ifndef ZUF_LOST_H
#define ZUF_LOST_H

#include <linux/types.h>

struct zuf_devset;

/* zuf_frame_lost_t, see there. */
void zuf_frame_lost(const struct zuf_devset *ds, u64 block);

#endif
