/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dir.h - reading directories
 */
#ifndef ZUF_DIR_H
#define ZUF_DIR_H

#include <linux/fs.h>

extern const struct file_operations zuf_dir_file_ops;

#endif
