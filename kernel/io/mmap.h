/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmap.h - mmap of regular files
 */
#ifndef ZUF_MMAP_H
#define ZUF_MMAP_H

struct file;
struct vm_area_struct;

/* File operation. */
int zuf_mmap(struct file *file, struct vm_area_struct *vma);

#endif
