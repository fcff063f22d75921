// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mount thread's messages: what a failed mount gives back and in which order, what the
 * plugin is told, what the core adds to its answer. The plugin is probefs with a mount and an
 * umount of its own.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zus/iomap.h>
#include "../probefs.h"
#include "fake.h"

static struct {
	struct zus_mount args;		/* of the last mount or remount */
	char options[64];
	uint32_t add_caps;
	bool start_list;		/* the mount, or the umount, leaves one under way */
	int result;			/* of mount and remount; of mount after its work */
	unsigned int umounts;
	uint32_t lists_done;		/* atomic */
} seen;

static void note_args(const struct zus_mount *m)
{
	seen.args = *m;
	snprintf(seen.options, sizeof(seen.options), "%s", m->options);
}

static void list_done(struct zus_sb *sb, void *arg, int err)
{
	(void)arg;
	/* a super-block that is gone is seen by the address sanitizer */
	if (!err && sb->md)
		__atomic_add_fetch(&seen.lists_done, 1, __ATOMIC_SEQ_CST);
}

static int start_list(struct zus_sb *sb)
{
	struct zus_iomap iom;
	uint64_t w[1];

	if (!seen.start_list)
		return 0;
	zus_iomap_init(&iom, w, 1);
	zus_iomap_wbinv(&iom);
	return zus_iomap_exec_async(sb, &iom, list_done, NULL);
}

static int see_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	int err;

	note_args(m);
	err = probe_ops.mount(sb, m);
	if (err)
		return err;
	sb->fs_caps |= seen.add_caps;
	err = start_list(sb);
	return err ? err : seen.result;
}

static int see_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	(void)sb;
	note_args(m);
	return seen.result;
}

static void see_umount(struct zus_sb *sb)
{
	seen.umounts++;
	start_list(sb);
}

static struct zus_fs_ops ops;
static struct zus_plugin plugin;
static struct fake *f;

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	ops = probe_ops;
	ops.mount = see_mount;
	ops.remount = see_remount;
	ops.umount = see_umount;
	plugin = probe_plugin;
	plugin.ops = &ops;
	return fake_create(&f, &plugin, NULL);
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
	return 0;
}

/* ---- what fails gives everything back ---- */

static void mount_whose_answer_is_unfit_is_unmounted(void **state)
{
	(void)state;
	assert_int_equal(fake_mount(f, "noroot"), -EIO);
	assert_int_equal(seen.umounts, 1);
	/* a file system that cannot have what it declares */
	seen.add_caps = ZUFS_FSC_QUARANTINE;
	assert_int_equal(fake_mount(f, ""), -EINVAL);
	assert_int_equal(seen.umounts, 2);
	assert_int_equal(fake_outstanding(f), 0);
}

