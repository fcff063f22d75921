/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of ZUFS in process: mounts a plugin on anonymous memory and sends it
 * operations, without root, kernel or devices. For unit tests, sanitizers and fuzzing.
 *
 * A struct fake is one mounted file system. A struct fake_thread is one caller with its own
 * channel (command buffer, window); it belongs to one thread at a time, and any number of them
 * may call in parallel: the typed operations take the same locks as the kernel does
 * (zus/fs.h). Puts ride along with the thread's next message or are goosed as the
 * kernel does it. The N-th allocation, message or device access fails on demand.
 * All results are 0 or -errno, or bytes, unless named.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zus/fs.h>
#include <zus/server.h>

struct fake;
struct fake_thread;

/*
 * The answer breaks the ABI, so the kernel would refuse it. No plugin and nothing in the library
 * returns it: a test that wants an error of these is not served by the fake.
 */
#define FAKE_BAD_ANSWER		(-EBADMSG)

/* An inode as the caller sees it: the kernel's two words. */
struct fake_node {
	uint64_t ii;
	struct zus_inode *zi;
};

struct fake_opts {
	uint64_t t1_bytes;		/* of each T1 device; 0 = 16 MiB */
	unsigned int t1_count;		/* 0 = 1 */
	uint64_t t2_bytes;		/* 0 = no T2 device */
	bool no_table;			/* as the device `none`: one T1 device, nothing in it */
};

/* ---- life ---- */

/* Makes devices and the type. NULL opts = defaults. */
int fake_create(struct fake **f, const struct zus_plugin *plugin,
		const struct fake_opts *opts);
/* Unmounts if needed. All threads must be destroyed before. */
void fake_destroy(struct fake *f);

int fake_mount(struct fake *f, const char *options);
int fake_mount_flags(struct fake *f, const char *options, uint64_t flags);
int fake_remount(struct fake *f, const char *options, uint64_t remount_flags);
/* Evicts the root and unmounts; the caller has evicted its nodes and destroyed its threads. */
int fake_umount(struct fake *f);
/* Unmounts as after a crash of the feeder: inodes are still there. */
int fake_umount_dirty(struct fake *f);
/* The server is about to end: server_stop of the mount, which stays. How many mounts there are. */
unsigned int fake_server_stop(struct fake *f);
struct fake_node fake_root(const struct fake *f);
const struct zufs_mount_info *fake_mount_info(const struct fake *f);
const struct zus_md *fake_md(const struct fake *f);
struct zus_sb *fake_sb(const struct fake *f);

struct fake_thread *fake_thread_create(struct fake *f, int cpu);
/* Sends its pending puts first. */
void fake_thread_destroy(struct fake_thread *t);

/* ---- faults; n counts from the next one, 0 = never; one shot ---- */

enum fake_fault { FAKE_ALLOC, FAKE_MESSAGE, FAKE_DEVICE, FAKE_FAULTS };

void fake_fail(struct fake *f, enum fake_fault what, uint64_t n);
/* True if the fault has struck since fake_fail. */
bool fake_fault_hit(struct fake *f, enum fake_fault what);
/*
 * What was taken and not given back yet: allocations of the plugin and of the core, and sets of
 * devices that were grabbed. A set that is released and was not grabbed is an abort.
 */
int64_t fake_outstanding(struct fake *f);
/* Sets of devices that are grabbed: 1 while mounted. */
int64_t fake_devices(struct fake *f);
/* How often a write went beyond i_size and the plugin had not moved it: the kernel did. */
uint64_t fake_sizes_raised(struct fake *f);
/* Messages that were dispatched, PUT_MULTYs that ran among them (ridden along or not). */
uint64_t fake_messages(struct fake *f);
uint64_t fake_puts(struct fake *f);
uint64_t fake_gets(struct fake *f);
/* The application's signal: sets ZUFS_H_INTR in every following message. */
void fake_interrupt(struct fake_thread *t, bool on);

/* ---- persistence; may be asked from any thread ---- */

enum fake_persist { FAKE_FLUSH, FAKE_FENCE, FAKE_COPY_NT, FAKE_ZERO_NT, FAKE_PERSISTS };

/* How often it was called so far. */
uint64_t fake_persisted(struct fake *f, enum fake_persist what);
/*
 * From now on it is known what a crash would leave: what T1 holds now, and then the lines that
 * were flushed and the bytes that were streamed, as they were then, once a fence has come.
 * -ENOMEM; -EBUSY: the second time.
 */
int fake_persist_watch(struct fake *f);
/* Would these bytes of T1 be after a crash what they are now? Watched, or abort. */
bool fake_is_durable(struct fake *f, const void *addr, size_t bytes);
/* The byte at `addr` of T1 as a crash would leave it, and all that follow. Watched, or abort. */
const void *fake_after_crash(struct fake *f, const void *addr);

/* ---- lists that nobody waits for ---- */

#define FAKE_LISTS_MAX	256		/* under way; one more is -EAGAIN */

/* While it holds no list is executed (fake_destroy executes them). */
void fake_hold_lists(struct fake *f, bool hold);
/* ZUFS_IOM_EXEC_* of the last list that came with flags or that nobody waits for. */
uint32_t fake_list_flags(struct fake *f);

/* ---- raw ---- */

/* A message in the thread's buffer, `len` bytes zeroed, with its header filled. */
void *fake_msg(struct fake_thread *t, unsigned int operation, size_t len);
/* Sends it; out_len is set by the caller in the header. Retries are served. */
int fake_send(struct fake_thread *t);
/* `len` bytes that end where the window ends; hdr.offset and hdr.len are set. */
void *fake_window(struct fake_thread *t, size_t len);

