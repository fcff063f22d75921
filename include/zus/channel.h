/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transport to the kernel module: the zuf root, its special files, their ioctls and mappings.
 *
 * Knows nothing of file systems: messages come out of zus_channel_wait and zus_mounter_wait
 * and go to zus_dispatch / zus_dispatch_mount. A channel belongs to the thread that opened it,
 * which must be pinned to its CPU before. All return 0 or -errno unless named.
 */
#ifndef ZUS_CHANNEL_H
#define ZUS_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <zuf/zus_api.h>
#include <zus/env.h>
#include <zus/md.h>
#include <zus/server.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZUS_ROOT_DEFAULT	"/sys/fs/zuf"
#define ZUS_MAX_COMMAND		(64U * 1024)
#define ZUS_CONTROL_DIR		"/run/zufs"

/* A directory descriptor, or -errno (-ENODEV: there is no zuf root mounted). */
int zus_root_open(const char *path);
/*
 * Where the server of this root has its control socket: ZUS_CONTROL_DIR/control-N, with the minor
 * number of the root's device. The NUL counts in size; -ENAMETOOLONG.
 */
int zus_control_path(int root_fd, char *path, size_t size);
/* Makes a type known to the kernel. */
int zus_register_type(int root_fd, const struct zus_type *type);
/* The CPUs that are online now. */
int zus_numa_online_cpus(int root_fd, struct zufs_cpu_set *set);
/* Wakes every waiting channel and the mounter with BREAK. */
int zus_break_all(int root_fd);

/* ---- one channel of the calling thread's CPU ---- */

struct zus_channel {
	struct zus_cmd cmd;		/* what zus_dispatch wants */
	int fd;
};

/*
 * Channel `channel_no` of the CPU that the caller is pinned to, with its buffer and window; and its
 * end, by the thread that opened it.
 */
int zus_channel_open(struct zus_channel *ch, int root_fd, unsigned int channel_no, int cpu);
void zus_channel_close(struct zus_channel *ch);
/*
 * Hands over the answer in the buffer and waits for the next message. -EINTR: nothing has
 * come, wait again; other errors: the buffer holds nothing to execute.
 */
int zus_channel_wait(struct zus_channel *ch);

/* ---- the mounter ---- */

struct zus_mounter {
	struct zufs_ioc_mount *msg;	/* the message, in a buffer of `size` bytes */
	size_t size;
	int fd;
};

/* The mounter of a root, with its buffer; and its end. */
int zus_mounter_open(struct zus_mounter *m, int root_fd);
void zus_mounter_close(struct zus_mounter *m);
/* As zus_channel_wait; -EINTR also stands for BREAK. */
int zus_mounter_wait(struct zus_mounter *m);

/* ---- devices of a mount, the ctx of struct zus_host is the address of root_fd ---- */

/* grab and release of struct zus_host: T1 is mapped, on a boundary of 2 MiB, and unmapped. */
int zus_pmem_grab(void *root_fd, uint64_t sb_id, struct zus_md **md);
void zus_pmem_release(void *root_fd, struct zus_md *md);

/* ---- iomap execution outside of an operation: a pool of exec buffers of a root ---- */

struct zus_execbuf_pool;

/* The pool is empty at first; nobody may use it when it is destroyed. */
int zus_execbuf_pool_create(struct zus_execbuf_pool **pool, int root_fd);
void zus_execbuf_pool_destroy(struct zus_execbuf_pool *pool);

struct zus_execbuf_list {
	uint64_t sb_id;
	uint64_t sbi_cookie;
	const uint64_t *words;		/* not needed any more when the call returns */
	uint32_t n;
	uint32_t flags;			/* ZUFS_IOM_EXEC_* */
	bool wait;			/* for its end; else IOM_DONE comes with the cookie */
	uint64_t cookie;
};

/*
 * What an environment's iomap entries do; any number of threads at a time. -E2BIG: longer than
 * a buffer may become (1 MiB); -EAGAIN: too many lists without `wait` are under way.
 */
int zus_execbuf_run(struct zus_execbuf_pool *pool, const struct zus_execbuf_list *list);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_CHANNEL_H */
