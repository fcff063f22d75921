/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zufs recover: its state, shared by recover.c (finding and unmounting), holders.c (who is in the
 * way) and remount.c (checking and mounting again).
 */
#ifndef ZUFS_RECOVER_H
#define ZUFS_RECOVER_H

#include "stats.h"
#include "zufs.h"

struct libmnt_table;

/* A mount whose server has ended. */
struct dead_mount {
	const struct mount_entry *m;
	bool is_gone;			/* unmounted, by us or meanwhile by somebody else */
	bool is_failed;			/* it was told why it cannot be unmounted */
	bool is_back;			/* we have mounted it again */
	char holders[160];		/* who kept it busy when it was detached; "" = nobody */
};

struct recover {
	/* arguments */
	const char *root_path;
	bool lazy;
	bool all;
	int wait_s;			/* for a server, when something is dead */

	/* found out */
	struct root root;
	struct mount_list mounts;	/* read once, before anything is changed */
	struct dead_mount *dead;	/* in the order in which they were made */
	size_t count;			/* of dead */
	struct libmnt_table *fstab;

	bool failed;			/* something was not recovered */
};

/*
 * Who keeps a mount busy, in words like "123 (bash), 456 (cat) and 3 more processes"; "" if no
 * process that can be seen does. Asks no file system.
 */
void holders_find(const struct mount_entry *m, char *text, size_t size);

/* Of all that are gone: checks them and mounts again what is to be; notes failures in r. */
void remount_all(struct recover *r);

#endif
