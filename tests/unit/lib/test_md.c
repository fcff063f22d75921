// SPDX-License-Identifier: BSD-2-Clause
/*
 * Device tables and the geometry of a set: built, checked, stored, damaged in every way.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zus/md.h>

#define MAGIC	0x12345678
#define MB2	(2ULL << 20)

static struct zus_mdt_dev devs[4] = {
	{ .uuid = { 1 }, .bytes = 2 * MB2 }, { .uuid = { 2 }, .bytes = MB2 },
	{ .uuid = { 3 }, .bytes = 3 * MB2 }, { .uuid = { 4 }, .bytes = MB2 },
};

static const struct zus_mdt_spec spec = {
	.magic = MAGIC, .version_major = 2, .version_minor = 3, .uuid = { 9 },
	.t1_count = 2, .t2_count = 2, .devs = devs,
};

static void built_table_is_valid(void **state)
{
	struct md_dev_table t;
	const char *why;

	(void)state;
	assert_int_equal(zus_mdt_build(&spec, &t), 0);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, &why), 0);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 9, &why), 0);
	assert_int_equal(le64toh(t.s_t1_blocks), 3 * 512);
	assert_int_equal(le64toh(t.s_t2_blocks), 4 * 512);
	zus_mdt_set_index(&t, 3);
	assert_int_equal(le16toh(t.s_dev_list.id_index), 3);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, NULL), 0);
}

static void impossible_specs_are_refused(void **state)
{
	struct zus_mdt_spec s = spec;
	struct md_dev_table t;

	(void)state;
	s.t1_count = 0;
	assert_int_equal(zus_mdt_build(&s, &t), -EINVAL);
	s = spec;
	s.t2_count = 63;
	assert_int_equal(zus_mdt_build(&s, &t), -E2BIG);
	s = spec;
	s.version_minor = 1024;
	assert_int_equal(zus_mdt_build(&s, &t), -EINVAL);
	devs[1].bytes = MB2 + 4096;
	assert_int_equal(zus_mdt_build(&spec, &t), -EINVAL);
	devs[1].bytes = 0;
	assert_int_equal(zus_mdt_build(&spec, &t), -EINVAL);
	devs[1].bytes = MB2;
}

static void damage_is_found_and_named(void **state)
{
	struct md_dev_table good, t;
	const char *why;
	size_t i;

	(void)state;
	assert_int_equal(zus_mdt_build(&spec, &good), 0);
	for (i = 0; i < MDT_STATIC_SIZE; i++) {
		t = good;
		((uint8_t *)&t)[i] ^= 0x40;
		why = NULL;
		assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, &why), -EINVAL);
		assert_non_null(why);
	}
	t = good;
	t.s_mtime = ~0ULL;		/* the dynamic part is free to change */
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, &why), 0);
	assert_int_equal(zus_mdt_check(&good, MAGIC + 1, 2, 3, &why), -EINVAL);
	assert_non_null(strstr(why, "magic"));
	assert_int_equal(zus_mdt_check(&good, MAGIC, 1, 3, &why), -EINVAL);
	assert_int_equal(zus_mdt_check(&good, MAGIC, 2, 2, &why), -EINVAL);
	assert_non_null(strstr(why, "version"));
}

/* Changes that keep the checksum right. */
static void want_refused(struct md_dev_table *t, unsigned int index, const char *reason)
{
	const char *why = NULL;

	zus_mdt_set_index(t, index);
	assert_int_equal(zus_mdt_check(t, MAGIC, 2, 3, &why), -EINVAL);
	assert_non_null(why);
	assert_non_null(strstr(why, reason));
}

static void inconsistent_tables_are_refused(void **state)
{
	struct md_dev_table good, t;

	(void)state;
	assert_int_equal(zus_mdt_build(&spec, &good), 0);
	t = good;
	t.s_dev_list.t1_count = 0;
	want_refused(&t, 0, "no T1 device");
	t = good;
	t.s_t1_blocks = htole64(1);
	want_refused(&t, 0, "add up");
	t = good;
	t.s_t2_blocks = 0;
	want_refused(&t, 0, "add up");
	t = good;
	t.s_dev_list.dev_ids[2].blocks = htole64(1);
	want_refused(&t, 0, "2 MiB");
	t = good;
	t.s_dev_list.dev_ids[3].blocks = 0;
	want_refused(&t, 0, "2 MiB");
	t = good;
	want_refused(&t, 4, "index");
}

