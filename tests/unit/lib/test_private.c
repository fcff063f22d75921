// SPDX-License-Identifier: BSD-2-Clause
/*
 * Private mounts: the message that the kernel gets, and that a mount which fails leaves no file
 * behind. lib/private.c is built here with special files and devices that the test answers for.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zus/channel.h>
#include <zus/private.h>

#define ROOT_FD	4711
#define FILE_FD	12

static struct {
	int fd;				/* of the special file */
	bool no_memory;
	int open_err, mount_err, grab_err;
	int files, devices;
	struct zufs_ioc_mount_private arg;
	char options[5000];
	struct zus_md md;
} kernel;

static int special_open(int root_fd)
{
	assert_int_equal(root_fd, ROOT_FD);
	if (kernel.open_err)
		return kernel.open_err;
	kernel.files++;
	return kernel.fd;
}

static int special_close(int fd)
{
	assert_int_equal(fd, kernel.fd);
	kernel.files--;
	return 0;
}

static int special_ioctl(int fd, unsigned long request, void *msg)
{
	struct zufs_ioc_mount_private *arg = msg;

	assert_int_equal(fd, kernel.fd);
	assert_int_equal(request, ZU_IOC_PRIVATE_MOUNT);
	kernel.arg = *arg;
	memcpy(kernel.options, ZUFS_TAIL(arg, zmi.po.mount_options),
	       arg->zmi.po.mount_options_len);
	arg->zmi.sb_id = 33;
	return kernel.mount_err;
}

static int grab(void *root_fd, uint64_t sb_id, struct zus_md **md)
{
	assert_int_equal(*(int *)root_fd, ROOT_FD);
	assert_int_equal(sb_id, 33);
	if (kernel.grab_err)
		return kernel.grab_err;
	kernel.devices++;
	*md = &kernel.md;
	return 0;
}

static void release(void *root_fd, struct zus_md *md)
{
	assert_int_equal(*(int *)root_fd, ROOT_FD);
	assert_ptr_equal(md, &kernel.md);
	/* the devices go before the mount */
	assert_int_equal(kernel.files, 1);
	kernel.devices--;
}

static void *some_memory(size_t n, size_t size)
{
	return kernel.no_memory ? NULL : calloc(n, size);
}

#define calloc			some_memory
#define zus_special_open	special_open
#define zus_special_ioctl	special_ioctl
#define zus_pmem_grab		grab
#define zus_pmem_release	release
#define close			special_close
#include "../../../lib/private.c"

static const struct register_fs_info info = { .fsname = "probe", .FS_magic = 5 };

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.fd = FILE_FD;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(kernel.files, 0);
	assert_int_equal(kernel.devices, 0);
	return 0;
}

static void kernel_gets_the_type_and_the_device(void **state)
{
	struct zus_private p;

	(void)state;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/pmem0"), 0);
	assert_string_equal(kernel.options, ZUFS_PMDEV_OPT "=/dev/pmem0");
	assert_int_equal(kernel.arg.zmi.po.mount_options_len, strlen(kernel.options) + 1);
	assert_int_equal(kernel.arg.hdr.in_len, sizeof(kernel.arg) + strlen(kernel.options) + 1);
	assert_memory_equal(&kernel.arg.rfi, &info, sizeof(info));
	assert_int_equal(p.sb_id, 33);
	assert_ptr_equal(p.md, &kernel.md);
	assert_int_equal(kernel.files, 1);
	zus_private_umount(&p);
	assert_int_equal(p.fd, -1);
}

static void mount_that_fails_leaves_nothing(void **state)
{
	struct zus_private p;

	(void)state;
	kernel.open_err = -EMFILE;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/pmem0"), -EMFILE);
	kernel.open_err = 0;
	kernel.mount_err = -EBUSY;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/pmem0"), -EBUSY);
	assert_int_equal(kernel.files, 0);
	kernel.mount_err = 0;
	kernel.grab_err = -EIO;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/pmem0"), -EIO);
	assert_int_equal(kernel.files, 0);
	kernel.grab_err = 0;
	kernel.no_memory = true;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/pmem0"), -ENOMEM);
	assert_int_equal(kernel.files, 0);
}

static void number_0_is_a_file(void **state)
{
	struct zus_private p;

	(void)state;
	kernel.fd = 0;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/pmem0"), 0);
	zus_private_umount(&p);
}

static void only_paths_that_are_one_option_are_devices(void **state)
{
	const size_t most = 4096 - sizeof(struct zufs_ioc_mount_private) - 16 - 1;
	char path[5000];
	struct zus_private p;

	(void)state;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, ""), -EINVAL);
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "pmem0"), -EINVAL);
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, "/dev/a,b"), -EINVAL);
	memset(path, '/', sizeof(path));
	path[most + 1] = 0;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, path), -EINVAL);
	path[most] = 0;
	assert_int_equal(zus_private_mount(&p, ROOT_FD, &info, path), 0);
	assert_true(kernel.arg.hdr.in_len <= 4096);
	zus_private_umount(&p);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(kernel_gets_the_type_and_the_device),
		T(mount_that_fails_leaves_nothing),
		T(number_0_is_a_file),
		T(only_paths_that_are_one_option_are_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
