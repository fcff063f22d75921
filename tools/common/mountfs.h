/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting with the kernel's own words when it fails.
 */
#ifndef TOOLS_MOUNTFS_H
#define TOOLS_MOUNTFS_H

/*
 * Mounts source of this type on dir, with options as of fstab(5). What the kernel says of it
 * (the log of fsopen(2)) is printed by msg(), a line each. 0 or -errno; what it failed at is
 * the caller's message.
 */
int mountfs(const char *source, const char *dir, const char *type, const char *options);

#endif
