// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rules of the device table (kernel/device/dtcheck.c), compiled in user space. Every
 * test starts from a table that passes, breaks one rule, and expects that rule
 * to be named with what was expected and found. Sums are put right again after
 * each change, unless the sum is what is tested.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dtcheck.h"

#define MAGIC		0x53465a54U
#define MAJOR		3
#define MINOR		7
#define VERSION		(MAJOR * MD_MINORS_PER_MAJOR + MINOR)
#define NR_T1		2U
#define NR_T2		1U
#define T1_BLOCKS	1024ULL
#define T2_BLOCKS	4096ULL

struct fixture {
	struct md_dev_table mdt;
	struct zuf_dtable_want want;
	struct zuf_dtable_fault fault;
};

static void seal(struct md_dev_table *mdt)
{
	mdt->s_sum = htole16(md_table_sum(mdt));
}

static void set_blocks(struct md_dev_table *mdt, unsigned int entry, uint64_t blocks)
{
	mdt->s_dev_list.dev_ids[entry].blocks = htole64(blocks);
}

/* Sums of the two arrays as they are, wrapped if they overflow. */
static void sum_up(struct md_dev_table *mdt)
{
	uint64_t t1 = 0, t2 = 0;
	unsigned int i;

	for (i = 0; i < zuf_dtable_nr(mdt) && i < MD_DEV_MAX; i++) {
		if (i < zuf_dtable_nr_t1(mdt))
			t1 += zuf_dtable_blocks(mdt, i);
		else
			t2 += zuf_dtable_blocks(mdt, i);
	}
	mdt->s_t1_blocks = htole64(t1);
	mdt->s_t2_blocks = htole64(t2);
	seal(mdt);
}

static void name_devices(struct md_dev_table *mdt, unsigned int nr_t1, unsigned int nr_t2)
{
	unsigned int i;

	mdt->s_dev_list.t1_count = htole16((uint16_t)nr_t1);
	mdt->s_dev_list.t2_count = htole16((uint16_t)nr_t2);
	for (i = 0; i < nr_t1 + nr_t2 && i < MD_DEV_MAX; i++) {
		memset(&mdt->s_dev_list.dev_ids[i].uuid, 0x10 + (int)i, sizeof(struct md_uuid));
		set_blocks(mdt, i, i < nr_t1 ? T1_BLOCKS : T2_BLOCKS);
	}
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.mdt.s_version = htole16(VERSION);
	f.mdt.s_magic = htole32(MAGIC);
	memset(&f.mdt.s_uuid, 0xab, sizeof(f.mdt.s_uuid));
	name_devices(&f.mdt, NR_T1, NR_T2);
	sum_up(&f.mdt);
	f.want.magic = MAGIC;
	f.want.ver_major = MAJOR;
	f.want.ver_minor = MINOR;
	f.want.dev_bytes = T1_BLOCKS << ZUF_DT_BLOCK_SHIFT;
	*state = &f;
	return 0;
}

static void expect_good(struct fixture *f)
{
	assert_int_equal(zuf_dtable_check(&f->mdt, &f->want, &f->fault), 0);
}

static void assert_fault(const struct zuf_dtable_fault *fault, int entry, const char *what,
			 const char *rel, uint64_t expected, uint64_t found)
{
	assert_string_equal(fault->what, what);
	assert_string_equal(fault->rel, rel);
	assert_int_equal(fault->entry, entry);
	assert_int_equal(fault->expected, expected);
	assert_int_equal(fault->found, found);
}

static void expect_bad(struct fixture *f, int entry, const char *what, const char *rel,
		       uint64_t expected, uint64_t found)
{
	assert_int_equal(zuf_dtable_check(&f->mdt, &f->want, &f->fault), -EINVAL);
	assert_fault(&f->fault, entry, what, rel, expected, found);
}

static void a_valid_table_passes(void **state)
{
	expect_good(*state);
}

static void foreign_magic_is_refused(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_magic = htole32(0x1717);
	seal(&f->mdt);
	expect_bad(f, -1, "magic", "", MAGIC, 0x1717);
}

static void an_empty_device_is_refused(void **state)
{
	struct fixture *f = *state;

	memset(&f->mdt, 0, sizeof(f->mdt));
	expect_bad(f, -1, "magic", "", MAGIC, 0);
}

static void every_static_byte_is_covered_by_the_checksum(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = (uint8_t *)&f->mdt;
	size_t i;

	for (i = 0; i < MDT_STATIC_SIZE; i++) {
		if (i >= offsetof(struct md_dev_table, s_magic) &&
		    i < offsetof(struct md_dev_table, s_uuid))
			continue;	/* the magic is looked at first */
		bytes[i] ^= 0x20;
		assert_int_equal(zuf_dtable_check(&f->mdt, &f->want, &f->fault), -EINVAL);
		assert_string_equal(f->fault.what, "checksum");
		bytes[i] ^= 0x20;
	}
	expect_good(f);
}

