/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkfs.memofs: what its files share. One run = one struct mkfs on main's stack; members hold
 * open descriptors from the check to the end, so nobody can take a device in between.
 * Functions that fail have printed why.
 */
#ifndef MKFS_MEMOFS_MKFS_H
#define MKFS_MEMOFS_MKFS_H

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

struct mkfs {
	bool force;
	bool dry_run;
	bool shadow;
	bool verbose;
	uint8_t uuid[16];		/* of the set */
	char label[MDT_LABEL_SIZE];	/* zeros from its end on */
	unsigned int count;
	struct member members[MD_DEV_MAX];	/* T1 first */
};

/* Opens all members for us alone, checks what they are and how large. 0 or -1. */
int members_open(struct mkfs *m);
/* Refuses members that carry something, unless -f. 0 or -1. */
int members_check(const struct mkfs *m);
/* Wipes old signatures and writes the tables. 0 or -1. */
int members_write(struct mkfs *m);
void members_close(struct mkfs *m);

/* Makes the by-uuid links where nobody else does. Prints with -v only. */
void links_make(const struct mkfs *m);

#endif /* MKFS_MEMOFS_MKFS_H */
