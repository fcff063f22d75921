/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mountmsg.h - messages to the mounter about a super-block
 */
#ifndef ZUF_MOUNTMSG_H
#define ZUF_MOUNTMSG_H

#include <linux/types.h>

struct zuf_options;
struct zuf_sb;
struct zufs_mount_info;
struct zufs_parse_options;

/* Number of channels that a server is asked to start on each CPU. */
#define ZUF_NUM_CHANNELS 3

/**
 * zuf_mountmsg_mount() - send M_MOUNT; @answer gets what the server returned
 * Return: as zuf_mounter_call(); -ENOMEM.
 */
int zuf_mountmsg_mount(struct zuf_sb *zsb, struct zufs_mount_info *answer);
int zuf_mountmsg_remount(struct zuf_sb *zsb, bool was_ro, bool will_ro);

#endif
