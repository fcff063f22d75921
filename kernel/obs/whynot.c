// SPDX-License-Identifier: GPL-2.0-only
/*
 * whynot.c - tell a task that mounts why its mount fails
 *
 * Called in the context of the mounting task, at any place that may sleep.
 */
#include "whynot.h"

#include <linux/fs_context.h>
#include <linux/printk.h>

void zuf_whynot(struct fs_context *fc, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	if (fc)
		pr_err("%s: %pV\n", fc->fs_type->name, &vaf);
	else
		pr_err("%pV\n", &vaf);
		/* if @fc has no log of its own errorf() would write to the kernel's log again */
	if (fc && fc->log.log)
		errorf(fc, "%pV", &vaf);
	va_end(args);
}
