/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of devices that a mkfs makes: opened exclusively, checked, measured, wiped, written. One
 * run = one struct mkset; its members hold open descriptors from the check to the end, so nobody
 * can take a device in between. Functions that fail have printed why, and return -1.
 *
 *	mkset_add ...; mkset_open; mkset_check; mkset_wipe; what the file system writes; mkset_write
 */
#ifndef TOOLS_MKSET_H
#define TOOLS_MKSET_H

#include <stdbool.h>
#include <stdint.h>
#include <zus/md.h>

#include "blockdev.h"

struct member {
	struct blockdev bd;
	bool is_t2;
	uint64_t bytes;			/* to use */
	uint8_t uuid[16];
};

struct mkset {
	/* of the file system */
	uint32_t magic;
	uint32_t version_major;
	uint32_t version_minor;
	uint32_t label_max;		/* bytes, less than MDT_LABEL_SIZE */
	/* what the user wants */
	bool force;
	bool dry_run;
	bool shadow;
	bool verbose;
	uint8_t uuid[16];		/* of the set */
	char label[MDT_LABEL_SIZE];	/* zeros from its end on */
	unsigned int count;
	struct member members[MD_DEV_MAX];	/* T1 first */
};

int mkset_add(struct mkset *m, const char *path, bool is_t2);
int mkset_set_uuid(struct mkset *m, const char *text);
int mkset_set_label(struct mkset *m, const char *text);

/* Opens all members for us alone, checks what they are and how large. */
int mkset_open(struct mkset *m);
/* Refuses members that carry something, unless -f. */
int mkset_check(const struct mkset *m);
/*
 * Wipes old signatures, and the table of each member before those of others are touched; durable.
 * Writes nothing in a dry run, as mkset_write does.
 */
int mkset_wipe(const struct mkset *m);
/* The label, then the tables: the set can be mounted from now on. Durable. */
int mkset_write(const struct mkset *m);
void mkset_close(struct mkset *m);

/* The uuid of the set, and a line for each member, on stdout. */
void mkset_print(const struct mkset *m);
/* Makes the by-uuid links where nobody else does (mklinks.c). Prints with -v only. */
void mkset_links(const struct mkset *m);

#endif /* TOOLS_MKSET_H */
