// SPDX-License-Identifier: BSD-2-Clause
/*
 * What zusd asks of the system for its process, and what it does with a refusal. daemon/process.c
 * is built here; the system is a few functions of the test, so nobody's limits change.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <link.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int get_limit(int what, struct rlimit *rl);
static int set_limit(int what, const struct rlimit *rl);
static int control_process(int option, unsigned long arg, unsigned long b, unsigned long c,
			   unsigned long d);
static int lock_all(int flags);
static int lock_range(const void *addr, size_t len);
static int for_each_object(int (*fn)(struct dl_phdr_info *info, size_t size, void *data),
			   void *data);
static long call_system(long number, ...);

#define getrlimit	get_limit
#define setrlimit	set_limit
#define prctl		control_process
#define mlockall	lock_all
#define mlock		lock_range
#define dl_iterate_phdr	for_each_object
#define syscall		call_system
#include "../../../daemon/process.c"

#define LAST_CAP	40		/* that this kernel knows */
#define PAGE		((uintptr_t)sysconf(_SC_PAGESIZE))

static struct zusd z;
static unsigned int warnings;

static void count_warning(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	(void)env;
	(void)fmt;
	(void)ap;
	warnings += level == LOG_WARNING;
}

/* The system. */
static struct {
	struct rlimit files;
	bool no_limit, is_root;
	int flusher_err, lock_err;	/* errnos */
	int nr_lock_ok;			/* so many succeed before that */
	bool is_flusher;
	int lock_flags[8];
	unsigned int nr_locks;
	struct { uintptr_t start, len; } ranges[8];
	unsigned int nr_ranges;
	uint64_t bounding;
	int drop_err, get_err, set_err;
	struct __user_cap_data_struct caps[2];
} k;

static int answer(int err)
{
	errno = err;
	return err ? -1 : 0;
}

static int get_limit(int what, struct rlimit *rl)
{
	assert_int_equal(what, RLIMIT_NOFILE);
	*rl = k.files;
	return answer(k.no_limit ? EPERM : 0);
}

static int set_limit(int what, const struct rlimit *rl)
{
	assert_int_equal(what, RLIMIT_NOFILE);
	if (rl->rlim_cur > rl->rlim_max)
		return answer(EINVAL);
	if (rl->rlim_max > k.files.rlim_max && !k.is_root)
		return answer(EPERM);
	k.files = *rl;
	return answer(0);
}

static int control_process(int option, unsigned long arg, unsigned long b, unsigned long c,
			   unsigned long d)
{
	assert_int_equal(b | c | d, 0);
	switch (option) {
	case PR_SET_IO_FLUSHER:
		k.is_flusher = arg == 1 && !k.flusher_err;
		return answer(k.flusher_err);
	case PR_CAPBSET_READ:
		return arg > LAST_CAP ? answer(EINVAL) : (int)(k.bounding >> arg & 1);
	case PR_CAPBSET_DROP:
		/* what is not there is not dropped */
		assert_true(arg <= LAST_CAP && k.bounding >> arg & 1);
		if (!k.drop_err)
			k.bounding &= ~(1ULL << arg);
		return answer(k.drop_err);
	default:
		return answer(EINVAL);
	}
}

static int lock_all(int flags)
{
	k.lock_flags[k.nr_locks++] = flags;
	return answer(k.nr_lock_ok-- > 0 ? 0 : k.lock_err);
}

static int lock_range(const void *addr, size_t len)
{
	k.ranges[k.nr_ranges].start = (uintptr_t)addr;
	k.ranges[k.nr_ranges++].len = len;
	return answer(k.nr_lock_ok-- > 0 ? 0 : k.lock_err);
}

/* Two objects with three segments that are loaded. */
static int for_each_object(int (*fn)(struct dl_phdr_info *info, size_t size, void *data),
			   void *data)
{
	ElfW(Phdr) first[3] = {
		{ .p_type = PT_LOAD, .p_vaddr = PAGE, .p_memsz = 10 },
		{ .p_type = PT_DYNAMIC, .p_vaddr = 2 * PAGE, .p_memsz = 20 },
		{ .p_type = PT_LOAD, .p_vaddr = 3 * PAGE + 7, .p_memsz = PAGE },
	};
	ElfW(Phdr) second[1] = { { .p_type = PT_LOAD, .p_vaddr = 0, .p_memsz = 30 } };
	struct dl_phdr_info a = { .dlpi_addr = 16 * PAGE, .dlpi_phdr = first, .dlpi_phnum = 3 };
	struct dl_phdr_info b = { .dlpi_addr = 32 * PAGE, .dlpi_phdr = second, .dlpi_phnum = 1 };
	int ret = fn(&a, sizeof(a), data);

	return ret ? ret : fn(&b, sizeof(b), data);
}

