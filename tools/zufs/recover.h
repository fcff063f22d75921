/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zufs recover: its state, shared by recover.c (finding), unmount.c, holders.c (who is in the way),
 * fstab.c (what is to be mounted) and remount.c (checking and mounting again).
 */
#ifndef ZUFS_RECOVER_H
#define ZUFS_RECOVER_H

#include "stats.h"
#include "zufs.h"

struct libmnt_fs;
struct libmnt_table;

/* A mount whose server has ended. */
struct dead_mount {
	const struct mount_entry *m;
	bool is_gone;			/* unmounted, by us or meanwhile by somebody else */
	bool is_failed;			/* it was told why it cannot be unmounted */
	bool is_back;			/* mounted again, by us or somebody else */
	char holders[288];		/* who kept it busy when it was detached; "" = nobody */
};

struct recover {
	/* arguments */
	const char *root_path;
	bool lazy;
	bool all;
	int wait_s;			/* for a server, when something is dead */
	int busy_ms;			/* is left for those who are about to let go */

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

/* Unmounts those that can be; notes and tells what becomes of each. */
void unmount_all(struct recover *r);

/* Of all that are gone: checks them and mounts again what is to be; notes failures in r. */
void remount_all(struct recover *r);

/* The mounts that are there now, and what the kernel says of them. 0 or -errno with a message. */
int recover_read(const struct recover *r, struct mount_list *mounts, struct stats *stats);

/*
 * Waits until a server is ready: as long as the user says, or BUSY_TIMEOUT_MS. 0, -EAGAIN without a
 * message, another -errno with one.
 */
int recover_wait_ready(const struct recover *r, struct root *now);

/* Another mount of the file system came before it, or a folder is all that it shows. */
bool recover_is_copy(const struct recover *r, const struct mount_entry *m);

/* The line that names this mount, or NULL; it is taken out of the table, to be unreferenced. */
struct libmnt_fs *fstab_take(struct recover *r, const struct mount_entry *m);
bool fstab_has_option(struct libmnt_fs *fs, const char *name);
bool fstab_is_bind(struct libmnt_fs *fs);
/* The device of a line, with tags like UUID= resolved; malloc'ed, NULL: there is none. */
char *fstab_source(struct libmnt_fs *fs);

#endif
