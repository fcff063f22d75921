// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who is which member, and what is wrong with the set.
 *
 * All tables of a set say the same but for the index of their own. The set goes by the table that
 * most of the given devices have; on equal terms by that of the first one. Every member
 * of that table must be there once. Members that were not given are looked for by their UUID, as
 * the kernel does it.
 */
#define _GNU_SOURCE
#include "fsck.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fsck_error(struct fsck *f, const char *fmt, ...)
{
	va_list ap;

	f->errors++;
	if (f->json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static bool has_table(const struct member *m)
{
	return m->state == MEMBER_GOOD || m->state == MEMBER_SMALL;
}

static unsigned int count_equal(const struct fsck *f, const struct member *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->count; i++)
		n += has_table(&f->members[i]) && tables_agree(&m->mdt, &f->members[i].mdt);
	return n;
}

static void choose_table(struct fsck *f)
{
	unsigned int i, n, most = 0;

	for (i = 0; i < f->count; i++) {
		if (!has_table(&f->members[i]))
			continue;
		n = count_equal(f, &f->members[i]);
		if (n <= most)
			continue;
		most = n;
		f->mdt = f->members[i].mdt;
		f->has_table = true;
	}
}

static bool is_of_set(const struct fsck *f, const struct member *m)
{
	return !memcmp(m->mdt.s_uuid.b, f->mdt.s_uuid.b, sizeof(f->mdt.s_uuid.b));
}

/* A device with a table finds its place, or what is wrong with that. */
static void place(struct fsck *f, struct member *m)
{
	if (!has_table(m))
		return;
	if (!is_of_set(f, m))
		m->state = MEMBER_FOREIGN;
	else if (!tables_agree(&m->mdt, &f->mdt))
		m->state = MEMBER_OTHER;
	else if (f->by_index[m->index])
		m->state = MEMBER_TWICE;
	else
		f->by_index[m->index] = m;
}

static void tell(struct fsck *f, const struct member *m)
{
	switch (m->state) {
	case MEMBER_GOOD:
		break;
	case MEMBER_BROKEN:
		fsck_error(f, "%s: no valid table: %s", m->bd.path, m->why);
		break;
	case MEMBER_FOREIGN:
		fsck_error(f, "%s: belongs to another set", m->bd.path);
		break;
	case MEMBER_OTHER:
		fsck_error(f, "%s: its table says something else of the set", m->bd.path);
		break;
	case MEMBER_TWICE:
		fsck_error(f, "%s: is member %d, and so is %s", m->bd.path, m->index,
			   f->by_index[m->index]->bd.path);
		break;
	case MEMBER_SMALL:
		fsck_error(f, "%s: has %llu MiB, its table says %llu", m->bd.path,
			   (unsigned long long)m->bd.bytes >> 20,
			   (unsigned long long)zus_md_dev_blocks(&m->mdt, (unsigned int)m->index)
			   >> (20 - ZUS_BLOCK_SHIFT));
	}
}

/* One that was found under the UUID of a member must be that member. */
static void check_found(struct fsck *f, const struct member *m, unsigned int index)
{
	if (m->state == MEMBER_GOOD && m->index != (int)index)
		fsck_error(f, "%s: leads to member %d", m->found_as, m->index);
}

void check_set(struct fsck *f)
{
	unsigned int i, given = f->count;

	choose_table(f);
	for (i = 0; f->has_table && i < given; i++)
		place(f, &f->members[i]);
	for (i = 0; i < given; i++)
		tell(f, &f->members[i]);
	if (!f->has_table)
		return;
	for (i = 0; i < members_wanted(f); i++) {
		struct member *m = f->by_index[i] ? NULL : members_find(f, i);

		if (!m)
			continue;
		place(f, m);
		tell(f, m);
		check_found(f, m, i);
	}
	for (i = 0; i < members_wanted(f); i++) {
		char uuid[37];

		zus_uuid_format(f->mdt.s_dev_list.dev_ids[i].uuid.b, uuid);
		if (!f->by_index[i])
			fsck_error(f, "member %u (%s) is missing", i, uuid);
	}
}
