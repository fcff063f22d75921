// SPDX-License-Identifier: BSD-2-Clause
/*
 * The set as the kernel sees it: a private mount, which checks tables, members, checksums and sizes
 * as a mount does, and the tables of all T1 devices read through the mapped memory.
 *
 * Done last, with no problem left and the devices closed: the kernel wants them for itself.
 * Without a zuf root, or on image files, there is nobody to ask, which is no error.
 */
#define _GNU_SOURCE
#include "fsck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zus/channel.h>
#include <zus/private.h>

#include "memofs_disk.h"
#include "msg.h"

static void check_tables(struct fsck *f, const struct zus_md *md)
{
	unsigned int i, n = zus_md_t1_count(&f->mdt);
	struct md_dev_table mdt;
	uint64_t bn = 0;

	if (!tables_agree(&md->mdt, &f->mdt)) {
		fsck_error(f, "the kernel found another table than we did");
		return;
	}
	for (i = 0; i < n; bn += zus_md_dev_blocks(&f->mdt, i++)) {
		/* somebody may change it: one look */
		memcpy(&mdt, zus_t1_addr(md, bn), sizeof(mdt));
		if (zus_mdt_check(&mdt, MEMOFS_MAGIC, MEMOFS_VER_MAJOR, MEMOFS_VER_MINOR, NULL) ||
		    !tables_agree(&mdt, &f->mdt) || mdt.s_dev_list.id_index != i)
			fsck_error(f, "T1 block %llu is not the table of member %u",
				   (unsigned long long)bn, i);
	}
}

static int ask(struct fsck *f, int root_fd, const char *path)
{
	struct register_fs_info info = {
		.FS_magic = MEMOFS_MAGIC,
		.FS_ver_major = MEMOFS_VER_MAJOR,
		.FS_ver_minor = MEMOFS_VER_MINOR,
	};
	struct zus_private p;
	int err;

	memcpy(info.fsname, "memofs", sizeof("memofs"));
	err = zus_private_mount(&p, root_fd, &info, path);
	if (err == -EBUSY) {
		msg("%s is in use", path);
		return FSCK_FAILED;
	}
	if (err) {
		fsck_error(f, "the kernel refuses the set: %s", strerror(-err));
		return 0;
	}
	check_tables(f, p.md);
	zus_private_umount(&p);
	return 0;
}

int kernel_check(struct fsck *f)
{
	const struct member *m = f->by_index[0];
	char *path = m->bd.is_block ? realpath(m->bd.path, NULL) : NULL;
	int root_fd = path ? zus_root_open(f->root) : -ENODEV;
	int ret = 0;

	if (root_fd >= 0) {
		ret = ask(f, root_fd, path);
		close(root_fd);
	} else if (f->verbose && !f->json) {
		printf("the kernel was not asked: %s\n",
		       path ? "there is no zuf root" : "the members are files");
	}
	free(path);
	return ret;
}
