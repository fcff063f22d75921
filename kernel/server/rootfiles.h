/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rootfiles.h - the visible files of a root: control, state, types and ddbg
 */
#ifndef ZUF_ROOTFILES_H
#define ZUF_ROOTFILES_H

#include <linux/fs.h>

extern const struct file_operations zuf_root_control_fops;
extern const struct file_operations zuf_root_state_fops;
extern const struct file_operations zuf_root_types_fops;
extern const struct file_operations zuf_root_ddbg_fops;

#endif
