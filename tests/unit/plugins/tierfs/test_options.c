// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: options of a mount, read and shown.
 */
#include "../../unit.h"
#include "fixture.h"

static int parse(const char *text, struct tierfs_opts *o)
{
	const struct zus_sb sb = { .env = zus_env_default() };

	return tierfs_options_parse(&sb, text, o);
}

static void nothing_is_the_default(void **state)
{
	struct tierfs_opts o = TIERFS_OPTS_DEFAULT;
	char buf[8];

	(void)state;
	assert_int_equal(parse("", &o), 0);
	assert_int_equal(o.is_volatile | o.norecovery | o.test_horizon, 0);
	assert_int_equal(o.errors, UINT32_MAX);
	assert_int_equal(tierfs_options_show(&o, buf, 0), 0);
}

static void each_sets_its_own(void **state)
{
	struct tierfs_opts o = TIERFS_OPTS_DEFAULT;

	(void)state;
	assert_int_equal(parse("volatile", &o), 0);
	assert_int_equal(o.is_volatile, 1);
	assert_int_equal(o.norecovery | o.test_horizon, 0);
	assert_int_equal(parse("norecovery,errors=continue", &o), 0);
	assert_int_equal(o.norecovery, 1);
	assert_int_equal(o.errors, TIERFS_ERRORS_CONTINUE);
	assert_int_equal(parse("data=inplace,errors=remount-ro,test_horizon", &o), 0);
	assert_int_equal(o.errors, TIERFS_ERRORS_REMOUNT_RO);
	assert_int_equal(o.test_horizon, 1);
	assert_int_equal(o.is_volatile, 1);
}

static void what_is_wrong_changes_nothing(void **state)
{
	static const char *const texts[] = {
		"data=cow", "data=journal", "data", "errors=panic", "errors=", "volatile=1",
		"norecovery,unknown", "test_horizon,errors=x", "data=inplaceinplaceinplace",
	};
	struct tierfs_opts o = TIERFS_OPTS_DEFAULT, before = o;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parse(texts[i], &o), -EINVAL);
		assert_memory_equal(&o, &before, sizeof(o));
	}
}

static void all_are_shown(void **state)
{
	static const char text[] = ",volatile,norecovery,errors=remount-ro,test_horizon";
	struct tierfs_opts o = TIERFS_OPTS_DEFAULT;
	char buf[80];
	size_t size;

	(void)state;
	assert_int_equal(parse("test_horizon,errors=continue", &o), 0);
	assert_int_equal(tierfs_options_show(&o, buf, sizeof(buf)), 29);
	assert_memory_equal(buf, ",errors=continue,test_horizon", 29);
	assert_int_equal(parse("volatile,norecovery,errors=remount-ro", &o), 0);
	for (size = 0; size < strlen(text); size++)
		assert_int_equal(tierfs_options_show(&o, buf, size), -E2BIG);
	assert_int_equal(tierfs_options_show(&o, buf, size), size);
	assert_memory_equal(buf, text, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_the_default),
		cmocka_unit_test(each_sets_its_own),
		cmocka_unit_test(what_is_wrong_changes_nothing),
		cmocka_unit_test(all_are_shown),
	};

	return cmocka_run_group_tests_name("tierfs options", tests, NULL, NULL);
}
