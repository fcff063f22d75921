/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.h - remote control of a test plugin: a thread that serves an abstract socket
 *
 * A line of text comes in, text goes back, the connection ends. Lines are served one
 * after another by the thread, which is no ZT: it works while all channels hang.
 * The other end is the program plugctl.
 */
#ifndef PLUGIN_CTL_H
#define PLUGIN_CTL_H

#include <stdbool.h>
#include <stdio.h>
#include <zus/env.h>

struct ctl;

struct ctl_options {
	char name[64];			/* of ctl=NAME; "" = no remote control is wanted */
	bool kept;			/* "kept": ZUFS_FSC_RETRY_MOVES is not declared */
	char rest[256];			/* the other options */
};

/* 0 or -EINVAL (too long). */
int ctl_split_options(const char *text, struct ctl_options *options);

/*
 * Serves @name; "" = nothing is done. run(arg, line, out) may block, but must end before
 * ctl_stop is called. An answer that starts with "error:" is the client's failure. 0 or -errno
 * (-EADDRINUSE).
 */
int ctl_start(struct ctl **ctl, const struct zus_env *env, const char *name,
	      void (*run)(void *arg, char *line, FILE *out), void *arg);
/* NULL is fine. */
void ctl_stop(struct ctl *ctl);

#endif
