// SPDX-License-Identifier: BSD-2-Clause
/*
 * abi_roles.c - special files and their roles, exec buffers, types, servers, CPUs
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "abi.h"

#define ENOTSUPP_KERNEL	524	/* the kernel's own number, part of the ABI */

static void want_state(const char *what, const char *wanted)
{
	char path[256], text[64] = "";
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/state", abi_root);
	fd = open(path, O_RDONLY);
	got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	abi_want(what, (long long)strlen(wanted), got);
	abi_want_text(what, wanted, strlen(wanted), text);
}

static void want_mode(const char *name, unsigned int mode)
{
	struct stat st = { 0 };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", abi_root, name);
	if (stat(path, &st))
		st.st_mode = 0;
	abi_want(path, mode, st.st_mode);
}

static int as_nobody(void)
{
	struct zufs_ioc_break_all brk = { .hdr.in_len = sizeof(brk) };
	int fd = abi_open(), dir;

	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return 10;
	abi_want("BREAK_ALL without CAP_SYS_ADMIN", -EPERM,
		 abi_ioctl(fd, ZU_IOC_BREAK_ALL, &brk));
	abi_want("INIT_THREAD without CAP_SYS_ADMIN", -EPERM, abi_init_thread(fd, 0, 32768));
	dir = open(abi_root, O_RDONLY | O_DIRECTORY);
	abi_want("open of the root by another user", -1, dir);
	return 0;
}

void check_files(void)
{
	struct zufs_ioc_numa_map *map = aligned_alloc(4096, 4096);
	struct stat st = { 0 };
	int fd = abi_open(), dir = open(abi_root, O_RDONLY | O_DIRECTORY);

	want_mode("", S_IFDIR | 0700);
	want_mode("state", S_IFREG | 0400);
	want_mode("registered_fs", S_IFREG | 0400);
	want_mode("ddbg", S_IFREG | 0600);
	want_state("state without a server", "initializing\n");
	abi_want("fstat of a special file", 0, fstat(fd, &st));
	abi_want("type of a special file", S_IFREG, st.st_mode & S_IFMT);
	abi_want("truncate of a special file", -1, ftruncate(fd, 0));
	abi_want("another user", 0, abi_child(as_nobody));
	memset(map, 0, 4096);
	abi_want("NUMA_MAP on the directory", 0, abi_ioctl(dir, ZU_IOC_NUMA_MAP, map));
	abi_want("MOUNT on the directory", -EINVAL, abi_ioctl(dir, ZU_IOC_MOUNT, map));
	abi_want("INIT_THREAD on the directory", -EINVAL, abi_init_thread(dir, 0, 32768));
	free(map);
}

void check_roles(void)
{
	union {
		struct zufs_ioc_hdr hdr;
		struct zufs_ioc_pmem pmem;
		char room[4096];
	} arg;
	int fd = abi_open();
	long err;

	abi_map(fd, 4096, 0, &err);
	abi_want("mmap before a role", -ENOTTY, err);
	abi_want("unknown number", -ENOTTY, abi_ioctl(fd, _IO('Z', 99), &arg));
	abi_want("another type of number", -ENOTTY, abi_ioctl(fd, _IO('Y', 10), &arg));
	memset(&arg, 0, sizeof(arg));
	abi_want("WAIT_OPT without a role", -ERANGE, abi_ioctl(fd, ZU_IOC_WAIT_OPT, &arg));
	abi_want("its header", -ERANGE, arg.hdr.err);
	memset(&arg, 0, sizeof(arg));
	arg.pmem.sb_id = 77;
	abi_want("GRAB_PMEM as a call", 0, abi_ioctl(fd, ZU_IOC_GRAB_PMEM, &arg));
	abi_want("GRAB_PMEM of an unknown id", -ENODEV, arg.hdr.err);
	arg.pmem.sb_id = ~0ULL;
	abi_want("GRAB_PMEM as a call", 0, abi_ioctl(fd, ZU_IOC_GRAB_PMEM, &arg));
	abi_want("GRAB_PMEM of id ~0", -ENODEV, arg.hdr.err);
	abi_want("IOMAP_EXEC without a buffer", true,
		 abi_ioctl(fd, ZU_IOC_IOMAP_EXEC, &arg) < 0);
	/* none of these was a success: the file is still free to take a role */
	abi_want("INIT_THREAD after that", 0, abi_init_thread(fd, 0, 32768));
	abi_want("and again", -EINVAL, abi_init_thread(fd, 1, 32768));
	memset(&arg, 0, sizeof(arg));
	abi_want("MOUNT on a ZT", -EINVAL, abi_ioctl(fd, ZU_IOC_MOUNT, &arg));
	arg.pmem.sb_id = 1;
	abi_want("GRAB_PMEM on a ZT as a call", 0, abi_ioctl(fd, ZU_IOC_GRAB_PMEM, &arg));
	abi_want("GRAB_PMEM on a ZT", -EINVAL, arg.hdr.err);
	abi_want("INIT_THREAD with a bad address", -EFAULT,
		 abi_ioctl(abi_open(), ZU_IOC_INIT_THREAD, (void *)8));
	abi_want("REGISTER_FS with a bad address", -EFAULT,
		 abi_ioctl(fd, ZU_IOC_REGISTER_FS, (void *)8));
	abi_want("NUMA_MAP with a bad address", -EFAULT,
		 abi_ioctl(fd, ZU_IOC_NUMA_MAP, (void *)8));
	abi_want("MOUNT with a bad address", -EFAULT,
		 abi_ioctl(abi_open(), ZU_IOC_PRIVATE_MOUNT, (void *)8));
}

