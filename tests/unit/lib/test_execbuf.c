// SPDX-License-Identifier: BSD-2-Clause
/*
 * Exec buffers: what the kernel is asked, which buffers are used again, what errors leave.
 * lib/execbuf.c is built here with special files that are memory, and with ioctls that are
 * recorded and answered by the test.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zus/channel.h>

#define MAX_BYTES	(1U << 20)
#define ROOT_FD		4711

static struct {
	int open_err, alloc_err, exec_err;	/* answers; 0 = it works */
	bool no_mmap, no_memory;
	unsigned int opens, execs;
	int files, mappings;			/* open, mapped now */
	bool first_is_free;			/* the next file gets number 0 */
	struct zufs_ioc_iomap_exec last;
	uint64_t words[2];			/* the first and the last one of the list */
	struct zus_execbuf_pool *nest;		/* the next exec calls again, so often */
	unsigned int nested;
} kernel;

static int special_open(int root_fd)
{
	int fd;

	assert_int_equal(root_fd, ROOT_FD);
	if (kernel.open_err)
		return kernel.open_err;
	fd = memfd_create("execbuf", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MAX_BYTES), 0);
	kernel.opens++;
	kernel.files++;
	if (kernel.first_is_free && fd) {
		assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
		close(fd);
		fd = STDIN_FILENO;
	}
	return fd;
}

static int special_close(int fd)
{
	kernel.files--;
	return close(fd);
}

static int run_list(struct zus_execbuf_pool *p);

static int special_ioctl(int fd, unsigned long request, void *arg)
{
	const struct zufs_ioc_alloc_buffer *alloc = arg;
	const struct zufs_ioc_iomap_exec *exec = arg;
	const uint64_t *words;

	assert_true(fd >= 0);
	if (request == ZU_IOC_ALLOC_BUFFER) {
		assert_int_equal(alloc->hdr.in_len, sizeof(*alloc));
		assert_int_equal(alloc->max_size, MAX_BYTES);
		assert_true(alloc->init_size && alloc->init_size <= MAX_BYTES);
		return kernel.alloc_err;
	}
	assert_int_equal(request, ZU_IOC_IOMAP_EXEC);
	kernel.execs++;
	kernel.last = *exec;
	words = ZUFS_TAIL(exec, ziom.iom_e);
	kernel.words[0] = words[0];
	kernel.words[1] = words[exec->ziom.iom_n - 1];
	if (kernel.nested) {
		kernel.nested--;
		assert_int_equal(run_list(kernel.nest), 0);
	}
	return kernel.exec_err;
}

static void *special_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t off)
{
	if (kernel.no_mmap) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	assert_int_equal(bytes, MAX_BYTES);
	assert_int_equal(prot, PROT_READ | PROT_WRITE);
	assert_int_equal(flags, MAP_SHARED);
	kernel.mappings++;
	return mmap(at, bytes, prot, flags, fd, off);
}

static int special_munmap(void *at, size_t bytes)
{
	kernel.mappings--;
	return munmap(at, bytes);
}

static void *some_memory(size_t n, size_t size)
{
	return kernel.no_memory ? NULL : calloc(n, size);
}

#define calloc			some_memory
#define zus_special_open	special_open
#define zus_special_ioctl	special_ioctl
#define mmap			special_mmap
#define munmap			special_munmap
#define close			special_close
#include "../../../lib/execbuf.c"
#undef calloc
#undef mmap
#undef munmap
#undef close

static uint64_t list_words[MAX_BYTES / 8];

static int run_words(struct zus_execbuf_pool *p, uint32_t n)
{
	const struct zus_execbuf_list list = {
		.sb_id = 3, .sbi_cookie = 55, .words = list_words, .n = n, .cookie = 77,
	};

	return zus_execbuf_run(p, &list);
}

static int run_list(struct zus_execbuf_pool *p)
{
	return run_words(p, 2);
}

static int setup(void **state)
{
	struct zus_execbuf_pool *p = NULL;

	memset(&kernel, 0, sizeof(kernel));
	assert_int_equal(zus_execbuf_pool_create(&p, ROOT_FD), 0);
	kernel.nest = p;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	zus_execbuf_pool_destroy(*state);
	assert_int_equal(kernel.files, 0);
	assert_int_equal(kernel.mappings, 0);
	return 0;
}

/* A process that has closed its standard input may get it. */
static void number_0_is_a_file(void **state)
{
	kernel.first_is_free = true;
	assert_int_equal(run_list(*state), 0);
	assert_int_equal(kernel.execs, 1);
}

