// SPDX-License-Identifier: BSD-2-Clause
/*
 * abi_wait.c - mounter, server threads and private mounts
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "abi.h"

#define COMMAND		32768u
#define KERNEL_RESTART	512	/* the kernel's own number in the header of a BREAK */

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	abi_want("pinned", 0, sched_setaffinity(0, sizeof(set), &set));
}

static void break_all(int fd)
{
	struct zufs_ioc_break_all brk = { .hdr.in_len = sizeof(brk) };

	abi_want("BREAK_ALL", 0, abi_ioctl(fd, ZU_IOC_BREAK_ALL, &brk));
}

static void want_mount_break(const char *what, const struct zufs_ioc_mount *msg)
{
	abi_want(what, ZUFS_OP_BREAK, msg->hdr.operation);
	abi_want(what, EIO, msg->hdr.err);
}

void check_mounter(void)
{
	struct zufs_ioc_mount *msg = calloc(1, 8192);
	struct abi_waiter *w;
	int fd = abi_open(), other = abi_open();
	long err;

	abi_want("REGISTER_FS", 0, abi_register(fd, "abim"));
	w = abi_wait_start(fd, ZU_IOC_MOUNT, msg);
	abi_wait_asleep(w);
	abi_want("second mounter", -EBUSY, abi_ioctl(other, ZU_IOC_MOUNT,
		 &(struct zufs_ioc_mount){ .hdr.in_len = sizeof(*msg) }));
	abi_want("INIT_THREAD on the mounter", -EINVAL, abi_init_thread(fd, 0, COMMAND));
	abi_map(fd, 4096, 0, &err);
	abi_want("mmap of the mounter", -ENOTTY, err);
	break_all(fd);
	abi_want("mounter after BREAK_ALL", 0, abi_wait_end(w));
	want_mount_break("message after BREAK_ALL", msg);

	memset(msg, 0, sizeof(*msg));
	w = abi_wait_start(fd, ZU_IOC_MOUNT, msg);
	abi_wait_asleep(w);
	abi_poke(w);
	abi_want("mounter after a signal", -EINTR, abi_wait_end(w));
	want_mount_break("message after a signal", msg);
	free(msg);
}

/* ---- server threads ---- */

struct zt {
	int fd;
	char *window;
	struct zufs_ioc_hdr *cmd;
};

static void make_zt(struct zt *zt, unsigned int channel)
{
	long err;

	zt->fd = abi_open();
	abi_want("INIT_THREAD", 0, abi_init_thread(zt->fd, channel, COMMAND));
	zt->window = abi_map(zt->fd, ZUS_API_MAP_MAX_SIZE, 0, &err);
	abi_want("mmap of a window", 0, err);
	zt->cmd = abi_map(zt->fd, COMMAND, ZUS_API_MAP_MAX_SIZE, &err);
	abi_want("mmap of a command buffer", 0, err);
}

static void check_init(void)
{
	int fd = abi_open(), second = abi_open();

	abi_want("channel 4", -EINVAL, abi_init_thread(fd, 4, COMMAND));
	abi_want("channel ~0", -EINVAL, abi_init_thread(fd, ~0U, COMMAND));
	abi_want("a command buffer of 1 GiB", true, abi_init_thread(fd, 3, 1 << 30) < 0);
	abi_want("channel 3", 0, abi_init_thread(fd, 3, COMMAND));
	abi_want("a taken channel", -EINVAL, abi_init_thread(second, 3, COMMAND));
	close(fd);
	abi_want("a channel that was given up", 0, abi_init_thread(second, 3, COMMAND));
	close(second);
}

