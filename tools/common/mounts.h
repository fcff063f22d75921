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
	char *options;		/* of the mount and of the super-block, comma separated; read-only
				 * if either is */
	dev_t dev;		/* of the super-block: equal for two mounts of one */
	bool is_part;		/* a folder of the file system is what is mounted: a bind mount */
	int id;			/* of the mount, in fdinfo of proc(5) too */
	int parent;		/* id of the mount that it is in, or on */
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

/* The mount with this id, or NULL. */
const struct mount_entry *mounts_by_id(const struct mount_list *list, int id);

/* A mount that lies in this one or on it, and to which skip does not apply (NULL: any); or NULL. */
const struct mount_entry *mounts_child(const struct mount_list *list, const struct mount_entry *m,
				       bool (*skip)(const struct mount_entry *child, void *ctx),
				       void *ctx);

/* The id of the mount that an open descriptor (O_PATH will do) is in; -errno. */
int mounts_id_of(int fd);
/* The same of any descriptor of any process, by its file /proc/PID/fdinfo/N. */
int mounts_id_in(const char *fdinfo);

/*
 * Splits "ro,nofail,x=1" into the flags of mount(2) and the text that the file system gets, in
 * *rest, to be freed. What only mount(8) or other programs want (nofail, noauto, x-systemd...)
 * is left out. 0, -EINVAL (an open quote) or -ENOMEM; no message.
 */
int mounts_parse_options(const char *options, unsigned long *flags, char **rest);

#endif
