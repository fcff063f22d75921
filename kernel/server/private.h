/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private.h - devices and memory for a tool, without a mount
 */
#ifndef ZUF_PRIVATE_H
#define ZUF_PRIVATE_H

#include <linux/compiler.h>

struct zuf_special;

/* ZU_IOC_PRIVATE_MOUNT: argument from user space, result of the ioctl. */
long zuf_ioc_private_mount(struct zuf_special *sp, void __user *arg);
void zuf_private_release(struct zuf_special *sp);

#endif
