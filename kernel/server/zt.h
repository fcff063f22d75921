/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zt.h - the role ZT: the file of a server thread
 */
#ifndef ZUF_ZT_H
#define ZUF_ZT_H

#include <linux/fs.h>

struct vm_area_struct;
struct zuf_special;

/* ZU_IOC_INIT_THREAD, ZU_IOC_WAIT_OPT: argument from user space, result of the ioctl. */
long zuf_ioc_init_thread(struct zuf_special *sp, struct file *file, void __user *arg);
long zuf_ioc_wait_opt(struct zuf_special *sp, unsigned long arg);
int zuf_zt_mmap(struct zuf_special *sp, struct vm_area_struct *vma);
void zuf_zt_release(struct zuf_special *sp);

#endif
