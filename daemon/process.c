// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the process asks of the system: open files, locked memory, and which capabilities it
 * gives up. Called by main before threads exist (zusd_lock_loaded at any time): the kernel has
 * all of it per thread, and a thread has what its creator had.
 *
 * A server that faults on memory which its own file system must write back would dead-lock:
 * hence the locking and PR_SET_IO_FLUSHER.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "zusd.h"

#define WANTED_FILES	65536

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

/* As far as allowed: many mounts and CPUs need many descriptors, few do not. */
void zusd_raise_limits(const struct zusd *z)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur >= WANTED_FILES)
		return;
	rl.rlim_cur = WANTED_FILES;
	if (rl.rlim_max < WANTED_FILES) {
		struct rlimit more = { .rlim_cur = WANTED_FILES, .rlim_max = WANTED_FILES };

		if (!setrlimit(RLIMIT_NOFILE, &more))
			return;
		rl.rlim_cur = rl.rlim_max;
	}
	if (!setrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur == WANTED_FILES)
		return;
	zus_warn(&z->env, "only %llu open files are allowed, %d wanted",
		 (unsigned long long)rl.rlim_cur, WANTED_FILES);
}

int zusd_lock_memory(const struct zusd *z)
{
	int err = 0;

	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		zus_warn(&z->env, "cannot become an I/O flusher: %s", strerror(errno));
	switch (z->opt.mlock) {
	case 2:
		err = mlockall(MCL_CURRENT | MCL_FUTURE);
		break;
	case 1:
		/* what is there now, and later what is touched */
		err = mlockall(MCL_CURRENT);
		if (!err)
			err = mlockall(MCL_FUTURE | MCL_ONFAULT);
		break;
	}
	if (!err)
		return 0;
	err = -errno;
	zus_err(&z->env, "cannot lock memory (see --mlock): %s", strerror(-err));
	return err;
}

/* Called for each loaded object: stays with the first error, in *data. */
static int lock_object(struct dl_phdr_info *info, size_t size, void *data)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t start, end;
	int *err = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum && !*err; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		end = start + info->dlpi_phdr[i].p_memsz;
		start &= ~page;
		if (mlock((void *)start, end - start))
			*err = -errno;
	}
	return *err;
}

/* All objects: those that were there are locked already, which costs little. */
int zusd_lock_loaded(const struct zusd *z)
{
	int err = 0;

	if (z->opt.mlock)
		dl_iterate_phdr(lock_object, &err);
	return err;
}

/* SYS_ADMIN for the ioctls, IPC_LOCK for mlock, SYS_NICE for policies of new threads. */
#define KEPT_CAPS	(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_IPC_LOCK | 1ULL << CAP_SYS_NICE)

/* A program that root executes has all that is left here. */
static int drop_bounding_set(void)
{
	int cap, is_there;

	for (cap = 0; cap < 64; cap++) {
		is_there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (is_there < 0)
			return 0;		/* the first number that the kernel does not know */
		if (is_there && !(KEPT_CAPS >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	}
	return 0;
}

int zusd_drop_capabilities(const struct zusd *z)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int err = drop_bounding_set();

	/* not allowed to (CAP_SETPCAP): who started us has given us little already */
	if (err)
		zus_warn(&z->env, "programs that a plugin starts may have more capabilities: %s",
			 strerror(-err));
	if (syscall(SYS_capget, &hdr, data))
		goto failed;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(KEPT_CAPS >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (!syscall(SYS_capset, &hdr, data))
		return 0;
failed:
	err = -errno;
	zus_err(&z->env, "cannot drop capabilities: %s", strerror(-err));
	return err;
}
