// SPDX-License-Identifier: BSD-2-Clause
/*
 * The inline helpers of the ABI headers: checksum, pointers, iomap words, directory entries.
 */
#include "../unit.h"

#include <stdlib.h>
#include <string.h>
#include <zuf/zus_api.h>

static void crc_is_modbus(void **state)
{
	(void)state;
	assert_int_equal(md_crc16(MD_CRC_START, "123456789", 9), 0x4b37);
	assert_int_equal(md_crc16(MD_CRC_START, "", 0), 0xffff);
}

static void dpp_keeps_pool_and_offset_apart(void **state)
{
	dpp_t v = zufs_dpp_pack(0x12345678, ZUFS_POOL_APP);

	(void)state;
	assert_int_equal(v, 0x1234567f);
	assert_int_equal(zufs_dpp_pool(v), 7);
	assert_int_equal(zufs_dpp_offset(v), 0x12345678);
	assert_int_equal(zufs_dpp_block(zufs_dpp_from_block(77, 0)), 77);
}

static void iom_words_hold_op_and_value(void **state)
{
	uint64_t w = zufs_iom_pack(IOM_UNMAP, ~0ULL);
	unsigned int op;

	(void)state;
	assert_int_equal(zufs_iom_op(w), IOM_UNMAP);
	assert_int_equal(zufs_iom_val(w), ZUFS_IOM_FIRST_VAL_MASK);
	assert_int_equal(zufs_iom_words(IOM_WBINV), 1);
	assert_int_equal(zufs_iom_words(IOM_T2_READ), 2);
	assert_int_equal(zufs_iom_words(IOM_T2_ZUSMEM_READ), 3);
	assert_int_equal(zufs_iom_words(IOM_DISCARD), 3);
	for (op = IOM_DISCARD + 1; op < 256; op++)
		assert_int_equal(zufs_iom_words(op), 0);
}

static void entry_sizes_are_the_abis(void **state)
{
	(void)state;
	assert_int_equal(zufs_zde_size(1), 24);
	assert_int_equal(zufs_zde_size(7), 24);
	assert_int_equal(zufs_zde_size(8), 32);
	assert_int_equal(zufs_zde_size(255), 272);
}

struct dir {
	struct zufs_ioc_readdir ioc;
	struct zufs_readdir_iter it;
	char *buf;
};

/* Not inlined: the entries of a short buffer lie partly outside of it by design. */
__attribute__((noinline)) static void dir_init(struct dir *d, uint32_t size)
{
	memset(d, 0, sizeof(*d));
	d->buf = calloc(1, size);
	d->ioc.hdr.len = size;
	zufs_readdir_iter_init(&d->it, &d->ioc, d->buf);
}

static void entries_come_out_as_they_went_in(void **state)
{
	const uint64_t pos = 0xfedcba98765432ULL;
	struct zufs_dir_entry *zde;
	char name[255];
	struct dir d;

	(void)state;
	memset(name, 'n', sizeof(name));
	dir_init(&d, 4096);
	assert_int_equal(zufs_zde_emit(&d.it, 42, 8, pos, name, 255), 1);
	assert_int_equal(zufs_zde_emit(&d.it, 43, 4, 1, "a", 1), 1);
	zufs_readdir_iter_init(&d.it, &d.ioc, d.buf);
	zde = zufs_next_zde(&d.it);
	assert_non_null(zde);
	assert_int_equal(zde->ino, 42);
	assert_int_equal(zde->type, 8);
	assert_int_equal(zufs_zde_pos(zde), pos);
	assert_int_equal(zde->zstr.len, 255);
	assert_memory_equal(zde->zstr.name, name, 255);
	zde = zufs_next_zde(&d.it);
	assert_int_equal(zde->zstr.name[0], 'a');
	assert_int_equal(zufs_zde_pos(zde), 1);
	assert_null(zufs_next_zde(&d.it));
	free(d.buf);
}

static void entry_must_end_strictly_below_the_end(void **state)
{
	struct dir d;

	(void)state;
	dir_init(&d, 24);
	assert_int_equal(zufs_zde_emit(&d.it, 1, 8, 9, "a", 1), 0);
	assert_int_equal(d.ioc.more, 1);
	assert_int_equal(d.ioc.pos, 9);
	assert_null(zufs_next_zde(&d.it));
	free(d.buf);
	dir_init(&d, 32);
	assert_int_equal(zufs_zde_emit(&d.it, 1, 8, 9, "a", 1), 1);
	assert_int_equal(d.ioc.more, 0);
	free(d.buf);
}

static void reader_stays_inside_of_a_hostile_buffer(void **state)
{
	struct dir d;

	(void)state;
	dir_init(&d, 64);
	d.buf[16] = (char)255;		/* an entry that would end behind the buffer */
	assert_null(zufs_next_zde(&d.it));
	free(d.buf);
	dir_init(&d, 16);		/* not even a header */
	assert_null(zufs_next_zde(&d.it));
	free(d.buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_modbus),
		cmocka_unit_test(dpp_keeps_pool_and_offset_apart),
		cmocka_unit_test(iom_words_hold_op_and_value),
		cmocka_unit_test(entry_sizes_are_the_abis),
		cmocka_unit_test(entries_come_out_as_they_went_in),
		cmocka_unit_test(entry_must_end_strictly_below_the_end),
		cmocka_unit_test(reader_stays_inside_of_a_hostile_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