/* Each count alone, and their sum: nothing behind the table is looked at. */
static void too_many_devices_are_refused(void **state)
{
	static const struct { uint16_t t1, t2; } cases[] = {
		{ 65, 0 }, { 65, 1 }, { 0xffff, 0 }, { 0xffff, 0xffff }, { 2, 63 }, { 1, 0xffff },
		{ 64, 1 }, { 0x8000, 0x8000 },
	};
	struct zus_mdt_dev many[MD_DEV_MAX + 1];
	struct zus_mdt_spec s = spec;
	struct md_dev_table t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(zus_mdt_build(&spec, &t), 0);
		t.s_dev_list.t1_count = htole16(cases[i].t1);
		t.s_dev_list.t2_count = htole16(cases[i].t2);
		want_refused(&t, 0, "too many devices");
		s.t1_count = cases[i].t1;
		s.t2_count = cases[i].t2;
		assert_int_equal(zus_mdt_build(&s, &t), -E2BIG);
	}
	/* as many as there is room for */
	for (i = 0; i < ARRAY_LEN(many); i++)
		many[i] = devs[1];
	s.devs = many;
	s.t1_count = MD_DEV_MAX;
	s.t2_count = 0;
	assert_int_equal(zus_mdt_build(&s, &t), 0);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, NULL), 0);
	zus_mdt_set_index(&t, MD_DEV_MAX - 1);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, NULL), 0);
	want_refused(&t, MD_DEV_MAX, "index");
	s.t1_count = 1;
	s.t2_count = MD_DEV_MAX - 1;
	assert_int_equal(zus_mdt_build(&s, &t), 0);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, NULL), 0);
}

static void versions_have_their_limits(void **state)
{
	struct zus_mdt_spec s = spec;
	struct md_dev_table t;
	const char *why;

	(void)state;
	s.version_major = 63;
	s.version_minor = MD_MINORS_PER_MAJOR - 1;
	assert_int_equal(zus_mdt_build(&s, &t), 0);
	assert_int_equal(le16toh(t.s_version), 0xffff);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 63, MD_MINORS_PER_MAJOR - 1, &why), 0);
	s.version_major = 64;
	assert_int_equal(zus_mdt_build(&s, &t), -EINVAL);
	s.version_major = 0;
	s.version_minor = MD_MINORS_PER_MAJOR;
	assert_int_equal(zus_mdt_build(&s, &t), -EINVAL);
}

static void numa_node_is_not_part_of_the_size(void **state)
{
	struct md_dev_table t;

	(void)state;
	assert_int_equal(zus_mdt_build(&spec, &t), 0);
	t.s_dev_list.dev_ids[0].blocks |= htole64(5ULL << MD_DEV_NUMA_SHIFT);
	zus_mdt_set_index(&t, 0);
	assert_int_equal(zus_md_dev_blocks(&t, 0), 1024);
	assert_int_equal(zus_mdt_check(&t, MAGIC, 2, 3, NULL), 0);
}

