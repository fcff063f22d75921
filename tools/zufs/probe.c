// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs probe: what table is on a device; as text, as JSON, or as the lines that a udev rule
 * imports. Reads only. Exit status 0 means: a valid table of an installed type.
 */
#include <endian.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "zufs.h"

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_UDEV,
};

static unsigned int version_of(const struct device *dev)
{
	return le16toh(dev->mdt.s_version);
}

static const char *role_of(const struct device *dev, unsigned int index)
{
	return index < zus_md_t1_count(&dev->mdt) ? "T1" : "T2";
}

static uint64_t bytes_of(const struct device *dev, unsigned int index)
{
	return zus_md_dev_blocks(&dev->mdt, index) << ZUS_BLOCK_SHIFT;
}

static unsigned int count_of(const struct device *dev)
{
	return zus_md_t1_count(&dev->mdt) + zus_md_t2_count(&dev->mdt);
}

/* As udev has it: what may stand in a file name or a rule, '_' instead of anything else. */
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("#+-.:=@_", c));
}

static const char *printable(const char *label, char *text, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && label[i]; i++)
		text[i] = is_plain(label[i]) ? label[i] : '_';
	text[i] = 0;
	return text;
}

static void print_text(const struct device *dev)
{
	unsigned int i, index = device_index(dev);
	char uuid[37], label[MDT_LABEL_SIZE];

	printf("device    %s\n", dev->path);
	printf("type      %s\n", dev->type.name);
	printf("version   %u.%u\n", version_of(dev) / MD_MINORS_PER_MAJOR,
	       version_of(dev) % MD_MINORS_PER_MAJOR);
	device_set_uuid(dev, uuid);
	printf("set       %s\n", uuid);
	if (dev->label[0])
		printf("label     %s\n", printable(dev->label, label, sizeof(label)));
	for (i = 0; i < count_of(dev); i++) {
		device_uuid(dev, i, uuid);
		printf("member %-2u %s  %s  %llu MiB%s\n", i, uuid, role_of(dev, i),
		       (unsigned long long)(bytes_of(dev, i) >> 20),
		       i == index ? "  (this device)" : "");
	}
}

static void print_json(const struct device *dev)
{
	char text[37];
	struct json j;
	unsigned int i;

	json_start(&j, stdout);
	json_str(&j, "device", dev->path);
	json_num(&j, "bytes", dev->bytes);
	json_str(&j, "type", dev->type.name);
	snprintf(text, sizeof(text), "%u.%u", version_of(dev) / MD_MINORS_PER_MAJOR,
		 version_of(dev) % MD_MINORS_PER_MAJOR);
	json_str(&j, "version", text);
	device_set_uuid(dev, text);
	json_str(&j, "set_uuid", text);
	json_str(&j, "label", dev->label);
	json_num(&j, "index", device_index(dev));
	json_begin(&j, "members", '[');
	for (i = 0; i < count_of(dev); i++) {
		json_begin(&j, NULL, '{');
		device_uuid(dev, i, text);
		json_str(&j, "uuid", text);
		json_str(&j, "role", role_of(dev, i));
		json_num(&j, "bytes", bytes_of(dev, i));
		json_end(&j, '}');
	}
	json_end(&j, ']');
	json_finish(&j);
}

static void print_udev(const struct device *dev)
{
	char uuid[37], set[37], label[MDT_LABEL_SIZE];
	const char *at;

	device_uuid(dev, device_index(dev), uuid);
	device_set_uuid(dev, set);
	printf("ID_FS_TYPE=%s\n", dev->type.name);
	printf("ID_FS_USAGE=filesystem\n");
	printf("ID_FS_UUID=%s\n", uuid);
	printf("ID_FS_UUID_ENC=%s\n", uuid);
	if (dev->label[0]) {
		printf("ID_FS_LABEL=%s\nID_FS_LABEL_ENC=",
		       printable(dev->label, label, sizeof(label)));
		for (at = dev->label; *at; at++)
			printf(is_plain(*at) ? "%c" : "\\x%02x", (unsigned char)*at);
		printf("\n");
	}
	printf("ZUFS_DEV_UUID=%s\n", uuid);
	printf("ZUFS_SET_UUID=%s\n", set);
	printf("ZUFS_DEV_INDEX=%u\n", device_index(dev));
	printf("ZUFS_DEV_ROLE=%s\n", role_of(dev, device_index(dev)));
}

static int probe(const char *path, enum format format)
{
	struct fstype_list types;
	struct device dev;
	int err;

	if (fstypes_load(&types))
		return EXIT_FAILED;
	err = device_probe(path, &types, &dev);
	fstypes_free(&types);
	if (err)
		return EXIT_FAILED;
	if (dev.content != DEVICE_TABLE) {
		msg("%s: carries %s", path, dev.text);
		return EXIT_FAILED;
	}
	if (format == FORMAT_UDEV)
		print_udev(&dev);
	else if (format == FORMAT_JSON)
		print_json(&dev);
	else
		print_text(&dev);
	return EXIT_OK;
}

int cmd_probe(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "udev", no_argument, NULL, 'u' },
		{ 0 }
	};
	enum format format = FORMAT_TEXT;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'j')
			format = FORMAT_JSON;
		else if (c == 'u')
			format = FORMAT_UDEV;
		else
			return usage_of("probe", c == 'h');
	}
	if (argc - optind != 1)
		return usage_of("probe", false);
	return probe(argv[optind], format);
}
