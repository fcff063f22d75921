// SPDX-License-Identifier: BSD-2-Clause
/*
 * The image, in mappings of the members: pmem is written through its block device, so that nothing
 * is needed but what every mkfs has. Files are emptied first, so that a large one stays sparse.
 * Called once by main; single-threaded.
 */
#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "msg.h"
#include "tierfs.h"

#define ROOT_MODE	0755

/* The first error of msync, which has no way through tierfs_format. */
static int persist_error;

static void persist(const void *addr, uint64_t bytes)
{
	if (msync((void *)(uintptr_t)addr, bytes, MS_SYNC) && !persist_error)
		persist_error = errno;
}

/* A store that found no room on the disk of a file, or a device that fails. */
static void store_failed(int signal)
{
	static const char text[] = "mkfs.tierfs: writing failed: no space, or a broken device\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)signal;
	(void)n;
	_exit(EXIT_FAILED);
}

/* Does all of it read as zeros now? */
static bool empty(const struct member *mb)
{
	return !mb->bd.is_block &&
		!fallocate(mb->bd.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   (off_t)mb->bytes);
}

static void unmap_all(const struct tierfs_format_dev *devs, unsigned int n)
{
	while (n--)
		munmap(devs[n].base, devs[n].bytes);
}

/* *zeroed: they all hold zeros. */
static int map_all(const struct mkset *m, struct tierfs_format_dev *devs, bool *zeroed)
{
	unsigned int i;

	*zeroed = true;
	for (i = 0; i < m->count; i++) {
		const struct member *mb = &m->members[i];
		void *base = mmap(NULL, mb->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				  mb->bd.fd, 0);

		if (base == MAP_FAILED) {
			msg_errno(errno, "%s: mapping it", mb->bd.path);
			unmap_all(devs, i);
			return -1;
		}
		devs[i] = (struct tierfs_format_dev){ .base = base, .bytes = mb->bytes };
		memcpy(devs[i].uuid, mb->uuid, sizeof(devs[i].uuid));
		if (!empty(mb))
			*zeroed = false;
	}
	return 0;
}

/* What no other image has. */
static int make_random(struct tierfs_format *f)
{
	struct timespec now;
	struct {
		uint64_t log_secret;
		uint64_t hash_seed[2];
		uint32_t generation;
		uint32_t unused;
	} random;

	if (getentropy(&random, sizeof(random))) {
		msg_errno(errno, "random numbers");
		return -1;
	}
	f->log_secret = random.log_secret;
	f->hash_seed[0] = random.hash_seed[0];
	f->hash_seed[1] = random.hash_seed[1];
	f->generation = random.generation;
	clock_gettime(CLOCK_REALTIME, &now);
	f->now_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	return 0;
}

static int format(const struct mkset *m, struct tierfs_format *f)
{
	int err = make_random(f);

	if (err)
		return err;
	memcpy(f->set_uuid, m->uuid, sizeof(f->set_uuid));
	memcpy(f->label, m->label, sizeof(f->label) - 1);
	err = tierfs_format(f);
	if (!err)
		err = persist_error;
	if (!err)
		return 0;
	msg_errno(err, "making the file system");
	return -1;
}

int image_make(const struct mkset *m, uint32_t errors)
{
	struct tierfs_format_dev devs[MD_DEV_MAX];
	struct tierfs_format f = {
		.mode = ROOT_MODE,
		.errors = errors,
		.nr_devs = m->count,
		.devs = devs,
		.persist = persist,
	};
	int err;

	if (m->dry_run)
		return 0;
	if (map_all(m, devs, &f.zeroed))
		return -1;
	signal(SIGBUS, store_failed);
	err = format(m, &f);
	signal(SIGBUS, SIG_DFL);
	unmap_all(devs, m->count);
	return err;
}
