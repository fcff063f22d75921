// SPDX-License-Identifier: BSD-2-Clause
/*
 * Little-endian fields: bytes in their order, every setter of the shared inode at its place.
 */
#include "../unit.h"

#include <pthread.h>
#include <string.h>
#include <zus/inode.h>

static void bytes_lie_in_little_endian_order(void **state)
{
	static const uint8_t bytes[] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	__le64 l;
	__le32 i;
	__le16 s;

	(void)state;
	zus_le64_store(&l, 0x0102030405060708);
	assert_memory_equal(&l, bytes, 8);
	assert_true(zus_le64_load(&l) == 0x0102030405060708);
	zus_le32_store(&i, 0x05060708);
	assert_memory_equal(&i, bytes, 4);
	assert_int_equal(zus_le32_load(&i), 0x05060708);
	zus_le16_store(&s, 0x0708);
	assert_memory_equal(&s, bytes, 2);
	assert_int_equal(zus_le16_load(&s), 0x0708);
}

static void sums_carry(void **state)
{
	__le64 l;

	(void)state;
	zus_le64_store(&l, 0xff);
	zus_le64_add(&l, 1);
	assert_int_equal(zus_le64_load(&l), 0x100);
	zus_le64_add(&l, -2);
	assert_int_equal(zus_le64_load(&l), 0xfe);
}

#define ROUNDS	20000

static void *add_and_take(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		zus_le64_add(arg, 3);
		zus_le64_add(arg, -2);
	}
	return NULL;
}

static void sums_of_several_threads_are_whole(void **state)
{
	pthread_t threads[4];
	__le64 l = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_and_take, &l), 0);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(zus_le64_load(&l), ROUNDS * ARRAY_LEN(threads));
}

/* Each setter changes the bytes of its own field alone, and its getter reads it back. */
#define CHECK(set, get, field, number)						\
	do {									\
		struct zus_inode zi_, others_;					\
										\
		memset(&zi_, 0xee, sizeof(zi_));				\
		set(&zi_, number);						\
		assert_true(get(&zi_) == (number));				\
		memset(&others_, 0xee, sizeof(others_));			\
		memcpy(&others_.field, &zi_.field, sizeof(zi_.field));		\
		assert_memory_equal(&zi_, &others_, sizeof(zi_));		\
	} while (0)

static int64_t btime(const struct zus_inode *zi)
{
	return (int64_t)zus_le64_load(&zi->i_birth.btime);
}

static void setters_change_their_field_alone(void **state)
{
	(void)state;
	CHECK(zus_zi_set_mode, zus_zi_mode, i_mode, 0x1234);
	CHECK(zus_zi_set_flags, zus_zi_flags, i_flags, 0x1234);
	CHECK(zus_zi_set_nlink, zus_zi_nlink, i_nlink, 0x12345678);
	CHECK(zus_zi_set_size, zus_zi_size, i_size, 0x123456789abcdef0ULL);
	CHECK(zus_zi_set_blocks, zus_zi_blocks, i_blocks, 0x123456789abcdef0ULL);
	CHECK(zus_zi_set_ino, zus_zi_ino, i_ino, 0x123456789abcdef0ULL);
	CHECK(zus_zi_set_generation, zus_zi_generation, i_generation, 0x123456789abcdef0ULL);
	CHECK(zus_zi_set_mtime, zus_zi_mtime, i_mtime, -0x123456789abcdef0LL);
	CHECK(zus_zi_set_ctime, zus_zi_ctime, i_ctime, -0x123456789abcdef0LL);
	CHECK(zus_zi_set_atime, zus_zi_atime, i_atime, -0x123456789abcdef0LL);
	CHECK(zus_zi_set_btime, btime, i_birth.btime, -0x123456789abcdef0LL);
	CHECK(zus_zi_set_xattr, zus_zi_xattr, i_xattr, 0x123456789abcdef0ULL);
	CHECK(zus_zi_set_parent, zus_zi_parent, i_dir.parent, 0x123456789abcdef0ULL);
	CHECK(zus_zi_set_symlink, zus_zi_symlink, i_sym_dpp, 0x123456789abcdef0ULL);
}

static void owner_times_and_sums_are_stored(void **state)
{
	struct zus_inode zi = { 0 };

	(void)state;
	zus_zi_set_owner(&zi, 5, 0xfffffffe);
	assert_int_equal(zus_zi_uid(&zi), 5);
	assert_int_equal(zus_zi_gid(&zi), 0xfffffffe);
	zus_zi_set_times(&zi, -7);
	assert_int_equal(zus_zi_mtime(&zi), -7);
	assert_int_equal(zus_zi_ctime(&zi), -7);
	assert_int_equal(zus_zi_atime(&zi), -7);
	zus_zi_set_blocks(&zi, 10);
	zus_zi_add_blocks(&zi, -4);
	assert_int_equal(zus_zi_blocks(&zi), 6);
	zus_zi_set_nlink(&zi, 1);
	zus_zi_add_nlink(&zi, 2);
	zus_zi_add_nlink(&zi, -1);
	assert_int_equal(zus_zi_nlink(&zi), 2);
	zus_le32_store(&zi.i_rdev, 0x801);
	assert_int_equal(zus_zi_rdev(&zi), 0x801);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_lie_in_little_endian_order),
		cmocka_unit_test(sums_carry),
		cmocka_unit_test(sums_of_several_threads_are_whole),
		cmocka_unit_test(setters_change_their_field_alone),
		cmocka_unit_test(owner_times_and_sums_are_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
