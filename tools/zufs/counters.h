/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zufs stat and zufs top: whose counters, how they are shown.
 */
#ifndef ZUFS_COUNTERS_H
#define ZUFS_COUNTERS_H

#include "stats.h"
#include "zufs.h"

/* The device of what is mounted on dir; 0 without dir. 0 or -errno with a message. */
int counters_find(const char *dir, dev_t *dev);
/* The operations of that device, 0 = of the whole root; NULL: it is none of this root. */
const struct stat_ops *counters_of(const struct stats *s, dev_t dev);

/* As stats_open and stats_read, with a message. */
int counters_open(const char *root, bool for_times);
int counters_read(int fd, const char *root, struct stats *s);

/* Microseconds as text, "-" if not known. */
const char *counters_us(uint64_t ns, bool is_known, char buf[16]);

#endif