static void the_dynamic_part_is_not_checksummed(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_mtime = htole64(1234567890);
	f->mdt.s_wtime = htole64(1234567891);
	expect_good(f);
}

static void another_major_version_is_refused(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_version = htole16((MAJOR + 1) * MD_MINORS_PER_MAJOR + MINOR);
	seal(&f->mdt);
	expect_bad(f, -1, "major version", "", MAJOR, MAJOR + 1);
	f->mdt.s_version = htole16((MAJOR - 1) * MD_MINORS_PER_MAJOR + MINOR);
	seal(&f->mdt);
	expect_bad(f, -1, "major version", "", MAJOR, MAJOR - 1);
}

static void an_older_minor_version_passes_a_newer_one_does_not(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_version = htole16(MAJOR * MD_MINORS_PER_MAJOR);
	seal(&f->mdt);
	expect_good(f);
	f->mdt.s_version = htole16(VERSION + 1);
	seal(&f->mdt);
	expect_bad(f, -1, "minor version", "at most ", MINOR, MINOR + 1);
}

static void no_devices_are_refused(void **state)
{
	struct fixture *f = *state;

	name_devices(&f->mdt, 0, 0);
	sum_up(&f->mdt);
	expect_bad(f, -1, "number of devices", "at least ", 1, 0);
}

static void sixty_four_devices_pass_one_more_does_not(void **state)
{
	struct fixture *f = *state;

	name_devices(&f->mdt, 1, MD_DEV_MAX - 1);
	sum_up(&f->mdt);
	expect_good(f);
	f->mdt.s_dev_list.t2_count = htole16(MD_DEV_MAX);
	seal(&f->mdt);
	expect_bad(f, -1, "number of devices", "at most ", MD_DEV_MAX, MD_DEV_MAX + 1);
}

static void counts_do_not_wrap(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_dev_list.t1_count = htole16(0xffff);
	f->mdt.s_dev_list.t2_count = htole16(2);
	seal(&f->mdt);
	expect_bad(f, -1, "number of devices", "at most ", MD_DEV_MAX, 0x10001);
}

static void only_t1_or_only_t2_passes(void **state)
{
	struct fixture *f = *state;

	name_devices(&f->mdt, 1, 0);
	sum_up(&f->mdt);
	expect_good(f);
	name_devices(&f->mdt, 0, 1);
	sum_up(&f->mdt);
	f->want.dev_bytes = T2_BLOCKS << ZUF_DT_BLOCK_SHIFT;
	expect_good(f);
}

static void an_index_outside_the_list_is_refused(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_dev_list.id_index = htole16(NR_T1 + NR_T2);
	seal(&f->mdt);
	expect_bad(f, -1, "index of this device", "at most ", NR_T1 + NR_T2 - 1, NR_T1 + NR_T2);
	f->mdt.s_dev_list.id_index = htole16(0xffff);
	seal(&f->mdt);
	expect_bad(f, -1, "index of this device", "at most ", NR_T1 + NR_T2 - 1, 0xffff);
}

static void a_device_without_blocks_is_refused(void **state)
{
	struct fixture *f = *state;

	/* The NUMA node in the same word does not count. */
	set_blocks(&f->mdt, 1, 5ULL << MD_DEV_NUMA_SHIFT);
	sum_up(&f->mdt);
	expect_bad(f, 1, "blocks", "at least ", ZUF_DT_ALIGN_BLOCKS, 0);
}

static void blocks_must_be_a_multiple_of_2_mib(void **state)
{
	struct fixture *f = *state;
	unsigned int entry;

	for (entry = 0; entry < NR_T1 + NR_T2; entry++) {
		setup(state);
		set_blocks(&f->mdt, entry, ZUF_DT_ALIGN_BLOCKS + 1);
		sum_up(&f->mdt);
		expect_bad(f, (int)entry, "blocks", "a multiple of ", ZUF_DT_ALIGN_BLOCKS,
			   ZUF_DT_ALIGN_BLOCKS + 1);
	}
}

static void the_numa_node_is_no_part_of_the_size(void **state)
{
	struct fixture *f = *state;

	set_blocks(&f->mdt, 0, T1_BLOCKS | 15ULL << MD_DEV_NUMA_SHIFT);
	seal(&f->mdt);
	expect_good(f);
	assert_int_equal(zuf_dtable_node(&f->mdt, 0), 15);
	assert_int_equal(zuf_dtable_blocks(&f->mdt, 0), T1_BLOCKS);
}

static void a_member_twice_is_refused(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_dev_list.dev_ids[2].uuid = f->mdt.s_dev_list.dev_ids[0].uuid;
	seal(&f->mdt);
	expect_bad(f, 2, "devices of the same uuid", "", 1, 2);
}