static void mount_that_failed_is_not_unmounted(void **state)
{
	static const struct { int result, err; } cases[] = {
		{ -EACCES, -EACCES }, { -4095, -4095 }, { -4096, -EIO }, { 1, -EIO },
		{ -EZUFS_RETRY, -EIO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		seen.result = cases[i].result;
		assert_int_equal(fake_mount(f, ""), cases[i].err);
		assert_int_equal(fake_outstanding(f), 0);
	}
	assert_int_equal(seen.umounts, 0);
	seen.result = 0;
	assert_int_equal(fake_mount(f, ""), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		seen.result = cases[i].result;
		assert_int_equal(fake_remount(f, "", 0), cases[i].err);
	}
	seen.result = 0;
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(seen.umounts, 1);
}

/* ---- the lists that a failed mount, or an umount, left under way ---- */

struct mounter {
	pid_t tid;			/* atomic */
	uint32_t ended;			/* atomic */
	bool is_umount;
	int err;
	uint32_t lists_done;		/* when it had ended */
};

static void *mounter_main(void *arg)
{
	struct mounter *m = arg;

	__atomic_store_n(&m->tid, gettid(), __ATOMIC_SEQ_CST);
	m->err = m->is_umount ? fake_umount_dirty(f) : fake_mount(f, "");
	m->lists_done = __atomic_load_n(&seen.lists_done, __ATOMIC_SEQ_CST);
	__atomic_store_n(&m->ended, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool is_asleep(pid_t tid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	stat = fopen(path, "re");
	if (!stat)
		return false;
	if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(stat);
	return state == 'S';
}

/* In a thread, with lists held until it waits for them or has ended without. */
static void run_while_lists_are_held(struct mounter *m)
{
	pthread_t thread;
	pid_t tid;

	seen.start_list = true;
	fake_hold_lists(f, true);
	assert_int_equal(pthread_create(&thread, NULL, mounter_main, m), 0);
	do {
		tid = __atomic_load_n(&m->tid, __ATOMIC_SEQ_CST);
	} while (!__atomic_load_n(&m->ended, __ATOMIC_SEQ_CST) && (!tid || !is_asleep(tid)));
	fake_hold_lists(f, false);
	pthread_join(thread, NULL);
}

static void failed_mount_waits_for_its_lists(void **state)
{
	struct mounter m = { 0 };

	(void)state;
	seen.result = -EACCES;
	run_while_lists_are_held(&m);
	assert_int_equal(m.err, -EACCES);
	assert_int_equal(m.lists_done, 1);
	assert_int_equal(seen.umounts, 0);
}

static void umount_waits_for_what_the_plugin_began_last(void **state)
{
	struct mounter m = { .is_umount = true };

	(void)state;
	assert_int_equal(fake_mount(f, ""), 0);
	run_while_lists_are_held(&m);
	assert_int_equal(m.err, 0);
	assert_int_equal(seen.umounts, 1);
	assert_int_equal(m.lists_done, 1);
}

/* ---- what both sides are told ---- */

static void plugin_sees_the_mount_as_it_is(void **state)
{
	const struct zufs_mount_info *zmi;

	(void)state;
	assert_int_equal(fake_mount_flags(f, "a=1,b", ZUFS_M_PEDANTIC), 0);
	assert_string_equal(seen.options, "a=1,b");
	assert_int_equal(seen.args.flags, ZUFS_M_PEDANTIC);
	assert_int_equal(seen.args.num_cpu, 8);
	assert_int_equal(seen.args.num_channels, 3);
	assert_int_equal(seen.args.num_threads, 8 * ZUFS_MAX_ZT_CHANNELS + ZUS_THREADS_OTHER);
	zmi = fake_mount_info(f);
	assert_int_equal(zmi->fs_caps, ZUFS_FSC_XATTR_WINDOW | ZUFS_FSC_EVICT_RIDES |
			 ZUFS_FSC_IGET | ZUFS_FSC_IOCTLS);
	assert_int_equal(zmi->zus_sbi, (uint64_t)(uintptr_t)fake_sb(f));
	assert_int_equal(fake_sb(f)->kern_id, 1);
	assert_int_equal(fake_remount(f, "c", ZUFS_REM_WILL_RO), 0);
	assert_string_equal(seen.options, "c");
	assert_int_equal(seen.args.remount_flags, ZUFS_REM_WILL_RO);
	assert_int_equal(fake_umount(f), 0);
}

static int any_label(struct zus_sb *sb, char *label)
{
	(void)sb;
	(void)label;
	return 0;
}

static void core_adds_what_the_operations_can(void **state)
{
	struct fake *other;

	(void)state;
	ops.iget = NULL;
	ops.ioctls = NULL;
	ops.get_label = any_label;
	assert_int_equal(fake_create(&other, &plugin, NULL), 0);
	seen.add_caps = ZUFS_FSC_BTIME;
	assert_int_equal(fake_mount(other, NULL), 0);
	assert_string_equal(seen.options, "");
	assert_int_equal(fake_mount_info(other)->fs_caps, ZUFS_FSC_BTIME | ZUFS_FSC_XATTR_WINDOW |
			 ZUFS_FSC_EVICT_RIDES | ZUFS_FSC_LABEL);
	fake_destroy(other);
}

/* ---- messages as they come ---- */

/* A message with `len` bytes behind it, all of them 'x'. */
static struct zufs_ioc_mount *message(unsigned int operation, size_t len)
{
	struct zufs_ioc_mount *msg = calloc(1, sizeof(*msg) + len);

	assert_non_null(msg);
	msg->hdr.operation = (uint16_t)operation;
	memset(ZUFS_TAIL(msg, zmi.po.mount_options), 'x', len);
	return msg;
}

static int remount_with(uint64_t sbi, size_t len, uint32_t says, size_t nul)
{
	const struct zus_host host = { 0 };
	struct zufs_ioc_mount *msg = message(ZUFS_M_REMOUNT, len);
	int err;

	msg->zmi.zus_sbi = sbi;
	msg->zmi.po.mount_options_len = says;
	if (nul < len)
		((char *)ZUFS_TAIL(msg, zmi.po.mount_options))[nul] = 0;
	zus_dispatch_mount(&host, msg, sizeof(*msg) + len);
	err = msg->hdr.err;
	free(msg);
	return err;
}

static void options_end_inside_of_the_message(void **state)
{
	uint64_t sbi;

	(void)state;
	assert_int_equal(fake_mount(f, ""), 0);
	sbi = fake_mount_info(f)->zus_sbi;
	assert_int_equal(remount_with(sbi, 8, 8, 7), 0);
	assert_string_equal(seen.options, "xxxxxxx");
	assert_int_equal(remount_with(sbi, 8, 9, 7), -EINVAL);
	assert_int_equal(remount_with(sbi, 8, UINT32_MAX, 7), -EINVAL);
	assert_int_equal(remount_with(sbi, 8, 7, 7), -EINVAL);
	assert_int_equal(remount_with(sbi, 8, 8, 8), -EINVAL);
	assert_int_equal(remount_with(sbi, 8, 0, 8), 0);
	assert_string_equal(seen.options, "");
	assert_int_equal(fake_umount(f), 0);
}

static void messages_without_a_mount_are_refused(void **state)
{
	const struct zus_host host = { 0 };
	struct zufs_ioc_mount *msg = message(ZUFS_M_UMOUNT, 8);

	(void)state;
	msg->zmi.zus_sbi = 0;
	zus_dispatch_mount(&host, msg, sizeof(*msg) + 8);
	assert_int_equal(msg->hdr.err, -EINVAL);
	free(msg);
	assert_int_equal(remount_with(0, 8, 8, 7), -EINVAL);
}

static void debug_commands_end_inside_of_the_message(void **state)
{
	const struct zus_host host = { 0 };
	struct zufs_ioc_mount *msg = message(ZUFS_M_DDBG_WR, 8);
	size_t size = sizeof(*msg) + 8;
	char *text = ZUFS_TAIL(&msg->zdi, msg);

	(void)state;
	memset(text, ' ', size - offsetof(struct zufs_ioc_mount, zdi.msg));
	zus_dispatch_mount(&host, msg, size);
	assert_int_equal(msg->hdr.err, -EINVAL);
	/* the last byte is enough */
	((char *)msg)[size - 1] = 0;
	memcpy(text, "func nobody_has_this_name -p", 28);
	zus_dispatch_mount(&host, msg, size);
	assert_int_equal(msg->hdr.err, 0);
	free(msg);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mount_whose_answer_is_unfit_is_unmounted),
		T(mount_that_failed_is_not_unmounted),
		T(failed_mount_waits_for_its_lists),
		T(umount_waits_for_what_the_plugin_began_last),
		T(plugin_sees_the_mount_as_it_is),
		T(core_adds_what_the_operations_can),
		T(options_end_inside_of_the_message),
		T(messages_without_a_mount_are_refused),
		T(debug_commands_end_inside_of_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