static void check_maps(void)
{
	int fd = abi_open();
	char *map;
	long err;

	abi_want("INIT_THREAD", 0, abi_init_thread(fd, 2, COMMAND));
	map = mmap(NULL, ZUS_API_MAP_MAX_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	abi_want("private mmap of a window", true, map == MAP_FAILED);
	abi_map(fd, 4096, 4096, &err);
	abi_want("mmap inside of the window", -EINVAL, err);
	abi_map(fd, COMMAND, 2 * ZUS_API_MAP_MAX_SIZE, &err);
	abi_want("mmap behind the command buffer", -EINVAL, err);
	abi_map(fd, 2 * COMMAND, ZUS_API_MAP_MAX_SIZE, &err);
	abi_want("mmap of more than the command buffer", -EINVAL, err);
	abi_want("WAIT_OPT before the maps", -EINVAL, abi_ioctl(fd, ZU_IOC_WAIT_OPT,
		 &(struct zufs_ioc_hdr){ 0 }));
	map = abi_map(fd, COMMAND, ZUS_API_MAP_MAX_SIZE, &err);
	abi_want("mmap of the command buffer", 0, err);
	abi_want("WAIT_OPT before the window's map", -EINVAL,
		 abi_ioctl(fd, ZU_IOC_WAIT_OPT, map));
	abi_want("error in the header", -EINVAL, ((struct zufs_ioc_hdr *)map)->err);
	close(fd);
	munmap(map, COMMAND);
}

static void want_break(const char *what, const struct zufs_ioc_hdr *hdr, int err)
{
	abi_want(what, ZUFS_OP_BREAK, hdr->operation);
	abi_want(what, err, hdr->err);
}

void check_thread(void)
{
	struct zufs_ioc_hdr elsewhere = { 0 };
	struct abi_waiter *w;
	struct zt zt;

	pin(0);
	abi_want("REGISTER_FS", 0, abi_register(abi_open(), "abiz"));
	check_init();
	check_maps();
	make_zt(&zt, 0);
	abi_want("page 0 of an idle window", false, abi_touch(zt.window));
	abi_want("page 512 of an idle window", false, abi_touch(zt.window + (2 << 20)));
	abi_want("command buffer", 0, zt.cmd->operation);
	abi_want("part of the window unmapped", -1,
		 munmap(zt.window + 4096, 4096));
	w = abi_wait_start(zt.fd, ZU_IOC_WAIT_OPT, zt.cmd);
	abi_wait_asleep(w);
	abi_poke(w);
	abi_want("ZT after a signal", -EINTR, abi_wait_end(w));
	want_break("message after a signal", zt.cmd, -KERNEL_RESTART);
	/* the thread is gone now, and with it the right to wait on this file */
	close(zt.fd);
	munmap(zt.cmd, COMMAND);
	munmap(zt.window, ZUS_API_MAP_MAX_SIZE);

	make_zt(&zt, 0);
	abi_want("WAIT_OPT with another address", -EINVAL,
		 abi_ioctl(zt.fd, ZU_IOC_WAIT_OPT, &elsewhere));
	abi_want("its header", -EINVAL, elsewhere.err);
	w = abi_wait_start(zt.fd, ZU_IOC_WAIT_OPT, zt.cmd);
	abi_wait_asleep(w);
	break_all(zt.fd);
	abi_wait_end(w);
}

/* All channels of all CPUs and the mounter hear of it. */
void check_break_all(void)
{
	struct zufs_ioc_mount *msg = calloc(1, 8192);
	unsigned int nr = 0, cpu, channel, cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	struct abi_waiter *waiters[64], *mounter;
	struct zt zts[64];
	int fd = abi_open();

	abi_want("REGISTER_FS", 0, abi_register(fd, "abib"));
	mounter = abi_wait_start(fd, ZU_IOC_MOUNT, msg);
	abi_wait_asleep(mounter);
	for (cpu = 0; cpu < cpus && nr < 60; cpu++) {
		pin(cpu);
		for (channel = 0; channel < 3; channel++, nr++) {
			make_zt(&zts[nr], channel);
			waiters[nr] = abi_wait_start(zts[nr].fd, ZU_IOC_WAIT_OPT,
						     zts[nr].cmd);
			abi_wait_asleep(waiters[nr]);
		}
	}
	break_all(fd);
	abi_want("mounter", 0, abi_wait_end(mounter));
	want_mount_break("mounter's message", msg);
	while (nr--) {
		abi_want("ZT", 0, abi_wait_end(waiters[nr]));
		want_break("ZT's message", zts[nr].cmd, 0);
	}
	free(msg);
}

/* ---- closing ---- */

static int close_in_order(unsigned int order)
{
	struct zufs_ioc_alloc_buffer ab = { .init_size = 4096, .max_size = 4096 };
	struct zufs_ioc_mount *msg = calloc(1, 8192);
	struct abi_waiter *mounter;
	int fds[3], i;
	struct zt zt;

	fds[0] = abi_open();
	abi_want("REGISTER_FS", 0, abi_register(fds[0], "abic"));
	mounter = abi_wait_start(fds[0], ZU_IOC_MOUNT, msg);
	abi_wait_asleep(mounter);
	make_zt(&zt, 0);
	fds[1] = zt.fd;
	fds[2] = abi_open();
	abi_want("ALLOC_BUFFER", 0, abi_ioctl(fds[2], ZU_IOC_ALLOC_BUFFER, &ab));
	break_all(zt.fd);
	abi_wait_end(mounter);
	for (i = 0; i < 3; i++)
		close(fds[(order >> (2 * i)) & 3]);
	/* mappings keep what they show */
	zt.cmd->len = 0x1234;
	abi_want("command buffer after close", 0x1234, zt.cmd->len);
	munmap(zt.window, ZUS_API_MAP_MAX_SIZE);
	munmap(zt.cmd, COMMAND);
	abi_want("channel after close", 0, abi_init_thread(abi_open(), 0, COMMAND));
	return 0;
}

static int order_now;

static int close_in_this_order(void)
{
	return close_in_order((unsigned int)order_now);
}

void check_close(void)
{
	static const int orders[] = { 0x24, 0x18, 0x21, 0x09, 0x12, 0x06 };
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		order_now = orders[i];
		abi_want("closing in another order", 0, abi_child(close_in_this_order));
	}
}

