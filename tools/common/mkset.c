// SPDX-License-Identifier: BSD-2-Clause
/*
 * The members of a set that is made; see mkset.h. Called by the mains of mkfs in the order that is
 * said there; nothing is written before every member has passed its checks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mkset.h"
#include "msg.h"
#include "signatures.h"

#define MIN_BYTES	((uint64_t)4 << 20)
#define SIZE_UNIT	(ZUFS_ALLOC_MASK + 1)
#define WIPE_BYTES	(128 * 1024)	/* boot code and tables that have no signature */

int mkset_add(struct mkset *m, const char *path, bool is_t2)
{
	struct member *mb = &m->members[m->count];

	if (m->count == MD_DEV_MAX) {
		msg("a set has at most %d devices", MD_DEV_MAX);
		return -1;
	}
	mb->bd = (struct blockdev){ .path = path, .fd = -1 };
	mb->is_t2 = is_t2;
	m->count++;
	return 0;
}

int mkset_set_uuid(struct mkset *m, const char *text)
{
	if (!zus_uuid_parse(text, m->uuid))
		return 0;
	msg("'%s' is not a UUID", text);
	return -1;
}

int mkset_set_label(struct mkset *m, const char *text)
{
	size_t len = strlen(text);

	if (len <= m->label_max) {
		memset(m->label, 0, sizeof(m->label));
		memcpy(m->label, text, len);
		return 0;
	}
	msg("a label has at most %u bytes", m->label_max);
	return -1;
}

/* The bytes that we use: half of a T1 device with a shadow, whole units of 2 MiB. */
static int cut_size(const struct mkset *m, struct member *mb)
{
	uint64_t bytes = mb->bd.bytes;

	if (m->shadow && !mb->is_t2)
		bytes /= 2;
	if (bytes < MIN_BYTES) {
		msg("%s is too small: %llu bytes, it takes %llu", mb->bd.path,
		    (unsigned long long)mb->bd.bytes,
		    (unsigned long long)(m->shadow && !mb->is_t2 ? 2 * MIN_BYTES : MIN_BYTES));
		return -1;
	}
	mb->bytes = bytes & ~(SIZE_UNIT - 1);
	return 0;
}

static int check_twice(const struct mkset *m, unsigned int n)
{
	const struct blockdev *a = &m->members[n].bd, *b;
	unsigned int i;

	for (i = 0; i < n; i++) {
		b = &m->members[i].bd;
		if (blockdev_is_same(a, b)) {
			msg("%s and %s are the same device", b->path, a->path);
			return -1;
		}
	}
	return 0;
}

int mkset_open(struct mkset *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++) {
		struct member *mb = &m->members[i];

		/* first of all: a device that is given twice would be busy by our own hand */
		if (blockdev_identify(&mb->bd, mb->bd.path) || check_twice(m, i) ||
		    blockdev_open(&mb->bd, !m->dry_run) || cut_size(m, mb))
			return -1;
		zus_uuid_generate(mb->uuid);
	}
	return 0;
}

/* 0, or -1: it carries something, or what it carries cannot be read. */
static int check_free(const struct member *mb)
{
	char name[SIGNATURE_NAME];
	int found = signature_find(mb->bd.fd, name);

	if (!found)
		return 0;
	if (found < 0)
		msg_errno(found, "%s: what it carries", mb->bd.path);
	else
		msg("%s carries %s; -f overwrites it", mb->bd.path, name);
	return -1;
}

int mkset_check(const struct mkset *m)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !m->force && i < m->count; i++)
		if (check_free(&m->members[i]))
			err = -1;
	return err;
}

static int build_table(const struct mkset *m, struct md_dev_table *mdt)
{
	struct zus_mdt_dev devs[MD_DEV_MAX];
	struct zus_mdt_spec spec = {
		.magic = m->magic,
		.version_major = m->version_major,
		.version_minor = m->version_minor,
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
	int err = signature_wipe(mb->bd.fd);
	ssize_t n = err ? 0 : pwrite(mb->bd.fd, zeros, sizeof(zeros), 0);

	if (!err && n != (ssize_t)sizeof(zeros))
		err = n < 0 ? errno : EIO;
	if (!err && fsync(mb->bd.fd))
		err = errno;
	if (!err)
		return 0;
	msg_errno(err, "%s: wiping old signatures", mb->bd.path);
	return -1;
}

static int write_at(const struct member *mb, const char *label, uint64_t offset)
{
	ssize_t n = pwrite(mb->bd.fd, label, MDT_LABEL_SIZE, (off_t)(offset + MDT_LABEL_OFFSET));

	if (n == MDT_LABEL_SIZE && !fsync(mb->bd.fd))
		return 0;
	return msg_errno(n < 0 ? errno : EIO, "%s: writing the label", mb->bd.path);
}

/* Behind the table of the first device; what a mount begins with is its shadow, if there is one. */
static int write_label(const struct mkset *m)
{
	const struct member *first = &m->members[0];

	if (!m->label[0] || m->dry_run)
		return 0;
	if (write_at(first, m->label, 0))
		return -1;
	return m->shadow && write_at(first, m->label, first->bytes) ? -1 : 0;
}

int mkset_wipe(const struct mkset *m)
{
	unsigned int i;

	for (i = 0; !m->dry_run && i < m->count; i++) {
		if (wipe(&m->members[i]))
			return -1;
	}
	return 0;
}

/* That of the first device is the last one. */
int mkset_write(const struct mkset *m)
{
	struct md_dev_table mdt;
	unsigned int i;
	int err;

	if (build_table(m, &mdt) || write_label(m))
		return -1;
	for (i = m->count; !m->dry_run && i-- > 0; ) {
		zus_mdt_set_index(&mdt, i);
		err = zus_mdt_write(m->members[i].bd.fd, 0, &mdt);
		if (err) {
			msg_errno(err, "%s: writing the device table", m->members[i].bd.path);
			return -1;
		}
	}
	return 0;
}

void mkset_print(const struct mkset *m)
{
	unsigned int i;
	char uuid[37];

	zus_uuid_format(m->uuid, uuid);
	printf("set %s%s\n", uuid, m->dry_run ? " (dry run, nothing was written)" : "");
	for (i = 0; i < m->count; i++) {
		const struct member *mb = &m->members[i];

		zus_uuid_format(mb->uuid, uuid);
		printf("%s %s %s %llu MiB\n", mb->is_t2 ? "T2" : "T1", uuid, mb->bd.path,
		       (unsigned long long)mb->bytes >> 20);
	}
}

void mkset_close(struct mkset *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++)
		blockdev_close(&m->members[i].bd);
}
