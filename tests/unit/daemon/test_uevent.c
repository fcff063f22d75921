// SPDX-License-Identifier: BSD-2-Clause
/*
 * Kernel uevents: which messages say that a CPU came online, and whom they are believed.
 * daemon/uevent.c is built here with socket calls that do what a test has prepared.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	const char *text;
	ssize_t len;			/* -1: fails with err */
	int err;
	uint32_t port;
} next;

static ssize_t prepared(int fd, void *buf, size_t size, int flags, struct sockaddr *from,
			socklen_t *len)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = next.port };

	assert_int_equal(fd, -1);
	assert_int_equal(flags, 0);
	if (next.len < 0) {
		errno = next.err;
		return -1;
	}
	assert_true(*len >= sizeof(nl));
	memcpy(from, &nl, sizeof(nl));
	*len = sizeof(nl);
	if ((size_t)next.len < size)
		size = (size_t)next.len;
	memcpy(buf, next.text, size);
	return (ssize_t)size;
}

/* What socket and bind answer; -1 with an errno. */
static struct {
	int fd, socket_errno, bind_errno, closed;
} opening;

static int prepared_socket(int family, int type, int protocol)
{
	assert_int_equal(family, AF_NETLINK);
	assert_true(type & SOCK_NONBLOCK);
	assert_true(type & SOCK_CLOEXEC);
	assert_int_equal(protocol, NETLINK_KOBJECT_UEVENT);
	/* what errno is after a success is nobody's business */
	errno = opening.socket_errno ? opening.socket_errno : EXDEV;
	return opening.fd;
}

static int prepared_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_nl *nl = (const struct sockaddr_nl *)addr;

	assert_int_equal(fd, opening.fd);
	assert_int_equal(len, sizeof(*nl));
	assert_int_equal(nl->nl_family, AF_NETLINK);
	assert_int_equal(nl->nl_groups, 1);
	errno = opening.bind_errno;
	return opening.bind_errno ? -1 : 0;
}

static int prepared_close(int fd)
{
	opening.closed = fd;
	errno = 0;
	return 0;
}

#define recvfrom	prepared
#define socket(...)	prepared_socket(__VA_ARGS__)
#define bind(...)	prepared_bind(__VA_ARGS__)
#define close(...)	prepared_close(__VA_ARGS__)
#include "../../../daemon/uevent.c"

static int event_from(uint32_t port, const char *text, size_t len)
{
	next.text = text;
	next.len = (ssize_t)len;
	next.port = port;
	return zusd_uevent_read(-1);
}

#define EVENT(text)	event_from(0, text, sizeof(text) - 1)

static void cpus_that_come_online_are_heard_of(void **state)
{
	(void)state;
	assert_int_equal(EVENT("online@/devices/system/cpu/cpu0"), 0);
	assert_int_equal(EVENT("online@/devices/system/cpu/cpu17\0ACTION=online\0"), 17);
}

static void other_events_are_none(void **state)
{
	(void)state;
	assert_int_equal(EVENT("offline@/devices/system/cpu/cpu1"), ZUSD_UEVENT_NONE);
	assert_int_equal(EVENT("online@/devices/system/cpu/cpu"), ZUSD_UEVENT_NONE);
	assert_int_equal(EVENT("online@/devices/system/cpu/cpu1/cache"), ZUSD_UEVENT_NONE);
	assert_int_equal(EVENT("online@/devices/system/cpu/cpux"), ZUSD_UEVENT_NONE);
	assert_int_equal(EVENT("online@/devices/system/cpu/cp"), ZUSD_UEVENT_NONE);
	assert_int_equal(EVENT(""), ZUSD_UEVENT_NONE);
}

static void only_the_kernel_is_believed(void **state)
{
	static const char text[] = "online@/devices/system/cpu/cpu3";

	(void)state;
	assert_int_equal(event_from(4711, text, sizeof(text) - 1), ZUSD_UEVENT_NONE);
	assert_int_equal(event_from(1, text, sizeof(text) - 1), ZUSD_UEVENT_NONE);
	assert_int_equal(event_from(0, text, sizeof(text) - 1), 3);
}

static void lost_events_are_told(void **state)
{
	(void)state;
	next.len = -1;
	next.err = ENOBUFS;
	assert_int_equal(zusd_uevent_read(-1), ZUSD_UEVENT_LOST);
	next.err = EAGAIN;
	assert_int_equal(zusd_uevent_read(-1), ZUSD_UEVENT_NONE);
	/* an errno of before is not this one's */
	errno = ENOBUFS;
	assert_int_equal(EVENT("nothing"), ZUSD_UEVENT_NONE);
	errno = ENOBUFS;
	assert_int_equal(EVENT(""), ZUSD_UEVENT_NONE);
}

/* As long as what is read, and longer: nothing is written behind the buffer. */
static void long_events_are_cut(void **state)
{
	static char text[4096] = "online@/devices/system/cpu/cpu5";
	size_t n;

	(void)state;
	for (n = 2046; n < 2050; n++)
		assert_int_equal(event_from(0, text, n), 5);
	assert_int_equal(event_from(0, text, sizeof(text)), 5);
}

static int open_with(int fd, int socket_errno, int bind_errno)
{
	opening.fd = fd;
	opening.socket_errno = socket_errno;
	opening.bind_errno = bind_errno;
	opening.closed = -1;
	return zusd_uevent_open();
}

static void socket_is_bound_or_closed(void **state)
{
	(void)state;
	assert_int_equal(open_with(5, 0, 0), 5);
	/* a daemon without stdin */
	assert_int_equal(open_with(0, 0, 0), 0);
	assert_int_equal(opening.closed, -1);
	assert_int_equal(open_with(-1, EPROTONOSUPPORT, 0), -EPROTONOSUPPORT);
	assert_int_equal(opening.closed, -1);
	assert_int_equal(open_with(6, 0, EPERM), -EPERM);
	assert_int_equal(opening.closed, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpus_that_come_online_are_heard_of),
		cmocka_unit_test(other_events_are_none),
		cmocka_unit_test(only_the_kernel_is_believed),
		cmocka_unit_test(lost_events_are_told),
		cmocka_unit_test(long_events_are_cut),
		cmocka_unit_test(socket_is_bound_or_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
