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

/* What is not initialized is not 0 by luck. */
static __attribute__((noinline)) void dirty_the_stack(void)
{
	volatile char dirt[4096];

	memset((void *)dirt, 'd', sizeof(dirt));
}

static void ask(void)
{
	memset(said, 'x', sizeof(said));
	dirty_the_stack();
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

/* ---- what rides along ---- */

static uint64_t *cookie_of_message, good_cookie;
static char first_said[256];		/* before the message itself */

/* The first message comes after this one. */
static void ask_in_evict(struct zus_ii *ii, uint64_t flags)
{
	ask();
	snprintf(first_said, sizeof(first_said), "%s", said);
	if (cookie_of_message)
		*cookie_of_message = good_cookie;
	probe_ops.evict(ii, flags);
}

/* Asks in an EVICT that rides along with this message of `len` bytes. */
static void ask_with_rider(unsigned int operation, size_t len, size_t cookie_at, uint64_t cookie)
{
	struct zufs_ioc_evict_inode rider = {
		.hdr.operation = ZUFS_OP_EVICT_INODE,
		.hdr.in_len = sizeof(rider),
	};
	struct zufs_ioc_hdr *hdr = raw_message(len + sizeof(rider), operation, len);
	struct fake_node node;

	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &node), 0);
	rider.zus_ii = node.ii;
	cookie_of_message = cookie_at ? (uint64_t *)((char *)hdr + cookie_at) : NULL;
	if (cookie_at)
		*cookie_of_message = cookie;
	good_cookie = fx.f1.ii;
	hdr->flags = ZUFS_H_HAS_PIGY_PUT;
	memcpy((char *)hdr + len, &rider, sizeof(rider));
	raw_dispatch();
	assert_true(was_told);
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
	ops.evict = ask_in_evict;
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

static void messages_that_ride_along_are_thought_of(void **state)
{
	(void)state;
	ask_with_rider(ZUFS_OP_NOOP, sizeof(struct zufs_ioc_hdr), 0, 0);
	assert_string_equal(first_said, "operation NOOP or what rides along");
	ask_with_rider(ZUFS_OP_SETATTR, sizeof(struct zufs_ioc_attr),
		       offsetof(struct zufs_ioc_attr, zus_ii), 16);
	assert_string_equal(first_said, "operation SETATTR or what rides along, inode ?");
	/* with operations that nobody knows, too */
	ask_with_rider(0, sizeof(struct zufs_ioc_hdr), 0, 0);
	assert_string_equal(first_said, "operation 0");
	ask_with_rider(ZUFS_OP_T1_IDLE + 1, sizeof(struct zufs_ioc_hdr), 0, 0);
	assert_string_equal(first_said, "operation 74");
	ask_with_rider(60000, sizeof(struct zufs_ioc_hdr), 0, 0);
	assert_string_equal(first_said, "operation 60000");
	raw_message(sizeof(struct zufs_ioc_hdr), ZUFS_OP_NOOP, sizeof(struct zufs_ioc_hdr));
	raw_dispatch();
	free(raw_cmd.buf);
	raw_cmd.buf = NULL;
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
		A(messages_that_ride_along_are_thought_of),
		A(long_names_are_cut),
		A(text_ends_with_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
