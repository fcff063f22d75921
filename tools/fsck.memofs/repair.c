// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is safe to repair: a broken table, while the others agree, on a device that is certain to
 * be a member: what is left of the table has the set's UUID, and the index and UUID of a missing
 * member.
 *
 * A device of which nothing is left to say so may be anybody's: data without a signature looks
 * like any other. It is written to only when the user asks (--adopt), and named if there is no
 * doubt which member it would be: it was found under the UUID of a missing one (a link may be
 * older than what lies there now), or it was given, is the only bad device, and one is missing.
 *
 * Either must be large enough and carry nothing else that is known. A table is all that memofs
 * keeps on media, so nothing but the table is written.
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

/* What it may be, although nothing on it says so. */
static int index_by_circumstances(const struct fsck *f, const struct member *m)
{
	int index = index_by_link(f, m);

	return index < 0 && m->is_given ? index_by_exclusion(f) : index;
}

/* Large enough, and nobody else's. */
static bool may_be_written(const struct fsck *f, const struct member *m, unsigned int index)
{
	char other[SIGNATURE_NAME];
	int found = signature_find_other(m->bd.fd, other);

	if (found < 0) {
		msg_errno(found, "%s: what it carries", m->bd.path);
		return false;
	}
	if (found) {
		msg("%s carries %s: it is left alone", m->bd.path, other);
		return false;
	}
	if (m->bd.bytes >> ZUS_BLOCK_SHIFT >= zus_md_dev_blocks(&f->mdt, index))
		return true;
	msg("%s is too small for member %u: it is left alone", m->bd.path, index);
	return false;
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

static void repair(struct fsck *f, struct member *m)
{
	int index = index_by_table(f, m);
	bool is_certain = index >= 0;

	if (!is_certain)
		index = index_by_circumstances(f, m);
	if (index < 0 || !may_be_written(f, m, (unsigned int)index))
		return;
	if (is_certain || f->adopt)
		write_table(f, m, (unsigned int)index);
	else
		msg("%s may be member %d, but nothing on it says so: --adopt makes it that",
		    m->bd.path, index);
}

void repair_set(struct fsck *f)
{
	unsigned int i;

	for (i = 0; f->has_table && !f->no_change && i < f->count; i++) {
		if (f->members[i].state == MEMBER_BROKEN)
			repair(f, &f->members[i]);
	}
}
