// SPDX-License-Identifier: GPL-2.0-only
/*
 * dtcheck.c - rules that a device table must keep
 *
 * The table comes from a device: every number in it may be anything. Called by
 * dtable.c with a private copy, and by the unit tests. No state, no locking.
 */
#include "dtcheck.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#endif

static int dt_broken(struct zuf_dtable_fault *fault, int entry, const char *what,
		     const char *rel, __u64 expected, __u64 found)
{
	fault->entry = entry;
	fault->what = what;
	fault->rel = rel;
	fault->expected = expected;
	fault->found = found;
	return -EINVAL;
}

static int must_equal(struct zuf_dtable_fault *fault, int entry, const char *what,
		      __u64 expected, __u64 found)
{
	if (expected == found)
		return 0;
	return dt_broken(fault, entry, what, "", expected, found);
}

static int must_be_at_most(struct zuf_dtable_fault *fault, int entry, const char *what,
			   __u64 expected, __u64 found)
{
	if (found <= expected)
		return 0;
	return dt_broken(fault, entry, what, "at most ", expected, found);
}

static int check_head(const struct md_dev_table *mdt, const struct zuf_dtable_want *want,
		      struct zuf_dtable_fault *fault)
{
	unsigned int version = le16_to_cpu(mdt->s_version);
	int err;

	err = must_equal(fault, -1, "magic", want->magic, le32_to_cpu(mdt->s_magic));
	if (err)
		return err;
	err = must_equal(fault, -1, "checksum", md_table_sum(mdt), le16_to_cpu(mdt->s_sum));
	if (err)
		return err;
	err = must_equal(fault, -1, "major version", want->ver_major,
			 version / MD_MINORS_PER_MAJOR);
	if (err)
		return err;
	return must_be_at_most(fault, -1, "minor version", want->ver_minor,
			       version % MD_MINORS_PER_MAJOR);
}

static int check_counts(const struct md_dev_table *mdt, struct zuf_dtable_fault *fault)
{
	unsigned int nr = zuf_dtable_nr(mdt);
	int err;

	if (!nr)
		return dt_broken(fault, -1, "number of devices", "at least ", 1, nr);
	err = must_be_at_most(fault, -1, "number of devices", MD_DEV_MAX, nr);
	if (err)
		return err;
	return must_be_at_most(fault, -1, "index of this device", nr - 1, zuf_dtable_index(mdt));
}

static bool uuid_is_taken(const struct md_dev_table *mdt, unsigned int entry)
{
	const struct md_dev_id *ids = mdt->s_dev_list.dev_ids;
	unsigned int i;

	for (i = 0; i < entry; i++)
		if (!memcmp(&ids[i].uuid, &ids[entry].uuid, sizeof(ids[i].uuid)))
			return true;
	return false;
}

static int check_entry(const struct md_dev_table *mdt, unsigned int entry,
		       struct zuf_dtable_fault *fault)
{
	__u64 blocks = zuf_dtable_blocks(mdt, entry);

	if (!blocks)
		return dt_broken(fault, (int)entry, "blocks", "at least ", ZUF_DT_ALIGN_BLOCKS, 0);
	if (blocks % ZUF_DT_ALIGN_BLOCKS)
		return dt_broken(fault, (int)entry, "blocks", "a multiple of ",
				 ZUF_DT_ALIGN_BLOCKS, blocks);
	if (uuid_is_taken(mdt, entry))
		return dt_broken(fault, (int)entry, "devices of the same uuid", "", 1, 2);
	return must_be_at_most(fault, (int)entry, "blocks", ZUF_DT_MAX_BLOCKS, blocks);
}

/* Do entries [from, to) form a valid linear array of @sum blocks? */
static int check_array(const struct md_dev_table *mdt, unsigned int from, unsigned int to,
		       __u64 sum, const char *what, struct zuf_dtable_fault *fault)
{
	__u64 total = 0;
	unsigned int i;
	int err;

	for (i = from; i < to; i++) {
		err = check_entry(mdt, i, fault);
		if (err)
			return err;
		/* No overflow: both are at most ZUF_DT_MAX_BLOCKS. */
		total += zuf_dtable_blocks(mdt, i);
		err = must_be_at_most(fault, -1, what, ZUF_DT_MAX_BLOCKS, total);
		if (err)
			return err;
	}
	return must_equal(fault, -1, what, total, sum);
}

