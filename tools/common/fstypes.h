/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file-system types that are installed: what the plugins in the plugin folder say of
 * themselves. A plugin is loaded only to read its table and unloaded again.
 */
#ifndef TOOLS_FSTYPES_H
#define TOOLS_FSTYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fstype {
	char name[16];			/* of mount -t */
	uint32_t magic;
	uint32_t version_major;
	uint32_t version_minor;
	uint64_t dt_offset;		/* of the device table; ~0: devices carry none */
};

#define FSTYPE_NO_TABLE	(~(uint64_t)0)

struct fstype_list {
	struct fstype *types;
	size_t count;
};

/* Where plugins are: $ZUFS_PLUGIN_DIR or the folder of the installation. */
const char *fstypes_dir(void);
/* It is the one that the environment names. */
bool fstypes_dir_is_given(void);

/* All of them, sorted by name. A missing folder is an empty list. 0 or -errno with a message. */
int fstypes_load(struct fstype_list *list);
void fstypes_free(struct fstype_list *list);

const struct fstype *fstypes_by_name(const struct fstype_list *list, const char *name);
const struct fstype *fstypes_by_magic(const struct fstype_list *list, uint32_t magic);

#endif
