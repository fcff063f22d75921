/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of ZUFS in process (libzufake): mounts a plugin on anonymous memory and sends
 * it operations, without root, kernel or devices. For a plugin's own unit tests, under
 * sanitizers and in a debugger, and for fuzzing; `pkg-config libzufake`.
 *
 *	fake_create(&f, &zus_plugin, NULL);
 *	fake_mount(f, "option=1");
 *	t = fake_thread_create(f, 0);
 *	fake_creat(t, fake_root(f), "name", &node);
 *	fake_write(t, node, "text", 4, 0);
 *	fake_forget(t, node);
 *	fake_thread_destroy(t);
 *	fake_umount(f);
 *	fake_outstanding(f) is 0
 *	fake_destroy(f);
 *
 * A struct fake is one file system, mounted or not; a test may have any number of them. A struct
 * fake_thread is one caller with its own channel (command buffer, window): it belongs to one
 * thread of the test at a time, and any number of callers may be at work in parallel. The
 * operations take the locks that the kernel takes (zus/fs.h) and write the fields of the shared
 * inode that the kernel writes. Puts ride along with the caller's next message, or are sent before
 * an operation that must not overtake them, as by the kernel. Functions that take a struct fake
 * (create, mount, remount, umount, destroy) must be called one at a time, with no operation under
 * way, unless they are said to be for any thread.
 *
 * Results are 0 or -errno, or a number of bytes or entries, unless named. Errors are the plugin's
 * and the library's; besides these every operation may answer
 *	-EIO		after fake_fail(FAKE_MESSAGE): the message was not sent
 *	FAKE_BAD_ANSWER	the answer breaks the kernel-server interface
 * The fake answers nothing in the plugin's place: what the plugin refuses, or has no operation for,
 * is what the test gets. Mistakes of the test itself (it destroys a file system that still has
 * callers) are not checked, unless the text of a function says that they abort.
 *
 * No pointer that is passed is kept, but that to the plugin's table. Positions, lengths and sizes
 * are in bytes, pages and blocks are of 4 KiB, times are ns since the epoch.
 */
#ifndef ZUS_ZUFAKE_H
#define ZUS_ZUFAKE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zus/fs.h>
#include <zus/server.h>
#include <zus/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fake;
struct fake_thread;

/*
 * The answer breaks the interface, so the kernel would refuse it. No plugin and nothing in the
 * library returns it: a test that wants an error of these is not served by the fake.
 */
#define FAKE_BAD_ANSWER		(-EBADMSG)

/*
 * An inode as the caller sees it: the kernel's two words. By value; it is good from the call that
 * delivered it to the one that gives its reference back (fake_forget, fake_evict, fake_free).
 */
struct fake_node {
	uint64_t ii;			/* the cookie: the address of the plugin's struct zus_ii */
	struct zus_inode *zi;		/* in T1; NULL = no inode */
};

struct fake_opts {
	uint64_t t1_bytes;		/* of each T1 device, a multiple of 2 MiB; 0 = 16 MiB */
	unsigned int t1_count;		/* 1 .. 63; 0 = 1 */
	uint64_t t2_bytes;		/* a multiple of 2 MiB; 0 = no T2 device */
	bool no_table;			/* as the device `none`: one T1 device, nothing in it */
	uint64_t seed;			/* of zus_random(), and of the devices' UUIDs */
	/*
	 * Memory that is lent: T1 is this one, of t1_bytes * t1_count, or T2, of t2_bytes; on a
	 * page boundary. It is the fake's until fake_destroy, which leaves what stands there.
	 */
	void *t1, *t2;
	/*
	 * What they begin with, NULL = zeros: so many bytes, of the same plugin and sizes, as
	 * fake_md() or fake_after_crash() shows them. Memory that is lent may be an image itself:
	 * nothing is copied then.
	 */
	const void *t1_image, *t2_image;
	bool not_synchronous;		/* T1 is as virtio-pmem: zus_md_is_synchronous() */
};

/* ---- life ---- */

/**
 * fake_create() - devices of zeros with their tables, and the plugin's type
 * @f: out; not written after an error
 * @plugin: its table, which must stay until fake_destroy
 * @opts: NULL = defaults
 * Types with a dt_offset of ~0 have no table either. -EINVAL (also no_table with more than one
 * device, and an image without such a table), -E2BIG, -EPROTO (zus_plugin_check), -ENOMEM.
 */
int fake_create(struct fake **f, const struct zus_plugin *plugin,
		const struct fake_opts *opts);
/* Unmounts if needed, and frees all. All threads must be destroyed before. */
void fake_destroy(struct fake *f);

