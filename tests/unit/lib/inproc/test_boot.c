// SPDX-License-Identifier: BSD-2-Clause
/*
 * Boots: a fake on memory that is lent and holds an image, and a server that dies and leaves
 * nothing but T1. Many of them in a row are cheap.
 */
#define _GNU_SOURCE
#include "../dispatch_fixture.h"

#include <endian.h>
#include <semaphore.h>
#include <zus/iomap.h>
#include <zus/pmem.h>

#define BYTES	(4ULL << 20)
#define AT	(1000ULL << ZUS_BLOCK_SHIFT)	/* probefs has no such block */
#define BOOTS	2000

static _Alignas(4096) uint8_t lent[BYTES], image[BYTES];
static _Alignas(4096) uint8_t lent_t2[2 << 20];

static struct fake_opts opts_of(void *t1, const void *t1_image)
{
	return (struct fake_opts){ .t1_bytes = BYTES, .t1 = t1, .t1_image = t1_image };
}

static void lent_memory_is_t1_and_stays(void **state)
{
	struct fake_opts opts = opts_of(lent, NULL);
	struct fake *f;

	(void)state;
	memset(lent, 0xee, BYTES);
	memset(lent_t2, 0xee, sizeof(lent_t2));
	opts.t2 = lent_t2;
	opts.t2_bytes = sizeof(lent_t2);
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	assert_ptr_equal(fake_md(f)->t1, lent);
	/* it begins as new devices do */
	assert_int_equal(lent[4096], 0);
	assert_int_equal(lent[BYTES - 1], 0);
	assert_int_equal(lent_t2[0] + lent_t2[sizeof(lent_t2) - 1], 0);
	assert_true(zus_md_has_table(fake_md(f)));
	assert_int_equal(fake_mount(f, ""), 0);
	lent[AT] = 5;
	fake_destroy(f);
	assert_int_equal(lent[AT], 5);
}

static void image_is_booted_by_copy_or_in_place(void **state)
{
	struct fake_opts opts = opts_of(lent, NULL);
	struct md_dev_table mdt;
	struct fake *f;
	int way;

	(void)state;
	opts.seed = 77;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	mdt = fake_md(f)->mdt;
	memset(lent + AT, 0x55, 4096);
	fake_destroy(f);
	memcpy(image, lent, BYTES);
	for (way = 0; way < 3; way++) {
		/* into memory of the fake's own, into that of the test, or nothing is copied */
		opts = opts_of(way == 0 ? NULL : way == 1 ? lent : image, image);
		memset(lent, 0xee, BYTES);
		assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
		if (way)
			assert_ptr_equal(fake_md(f)->t1, opts.t1);
		/* the table is that of the image, whatever the seed is */
		assert_memory_equal(&fake_md(f)->mdt, &mdt, sizeof(mdt));
		assert_memory_equal(fake_md(f)->t1, image, BYTES);
		assert_int_equal(fake_mount(f, ""), 0);
		fake_destroy(f);
	}
}

static void images_of_something_else_are_refused(void **state)
{
	struct fake_opts opts = opts_of(image, NULL);
	struct zus_plugin other = probe_plugin;
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	fake_destroy(f);
	opts = opts_of(NULL, image);
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	fake_destroy(f);
	other.info.FS_magic++;
	assert_int_equal(fake_create(&f, &other, &opts), -EINVAL);
	opts.t1_bytes = BYTES / 2;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), -EINVAL);
	opts.t1_count = 2;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), -EINVAL);
	opts = opts_of(NULL, image);
	opts.t2_bytes = 2 << 20;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), -EINVAL);
	image[100] ^= 1;
	opts = opts_of(NULL, image);
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), -EINVAL);
	/* without a table there is nothing to compare */
	opts.no_table = true;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	assert_memory_equal(fake_md(f)->t1, image, BYTES);
	fake_destroy(f);
	opts = opts_of(lent + 8, NULL);
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), -EINVAL);
}

/* ---- death ---- */

/* probefs with a thread that stores to T1 when it is asked to end, and memory of its own. */
static struct {
	sem_t runs;
	bool end_is_stored;
	unsigned int umounts, lists_done, late_lists;
	int list_err, thread_err;
} seen;

static void list_done(struct zus_sb *sb, void *arg, int err)
{
	struct zus_iomap *iom = arg;

	(void)err;
	seen.lists_done++;
	zus_store(sb->env, sb->md->t1 + AT, "list", 4);
	/* there is nobody any more who would take another one */
	seen.list_err = zus_iomap_exec_async(sb, iom, list_done, arg);
}

static void *background(void *arg)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_sb *sb = arg;
	struct zus_thread *t;

	sem_post(&seen.runs);
	while (zus_thread_wait(-1))
		;
	zus_store(sb->env, sb->md->t1 + AT, "store", 5);
	zus_store8(sb->env, sb->md->t1 + AT, 1);
	zus_copy_nt(sb->env, sb->md->t1 + AT, "nt", 2);
	zus_zero_nt(sb->env, sb->md->t1 + AT, 4096);
	zus_persist(sb->env, sb->md->t1 + AT, 64);
	seen.end_is_stored = sb->md->t1[AT] != 0x66;
	seen.thread_err = zus_env_thread_create(sb->env, &t, &attr, background, sb);
	return NULL;
}

