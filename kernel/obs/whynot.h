/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * whynot.h - the reason why a mount fails, for who mounts
 *
 * A line goes to the log of the context, which fsopen(2) hands to its caller,
 * and always to the kernel's log, where mount(2) has its reader. It begins with
 * the type; the text names the device.
 */
#ifndef ZUF_WHYNOT_H
#define ZUF_WHYNOT_H

#include <linux/compiler_attributes.h>

struct fs_context;

/* @fc: NULL = a private mount, which has the kernel's log only. @fmt: without new line. */
__printf(2, 3) void zuf_whynot(struct fs_context *fc, const char *fmt, ...);

#endif
