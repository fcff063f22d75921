/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private mounts: a tool (fsck, dump, mkfs of large sets) gets the devices and the memory of a set
 * without a mount and without a server. The kernel opens the devices for it alone, checks
 * their tables as for a mount, and maps T1; channels and operations there are none.
 *
 * One struct belongs to one thread. A process that ends gives everything back.
 */
#ifndef ZUS_PRIVATE_H
#define ZUS_PRIVATE_H

#include <stdint.h>
#include <zuf/zus_api.h>
#include <zus/md.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_private {
	struct zus_md *md;		/* mapped T1, geometry, the table that the kernel took */
	uint64_t sb_id;
	int root_fd;			/* the caller's */
	int fd;
};

/*
 * Of the set that a device (absolute path) is a member of. info says what the tables must be:
 * FS_magic, FS_ver_major, FS_ver_minor, dt_offset. -EINVAL: a table or a member is bad, -EBUSY: in
 * use, -ENOENT and others: a member is missing, -ENODEV: one cannot be T1.
 */
int zus_private_mount(struct zus_private *p, int root_fd, const struct register_fs_info *info,
		      const char *device);
void zus_private_umount(struct zus_private *p);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_PRIVATE_H */
