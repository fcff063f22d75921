/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmem.h - the role "pmem": the server maps all of T1 of a super-block
 */
#ifndef ZUF_PMEM_H
#define ZUF_PMEM_H

#include <linux/mm_types.h>

struct zuf_special;

/* ZU_IOC_GRAB_PMEM: argument from user space, result of the ioctl. */
long zuf_ioc_grab_pmem(struct zuf_special *sp, void __user *arg);
int zuf_pmem_mmap(struct zuf_special *sp, struct vm_area_struct *vma);
void zuf_pmem_release(struct zuf_special *sp);

#endif
