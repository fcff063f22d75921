/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memofs keeps on media: the device table of zuf/md_def.h in the first 4096 bytes of every
 * device, and a label. Shared by the plugin and by mkfs.memofs. All other
 * blocks hold whatever the last mount left there.
 *
 *	offset	size	content
 *	0	1728	struct md_dev_table: magic and version as below
 *	2048	256	MDT_LABEL_OFFSET, first T1 device only: the label, zeros from its end on
 *	4096	-	not used between mounts
 */
#ifndef MEMOFS_DISK_H
#define MEMOFS_DISK_H

#define MEMOFS_MAGIC		0x4f4d454d	/* "MEMO" */
#define MEMOFS_VER_MAJOR	1
#define MEMOFS_VER_MINOR	0

#endif /* MEMOFS_DISK_H */