/* ---- exec buffers ---- */

static int alloc_buffer(int fd, __u32 init, __u32 max, __u16 pool)
{
	struct zufs_ioc_alloc_buffer ab = {
		.hdr = { .in_len = sizeof(ab), .out_len = sizeof(ab) },
		.init_size = init, .max_size = max, .pool_no = pool,
	};
	long err = abi_ioctl(fd, ZU_IOC_ALLOC_BUFFER, &ab);

	return ab.hdr.err ? ab.hdr.err : (int)err;
}

/* 1 MiB of which a page is there: the rest comes, as zeros, when it is touched. */
static void check_growth(void)
{
	const size_t max = 1 << 20;
	int fd = abi_open();
	char *map, *other;
	size_t at;
	long err;

	abi_want("buffer: init < max", 0, alloc_buffer(fd, 4096, max, 0));
	abi_map(fd, max + 4096, 0, &err);
	abi_want("mmap of more than it may become", -EINVAL, err);
	map = abi_map(fd, max, 0, &err);
	abi_want("mmap of what it may become", 0, err);
	if (err)
		return;
	for (at = 0; at < max; at += 4096) {
		abi_want("new memory", 0, map[at]);
		map[at] = (char)(at >> 12);
	}
	other = abi_map(fd, max, 0, &err);
	for (at = 0; !err && at < max; at += 4096)
		abi_want("the same memory", (char)(at >> 12), other[at]);
	close(fd);
	abi_want("last page after close", (char)((max >> 12) - 1), map[max - 4096]);
	munmap(map, max);
	munmap(other, max);
	abi_want("buffer: the most", 0, alloc_buffer(abi_open(), 0, 16 << 20, 0));
	abi_want("buffer: too much", -EINVAL, alloc_buffer(abi_open(), 0, (16 << 20) + 1, 0));
}

void check_buffers(void)
{
	int fd = abi_open();
	char *map;
	long err;

	abi_want("buffer: init > max", -EINVAL, alloc_buffer(fd, 8192, 4096, 0));
	abi_want("buffer: pool 1", -ENOTSUPP_KERNEL, alloc_buffer(fd, 8192, 8192, 1));
	abi_want("buffer: size 0", true, alloc_buffer(fd, 0, 0, 0) < 0);
	abi_want("buffer: 4 GiB - 1", true, alloc_buffer(fd, ~0U, ~0U, 0) < 0);
	abi_want("buffer: 64 KiB", 0, alloc_buffer(fd, 65536, 65536, 0));
	abi_want("buffer: twice", -EINVAL, alloc_buffer(fd, 65536, 65536, 0));
	map = abi_map(fd, 65536, 0, &err);
	abi_want("mmap of a buffer", 0, err);
	if (err)
		return;
	map[0] = 'a';
	map[65535] = 'z';
	abi_map(fd, 65536, 4096, &err);
	abi_want("mmap of a buffer from its second page", -EINVAL, err);
	abi_map(fd, 131072, 0, &err);
	abi_want("mmap of more than the buffer", -EINVAL, err);
	close(fd);
	abi_want("buffer after close", 'z', map[65535]);
	check_growth();
}

/* ---- types ---- */

static int other_server(void)
{
	int fd = abi_open();

	abi_want("REGISTER_FS of a second server", -EBUSY, abi_register(fd, "abio"));
	abi_want("MOUNT of a second server", -EBUSY, abi_ioctl(fd, ZU_IOC_MOUNT,
		 &(struct zufs_ioc_mount){ .hdr.in_len = sizeof(struct zufs_ioc_mount) }));
	return 0;
}