/* ---- private mounts ---- */

struct private_arg {
	struct zufs_ioc_mount_private pm;
	char room[512];
};

static long private_mount(int fd, struct private_arg *arg, const char *options)
{
	memset(arg, 0, sizeof(*arg));
	memcpy(ZUFS_TAIL(&arg->pm, zmi.po.mount_options), options, strlen(options));
	arg->pm.hdr.in_len = (__u16)(sizeof(arg->pm) + strlen(options) + 1);
	arg->pm.zmi.po.mount_options_len = (__u32)strlen(options) + 1;
	arg->pm.rfi.FS_magic = 0x46574152;
	arg->pm.rfi.FS_ver_major = 1;
	return abi_ioctl(fd, ZU_IOC_PRIVATE_MOUNT, arg);
}

static long grab(int fd, __u64 sb_id, struct zufs_ioc_pmem *ip)
{
	long err;

	memset(ip, 0, sizeof(*ip));
	ip->sb_id = sb_id;
	err = abi_ioctl(fd, ZU_IOC_GRAB_PMEM, ip);
	return err ? err : ip->hdr.err;
}

/* Lists work, but there is nobody who could be told of their end. */
static void check_private_lists(__u64 sb_id)
{
	struct zufs_ioc_alloc_buffer ab = {
		.hdr.in_len = sizeof(ab), .max_size = 8192, .init_size = 8192,
	};
	struct zufs_ioc_iomap_exec *ioc;
	__u64 *words;
	int fd = abi_open();
	long err;

	abi_want("buffer of a private mount", 0, abi_ioctl(fd, ZU_IOC_ALLOC_BUFFER, &ab));
	ioc = abi_map(fd, 8192, 0, &err);
	abi_want("its mapping", 0, err);
	if (err)
		return;
	words = ZUFS_TAIL(ioc, ziom.iom_e);
	words[0] = zufs_iom_pack(IOM_UNMAP, 0);
	words[2] = 5;
	words[3] = zufs_iom_pack(IOM_T2_READ, 0);
	words[4] = 4096;
	ioc->sb_id = sb_id;
	ioc->wait_for_done = 1;
	ioc->ziom.iom_max = 5;
	ioc->ziom.iom_n = 3;
	abi_want("list of a private mount", 0, abi_ioctl(fd, ZU_IOC_IOMAP_EXEC, ioc));
	abi_want("its result", 0, ioc->hdr.err);
	ioc->ziom.iom_n = 5;
	abi_want("list for T2", 0, abi_ioctl(fd, ZU_IOC_IOMAP_EXEC, ioc));
	abi_want("there is none", -EIO, ioc->hdr.err);
	ioc->ziom.iom_n = 3;
	ioc->wait_for_done = 0;
	abi_want("list that nobody waits for", 0, abi_ioctl(fd, ZU_IOC_IOMAP_EXEC, ioc));
	abi_want("nobody hears of", -EOPNOTSUPP, ioc->hdr.err);
	ioc->sb_id++;
	abi_want("list of another mount", -EINVAL, abi_ioctl(fd, ZU_IOC_IOMAP_EXEC, ioc));
	munmap(ioc, 8192);
	close(fd);
}