static int rich_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t;
	int err = probe_ops.mount(sb, m);
	unsigned int i;

	for (i = 0; !err && i < 100; i++)
		err = zus_alloc(sb->env, 100 + i) && zus_page_alloc(sb->env, i % 2) ? 0 : -ENOMEM;
	for (i = 0; !err && i < 2; i++)
		err = zus_env_thread_create(sb->env, &t, &attr, background, sb);
	return err;
}

static void count_umount(struct zus_sb *sb)
{
	(void)sb;
	seen.umounts++;
}

static void a_dead_server_leaves_nothing_but_t1(void **state)
{
	struct fake_opts opts = opts_of(lent, NULL);
	struct zus_fs_ops ops = probe_ops;
	struct zus_plugin plugin = probe_plugin;
	struct zus_iomap iom;
	uint64_t words[4];
	struct fake *f;
	int i;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	sem_init(&seen.runs, 0, 0);
	ops.mount = rich_mount;
	ops.umount = count_umount;
	plugin.ops = &ops;
	opts.t2_bytes = 2 << 20;
	assert_int_equal(fake_create(&f, &plugin, &opts), 0);
	fake_server_die(f);
	for (i = 0; i < 2; i++) {
		assert_int_equal(fake_mount(f, ""), 0);
		sem_wait(&seen.runs);
		sem_wait(&seen.runs);
		assert_int_equal(fake_background(f), 2);
		assert_int_equal(fake_outstanding(f), 2 + 200 + 2);
		memset(lent + AT, 0x66, 4096);
		fake_record_start(f);
		fake_hold_lists(f, true);
		zus_iomap_init(&iom, words, ARRAY_LEN(words));
		assert_int_equal(zus_iomap_t2_write(&iom, 0, 1 << ZUS_BLOCK_SHIFT, 1), 0);
		assert_int_equal(zus_iomap_exec_async(fake_sb(f), &iom, list_done, &iom), 0);
		fake_server_die(f);
		assert_int_equal(seen.lists_done, i + 1);
		assert_int_equal(seen.list_err, -EIO);
		assert_int_equal(seen.thread_err, -EAGAIN);
		assert_false(seen.end_is_stored);
		assert_int_equal(lent[AT], 0x66);
		assert_int_equal(lent[AT + 4095], 0x66);
		/* what the device has done is there, and nothing of the plugin's */
		assert_int_equal(fake_record_count(f), 1);
		assert_int_equal(fake_background(f), 0);
		assert_int_equal(fake_outstanding(f), 0);
		assert_int_equal(seen.umounts, 0);
	}
	/* the next life is one like any other */
	plugin.ops = &probe_ops;
	fake_destroy(f);
	assert_int_equal(fake_create(&f, &plugin, &opts), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	zus_store(fake_sb(f)->env, lent + AT, "alive", 5);
	assert_memory_equal(lent + AT, "alive", 5);
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
	sem_destroy(&seen.runs);
}

static void puts_of_the_dead_are_not_sent(void **state)
{
	struct fake_opts opts = opts_of(lent, NULL);
	struct fake_thread *t;
	struct fake_node file;
	struct fake *f;
	uint64_t bn;
	int i;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	t = fake_thread_create(f, 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(fake_mount(f, "nio"), 0);
		assert_int_equal(fake_lookup(t, fake_root(f), "f0", &file), 0);
		assert_int_equal(fake_get(t, file, 0, 1, 0, &bn, 1), 1);
		if (i)
			assert_int_equal(fake_put(t), 0);
		fake_server_die(f);
		assert_int_equal(fake_put(t), -EINVAL);
	}
	/* the caller lives on: it works on the next mount, whose inodes got no such puts */
	assert_int_equal(fake_mount(f, "nio"), 0);
	assert_int_equal(fake_lookup(t, fake_root(f), "f0", &file), 0);
	assert_int_equal(fake_goose(t, 0), 0);
	assert_int_equal(fake_puts(f), 0);
	assert_int_equal(fake_forget(t, file), 0);
	fake_thread_destroy(t);
	assert_int_equal(fake_umount(f), 0);
	fake_destroy(f);
}

static void many_boots_are_cheap(void **state)
{
	struct fake_opts opts = opts_of(lent, NULL);
	struct fake_thread *t;
	struct fake_node file;
	struct fake *f;
	int i;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	t = fake_thread_create(f, 0);
	for (i = 0; i < BOOTS; i++) {
		fake_record_start(f);
		assert_int_equal(fake_mount(f, ""), 0);
		assert_int_equal(fake_lookup(t, fake_root(f), "f0", &file), 0);
		zus_store8(fake_sb(f)->env, lent + AT, (uint64_t)i);
		assert_int_equal(fake_record_count(f), 1);
		fake_server_die(f);
		assert_int_equal(fake_outstanding(f), 0);
	}
	fake_thread_destroy(t);
	fake_destroy(f);
	/* and so are fakes of their own, one for each image */
	opts = opts_of(lent, lent);
	for (i = 0; i < BOOTS / 10; i++) {
		assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
		assert_int_equal(fake_mount(f, ""), 0);
		fake_server_die(f);
		fake_destroy(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lent_memory_is_t1_and_stays),
		cmocka_unit_test(image_is_booted_by_copy_or_in_place),
		cmocka_unit_test(images_of_something_else_are_refused),
		cmocka_unit_test(a_dead_server_leaves_nothing_but_t1),
		cmocka_unit_test(puts_of_the_dead_are_not_sent),
		cmocka_unit_test(many_boots_are_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