int zuf_dtable_check(const struct md_dev_table *mdt, const struct zuf_dtable_want *want,
		     struct zuf_dtable_fault *fault)
{
	unsigned int nr_t1, nr, self;
	int err;

	err = check_head(mdt, want, fault);
	if (err)
		return err;
	err = check_counts(mdt, fault);
	if (err)
		return err;

	nr_t1 = zuf_dtable_nr_t1(mdt);
	nr = zuf_dtable_nr(mdt);
	err = check_array(mdt, 0, nr_t1, le64_to_cpu(mdt->s_t1_blocks),
			  "sum of T1 blocks", fault);
	if (err)
		return err;
	err = check_array(mdt, nr_t1, nr, le64_to_cpu(mdt->s_t2_blocks),
			  "sum of T2 blocks", fault);
	if (err)
		return err;

	self = zuf_dtable_index(mdt);
	return must_be_at_most(fault, (int)self, "blocks on this device",
			       want->dev_bytes >> ZUF_DT_BLOCK_SHIFT, zuf_dtable_need(mdt, self));
}

/* Half of a uuid, in the order in which it is printed. */
static __u64 uuid_half(const struct md_uuid *uuid, unsigned int half)
{
	__u64 v = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | uuid->b[half * 8 + i];
	return v;
}

static int match_uuid(const struct md_uuid *expected, const struct md_uuid *found,
		      int entry, const char *what, struct zuf_dtable_fault *fault)
{
	int err;

	err = must_equal(fault, entry, what, uuid_half(expected, 0), uuid_half(found, 0));
	if (err)
		return err;
	return must_equal(fault, entry, what, uuid_half(expected, 1), uuid_half(found, 1));
}

static int match_head(const struct md_dev_table *first, const struct md_dev_table *mdt,
		      struct zuf_dtable_fault *fault)
{
	const struct {
		const char *what;
		__u64 expected, found;
	} rules[] = {
		{ "magic", le32_to_cpu(first->s_magic), le32_to_cpu(mdt->s_magic) },
		{ "version", le16_to_cpu(first->s_version), le16_to_cpu(mdt->s_version) },
		{ "flags", le64_to_cpu(first->s_flags), le64_to_cpu(mdt->s_flags) },
		{ "number of T1 devices", zuf_dtable_nr_t1(first), zuf_dtable_nr_t1(mdt) },
		{ "number of T2 devices", zuf_dtable_nr_t2(first), zuf_dtable_nr_t2(mdt) },
		{ "sum of T1 blocks", le64_to_cpu(first->s_t1_blocks),
		  le64_to_cpu(mdt->s_t1_blocks) },
		{ "sum of T2 blocks", le64_to_cpu(first->s_t2_blocks),
		  le64_to_cpu(mdt->s_t2_blocks) },
	};
	unsigned int i;
	int err;

	err = match_uuid(&first->s_uuid, &mdt->s_uuid, -1, "uuid of the set", fault);
	for (i = 0; !err && i < sizeof(rules) / sizeof(rules[0]); i++)
		err = must_equal(fault, -1, rules[i].what, rules[i].expected, rules[i].found);
	return err;
}

int zuf_dtable_match(const struct md_dev_table *first, const struct md_dev_table *mdt,
		     unsigned int index, struct zuf_dtable_fault *fault)
{
	const struct md_dev_id *a = first->s_dev_list.dev_ids;
	const struct md_dev_id *b = mdt->s_dev_list.dev_ids;
	unsigned int i;
	int err;

	err = match_head(first, mdt, fault);
	for (i = 0; !err && i < zuf_dtable_nr(first); i++) {
		err = match_uuid(&a[i].uuid, &b[i].uuid, (int)i, "uuid", fault);
		if (!err)
			err = must_equal(fault, (int)i, "blocks and node",
					 le64_to_cpu(a[i].blocks), le64_to_cpu(b[i].blocks));
	}
	if (err)
		return err;
	return must_equal(fault, -1, "index of this device", index, zuf_dtable_index(mdt));
}