/**
 * fake_mount() - mounts it; what an earlier mount left in T1 and T2 is still there
 * @options: as mount -o, without those that the kernel takes
 * The plugin's error, or -EIO (FAKE_DEVICE, FAKE_MESSAGE, an unfit root), -ENOMEM.
 */
int fake_mount(struct fake *f, const char *options);
/* The same with ZUFS_M_* flags, ZUFS_M_RDONLY for instance. */
int fake_mount_flags(struct fake *f, const char *options, uint64_t flags);
/* remount_flags: ZUFS_REM_*. */
int fake_remount(struct fake *f, const char *options, uint64_t remount_flags);
/* Evicts the root and unmounts; the caller has evicted its nodes and destroyed its threads. */
int fake_umount(struct fake *f);
/* Unmounts as after a crash of the kernel's side: inodes are still there. */
int fake_umount_dirty(struct fake *f);
/*
 * The server is about to end: server_stop of the mount, which stays. How many mounts there are, 0
 * or 1.
 */
unsigned int fake_server_stop(struct fake *f);
/**
 * fake_server_die() - the server dies, as by SIGKILL, with what is mounted
 * The plugin is not told. Its lists are done first, as by the kernel, puts that wait are gone. Of
 * what it stores to T1 by zus/pmem.h nothing happens any more; its background threads are asked to
 * end and waited for (they must have been started by zus_env_thread_create, and end when they
 * are asked to); then all memory that the environment gave is freed. T1, T2 and callers stay as
 * they are, and fake_mount is next, or fake_destroy. Cheap: a process can mount and die 10^5 times.
 * No operation is under way. Nothing happens if nothing is mounted.
 */
void fake_server_die(struct fake *f);
/* The root of the mount; its reference belongs to the mount. */
struct fake_node fake_root(const struct fake *f);
/* What the plugin and the core answered to the mount: fs_caps, block size. */
const struct zufs_mount_info *fake_mount_info(const struct fake *f);
/* The devices; T1 may be looked at and spoiled at any time. */
const struct zus_md *fake_md(const struct fake *f);
/* The super-block, at whose address the plugin's own lies; NULL or old if it is not mounted. */
struct zus_sb *fake_sb(const struct fake *f);

/**
 * fake_thread_create() - a caller, for any mount of f
 * @cpu: what zus_current_cpu() says in its operations; 0 .. 7
 * NULL: no memory, or more than ZUS_THREADS_OTHER threads and callers. For any thread.
 */
struct fake_thread *fake_thread_create(struct fake *f, int cpu);
/*
 * What zus_thread_number() says in its operations, whatever thread of the test calls: each caller
 * has its own.
 */
unsigned int fake_thread_number(const struct fake_thread *t);
/* Sends its pending puts first, while it is mounted. */
void fake_thread_destroy(struct fake_thread *t);

/* ---- faults and counters; for any thread ---- */

enum fake_fault {
	FAKE_ALLOC,			/* an allocation of the plugin or the core is NULL */
	FAKE_MESSAGE,			/* a message is -EIO and does not reach the plugin */
	FAKE_DEVICE,			/* an access to T2, or a mount's grab of devices, is -EIO */
	FAKE_RANDOM,			/* zus_random() is -EIO */
	FAKE_THREAD,			/* zus_env_thread_create() is -EAGAIN */
	FAKE_FAULTS
};

/**
 * fake_fail() - the n-th of these fails, once, from now on
 * @n: 1 = the next one; 0 = none, also of an earlier call
 */
void fake_fail(struct fake *f, enum fake_fault what, uint64_t n);
/* True if the fault has struck since fake_fail. */
bool fake_fault_hit(struct fake *f, enum fake_fault what);
/*
 * What was taken and not given back yet: allocations of the plugin and of the core, background
 * threads that were not joined, and sets of devices that were grabbed. 0 when nothing is mounted,
 * or something leaks. What is given back and was not taken (by the function that belongs to it) is
 * an abort.
 */
int64_t fake_outstanding(struct fake *f);
/* Background threads (zus_env_thread_create) that were not joined yet. */
unsigned int fake_background(struct fake *f);
/**
 * fake_set_clock() - time is the test's from now on
 * Both clocks of the environment say now_ns at the next question, whichever it is about, and
 * step_ns more at each further one. Until the first call they are the real ones.
 */
