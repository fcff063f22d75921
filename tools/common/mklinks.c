// SPDX-License-Identifier: BSD-2-Clause
/*
 * Links /dev/disk/by-uuid/UUID: where the kernel module looks for the members of a set. udev
 * makes them where it runs; this is for initial ramdisks, containers and test machines without
 * it. Called once, after the tables are written. A missing link is no failure of mkfs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mkset.h"
#include "msg.h"

#define LINK_DIR	"/dev/disk/by-uuid"

static void make_one(const struct mkset *m, const struct member *mb)
{
	char uuid[37], path[sizeof(LINK_DIR) + 40], *target = realpath(mb->bd.path, NULL);

	if (!target)
		return;
	zus_uuid_format(mb->uuid, uuid);
	snprintf(path, sizeof(path), LINK_DIR "/%s", uuid);
	if (symlink(target, path) == 0) {
		if (m->verbose)
			printf("link %s -> %s\n", path, target);
	} else if (m->verbose) {
		msg_errno(errno, "making the link %s", path);
	}
	free(target);
}

void mkset_links(const struct mkset *m)
{
	unsigned int i;

	if (access("/run/udev/control", F_OK) == 0)
		return;
	if ((mkdir("/dev/disk", 0755) && errno != EEXIST) ||
	    (mkdir(LINK_DIR, 0755) && errno != EEXIST)) {
		if (m->verbose)
			msg_errno(errno, "making %s", LINK_DIR);
		return;
	}
	for (i = 0; i < m->count; i++) {
		if (m->members[i].bd.is_block)
			make_one(m, &m->members[i]);
	}
}
