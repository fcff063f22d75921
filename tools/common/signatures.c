// SPDX-License-Identifier: BSD-2-Clause
/*
 * What lies on a device already: libblkid says it, but for the two things that it does not
 * know, device tables of ZUFS and BTT. Called by mkfs, fsck and zufs before they write. A
 * signature with a wrong checksum is one, too: somebody may want to repair it.
 */
#define _GNU_SOURCE
#include "signatures.h"

#include <blkid/blkid.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zus/md.h>

#define BTT_OFFSET	4096
#define WIPES_MAX	1000	/* copies of one signature: ZFS has 512 */

static const char btt[] = "BTT_ARENA_INFO";

static bool has_btt(int fd)
{
	char buf[sizeof(btt) - 1];

	return pread(fd, buf, sizeof(buf), BTT_OFFSET) == (ssize_t)sizeof(buf) &&
	       !memcmp(buf, btt, sizeof(buf));
}

static bool has_table(int fd)
{
	struct md_dev_table mdt;
	uint16_t version;

	if (zus_mdt_read(fd, 0, &mdt))
		return false;
	version = le16toh(mdt.s_version);
	return !zus_mdt_check(&mdt, le32toh(mdt.s_magic), version / MD_MINORS_PER_MAJOR,
			      version % MD_MINORS_PER_MAJOR, NULL);
}

/* A probe of the whole device, for all that libblkid knows; NULL = error, in errno. */
static blkid_probe probe_create(int fd)
{
	blkid_probe pr = blkid_new_probe();

	if (!pr)
		return NULL;
	if (blkid_probe_set_device(pr, fd, 0, 0) ||
	    blkid_probe_enable_superblocks(pr, true) ||
	    blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC |
					      BLKID_SUBLKS_BADCSUM) ||
	    blkid_probe_enable_partitions(pr, true) ||
	    blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC)) {
		blkid_free_probe(pr);
		return NULL;
	}
	return pr;
}

static int error_of(int err)
{
	return err ? -err : -EIO;
}

/* The first thing that the probe meets. As of signature_find(). */
static int probe_name(blkid_probe pr, char name[SIGNATURE_NAME])
{
	const char *type;
	int found;

	errno = 0;
	found = blkid_do_probe(pr);
	if (found < 0)
		return error_of(errno);
	if (found > 0)
		return 0;
	if (!blkid_probe_lookup_value(pr, "TYPE", &type, NULL))
		snprintf(name, SIGNATURE_NAME, "%s", type);
	else if (!blkid_probe_lookup_value(pr, "PTTYPE", &type, NULL))
		snprintf(name, SIGNATURE_NAME, "a partition table (%s)", type);
	else
		snprintf(name, SIGNATURE_NAME, "something that has no name");
	return 1;
}

int signature_find_other(int fd, char name[SIGNATURE_NAME])
{
	blkid_probe pr;
	int found;

	*name = 0;
	if (has_btt(fd)) {
		snprintf(name, SIGNATURE_NAME, "pmem namespace information (BTT)");
		return 1;
	}
	errno = 0;
	pr = probe_create(fd);
	if (!pr)
		return error_of(errno);
	found = probe_name(pr, name);
	blkid_free_probe(pr);
	return found;
}

int signature_find(int fd, char name[SIGNATURE_NAME])
{
	if (!has_table(fd))
		return signature_find_other(fd, name);
	snprintf(name, SIGNATURE_NAME, "a ZUFS device table");
	return 1;
}

static int wipe_all(blkid_probe pr)
{
	unsigned int i;
	int found;

	for (i = 0; i < WIPES_MAX; i++) {
		errno = 0;
		found = blkid_do_probe(pr);
		if (found > 0)
			return 0;
		/* steps back, so that the next probe meets what was behind it */
		if (found < 0 || blkid_do_wipe(pr, false))
			return error_of(errno);
	}
	return -ELOOP;
}

int signature_wipe(int fd)
{
	static const char zeros[sizeof(btt)];
	blkid_probe pr;
	int err;

	if (has_btt(fd) && pwrite(fd, zeros, sizeof(zeros), BTT_OFFSET) < 0)
		return -errno;
	errno = 0;
	pr = probe_create(fd);
	if (!pr)
		return error_of(errno);
	err = wipe_all(pr);
	blkid_free_probe(pr);
	return err;
}
