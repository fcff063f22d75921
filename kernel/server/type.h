/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * type.h - file-system types that servers have registered
 */
#ifndef ZUF_TYPE_H
#define ZUF_TYPE_H

#include <linux/fs.h>
#include <linux/init.h>
#include "zuf/zus_api.h"

struct zuf_root;

/*
 * struct zuf_type - a file-system type that "mount -t" accepts
 *
 * It is static for the life of the module: lockdep needs that, and a mount may hold a type
 * beyond the end of its root. All fields are under zuf_types_lock; a super-block keeps what it
 * needs of @rfi and @zus_zfi.
 */
struct zuf_type {
	struct file_system_type fst;
	char name[sizeof_field(struct register_fs_info, fsname) + 1];
	bool listed;			/* register_filesystem() was called */
	struct zuf_root *root;		/* the root whose server serves the type, referenced; or
					 * NULL */
	u32 gen;			/* generation of that server */
	u64 zus_zfi;
	struct register_fs_info rfi;
};

/* The entry points that the VFS calls for a type; the layer above provides them. */
struct zuf_type_ops {
	int (*init_fs_context)(struct fs_context *fc);
	void (*kill_sb)(struct super_block *sb);
};

/* Must be called before the first registration. */
void __init zuf_types_init(const struct zuf_type_ops *ops);

/* What a mount needs to know about its type. */
struct zuf_type_info {
	struct zuf_type *type;
	struct zuf_root *root;		/* referenced */
	u32 gen;
	u64 zus_zfi;
	struct register_fs_info rfi;
};

/* Return: -ENODEV: the type's root is gone. The caller puts info->root. */
int zuf_type_info(struct file_system_type *fst, struct zuf_type_info *info);
/* The root goes away: its types are no longer known. */
void zuf_type_drop_root(struct zuf_root *root);
/* Write the names that the root's live server has registered, separated by blanks. */
size_t zuf_type_names(struct zuf_root *root, char *buf, size_t size);

/* ZU_IOC_REGISTER_FS: argument from user space, result of the ioctl. */
long zuf_ioc_register_fs(struct zuf_root *root, void __user *arg);

#endif
