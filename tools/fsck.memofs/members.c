// SPDX-License-Identifier: BSD-2-Clause
/*
 * The devices: those that were given, and those that the table names.
 *
 * Every device is open for us alone from here to members_close, so nobody mounts the set while
 * it is looked at. -n opens for reading only.
 */
#define _GNU_SOURCE
#include "fsck.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memofs_disk.h"
#include "msg.h"

unsigned int members_wanted(const struct fsck *f)
{
	return zus_md_t1_count(&f->mdt) + zus_md_t2_count(&f->mdt);
}

bool tables_agree(const struct md_dev_table *a, const struct md_dev_table *b)
{
	struct md_dev_table x = *a, y = *b;

	x.s_dev_list.id_index = y.s_dev_list.id_index = 0;
	x.s_sum = y.s_sum = 0;
	return !memcmp(&x, &y, offsetof(struct md_dev_table, s_mtime));
}

/* A table that cannot be read is one that is bad. */
static void read_table(struct member *m)
{
	m->index = -1;
	m->state = MEMBER_BROKEN;
	if (zus_mdt_read(m->bd.fd, 0, &m->mdt)) {
		m->why = "the table cannot be read";
		return;
	}
	if (zus_mdt_check(&m->mdt, MEMOFS_MAGIC, MEMOFS_VER_MAJOR, MEMOFS_VER_MINOR, &m->why))
		return;
	m->state = MEMBER_GOOD;
	m->index = le16toh(m->mdt.s_dev_list.id_index);
	if (zus_md_dev_blocks(&m->mdt, (unsigned int)m->index) > m->bd.bytes >> ZUS_BLOCK_SHIFT)
		m->state = MEMBER_SMALL;
}

static const struct member *find_same(const struct fsck *f, const struct blockdev *bd)
{
	unsigned int i;

	for (i = 0; i < f->count; i++) {
		if (blockdev_is_same(&f->members[i].bd, bd))
			return &f->members[i];
	}
	return NULL;
}

static int open_given(struct fsck *f, const char *path)
{
	struct member *m = &f->members[f->count];
	const struct member *same;
	int err = blockdev_identify(&m->bd, path);

	if (err)
		return err;
	same = find_same(f, &m->bd);
	if (same) {
		msg("%s and %s are the same device", same->bd.path, path);
		return -EINVAL;
	}
	err = blockdev_open(&m->bd, !f->no_change);
	if (err)
		return err;
	m->is_given = true;
	f->count++;
	read_table(m);
	return 0;
}

int members_open(struct fsck *f, char **paths, int n)
{
	int i, err = 0;

	if (n > MD_DEV_MAX) {
		msg("a set has at most %d devices", MD_DEV_MAX);
		return -E2BIG;
	}
	for (i = 0; !err && i < n; i++)
		err = open_given(f, paths[i]);
	return err;
}

struct member *members_find(struct fsck *f, unsigned int index)
{
	struct member *m = &f->members[f->count];
	char uuid[37];

	if (f->count == MEMBERS_MAX)
		return NULL;
	zus_uuid_format(f->mdt.s_dev_list.dev_ids[index].uuid.b, uuid);
	snprintf(m->found_as, sizeof(m->found_as), "/dev/disk/by-uuid/%s", uuid);
	if (access(m->found_as, F_OK) || blockdev_identify(&m->bd, m->found_as) ||
	    find_same(f, &m->bd) || blockdev_open(&m->bd, !f->no_change))
		return NULL;
	f->count++;
	read_table(m);
	return m;
}

void members_close(struct fsck *f)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		blockdev_close(&f->members[i].bd);
}
