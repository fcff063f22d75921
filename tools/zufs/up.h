/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zufs up: its state, shared by up.c (the steps) and updevs.c (those about devices).
 */
#ifndef ZUFS_UP_H
#define ZUFS_UP_H

#include <stdint.h>
#include "zufs.h"

struct up {
	/* arguments */
	const char *type;
	const char *options;		/* never NULL */
	const char *module_file;	/* NULL: the installed one */
	const char *server;
	const char *root;
	const char *dir;
	bool force;
	char **paths;
	unsigned int count;		/* of paths; 0: memory, no device */

	/* found out */
	struct fstype_list types;
	const struct fstype *fs;
	struct device *devs;		/* count of them */
	uint64_t generation;		/* of the server that was there, or 0 */
	bool make_fs;

	/* what this call started, to be undone */
	bool loaded_module;
	bool mounted_root;
	pid_t started_server;
	uint64_t made_links;		/* bit per device */
};

/* Looks at the devices and decides on make_fs. All: 0 or -errno with a message. */
int up_inspect_devices(struct up *up);
int up_make_fs(struct up *up);
int up_make_links(struct up *up);
void up_remove_links(struct up *up);

#endif