static long call_system(long number, ...)
{
	struct __user_cap_header_struct *hdr;
	struct __user_cap_data_struct *data;
	va_list ap;
	int err;

	va_start(ap, number);
	hdr = va_arg(ap, struct __user_cap_header_struct *);
	data = va_arg(ap, struct __user_cap_data_struct *);
	va_end(ap);
	assert_int_equal(hdr->version, _LINUX_CAPABILITY_VERSION_3);
	assert_int_equal(hdr->pid, 0);
	if (number == SYS_capget) {
		memcpy(data, k.caps, sizeof(k.caps));
		return answer(k.get_err);
	}
	assert_int_equal(number, SYS_capset);
	err = k.set_err;
	if (!err)
		memcpy(k.caps, data, sizeof(k.caps));
	return answer(err);
}

static int setup(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	warnings = 0;
	z = (struct zusd){ .env = *zus_env_default(), .opt.mlock = 1 };
	z.env.vlog = count_warning;
	return 0;
}

static void raise_files(rlim_t cur, rlim_t max)
{
	k.files = (struct rlimit){ .rlim_cur = cur, .rlim_max = max };
	zusd_raise_limits(&z);
}

static void files_are_raised_as_far_as_allowed(void **state)
{
	(void)state;
	raise_files(1024, 1 << 20);
	assert_int_equal(k.files.rlim_cur, WANTED_FILES);
	assert_int_equal(k.files.rlim_max, 1 << 20);
	raise_files(1024, WANTED_FILES);
	assert_int_equal(k.files.rlim_cur, WANTED_FILES);
	assert_int_equal(warnings, 0);
	raise_files(1024, 4096);
	assert_int_equal(k.files.rlim_cur, 4096);
	assert_int_equal(k.files.rlim_max, 4096);
	assert_int_equal(warnings, 1);
	k.is_root = true;
	raise_files(1024, 4096);
	assert_int_equal(k.files.rlim_cur, WANTED_FILES);
	assert_int_equal(k.files.rlim_max, WANTED_FILES);
	/* and never lowered */
	raise_files(WANTED_FILES, WANTED_FILES);
	assert_int_equal(k.files.rlim_cur, WANTED_FILES);
	raise_files(WANTED_FILES + 1, 1 << 20);
	assert_int_equal(k.files.rlim_cur, WANTED_FILES + 1);
	k.no_limit = true;
	raise_files(1024, 4096);
	assert_int_equal(k.files.rlim_cur, 1024);
	assert_int_equal(warnings, 1);
}

static void memory_is_locked_as_asked(void **state)
{
	(void)state;
	k.nr_lock_ok = 8;
	z.opt.mlock = 0;
	assert_int_equal(zusd_lock_memory(&z), 0);
	assert_int_equal(k.nr_locks, 0);
	assert_true(k.is_flusher);
	z.opt.mlock = 2;
	assert_int_equal(zusd_lock_memory(&z), 0);
	assert_int_equal(k.nr_locks, 1);
	assert_int_equal(k.lock_flags[0], MCL_CURRENT | MCL_FUTURE);
	z.opt.mlock = 1;
	assert_int_equal(zusd_lock_memory(&z), 0);
	assert_int_equal(k.nr_locks, 3);
	assert_int_equal(k.lock_flags[1], MCL_CURRENT);
	assert_int_equal(k.lock_flags[2], MCL_FUTURE | MCL_ONFAULT);
	/* who may not be a flusher serves all the same */
	assert_int_equal(warnings, 0);
	k.flusher_err = EPERM;
	assert_int_equal(zusd_lock_memory(&z), 0);
	assert_int_equal(warnings, 1);
}

