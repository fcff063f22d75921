// SPDX-License-Identifier: BSD-2-Clause
/*
 * The iomap builder: the words it makes, full lists, and execution through the environment.
 */
#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <zus/iomap.h>
#include "../probefs.h"
#include "fake.h"

static void elements_have_the_abis_words(void **state)
{
	uint64_t w[32];
	struct zus_iomap iom;

	(void)state;
	zus_iomap_init(&iom, w, 32);
	assert_int_equal(zus_iomap_t2_read(&iom, 5, 8192, 1), 0);
	assert_int_equal(zus_iomap_t2_write(&iom, 6, 4096, 7), 0);
	assert_int_equal(zus_iomap_t2_read_mem(&iom, 8, (void *)0x7000, 4096), 0);
	assert_int_equal(zus_iomap_t2_write_mem(&iom, 9, (void *)0x8000, 8192), 0);
	assert_int_equal(zus_iomap_unmap(&iom, 1, 2, 3), 0);
	assert_int_equal(zus_iomap_wbinv(&iom), 0);
	assert_int_equal(iom.n, 2 + 3 + 3 + 3 + 3 + 1);
	assert_int_equal(w[0], (uint64_t)IOM_T2_READ << 56 | 5);
	assert_int_equal(w[1], 8192);
	assert_int_equal(w[2], (uint64_t)IOM_T2_WRITE_LEN << 56 | 6);
	assert_int_equal(w[4], 7);
	assert_int_equal(w[5], (uint64_t)IOM_T2_ZUSMEM_READ << 56 | 8);
	assert_int_equal(w[6], 0x7000);
	assert_int_equal(w[8] >> 56, IOM_T2_ZUSMEM_WRITE);
	assert_int_equal(w[11], (uint64_t)IOM_UNMAP << 56 | 1);
	assert_int_equal(w[13], 3);
	assert_int_equal(w[14] >> 56, IOM_WBINV);
}

static void full_list_is_left_as_it_was(void **state)
{
	uint64_t w[4] = { 0, 0, 0, 42 };
	struct zus_iomap iom;

	(void)state;
	zus_iomap_init(&iom, w, 3);
	assert_int_equal(zus_iomap_wbinv(&iom), 0);
	assert_int_equal(zus_iomap_unmap(&iom, 0, 0, 0), -ENOSPC);
	assert_int_equal(iom.n, 1);
	assert_int_equal(zus_iomap_t2_read(&iom, 0, 4096, 1), 0);
	assert_int_equal(zus_iomap_wbinv(&iom), -ENOSPC);
	assert_int_equal(w[3], 42);
}

static void lists_are_executed_and_bounded(void **state)
{
	const struct fake_opts opts = { .t2_bytes = 2 << 20 };
	uint64_t w[8], *t1;
	struct zus_iomap iom;
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	t1 = zus_t1_addr(fake_md(f), 100);
	t1[0] = 4711;
	zus_iomap_init(&iom, w, 8);
	zus_iomap_t2_write(&iom, 511, 100 << 12, 1);
	zus_iomap_t2_read(&iom, 511, 101 << 12, 1);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), 0);
	assert_int_equal(t1[512], 4711);
	fake_fail(f, FAKE_DEVICE, 2);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	zus_iomap_init(&iom, w, 8);
	zus_iomap_t2_write(&iom, 511, 100 << 12, 2);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	zus_iomap_init(&iom, w, 8);
	zus_iomap_t2_write(&iom, 1, 0, 1);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	w[0] = zufs_iom_pack(IOM_UNMAP, 0);
	iom.n = 1;		/* cut in the middle of an element */
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	assert_int_equal(fake_umount(f), 0);
	fake_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_have_the_abis_words),
		cmocka_unit_test(full_list_is_left_as_it_was),
		cmocka_unit_test(lists_are_executed_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
