// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages of the tools; see msg.h. The name is a pointer to a string of the caller that
 * lives as long as the program.
 */
#include "msg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *prefix = "zufs";

void msg_set_name(const char *name)
{
	prefix = name;
}

static void put(const char *fmt, va_list ap, const char *tail)
{
	fprintf(stderr, "%s: ", prefix);
	vfprintf(stderr, fmt, ap);
	if (tail)
		fprintf(stderr, ": %s", tail);
	fputc('\n', stderr);
}

void msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(fmt, ap, NULL);
	va_end(ap);
}

int msg_errno(int err, const char *fmt, ...)
{
	va_list ap;

	err = abs(err);
	va_start(ap, fmt);
	put(fmt, ap, strerror(err));
	va_end(ap);
	return -err;
}
