// SPDX-License-Identifier: BSD-2-Clause
/*
 * The members of the set: opened exclusively, checked, measured, written. Called by main in
 * the order of mkfs.h; nothing is written before every member has passed its checks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memofs_disk.h"
#include "mkfs.h"
#include "msg.h"

#define MIN_BYTES	((uint64_t)4 << 20)
#define SIZE_UNIT	(ZUFS_ALLOC_MASK + 1)
#define WIPE_BYTES	(128 * 1024)	/* past the last signature that signatures.c knows */

static int identify(struct member *mb)
{
	struct stat st;

	if (stat(mb->path, &st))
		return msg_errno(errno, "%s", mb->path);
	mb->is_block = S_ISBLK(st.st_mode);
	if (!mb->is_block && !S_ISREG(st.st_mode)) {
		msg("%s is neither a block device nor an ordinary file", mb->path);
		return -1;
	}
	mb->dev = mb->is_block ? st.st_rdev : st.st_dev;
	mb->ino = mb->is_block ? 0 : st.st_ino;
	mb->bytes = (uint64_t)st.st_size;
	return 0;
}

/* The bytes that we use: half of a T1 device with a shadow, whole units of 2 MiB. */
static int cut_size(const struct mkfs *m, struct member *mb)
{
	uint64_t bytes = mb->bytes;

	if (m->shadow && !mb->is_t2)
		bytes /= 2;
	if (bytes < MIN_BYTES) {
		msg("%s is too small: %llu bytes, it takes %llu", mb->path,
		    (unsigned long long)mb->bytes,
		    (unsigned long long)(m->shadow && !mb->is_t2 ? 2 * MIN_BYTES : MIN_BYTES));
		return -1;
	}
	mb->bytes = bytes & ~(SIZE_UNIT - 1);
	return 0;
}

static int check_twice(const struct mkfs *m, unsigned int n)
{
	const struct member *a = &m->members[n], *b;
	unsigned int i;

	for (i = 0; i < n; i++) {
		b = &m->members[i];
		if (a->is_block == b->is_block && a->dev == b->dev && a->ino == b->ino) {
			msg("%s and %s are the same device", b->path, a->path);
			return -1;
		}
	}
	return 0;
}

/* O_EXCL: a block device that is mounted, or a member of something, is busy. */
static int open_one(const struct mkfs *m, struct member *mb)
{
	int flags = (m->dry_run ? O_RDONLY : O_RDWR) | (mb->is_block ? O_EXCL : 0);

	mb->fd = open(mb->path, flags | O_CLOEXEC);
	if (mb->fd < 0 && errno == EBUSY) {
		msg("%s is in use (mounted, or part of something that is)", mb->path);
		return -1;
	}
	if (mb->fd < 0)
		return msg_errno(errno, "%s", mb->path);
	if (mb->is_block && ioctl(mb->fd, BLKGETSIZE64, &mb->bytes))
		return msg_errno(errno, "%s: size of the device", mb->path);
	return 0;
}

int members_open(struct mkfs *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++) {
		struct member *mb = &m->members[i];

		/* first of all: a device that is given twice would be busy by our own hand */
		if (identify(mb) || check_twice(m, i) || open_one(m, mb) || cut_size(m, mb))
			return -1;
		zus_uuid_generate(mb->uuid);
	}
	return 0;
}

int members_check(const struct mkfs *m)
{
	const char *found;
	unsigned int i;
	int err = 0;

	for (i = 0; !m->force && i < m->count; i++) {
		found = signature_find(m->members[i].fd);
		if (!found)
			continue;
		msg("%s carries %s; -f overwrites it", m->members[i].path, found);
		err = -1;
	}
	return err;
}

static int build_table(const struct mkfs *m, struct md_dev_table *mdt)
{
	struct zus_mdt_dev devs[MD_DEV_MAX];
	struct zus_mdt_spec spec = {
		.magic = MEMOFS_MAGIC,
		.version_major = MEMOFS_VER_MAJOR,
		.version_minor = MEMOFS_VER_MINOR,
		.flags = m->shadow ? MDT_F_SHADOW : 0,
		.devs = devs,
	};
	unsigned int i;
	int err;

	memcpy(spec.uuid, m->uuid, sizeof(spec.uuid));
	for (i = 0; i < m->count; i++) {
		memcpy(devs[i].uuid, m->members[i].uuid, sizeof(devs[i].uuid));
		devs[i].bytes = m->members[i].bytes;
		if (m->members[i].is_t2)
			spec.t2_count++;
		else
			spec.t1_count++;
	}
	err = zus_mdt_build(&spec, mdt);
	return err ? msg_errno(err, "building the device table") : 0;
}

/* So that nobody takes the device for what it was. */
static int wipe(const struct member *mb)
{
	static const char zeros[WIPE_BYTES];
	ssize_t n = pwrite(mb->fd, zeros, sizeof(zeros), 0);

	if (n == (ssize_t)sizeof(zeros))
		return 0;
	msg_errno(n < 0 ? errno : EIO, "%s: wiping old signatures", mb->path);
	return -1;
}

int members_write(struct mkfs *m)
{
	struct md_dev_table mdt;
	unsigned int i;
	int err;

	if (build_table(m, &mdt))
		return -1;
	for (i = 0; !m->dry_run && i < m->count; i++) {
		if (wipe(&m->members[i]))
			return -1;
	}
	for (i = 0; !m->dry_run && i < m->count; i++) {
		zus_mdt_set_index(&mdt, i);
		err = zus_mdt_write(m->members[i].fd, 0, &mdt);
		if (err) {
			msg_errno(err, "%s: writing the device table", m->members[i].path);
			return -1;
		}
	}
	return 0;
}

void members_close(struct mkfs *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++) {
		if (m->members[i].fd >= 0)
			close(m->members[i].fd);
		m->members[i].fd = -1;
	}
}
