// SPDX-License-Identifier: BSD-2-Clause
/*
 * Images for tests; see testimage.h. The T1 of the fake kernel is formatted, mounted, filled,
 * and copied.
 */
#include "testimage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zus/zufake.h>

#include "tierfs.h"

#define NAMES		300
#define LONG_VALUE	9000

static void format(uint8_t *base, uint64_t bytes)
{
	struct tierfs_format_dev dev = { .base = base, .bytes = bytes };
	struct tierfs_format f = {
		.label = "test", .log_secret = 0x1122334455667788ULL, .hash_seed = { 3, 4 },
		.now_ns = 5, .mode = 0755, .generation = 6, .nr_devs = 1, .devs = &dev,
	};

	assert_int_equal(tierfs_format(&f), 0);
}

static void image_alloc(struct image *im, uint64_t bytes)
{
	memset(im, 0, sizeof(*im));
	im->bytes = bytes;
	im->base = aligned_alloc(TIERFS_BLOCK, bytes);
	im->memory = tierfs_check_memory_create();
	assert_non_null(im->base);
	assert_non_null(im->memory);
}

void image_format(struct image *im, uint64_t bytes)
{
	image_alloc(im, bytes);
	memset(im->base, 0xa5, bytes);
	format(im->base, bytes);
}

void image_free(struct image *im)
{
	free(im->base);
	tierfs_check_memory_destroy(im->memory);
}

/* ---- contents ---- */

static void write_at(struct fake_thread *t, struct fake_node node, size_t len, uint64_t pos)
{
	char *buf = malloc(len);

	assert_non_null(buf);
	memset(buf, 'x', len);
	assert_int_equal(fake_write(t, node, buf, len, pos), len);
	free(buf);
}

/* Runs of 1, 2 and 3 blocks with holes between them; a slot far behind; preallocation. */
static void fill_file(struct fake_thread *t, struct fake_node node)
{
	write_at(t, node, 4096, 0);
	write_at(t, node, 2 * 4096, 4 * 4096);
	write_at(t, node, 3 * 4096, 9 * 4096);
	write_at(t, node, 100, 30ULL << 20);
	assert_int_equal(fake_fallocate(t, node, 1, 31ULL << 20, 3 * 4096), 0);
}

static void fill_xattrs(struct fake_thread *t, struct fake_node node)
{
	char value[LONG_VALUE];

	memset(value, 'v', sizeof(value));
	assert_int_equal(fake_setxattr(t, node, ZUFS_XATTR_USER, "short", "12345", 5, 0), 0);
	assert_int_equal(fake_setxattr(t, node, ZUFS_XATTR_USER, "long", value, sizeof(value), 0),
			 0);
	assert_int_equal(fake_setxattr(t, node, ZUFS_XATTR_TRUSTED_NS, "t", value, 700, 0), 0);
}

static void fill_dir(struct fake_thread *t, struct fake_node dir)
{
	struct fake_node node;
	char name[64];
	int i;

	for (i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "a name of a file, number %d", i);
		assert_int_equal(fake_creat(t, dir, name, &node), 0);
		assert_int_equal(fake_forget(t, node), 0);
	}
	for (i = 0; i < NAMES; i += 3) {
		snprintf(name, sizeof(name), "a name of a file, number %d", i);
		assert_int_equal(fake_lookup(t, dir, name, &node), 0);
		assert_int_equal(fake_unlink(t, dir, node, name), 0);
		assert_int_equal(fake_forget(t, node), 0);
	}
}

static uint64_t forget(struct fake_thread *t, struct fake_node node)
{
	uint64_t ino = zus_zi_ino(node.zi);

	assert_int_equal(fake_forget(t, node), 0);
	return ino;
}