static void a_single_device_needs_no_uuid(void **state)
{
	struct fixture *f = *state;

	name_devices(&f->mdt, 1, 0);
	memset(&f->mdt.s_dev_list.dev_ids[0].uuid, 0, sizeof(struct md_uuid));
	sum_up(&f->mdt);
	expect_good(f);
}

static void sums_must_agree_with_the_list(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_t1_blocks = htole64(NR_T1 * T1_BLOCKS + 1);
	seal(&f->mdt);
	expect_bad(f, -1, "sum of T1 blocks", "", NR_T1 * T1_BLOCKS, NR_T1 * T1_BLOCKS + 1);
	setup(state);
	f->mdt.s_t2_blocks = 0;
	seal(&f->mdt);
	expect_bad(f, -1, "sum of T2 blocks", "", NR_T2 * T2_BLOCKS, 0);
}

static void a_size_beyond_all_bounds_is_refused(void **state)
{
	struct fixture *f = *state;
	const uint64_t huge = MD_DEV_BLOCKS_MASK & ~(ZUF_DT_ALIGN_BLOCKS - 1);

	set_blocks(&f->mdt, 2, huge);
	sum_up(&f->mdt);
	expect_bad(f, 2, "blocks", "at most ", ZUF_DT_MAX_BLOCKS, huge);
}

static void a_sum_that_would_overflow_is_refused(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	/* 64 times 2^58 is 0 in 64 bits: the sum looks right. */
	name_devices(&f->mdt, MD_DEV_MAX, 0);
	for (i = 0; i < MD_DEV_MAX; i++)
		set_blocks(&f->mdt, i, 1ULL << 58);
	sum_up(&f->mdt);
	assert_int_equal(f->mdt.s_t1_blocks, 0);
	expect_bad(f, 0, "blocks", "at most ", ZUF_DT_MAX_BLOCKS, 1ULL << 58);

	for (i = 0; i < MD_DEV_MAX; i++)
		set_blocks(&f->mdt, i, ZUF_DT_MAX_BLOCKS / 2);
	sum_up(&f->mdt);
	expect_bad(f, -1, "sum of T1 blocks", "at most ", ZUF_DT_MAX_BLOCKS,
		   ZUF_DT_MAX_BLOCKS / 2 * 3);
}

static void a_table_larger_than_its_device_is_refused(void **state)
{
	struct fixture *f = *state;

	f->want.dev_bytes--;
	expect_bad(f, 0, "blocks on this device", "at most ", T1_BLOCKS - 1, T1_BLOCKS);
	f->want.dev_bytes = 0;
	expect_bad(f, 0, "blocks on this device", "at most ", 0, T1_BLOCKS);
}

static void only_the_own_entry_is_held_against_the_device(void **state)
{
	struct fixture *f = *state;

	/* T2 is larger than this T1 device, and that is fine. */
	assert_true(T2_BLOCKS << ZUF_DT_BLOCK_SHIFT > f->want.dev_bytes);
	expect_good(f);
	f->mdt.s_dev_list.id_index = htole16(2);
	seal(&f->mdt);
	expect_bad(f, 2, "blocks on this device", "at most ", T1_BLOCKS, T2_BLOCKS);
}

static void a_shadow_doubles_t1_but_not_t2(void **state)
{
	struct fixture *f = *state;

	f->mdt.s_flags = htole64(MDT_F_SHADOW);
	seal(&f->mdt);
	expect_bad(f, 0, "blocks on this device", "at most ", T1_BLOCKS, 2 * T1_BLOCKS);
	f->want.dev_bytes *= 2;
	expect_good(f);
	f->mdt.s_dev_list.id_index = htole16(2);
	f->want.dev_bytes = T2_BLOCKS << ZUF_DT_BLOCK_SHIFT;
	seal(&f->mdt);
	expect_good(f);
}

/* A second table of the same set, of entry @index. */
static struct md_dev_table member(const struct fixture *f, unsigned int index)
{
	struct md_dev_table mdt = f->mdt;

	mdt.s_dev_list.id_index = htole16((uint16_t)index);
	seal(&mdt);
	return mdt;
}

static void expect_mismatch(struct fixture *f, const struct md_dev_table *mdt, int entry,
			    const char *what, uint64_t expected, uint64_t found)
{
	assert_int_equal(zuf_dtable_match(&f->mdt, mdt, 1, &f->fault), -EINVAL);
	assert_fault(&f->fault, entry, what, "", expected, found);
}

static void members_of_a_set_match(void **state)
{
	struct fixture *f = *state;
	struct md_dev_table mdt;
	unsigned int i;

	for (i = 0; i < NR_T1 + NR_T2; i++) {
		mdt = member(f, i);
		mdt.s_mtime = htole64(i);
		assert_int_equal(zuf_dtable_match(&f->mdt, &mdt, i, &f->fault), 0);
	}
}

