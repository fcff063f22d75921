// SPDX-License-Identifier: BSD-2-Clause
/*
 * What zufs stat and zufs top share: whose counters are wanted, and the words of latencies.
 * A mount is found by the device number that mountinfo has for its folder, so no question
 * goes to its server, which may hang.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"

int counters_find(const char *dir, dev_t *dev)
{
	const struct mount_entry *m;
	struct mount_list mounts;
	char *path;
	int err;

	*dev = 0;
	if (!dir)
		return 0;
	path = realpath(dir, NULL);
	if (!path && errno == EIO)
		path = strdup(dir);	/* its server is dead */
	if (!path)
		return msg_errno(errno, "%s", dir);
	err = mounts_read(&mounts);
	if (!err) {
		m = mounts_at(&mounts, path);
		if (m)
			*dev = m->dev;
		mounts_free(&mounts);
		if (!m) {
			msg("%s: nothing is mounted there", dir);
			err = -EINVAL;
		}
	}
	free(path);
	return err;
}

const struct stat_ops *counters_of(const struct stats *s, dev_t dev)
{
	const struct stat_mount *m;

	if (!dev)
		return &s->ops;
	m = stats_mount(s, dev);
	return m ? &m->ops : NULL;
}

int counters_open(const char *root, bool for_times)
{
	int fd = stats_open(root, for_times);

	if (fd == -ENOENT)
		msg("%s: no root is mounted there, or its module has no counters", root);
	else if (fd < 0)
		msg_errno(fd, "%s/stats", root);
	return fd;
}

int counters_read(int fd, const char *root, struct stats *s)
{
	int err = stats_read(fd, s);

	if (err == -EPROTO)
		msg("%s/stats: is no text of version 1", root);
	else if (err)
		msg_errno(err, "%s/stats", root);
	return err;
}

const char *counters_us(uint64_t ns, bool is_known, char buf[16])
{
	if (!is_known)
		snprintf(buf, 16, "-");
	else if (ns < 10000000)
		snprintf(buf, 16, "%.1f", (double)ns / 1000);
	else
		snprintf(buf, 16, "%.0f", (double)ns / 1000);
	return buf;
}
