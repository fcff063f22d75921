/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * advise.h - fadvise: what applications say about their use of a file
 */
#ifndef ZUF_ADVISE_H
#define ZUF_ADVISE_H

#include <linux/types.h>

struct file;

/* @len 0: to the end of the file. Return: -EINVAL: there is no such advice. */
int zuf_fadvise(struct file *file, loff_t offset, loff_t len, int advice);

#endif