void fake_set_clock(struct fake *f, int64_t now_ns, int64_t step_ns);
/* Sets of devices that are grabbed: 1 while mounted. */
int64_t fake_devices(struct fake *f);
/* How often a write went beyond i_size and the plugin had not moved it: the kernel did. */
uint64_t fake_sizes_raised(struct fake *f);
/* Messages that were dispatched, PUT_MULTYs and GET_MULTYs among them (ridden along or not). */
uint64_t fake_messages(struct fake *f);
uint64_t fake_puts(struct fake *f);
uint64_t fake_gets(struct fake *f);
/* The thread's application has a signal, or has none again: zus_signal_pending() from now on. */
void fake_interrupt(struct fake_thread *t, bool on);

/* ---- persistence; for any thread ---- */

enum fake_persist {
	FAKE_FLUSH, FAKE_FENCE, FAKE_COPY_NT, FAKE_ZERO_NT, FAKE_STORE, FAKE_STORE8, FAKE_PERSISTS
};

/*
 * How often a function of zus/pmem.h was called so far. Of memory outside of T1, and
 * zus_store8 to an odd address: an abort.
 */
uint64_t fake_persisted(struct fake *f, enum fake_persist what);
/**
 * fake_persist_watch() - from now on it is known what a crash would leave
 * That is what T1 holds now, and then the lines that were flushed and the bytes that were
 * streamed, as they were then, once a fence has come, of whatever thread. Takes memory of twice
 * T1. -ENOMEM; -EBUSY: the second time.
 */
int fake_persist_watch(struct fake *f);
/* Would these bytes of T1 be after a crash what they are now? Watched, or abort. */
bool fake_is_durable(struct fake *f, const void *addr, size_t bytes);
/*
 * The byte at `addr` of T1 as a crash would leave it, and all that follow. Watched, or abort. A
 * test of recovery copies T1 from there and mounts again.
 */
const void *fake_after_crash(struct fake *f, const void *addr);

/*
 * Loads of these bytes of T1, and of them alone, by zus_t1_load() are -EIO from now on; no bytes:
 * nothing is bad any more. Stores heal nothing.
 */
void fake_poison(struct fake *f, const void *addr, size_t bytes);

/*
 * ---- the record of stores; for any thread ----
 * The order of events is that in which memory was changed. What is stored to T1 without zus/pmem.h
 * is not there, nor are the fields of shared inodes that the kernel sets.
 */

enum fake_event_kind {
	FAKE_EV_STORE,			/* zus_store */
	FAKE_EV_STORE8,			/* zus_store8 */
	FAKE_EV_FLUSH,			/* of the bytes that were named: their lines go */
	FAKE_EV_COPY_NT,
	FAKE_EV_ZERO_NT,		/* data is NULL */
	FAKE_EV_FENCE,			/* no bytes */
	FAKE_EV_KERNEL_COPY,		/* the kernel's, of a write by NIO; as COPY_NT */
	FAKE_EV_KERNEL_FENCE,		/* and what makes it durable, but nothing of the plugin's */
	FAKE_EV_T2_READ,		/* a list's, into T1; no more durable than a plain store */
	FAKE_EV_T2_WRITE,		/* a list's; the offset is one of T2, as in the next one */
	FAKE_EV_T2_DISCARD,		/* data is NULL: zeros here */
	FAKE_EV_T2_FLUSH,		/* what lists have written is durable: FLUSH, FUA */
};

struct fake_event {
	enum fake_event_kind kind;
	unsigned int thread;		/* zus_thread_number() */
	uint64_t offset;		/* in T1, or T2 */
	uint64_t bytes;
	const void *data;		/* a copy of what was stored, 8-byte aligned; or NULL */
};

/* Begins a new record; the old one, and the data of its events, are gone. */
void fake_record_start(struct fake *f);
/* What has been recorded stays there. */
void fake_record_stop(struct fake *f);
/* Events so far. */
uint64_t fake_record_count(struct fake *f);
/* The event of that index, from 0 on; false: there is none. */
bool fake_record_get(struct fake *f, uint64_t index, struct fake_event *event);

/* ---- lists that nobody waits for (zus_iomap_exec_async); for any thread ---- */

#define FAKE_LISTS_MAX	256		/* under way; one more is -EAGAIN */

/* While it holds no list is executed (fake_destroy executes them). */
void fake_hold_lists(struct fake *f, bool hold);
/* ZUFS_IOM_EXEC_* of the last list that came with flags or that nobody waits for. */
uint32_t fake_list_flags(struct fake *f);

/* ---- names: up to 255 bytes with a NUL behind them; else -ENAMETOOLONG ---- */

/*
 * These deliver a node with one reference, which fake_forget gives back. A directory is locked
 * shared for a lookup, exclusively for a change.
 */
