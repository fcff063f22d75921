// SPDX-License-Identifier: BSD-2-Clause
/*
 * The checker: finds nothing in an image that is as it should be, something wherever a byte of
 * metadata is not, and ends in memory that is its own whatever the image is.
 */
#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tierfs.h"

static void assert_clean(const struct image *im, struct tierfs_check_result *r)
{
	assert_int_equal(image_check(im, r), 0);
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->leaks, 0);
}

static void fresh_image_is_clean(void **state)
{
	static const uint64_t mib[] = { 4, 6, 64, 130 };
	struct tierfs_check_result r;
	struct image im;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(mib) / sizeof(*mib); i++) {
		image_format(&im, mib[i] << 20);
		assert_clean(&im, &r);
		assert_int_equal(r.notes, 0);
		assert_int_equal(r.inodes, 1);
		assert_int_equal(r.dirs, 1);
		assert_true(r.clean);
		image_free(&im);
	}
}

static void unmounted_image_is_clean(void **state)
{
	struct tierfs_check_result r;
	struct image im;

	(void)state;
	image_make(&im, IMAGE_CLEAN);
	assert_clean(&im, &r);
	assert_true(r.clean);
	assert_int_equal(r.orphans, 0);
	image_free(&im);
}

static void image_after_a_cut_is_clean_after_replay(void **state)
{
	struct tierfs_check_result r;
	struct image im;

	(void)state;
	image_make(&im, IMAGE_CUT);
	assert_clean(&im, &r);
	assert_false(r.clean);
	assert_true(r.records);
	assert_int_equal(r.orphans, 1);
	image_free(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_image_is_clean),
		cmocka_unit_test(unmounted_image_is_clean),
		cmocka_unit_test(image_after_a_cut_is_clean_after_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
