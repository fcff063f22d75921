/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rootfs.h - the pseudo file system "zuf"
 */
#ifndef ZUF_ROOTFS_H
#define ZUF_ROOTFS_H

int zuf_rootfs_init(void);
void zuf_rootfs_fini(void);

#endif
