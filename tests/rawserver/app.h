/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * app.h - what the files of rawapp share
 */
#ifndef RAW_APP_H
#define RAW_APP_H

#include <stdbool.h>

/* Name of 0 ("OK") or of a negative errno. */
const char *app_result(int err);
long app_now_ms(void);
/* $SLOW: limits are that many times as long; 1 without it. */
long app_slow(void);
/* Read or write one byte; false: it ended in SIGBUS or SIGSEGV. */
bool app_touch(volatile char *at, bool write);

/* Calls: 0 or -errno. */
int app_load(char **arg);
int app_burst(char **arg);
int app_pound(char **arg);

#endif