int fake_lookup(struct fake_thread *t, struct fake_node dir, const char *name,
		struct fake_node *node);
/* By number and generation, as file handles do. Without locks. -ESTALE, -EOPNOTSUPP. */
int fake_iget(struct fake_thread *t, uint64_t ino, uint64_t generation, struct fake_node *node);
/* mode with its S_IFMT; rdev of devices, in the kernel's encoding. Owner and group are 1000. */
int fake_mknod(struct fake_thread *t, struct fake_node dir, const char *name, mode_t mode,
	       uint32_t rdev, struct fake_node *node);
/* A file with the mode 0644. Nobody has looked whether the name exists. */
int fake_creat(struct fake_thread *t, struct fake_node dir, const char *name,
	       struct fake_node *node);
/* A file that comes with attributes (ZUFS_FSC_NEW_XATTRS), at most ZUFS_NEW_XATTRS_MAX. */
int fake_creat_with(struct fake_thread *t, struct fake_node dir, const char *name,
		    const struct zus_new_xattr *xattrs, unsigned int nr, struct fake_node *node);
/* Mode 0755. */
int fake_mkdir(struct fake_thread *t, struct fake_node dir, const char *name,
	       struct fake_node *node);
/* A target of up to 4095 bytes; else -ENAMETOOLONG. */
int fake_symlink(struct fake_thread *t, struct fake_node dir, const char *name,
		 const char *target, struct fake_node *node);
/*
 * The target of a symlink as the kernel reads it from the shared inode; its length. -EINVAL: it is
 * none, or size is too small for it and the NUL.
 */
int fake_readlink(struct fake_thread *t, struct fake_node node, char *buf, size_t size);
/* A file of the mode 0600 without a name. */
int fake_tmpfile(struct fake_thread *t, struct fake_node dir, struct fake_node *node);
/* Directory and inode are locked exclusively. */
int fake_link(struct fake_thread *t, struct fake_node dir, struct fake_node node,
	      const char *name);
/* unlink(2) and rmdir(2): node is what the name is now. */
int fake_unlink(struct fake_thread *t, struct fake_node dir, struct fake_node node,
		const char *name);
/*
 * target is what new_name is now, { 0 } if it is nothing; flags are RENAME_*. All four are locked
 * exclusively. -EOPNOTSUPP: RENAME_WHITEOUT of a file system without ZUFS_FSC_WHITEOUT, for which
 * the kernel has other messages.
 */
int fake_rename(struct fake_thread *t, struct fake_node old_dir, const char *old_name,
		struct fake_node node, struct fake_node new_dir, const char *new_name,
		struct fake_node target, uint32_t flags);
/* Gives a reference back: FREE_INODE if nlink is 0, else EVICT_INODE. */
int fake_forget(struct fake_thread *t, struct fake_node node);
/* The message itself, with flags ZI_LOOKUP_RACE for a reference that nobody has used. */
int fake_evict(struct fake_thread *t, struct fake_node node, uint64_t flags);
int fake_free(struct fake_thread *t, struct fake_node node);

struct fake_dirent {
	uint64_t ino;
	uint64_t pos;
	uint8_t type;			/* DT_* */
	uint8_t len;			/* of the name */
	char name[256];			/* NUL-terminated */
};

/**
 * fake_readdir() - one message
 * @pos: in: where to begin, 0 = at the first entry; out: where to go on
 * @buf_bytes: of the buffer that the plugin fills, up to 4 MiB
 * @max: room in entries; -E2BIG if more came
 * @more: out: there may be others from *pos on
 * Returns the number of entries. The directory is locked shared.
 */
int fake_readdir(struct fake_thread *t, struct fake_node dir, uint64_t *pos,
		 size_t buf_bytes, struct fake_dirent *entries, size_t max, bool *more);

/* ---- data ---- */

/*
 * By the way that the mount's fs_caps ask for. As pread(2) and pwrite(2), at any length: in pieces
 * of up to 4 MiB, each under the inode's lock; a read ends at i_size. Bytes done, or the
 * error of the first piece.
 */
ssize_t fake_read(struct fake_thread *t, struct fake_node node, void *buf, size_t len,
		  uint64_t pos);
ssize_t fake_write(struct fake_thread *t, struct fake_node node, const void *buf,
		   size_t len, uint64_t pos);
/**
 * fake_get() - one GET_MULTY of [pos, pos + len), at most 4 MiB
 * @rw: ZUFS_RW_*
 * @bns: out: the T1 block of each page, 0 = a hole
 * @max: room in bns; blocks of further pages are not stored
 * Returns the number of pages; of a fault of 2 MiB that got a large page, 1; 0: ZUFS_RET_BY_WRITE,
 * and there is no put. The inode is locked shared. -EBUSY: the last one of this thread is not put
 * yet.
 */
