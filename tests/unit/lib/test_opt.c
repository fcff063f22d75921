// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mount option parser: what it stores and what it refuses, with the reason.
 */
#include "../unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zus/opt.h>

struct opts {
	uint32_t way;
	uint64_t count;
	uint64_t bytes;
	char name[8];
	uint32_t mode;
	uint32_t any;
	bool on;
	uint8_t behind;			/* nobody's */
};

static const struct zus_opt table[] = {
	{ "nio", ZUS_OPT_SET, offsetof(struct opts, way), 1 },
	{ "mapped", ZUS_OPT_SET, offsetof(struct opts, way), 2 },
	{ "count", ZUS_OPT_U64, offsetof(struct opts, count), 0 },
	{ "size", ZUS_OPT_SIZE, offsetof(struct opts, bytes), 0 },
	{ "name", ZUS_OPT_STR, offsetof(struct opts, name), sizeof(((struct opts *)0)->name) },
	{ "dax", ZUS_OPT_IGNORE, 0, 0 },
	{ "on", ZUS_OPT_BOOL, offsetof(struct opts, on), 0 },
	{ "mode", ZUS_OPT_OCTAL, offsetof(struct opts, mode), 07777 },
	{ "any", ZUS_OPT_OCTAL, offsetof(struct opts, any), UINT32_MAX },
	{ NULL, ZUS_OPT_SET, 0, 0 }
};

static struct opts o;
static char bad[64];

static int parse(const char *text)
{
	memset(&o, 0, sizeof(o));
	bad[0] = 0;
	return zus_opt_parse(text, table, &o, bad, sizeof(bad));
}

static void every_kind_is_stored(void **state)
{
	(void)state;
	assert_int_equal(parse("mapped,count=0x10,size=2M,name=seven77,dax,dax=always"), 0);
	assert_int_equal(o.way, 2);
	assert_int_equal(o.count, 16);
	assert_int_equal(o.bytes, 2 << 20);
	assert_string_equal(o.name, "seven77");
	assert_int_equal(parse("mapped,,nio,"), 0);
	assert_int_equal(o.way, 1);
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse(NULL), 0);
}

