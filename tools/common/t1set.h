/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The T1 devices of a set in memory, for tools that read what a file system keeps there: fsck and
 * dump. Devices are open for us alone from t1set_open to t1set_close. One run = one struct t1set.
 *
 * Given is one device of the set, or several, in any order; members that were not given are looked
 * for by their UUID, as the kernel does it. Functions that fail have printed why.
 */
#ifndef TOOLS_T1SET_H
#define TOOLS_T1SET_H

#include <stdbool.h>
#include <stdint.h>
#include <zus/md.h>

#include "blockdev.h"

struct t1set_dev {
	struct blockdev bd;
	char found_as[64];		/* path of one that was not given */
	bool has_table;			/* a valid one of the set */
	unsigned int index;		/* in the table, if it has one */
	uint8_t *base;
	uint64_t bytes;			/* of the mapping: as the table says */
};

struct t1set {
	/* of the file system */
	uint32_t magic;
	uint32_t version_major;
	uint32_t version_minor;
	bool write;			/* mappings can be written */
	/* what is wrong with the set, a line each: goes on nevertheless */
	void (*problem)(void *ctx, const char *text);
	void *ctx;
	bool has_table;
	struct md_dev_table mdt;	/* that the set goes by */
	unsigned int count;
	struct t1set_dev devs[MD_DEV_MAX];
};

/* Opens, finds and maps. A read error of the mappings is SIGBUS: t1set_exit_on_sigbus. 0 or -1. */
int t1set_open(struct t1set *s, char **paths, int n);
void t1set_close(struct t1set *s);
/* From now on a read error ends the program with a message and this status. */
void t1set_exit_on_sigbus(int status);

#endif /* TOOLS_T1SET_H */
