// SPDX-License-Identifier: BSD-2-Clause
/*
 * Device tables: build, check, read and write, for mkfs and fsck tools and for the daemon's
 * own check of what GRAB_PMEM delivers.
 *
 * A table is written whole (4096 bytes, the unused rest zero) and synced. No state, no locks.
 */
#define _GNU_SOURCE
#include <zus/md.h>

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint64_t sum_blocks(const struct md_dev_table *mdt, unsigned int first,
			   unsigned int count)
{
	uint64_t sum = 0;

	while (count--)
		sum += zus_md_dev_blocks(mdt, first++);
	return sum;
}

void zus_mdt_set_index(struct md_dev_table *mdt, unsigned int index)
{
	mdt->s_dev_list.id_index = htole16((uint16_t)index);
	mdt->s_sum = htole16(md_table_sum(mdt));
}

int zus_mdt_build(const struct zus_mdt_spec *spec, struct md_dev_table *mdt)
{
	unsigned int i, n;

	memset(mdt, 0, sizeof(*mdt));
	if (!spec->t1_count || spec->version_minor >= MD_MINORS_PER_MAJOR ||
	    spec->version_major >= 65536 / MD_MINORS_PER_MAJOR)
		return -EINVAL;
	if (spec->t1_count > MD_DEV_MAX || spec->t2_count > MD_DEV_MAX - spec->t1_count)
		return -E2BIG;
	n = spec->t1_count + spec->t2_count;
	for (i = 0; i < n; i++) {
		struct md_dev_id *id = &mdt->s_dev_list.dev_ids[i];
		uint64_t bytes = spec->devs[i].bytes;

		if (!bytes || bytes & ZUFS_ALLOC_MASK)
			return -EINVAL;
		memcpy(id->uuid.b, spec->devs[i].uuid, sizeof(id->uuid.b));
		id->blocks = htole64(bytes >> ZUS_BLOCK_SHIFT);
	}
	mdt->s_version = htole16((uint16_t)(spec->version_major * MD_MINORS_PER_MAJOR +
					    spec->version_minor));
	mdt->s_magic = htole32(spec->magic);
	memcpy(mdt->s_uuid.b, spec->uuid, sizeof(mdt->s_uuid.b));
	mdt->s_flags = htole64(spec->flags);
	mdt->s_dev_list.t1_count = htole16((uint16_t)spec->t1_count);
	mdt->s_dev_list.t2_count = htole16((uint16_t)spec->t2_count);
	mdt->s_t1_blocks = htole64(sum_blocks(mdt, 0, spec->t1_count));
	mdt->s_t2_blocks = htole64(sum_blocks(mdt, spec->t1_count, spec->t2_count));
	zus_mdt_set_index(mdt, 0);
	return 0;
}

static const char *check_devices(const struct md_dev_table *mdt)
{
	unsigned int i, t1 = zus_md_t1_count(mdt), t2 = zus_md_t2_count(mdt);

	if (!t1)
		return "no T1 device in the table";
	if (t1 > MD_DEV_MAX || t2 > MD_DEV_MAX - t1)
		return "too many devices in the table";
	if (le16toh(mdt->s_dev_list.id_index) >= t1 + t2)
		return "the table's own index is out of range";
	for (i = 0; i < t1 + t2; i++) {
		uint64_t blocks = zus_md_dev_blocks(mdt, i);

		if (!blocks || blocks & (ZUFS_ALLOC_MASK >> ZUS_BLOCK_SHIFT))
			return "a device's size is not a multiple of 2 MiB";
	}
	if (sum_blocks(mdt, 0, t1) != le64toh(mdt->s_t1_blocks) ||
	    sum_blocks(mdt, t1, t2) != le64toh(mdt->s_t2_blocks))
		return "the device sizes do not add up";
	return NULL;
}

static const char *check_table(const struct md_dev_table *mdt, uint32_t magic,
			       uint32_t major, uint32_t minor)
{
	uint16_t version = le16toh(mdt->s_version);

	if (le32toh(mdt->s_magic) != magic)
		return "another magic: not a device of this file system";
	if (le16toh(mdt->s_sum) != md_table_sum(mdt))
		return "bad checksum";
	if (version / MD_MINORS_PER_MAJOR != major || version % MD_MINORS_PER_MAJOR > minor)
		return "unknown version";
	return check_devices(mdt);
}

int zus_mdt_check(const struct md_dev_table *mdt, uint32_t magic, uint32_t version_major,
		  uint32_t version_minor, const char **why)
{
	const char *text = check_table(mdt, magic, version_major, version_minor);

	if (why)
		*why = text;
	return text ? -EINVAL : 0;
}

int zus_mdt_read(int fd, uint64_t dt_offset, struct md_dev_table *mdt)
{
	ssize_t n = pread(fd, mdt, sizeof(*mdt), (off_t)dt_offset);

	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(*mdt) ? 0 : -EIO;
}

int zus_mdt_write(int fd, uint64_t dt_offset, const struct md_dev_table *mdt)
{
	uint8_t block[MDT_SIZE] = { 0 };
	ssize_t n;

	/* what lies behind the table stays, where something can be read */
	if (pread(fd, block, sizeof(block), (off_t)dt_offset) < 0)
		memset(block, 0, sizeof(block));
	memcpy(block, mdt, sizeof(*mdt));
	n = pwrite(fd, block, sizeof(block), (off_t)dt_offset);
	if (n < 0)
		return -errno;
	if ((size_t)n != sizeof(block))
		return -EIO;
	return fsync(fd) ? -errno : 0;
}