static void memory_that_cannot_be_locked_is_an_error(void **state)
{
	int ok;

	(void)state;
	k.lock_err = EAGAIN;
	for (ok = 0; ok < 2; ok++) {
		k.nr_locks = 0;
		k.nr_lock_ok = ok;
		assert_int_equal(zusd_lock_memory(&z), -EAGAIN);
		assert_int_equal(k.nr_locks, ok + 1);
	}
	z.opt.mlock = 2;
	k.nr_lock_ok = 0;
	assert_int_equal(zusd_lock_memory(&z), -EAGAIN);
}

static void assert_range(unsigned int i, uintptr_t start, uintptr_t len)
{
	assert_int_equal(k.ranges[i].start, start);
	assert_int_equal(k.ranges[i].len, len);
}

static void loaded_objects_are_locked_in_pages(void **state)
{
	(void)state;
	k.nr_lock_ok = 8;
	assert_int_equal(zusd_lock_loaded(&z), 0);
	assert_int_equal(k.nr_ranges, 3);
	assert_range(0, 17 * PAGE, 10);
	assert_range(1, 19 * PAGE, PAGE + 7);
	assert_range(2, 32 * PAGE, 30);
	z.opt.mlock = 0;
	assert_int_equal(zusd_lock_loaded(&z), 0);
	assert_int_equal(k.nr_ranges, 3);
}

static void first_object_that_cannot_be_locked_is_the_last(void **state)
{
	(void)state;
	k.lock_err = ENOMEM;
	assert_int_equal(zusd_lock_loaded(&z), -ENOMEM);
	assert_int_equal(k.nr_ranges, 1);
	k.nr_lock_ok = 1;
	assert_int_equal(zusd_lock_loaded(&z), -ENOMEM);
	assert_int_equal(k.nr_ranges, 3);
}

static void have_all_capabilities(void)
{
	k.bounding = (1ULL << (LAST_CAP + 1)) - 1;
	for (int i = 0; i < 2; i++)
		k.caps[i] = (struct __user_cap_data_struct){ UINT32_MAX, UINT32_MAX, UINT32_MAX };
}

#define KEPT	(1U << CAP_SYS_ADMIN | 1U << CAP_IPC_LOCK | 1U << CAP_SYS_NICE)

static void a_few_capabilities_are_kept(void **state)
{
	(void)state;
	have_all_capabilities();
	assert_int_equal(zusd_drop_capabilities(&z), 0);
	assert_int_equal(warnings, 0);
	assert_int_equal(k.bounding, KEPT);
	assert_int_equal(k.caps[0].permitted, KEPT);
	assert_int_equal(k.caps[0].effective, KEPT);
	assert_int_equal(k.caps[0].inheritable, 0);
	assert_int_equal(k.caps[1].permitted, 0);
	assert_int_equal(k.caps[1].effective, 0);
	assert_int_equal(k.caps[1].inheritable, 0);
	/* who has fewer gets none, and loses the rest all the same */
	have_all_capabilities();
	k.bounding &= ~(1ULL << CAP_FOWNER);
	k.caps[0].permitted = 1U << CAP_IPC_LOCK;
	assert_int_equal(zusd_drop_capabilities(&z), 0);
	assert_int_equal(k.bounding, KEPT);
	assert_int_equal(k.caps[0].effective, 1U << CAP_IPC_LOCK);
}

static void capabilities_that_cannot_be_dropped_are_an_error(void **state)
{
	(void)state;
	have_all_capabilities();
	/* what programs may get is another matter: who started us has decided */
	k.drop_err = EPERM;
	assert_int_equal(zusd_drop_capabilities(&z), 0);
	assert_int_equal(warnings, 1);
	assert_int_equal(k.caps[0].effective, KEPT);
	k.get_err = EFAULT;
	assert_int_equal(zusd_drop_capabilities(&z), -EFAULT);
	k.get_err = 0;
	k.set_err = EPERM;
	assert_int_equal(zusd_drop_capabilities(&z), -EPERM);
}

#define T(fn)	cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(files_are_raised_as_far_as_allowed),
		T(memory_is_locked_as_asked),
		T(memory_that_cannot_be_locked_is_an_error),
		T(loaded_objects_are_locked_in_pages),
		T(first_object_that_cannot_be_locked_is_the_last),
		T(a_few_capabilities_are_kept),
		T(capabilities_that_cannot_be_dropped_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
