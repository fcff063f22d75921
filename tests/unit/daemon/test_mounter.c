// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mounter thread: each message gets its answer, channels come before a mount, the root is
 * waited for; how it ends. daemon/mounter.c is built here; the kernel's messages, the core and
 * the other parts of zusd are functions of the test.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zus/thread.h>

static int thread_err;			/* of its creation */

#define zus_thread_create(...)	(thread_err ? thread_err : zus_thread_create(__VA_ARGS__))
#include "../../../daemon/mounter.c"
#undef zus_thread_create

#define MSG_BYTES	4096

static struct zusd z;
static unsigned int errors_told;	/* atomic */

static void count_error(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	(void)env;
	(void)fmt;
	(void)ap;
	__atomic_add_fetch(&errors_told, level == LOG_ERR, __ATOMIC_RELAXED);
}

/* What the kernel says, in order, and then BREAK; what was seen of the rest. */
static struct {
	struct zufs_ioc_mount *msg;
	const unsigned int *operations;	/* 0: an interruption */
	/* @final_err: of the wait behind the last one; 0 = the end was asked for */
	int open_err, final_err;
	int zts_err, mount_err, break_err;
	unsigned int served, opened, closed, channels, entered, left, breaks;
	int32_t answers[8];
	unsigned int nr_answers;
	int stop_status;		/* of zusd_request_stop; -1: not called */
} k;

int zus_mounter_open(struct zus_mounter *m, int root_fd)
{
	assert_int_equal(root_fd, z.root_fd);
	if (k.open_err)
		return k.open_err;
	*m = (struct zus_mounter){ .msg = k.msg, .size = MSG_BYTES };
	k.opened++;
	return 0;
}

void zus_mounter_close(struct zus_mounter *m)
{
	assert_ptr_equal(m->msg, k.msg);
	k.closed++;
}

/* The answer of the last message is in the buffer. */
int zus_mounter_wait(struct zus_mounter *m)
{
	k.answers[k.nr_answers++ % 8] = m->msg->hdr.err;
	if (k.operations && *k.operations) {
		m->msg->hdr = (struct zufs_ioc_hdr){ .operation = (uint16_t)*k.operations++ };
		m->msg->zmi.num_channels = 3;
		return 0;
	}
	if (k.operations && !k.operations[0] && k.operations[1]) {
		k.operations++;
		return -EINTR;
	}
	if (k.final_err)
		return k.final_err;
	__atomic_store_n(&z.stopping, true, __ATOMIC_RELEASE);
	return -EINTR;
}

void zus_dispatch_mount(const struct zus_host *host, struct zufs_ioc_mount *msg, size_t size)
{
	assert_ptr_equal(host->ctx, &z.root_fd);
	assert_true(host->grab == zus_pmem_grab && host->release == zus_pmem_release);
	assert_int_equal(size, MSG_BYTES);
	k.served++;
	msg->hdr.err = k.mount_err;
}

int zusd_zts_start(struct zusd *zusd, unsigned int num_channels)
{
	assert_ptr_equal(zusd, &z);
	assert_int_equal(num_channels, 3);
	k.channels++;
	return k.zts_err;
}

void zusd_request_stop(struct zusd *zusd, int status)
{
	assert_ptr_equal(zusd, &z);
	assert_int_equal(k.stop_status, -1);
	k.stop_status = status;
}

void zusd_waiter_enter(enum zusd_waiter kind)
{
	assert_int_equal(kind, ZUSD_WAITER_MOUNTER);
	k.entered++;
}

void zusd_waiter_leave(enum zusd_waiter kind)
{
	assert_int_equal(kind, ZUSD_WAITER_MOUNTER);
	k.left++;
}

int zusd_break_waiters(int root_fd, enum zusd_waiter kind)
{
	assert_int_equal(root_fd, z.root_fd);
	assert_int_equal(kind, ZUSD_WAITER_MOUNTER);
	k.breaks++;
	return k.break_err;
}

