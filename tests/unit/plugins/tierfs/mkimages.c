// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes the images of testimage.c to files `clean` and `cut`, with a device table, for the test of
 * the tools.
 */
#include "testimage.h"

#include <stdio.h>
#include <string.h>

static void write_image(void **state)
{
	static const char *const names[] = { [IMAGE_CLEAN] = "clean", [IMAGE_CUT] = "cut" };
	struct image im;
	unsigned int i;
	FILE *file;

	(void)state;
	for (i = 0; i < 2; i++) {
		image_make(&im, (enum image_end)i);
		file = fopen(names[i], "w");
		assert_non_null(file);
		assert_int_equal(fwrite(im.base, 1, im.bytes, file), im.bytes);
		assert_int_equal(fclose(file), 0);
		image_free(&im);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(write_image) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
