/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin interface: a file system is one shared object lib<name>.so that exports one
 * symbol, `const struct zus_plugin zus_plugin`. The loader checks abi_version and the sizes.
 *
 * All tables are append-only: a plugin that was built with an older, shorter table keeps
 * working, its missing operations count as NULL. NULL means the default named at the operation.
 *
 * Threads: operations run on the ZT threads, any of them in parallel on any CPUs, on any
 * inodes, except what the kernel's locks exclude:
 *   inode shared      read, write (inside of i_size), get_blocks, seek, fiemap, pre_read,
 *                     sync with ZUFS_SF_DONTNEED; of read, write and get_blocks a write is
 *                     alone on its pages, to the put if that goes at once
 *   inode exclusive   extending write, truncate, fallocate, clone (both inodes), setattr,
 *                     sync (against faults too), free_inode
 *   directory shared  lookup, readdir
 *   directory exclusive  new_inode, add_dentry, remove_dentry, rename (both directories)
 *   xattr             getxattr and listxattr shared, setxattr exclusive
 *   faults            get_blocks with ZUFS_RW_MMAP, and what uprobes read: excluded only by
 *                     truncate, fallocate, clone, sync, free_inode, evict
 *   swap              read, write, get_blocks of an active swap file come at any time;
 *                     they must not wait for memory, the file does not change otherwise
 *   nothing           iget, ioctl, put_blocks (but all puts of an inode are done before truncate,
 *                     fallocate, sync, clone, free_inode and evict), mmap_close (done before
 *                     free_inode and evict), evict, statfs, get_label, set_label
 * So two writes of different pages of one file run in parallel, and a directory's names only
 * need their own protection against readers of other directories, evict and the plugin's own
 * threads.
 *
 * The ZTs are pinned to their CPU, which may have several, one for each channel; by option they
 * are SCHED_FIFO threads. They pre-empt each other, and background threads, between any two
 * instructions. So a lock that spins dead-locks: its holder does not run while another thread of
 * its CPU spins that has more priority (or as much, under SCHED_FIFO). To yield the CPU is no way
 * out, nobody of less priority gets it. Locks must sleep (zus/mutex.h, which lends the holder the
 * priority of who waits), or there must be nothing to wait for: a compare-and-swap that is tried
 * again because somebody else has succeeded is fine. Data per CPU is no protection: another thread
 * of the CPU may run in between. Data per thread is one, see zus_thread_number().
 *
 * Results are 0 or -errno unless named; anything else is a bug that the core turns into
 * -EIO. Handles follow the reference rule of zus/inode.h. Pointers in arguments are valid
 * until the operation returns. Before an operation the kernel has written the fields of the
 * shared inode that it owns (mode, uid, gid, times, flags; i_size is truncate's and the
 * writes'); after it the kernel reads i_size, i_blocks and i_nlink back.
 */
#ifndef ZUS_FS_H
#define ZUS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <zuf/zus_api.h>
#include <zus/dir.h>
#include <zus/env.h>
#include <zus/inode.h>
#include <zus/io.h>
#include <zus/log.h>
#include <zus/md.h>
#include <zus/mem.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZUS_PLUGIN_ABI	1

struct zus_name {
	const char *str;		/* not NUL-terminated */
	uint8_t len;			/* 1 .. 255 */
};

struct zus_mount {
	const char *options;		/* what the kernel did not take; never NULL */
	uint64_t flags;			/* ZUFS_M_PEDANTIC ...; with ZUFS_M_RDONLY nothing durable
					 * may be written, also not at mount or umount */
	uint64_t remount_flags;		/* ZUFS_REM_*, remount only */
	uint32_t pedantic;
	uint16_t num_cpu;		/* possible CPUs */
	uint16_t num_channels;
	uint32_t num_threads;		/* zus_thread_number() is less, as long as it is mounted */
};

/* An attribute that a new inode comes with; type and name as setxattr has them. */
struct zus_new_xattr {
	uint32_t type;
	uint32_t size;
	const char *name;
	const void *value;
};

struct zus_new_inode {
	const struct zus_inode *zi;	/* what it shall be; i_nlink, i_ino are the plugin's */
	struct zus_name name;		/* len 0 with ZI_TMPFILE */
	const char *symlink;		/* target, symlink_len bytes, no NUL; else NULL */
	uint32_t symlink_len;
	uint64_t flags;			/* ZI_TMPFILE */
	/*
	 * With ZUFS_FSC_NEW_XATTRS in fs_caps: ACLs and labels. The name is there when they are,
	 * and not before, whenever the server may end; without the flag they come by setxattr.
	 */
	const struct zus_new_xattr *xattrs;
	uint32_t nr_xattrs;
};

struct zus_rename {
	struct zus_ii *old_dir;
	struct zus_ii *new_dir;		/* may be old_dir */
	struct zus_ii *ii;
	struct zus_ii *target;		/* what new_name is now, or NULL */
	struct zus_name old_name;
	struct zus_name new_name;
	int64_t time_ns;
	uint32_t flags;			/* RENAME_NOREPLACE 1, _EXCHANGE 2, _WHITEOUT 4 */
	/*
	 * With RENAME_WHITEOUT, which comes only with ZUFS_FSC_WHITEOUT in fs_caps: what the old
	 * name becomes, in the same operation: a character device 0/0, as new_inode would have
	 * it. No handle of it is handed out. Else NULL.
	 */
	const struct zus_inode *whiteout;
};

struct zus_clone {
	struct zus_ii *src;
	struct zus_ii *dst;		/* may be src */
	uint64_t pos_in;
	uint64_t pos_out;
	uint64_t len;
	uint64_t len_up;		/* len rounded up to blocks; 0 = all of src */
};

struct zus_sync {
	uint64_t offset;
	uint64_t length;
	uint64_t flags;			/* ZUFS_SF_* */
	uint64_t write_unmapped;	/* out: pages */
};

struct zus_fiemap {
	uint64_t start;
	uint64_t length;
	uint32_t flags;			/* FIEMAP_FLAG_SYNC; _XATTR with ZUFS_FSC_FIEMAP_MORE */
	uint32_t max;			/* extents that fit; 0 = only count */
	uint32_t mapped;		/* out */
	struct fiemap_extent *extents;	/* max of them; NULL if max is 0 */
};

struct zus_ioctl {
	uint32_t cmd;
	uint32_t kflags;		/* ZUFS_IOC_FSFROZEN, _CAP_ADMIN, _OPEN_READ, _OPEN_WRITE */
	int64_t time_ns;
	void *arg;			/* arg_size bytes in and out */
	uint32_t arg_size;
	uint32_t out_size;		/* out: bytes of arg that go to the user */
	/* out, with the result -EZUFS_RETRY: */
	uint32_t uflags;		/* ZUFS_IOC_REALLOC or ZUFS_IOC_FREEZE_REQ */
	uint32_t want_size;		/* REALLOC: the arg_size that is wanted */
};

struct zus_fs_ops {
	/* ---- super-block ---- */

	/*
	 * sb is zeroed memory of sb_size bytes with the core's fields set; the devices are
	 * mapped. Sets root (one reference, zi in T1), fs_caps, blocksize_bits. After
	 * an error nothing more is called and sb is freed. Required.
	 */
	int (*mount)(struct zus_sb *sb, const struct zus_mount *m);
	/* Undoes mount; all inodes were evicted unless the feeder crashed. NULL: nothing. */
	void (*umount)(struct zus_sb *sb);
	/* Options that are not named stay as they are. NULL: accepted without effect. */
	int (*remount)(struct zus_sb *sb, const struct zus_mount *m);
	/* f_type, f_bsize, f_namelen are set before. NULL: -EOPNOTSUPP. */
	int (*statfs)(struct zus_sb *sb, struct statfs64 *st);
	/*
	 * Text ",name=value..." of <= size bytes, no NUL; its length or -errno. NULL: none.
	 * Asked once after mount and after each remount: the kernel keeps it.
	 */
	ssize_t (*show_options)(struct zus_sb *sb, char *buf, size_t size);

	/* ---- inodes and names ---- */

	/*
	 * Makes an inode and, unless ZI_TMPFILE, its name in dir. Required, but with
	 * ZUS_PLUGIN_READ_ONLY. Names that exist do not come here unless fs_caps has
	 * ZUFS_FSC_NEW_EXCL: then open(2) creates without a lookup before, and what exists is
	 * -EEXIST and stays as it is.
	 */
	int (*new_inode)(struct zus_ii *dir, const struct zus_new_inode *args,
			 struct zus_ii **ii);
	/* An inode without links whose last user is gone: frees its data. NULL: as evict. */
	void (*free_inode)(struct zus_ii *ii);
	/* The kernel gives one reference back; ZI_LOOKUP_RACE in flags. NULL: nothing. */
	void (*evict)(struct zus_ii *ii, uint64_t flags);
	/* "." and ".." never come here. -ENOENT. Required. */
	int (*lookup)(struct zus_ii *dir, const struct zus_name *name, struct zus_ii **ii);
	/*
	 * By number, for ".." (zi.i_dir.parent) and for file handles, which name inodes that
	 * went long ago too: a number that is used again needs another i_generation. -ESTALE
	 * if it is gone. NULL: -EOPNOTSUPP, and handles live as long as the kernel's cache.
	 */
	int (*iget)(struct zus_sb *sb, uint64_t ino, struct zus_ii **ii);
	/*
	 * A further name, or one less; both adjust nlinks (zus_nlink_*). -ENOTEMPTY for a directory
	 * with entries. NULL: -EOPNOTSUPP.
	 */
	int (*add_dentry)(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name);
	int (*remove_dentry)(struct zus_ii *dir, struct zus_ii *ii,
			     const struct zus_name *name);
	/* Adjusts nlinks and parents too. -ENOTEMPTY, -EEXIST. NULL: -EOPNOTSUPP. */
	int (*rename)(const struct zus_rename *r);
	/* See zus/dir.h. NULL: -EOPNOTSUPP. */
	int (*readdir)(struct zus_ii *dir, struct zus_dir_ctx *ctx);
	/* Persist what changed in the shared inode; bits STATX_*, ZUFS_STATX_*. NULL: 0. */
	int (*setattr)(struct zus_ii *ii, uint32_t bits);

	/* ---- data ---- */

	/*
	 * Copies between io->buf and the file; returns the bytes done (less than io->len is
	 * a short I/O) or -errno; also -EZUFS_RETRY by zus_iomap_retry. The kernel cuts reads
	 * at i_size. After a write that extends the file the kernel raises i_size in the shared
	 * inode, if the plugin has not done so; likewise after the copy between get_blocks
	 * and put_blocks. Required unless the file system declares ZUFS_FSC_NIO_READS /
	 * _WRITES; NULL: -EOPNOTSUPP. With ZUFS_RW_NOWAIT in io->rw what would sleep is -EAGAIN,
	 * or short. A write that has moved blocks which may be mapped sets ZUFS_RET_NEW, or
	 * io->unmap_offset and _len: the kernel drops these mappings, but does not tell when
	 * (before the next exclusive operation). To fill a hole needs neither.
	 */
	ssize_t (*read)(struct zus_ii *ii, struct zus_io *io);
	ssize_t (*write)(struct zus_ii *ii, struct zus_io *io);
	/* Advice: io->pos, io->len will be read soon. NULL: 0. */
	int (*pre_read)(struct zus_ii *ii, struct zus_io *io);
	/*
	 * Block numbers of the pages from b->pos on, by zus_blocks_add: all, or the first ones
	 * (at least one). For ZUFS_RW_WRITE every page needs a block: new ones are zeroed where
	 * the write does not cover them, ZUFS_RET_NEW set. The blocks stay valid until the
	 * matching put, which follows every success but that of a fault on a hole (of one
	 * page: 2 MiB at once are put). What a write has got other blocks for is not mapped
	 * any more when its put comes.
	 * ZUFS_RW_MMAP is a page fault: what it got stays mapped after the put, writable with
	 * ZUFS_RW_WRITE, until truncate, fallocate, clone or IOM_UNMAP; with ZUFS_RW_SYNC
	 * (MAP_SYNC) all of it is durable when put_blocks returns. NULL: -EOPNOTSUPP, the file
	 * cannot be mapped.
	 * With ZUFS_FSC_BY_WRITE in fs_caps get_blocks for writing comes only for what lies inside
	 * of i_size and is not shorter than sb->nio_write_min; the rest is `write`. Where a page
	 * has no block of its own that can be written in place it ends with
	 * zus_blocks_by_write(), and `write` comes for it. Faults and swap always come here.
	 */
	int (*get_blocks)(struct zus_ii *ii, struct zus_blocks *b);
	/*
	 * Must not fail. What must be durable when write(2) or fsync(2) returns and is made so here
	 * needs ZUFS_RET_NEW or _PUT_NOW from get_blocks: other puts may come 10 ms later. When
	 * the server ends before, the next fsync(2) of each open file is -EIO, but with
	 * ZUFS_FSC_PUT_EMPTY in fs_caps: puts of writes carry nothing. NULL: nothing.
	 */
	void (*put_blocks)(struct zus_ii *ii, const struct zus_blocks *b);
	/* Sets the size to io->pos; what lies behind reads as zeros later. NULL: -EOPNOTSUPP. */
	int (*truncate)(struct zus_ii *ii, struct zus_io *io);
	/*
	 * mode = FALLOC_FL_*; range io->pos, io->len. With mode 0 or KEEP_SIZE blocks that are
	 * there stay where they are: they may be pinned. NULL: -EOPNOTSUPP.
	 */
	int (*fallocate)(struct zus_ii *ii, struct zus_io *io, uint32_t mode);
	/* SEEK_DATA or SEEK_HOLE from *offset on. -ENXIO. NULL: -EOPNOTSUPP. */
	int (*seek)(struct zus_ii *ii, int whence, uint64_t *offset);
	/* See zus_fiemap_add. Of directories with ZUFS_FSC_FIEMAP_MORE. NULL: -EOPNOTSUPP. */
	int (*fiemap)(struct zus_ii *ii, struct zus_fiemap *map);
	/* reflink, dedupe, copy_file_range. NULL: -EOPNOTSUPP. */
	int (*clone)(const struct zus_clone *args);
	/* The last mapping of the file is gone. NULL: nothing. */
	void (*mmap_close)(struct zus_ii *ii);
	/*
	 * Make durable what was stored through mappings to [offset, offset + length). The
	 * kernel has taken these pages out of the mappings; after an error it asks again. All
	 * else must be durable when its operation is answered. NULL: 0.
	 */
	int (*sync)(struct zus_ii *ii, struct zus_sync *s);

	/*
	 * ---- xattr; type = ZUFS_XATTR_SECURITY ..., name as the ABI gives it, with a NUL ----
	 * The kernel does not ask about an inode whose i_xattr is 0: setxattr makes it non-zero
	 * before it returns, as long as there is an attribute. POSIX ACLs (with
	 * ZUFS_FSC_ACL_ON) are attributes of type ZUFS_XATTR_SYSTEM, which the kernel reads and
	 * obeys; one may come with a new mode in the shared inode. With ZUFS_FSC_ACL_MODE setxattr
	 * of "system.posix_acl_access" does what setattr of everything would as well: a chmod or
	 * chown of an inode that has one is this call alone.
	 */

	/* Returns the size of the value; size 0 only asks. -ENODATA, -ERANGE. NULL: -EOPNOTSUPP. */
	ssize_t (*getxattr)(struct zus_ii *ii, uint32_t type, const char *name, void *value,
			    size_t size);
	/* value NULL = remove; flags XATTR_CREATE, XATTR_REPLACE. NULL: -EOPNOTSUPP. */
	int (*setxattr)(struct zus_ii *ii, uint32_t type, const char *name,
			const void *value, size_t size, uint32_t flags);
	/*
	 * Full names (zus_xattr_prefix), each with its NUL; returns the bytes; size 0 only asks.
	 * Trusted names only with ZUFS_XATTR_TRUSTED in flags. -ERANGE. NULL: -EOPNOTSUPP.
	 */
	ssize_t (*listxattr)(struct zus_ii *ii, char *buf, size_t size, uint32_t flags);

	/*
	 * The bytes that go in and out are those that the number speaks of; more of them
	 * (ZUFS_IOC_REALLOC) only for numbers listed with ZUFS_IOCTL_GROWS. What `ioctls` does not
	 * list may ask for more when its caller has CAP_SYS_ADMIN. NULL: -ENOTTY.
	 */
	int (*ioctl)(struct zus_ii *ii, struct zus_ioctl *args);

	/*
	 * The name of the file system, for people: ZUFS_LABEL_SIZE bytes, which are zeros when
	 * get_label is called and in set_label from the end of the name on. NULL: there is none,
	 * its ioctls are as others; get_label without set_label: it cannot be changed,
	 * -EOPNOTSUPP.
	 */
	int (*get_label)(struct zus_sb *sb, char *label);
	int (*set_label)(struct zus_sb *sb, const char *label);

	/*
	 * The numbers that `ioctl` knows: *list stays valid until umount. Their count, at most
	 * ZUFS_IOCTLS_MAX, or -errno. Asked once, after mount. With ZUFS_IOCTL_CHANGES one is
	 * refused on a read-only mount and waits while the file system is frozen; without it, it
	 * must not change anything. NULL: by their direction, writing ones change something.
	 */
	int (*ioctls)(struct zus_sb *sb, const struct zufs_ioctl_info **list);

	/*
	 * With ZUFS_FSC_QUARANTINE in fs_caps, see "Quarantine" below. blocks_free: blocks that
	 * zus_quarantine_keep has kept (or block_take has got) are nobody's any more; required.
	 * block_take: a block is busy; if it is free now it is taken, as if it had been given
	 * out, and the result is true. May be called with locks of the core's, calls nothing of
	 * it. NULL: false.
	 */
	void (*blocks_free)(struct zus_sb *sb, uint64_t bn, uint64_t n);
	bool (*block_take)(struct zus_sb *sb, uint64_t bn);

	/*
	 * The server is about to end while sb is mounted (SIGTERM): threads of the plugin's must
	 * have ended when it returns, what is not durable yet should be. Called once, by a thread
	 * that serves no channel, after the last mount message. Operations and IOM_DONE go
	 * on during it and for a short time after it, and must be answered still. The process
	 * ends then: memory need not be freed. A feeder that lives on may call umount after it.
	 * NULL: nothing; enough for who has no threads.
	 */
	void (*server_stop)(struct zus_sb *sb);

	/*
	 * In place of put_blocks for a write that is no page fault: b->copied tells how much of
	 * it was done (0: it has failed). If get_blocks has asked for the put at once
	 * (ZUFS_RET_NEW, _PUT_NOW, _LOCKED_PUT) the result is that of write(2), else it means
	 * nothing. The contract is over, also after an error: then i_size is what it was before
	 * get_blocks, nothing of the range is mapped, and what get_blocks has allocated is the
	 * plugin's to give back: it may go to another file only when the inode is evicted or freed,
	 * because a fault may have mapped it between the two, and the kernel drops that after the
	 * answer, or when the writer was killed not before the inode goes. NULL: put_blocks.
	 */
	int (*put_write)(struct zus_ii *ii, const struct zus_blocks *b);
};

/*
 * ---- Quarantine ----
 *
 * A pipe or DMA holds pages of T1 that were mapped for as long as its user likes. A plugin that
 * declares ZUFS_FSC_QUARANTINE gets truncate, fallocate, writes and clones (but of a source)
 * although pages of them are held, and keeps such blocks back until they are idle: what comes
 * into them next would be seen in the pipe, or overwritten by the DMA. The core does
 * the counting:
 *
 *	blocks become free   zus_quarantine_keep tells which of them are to be kept back
 *	later                blocks_free gives these back
 *
 * A block that is replaced, by a copy for a write, becomes free
 *	of get_blocks: when its own put_blocks is called, not before;
 *	of write: in the next truncate, fallocate, clone (either side), sync, evict or free_inode of
 *	the inode;
 * and one that the plugin moves, when UNMAP has said 0. Blocks are not moved while they are busy.
 * get_blocks for writing must not be answered with ZUFS_RET_LOCKED_PUT where it replaces.
 */

/**
 * zus_quarantine_keep() - blocks are about to become free
 * Returns how many of the first ones have the same fate, at least one: *kept = true: they stay
 * in use, until blocks_free; false: they are free. Any thread; with locks that block_take does
 * not want.
 */
uint64_t zus_quarantine_keep(struct zus_sb *sb, uint64_t bn, uint64_t n, bool *kept);
/* Is it in use by somebody, whoever else it belongs to? */
bool zus_block_is_busy(const struct zus_sb *sb, uint64_t bn);

enum zus_plugin_flags {
	ZUS_PLUGIN_NODEV_OK	= 1U << 0,	/* mounts without a device: T1 is memory then */
	/*
	 * Nothing of its file systems can be changed: every mount is read-only (ZUFS_M_RDONLY), a
	 * remount to rw, an open for writing and every operation that would change something
	 * are -EROFS. The plugin is not asked, so it needs none of these operations: new_inode,
	 * add_dentry, remove_dentry, rename, setattr, write, truncate, fallocate, clone,
	 * setxattr, set_label; get_blocks comes without ZUFS_RW_WRITE, ioctl with what changes
	 * nothing (see ioctls, which is asked before each ioctl too).
	 */
	ZUS_PLUGIN_READ_ONLY	= 1U << 1,
};

struct zus_plugin {
	uint32_t abi_version;		/* ZUS_PLUGIN_ABI */
	uint32_t size;			/* sizeof(struct zus_plugin) */
	uint32_t ops_size;		/* sizeof(struct zus_fs_ops) */
	uint32_t sb_size;		/* of the plugin's super-block, >= struct zus_sb */
	const char *name;
	struct register_fs_info info;	/* one type per plugin; notused is 0, see flags */
	const struct zus_fs_ops *ops;
	struct zus_ddbg_site *ddbg_start;	/* ZUS_PLUGIN_HEAD sets these */
	struct zus_ddbg_site *ddbg_stop;
	/* an older table ends before these, which are 0 then, and has ABI flags in info.notused */
	uint32_t flags;			/* ZUS_PLUGIN_* */
	uint32_t inode_flags;		/* ZUFS_S_* of ZUFS_S_DECLARED that inodes may have */
};

/* The first fields and the debug records, for the definition of a plugin's table. */
#define ZUS_PLUGIN_HEAD						\
	.abi_version = ZUS_PLUGIN_ABI,				\
	.size = sizeof(struct zus_plugin),			\
	.ops_size = sizeof(struct zus_fs_ops),			\
	.ddbg_start = __start_zus_ddbg,				\
	.ddbg_stop = __stop_zus_ddbg

/* Every plugin defines this. */
extern const struct zus_plugin zus_plugin __attribute__((visibility("default")));

/* "user.", "trusted.", "security."; "" for ZUFS_XATTR_SYSTEM; NULL for an unknown type. */
const char *zus_xattr_prefix(uint32_t type);

/* Adds an extent (only counts it when max is 0); false = the array is full, stop. */
static inline bool zus_fiemap_add(struct zus_fiemap *map, uint64_t logical,
				  uint64_t physical, uint64_t bytes, uint32_t flags)
{
	struct fiemap_extent *e;

	if (!map->max) {
		map->mapped++;
		return true;
	}
	if (map->mapped >= map->max)
		return false;
	e = &map->extents[map->mapped++];
	memset(e, 0, sizeof(*e));
	e->fe_logical = logical;
	e->fe_physical = physical;
	e->fe_length = bytes;
	e->fe_flags = flags;
	return true;
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_FS_H */
