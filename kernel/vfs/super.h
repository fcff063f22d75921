/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * super.h - mount, remount and unmount of a registered type
 */
#ifndef ZUF_SUPER_H
#define ZUF_SUPER_H

#include <linux/fs.h>
#include "sb.h"

struct fs_context;

extern const struct super_operations zuf_super_ops;

int zuf_init_fs_context(struct fs_context *fc);
void zuf_kill_sb(struct super_block *sb);

#endif