/* ---- names ---- */

int fake_lookup(struct fake_thread *t, struct fake_node dir, const char *name,
		struct fake_node *node);
/* By number and generation, as file handles do. */
int fake_iget(struct fake_thread *t, uint64_t ino, uint64_t generation, struct fake_node *node);
int fake_mknod(struct fake_thread *t, struct fake_node dir, const char *name, mode_t mode,
	       uint32_t rdev, struct fake_node *node);
int fake_creat(struct fake_thread *t, struct fake_node dir, const char *name,
	       struct fake_node *node);
/* A file that comes with attributes. */
int fake_creat_with(struct fake_thread *t, struct fake_node dir, const char *name,
		    const struct zus_new_xattr *xattrs, unsigned int nr, struct fake_node *node);
int fake_mkdir(struct fake_thread *t, struct fake_node dir, const char *name,
	       struct fake_node *node);
int fake_symlink(struct fake_thread *t, struct fake_node dir, const char *name,
		 const char *target, struct fake_node *node);
/* The target of a symlink as the kernel reads it from the shared inode. */
int fake_readlink(struct fake_thread *t, struct fake_node node, char *buf, size_t size);
int fake_tmpfile(struct fake_thread *t, struct fake_node dir, struct fake_node *node);
int fake_link(struct fake_thread *t, struct fake_node dir, struct fake_node node,
	      const char *name);
int fake_unlink(struct fake_thread *t, struct fake_node dir, struct fake_node node,
		const char *name);
int fake_rename(struct fake_thread *t, struct fake_node old_dir, const char *old_name,
		struct fake_node node, struct fake_node new_dir, const char *new_name,
		struct fake_node target, uint32_t flags);
/* Gives a reference back: FREE_INODE if nlink is 0, else EVICT_INODE. */
int fake_forget(struct fake_thread *t, struct fake_node node);
int fake_evict(struct fake_thread *t, struct fake_node node, uint64_t flags);
int fake_free(struct fake_thread *t, struct fake_node node);

struct fake_dirent {
	uint64_t ino;
	uint64_t pos;
	uint8_t type;
	uint8_t len;
	char name[256];			/* NUL-terminated */
};

/* One message: entries from *pos on in a buffer of buf_bytes; returns their number. */
int fake_readdir(struct fake_thread *t, struct fake_node dir, uint64_t *pos,
		 size_t buf_bytes, struct fake_dirent *entries, size_t max, bool *more);

/* ---- data ---- */

/* By the way that the mount's fs_caps ask for. Offsets and sizes as pread, pwrite. */
ssize_t fake_read(struct fake_thread *t, struct fake_node node, void *buf, size_t len,
		  uint64_t pos);
ssize_t fake_write(struct fake_thread *t, struct fake_node node, const void *buf,
		   size_t len, uint64_t pos);
/* One GET: blocks of up to max pages; returns their number. PUT is pending or sent. */
int fake_get(struct fake_thread *t, struct fake_node node, uint64_t pos, size_t len,
	     uint64_t rw, uint64_t *bns, size_t max);
int fake_put(struct fake_thread *t);
/* Sends all pending puts of an inode (0 = of all), of every thread. */
int fake_goose(struct fake_thread *t, uint64_t ii);

int fake_truncate(struct fake_thread *t, struct fake_node node, uint64_t size);
int fake_fallocate(struct fake_thread *t, struct fake_node node, uint32_t mode,
		   uint64_t pos, uint64_t len);
int fake_seek(struct fake_thread *t, struct fake_node node, int whence, uint64_t *offset);
int fake_fiemap(struct fake_thread *t, struct fake_node node, uint64_t start,
		uint64_t length, struct fiemap_extent *extents, uint32_t max,
		uint32_t *mapped);
int fake_clone(struct fake_thread *t, struct fake_node src, struct fake_node dst,
	       uint64_t pos_in, uint64_t pos_out, uint64_t len, uint64_t len_up);
int fake_sync(struct fake_thread *t, struct fake_node node, uint64_t offset,
	      uint64_t length, uint64_t flags, uint64_t *write_unmapped);
int fake_pre_read(struct fake_thread *t, struct fake_node node, uint64_t page,
		  uint32_t pages);
int fake_mmap_close(struct fake_thread *t, struct fake_node node);

/* ---- attributes ---- */

int fake_statfs(struct fake_thread *t, struct statfs64 *st);
/* Returns the length of the text. */
int fake_show_options(struct fake_thread *t, char *buf, size_t size);
int fake_setattr(struct fake_thread *t, struct fake_node node, uint32_t bits);
ssize_t fake_getxattr(struct fake_thread *t, struct fake_node node, uint32_t type,
		      const char *name, void *value, size_t size);
int fake_setxattr(struct fake_thread *t, struct fake_node node, uint32_t type,
		  const char *name, const void *value, size_t size, uint32_t flags);
ssize_t fake_listxattr(struct fake_thread *t, struct fake_node node, char *buf,
		       size_t size, bool trusted);
/* arg_size bytes in and out; serves one REALLOC or FREEZE request. Returns the bytes out. */
int fake_ioctl(struct fake_thread *t, struct fake_node node, uint32_t cmd, void *arg,
	       size_t arg_size);
/* The numbers that the file system lists: how many. */
int fake_ioctls(struct fake_thread *t, struct zufs_ioctl_info *list, uint32_t max);

#endif /* TESTS_FAKE_H */
