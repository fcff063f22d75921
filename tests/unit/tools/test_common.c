// SPDX-License-Identifier: BSD-2-Clause
/*
 * tools/common: mount options, JSON, what is on a device (image files), processes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "device.h"
#include "json.h"
#include "mounts.h"
#include "process.h"

#define MAGIC	0x5a5a1234
#define MIB	((uint64_t)1 << 20)

/* ---- mount options ---- */

static void check_flags(const char *text, unsigned long flags, const char *left)
{
	unsigned long found;
	char *rest;

	assert_int_equal(mounts_parse_options(text, &found, &rest), 0);
	assert_int_equal(found, flags);
	assert_string_equal(rest, left);
	free(rest);
}

static void flags_are_taken_out_of_options(void **state)
{
	(void)state;
	check_flags("", 0, "");
	check_flags("ro", MS_RDONLY, "");
	check_flags("ro,rw", 0, "");
	check_flags("size=1M,ro,uid=3", MS_RDONLY, "size=1M,uid=3");
	check_flags("noatime,nosuid,nodev,noexec",
		    MS_NOATIME | MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	check_flags(",,ro,,x,", MS_RDONLY, "x");
}

static void words_that_only_begin_like_flags_are_left(void **state)
{
	(void)state;
	check_flags("rot,r,sync=1", 0, "rot,r,sync=1");
}

static void words_for_other_programs_are_left_out(void **state)
{
	(void)state;
	check_flags("nofail,noauto,x-systemd.requires=zusd.service,_netdev,comment=y,nio,ro",
		    MS_RDONLY, "nio");
}

static void the_root_mount_is_found(void **state)
{
	struct mount_list list;

	(void)state;
	assert_int_equal(mounts_read(&list), 0);
	assert_true(list.count > 0);
	assert_non_null(mounts_at(&list, "/"));
	assert_null(mounts_at(&list, "/no/such/mount"));
	mounts_free(&list);
	assert_int_equal(list.count, 0);
}

static bool is_named(const struct mount_entry *m, void *name)
{
	return !strcmp(m->dir, name);
}

static void mounts_are_found_by_id_and_by_what_they_are_in(void **state)
{
	static char a[] = "/a", b[] = "/a/b", top[] = "/a";
	struct mount_entry entries[] = {
		{ .dir = a, .id = 7, .parent = 7 },	/* the root's may be its own */
		{ .dir = b, .id = 8, .parent = 7 },
		{ .dir = top, .id = 9, .parent = 7 },
	};
	const struct mount_list list = { entries, 3 };

	(void)state;
	assert_ptr_equal(mounts_by_id(&list, 8), &entries[1]);
	assert_null(mounts_by_id(&list, 10));
	assert_ptr_equal(mounts_child(&list, &entries[0], NULL, NULL), &entries[1]);
	assert_ptr_equal(mounts_child(&list, &entries[0], is_named, b), &entries[2]);
	assert_null(mounts_child(&list, &entries[1], NULL, NULL));
}

static void open_files_tell_their_mount(void **state)
{
	struct mount_list list;
	const struct mount_entry *m;
	int fd = open("/proc", O_PATH | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(mounts_read(&list), 0);
	m = mounts_by_id(&list, mounts_id_of(fd));
	assert_non_null(m);
	assert_string_equal(m->dir, "/proc");
	assert_false(m->is_part);
	assert_non_null(mounts_by_id(&list, m->parent));
	mounts_free(&list);
	close(fd);
	assert_int_equal(mounts_id_of(fd), -ENOENT);
	assert_int_equal(mounts_id_in("/proc/self/status"), -ENODATA);
}

/* ---- JSON ---- */

static void json_is_nested_and_escaped(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct json j;

	(void)state;
	assert_non_null(f);
	json_start(&j, f);
	json_str(&j, "text", "a\"b\\c\nd");
	json_str(&j, "none", NULL);
	json_begin(&j, "list", '[');
	json_num(&j, NULL, UINT64_MAX);
	json_bool(&j, NULL, true);
	json_end(&j, ']');
	json_begin(&j, "empty", '{');
	json_end(&j, '}');
	json_finish(&j);
	fclose(f);
	assert_string_equal(text,
		"{\n  \"text\": \"a\\\"b\\\\c\\u000ad\",\n  \"none\": null,\n  \"list\": [\n"
		"    18446744073709551615,\n    true\n  ],\n  \"empty\": {}\n}\n");
	free(text);
}

/* ---- devices ---- */

struct image {
	char path[64];
	int fd;
	struct fstype type;
	struct fstype_list types;
};

static int image_setup(void **state)
{
	struct image *im = calloc(1, sizeof(*im));

	if (!im)
		return -1;
	snprintf(im->path, sizeof(im->path), "/tmp/test-device.XXXXXX");
	im->fd = mkstemp(im->path);
	im->type = (struct fstype){ .name = "testfs", .magic = MAGIC, .version_major = 2,
				    .version_minor = 1 };
	im->types = (struct fstype_list){ .types = &im->type, .count = 1 };
	*state = im;
	return im->fd < 0 || ftruncate(im->fd, 8 * MIB);
}

static int image_teardown(void **state)
{
	struct image *im = *state;

	close(im->fd);
	unlink(im->path);
	free(im);
	return 0;
}

static void write_table(struct image *im, uint64_t bytes)
{
	struct zus_mdt_dev dev = { .uuid = { 1, 2, 3 }, .bytes = bytes };
	struct zus_mdt_spec spec = { .magic = MAGIC, .version_major = 2, .version_minor = 1,
				     .uuid = { 9 }, .t1_count = 1, .devs = &dev };
	struct md_dev_table mdt;

	assert_int_equal(zus_mdt_build(&spec, &mdt), 0);
	assert_int_equal(zus_mdt_write(im->fd, im->type.dt_offset, &mdt), 0);
}

static void check_content(struct image *im, enum device_content content, const char *text)
{
	struct device dev;

	assert_int_equal(device_probe(im->path, &im->types, &dev), 0);
	assert_int_equal(dev.content, content);
	assert_non_null(strstr(dev.text, text));
}

static void a_valid_table_is_recognised(void **state)
{
	struct image *im = *state;
	struct device dev;
	char uuid[37];

	write_table(im, 8 * MIB);
	assert_int_equal(device_probe(im->path, &im->types, &dev), 0);
	assert_int_equal(dev.content, DEVICE_TABLE);
	assert_int_equal(dev.bytes, 8 * MIB);
	assert_string_equal(dev.type.name, "testfs");
	device_uuid(&dev, device_index(&dev), uuid);
	assert_string_equal(uuid, "01020300-0000-0000-0000-000000000000");
	device_set_uuid(&dev, uuid);
	assert_string_equal(uuid, "09000000-0000-0000-0000-000000000000");
}

static void a_table_elsewhere_is_found_at_the_offset_of_its_type(void **state)
{
	struct image *im = *state;

	im->type.dt_offset = 64 * 1024;
	write_table(im, 4 * MIB);
	check_content(im, DEVICE_TABLE, "testfs");
	im->type.dt_offset = 16 * MIB;
	check_content(im, DEVICE_NO_TABLE, "no device table");
}

static void every_fault_of_a_table_has_its_words(void **state)
{
	struct image *im = *state;

	write_table(im, 8 * MIB);
	assert_int_equal(pwrite(im->fd, "x", 1, 100), 1);
	check_content(im, DEVICE_BROKEN, "checksum");

	write_table(im, 16 * MIB);
	check_content(im, DEVICE_BROKEN, "smaller than its table");

	write_table(im, 8 * MIB);
	im->type.version_major = 3;
	check_content(im, DEVICE_BROKEN, "version");

	im->type.magic = MAGIC + 1;
	check_content(im, DEVICE_UNKNOWN, "not installed");
}

static void a_device_shorter_than_a_table_is_no_error(void **state)
{
	struct image *im = *state;

	assert_int_equal(ftruncate(im->fd, 100), 0);
	check_content(im, DEVICE_NO_TABLE, "no device table");
}

static void blank_means_zeros_up_to_a_mebibyte(void **state)
{
	struct image *im = *state;
	char what[SIGNATURE_NAME];
	bool blank = false;

	assert_int_equal(device_is_blank(im->path, &blank, what), 0);
	assert_true(blank);
	assert_int_equal(pwrite(im->fd, "x", 1, MIB), 1);
	assert_int_equal(device_is_blank(im->path, &blank, what), 0);
	assert_true(blank);
	assert_int_equal(pwrite(im->fd, "x", 1, MIB - 1), 1);
	assert_int_equal(device_is_blank(im->path, &blank, what), 0);
	assert_false(blank);
	assert_string_equal(what, "other data");
	assert_int_equal(device_is_blank("/no/such/device", &blank, what), -ENOENT);
}

/* ---- processes ---- */

static void programs_are_run_and_their_status_told(void **state)
{
	const char *const ok[] = { "true", NULL }, *const no[] = { "false", NULL };
	const char *const dead[] = { "sh", "-c", "kill -9 $$", NULL };
	const char *const none[] = { "/no/such/program", NULL };

	(void)state;
	assert_int_equal(process_run(ok), 0);
	assert_int_equal(process_run(no), 1);
	assert_int_equal(process_run(dead), 128 + SIGKILL);
	assert_int_equal(process_run(none), -ENOENT);
}

/* A child that ends only by a signal; deaf: not by SIGTERM either. */
static pid_t start_child(bool deaf)
{
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (deaf)
		sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return pid;
}

static void check_stop(bool deaf, int timeout_ms, int result, int signo)
{
	pid_t pid = start_child(deaf);
	int status, fd = process_open(pid);

	assert_true(fd >= 0);
	assert_false(process_wait_end(fd, 0));
	assert_int_equal(process_stop(fd, timeout_ms), result);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(process_exit_code(status), 128 + signo);
	assert_int_equal(process_open(pid), -ESRCH);
}

static void what_programs_say_goes_where_it_is_to(void **state)
{
	static const char *const argv[] = { "sh", "-c", "echo out; echo err >&2; exit 3", NULL };
	char text[32] = "";
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(process_run_to(argv, fds[1]), 3);
	assert_int_equal(read(fds[0], text, sizeof(text) - 1), 8);
	assert_string_equal(text, "out\nerr\n");
	close(fds[0]);
	close(fds[1]);
}

static void a_process_is_asked_to_end_and_then_killed(void **state)
{
	(void)state;
	check_stop(false, 10000, 0, SIGTERM);
	check_stop(true, 50, 1, SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_taken_out_of_options),
		cmocka_unit_test(words_that_only_begin_like_flags_are_left),
		cmocka_unit_test(words_for_other_programs_are_left_out),
		cmocka_unit_test(the_root_mount_is_found),
		cmocka_unit_test(mounts_are_found_by_id_and_by_what_they_are_in),
		cmocka_unit_test(open_files_tell_their_mount),
		cmocka_unit_test(json_is_nested_and_escaped),
		cmocka_unit_test_setup_teardown(a_valid_table_is_recognised, image_setup,
						image_teardown),
		cmocka_unit_test_setup_teardown(
			a_table_elsewhere_is_found_at_the_offset_of_its_type, image_setup,
			image_teardown),
		cmocka_unit_test_setup_teardown(every_fault_of_a_table_has_its_words,
						image_setup, image_teardown),
		cmocka_unit_test_setup_teardown(a_device_shorter_than_a_table_is_no_error,
						image_setup, image_teardown),
		cmocka_unit_test_setup_teardown(blank_means_zeros_up_to_a_mebibyte,
						image_setup, image_teardown),
		cmocka_unit_test(programs_are_run_and_their_status_told),
		cmocka_unit_test(what_programs_say_goes_where_it_is_to),
		cmocka_unit_test(a_process_is_asked_to_end_and_then_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