static void tables_are_stored_whole(void **state)
{
	struct md_dev_table a, b;
	uint8_t block[MDT_SIZE];
	int fd = memfd_create("table", 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(zus_mdt_read(fd, 0, &a), -EIO);
	memset(block, 0xff, sizeof(block));
	assert_int_equal(pwrite(fd, block, sizeof(block), 8192), sizeof(block));
	assert_int_equal(zus_mdt_build(&spec, &a), 0);
	assert_int_equal(zus_mdt_write(fd, 8192, &a), 0);
	assert_int_equal(zus_mdt_read(fd, 8192, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(pread(fd, block, sizeof(block), 8192), sizeof(block));
	/* the label lies behind it */
	assert_int_equal(block[sizeof(a)], 0xff);
	assert_int_equal(block[MDT_SIZE - 1], 0xff);
	close(fd);
	assert_int_equal(zus_mdt_write(fd, 0, &a), -EBADF);
}

/* The library's fsync is this one. */
static unsigned int syncs;
static int sync_errno;

int fsync(int fd)
{
	(void)fd;
	syncs++;
	errno = sync_errno;
	return sync_errno ? -1 : 0;
}

static void stored_tables_are_synced(void **state)
{
	struct md_dev_table t;
	int fd = memfd_create("table", 0);

	(void)state;
	assert_true(fd >= 0);
	syncs = 0;
	assert_int_equal(zus_mdt_build(&spec, &t), 0);
	assert_int_equal(zus_mdt_write(fd, 0, &t), 0);
	assert_int_equal(syncs, 1);
	sync_errno = ENOSPC;
	assert_int_equal(zus_mdt_write(fd, 0, &t), -ENOSPC);
	sync_errno = 0;
	close(fd);
	assert_int_equal(zus_mdt_read(fd, 0, &t), -EBADF);
}

static void table_that_is_cut_is_an_error(void **state)
{
	struct rlimit old, limit;
	struct md_dev_table t;
	int fd = memfd_create("table", 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(zus_mdt_build(&spec, &t), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 4096 + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	syncs = 0;
	assert_int_equal(zus_mdt_write(fd, 4096, &t), -EIO);
	assert_int_equal(syncs, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	close(fd);
}

static void blocks_are_found_on_their_devices(void **state)
{
	struct zus_md md = { .t1_blocks = 3 * 512 };
	unsigned int index;
	uint64_t bn;

	(void)state;
	assert_int_equal(zus_mdt_build(&spec, &md.mdt), 0);
	assert_true(zus_md_reserved_block(&md, 0));
	assert_true(zus_md_reserved_block(&md, 1024));
	assert_false(zus_md_reserved_block(&md, 1));
	assert_false(zus_md_reserved_block(&md, 512));
	assert_false(zus_md_reserved_block(&md, 1536));
	assert_int_equal(zus_md_t2_locate(&md.mdt, 1535, &index, &bn), 0);
	assert_int_equal(index, 2);
	assert_int_equal(bn, 1535);
	assert_int_equal(zus_md_t2_locate(&md.mdt, 1536, &index, &bn), 0);
	assert_int_equal(index, 3);
	assert_int_equal(bn, 0);
	assert_int_equal(zus_md_t2_locate(&md.mdt, 2048, &index, &bn), -ERANGE);
}

/* The kernel makes a table up for a device that has none: its first block is like the others. */
static void without_a_table_no_block_is_reserved(void **state)
{
	struct zus_md md = { .t1_blocks = 512 };

	(void)state;
	md.mdt.s_dev_list.t1_count = htole16(1);
	md.mdt.s_dev_list.dev_ids[0].blocks = htole64(512);
	assert_false(zus_md_has_table(&md));
	assert_false(zus_md_reserved_block(&md, 0));
	assert_false(zus_md_reserved_block(&md, 1));
	md.mdt.s_uuid.b[15] = 1;
	assert_true(zus_md_has_table(&md));
	md.mdt.s_uuid.b[15] = 0;
	md.mdt.s_dev_list.dev_ids[0].uuid.b[0] = 1;
	assert_true(zus_md_has_table(&md));
	assert_true(zus_md_reserved_block(&md, 0));
	assert_false(zus_md_reserved_block(&md, 1));
	/* a set of several devices has a table, whatever UUIDs stand in it */
	md.mdt.s_dev_list.dev_ids[0].uuid.b[0] = 0;
	md.mdt.s_dev_list.t2_count = htole16(1);
	assert_true(zus_md_has_table(&md));
	assert_true(zus_md_reserved_block(&md, 0));
}

static void addresses_outside_of_t1_are_known(void **state)
{
	static uint8_t t1[2 * 4096];
	struct zus_md md = { .t1 = t1, .t1_blocks = 2 };
	const void *below = (const void *)((uintptr_t)t1 - 1);

	(void)state;
	assert_ptr_equal(zus_t1_ptr(&md, 4096), t1 + 4096);
	assert_null(zus_t1_ptr(&md, 0));
	assert_null(zus_t1_ptr(&md, 8192));
	assert_null(zus_t1_ptr(&md, 4096 | 1));
	assert_true(zus_t1_contains(&md, t1, 8192));
	assert_false(zus_t1_contains(&md, t1 + 1, 8192));
	assert_false(zus_t1_contains(&md, below, 1));
	assert_false(zus_t1_contains(&md, t1 + 8192, 0));
	assert_false(zus_t1_contains(&md, t1 + 1, SIZE_MAX));
	assert_int_equal(zus_t1_dpp(&md, NULL), 0);
	assert_int_equal(zus_t1_dpp(&md, t1 + 4104), 4104);
	assert_int_equal(zus_t1_bn(&md, t1 + 4104), 1);
}

static void uuids_are_text_and_back(void **state)
{
	uint8_t a[16], b[16];
	char text[37];

	(void)state;
	zus_uuid_generate(a);
	zus_uuid_format(a, text);
	assert_int_equal(strlen(text), 36);
	assert_int_equal(zus_uuid_parse(text, b), 0);
	assert_memory_equal(a, b, 16);
	assert_int_equal(zus_uuid_parse("12345", b), -EINVAL);
	zus_uuid_generate(b);
	assert_memory_not_equal(a, b, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_table_is_valid),
		cmocka_unit_test(impossible_specs_are_refused),
		cmocka_unit_test(damage_is_found_and_named),
		cmocka_unit_test(inconsistent_tables_are_refused),
		cmocka_unit_test(too_many_devices_are_refused),
		cmocka_unit_test(versions_have_their_limits),
		cmocka_unit_test(numa_node_is_not_part_of_the_size),
		cmocka_unit_test(tables_are_stored_whole),
		cmocka_unit_test(stored_tables_are_synced),
		cmocka_unit_test(table_that_is_cut_is_an_error),
		cmocka_unit_test(blocks_are_found_on_their_devices),
		cmocka_unit_test(without_a_table_no_block_is_reserved),
		cmocka_unit_test(addresses_outside_of_t1_are_known),
		cmocka_unit_test(uuids_are_text_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