static void kernel_gets_the_list_as_it_is(void **state)
{
	const uint64_t words[] = { 11, 12, 13 };
	struct zus_execbuf_list list = {
		.sb_id = 3, .sbi_cookie = 55, .words = words, .n = 3, .cookie = 77,
		.flags = ZUFS_IOM_EXEC_FUA, .wait = true,
	};

	assert_int_equal(zus_execbuf_run(*state, &list), 0);
	assert_int_equal(kernel.last.hdr.in_len, sizeof(kernel.last));
	assert_int_equal(kernel.last.sb_id, 3);
	assert_int_equal(kernel.last.zus_sbi, 55);
	assert_int_equal(kernel.last.wait_for_done, ZUFS_IOM_EXEC_FUA | 1);
	assert_int_equal(kernel.last.ziom.iomb, 77);
	assert_int_equal(kernel.last.ziom.iom_n, 3);
	assert_int_equal(kernel.words[0], 11);
	assert_int_equal(kernel.words[1], 13);
	list.wait = false;
	list.flags = 0;
	assert_int_equal(zus_execbuf_run(*state, &list), 0);
	assert_int_equal(kernel.last.wait_for_done, 0);
}

static void longest_list_fills_the_buffer(void **state)
{
	const uint32_t most = (MAX_BYTES - sizeof(struct zufs_ioc_iomap_exec)) / 8;

	list_words[most - 1] = 99;
	assert_int_equal(run_words(*state, most), 0);
	assert_int_equal(kernel.words[1], 99);
	assert_int_equal(kernel.last.ziom.iom_max, most);
	assert_int_equal(run_words(*state, most + 1), -E2BIG);
	assert_int_equal(run_words(*state, UINT32_MAX), -E2BIG);
	assert_int_equal(kernel.execs, 1);
}

static void buffers_are_used_again(void **state)
{
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(run_list(*state), 0);
	assert_int_equal(kernel.opens, 1);
	/* also after an error of the list, which is told */
	kernel.exec_err = -EIO;
	assert_int_equal(run_list(*state), -EIO);
	kernel.exec_err = 0;
	assert_int_equal(run_list(*state), 0);
	assert_int_equal(kernel.opens, 1);
}

/* Twelve at once, of which eight are kept and used by the next twelve. */
static void a_few_are_kept(void **state)
{
	kernel.nested = 11;
	assert_int_equal(run_list(*state), 0);
	assert_int_equal(kernel.opens, 12);
	assert_int_equal(kernel.files, 8);
	kernel.nested = 7;
	assert_int_equal(run_list(*state), 0);
	assert_int_equal(kernel.opens, 12);
	kernel.nested = 8;
	assert_int_equal(run_list(*state), 0);
	assert_int_equal(kernel.opens, 13);
	assert_int_equal(kernel.files, 8);
}

static void buffer_that_cannot_be_made_leaves_nothing(void **state)
{
	kernel.open_err = -ENFILE;
	assert_int_equal(run_list(*state), -ENFILE);
	kernel.open_err = 0;
	kernel.alloc_err = -ENOMEM;
	assert_int_equal(run_list(*state), -ENOMEM);
	assert_int_equal(kernel.files, 0);
	kernel.alloc_err = 0;
	kernel.no_mmap = true;
	assert_int_equal(run_list(*state), -ENOMEM);
	assert_int_equal(kernel.files, 0);
	assert_int_equal(kernel.execs, 0);
	kernel.no_mmap = false;
	kernel.no_memory = true;
	assert_int_equal(run_list(*state), -ENOMEM);
	kernel.no_memory = false;
	assert_int_equal(run_list(*state), 0);
}

static void pool_that_cannot_be_made_is_an_error(void **state)
{
	struct zus_execbuf_pool *p;

	(void)state;
	kernel.no_memory = true;
	assert_int_equal(zus_execbuf_pool_create(&p, ROOT_FD), -ENOMEM);
	kernel.no_memory = false;
}

static void no_pool_is_destroyed_without_harm(void **state)
{
	(void)state;
	zus_execbuf_pool_destroy(NULL);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(kernel_gets_the_list_as_it_is),
		T(longest_list_fills_the_buffer),
		T(number_0_is_a_file),
		T(buffers_are_used_again),
		T(a_few_are_kept),
		T(buffer_that_cannot_be_made_leaves_nothing),
		T(pool_that_cannot_be_made_is_an_error),
		cmocka_unit_test(no_pool_is_destroyed_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
