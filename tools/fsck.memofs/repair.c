// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is safe to repair: a table that is broken on a device of which it is certain which member it
 * is, while the others agree. Certain is a device
 *
 *	whose broken table still has the set's UUID and the index and UUID of a missing member,
 *	or that was found under the UUID of a missing member,
 *	or that was given, when one device is broken and one member is missing;
 *
 * that is large enough and carries nothing else. A table is all that memofs keeps on media, so
 * nothing but the table is written.
 */
#define _GNU_SOURCE
#include "fsck.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "signatures.h"

static bool is_uuid_of(const struct fsck *f, const struct md_dev_id *id, unsigned int index)
{
	return !memcmp(id->uuid.b, f->mdt.s_dev_list.dev_ids[index].uuid.b, sizeof(id->uuid.b));
}

/* What is left of its own table says which one it is. */
static int index_by_table(const struct fsck *f, const struct member *m)
{
	unsigned int index = le16toh(m->mdt.s_dev_list.id_index);

	if (memcmp(m->mdt.s_uuid.b, f->mdt.s_uuid.b, sizeof(f->mdt.s_uuid.b)) ||
	    index >= members_wanted(f) || f->by_index[index] ||
	    !is_uuid_of(f, &m->mdt.s_dev_list.dev_ids[index], index))
		return -1;
	return (int)index;
}

static int index_by_link(const struct fsck *f, const struct member *m)
{
	char uuid[37];
	unsigned int i;

	for (i = 0; !m->is_given && i < members_wanted(f); i++) {
		zus_uuid_format(f->mdt.s_dev_list.dev_ids[i].uuid.b, uuid);
		if (!f->by_index[i] && strstr(m->found_as, uuid))
			return (int)i;
	}
	return -1;
}

static int index_by_exclusion(const struct fsck *f)
{
	unsigned int i, broken = 0, missing = 0;
	int index = -1;

	for (i = 0; i < f->count; i++)
		broken += f->members[i].state != MEMBER_GOOD;
	for (i = 0; i < members_wanted(f); i++) {
		if (f->by_index[i])
			continue;
		missing++;
		index = (int)i;
	}
	return broken == 1 && missing == 1 ? index : -1;
}

static int index_of(const struct fsck *f, const struct member *m)
{
	int index = index_by_table(f, m);

	if (index < 0)
		index = index_by_link(f, m);
	return index < 0 ? index_by_exclusion(f) : index;
}

/* Large enough, and nobody else's. */
static bool may_be_written(const struct fsck *f, const struct member *m, unsigned int index)
{
	const char *other = signature_find_other(m->bd.fd);

	if (other) {
		msg("%s carries %s: it is left alone", m->bd.path, other);
		return false;
	}
	return m->bd.bytes >> ZUS_BLOCK_SHIFT >= zus_md_dev_blocks(&f->mdt, index);
}

static void write_table(struct fsck *f, struct member *m, unsigned int index)
{
	int err;

	m->mdt = f->mdt;
	zus_mdt_set_index(&m->mdt, index);
	err = zus_mdt_write(m->bd.fd, 0, &m->mdt);
	if (err) {
		msg_errno(err, "%s: writing the table", m->bd.path);
		return;
	}
	if (!f->json)
		printf("%s: the table of member %u was written anew\n", m->bd.path, index);
	m->state = MEMBER_GOOD;
	m->index = (int)index;
	f->by_index[index] = m;
	/* the table was broken, and its member missing */
	f->errors -= 2;
	f->fixed += 2;
}

void repair_set(struct fsck *f)
{
	unsigned int i;
	int index;

	for (i = 0; f->has_table && !f->no_change && i < f->count; i++) {
		struct member *m = &f->members[i];

		if (m->state != MEMBER_BROKEN)
			continue;
		index = index_of(f, m);
		if (index >= 0 && may_be_written(f, m, (unsigned int)index))
			write_table(f, m, (unsigned int)index);
	}
}
