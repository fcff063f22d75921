/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mounts that this process sees, in the order in which they were made.
 */
#ifndef TOOLS_MOUNTS_H
#define TOOLS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mount_entry {
	char *type;
	char *source;
	char *dir;
	char *options;		/* of the mount and of the super-block, comma separated */
	dev_t dev;		/* of the super-block: equal for two mounts of one */
};

struct mount_list {
	struct mount_entry *entries;
	size_t count;
};

/* 0 or -errno, message included. */
int mounts_read(struct mount_list *list);
void mounts_free(struct mount_list *list);

/* The topmost mount at this folder (a resolved path), or NULL. */
const struct mount_entry *mounts_at(const struct mount_list *list, const char *dir);

/*
 * Splits "ro,nofail,x=1" into the flags of mount(2) and the text that the file system gets, in
 * *rest, to be freed. What only mount(8) or other programs want (nofail, noauto, x-systemd...)
 * is left out. 0, -EINVAL (an open quote) or -ENOMEM; no message.
 */
int mounts_parse_options(const char *options, unsigned long *flags, char **rest);

#endif