/* A long-term pin, as for a network card: 0 or -errno. */
static long pin_for_long(void *mem, size_t bytes)
{
	struct xdp_umem_reg reg = {
		.addr = (__u64)(uintptr_t)mem, .len = bytes, .chunk_size = 4096,
	};
	int fd = socket(AF_XDP, SOCK_RAW, 0);
	long err;

	/* this kernel has nobody who pins for long: nothing to look at */
	if (fd < 0)
		return errno == EAFNOSUPPORT ? -EOPNOTSUPP : -errno;
	err = setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) ? -errno : 0;
	close(fd);
	return err;
}

static void check_private_memory(__u64 sb_id, int private_fd, struct private_arg *arg)
{
	int fd = abi_open();
	struct zufs_ioc_pmem ip, again;
	size_t bytes;
	char *t1;
	long err;

	abi_want("GRAB_PMEM", 0, grab(fd, sb_id, &ip));
	abi_want("magic of the table", 0x46574152, ip.mdt.s_magic);
	abi_want("device", 0, ip.dev_index);
	abi_want("GRAB_PMEM again", -EIO, grab(abi_open(), sb_id, &again));
	abi_want("GRAB_PMEM with the same file", -EINVAL, grab(fd, sb_id, &again));
	bytes = ip.mdt.s_t1_blocks * 4096;
	t1 = abi_map(fd, bytes, 0, &err);
	abi_want("mmap of T1", 0, err);
	if (err)
		return;
	t1[bytes - 1] = 'e';
	abi_want("end of T1", 'e', t1[bytes - 1]);
	abi_want("long-term pin of T1", -EOPNOTSUPP, pin_for_long(t1 + bytes - 4096, 4096));
	abi_want("the same, not touched yet", -EOPNOTSUPP, pin_for_long(t1 + 4096, 8192));
	check_private_lists(sb_id);
	abi_map(fd, bytes + (2 << 20), 0, &err);
	abi_want("mmap of more than T1", -EINVAL, err);
	arg->pm.is_umount = 1;
	abi_want("end of the private mount", 0, abi_ioctl(private_fd, ZU_IOC_PRIVATE_MOUNT, arg));
	abi_want("T1 after that", false, abi_touch(t1));
	abi_want("GRAB_PMEM after that", -ENODEV, grab(abi_open(), sb_id, &again));
	munmap(t1, bytes);
	close(fd);
}

void check_private(void)
{
	struct private_arg arg;
	char options[256];
	int fd = abi_open();

	abi_want("no zpmdev", -EINVAL, private_mount(fd, &arg, "a,b"));
	abi_want("a device that is not there", true,
		 private_mount(fd, &arg, "zpmdev=/dev/no-such-device") < 0);
	abi_want("a relative path", -EINVAL, private_mount(fd, &arg, "zpmdev=dev"));
	abi_want("umount without a mount", -EINVAL, abi_ioctl(fd, ZU_IOC_PRIVATE_MOUNT,
		 &(struct zufs_ioc_mount_private){ .is_umount = 1,
			.hdr.in_len = sizeof(struct zufs_ioc_mount_private) }));
	abi_want("in_len below the struct", -EINVAL, abi_ioctl(fd, ZU_IOC_PRIVATE_MOUNT,
		 &(struct zufs_ioc_mount_private){ .hdr.in_len = 24 }));
	snprintf(options, sizeof(options), "a,zpmdev=%s,b=1", abi_device);
	abi_want("private mount", 0, private_mount(fd, &arg, options));
	abi_want("its flags", ZUFS_M_PRIVATE, arg.pm.zmi.po.mount_flags);
	abi_want("its id", true, arg.pm.zmi.sb_id > 0);
	abi_want_text("options that are left", "a,b=1", 6,
		      ZUFS_TAIL(&arg.pm, zmi.po.mount_options));
	check_private_memory(arg.pm.zmi.sb_id, fd, &arg);
	abi_want("another mount with this file", -EINVAL, private_mount(fd, &arg, options));
	abi_want("the next one", 0, private_mount(abi_open(), &arg, options));
}
