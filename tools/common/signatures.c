// SPDX-License-Identifier: BSD-2-Clause
/*
 * What lies on a device already: the signatures of common file systems, volume managers and
 * partition tables, and any valid ZUFS device table. Called by mkfs and fsck before they
 * write; reads only.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <zus/md.h>

#include "signatures.h"

static const struct signature {
	const char *name;
	uint32_t offset;
	uint8_t len;
	const char *bytes;
} signatures[] = {
	{ "XFS", 0, 4, "XFSB" },
	{ "ext2/3/4", 1080, 2, "\x53\xef" },
	{ "Btrfs", 65600, 8, "_BHRfS_M" },
	{ "F2FS", 1024, 4, "\x10\x20\xf5\xf2" },
	{ "EROFS", 1024, 4, "\xe2\xe1\xf5\xe0" },
	{ "SquashFS", 0, 4, "hsqs" },
	{ "NTFS", 3, 8, "NTFS    " },
	{ "exFAT", 3, 8, "EXFAT   " },
	{ "FAT32", 82, 8, "FAT32   " },
	{ "FAT16", 54, 8, "FAT16   " },
	{ "FAT12", 54, 8, "FAT12   " },
	{ "ISO 9660", 32769, 5, "CD001" },
	{ "swap space", 4086, 10, "SWAPSPACE2" },
	{ "LUKS", 0, 6, "LUKS\xba\xbe" },
	{ "LVM", 536, 8, "LVM2 001" },
	{ "Linux RAID", 0, 4, "\xfc\x4e\x2b\xa9" },
	{ "Linux RAID", 4096, 4, "\xfc\x4e\x2b\xa9" },
	{ "bcache", 4120, 4, "\xc6\x85\x73\xf6" },
	{ "pmem namespace information (BTT)", 4096, 14, "BTT_ARENA_INFO" },
	{ "GUID partition table", 512, 8, "EFI PART" },
	{ "MBR partition table or boot sector", 510, 2, "\x55\xaa" },
};

static bool has_signature(int fd, const struct signature *s)
{
	char buf[16];

	return pread(fd, buf, s->len, s->offset) == s->len && !memcmp(buf, s->bytes, s->len);
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

const char *signature_find_other(int fd)
{
	size_t i;

	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		if (has_signature(fd, &signatures[i]))
			return signatures[i].name;
	}
	return NULL;
}

const char *signature_find(int fd)
{
	return has_table(fd) ? "a ZUFS device table" : signature_find_other(fd);
}
