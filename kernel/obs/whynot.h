/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * whynot.h - tell a task that mounts why its mount fails
 *
 * A line goes to the log of the fs_context, which fsopen(2) hands to its caller, and
 * always to the kernel's log, where users of mount(2) find it. The line begins with the
 * type; the text names the device.
 */
#ifndef ZUF_WHYNOT_H
#define ZUF_WHYNOT_H

#include <linux/compiler_attributes.h>

struct fs_context;

/* @fc: NULL = a private mount, whose reason goes to the kernel's log only. @fmt: no newline. */
__printf(2, 3) void zuf_whynot(struct fs_context *fc, const char *fmt, ...);

#endif