int fake_get(struct fake_thread *t, struct fake_node node, uint64_t pos, size_t len,
	     uint64_t rw, uint64_t *bns, size_t max);
/*
 * The put of it: is sent, or kept for the thread's next message. As if all that the answer covers
 * had been copied. What the plugin says to a write that must be put at once (put_write) is the
 * result; of other puts it is not looked at. -EINVAL: there is none; after -EIO of
 * fake_fail(FAKE_MESSAGE) it may be called again.
 */
int fake_put(struct fake_thread *t);
/* Sends all pending puts of an inode (fake_node.ii; 0 = of all), of every thread. */
int fake_goose(struct fake_thread *t, uint64_t ii);

/* The inode is locked exclusively by these, and its puts are sent before. */
int fake_truncate(struct fake_thread *t, struct fake_node node, uint64_t size);
/* mode = FALLOC_FL_*. */
int fake_fallocate(struct fake_thread *t, struct fake_node node, uint32_t mode,
		   uint64_t pos, uint64_t len);
/* The same of both inodes; len_up = len rounded up to blocks, 0 = all of src. */
int fake_clone(struct fake_thread *t, struct fake_node src, struct fake_node dst,
	       uint64_t pos_in, uint64_t pos_out, uint64_t len, uint64_t len_up);
/* flags = ZUFS_SF_*; *write_unmapped = pages, as the plugin says. */
int fake_sync(struct fake_thread *t, struct fake_node node, uint64_t offset,
	      uint64_t length, uint64_t flags, uint64_t *write_unmapped);

/* The inode is locked shared by these. SEEK_DATA or SEEK_HOLE from *offset on. */
int fake_seek(struct fake_thread *t, struct fake_node node, int whence, uint64_t *offset);
/* *mapped = how many there are; max 0: only counts, at most 74,898 (what the window holds). */
int fake_fiemap(struct fake_thread *t, struct fake_node node, uint64_t start,
		uint64_t length, struct fiemap_extent *extents, uint32_t max,
		uint32_t *mapped);
/* In pages of 4 KiB. */
int fake_pre_read(struct fake_thread *t, struct fake_node node, uint64_t page,
		  uint32_t pages);
/* The last mapping has gone. Without locks. */
int fake_mmap_close(struct fake_thread *t, struct fake_node node);

/* ---- attributes ---- */

int fake_statfs(struct fake_thread *t, struct statfs64 *st);
/* The text with a NUL; its length. */
int fake_show_options(struct fake_thread *t, char *buf, size_t size);
/*
 * The caller has changed the fields of the shared inode; bits = STATX_*, ZUFS_STATX_*. Locked
 * exclusively.
 */
int fake_setattr(struct fake_thread *t, struct fake_node node, uint32_t bits);
/*
 * chmod(2): the permission bits of mode, also in the access ACL if there is one (of up to 32
 * entries): by two messages, or with ZUFS_FSC_ACL_MODE by one. Locked exclusively.
 */
int fake_chmod(struct fake_thread *t, struct fake_node node, mode_t mode);
/*
 * type = ZUFS_XATTR_*, name without its prefix; size up to 64 KiB, 0 only asks. The length of the
 * value, or of the list. Locked shared.
 */
ssize_t fake_getxattr(struct fake_thread *t, struct fake_node node, uint32_t type,
		      const char *name, void *value, size_t size);
ssize_t fake_listxattr(struct fake_thread *t, struct fake_node node, char *buf,
		       size_t size, bool trusted);
/* value NULL = remove; flags = XATTR_CREATE, XATTR_REPLACE. Locked exclusively. */
int fake_setxattr(struct fake_thread *t, struct fake_node node, uint32_t type,
		  const char *name, const void *value, size_t size, uint32_t flags);
/*
 * As of CAP_SYS_ADMIN, without locks. arg_size is the room; what goes in is as long as cmd says.
 * Serves one request for a longer argument or a frozen file system; a second one is -EBUSY.
 * Returns the bytes that came back. -EFAULT: there is no room for them.
 */
int fake_ioctl(struct fake_thread *t, struct fake_node node, uint32_t cmd, void *arg,
	       size_t arg_size);
/* The numbers that the file system lists: how many. FAKE_BAD_ANSWER: more than max. */
int fake_ioctls(struct fake_thread *t, struct zufs_ioctl_info *list, uint32_t max);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_ZUFAKE_H */
