/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spoil.h - what an action of a rule gets, for rule.c, havoc.c and storm.c
 */
#ifndef RAW_SPOIL_H
#define RAW_SPOIL_H

#include "raw.h"

struct spoil {
	unsigned int op;
	struct raw_zt *zt;		/* NULL: a mount message */
	struct zufs_ioc_hdr *hdr;
	const char *arg;
};

/* Tables of them end with a name of NULL. */
struct raw_action {
	const char *name;
	void (*run)(struct spoil *s);
	bool replaces;			/* the execution of the operation */
};

extern const struct raw_action raw_havoc_actions[];

/* storm.c */
void raw_do_storm(struct spoil *s);
void raw_do_poke(struct spoil *s);

/* Numbers above S64_MAX are written in hex. */
long long raw_number(const char *text);

#endif
