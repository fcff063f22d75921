/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of libzus share with each other and with nobody else. Not installed; no
 * symbol declared here is exported. Locking: see each function's own file.
 */
#ifndef LIB_INTERNAL_H
#define LIB_INTERNAL_H

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zus/fs.h>
#include <zus/server.h>

/* Entries of the default environment; pmem.c, log.c. */
void zus_pmem_flush(const struct zus_env *env, const void *addr, size_t bytes);
void zus_pmem_fence(const struct zus_env *env);
void zus_pmem_copy_nt(const struct zus_env *env, void *dst, const void *src, size_t bytes);
void zus_pmem_zero_nt(const struct zus_env *env, void *dst, size_t bytes);
void zus_log_stderr(const struct zus_env *env, int level, const char *fmt, va_list ap);

/* A registered type; ops is a full-size copy with NULL for what the plugin does not have. */
struct zus_type {
	const struct zus_plugin *plugin;
	struct zus_plugin table;	/* a full-size copy, 0 for what it does not have */
	const struct zus_env *env;
	struct zus_fs_ops ops;
	struct zus_fs_ops own;		/* of a read-only type: ops as the plugin has them */
	pthread_mutex_t lock;
	struct zus_sb *mounted;		/* linked by next; under lock */
};

static inline bool zus_type_is_read_only(const struct zus_type *type)
{
	return type->table.flags & ZUS_PLUGIN_READ_ONLY;
}

/* readonly.c: what would change something is -EROFS from now on. */
void zus_type_make_read_only(struct zus_type *type);

/* A super-block is mounted, or is not any more; plugin.c. */
void zus_type_add_mount(struct zus_type *type, struct zus_sb *sb);
void zus_type_remove_mount(struct zus_type *type, const struct zus_sb *sb);

/* One message under way, on the stack of the dispatching thread. */
struct zus_op {
	struct zus_cmd *cmd;
	struct zufs_ioc_hdr *hdr;	/* the message */
	size_t room;			/* bytes from hdr to the end of the command buffer */
};

typedef int (*zus_op_fn)(struct zus_op *op);

/* dispatch_name.c */
int zus_do_new_inode(struct zus_op *op);
int zus_do_free_inode(struct zus_op *op);
int zus_do_evict_inode(struct zus_op *op);
int zus_do_lookup(struct zus_op *op);
int zus_do_iget(struct zus_op *op);
int zus_do_get_label(struct zus_op *op);
int zus_do_set_label(struct zus_op *op);
int zus_do_add_dentry(struct zus_op *op);
int zus_do_remove_dentry(struct zus_op *op);
int zus_do_rename(struct zus_op *op);
int zus_do_readdir(struct zus_op *op);

/* dispatch_io.c */
int zus_do_read(struct zus_op *op);
int zus_do_write(struct zus_op *op);
int zus_do_pre_read(struct zus_op *op);
int zus_do_fallocate(struct zus_op *op);
int zus_do_get_multy(struct zus_op *op);
int zus_do_put_multy(struct zus_op *op);
int zus_do_clone(struct zus_op *op);
int zus_do_sync(struct zus_op *op);
int zus_do_seek(struct zus_op *op);
int zus_do_fiemap(struct zus_op *op);
int zus_do_mmap_close(struct zus_op *op);

/* quarantine.c */
int zus_do_t1_runs(struct zus_op *op);
/* -ENOMEM. */
int zus_quarantine_create(struct zus_sb *sb);
/* What was given back and is busy becomes the plugin's; nothing is asked any more. */
void zus_quarantine_destroy(struct zus_sb *sb);

/* iomap_exec.c */
int zus_do_iom_done(struct zus_op *op);

/* dispatch_attr.c */
int zus_do_statfs(struct zus_op *op);
int zus_do_show_options(struct zus_op *op);
int zus_do_setattr(struct zus_op *op);
int zus_do_xattr_get(struct zus_op *op);
int zus_do_xattr_set(struct zus_op *op);
int zus_do_xattr_list(struct zus_op *op);
int zus_do_ioctl(struct zus_op *op);
int zus_do_ioctls(struct zus_op *op);

/* The app data that the message speaks of, or NULL if it does not lie in the window. */
void *zus_op_window(const struct zus_op *op);

/* Checks a handle that a plugin made; -EIO (and a log line) if the kernel must not get it. */
int zus_check_handle(const struct zus_sb *sb, const struct zus_ii *ii, const char *what);

static inline struct zus_ii *zus_ii_of(uint64_t cookie)
{
	return (struct zus_ii *)(uintptr_t)cookie;
}

static inline struct zus_sb *zus_sb_of(uint64_t cookie)
{
	return (struct zus_sb *)(uintptr_t)cookie;
}

static inline uint64_t zus_cookie(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static inline const struct zus_fs_ops *zus_ops_of(const struct zus_ii *ii)
{
	return &ii->sb->type->ops;
}

/* channel.c: an unnamed file of a root, or -errno; an ioctl on one, both of its results. */
int zus_special_open(int root_fd);
int zus_special_ioctl(int fd, unsigned long request, void *arg);

/* thread.c: what the calling thread is doing, for zus_signal_pending, zus_current_cpu. */
void zus_thread_set_op(const struct zufs_ioc_hdr *hdr, int cpu);
const struct zufs_ioc_hdr *zus_thread_op(void);

/* number.c: that of the calling thread, from its creator; it serves a channel from now on. */
void zus_thread_number_set_own(unsigned int number);
void zus_thread_number_serves(void);

/* current.c: the message that the mounter has, NULL afterwards. */
void zus_current_set_mount(const struct zufs_ioc_mount *msg);

#endif /* LIB_INTERNAL_H */