void check_register(void)
{
	static const char two[] = "abia abib";
	char path[256], text[64] = "";
	ssize_t got;
	int fd = abi_open(), file;

	abi_want("empty name", -EINVAL, abi_register(fd, ""));
	abi_want("name without an end", -EINVAL, abi_register(fd, "sixteen-letters!"));
	abi_want("name with a slash", -EINVAL, abi_register(fd, "a/b"));
	abi_want("name with a blank", -EINVAL, abi_register(fd, "a b"));
	abi_want("name of another file system", true, abi_register(fd, "tmpfs") < 0);
	want_state("state after failures", "initializing\n");
	abi_want("good name", 0, abi_register(fd, "abia"));
	want_state("state after the first type", "registering_fs\n");
	abi_want("the same again", -EEXIST, abi_register(fd, "abia"));
	abi_want("another name", 0, abi_register(abi_open(), "abib"));
	snprintf(path, sizeof(path), "%s/registered_fs", abi_root);
	file = open(path, O_RDONLY);
	got = file < 0 ? 0 : read(file, text, sizeof(text));
	abi_want("size of registered_fs", sizeof(two), got);
	abi_want_text("registered_fs", two, sizeof(two), text);
	abi_want("the other process", 0, abi_child(other_server));
}

static int first_server(void)
{
	abi_want("REGISTER_FS of the first server", 0, abi_register(abi_open(), "abis"));
	want_state("state of the first server", "registering_fs\n");
	return 0;
}

/* Servers follow one another on a root, and take types over. */
void check_servers(void)
{
	int round;

	for (round = 0; round < 5; round++)
		abi_want("a server", 0, abi_child(first_server));
	abi_want("the last server", 0, abi_register(abi_open(), "abis"));
}

/* ---- CPUs ---- */

/* CPUs of a list as "0-3,5" in sysfs. */
static int read_list(const char *file, struct zufs_cpu_set *set)
{
	FILE *f = fopen(file, "r");
	int from, to, count = 0;
	char c;

	memset(set, 0, sizeof(*set));
	while (f && fscanf(f, "%d", &from) == 1) {
		to = from;
		if (fscanf(f, "-%d", &to) != 1)
			to = from;
		for (; from <= to && from < 1024; from++, count++)
			set->bits[from / 64] |= 1ULL << from % 64;
		if (fscanf(f, "%c", &c) != 1 || c != ',')
			break;
	}
	if (f)
		fclose(f);
	return count;
}

void check_numa(void)
{
	struct zufs_ioc_numa_map *map = aligned_alloc(4096, 4096);
	struct zufs_cpu_set *sets = ZUFS_TAIL(map, cpu_set_per_node), set, online;
	struct zufs_cpu_set all = { { 0 } };
	char path[128];
	/* a kernel without NUMA has one node and no files about it */
	bool has_nodes = !access("/sys/devices/system/node", F_OK);
	unsigned int node, i;
	int most = 0, count;

	memset(map, 0xaa, 4096);
	abi_want("NUMA_MAP", 0, abi_ioctl(abi_open(), ZU_IOC_NUMA_MAP, map));
	abi_want("its header", 0, map->hdr.err);
	abi_want("online CPUs", read_list("/sys/devices/system/cpu/online", &online),
		 map->online_cpus);
	abi_want("possible CPUs", read_list("/sys/devices/system/cpu/possible", &set),
		 map->possible_cpus);
	abi_want("online nodes",
		 has_nodes ? read_list("/sys/devices/system/node/online", &set) : 1,
		 map->online_nodes);
	abi_want("possible nodes",
		 has_nodes ? read_list("/sys/devices/system/node/possible", &set) : 1,
		 map->possible_nodes);
	for (node = 0; node < map->possible_nodes && node < 31; node++) {
		snprintf(path, sizeof(path), has_nodes ?
			 "/sys/devices/system/node/node%u/cpulist" :
			 "/sys/devices/system/cpu/online", node);
		count = read_list(path, &set);
		most = count > most ? count : most;
		abi_want_text(path, (char *)&set, sizeof(set), (char *)&sets[node]);
		for (i = 0; i < 16; i++)
			all.bits[i] |= sets[node].bits[i];
	}
	abi_want("most CPUs of a node", most, map->max_cpu_per_node);
	abi_want_text("all nodes", (char *)&online, sizeof(online), (char *)&all);
	free(map);
}