/* A thread that is waited for in vain is the end: each test takes some milliseconds. */
static int setup(void **state)
{
	(void)state;
	alarm(10);
	z = (struct zusd){ .root_fd = 4711, .env = *zus_env_default() };
	z.env.vlog = count_error;
	errors_told = 0;
	memset(&k, 0, sizeof(k));
	k.stop_status = -1;
	k.msg = calloc(1, MSG_BYTES);
	return !k.msg;
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	free(k.msg);
	return 0;
}

/* Serves these messages, and ends as main does. */
static void serve_all(const unsigned int *operations)
{
	k.operations = operations;
	assert_int_equal(zusd_mounter_start(&z), 0);
	assert_int_equal(zusd_mounter_stop(&z), 0);
	assert_int_equal(k.entered, 1);
	assert_int_equal(k.left, 1);
	assert_int_equal(k.closed, k.opened);
	assert_int_equal(k.breaks, 1);
}

static void channels_are_there_before_a_mount(void **state)
{
	static const unsigned int operations[] = {
		ZUFS_M_MOUNT, ZUFS_M_UMOUNT, ZUFS_M_MOUNT, 0, 0
	};

	(void)state;
	serve_all(operations);
	assert_int_equal(k.served, 3);
	assert_int_equal(k.channels, 2);
	assert_int_equal(k.stop_status, 0);
	assert_int_equal(errors_told, 0);
}

static void mount_without_channels_fails(void **state)
{
	static const unsigned int operations[] = { ZUFS_M_MOUNT, ZUFS_M_REMOUNT, 0, 0 };

	(void)state;
	k.zts_err = -ENOMEM;
	serve_all(operations);
	assert_int_equal(k.served, 1);
	/* the answers of nothing, of the mount, of the rest */
	assert_int_equal(k.answers[0], 0);
	assert_int_equal(k.answers[1], -ENOMEM);
	assert_int_equal(k.answers[2], 0);
	assert_int_equal(k.stop_status, 0);
}

static void failed_mount_is_answered(void **state)
{
	static const unsigned int operations[] = { ZUFS_M_MOUNT, ZUFS_M_UMOUNT, 0, 0 };

	(void)state;
	k.mount_err = -EUCLEAN;
	serve_all(operations);
	assert_int_equal(k.answers[1], -EUCLEAN);
	assert_int_equal(k.answers[2], -EUCLEAN);
}

/* The buffer speaks of nothing then: the kernel would take it for an answer. */
static void interruption_leaves_an_empty_message(void **state)
{
	static const unsigned int operations[] = { ZUFS_M_MOUNT, 0, ZUFS_M_UMOUNT, 0, 0 };

	(void)state;
	k.mount_err = -EIO;
	serve_all(operations);
	assert_int_equal(k.served, 2);
	assert_int_equal(k.answers[1], -EIO);
	assert_int_equal(k.answers[2], 0);
	assert_int_equal(k.answers[3], -EIO);
	assert_int_equal(k.msg->hdr.err, 0);
	assert_int_equal(k.msg->hdr.operation, 0);
}

static void wait_that_fails_ends_the_server(void **state)
{
	(void)state;
	k.final_err = -ENODEV;
	serve_all(NULL);
	assert_int_equal(k.opened, 1);
	assert_int_equal(k.stop_status, 1);
	assert_int_equal(errors_told, 1);
	teardown(state);
	setup(state);
	k.open_err = -EMFILE;
	serve_all(NULL);
	assert_int_equal(k.opened, 0);
	assert_int_equal(k.stop_status, 1);
}

static void mounter_that_cannot_be_started_is_not_waited_for(void **state)
{
	(void)state;
	thread_err = -EAGAIN;
	assert_int_equal(zusd_mounter_start(&z), -EAGAIN);
	thread_err = 0;
	assert_int_equal(k.left, k.entered);
}

