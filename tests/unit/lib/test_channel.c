// SPDX-License-Identifier: BSD-2-Clause
/*
 * The transport: what the kernel is asked, what of its answers is believed, and that whatever
 * fails leaves no file and no mapping behind. lib/channel.c is built here with system calls that
 * are recorded: special files are memory, ioctls are answered by the test.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <zus/channel.h>
#include "../probefs.h"

#define ROOT_FD		4711
#define FILE_BYTES	(8U << 20)

static struct {
	int open_errno, ioctl_errno;	/* 0 = it works */
	int hdr_err;			/* what the kernel says in the header */
	bool root_takes_break;
	bool first_is_free;		/* the next file gets number 0 */
	unsigned int fail_mmap;		/* the n-th of these fails; 0 = none */
	unsigned long request;		/* the last one */
	int fd;				/* its file */
	unsigned int ioctls;
	int files;			/* open now */
	int64_t mapped;			/* bytes mapped now */
	size_t area_past;		/* where anonymous memory lies in its 2 MiB */
	struct zufs_ioc_init init;
	struct zufs_ioc_pmem pmem;	/* answer of GRAB_PMEM */
	struct zufs_ioc_register_fs type;
	unsigned int nodes;
} kernel;

static int special_openat(int dir, const char *path, int flags, ...)
{
	int fd;

	assert_int_equal(dir, ROOT_FD);
	assert_string_equal(path, ".");
	assert_int_equal(flags & (O_TMPFILE | O_EXCL | O_CLOEXEC), O_TMPFILE | O_EXCL | O_CLOEXEC);
	if (kernel.open_errno) {
		errno = kernel.open_errno;
		return -1;
	}
	fd = memfd_create("special", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
	kernel.files++;
	if (kernel.first_is_free && fd) {
		assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
		close(fd);
		fd = STDIN_FILENO;
	}
	errno = EXDEV;			/* says nothing after a success */
	return fd;
}

static int special_close(int fd)
{
	kernel.files--;
	return close(fd);
}

/* An area that lies `past` bytes behind a multiple of 2 MiB. */
static void *mmap_past(size_t bytes, int prot, int flags, size_t past)
{
	const size_t align = 2 << 20, all = bytes + 2 * align;
	char *area = mmap(NULL, all, prot, flags, -1, 0), *p;

	assert_true(area != MAP_FAILED);
	p = (char *)(((uintptr_t)area + align - 1) & ~(uintptr_t)(align - 1)) + past;
	if (p > area)
		munmap(area, (size_t)(p - area));
	munmap(p + bytes, (size_t)(area + all - p - bytes));
	return p;
}

static void *special_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t off)
{
	if (kernel.fail_mmap && !--kernel.fail_mmap) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (!(flags & MAP_FIXED))
		kernel.mapped += (int64_t)bytes;
	if (flags & MAP_ANONYMOUS)
		return mmap_past(bytes, prot, flags, kernel.area_past);
	return mmap(at, bytes, prot, flags, fd, off);
}

static int special_munmap(void *at, size_t bytes)
{
	assert_true(bytes);
	kernel.mapped -= (int64_t)bytes;
	return munmap(at, bytes);
}

static void answer_numa(struct zufs_ioc_numa_map *map)
{
	struct zufs_cpu_set *sets = ZUFS_TAIL(map, cpu_set_per_node);
	unsigned int i;

	map->possible_nodes = kernel.nodes;
	for (i = 0; i < kernel.nodes && i < 4; i++)
		sets[i].bits[i * 5] = 1ULL << i;
}

