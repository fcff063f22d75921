// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a thread is at work for, as a handler of crashes would say it: in each kind of operation,
 * with handles that are spoiled, in as many bytes as there are. The plugin is probefs, which asks.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

#include <stdio.h>

static char said[256];
static bool was_told;
static struct zus_plugin plugin;

static void ask(void)
{
	memset(said, 'x', sizeof(said));
	was_told = zus_current_op(said, sizeof(said));
}

static enum { NOTHING, ZI, SB, PLUGIN } spoiled;

static int ask_in_setattr(struct zus_ii *ii, uint32_t bits)
{
	struct zus_inode *zi = ii->zi;
	struct zus_sb *sb = ii->sb;
	const char *name = plugin.name;

	(void)bits;
	if (spoiled == ZI)
		ii->zi = (struct zus_inode *)16;
	if (spoiled == SB)
		ii->sb = (struct zus_sb *)32;
	if (spoiled == PLUGIN)
		plugin.name = (const char *)8;
	ask();
	ii->zi = zi;
	ii->sb = sb;
	plugin.name = name;
	return 0;
}

static int ask_in_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	ask();
	return probe_ops.mount(sb, m);
}

static int ask_in_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	(void)sb;
	(void)m;
	ask();
	return 0;
}

static void ask_in_umount(struct zus_sb *sb)
{
	ask();
	probe_ops.umount(sb);
}

static int ask_in_statfs(struct zus_sb *sb, struct statfs64 *st)
{
	ask();
	return probe_ops.statfs(sb, st);
}

static int setup_asking(void **state)
{
	static struct zus_fs_ops ops;

	(void)state;
	spoiled = NOTHING;
	ops = probe_ops;
	ops.setattr = ask_in_setattr;
	ops.mount = ask_in_mount;
	ops.remount = ask_in_remount;
	ops.umount = ask_in_umount;
	ops.statfs = ask_in_statfs;
	plugin = probe_plugin;
	plugin.ops = &ops;
	start_with(&plugin, "");
	assert_string_equal(said, "operation MOUNT, plugin probe, mount 1");
	return fake_lookup(fx.t, fx.root, "f1", &fx.f1);
}

static int teardown_asking(void **state)
{
	teardown(state);
	assert_true(was_told);
	assert_string_equal(said, "operation UMOUNT, plugin probe, mount 1");
	return 0;
}

static void outside_of_everything_it_is_nothing(void **state)
{
	(void)state;
	ask();
	assert_false(was_told);
	assert_string_equal(said, "");
}

static void operations_are_named_with_what_they_are_about(void **state)
{
	struct statfs64 st;
	char text[80];

	(void)state;
	assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
	assert_true(was_told);
	snprintf(text, sizeof(text), "operation SETATTR, plugin probe, mount 1, inode %llu",
		 (unsigned long long)zus_zi_ino(fx.f1.zi));
	assert_string_equal(said, text);
	assert_int_equal(fake_statfs(fx.t, &st), 0);
	assert_string_equal(said, "operation STATFS, plugin probe, mount 1");
	assert_int_equal(fake_remount(fx.f, "", 0), 0);
	assert_string_equal(said, "operation REMOUNT, plugin probe, mount 1");
	/* and nothing is left of it */
	outside_of_everything_it_is_nothing(state);
}

static void numbers_are_written_out(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 4294967296, UINT64_MAX };
	uint64_t ino = fx.f1.zi->i_ino;
	char text[80];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		fx.f1.zi->i_ino = htole64(numbers[i]);
		assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
		snprintf(text, sizeof(text), "operation SETATTR, plugin probe, mount 1, inode %llu",
			 (unsigned long long)numbers[i]);
		assert_string_equal(said, text);
	}
	fx.f1.zi->i_ino = ino;
}

static void spoiled_handles_are_question_marks(void **state)
{
	(void)state;
	spoiled = ZI;
	assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
	assert_string_equal(said, "operation SETATTR, plugin probe, mount 1, inode ?");
	spoiled = SB;
	assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
	assert_non_null(strstr(said, "operation SETATTR, mount ?, inode "));
	spoiled = PLUGIN;
	assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
	assert_non_null(strstr(said, "operation SETATTR, plugin ?, mount 1, inode "));
}

static void long_names_are_cut(void **state)
{
	static const char digits[] = "0123456789012345678901234567890123456789";
	char text[80];

	(void)state;
	plugin.name = digits;
	assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
	plugin.name = probe_plugin.name;
	snprintf(text, sizeof(text), "operation SETATTR, plugin %.31s, mount 1, inode ", digits);
	assert_ptr_equal(strstr(said, text), said);
}

static size_t room;

static int ask_for_few(struct zus_ii *ii, uint32_t bits)
{
	char *text = malloc(room), *all = said;

	(void)ii;
	(void)bits;
	ask();
	if (!text || !zus_current_op(text, room) || strlen(text) != room - 1 ||
	    memcmp(text, all, room - 1))
		room = 0;
	free(text);
	return 0;
}

static void text_ends_with_its_room(void **state)
{
	struct zus_fs_ops ops = *plugin.ops;
	size_t n;

	(void)state;
	/* the type has its own copy of the operations */
	ops.setattr = ask_for_few;
	teardown(state);
	plugin.ops = &ops;
	start_with(&plugin, "");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f1", &fx.f1), 0);
	for (n = 1; n < 40; n++) {
		room = n;
		assert_int_equal(fake_setattr(fx.t, fx.f1, 0), 0);
		assert_int_equal(room, n);
	}
}

#define A(fn)	cmocka_unit_test_setup_teardown(fn, setup_asking, teardown_asking)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside_of_everything_it_is_nothing),
		A(operations_are_named_with_what_they_are_about),
		A(numbers_are_written_out),
		A(spoiled_handles_are_question_marks),
		A(long_names_are_cut),
		A(text_ends_with_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