/* Then it is not joined: it may never end. */
static void mounter_that_cannot_be_woken_is_left(void **state)
{
	(void)state;
	assert_int_equal(zusd_mounter_start(&z), 0);
	k.break_err = -EIO;
	assert_int_equal(zusd_mounter_stop(&z), -EIO);
	k.break_err = 0;
	assert_int_equal(zusd_mounter_stop(&z), 0);
}

/* ---- the root ---- */

static char folder[32];

static void write_state(const char *text)
{
	int fd = openat(z.root_fd, "state", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup_root(void **state)
{
	if (setup(state))
		return -1;
	snprintf(folder, sizeof(folder), "/tmp/zusd-mounter-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	z.root_fd = open(folder, O_RDONLY | O_DIRECTORY);
	z.stop_fd = eventfd(0, EFD_NONBLOCK);
	return z.root_fd < 0 || z.stop_fd < 0;
}

static int teardown_root(void **state)
{
	unlinkat(z.root_fd, "state", 0);
	close(z.root_fd);
	close(z.stop_fd);
	return rmdir(folder) || teardown(state);
}

static int next_fd(void)
{
	int fd = dup(z.stop_fd);

	close(fd);
	return fd;
}

static void root_that_is_ready_is_not_waited_for(void **state)
{
	const uint64_t one = 1;
	int free_fd = next_fd();

	(void)state;
	write_state("mount_ready\nserver 77\n");
	assert_int_equal(zusd_mounter_wait_ready(&z, -1), 0);
	write_state("mount_ready");
	/* though there is an end */
	assert_int_equal(write(z.stop_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(zusd_mounter_wait_ready(&z, z.stop_fd), 0);
	assert_int_equal(next_fd(), free_fd);
}

static void number_0_is_a_file(void **state)
{
	int saved = dup(0);

	(void)state;
	write_state("mount_ready\n");
	close(0);
	assert_int_equal(zusd_mounter_wait_ready(&z, -1), 0);
	assert_int_equal(dup2(saved, 0), 0);
	close(saved);
}

static void wait_for_the_root_has_an_end(void **state)
{
	static const char *const states[] = { "mount_read", "starting\n", "", "xmount_ready\n" };
	const uint64_t one = 1;
	int signal_fd = eventfd(1, EFD_NONBLOCK), no_signal = eventfd(0, EFD_NONBLOCK);
	size_t i;

	(void)state;
	/* without the file, and with what else it may say */
	assert_int_equal(zusd_mounter_wait_ready(&z, signal_fd), -EINTR);
	for (i = 0; i < ARRAY_LEN(states); i++) {
		write_state(states[i]);
		assert_int_equal(zusd_mounter_wait_ready(&z, signal_fd), -EINTR);
	}
	assert_int_equal(write(z.stop_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(zusd_mounter_wait_ready(&z, no_signal), -ECANCELED);
	assert_int_equal(zusd_mounter_wait_ready(&z, signal_fd), -ECANCELED);
	close(signal_fd);
	close(no_signal);
}

static void *make_ready(void *arg)
{
	write_state("mount_ready\n");
	return arg;
}

static void root_becomes_ready(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	int no_signal = eventfd(0, EFD_NONBLOCK);
	struct zus_thread *t;

	(void)state;
	write_state("starting\n");
	assert_int_equal(zus_thread_create(&t, &attr, make_ready, NULL), 0);
	assert_int_equal(zusd_mounter_wait_ready(&z, no_signal), 0);
	zus_thread_join(t);
	close(no_signal);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define R(fn)	cmocka_unit_test_setup_teardown(fn, setup_root, teardown_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(channels_are_there_before_a_mount),
		T(mount_without_channels_fails),
		T(failed_mount_is_answered),
		T(interruption_leaves_an_empty_message),
		T(wait_that_fails_ends_the_server),
		T(mounter_that_cannot_be_started_is_not_waited_for),
		T(mounter_that_cannot_be_woken_is_left),
		R(root_that_is_ready_is_not_waited_for),
		R(number_0_is_a_file),
		R(wait_for_the_root_has_an_end),
		R(root_becomes_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
