/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies on a device already, wherever it has its signature, and taking that away.
 * Single-threaded; the descriptor's position is not kept.
 */
#ifndef TOOLS_SIGNATURES_H
#define TOOLS_SIGNATURES_H

#define SIGNATURE_NAME	64

/*
 * Looks for a file system, a volume manager, a RAID, a partition table or a device table of
 * ZUFS on an open device or image. 1: found, its name is in name; 0: nothing, name is "";
 * -errno: it cannot be read. No message.
 */
int signature_find(int fd, char name[SIGNATURE_NAME]);
/* The same, but a device table is nothing. */
int signature_find_other(int fd, char name[SIGNATURE_NAME]);
/*
 * Overwrites every signature that signature_find_other() knows, also at the end of the device,
 * so that nobody takes it for what it was. The descriptor is writable. 0 or -errno.
 */
int signature_wipe(int fd);

#endif
