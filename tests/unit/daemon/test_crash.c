// SPDX-License-Identifier: BSD-2-Clause
/*
 * What zusd says of a plugin that crashes, overwrites its own handles, or calls exit(): each
 * in a child with the daemon's handlers and a plugin that does so in one operation.
 */
#define _GNU_SOURCE
#include "../lib/dispatch_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zus/pmem.h>
#include "zusd.h"

enum way { CRASH, CRASH_IN_MOUNT, SPOIL, EXIT, QUICK_EXIT, LOAD };

static enum way way;
static volatile int *volatile nowhere = (int *)8;

/* A page of a file that has none is a SIGBUS, as bad memory. */
static int load_what_is_not_there(const struct zus_env *env)
{
	int fd = memfd_create("bad", 0);
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	char c;

	return p == MAP_FAILED ? -errno : zus_t1_load(env, &c, p, 1);
}

static int bad_setattr(struct zus_ii *ii, uint32_t bits)
{
	(void)bits;
	switch (way) {
	case SPOIL:
		ii->zi = (struct zus_inode *)16;
		ii->sb = (struct zus_sb *)32;
		break;
	case EXIT:
		exit(0);
	case QUICK_EXIT:
		quick_exit(0);
	case LOAD:
		return load_what_is_not_there(zus_env_default());
	default:
		break;
	}
	*nowhere = 1;
	return 0;
}

static int bad_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	if (way == CRASH_IN_MOUNT)
		*nowhere = 1;
	return probe_ops.mount(sb, m);
}

static void be_bad(int to)
{
	struct zus_fs_ops ops = probe_ops;
	struct zus_plugin plugin = probe_plugin;

	ops.setattr = bad_setattr;
	ops.mount = bad_mount;
	plugin.ops = &ops;
	dup2(to, STDERR_FILENO);
	if (zusd_signals_init() < 0 || zusd_guard_exit(true))
		_exit(77);
	start_with(&plugin, "");
	if (fake_lookup(fx.t, fx.root, "f1", &fx.f1))
		_exit(78);
	_exit(fake_setattr(fx.t, fx.f1, 0) == -EIO ? 80 : 79);
}

/* What the child says; its status is checked. */
static const char *words_of(enum way w, int status)
{
	static char said[8192];
	int fd = memfd_create("said", 0), got;
	ssize_t n;
	pid_t pid;

	assert_true(fd >= 0);
	way = w;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_bad(fd);
	assert_int_equal(waitpid(pid, &got, 0), pid);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = 0;
	close(fd);
	assert_int_equal(WIFSIGNALED(got) ? 128 + WTERMSIG(got) : WEXITSTATUS(got), status);
	return said;
}

static void a_crash_names_operation_plugin_mount_and_inode(void **state)
{
	const char *said = words_of(CRASH, 128 + SIGABRT);

	(void)state;
	assert_non_null(strstr(said, "crashed by signal 11 at address 0x8, "
			       "in operation SETATTR, plugin probe, mount 1, inode "));
	assert_null(strstr(said, "inode ?"));
	assert_non_null(strstr(said, ", stack:"));
	said = words_of(CRASH_IN_MOUNT, 128 + SIGABRT);
	assert_non_null(strstr(said, ", in operation MOUNT, plugin probe, mount 1, stack:"));
}

static void what_the_crash_has_spoiled_is_not_followed(void **state)
{
	const char *said = words_of(SPOIL, 128 + SIGABRT);

	(void)state;
	assert_non_null(strstr(said, ", in operation SETATTR, mount ?, inode ?, stack:"));
}

static void exit_in_a_plugin_is_told_of(void **state)
{
	static const char words[] = "has called exit(), in operation SETATTR, plugin probe";

	(void)state;
	assert_non_null(strstr(words_of(EXIT, 1), words));
	assert_non_null(strstr(words_of(QUICK_EXIT, 1), words));
}

static void guarded_load_of_bad_memory_is_no_crash(void **state)
{
	(void)state;
	assert_string_equal(words_of(LOAD, 80), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_names_operation_plugin_mount_and_inode),
		cmocka_unit_test(what_the_crash_has_spoiled_is_not_followed),
		cmocka_unit_test(exit_in_a_plugin_is_told_of),
		cmocka_unit_test(guarded_load_of_bad_memory_is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
