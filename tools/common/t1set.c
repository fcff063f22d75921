// SPDX-License-Identifier: BSD-2-Clause
/*
 * The T1 devices of a set; see t1set.h. Called by main of a tool, single-threaded.
 *
 * The set goes by the first valid table. A device whose table is broken is taken as it is: what the
 * file system has on it says whose it is.
 */
#define _GNU_SOURCE
#include "t1set.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "msg.h"

__attribute__((format(printf, 2, 3)))
static void problem(struct t1set *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->problem(s->ctx, text);
}

static bool is_known(const struct t1set *s, const struct blockdev *bd)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		if (blockdev_is_same(&s->devs[i].bd, bd))
			return true;
	}
	return false;
}

static bool is_of_set(const struct t1set *s, const struct md_dev_table *mdt)
{
	return !memcmp(mdt->s_uuid.b, s->mdt.s_uuid.b, sizeof(mdt->s_uuid.b)) &&
		!memcmp(&mdt->s_dev_list.t1_count, &s->mdt.s_dev_list.t1_count,
			sizeof(mdt->s_dev_list) - sizeof(mdt->s_dev_list.id_index));
}

/* The table of a device that is open. */
static void read_table(struct t1set *s, struct t1set_dev *d)
{
	struct md_dev_table mdt;
	const char *why = "it cannot be read";
	uint64_t bytes;

	d->bytes = d->bd.bytes / ZUS_BLOCK_SIZE * ZUS_BLOCK_SIZE;
	if (zus_mdt_read(d->bd.fd, 0, &mdt) ||
	    zus_mdt_check(&mdt, s->magic, s->version_major, s->version_minor, &why)) {
		problem(s, "%s: no valid device table: %s", d->bd.path, why);
		return;
	}
	if (!s->has_table)
		s->mdt = mdt;
	s->has_table = true;
	if (!is_of_set(s, &mdt)) {
		problem(s, "%s: its device table is of another set", d->bd.path);
		return;
	}
	d->has_table = true;
	d->index = le16toh(mdt.s_dev_list.id_index);
	bytes = zus_md_dev_blocks(&mdt, d->index) << ZUS_BLOCK_SHIFT;
	if (bytes <= d->bytes)
		d->bytes = bytes;
	else
		problem(s, "%s: it is smaller than its device table says", d->bd.path);
}

static int add_given(struct t1set *s, const char *path)
{
	struct t1set_dev *d = &s->devs[s->count];

	if (blockdev_identify(&d->bd, path))
		return -1;
	if (is_known(s, &d->bd)) {
		msg("%s was given twice", path);
		return -1;
	}
	if (blockdev_open(&d->bd, s->write))
		return -1;
	s->count++;
	read_table(s, d);
	return 0;
}

static bool has_member(const struct t1set *s, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		if (s->devs[i].has_table && s->devs[i].index == index)
			return true;
	}
	return false;
}

/* A device with a broken table may be the one that is missing. */
static bool may_be_there(const struct t1set *s)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		if (!s->devs[i].has_table)
			return true;
	}
	return false;
}

static void find_member(struct t1set *s, unsigned int index)
{
	struct t1set_dev *d = &s->devs[s->count];
	char uuid[37];

	zus_uuid_format(s->mdt.s_dev_list.dev_ids[index].uuid.b, uuid);
	snprintf(d->found_as, sizeof(d->found_as), "/dev/disk/by-uuid/%s", uuid);
	if (s->count < MD_DEV_MAX && !access(d->found_as, F_OK) &&
	    !blockdev_identify(&d->bd, d->found_as) && !is_known(s, &d->bd) &&
	    !blockdev_open(&d->bd, s->write)) {
		s->count++;
		read_table(s, d);
		return;
	}
	if (!may_be_there(s))
		problem(s, "member %u (%s) of the set is missing", index, uuid);
}

static int map(struct t1set *s, struct t1set_dev *d)
{
	int prot = PROT_READ | (s->write ? PROT_WRITE : 0);
	void *base;

	if (d->bytes < 2 * ZUS_BLOCK_SIZE) {
		msg("%s is too small for anything", d->bd.path);
		return -1;
	}
	base = mmap(NULL, d->bytes, prot, MAP_SHARED, d->bd.fd, 0);
	if (base == MAP_FAILED) {
		msg_errno(errno, "%s: mapping it", d->bd.path);
		return -1;
	}
	d->base = base;
	return 0;
}

int t1set_open(struct t1set *s, char **paths, int n)
{
	unsigned int i;
	int err = 0;

	if (n > MD_DEV_MAX) {
		msg("a set has at most %d devices", MD_DEV_MAX);
		return -1;
	}
	while (n-- && !err)
		err = add_given(s, *paths++);
	for (i = 0; !err && s->has_table && i < zus_md_t1_count(&s->mdt); i++) {
		if (!has_member(s, i))
			find_member(s, i);
	}
	for (i = 0; !err && i < s->count; i++)
		err = map(s, &s->devs[i]);
	return err;
}

void t1set_close(struct t1set *s)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		if (s->devs[i].base)
			munmap(s->devs[i].base, s->devs[i].bytes);
		blockdev_close(&s->devs[i].bd);
	}
}

static int sigbus_status;

static void cannot_read(int sig)
{
	static const char text[] = "a device cannot be read or written\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)n;
	_exit(sigbus_status);
}

void t1set_exit_on_sigbus(int status)
{
	sigbus_status = status;
	signal(SIGBUS, cannot_read);
}