static void fill(struct image *im, struct fake_thread *t, struct fake_node root)
{
	struct fake_node dir, sub, node;
	char target[400];

	memset(target, 't', sizeof(target) - 1);
	target[sizeof(target) - 1] = 0;
	assert_int_equal(fake_mkdir(t, root, "d", &dir), 0);
	assert_int_equal(fake_mkdir(t, dir, "sub", &sub), 0);
	fill_dir(t, dir);
	assert_int_equal(fake_creat(t, root, "f", &node), 0);
	fill_file(t, node);
	assert_int_equal(fake_link(t, sub, node, "f again"), 0);
	im->file_ino = forget(t, node);
	assert_int_equal(fake_creat(t, sub, "x", &node), 0);
	fill_xattrs(t, node);
	im->xattr_ino = forget(t, node);
	assert_int_equal(fake_symlink(t, root, "s", "short", &node), 0);
	forget(t, node);
	assert_int_equal(fake_symlink(t, root, "l", target, &node), 0);
	im->link_ino = forget(t, node);
	assert_int_equal(fake_mknod(t, root, "fifo", S_IFIFO | 0600, 0, &node), 0);
	forget(t, node);
	forget(t, sub);
	im->dir_ino = forget(t, dir);
}

void image_make(struct image *im, enum image_end end)
{
	struct fake_opts opts = { .t1_bytes = 4 << 20 };
	struct fake_thread *t;
	struct fake_node orphan;
	struct fake *f;

	image_alloc(im, opts.t1_bytes);
	assert_int_equal(fake_create(&f, &zus_plugin, &opts), 0);
	format(fake_md(f)->t1, opts.t1_bytes);
	assert_int_equal(fake_persist_watch(f), 0);
	assert_int_equal(fake_mount(f, "volatile"), 0);
	t = fake_thread_create(f, 0);
	assert_non_null(t);
	fill(im, t, fake_root(f));
	assert_int_equal(fake_tmpfile(t, fake_root(f), &orphan), 0);
	write_at(t, orphan, 5000, 0);
	if (end == IMAGE_CUT)
		memcpy(im->base, fake_after_crash(f, fake_md(f)->t1), im->bytes);
	assert_int_equal(fake_forget(t, orphan), 0);
	fake_thread_destroy(t);
	assert_int_equal(fake_umount(f), 0);
	if (end == IMAGE_CLEAN)
		memcpy(im->base, fake_md(f)->t1, im->bytes);
	fake_destroy(f);
}

void image_mount(struct image *im)
{
	struct fake_opts opts = { .t1_bytes = im->bytes };
	struct fake *f;

	assert_int_equal(fake_create(&f, &zus_plugin, &opts), 0);
	/* behind the device table, which is the fake's own */
	memcpy(fake_md(f)->t1 + TIERFS_BLOCK, im->base + TIERFS_BLOCK, im->bytes - TIERFS_BLOCK);
	assert_int_equal(fake_mount(f, "volatile"), 0);
	assert_int_equal(fake_umount(f), 0);
	memcpy(im->base, fake_md(f)->t1, im->bytes);
	fake_destroy(f);
}

/* ---- checks ---- */

static void print_finding(void *ctx, const struct tierfs_check_finding *f)
{
	char object[TIERFS_CHECK_TEXT];

	(void)ctx;
	if (f->severity == TIERFS_CHECK_NOTE)
		return;
	tierfs_check_object(f, object);
	printf("%s: %s: %s\n", tierfs_check_severity_name(f->severity), object, f->text);
}

static int check(const struct image *im, const struct tierfs_check_opts *opts,
		 tierfs_check_report_fn *report, struct tierfs_check_result *result)
{
	struct tierfs_check_dev dev = { .base = im->base, .bytes = im->bytes };
	struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };

	return tierfs_check(&devs, opts, report, NULL, result);
}

int image_check(const struct image *im, struct tierfs_check_result *result)
{
	return check(im, NULL, print_finding, result);
}

int image_check_quiet(const struct image *im, struct tierfs_check_result *result)
{
	struct tierfs_check_opts opts = { .memory = im->memory };

	return check(im, &opts, NULL, result);
}
