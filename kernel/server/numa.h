/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * numa.h - tell a server which CPU belongs to which NUMA node
 */
#ifndef ZUF_NUMA_H
#define ZUF_NUMA_H

#include <linux/compiler.h>

/* ZU_IOC_NUMA_MAP: argument from user space, result of the ioctl. */
long zuf_ioc_numa_map(void __user *arg);

#endif
