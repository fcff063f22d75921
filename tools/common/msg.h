/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the tools: one line each on stderr, with the program's name in front. Data
 * goes to stdout and is none of this file's business. Single-threaded.
 */
#ifndef TOOLS_MSG_H
#define TOOLS_MSG_H

enum tool_exit {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,
	EXIT_USAGE	= 2,
};

/* What stands in front of every message, e.g. "zufs up"; the text is not copied. */
void msg_set_name(const char *name);

void msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As msg, then ": " and the text of the error (positive or negative errno); returns -err. */
int msg_errno(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
