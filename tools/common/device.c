// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is on a device; see device.h. Reads only: the table at the offset of each installed
 * type, and the start of the device. Little-endian machines only, as the ABI itself.
 */
#define _GNU_SOURCE
#include "device.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "msg.h"

#define BLANK_BYTES	(1024 * 1024)

static int get_size(int fd, const char *path, uint64_t *bytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return msg_errno(errno, "%s", path);
	if (S_ISREG(st.st_mode)) {
		*bytes = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode)) {
		msg("%s: neither a block device nor an ordinary file", path);
		return -ENOTBLK;
	}
	if (ioctl(fd, BLKGETSIZE64, bytes))
		return msg_errno(errno, "%s: size of the device", path);
	return 0;
}

/* The table at this offset, if it can be read. */
static bool read_table(int fd, const struct device *dev, uint64_t offset,
		       struct md_dev_table *mdt)
{
	if (dev->bytes < MDT_SIZE || offset > dev->bytes - MDT_SIZE)
		return false;
	return zus_mdt_read(fd, offset, mdt) == 0;
}

/* Why a table with the right magic is not valid, or NULL. */
static const char *find_fault(const struct device *dev, const struct fstype *type)
{
	const char *why;

	if (zus_mdt_check(&dev->mdt, type->magic, type->version_major, type->version_minor,
			  &why))
		return why;
	if (zus_md_dev_blocks(&dev->mdt, device_index(dev)) > dev->bytes >> ZUS_BLOCK_SHIFT)
		return "the device is smaller than its table says";
	return NULL;
}

/* Does a type recognise the device as its own? Sets everything if it does. */
static bool type_claims(int fd, struct device *dev, const struct fstype *type)
{
	const char *fault;

	if (type->dt_offset == FSTYPE_NO_TABLE ||
	    !read_table(fd, dev, type->dt_offset, &dev->mdt) ||
	    le32toh(dev->mdt.s_magic) != type->magic)
		return false;
	dev->type = *type;
	fault = find_fault(dev, type);
	if (fault) {
		dev->content = DEVICE_BROKEN;
		snprintf(dev->text, sizeof(dev->text), "a broken table of %s (%s)",
			 type->name, fault);
	} else {
		dev->content = DEVICE_TABLE;
		snprintf(dev->text, sizeof(dev->text), "a valid table of %s", type->name);
	}
	return true;
}

/* The rules that hold for the table of any type. */
static bool looks_like_table(const struct md_dev_table *mdt)
{
	uint16_t version = le16toh(mdt->s_version);

	return zus_mdt_check(mdt, le32toh(mdt->s_magic), version / MD_MINORS_PER_MAJOR,
			     version % MD_MINORS_PER_MAJOR, NULL) == 0;
}

static void classify(int fd, const struct fstype_list *types, struct device *dev)
{
	size_t i;

	for (i = 0; i < types->count; i++)
		if (type_claims(fd, dev, &types->types[i]))
			return;
	if (read_table(fd, dev, 0, &dev->mdt) && looks_like_table(&dev->mdt)) {
		dev->content = DEVICE_UNKNOWN;
		snprintf(dev->text, sizeof(dev->text),
			 "the table of a type that is not installed (magic %#x)",
			 le32toh(dev->mdt.s_magic));
	} else {
		dev->content = DEVICE_NO_TABLE;
		snprintf(dev->text, sizeof(dev->text), "no device table");
	}
}

/* On the first T1 device, where the file system has one. */
static void read_label(int fd, struct device *dev)
{
	off_t at = (off_t)dev->type.dt_offset + MDT_LABEL_OFFSET;

	if (device_index(dev) || dev->bytes < MDT_SIZE ||
	    pread(fd, dev->label, sizeof(dev->label), at) != (ssize_t)sizeof(dev->label))
		dev->label[0] = 0;
	dev->label[sizeof(dev->label) - 1] = 0;
}

int device_probe(const char *path, const struct fstype_list *types, struct device *dev)
{
	int fd, err;

	memset(dev, 0, sizeof(*dev));
	dev->path = path;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return msg_errno(errno, "%s", path);
	err = get_size(fd, path, &dev->bytes);
	if (!err)
		classify(fd, types, dev);
	if (!err && dev->content == DEVICE_TABLE)
		read_label(fd, dev);
	close(fd);
	return err;
}

/* Is its start all zeros? */
static int start_is_blank(int fd, bool *blank)
{
	char *buf = malloc(BLANK_BYTES);
	ssize_t n = buf ? pread(fd, buf, BLANK_BYTES, 0) : -1;
	int err = n < 0 ? -errno : 0;

	if (!err)
		*blank = n == 0 || (!buf[0] && !memcmp(buf, buf + 1, (size_t)n - 1));
	free(buf);
	return err;
}

int device_is_blank(const char *path, bool *blank, char what[SIGNATURE_NAME])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), found;

	if (fd < 0)
		return msg_errno(errno, "%s", path);
	found = signature_find(fd, what);
	*blank = false;
	if (!found) {
		snprintf(what, SIGNATURE_NAME, "other data");
		found = start_is_blank(fd, blank);
	}
	close(fd);
	return found < 0 ? msg_errno(found, "%s: reading what it carries", path) : 0;
}

void device_set_uuid(const struct device *dev, char text[37])
{
	zus_uuid_format(dev->mdt.s_uuid.b, text);
}

void device_uuid(const struct device *dev, unsigned int index, char text[37])
{
	zus_uuid_format(dev->mdt.s_dev_list.dev_ids[index].uuid.b, text);
}