static void a_member_in_the_place_of_another_is_refused(void **state)
{
	struct fixture *f = *state;
	struct md_dev_table mdt = member(f, 2);

	expect_mismatch(f, &mdt, -1, "index of this device", 1, 2);
	mdt = member(f, 0);
	expect_mismatch(f, &mdt, -1, "index of this device", 1, 0);
}

static void a_member_of_another_set_is_refused(void **state)
{
	struct fixture *f = *state;
	struct md_dev_table mdt = member(f, 1);

	mdt.s_uuid.b[0] = 0xac;
	expect_mismatch(f, &mdt, -1, "uuid of the set", 0xababababababababULL,
			0xacabababababababULL);
	mdt = member(f, 1);
	mdt.s_uuid.b[15] = 0;
	expect_mismatch(f, &mdt, -1, "uuid of the set", 0xababababababababULL,
			0xababababababab00ULL);
}

static void heads_that_differ_are_refused(void **state)
{
	struct fixture *f = *state;
	struct md_dev_table mdt = member(f, 1);

	mdt.s_magic = htole32(1);
	expect_mismatch(f, &mdt, -1, "magic", MAGIC, 1);
	mdt = member(f, 1);
	mdt.s_version = htole16(VERSION - 1);
	expect_mismatch(f, &mdt, -1, "version", VERSION, VERSION - 1);
	mdt = member(f, 1);
	mdt.s_flags = htole64(1ULL << MDT_F_USER_START);
	expect_mismatch(f, &mdt, -1, "flags", 0, 1ULL << MDT_F_USER_START);
	mdt = member(f, 1);
	mdt.s_t1_blocks = htole64(1);
	expect_mismatch(f, &mdt, -1, "sum of T1 blocks", NR_T1 * T1_BLOCKS, 1);
	mdt = member(f, 1);
	mdt.s_t2_blocks = htole64(1);
	expect_mismatch(f, &mdt, -1, "sum of T2 blocks", NR_T2 * T2_BLOCKS, 1);
}

static void counts_that_differ_are_refused(void **state)
{
	struct fixture *f = *state;
	struct md_dev_table mdt = member(f, 1);

	/* The same number of devices, shared out differently. */
	mdt.s_dev_list.t1_count = htole16(NR_T1 - 1);
	mdt.s_dev_list.t2_count = htole16(NR_T2 + 1);
	expect_mismatch(f, &mdt, -1, "number of T1 devices", NR_T1, NR_T1 - 1);
	mdt.s_dev_list.t1_count = htole16(NR_T1);
	expect_mismatch(f, &mdt, -1, "number of T2 devices", NR_T2, NR_T2 + 1);
}

static void lists_that_differ_are_refused(void **state)
{
	struct fixture *f = *state;
	struct md_dev_table mdt = member(f, 1);

	mdt.s_dev_list.dev_ids[2].uuid.b[8] = 0;
	expect_mismatch(f, &mdt, 2, "uuid", 0x1212121212121212ULL, 0x0012121212121212ULL);
	mdt = member(f, 1);
	set_blocks(&mdt, 0, 2 * T1_BLOCKS);
	expect_mismatch(f, &mdt, 0, "blocks and node", T1_BLOCKS, 2 * T1_BLOCKS);
}

#define T(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_valid_table_passes),
		T(foreign_magic_is_refused),
		T(an_empty_device_is_refused),
		T(every_static_byte_is_covered_by_the_checksum),
		T(the_dynamic_part_is_not_checksummed),
		T(another_major_version_is_refused),
		T(an_older_minor_version_passes_a_newer_one_does_not),
		T(no_devices_are_refused),
		T(sixty_four_devices_pass_one_more_does_not),
		T(counts_do_not_wrap),
		T(only_t1_or_only_t2_passes),
		T(an_index_outside_the_list_is_refused),
		T(a_device_without_blocks_is_refused),
		T(blocks_must_be_a_multiple_of_2_mib),
		T(the_numa_node_is_no_part_of_the_size),
		T(a_member_twice_is_refused),
		T(a_single_device_needs_no_uuid),
		T(sums_must_agree_with_the_list),
		T(a_size_beyond_all_bounds_is_refused),
		T(a_sum_that_would_overflow_is_refused),
		T(a_table_larger_than_its_device_is_refused),
		T(only_the_own_entry_is_held_against_the_device),
		T(a_shadow_doubles_t1_but_not_t2),
		T(members_of_a_set_match),
		T(a_member_in_the_place_of_another_is_refused),
		T(a_member_of_another_set_is_refused),
		T(heads_that_differ_are_refused),
		T(counts_that_differ_are_refused),
		T(lists_that_differ_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