static int special_ioctl(int fd, unsigned long request, ...)
{
	struct zufs_ioc_hdr *hdr;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	hdr = arg;
	kernel.request = request;
	kernel.fd = fd;
	kernel.ioctls++;
	if (fd == ROOT_FD && !kernel.root_takes_break) {
		errno = ENOTTY;
		return -1;
	}
	if (kernel.ioctl_errno) {
		errno = kernel.ioctl_errno;
		return -1;
	}
	hdr->err = kernel.hdr_err;
	if (request == ZU_IOC_INIT_THREAD)
		kernel.init = *(struct zufs_ioc_init *)arg;
	else if (request == ZU_IOC_REGISTER_FS)
		kernel.type = *(struct zufs_ioc_register_fs *)arg;
	else if (request == ZU_IOC_NUMA_MAP && hdr->in_len == sizeof(struct zufs_ioc_numa_map))
		answer_numa(arg);
	else if (request == ZU_IOC_GRAB_PMEM)
		memcpy((char *)arg + sizeof(*hdr), (char *)&kernel.pmem + sizeof(*hdr),
		       sizeof(kernel.pmem) - sizeof(*hdr));
	return 0;
}

#define openat	special_openat
#define ioctl	special_ioctl
#define mmap	special_mmap
#define munmap	special_munmap
#define close	special_close
#include "../../../lib/channel.c"

static unsigned int serving;		/* threads that have said so */

void zus_thread_number_serves(void)
{
	serving++;
}
#undef close

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(kernel.files, 0);
	assert_int_equal(kernel.mapped, 0);
	return 0;
}

static void other_folders_are_no_root(void **state)
{
	(void)state;
	assert_int_equal(zus_root_open("/nowhere"), -ENOENT);
	assert_int_equal(zus_root_open("/proc/self/exe"), -ENOTDIR);
	/* it was opened by a real open, and is closed */
	assert_int_equal(zus_root_open("/"), -ENODEV);
	assert_int_equal(kernel.files, -1);
	kernel.files = 0;
}

static void control_socket_is_named_after_the_root(void **state)
{
	char path[64], want[64];
	int fd = open("/", O_RDONLY);
	struct stat st;
	size_t len;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(want, sizeof(want), "/run/zufs/control-%u", minor(st.st_dev));
	len = strlen(want);
	assert_int_equal(zus_control_path(fd, path, sizeof(path)), 0);
	assert_string_equal(path, want);
	/* the NUL counts */
	assert_int_equal(zus_control_path(fd, path, len + 1), 0);
	assert_string_equal(path, want);
	assert_int_equal(zus_control_path(fd, path, len), -ENAMETOOLONG);
	assert_int_equal(zus_control_path(fd, path, 1), -ENAMETOOLONG);
	close(fd);
	assert_int_equal(zus_control_path(-1, path, sizeof(path)), -EBADF);
}

static void both_results_are_one(void **state)
{
	struct zufs_ioc_hdr hdr = { 0 };

	(void)state;
	assert_int_equal(zus_special_ioctl(9, ZU_IOC_BREAK_ALL, &hdr), 0);
	kernel.hdr_err = -EBUSY;
	assert_int_equal(zus_special_ioctl(9, ZU_IOC_BREAK_ALL, &hdr), -EBUSY);
	kernel.hdr_err = 1;
	assert_int_equal(zus_special_ioctl(9, ZU_IOC_BREAK_ALL, &hdr), -EIO);
	kernel.ioctl_errno = EPERM;
	assert_int_equal(zus_special_ioctl(9, ZU_IOC_BREAK_ALL, &hdr), -EPERM);
}

static void types_are_registered_by_their_info(void **state)
{
	struct zus_type *type;

	(void)state;
	assert_int_equal(zus_type_create(&probe_plugin, zus_env_default(), &type), 0);
	assert_int_equal(zus_register_type(ROOT_FD, type), 0);
	assert_int_equal(kernel.request, ZU_IOC_REGISTER_FS);
	assert_int_equal(kernel.type.hdr.in_len, sizeof(kernel.type));
	assert_int_equal(kernel.type.zus_zfi, (uint64_t)(uintptr_t)type);
	assert_memory_equal(&kernel.type.rfi, &probe_plugin.info, sizeof(kernel.type.rfi));
	assert_int_equal(kernel.type.rfi.notused, 0);
	kernel.hdr_err = -EEXIST;
	assert_int_equal(zus_register_type(ROOT_FD, type), -EEXIST);
	kernel.open_errno = ENFILE;
	assert_int_equal(zus_register_type(ROOT_FD, type), -ENFILE);
	zus_type_destroy(type);
}

