// SPDX-License-Identifier: BSD-2-Clause
/*
 * The device table of the set and where its members are; as text or as JSON.
 */
#define _GNU_SOURCE
#include "fsck.h"

#include <endian.h>
#include <stdio.h>

#include "json.h"

static const char *role_of(const struct fsck *f, unsigned int index)
{
	return index < zus_md_t1_count(&f->mdt) ? "T1" : "T2";
}

static uint64_t bytes_of(const struct fsck *f, unsigned int index)
{
	return zus_md_dev_blocks(&f->mdt, index) << ZUS_BLOCK_SHIFT;
}

static void uuid_of(const struct fsck *f, unsigned int index, char text[37])
{
	zus_uuid_format(f->mdt.s_dev_list.dev_ids[index].uuid.b, text);
}

static const char *path_of(const struct fsck *f, unsigned int index)
{
	return f->by_index[index] ? f->by_index[index]->bd.path : NULL;
}

static void version_of(const struct fsck *f, char text[16])
{
	unsigned int version = le16toh(f->mdt.s_version);

	snprintf(text, 16, "%u.%u", version / MD_MINORS_PER_MAJOR, version % MD_MINORS_PER_MAJOR);
}

static void dump_text(const struct fsck *f)
{
	char uuid[37], version[16];
	unsigned int i;

	zus_uuid_format(f->mdt.s_uuid.b, uuid);
	version_of(f, version);
	printf("set       %s\nversion   %s\nflags     %#llx\n", uuid, version,
	       (unsigned long long)le64toh(f->mdt.s_flags));
	printf("T1        %llu blocks\nT2        %llu blocks\n",
	       (unsigned long long)le64toh(f->mdt.s_t1_blocks),
	       (unsigned long long)le64toh(f->mdt.s_t2_blocks));
	for (i = 0; i < members_wanted(f); i++) {
		const char *path = path_of(f, i);

		uuid_of(f, i, uuid);
		printf("member %-2u %s  %s  %llu MiB  %s\n", i, uuid, role_of(f, i),
		       (unsigned long long)bytes_of(f, i) >> 20, path ? path : "(missing)");
	}
}

static void dump_json(const struct fsck *f)
{
	char text[37];
	unsigned int i;
	struct json j;

	json_start(&j, stdout);
	json_num(&j, "errors", f->errors);
	json_num(&j, "fixed", f->fixed);
	if (f->has_table) {
		zus_uuid_format(f->mdt.s_uuid.b, text);
		json_str(&j, "set_uuid", text);
		version_of(f, text);
		json_str(&j, "version", text);
		json_num(&j, "flags", le64toh(f->mdt.s_flags));
		json_num(&j, "t1_blocks", le64toh(f->mdt.s_t1_blocks));
		json_num(&j, "t2_blocks", le64toh(f->mdt.s_t2_blocks));
	}
	json_begin(&j, "members", '[');
	for (i = 0; f->has_table && i < members_wanted(f); i++) {
		json_begin(&j, NULL, '{');
		uuid_of(f, i, text);
		json_str(&j, "uuid", text);
		json_str(&j, "role", role_of(f, i));
		json_num(&j, "bytes", bytes_of(f, i));
		json_str(&j, "device", path_of(f, i));
		json_end(&j, '}');
	}
	json_end(&j, ']');
	json_finish(&j);
}

int dump_set(const struct fsck *f)
{
	if (f->json)
		dump_json(f);
	else if (f->has_table)
		dump_text(f);
	return fflush(stdout) ? -1 : 0;
}