static void switches_are_on_or_off(void **state)
{
	static const struct { const char *text; bool on; } cases[] = {
		{ "on", true }, { "on=1", true }, { "on=yes", true }, { "on=on", true },
		{ "on=true", true }, { "on=0", false }, { "on=no", false }, { "on=off", false },
		{ "on=false", false }, { "on,on=0", false }, { "on=0,on", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(parse(cases[i].text), 0);
		assert_int_equal(o.on, cases[i].on);
		assert_int_equal(o.behind, 0);
	}
	/* what is wrong stores nothing */
	assert_int_equal(parse("on=1,on=2"), -EINVAL);
	assert_string_equal(bad, "bad value of option 'on'");
	assert_true(o.on);
}

static void modes_are_octal(void **state)
{
	static const struct { const char *text; uint32_t mode; } cases[] = {
		{ "mode=0", 0 }, { "mode=755", 0755 }, { "mode=0755", 0755 },
		{ "mode=1777", 01777 }, { "mode=7777", 07777 }, { "mode=000000007777", 07777 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(parse(cases[i].text), 0);
		assert_int_equal(o.mode, cases[i].mode);
		assert_int_equal(o.any, 0);
	}
	assert_int_equal(parse("any=37777777777"), 0);
	assert_int_equal(o.any, UINT32_MAX);
	assert_int_equal(parse("any=40000000000"), -EINVAL);
	/* would be 1 if it could wrap around */
	assert_int_equal(parse("any=2000000000000000000001"), -EINVAL);
	assert_int_equal(parse("mode=700,mode=10000"), -EINVAL);
	assert_string_equal(bad, "bad value of option 'mode'");
	assert_int_equal(o.mode, 0700);
}

static void wrong_options_are_named(void **state)
{
	static const char *const texts[] = {
		"nio=1", "count", "count=", "count=-1", "count=3x", "size=1Q", "size=1MM",
		"name=", "name=eight888", "nonsense", "size=99999999999999999999",
		"size=18014398509481984K", "ni", "nioo", "on=", "on=2", "on=Yes", "on=onn",
		"mode", "mode=", "mode=8", "mode=0x1ff", "mode=-1", "mode=+1", "mode= 7", "mode=7 ",
		"mode=/7", "mode=10000", "noon",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parse(texts[i]), -EINVAL);
		assert_non_null(strchr(bad, '\''));
	}
	assert_int_equal(parse("nio,bogus=4"), -EINVAL);
	assert_string_equal(bad, "unknown option 'bogus'");
	assert_int_equal(zus_opt_parse("bogus", table, &o, NULL, 0), -EINVAL);
}

static void sizes_have_units(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(zus_parse_size("17", &v), 0);
	assert_int_equal(v, 17);
	assert_int_equal(zus_parse_size("3g", &v), 0);
	assert_int_equal(v, 3ULL << 30);
	assert_int_equal(zus_parse_size("1T", &v), 0);
	assert_int_equal(v, 1ULL << 40);
	assert_int_equal(zus_parse_size("", &v), -EINVAL);
	assert_int_equal(zus_parse_size(" 1", &v), -EINVAL);
	assert_int_equal(zus_parse_size("/1", &v), -EINVAL);
	assert_int_equal(zus_parse_size(":", &v), -EINVAL);
	assert_int_equal(zus_parse_size("0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(zus_parse_size("9", &v), 0);
	assert_int_equal(v, 9);
}

static void sizes_have_their_limits(void **state)
{
	static const struct { const char *text; uint64_t bytes; } cases[] = {
		{ "5k", 5ULL << 10 }, { "5K", 5ULL << 10 }, { "5m", 5ULL << 20 },
		{ "5M", 5ULL << 20 }, { "5G", 5ULL << 30 }, { "5t", 5ULL << 40 },
		{ "18446744073709551615", UINT64_MAX },
		{ "18014398509481983K", 18014398509481983ULL << 10 },
		{ "16777215T", 16777215ULL << 40 },
	};
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		v = 1;
		assert_int_equal(zus_parse_size(cases[i].text, &v), 0);
		assert_int_equal(v, cases[i].bytes);
	}
	v = 77;
	assert_int_equal(zus_parse_size("18446744073709551616", &v), -EINVAL);
	assert_int_equal(zus_parse_size("16777216T", &v), -EINVAL);
	assert_int_equal(zus_parse_size("1kk", &v), -EINVAL);
	/* what is wrong stores nothing */
	assert_int_equal(v, 77);
}

/* Of several the first wrong one is told, and those before it are stored. */
static void parsing_ends_at_the_first_mistake(void **state)
{
	(void)state;
	assert_int_equal(parse("count=1,size=x,count=2,bogus"), -EINVAL);
	assert_string_equal(bad, "bad value of option 'size'");
	assert_int_equal(o.count, 1);
	assert_int_equal(parse("name=1234567"), 0);
	assert_string_equal(o.name, "1234567");
	/* a text has its end, whatever was there */
	memset(&o, 'x', sizeof(o));
	assert_int_equal(zus_opt_parse("name=ab", table, &o, bad, sizeof(bad)), 0);
	assert_string_equal(o.name, "ab");
	assert_int_equal(parse("name=12345678"), -EINVAL);
	assert_int_equal(parse("name"), -EINVAL);
	assert_int_equal(parse("size"), -EINVAL);
	assert_int_equal(parse("name=a=b"), 0);
	assert_string_equal(o.name, "a=b");
}

/* The library's strdup is this one. */
static bool no_memory;

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = no_memory ? NULL : malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

static void want_of_memory_is_told(void **state)
{
	(void)state;
	no_memory = true;
	assert_int_equal(parse("nio"), -ENOMEM);
	no_memory = false;
	assert_string_equal(bad, "no memory for options 'nio'");
	assert_int_equal(o.way, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_stored),
		cmocka_unit_test(switches_are_on_or_off),
		cmocka_unit_test(modes_are_octal),
		cmocka_unit_test(wrong_options_are_named),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(sizes_have_their_limits),
		cmocka_unit_test(parsing_ends_at_the_first_mistake),
		cmocka_unit_test(want_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
