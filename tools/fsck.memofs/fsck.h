/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsck.memofs: what its files share. One run = one struct fsck on main's stack:
 *
 *	members_open     the devices that were given, each with the table that is on it
 *	check_set        which table the set goes by, who is which member, what is wrong
 *	repair_set       what is safe to repair
 *	kernel_check     the same set as the kernel sees it, through its memory
 *	dump_set         the table, for people or programs
 *
 * Problems are told as they are found and counted; functions that fail have printed why.
 */
#ifndef FSCK_MEMOFS_H
#define FSCK_MEMOFS_H

#include <stdbool.h>
#include <stdint.h>
#include <zus/md.h>

#include "blockdev.h"

/* Exit codes of fsck(8); they add up. */
enum fsck_exit {
	FSCK_OK		= 0,
	FSCK_FIXED	= 1,
	FSCK_ERRORS	= 4,
	FSCK_FAILED	= 8,
	FSCK_USAGE	= 16,
};

enum member_state {
	MEMBER_GOOD,			/* the set's table, and nobody else has its index */
	MEMBER_BROKEN,			/* no valid table: `why` */
	MEMBER_FOREIGN,			/* a valid one of another set */
	MEMBER_OTHER,			/* of this set, but it says something else */
	MEMBER_TWICE,			/* another device is this member already */
	MEMBER_SMALL,			/* smaller than its table says */
};

#define MEMBERS_MAX	(2 * MD_DEV_MAX)

struct member {
	struct blockdev bd;
	bool is_given;			/* by the user; else found by its UUID */
	char found_as[64];		/* the path of one that was found */
	struct md_dev_table mdt;
	enum member_state state;
	const char *why;		/* BROKEN */
	int index;			/* in the table; -1 = not known */
};

struct fsck {
	bool no_change;			/* -n */
	bool adopt;			/* devices that nothing proves to be members too */
	bool verbose;
	bool json;
	bool dump;
	bool offline;			/* the kernel is not asked */
	const char *root;
	unsigned int count;
	struct member members[MEMBERS_MAX];
	bool has_table;			/* mdt: what the set goes by */
	struct md_dev_table mdt;
	struct member *by_index[MD_DEV_MAX];	/* NULL = missing */
	unsigned int errors;		/* that are left */
	unsigned int fixed;
};

/* A problem that stays; a line on stdout. */
void fsck_error(struct fsck *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* members.c; 0 or -errno */
int members_open(struct fsck *f, char **paths, int n);
/* Opens /dev/disk/by-uuid/... of a member that was not given; NULL: there is none, or it fails. */
struct member *members_find(struct fsck *f, unsigned int index);
void members_close(struct fsck *f);
unsigned int members_wanted(const struct fsck *f);
/* Do both say the same of the set? Whose tables they are and times do not count. */
bool tables_agree(const struct md_dev_table *a, const struct md_dev_table *b);

/* check.c */
void check_set(struct fsck *f);

/* repair.c */
void repair_set(struct fsck *f);

/* kernel.c; the devices are closed. 0 or FSCK_FAILED */
int kernel_check(struct fsck *f);

/* dump.c; 0 or -1 */
int dump_set(const struct fsck *f);

#endif /* FSCK_MEMOFS_H */
