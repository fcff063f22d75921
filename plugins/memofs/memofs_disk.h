/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memofs keeps on media: the device table of zuf/md_def.h in the first 4096 bytes of every
 * device, nothing else. Shared by the plugin and by mkfs.memofs. All other
 * blocks hold whatever the last mount left there.
 *
 *	offset	size	content
 *	0	4096	struct md_dev_table: magic and version as below
 *	4096	-	not used between mounts
 */
#ifndef MEMOFS_DISK_H
#define MEMOFS_DISK_H

#define MEMOFS_MAGIC		0x4f4d454d	/* "MEMO" */
#define MEMOFS_VER_MAJOR	1
#define MEMOFS_VER_MINOR	0

#endif /* MEMOFS_DISK_H */
