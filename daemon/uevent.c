// SPDX-License-Identifier: BSD-2-Clause
/*
 * Kernel uevents by netlink: CPUs that come online. Read by main only.
 *
 * A message is "online@/devices/system/cpu/cpuN", a NUL and variables. Only the kernel
 * (port 0) is believed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "zusd.h"

int zusd_uevent_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int zusd_uevent_read(int fd)
{
	static const char prefix[] = "online@/devices/system/cpu/cpu";
	struct sockaddr_nl from = { .nl_pid = 1 };
	socklen_t len = sizeof(from);
	char msg[2048];
	unsigned int cpu;
	char rest;
	ssize_t n;

	n = recvfrom(fd, msg, sizeof(msg) - 1, 0, (struct sockaddr *)&from, &len);
	if (n < 0 && errno == ENOBUFS)
		return ZUSD_UEVENT_LOST;
	if (n <= 0 || from.nl_pid)
		return ZUSD_UEVENT_NONE;
	msg[n] = 0;
	if (strncmp(msg, prefix, sizeof(prefix) - 1) ||
	    sscanf(msg + sizeof(prefix) - 1, "%u%c", &cpu, &rest) != 1)
		return ZUSD_UEVENT_NONE;
	return (int)cpu;
}