/* The plugin's flags have names of their own; the field of the interface has its own. */
static void flags_are_translated(void **state)
{
	struct zus_plugin p = probe_plugin;
	struct zus_type *type;

	(void)state;
	p.flags = ZUS_PLUGIN_NODEV_OK;
	p.inode_flags = ZUFS_S_NODUMP | ZUFS_S_UNRM;
	assert_int_equal(zus_type_create(&p, zus_env_default(), &type), 0);
	assert_int_equal(zus_register_type(ROOT_FD, type), 0);
	assert_int_equal(kernel.type.rfi.notused,
			 ZUFS_REG_NODEV_OK | ZUFS_S_NODUMP | ZUFS_S_UNRM);
	kernel.type.rfi.notused = 0;
	assert_memory_equal(&kernel.type.rfi, &p.info, sizeof(p.info));
	zus_type_destroy(type);
	/* an older table ends before them, and says it there */
	p.size = offsetof(struct zus_plugin, flags);
	p.info.notused = ZUFS_REG_NODEV_OK | ZUFS_S_COMPR;
	assert_int_equal(zus_type_create(&p, zus_env_default(), &type), 0);
	assert_int_equal(zus_register_type(ROOT_FD, type), 0);
	assert_int_equal(kernel.type.rfi.notused, ZUFS_REG_NODEV_OK | ZUFS_S_COMPR);
	zus_type_destroy(type);
}

static void cpus_of_all_nodes_are_online(void **state)
{
	const unsigned int most = (ZUFS_PAGE_SIZE - sizeof(struct zufs_ioc_numa_map)) /
				  sizeof(struct zufs_cpu_set);
	struct zufs_cpu_set set;
	unsigned int i;

	(void)state;
	memset(&set, 0xff, sizeof(set));
	kernel.nodes = 3;
	assert_int_equal(zus_numa_online_cpus(ROOT_FD, &set), 0);
	for (i = 0; i < 16; i++)
		assert_int_equal(set.bits[i], i == 0 ? 1 : i == 5 ? 2 : i == 10 ? 4 : 0);
	kernel.nodes = most;
	assert_int_equal(zus_numa_online_cpus(ROOT_FD, &set), 0);
	kernel.nodes = most + 1;
	assert_int_equal(zus_numa_online_cpus(ROOT_FD, &set), -EIO);
	kernel.hdr_err = -EACCES;
	assert_int_equal(zus_numa_online_cpus(ROOT_FD, &set), -EACCES);
	kernel.open_errno = EMFILE;
	assert_int_equal(zus_numa_online_cpus(ROOT_FD, &set), -EMFILE);
}

static void break_needs_no_file_where_the_root_takes_it(void **state)
{
	(void)state;
	kernel.root_takes_break = true;
	kernel.open_errno = EMFILE;
	assert_int_equal(zus_break_all(ROOT_FD), 0);
	assert_int_equal(kernel.fd, ROOT_FD);
	kernel.hdr_err = -EIO;
	assert_int_equal(zus_break_all(ROOT_FD), -EIO);
	/* the kernels of 2019 */
	kernel.root_takes_break = false;
	assert_int_equal(zus_break_all(ROOT_FD), -EMFILE);
	kernel.open_errno = 0;
	kernel.hdr_err = 0;
	assert_int_equal(zus_break_all(ROOT_FD), 0);
	assert_int_not_equal(kernel.fd, ROOT_FD);
	assert_int_equal(kernel.request, ZU_IOC_BREAK_ALL);
}

