// SPDX-License-Identifier: BSD-2-Clause
/*
 * probefs as a shared object, for the loader's tests: the exported table is a copy of
 * probe_plugin's fields. No state. With PROBE_ABI it says that it is of that version of the
 * interface, and of the type "alien".
 */
#include "probefs.h"

#ifdef PROBE_ABI
#define PROBE_TYPE	"alien"
#define PROBE_HEAD	.abi_version = PROBE_ABI, .size = sizeof(struct zus_plugin), \
			.ops_size = sizeof(struct zus_fs_ops)
#else
#define PROBE_TYPE	"probe"
#define PROBE_HEAD	ZUS_PLUGIN_HEAD
#endif

const struct zus_plugin zus_plugin = {
	PROBE_HEAD,
	.sb_size = sizeof(struct probe_sb),
	.name = PROBE_TYPE,
	.info = { .fsname = PROBE_TYPE, .FS_magic = 0x50524f42, .FS_ver_major = 1 },
	.ops = &probe_ops,
};
