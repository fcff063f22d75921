// SPDX-License-Identifier: BSD-2-Clause
/*
 * Checksums of tierfs: the known value, pieces, and that what a changed word does to the CRC of a
 * page is the same as a new sum.
 */
#include "../../unit.h"

#include <stdlib.h>
#include <string.h>
#include <tierfs.h>

static void the_sum_is_crc32c(void **state)
{
	(void)state;
	assert_int_equal(tierfs_crc(0, "123456789", 9), 0xe3069283);
	assert_int_equal(tierfs_crc(0, "", 0), 0);
}

static void pieces_sum_up(void **state)
{
	const char *text = "the quick brown fox jumps over the lazy dog";
	size_t n = strlen(text), i;

	(void)state;
	for (i = 0; i <= n; i++)
		assert_int_equal(tierfs_crc(tierfs_crc(0, text, i), text + i, n - i),
				 tierfs_crc(0, text, n));
}

static void the_field_of_an_object_counts_as_zero(void **state)
{
	uint32_t object[8] = { 0xdeadbeef, 1, 2, 3, 4, 5, 6, 0xcafebabe };
	uint32_t zeroed[8];

	(void)state;
	memcpy(zeroed, object, sizeof(object));
	zeroed[0] = 0;
	assert_int_equal(tierfs_crc_head(object, sizeof(object)),
			 tierfs_crc(0, zeroed, sizeof(zeroed)));
	memcpy(zeroed, object, sizeof(object));
	zeroed[7] = 0;
	assert_int_equal(tierfs_crc_tail(object, sizeof(object)),
			 tierfs_crc(0, zeroed, sizeof(zeroed)));
}

static void a_changed_word_changes_the_sum_of_its_page(void **state)
{
	uint64_t page[TIERFS_PAGE_WORDS], word;
	uint32_t before, after;
	unsigned int i;

	(void)state;
	srand(7);
	for (i = 0; i < TIERFS_PAGE_WORDS; i++)
		page[i] = (uint64_t)rand() << 32 ^ (uint64_t)rand();
	for (i = 0; i < TIERFS_PAGE_WORDS; i++) {
		before = tierfs_crc(0, page, sizeof(page));
		word = page[i] ^ ((uint64_t)rand() << 33 | 1);
		after = before ^ tierfs_crc_word(i, page[i] ^ word);
		page[i] = word;
		assert_int_equal(after, tierfs_crc(0, page, sizeof(page)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_is_crc32c),
		cmocka_unit_test(pieces_sum_up),
		cmocka_unit_test(the_field_of_an_object_counts_as_zero),
		cmocka_unit_test(a_changed_word_changes_the_sum_of_its_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