static void channel_has_a_window_and_a_buffer(void **state)
{
	struct zus_channel ch;

	(void)state;
	serving = 0;
	assert_int_equal(zus_channel_open(&ch, ROOT_FD, 2, 5), 0);
	assert_int_equal(serving, 1);
	assert_int_equal(kernel.request, ZU_IOC_INIT_THREAD);
	assert_int_equal(kernel.init.hdr.in_len, sizeof(kernel.init));
	assert_int_equal(kernel.init.channel_no, 2);
	assert_int_equal(kernel.init.max_command, ZUS_MAX_COMMAND);
	assert_int_equal(ch.cmd.cpu, 5);
	assert_int_equal(ch.cmd.window_size, ZUS_API_MAP_MAX_SIZE);
	/* the buffer lies behind the window in the file */
	assert_int_equal(pwrite(ch.fd, "buf", 4, ZUS_API_MAP_MAX_SIZE), 4);
	assert_string_equal(ch.cmd.buf, "buf");
	assert_int_equal(pwrite(ch.fd, "win", 4, 0), 4);
	assert_string_equal(ch.cmd.window, "win");
	memset(ch.cmd.buf, 0, 16);
	kernel.hdr_err = 3;		/* the answer's, it is none of the wait */
	assert_int_equal(zus_channel_wait(&ch), 0);
	assert_int_equal(kernel.request, ZU_IOC_WAIT_OPT);
	kernel.ioctl_errno = EINTR;
	assert_int_equal(zus_channel_wait(&ch), -EINTR);
	zus_channel_close(&ch);
	assert_int_equal(ch.fd, -1);
}

static void channel_that_fails_leaves_nothing(void **state)
{
	struct zus_channel ch;
	unsigned int i;

	(void)state;
	kernel.open_errno = ENFILE;
	assert_int_equal(zus_channel_open(&ch, ROOT_FD, 0, 0), -ENFILE);
	kernel.open_errno = 0;
	kernel.hdr_err = -EBUSY;
	assert_int_equal(zus_channel_open(&ch, ROOT_FD, 0, 0), -EBUSY);
	assert_int_equal(ch.fd, -1);
	kernel.hdr_err = 0;
	for (i = 1; i <= 2; i++) {
		kernel.fail_mmap = i;
		assert_int_equal(zus_channel_open(&ch, ROOT_FD, 0, 0), -ENOMEM);
		assert_int_equal(kernel.files, 0);
		assert_int_equal(kernel.mapped, 0);
	}
}

static void mounter_knows_break_from_a_mount(void **state)
{
	struct zus_mounter m = { .fd = -1 };

	(void)state;
	assert_int_equal(zus_mounter_open(&m, ROOT_FD), 0);
	assert_int_equal(m.size, ZUS_MAX_COMMAND);
	memset(m.msg, 0, m.size);
	assert_int_equal(zus_mounter_wait(&m), 0);
	assert_int_equal(kernel.request, ZU_IOC_MOUNT);
	kernel.hdr_err = 1;
	assert_int_equal(zus_mounter_wait(&m), -EINTR);
	kernel.ioctl_errno = ENODEV;
	assert_int_equal(zus_mounter_wait(&m), -ENODEV);
	zus_mounter_close(&m);
	assert_int_equal(m.fd, -1);
	kernel.open_errno = EMFILE;
	assert_int_equal(zus_mounter_open(&m, ROOT_FD), -EMFILE);
}

static void set_pmem(uint64_t t1_blocks, unsigned int t1, unsigned int t2, uint64_t flags)
{
	struct md_dev_table *mdt = &kernel.pmem.mdt;

	mdt->s_t1_blocks = htole64(t1_blocks);
	mdt->s_t2_blocks = htole64(99);
	mdt->s_dev_list.t1_count = htole16((uint16_t)t1);
	mdt->s_dev_list.t2_count = htole16((uint16_t)t2);
	mdt->s_flags = htole64(flags);
	kernel.pmem.dev_index = 1;
}

static void set_pmem(uint64_t t1_blocks, unsigned int t1, unsigned int t2, uint64_t flags);

