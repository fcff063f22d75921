// SPDX-License-Identifier: BSD-2-Clause
/*
 * probefs as a shared object, for the loader's tests: the exported table is a copy of
 * probe_plugin's fields. No state.
 */
#include "probefs.h"

const struct zus_plugin zus_plugin = {
	ZUS_PLUGIN_HEAD,
	.sb_size = sizeof(struct probe_sb),
	.name = "probe",
	.info = { .fsname = "probe", .FS_magic = 0x50524f42, .FS_ver_major = 1 },
	.ops = &probe_ops,
};
