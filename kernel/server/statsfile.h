/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * statsfile.h - the root's file "stats"
 */
#ifndef ZUF_STATSFILE_H
#define ZUF_STATSFILE_H

#include <linux/fs.h>

extern const struct file_operations zuf_root_stats_fops;

#endif