/* A process that has closed its standard input may get it. */
static void number_0_is_a_file(void **state)
{
	struct zus_mounter m = { .fd = -1 };
	struct zufs_cpu_set set = { 0 };
	struct zus_channel ch;
	struct zus_type *type;
	struct zus_md *md;
	int root = ROOT_FD;

	(void)state;
	kernel.first_is_free = true;
	kernel.nodes = 1;
	assert_int_equal(zus_special_open(ROOT_FD), 0);
	special_close(0);
	assert_int_equal(zus_numa_online_cpus(ROOT_FD, &set), 0);
	assert_int_equal(set.bits[0], 1);
	assert_int_equal(zus_break_all(ROOT_FD), 0);
	assert_int_equal(kernel.fd, 0);
	assert_int_equal(zus_channel_open(&ch, ROOT_FD, 0, 0), 0);
	assert_non_null(ch.cmd.buf);
	zus_channel_close(&ch);
	assert_int_equal(zus_mounter_open(&m, ROOT_FD), 0);
	assert_int_equal(zus_mounter_wait(&m), 0);
	zus_mounter_close(&m);
	set_pmem(512, 1, 0, 0);
	assert_int_equal(zus_pmem_grab(&root, 3, &md), 0);
	zus_pmem_release(&root, md);
	assert_int_equal(zus_type_create(&probe_plugin, zus_env_default(), &type), 0);
	kernel.ioctls = 0;
	assert_int_equal(zus_register_type(ROOT_FD, type), 0);
	assert_int_equal(kernel.ioctls, 1);
	zus_type_destroy(type);
}

static void devices_are_mapped_on_2_mib(void **state)
{
	static const size_t past[] = { 0, 4096, (2 << 20) - 4096 };
	int root = ROOT_FD, i;
	struct zus_md *md;

	(void)state;
	for (i = 0; i < 6; i++) {
		kernel.area_past = past[i / 2];
		set_pmem(512, 60, 4, i & 1 ? MDT_F_SHADOW : 0);
		kernel.pmem.flags = i & 1 ? ZUFS_PMEM_SYNC : 0;
		assert_int_equal(zus_pmem_grab(&root, 3, &md), 0);
		assert_int_equal(zus_md_is_synchronous(md), i & 1);
		assert_int_equal((uintptr_t)md->t1 & ZUFS_ALLOC_MASK, 0);
		assert_int_equal(md->t1_blocks, 512);
		assert_int_equal(md->t2_blocks, 99);
		assert_int_equal(md->dev_index, 1);
		assert_int_equal(kernel.mapped, i & 1 ? 4 << 20 : 2 << 20);
		/* all of it, to the last byte */
		md->t1[kernel.mapped - 1] = 1;
		md->t1[0] = 1;
		zus_pmem_release(&root, md);
		assert_int_equal(kernel.mapped, 0);
		assert_int_equal(kernel.files, 0);
	}
}

static void devices_that_cannot_be_had_leave_nothing(void **state)
{
	int root = ROOT_FD, i;
	struct zus_md *md;

	(void)state;
	set_pmem(0, 1, 0, 0);
	assert_int_equal(zus_pmem_grab(&root, 3, &md), -EIO);
	set_pmem(512, 61, 4, 0);
	assert_int_equal(zus_pmem_grab(&root, 3, &md), -EIO);
	set_pmem(512, 1, 0, 0);
	for (i = 1; i <= 2; i++) {
		kernel.fail_mmap = (unsigned int)i;
		assert_int_equal(zus_pmem_grab(&root, 3, &md), -ENOMEM);
		assert_int_equal(kernel.mapped, 0);
	}
	kernel.hdr_err = -ENODEV;
	assert_int_equal(zus_pmem_grab(&root, 3, &md), -ENODEV);
	kernel.open_errno = EMFILE;
	assert_int_equal(zus_pmem_grab(&root, 3, &md), -EMFILE);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(other_folders_are_no_root),
		T(control_socket_is_named_after_the_root),
		T(both_results_are_one),
		T(types_are_registered_by_their_info),
		T(flags_are_translated),
		T(cpus_of_all_nodes_are_online),
		T(break_needs_no_file_where_the_root_takes_it),
		T(channel_has_a_window_and_a_buffer),
		T(channel_that_fails_leaves_nothing),
		T(mounter_knows_break_from_a_mount),
		T(number_0_is_a_file),
		T(devices_are_mapped_on_2_mib),
		T(devices_that_cannot_be_had_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
