/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * ZUFS: the contract between the kernel module (zuf) and the server (zusd).
 *
 * How it works
 *   The server opens special files in a mounted zuf root and gives each a role by its
 *   first ioctl. One mounter thread sleeps in ZU_IOC_MOUNT and gets the ZUFS_M_*
 *   messages. One ZT thread per (CPU, channel) sleeps in ZU_IOC_WAIT_OPT and gets the
 *   ZUFS_OP_* messages: the ioctl hands over the answer of the last message and comes
 *   back with the next one, in the command buffer that both sides map.
 *
 *      app            zuf                      ZT in the server
 *       | syscall ---> | message -> buffer ---> | WAIT_OPT returns
 *       |              |                        | puts that ride along, then the operation
 *       | <--- result  | <--- answer in buffer  | WAIT_OPT again
 *
 *   Every message starts with struct zufs_ioc_hdr; hdr.err is the result of the
 *   operation (0 or -errno), the value of the ioctl speaks of the call only. After
 *   ZUFS_H_HAS_PIGY_PUT a PUT_MULTY message follows at this message + in_len; such puts
 *   are executed before the main operation and have no answer of their own.
 *   hdr.offset/len name the application's data in the window of the channel.
 *   "cookie" = a server address that the kernel stores and hands back, nothing else.
 *   Either side may change shared memory at any time: read once, validate, use the copy.
 *
 * Rules of growth
 *   Numbers are never reused. Operation 32 (IOM_DONE) and iomap command 12 (DISCARD)
 *   belong to the later original ABI. Operations of this implementation start at
 *   ZUFS_OP_EXT_FIRST, its flags at the top of their fields, and it uses them only after
 *   the server declared them in fs_caps: old servers leave those bits 0.
 *
 * ABI changelog
 *   1.0  the 2019 interface, unchanged
 *        + register_fs_info.notused bit 31: may be mounted without a device; T1 is then
 *          memory of the kernel, its size the mount option size=, which the kernel takes
 *        + ALLOC_BUFFER: init_size below max_size
 *        + iomap: REPEAT, which was reserved; DISCARD, asynchronous lists and IOM_DONE of the
 *          later original; flush and FUA by the top bits of wait_for_done and ret_flags
 *        + fs_caps ZUFS_FSC_IGET: operation IGET finds an inode by its number (file handles)
 *        + fs_caps ZUFS_FSC_XATTR_WINDOW, bit 15 of ioc_flags of XATTR_*: values and lists that
 *          are too large for a message are in the window
 *        + SYNC: write_unmapped may be answered (out_max 8, out_start at the field)
 *        + fs_caps ZUFS_FSC_MMAP_2M: page faults of 2 MiB, where one word may stand for all
 *        + the root's files stats and control; INIT_THREAD makes its process the server, or
 *          is -EBUSY (another one is), -ESHUTDOWN (it was, until an abort); SHOW_OPTIONS
 *          comes after a mount and a remount only
 *        + fs_caps ZUFS_FSC_EVICT_RIDES: EVICT_INODE and FREE_INODE follow a message as PUT_MULTY
 *          does
 *        + fs_caps ZUFS_FSC_NEW_XATTRS, bit 63 of NEW_INODE's flags: ACLs and labels of the new
 *          inode follow in the message
 *        + fs_caps ZUFS_FSC_NEW_EXCL: NEW_INODE comes for names that nobody has looked up
 *        + fs_caps ZUFS_FSC_BTIME: i_birth of the shared inode
 *        + fs_caps ZUFS_FSC_FIEMAP_MORE: FIEMAP of directories, and with FIEMAP_FLAG_XATTR
 *        + fs_caps ZUFS_FSC_LABEL: operations GET_LABEL, SET_LABEL
 *        + register_fs_info.notused bits of ZUFS_S_DECLARED: flags of inodes that programs may
 *          set; i_flags has these bits
 *        + MOUNT and WAIT_OPT end with -EINTR only after a handler without SA_RESTART: after any
 *          other signal the call starts anew by itself
 *        + fs_caps ZUFS_FSC_IOCTLS: operation IOCTLS, after the mount, lists the ioctl numbers that
 *          the file system knows and what they do; IOCTL's kflags say how the file is open;
 *          REALLOC is for numbers that are listed so, else of CAP_SYS_ADMIN; who changes
 *          something by IOCTL holds write access to the mount
 *        + i_nlink up to 2^31 - 1
 *        + fs_caps ZUFS_FSC_RETRY_MOVES: a message that was answered with -EZUFS_RETRY comes back
 *          on any channel
 *        + fs_caps ZUFS_FSC_QUARANTINE: operations T1_BUSY, T1_IDLE say which blocks the server
 *          has to keep back from reuse because a pipe or DMA still has them
 *        + ZUFS_H_INTR of FALLOCATE is a fatal signal; further lists (-EZUFS_RETRY) of a killed
 *          application are refused, hdr.err -EINTR, three times: the next one ends the operation
 *        + mount_flags ZUFS_M_RDONLY and ZUFS_M_PROTECTED, which tell and ask for no answer
 *        + register_fs_info.notused bit 30: file systems of the type are read-only
 *        + fs_caps ZUFS_FSC_BY_WRITE, zufs_mount_info.nio_write_min, ret_flags ZUFS_RET_BY_WRITE:
 *          writes that come as WRITE although NIO_WRITES is set
 *        + fs_caps ZUFS_FSC_PUT_RESULT: PUT_MULTY of a write says in last_pos how far it was
 *          copied, and if it had to come at once its result is that of write(2)
 *        + fs_caps ZUFS_FSC_PUT_EMPTY: without it the end of a server that has not executed the
 *          PUT_MULTY of a write is an -EIO of the next fsync(2)
 *        + fs_caps ZUFS_FSC_WHITEOUT: RENAME with RENAME_WHITEOUT, zufs_ioc_rename_whiteout
 *        + fs_caps ZUFS_FSC_ACL_MODE: XATTR_SET of the access ACL persists the mode with it
 *        + GRAB_PMEM: flags
 */
#ifndef _ZUF_ZUS_API_H
#define _ZUF_ZUS_API_H

#include <linux/types.h>
#include <linux/ioctl.h>
#include <linux/fiemap.h>
#ifdef __KERNEL__
#include <linux/statfs.h>
#include <linux/string.h>
#else
#include <string.h>
#include <sys/statfs.h>
#endif
#include "md_def.h"

#define ZUFS_MINORS_PER_MAJOR	1024
#define ZUFS_MAJOR_VERSION	1
#define ZUFS_MINOR_VERSION	0

#define ZUFS_PAGE_SHIFT		12
#define ZUFS_PAGE_SIZE		(1U << ZUFS_PAGE_SHIFT)

/* Most pages, and bytes, of application data in one operation; the size of a window. */
#define ZUS_API_MAP_MAX_PAGES	1024
#define ZUS_API_MAP_MAX_SIZE	(ZUS_API_MAP_MAX_PAGES << ZUFS_PAGE_SHIFT)

/* Only between channel and server, in hdr.err; never seen by an application. */
#define EZUFS_RETRY		531	/* do what the message says, then call me again */
#define EZUF_RETRY_DONE		540	/* kernel internal */

#define ZUFS_NAME_LEN		255
#define ZUFS_MAX_SYMLINK	4096	/* with the NUL */
#define ZUFS_LINK_MAX		32000	/* of 2019; not enforced: 2^31 - 1 is the limit */
#define ZUFS_READAHEAD_PAGES	8
#define ZUFS_ALLOC_MASK		0x1fffffULL	/* devices are 2 MiB aligned */
#define ZUFS_MO_MAX		512	/* bytes of SHOW_OPTIONS text */
#define ZUFS_INODE_SIZE		128
#define ZUFS_MAX_ZT_CHANNELS	4
#define ZUFS_SUPER_MAGIC_ROOT	0x1717	/* s_magic of the zuf root */

#ifdef __KERNEL__
#define ZUFS_CPU_TO_LE64(v)	cpu_to_le64(v)
#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ZUFS_CPU_TO_LE64(v)	((__le64)(v))
#else
#define ZUFS_CPU_TO_LE64(v)	((__le64)__builtin_bswap64(v))
#endif

#if !defined(__KERNEL__) && !defined(__USE_LARGEFILE64)
/* The C library's struct, for users without _LARGEFILE64_SOURCE or _GNU_SOURCE. */
struct statfs64 {
	__s64	f_type;
	__s64	f_bsize;
	__u64	f_blocks;
	__u64	f_bfree;
	__u64	f_bavail;
	__u64	f_files;
	__u64	f_ffree;
	struct { int __val[2]; } f_fsid;
	__s64	f_namelen;
	__s64	f_frsize;
	__s64	f_flags;
	__s64	f_spare[4];
};
#endif
ZUFS_SIZE_IS(statfs64, 120);
ZUFS_SIZE_IS(fiemap_extent, 56);

/*
 * The address of a trailing field of a message as a plain pointer, without the compiler's
 * idea that an array of zero elements has no room.
 */
#define ZUFS_TAIL(msg, field) \
	((void *)((char *)(msg) + offsetof(__typeof__(*(msg)), field)))

/* ---- dual-port pointer: low 3 bits = pool, the rest a byte offset, 8-byte aligned ---- */

typedef __u64 dpp_t;

enum zufs_pool {
	ZUFS_POOL_T1	= 0,		/* linear T1 array of the super-block */
	ZUFS_POOL_APP	= 7,		/* reserved */
};

#define ZUFS_DPP_POOL_BITS	3
#define ZUFS_DPP_POOL_MASK	7ULL

static inline dpp_t zufs_dpp_pack(__u64 byte_offset, __u32 pool)
{
	return (byte_offset & ~ZUFS_DPP_POOL_MASK) | (pool & ZUFS_DPP_POOL_MASK);
}

static inline __u32 zufs_dpp_pool(dpp_t v)
{
	return (__u32)(v & ZUFS_DPP_POOL_MASK);
}

static inline __u64 zufs_dpp_offset(dpp_t v)
{
	return v & ~ZUFS_DPP_POOL_MASK;
}

/* The block form, used in iomap words only. */
static inline __u64 zufs_dpp_from_block(__u64 bn, __u32 pool)
{
	return bn << ZUFS_DPP_POOL_BITS | (pool & ZUFS_DPP_POOL_MASK);
}

static inline __u64 zufs_dpp_block(__u64 block_form)
{
	return block_form >> ZUFS_DPP_POOL_BITS;
}

/* ---- the shared inode, little endian, lives in T1 ---- */

#define ZUFS_S_IMMUTABLE	0x800	/* i_flags: cannot be changed by ioctl */

/*
 * i_flags that mean something to the file system alone. Those that a type declares in
 * register_fs_info.notused are set and shown by chattr(1), lsattr(1) and statx(2), told by
 * SETATTR with ZUFS_STATX_FLAGS, and come with new inodes from their directory (but TOPDIR).
 */
#define ZUFS_S_NODUMP		0x0080	/* d: no backup wants it */
#define ZUFS_S_COMPR		0x0100	/* c: compressed */
#define ZUFS_S_NOCOW		0x0200	/* C: no copy on write */
#define ZUFS_S_NOTAIL		0x0400	/* t: tails are not merged */
#define ZUFS_S_TOPDIR		0x1000	/* T: directories: the top of a hierarchy */
#define ZUFS_S_JOURNAL_DATA	0x2000	/* j: data is journalled */
#define ZUFS_S_SECRM		0x4000	/* s: overwritten when deleted */
#define ZUFS_S_UNRM		0x8000	/* u: can be undeleted */
#define ZUFS_S_DECLARED		0xf780	/* all of these */

struct zus_inode {
	__le16	i_flags;		/* S_SYNC 1, NOATIME 2, APPEND 4, IMMUTABLE 8, DIRSYNC 64 */
	__le16	i_mode;			/* kernel */
	__le32	i_nlink;		/* server */
	__le64	i_size;			/* both */
	union {
		struct {
			__le64 a[2];
		} i_on_disk;		/* file system private */
		struct {		/* of servers with ZUFS_FSC_BTIME */
			__le64 own;	/* file system private */
			__le64 btime;	/* birth, signed ns since the epoch; never changes */
		} i_birth;
	};
	__le64	i_blocks;		/* server; file-system blocks */
	__le64	i_mtime;		/* these three: signed ns since the epoch */
	__le64	i_ctime;
	__le64	i_atime;
	__le64	i_ino;			/* server */
	__le32	i_uid;			/* kernel, initial user namespace */
	__le32	i_gid;
	__le64	i_xattr;		/* file system private; 0 = has no xattr */
	__le64	i_generation;
	union {
		__le32	i_rdev;		/* kernel dev_t encoding */
		__u8	i_symlink[32];	/* target, if i_size < 32 */
		__le64	i_sym_dpp;	/* else byte dpp_t of the NUL-terminated target in T1 */
		struct {
			__le64 dir_root;
			__le64 parent;	/* inode number of the parent directory */
		} i_dir;
	};
};
ZUFS_SIZE_IS(zus_inode, ZUFS_INODE_SIZE);
ZUFS_FIELD_AT(zus_inode, i_rdev, 96);
ZUFS_FIELD_AT(zus_inode, i_on_disk, 16);
ZUFS_FIELD_AT(zus_inode, i_birth.btime, 24);

/* ---- header of every message ---- */

enum zufs_hdr_flags {
	ZUFS_H_INTR		= 1 << 0,	/* the app has a signal; may appear at any time */
	ZUFS_H_HAS_PIGY_PUT	= 1 << 1,	/* a put follows at + in_len; kernel clears it */
};

struct zufs_ioc_hdr {
	__s32	err;		/* result, 0 or -errno; first on purpose */
	__u16	in_len;		/* bytes of this message, distance to a put that rides along */
	__u16	out_max;	/* most bytes the caller takes back */
	__u16	out_start;	/* where the bytes to take back start */
	__u16	out_len;	/* how many; the server may change it */
	__u16	operation;	/* ZUFS_OP_* or ZUFS_M_* */
	__u16	flags;		/* ZUFS_H_* */
	__u32	offset;		/* start of the app data in the window */
	__u32	len;		/* its length in bytes */
};
ZUFS_SIZE_IS(zufs_ioc_hdr, 24);

/* ---- registration and mounting ---- */

#define ZUFS_REG_NODEV_OK	(1U << 31)	/* notused: a device is optional */
#define ZUFS_REG_READ_ONLY	(1U << 30)	/* notused: mounts are read-only and stay it */
/* Of its low 16 bits those of ZUFS_S_DECLARED are the flags that inodes may have. */

struct register_fs_info {
	char	fsname[16];		/* NUL-terminated; the type of mount -t */
	__u32	FS_magic;
	__u32	FS_ver_major;		/* wanted version of the device table */
	__u32	FS_ver_minor;
	__u32	notused;		/* ZUFS_REG_* */
	__u64	dt_offset;		/* of the device table; ~0 = there is none */
	__u64	s_maxbytes;
	__u32	s_time_gran;		/* ns */
	__u32	def_mode;		/* default mode of the root directory */
};
ZUFS_SIZE_IS(register_fs_info, 56);

struct zufs_ioc_register_fs {
	struct zufs_ioc_hdr hdr;
	__u64	zus_zfi;		/* cookie of the type */
	struct register_fs_info rfi;
};
ZUFS_SIZE_IS(zufs_ioc_register_fs, 88);
#define ZU_IOC_REGISTER_FS	_IOWR('Z', 10, struct zufs_ioc_register_fs)

enum zufs_mount_flags {			/* zufs_parse_options.mount_flags */
	ZUFS_M_PEDANTIC		= 1 << 0,
	ZUFS_M_EPHEMERAL	= 1 << 1,
	ZUFS_M_SILENT		= 1 << 2,
	ZUFS_M_PRIVATE		= 1 << 3,
};
/* The mount is, or in a remount becomes, read-only: nothing durable is written. */
#define ZUFS_M_RDONLY		(1ULL << 63)
/* A T2 device is write protected; the mount is read-only and stays it until that ends. */
#define ZUFS_M_PROTECTED	(1ULL << 62)

struct zufs_parse_options {
	__u64	mount_flags;
	__u32	pedantic;		/* level */
	__u32	mount_options_len;	/* bytes at mount_options with the NUL */
	char	mount_options[0];	/* what the kernel did not consume, comma separated */
};
ZUFS_SIZE_IS(zufs_parse_options, 16);

enum zufs_remount_flags {
	ZUFS_REM_WAS_RO		= 1 << 0,
	ZUFS_REM_WILL_RO	= 1 << 1,
};

enum zufs_fs_caps {
	ZUFS_FSC_ACL_ON		= 1 << 0,	/* turn POSIX ACLs on */
	ZUFS_FSC_NIO_READS	= 1 << 1,	/* GET/PUT_MULTY instead of READ */
	ZUFS_FSC_NIO_WRITES	= 1 << 2,	/* and instead of WRITE */
	/*
	 * With NIO_WRITES: a write that would end behind i_size, or is of less than nio_write_min
	 * bytes, comes as WRITE, and the GET_MULTY of a write may be answered with
	 * ZUFS_RET_BY_WRITE. Page faults and swap ask by GET_MULTY as ever.
	 */
	ZUFS_FSC_BY_WRITE	= 1U << 19,
	/*
	 * In PUT_MULTY of a write (of no page fault) last_pos is the first byte of the file that
	 * was not copied; filepos: nothing was. If it comes at once because of ZUFS_RET_NEW,
	 * PUT_NOW or LOCKED_PUT, it has a result, which is that of the write. After an error i_size
	 * is in both inodes what it was before the GET_MULTY (if the writer was killed meanwhile
	 * the server puts it back), and nothing that the answer named is mapped; what the GET_MULTY
	 * has allocated the server has taken back. It comes once, whatever the result.
	 */
	ZUFS_FSC_PUT_RESULT	= 1U << 18,
	/* PUT_MULTY of a write only ends the contract: when it is lost, no fsync(2) fails */
	ZUFS_FSC_PUT_EMPTY	= 1U << 17,
	ZUFS_FSC_WHITEOUT	= 1U << 16,	/* RENAME knows RENAME_WHITEOUT */
	/*
	 * XATTR_SET that sets or removes the access ACL persists what SETATTR of everything
	 * would: chmod(2) and chown(2) of an inode that has such an ACL send nothing else.
	 */
	ZUFS_FSC_ACL_MODE	= 1U << 15,
	ZUFS_FSC_FIEMAP_MORE	= 1U << 20,	/* FIEMAP of directories and of attributes */
	ZUFS_FSC_LABEL		= 1U << 21,	/* has ZUFS_OP_GET_LABEL and SET_LABEL */
	ZUFS_FSC_BTIME		= 1U << 22,	/* shared inodes have their i_birth.btime */
	ZUFS_FSC_IOCTLS		= 1U << 23,	/* has ZUFS_OP_IOCTLS */
	ZUFS_FSC_QUARANTINE	= 1U << 24,	/* has ZUFS_OP_T1_BUSY and T1_IDLE */
	/*
	 * A message that was answered with -EZUFS_RETRY may come back on another thread, as the
	 * server left it but for its header: hdr.offset and len are those of a new window (len
	 * may be less, of READ and WRITE 0 when the application was killed or its memory is not
	 * there; what an earlier pass left in the old one is void). So the server keeps no lock
	 * and no pointer into message or window across that answer, no thread of it waits for
	 * the message to come back, and a pass with an hdr.err changes nothing.
	 */
	ZUFS_FSC_RETRY_MOVES	= 1U << 25,
	/* NEW_INODE of a name that exists is -EEXIST and changes nothing: needs no LOOKUP first */
	ZUFS_FSC_NEW_EXCL	= 1U << 26,
	ZUFS_FSC_NEW_XATTRS	= 1U << 27,	/* knows ZI_XATTRS */
	/* EVICT_INODE and FREE_INODE may ride along with other messages, as PUT_MULTY does */
	ZUFS_FSC_EVICT_RIDES	= 1U << 28,
	ZUFS_FSC_MMAP_2M	= 1U << 29,	/* faults may ask for 2 MiB: ZUFS_RW_MMAP */
	ZUFS_FSC_XATTR_WINDOW	= 1U << 30,	/* knows ZUFS_XATTR_WINDOW */
	ZUFS_FSC_IGET		= 1U << 31,	/* has ZUFS_OP_IGET */
};

struct zufs_mount_info {
	/* in */
	__u64	zus_zfi;
	__u64	remount_flags;		/* ZUFS_REM_* */
	__u64	sb_id;			/* 1-based; 0 for umount and remount */
	__u16	num_cpu;		/* possible CPUs */
	__u16	num_channels;		/* ZTs wanted per online CPU */
	/* out; zus_sbi is in for umount and remount */
	__u32	nio_write_min;		/* bytes, with ZUFS_FSC_BY_WRITE; 0 = no such limit */
	__u64	zus_sbi;
	__u64	zus_ii;			/* root inode */
	dpp_t	_zi;			/* its shared inode */
	__u32	fs_caps;		/* ZUFS_FSC_* */
	__u32	s_blocksize_bits;
	/* in */
	struct zufs_parse_options po;
};
ZUFS_SIZE_IS(zufs_mount_info, 80);

struct zufs_ddbg_info {
	__u64	id;			/* in: last seen, out: last delivered */
	__u64	len;			/* in: room at msg, out: length of the text */
	char	msg[0];
};
ZUFS_SIZE_IS(zufs_ddbg_info, 16);

enum zufs_mount_operation {
	ZUFS_M_MOUNT		= 1,	/* BREAK has this number too, but with err +EIO */
	ZUFS_M_UMOUNT		= 2,
	ZUFS_M_REMOUNT		= 3,
	ZUFS_M_DDBG_RD		= 4,
	ZUFS_M_DDBG_WR		= 5,
};

struct zufs_ioc_mount {
	struct zufs_ioc_hdr hdr;
	union {
		struct zufs_mount_info zmi;
		struct zufs_ddbg_info zdi;
	};
};
ZUFS_SIZE_IS(zufs_ioc_mount, 104);
#define ZU_IOC_MOUNT		_IOWR('Z', 11, struct zufs_ioc_mount)

#define ZUFS_PMDEV_OPT		"zpmdev"	/* option of a private mount: its device */

struct zufs_ioc_mount_private {
	struct zufs_ioc_hdr hdr;
	__u32	mount_fd;		/* the server's own note */
	__u32	is_umount;
	struct register_fs_info rfi;
	struct zufs_mount_info zmi;
};
ZUFS_SIZE_IS(zufs_ioc_mount_private, 168);
#define ZU_IOC_PRIVATE_MOUNT	_IOWR('Z', 12, struct zufs_ioc_mount_private)

struct zufs_cpu_set {			/* equals the C library's cpu_set_t */
	__u64	bits[16];
};
ZUFS_SIZE_IS(zufs_cpu_set, 128);

struct zufs_ioc_numa_map {
	struct zufs_ioc_hdr hdr;
	__u32	possible_nodes;
	__u32	possible_cpus;
	__u32	online_nodes;
	__u32	online_cpus;
	__u32	max_cpu_per_node;
	__u8	nodes_not_symmetrical;
	__u8	__pad[19];
	struct zufs_cpu_set cpu_set_per_node[0];	/* online CPUs; one page in all */
};
ZUFS_SIZE_IS(zufs_ioc_numa_map, 64);
#define ZU_IOC_NUMA_MAP		_IOWR('Z', 13, struct zufs_ioc_numa_map)

enum zufs_pmem_flags {
	/* a flush of the cache and a fence make a store to T1 durable; 0: not, or nobody knows */
	ZUFS_PMEM_SYNC		= 1 << 0,
};

struct zufs_ioc_pmem {
	struct zufs_ioc_hdr hdr;
	__u64	sb_id;			/* in */
	__u8	__pad1[32];
	struct md_dev_table mdt;	/* out, with T1's NUMA nodes corrected */
	__u32	dev_index;		/* out: the entry that was given to mount */
	__u32	flags;			/* out: ZUFS_PMEM_* */
	__u8	__pad2[56];
};
ZUFS_SIZE_IS(zufs_ioc_pmem, 1856);
ZUFS_FIELD_AT(zufs_ioc_pmem, mdt, 64);
#define ZU_IOC_GRAB_PMEM	_IOWR('Z', 14, struct zufs_ioc_pmem)

/* ---- channels ---- */

struct zufs_ioc_init {
	struct zufs_ioc_hdr hdr;
	__u32	channel_no;		/* < ZUFS_MAX_ZT_CHANNELS, of the caller's CPU */
	__u32	max_command;		/* bytes wanted for the command buffer */
};
ZUFS_SIZE_IS(zufs_ioc_init, 32);
#define ZU_IOC_INIT_THREAD	_IOWR('Z', 15, struct zufs_ioc_init)

struct zufs_ioc_break_all {
	struct zufs_ioc_hdr hdr;
};
ZUFS_SIZE_IS(zufs_ioc_break_all, 24);
#define ZU_IOC_BREAK_ALL	_IOWR('Z', 16, struct zufs_ioc_break_all)

struct zufs_ioc_alloc_buffer {
	struct zufs_ioc_hdr hdr;
	__u64	sb_id;			/* 0 */
	__u64	zus_sbi;		/* 0 */
	__u32	max_size;		/* bytes that may be mapped, at most 16 MiB */
	__u32	init_size;		/* of them there at once; more comes when touched */
	__u16	pool_no;		/* 0 */
	__u16	flags;			/* 0 */
	__u32	reserved;		/* 0 */
};
ZUFS_SIZE_IS(zufs_ioc_alloc_buffer, 56);
/* The number speaks of another struct's size: a slip that became the ABI. */
#define ZU_IOC_ALLOC_BUFFER	_IOWR('Z', 17, struct zufs_ioc_init)

struct zufs_ioc_wait_operation {
	struct zufs_ioc_hdr hdr;
	__u8	opt_buff[0];
};
ZUFS_SIZE_IS(zufs_ioc_wait_operation, 24);
#define ZU_IOC_WAIT_OPT		_IOWR('Z', 18, struct zufs_ioc_wait_operation)

/* ---- operations ---- */

enum e_zufs_operation {
	ZUFS_OP_NULL		= 0,
	ZUFS_OP_BREAK		= 1,	/* leave, or look again whether to leave */
	ZUFS_OP_STATFS		= 2,
	ZUFS_OP_SHOW_OPTIONS	= 3,
	ZUFS_OP_NEW_INODE	= 4,
	ZUFS_OP_FREE_INODE	= 5,
	ZUFS_OP_EVICT_INODE	= 6,
	ZUFS_OP_LOOKUP		= 7,
	ZUFS_OP_ADD_DENTRY	= 8,
	ZUFS_OP_REMOVE_DENTRY	= 9,
	ZUFS_OP_RENAME		= 10,
	ZUFS_OP_READDIR		= 11,
	ZUFS_OP_CLONE		= 12,
	ZUFS_OP_COPY		= 13,
	ZUFS_OP_READ		= 14,
	ZUFS_OP_PRE_READ	= 15,
	ZUFS_OP_WRITE		= 16,
	ZUFS_OP_MMAP_CLOSE	= 17,
	ZUFS_OP_SETATTR		= 19,
	ZUFS_OP_SYNC		= 20,
	ZUFS_OP_FALLOCATE	= 21,
	ZUFS_OP_LLSEEK		= 22,
	ZUFS_OP_IOCTL		= 23,
	ZUFS_OP_XATTR_GET	= 24,
	ZUFS_OP_XATTR_SET	= 25,
	ZUFS_OP_XATTR_LIST	= 27,
	ZUFS_OP_FIEMAP		= 28,
	ZUFS_OP_GET_MULTY	= 29,
	ZUFS_OP_PUT_MULTY	= 30,
	ZUFS_OP_NOOP		= 31,	/* carries puts */
	ZUFS_OP_MAX_OPT		= 32,	/* bound of the 1.0 operations, not an operation */
	ZUFS_OP_IOM_DONE	= 32,	/* an asynchronous iomap list has ended */
	ZUFS_OP_EXT_FIRST	= 64,	/* operations of this implementation start here */
	ZUFS_OP_IGET		= 64,	/* with ZUFS_FSC_IGET only */
	ZUFS_OP_GET_LABEL	= 65,	/* these two with ZUFS_FSC_LABEL only */
	ZUFS_OP_SET_LABEL	= 66,
	ZUFS_OP_IOCTLS		= 68,	/* with ZUFS_FSC_IOCTLS only */
	ZUFS_OP_T1_BUSY		= 72,	/* these two with ZUFS_FSC_QUARANTINE only */
	ZUFS_OP_T1_IDLE		= 73,
};

/* All of them, for tables of names and the like: those of the 1.0 interface, and ours. */
#define ZUFS_OPS_1_0(X) \
	X(STATFS) X(SHOW_OPTIONS) X(NEW_INODE) X(FREE_INODE) X(EVICT_INODE) X(LOOKUP) \
	X(ADD_DENTRY) X(REMOVE_DENTRY) X(RENAME) X(READDIR) X(CLONE) X(COPY) X(READ) \
	X(PRE_READ) X(WRITE) X(MMAP_CLOSE) X(SETATTR) X(SYNC) X(FALLOCATE) X(LLSEEK) \
	X(IOCTL) X(XATTR_GET) X(XATTR_SET) X(XATTR_LIST) X(FIEMAP) X(GET_MULTY) \
	X(PUT_MULTY) X(NOOP) X(IOM_DONE)
#define ZUFS_OPS_EXT(X) \
	X(IGET) X(GET_LABEL) X(SET_LABEL) X(IOCTLS) X(T1_BUSY) X(T1_IDLE)
#define ZUFS_OPS(X)	ZUFS_OPS_1_0(X) ZUFS_OPS_EXT(X)

struct zufs_ioc_mount_options {		/* SHOW_OPTIONS */
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	char	buf[0];			/* out: text, out_len its length */
};
ZUFS_SIZE_IS(zufs_ioc_mount_options, 32);

struct zufs_ioc_statfs {
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	struct statfs64 statfs_out;
};
ZUFS_SIZE_IS(zufs_ioc_statfs, 152);

#define ZUFS_LABEL_SIZE	256		/* with the NUL */

struct zufs_ioc_label {			/* GET_LABEL, SET_LABEL: FS_IOC_GETFSLABEL, SETFSLABEL */
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	char	label[ZUFS_LABEL_SIZE];	/* GET in: zeros; zeros from its end on */
};
ZUFS_SIZE_IS(zufs_ioc_label, 288);
ZUFS_FIELD_AT(zufs_ioc_label, label, 32);

struct zufs_str {
	__u8	len;			/* bytes */
	char	name[ZUFS_NAME_LEN];	/* not NUL-terminated */
};
ZUFS_SIZE_IS(zufs_str, 256);

enum zufs_new_inode_flags {
	ZI_TMPFILE		= 1 << 0,	/* no name is added */
};

/*
 * NEW_INODE's flags, of servers that declared ZUFS_FSC_NEW_XATTRS: attributes follow the struct,
 * up to in_len. The inode has all of them, or the operation fails; what ends the server in
 * the middle of it must not leave an inode with a name and without them.
 */
#define ZI_XATTRS		(1ULL << 63)
#define ZUFS_NEW_XATTRS_MAX	8	/* in a message, none of them twice */

struct zufs_new_xattr {			/* each is padded with zeros to a multiple of 8 */
	__u32	type;			/* ZUFS_XATTR_*, and with it the form of the name */
	__u32	size;			/* of the value, may be 0 */
	__u16	name_len;		/* with the NUL */
	__u16	__pad[3];
	char	buf[0];			/* name, then value */
};
ZUFS_SIZE_IS(zufs_new_xattr, 16);

/* Bytes that one takes in the message. */
static inline __u64 zufs_new_xattr_size(__u16 name_len, __u32 size)
{
	return ((__u64)sizeof(struct zufs_new_xattr) + name_len + size + 7) & ~7ULL;
}

struct zufs_ioc_new_inode {
	struct zufs_ioc_hdr hdr;
	/* in */
	struct zus_inode zi;
	__u64	dir_ii;
	struct zufs_str str;
	__u64	flags;			/* ZI_TMPFILE, ZI_XATTRS */
	/* out */
	dpp_t	_zi;
	__u64	zus_ii;
};
ZUFS_SIZE_IS(zufs_ioc_new_inode, 440);

enum zufs_evict_flags {
	ZI_LOOKUP_RACE		= 1 << 0,	/* a cookie of LOOKUP that nobody uses */
};

struct zufs_ioc_evict_inode {		/* EVICT_INODE, FREE_INODE */
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	flags;
};
ZUFS_SIZE_IS(zufs_ioc_evict_inode, 40);

struct zufs_ioc_lookup {
	struct zufs_ioc_hdr hdr;
	__u64	dir_ii;
	struct zufs_str str;
	dpp_t	_zi;			/* out */
	__u64	zus_ii;			/* out */
};
ZUFS_SIZE_IS(zufs_ioc_lookup, 304);

/*
 * IGET: what LOOKUP of a name of that inode would answer. No lock is held: the inode may be
 * about to go. -ESTALE: there is none of that number and generation.
 */
struct zufs_ioc_iget {
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	__u64	ino;
	__u64	generation;		/* low 32 bits of i_generation, all that handles have */
	dpp_t	_zi;			/* out */
	__u64	zus_ii;			/* out */
};
ZUFS_SIZE_IS(zufs_ioc_iget, 64);
ZUFS_FIELD_AT(zufs_ioc_iget, _zi, 48);

struct zufs_ioc_dentry {		/* ADD_DENTRY, REMOVE_DENTRY */
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	zus_dir_ii;
	struct zufs_str str;
	__u64	ino;			/* unused */
};
ZUFS_SIZE_IS(zufs_ioc_dentry, 304);

struct zufs_ioc_rename {
	struct zufs_ioc_hdr hdr;
	__u64	old_dir_ii;
	__u64	new_dir_ii;
	__u64	old_zus_ii;
	__u64	new_zus_ii;		/* 0 = there is no target */
	struct zufs_str old_d_str;
	struct zufs_str new_d_str;
	__s64	time;			/* ns */
	__u64	flags;			/* RENAME_NOREPLACE 1, _EXCHANGE 2, _WHITEOUT 4 */
};
ZUFS_SIZE_IS(zufs_ioc_rename, 584);

/*
 * RENAME with RENAME_WHITEOUT, of servers that declared ZUFS_FSC_WHITEOUT; never with EXCHANGE.
 * In the same operation, as a whole, the old name becomes that of a new inode, a character device
 * 0/0: zi is what NEW_INODE would have. The answer says nothing of it: it is looked up when
 * somebody wants it. Where it must have ACLs or labels it comes by NEW_INODE as ever.
 */
struct zufs_ioc_rename_whiteout {
	struct zufs_ioc_rename rename;	/* in_len is that of all */
	struct zus_inode zi;
};
ZUFS_SIZE_IS(zufs_ioc_rename_whiteout, 712);
ZUFS_FIELD_AT(zufs_ioc_rename_whiteout, zi, 584);

struct zufs_ioc_readdir {		/* entries go to the window */
	struct zufs_ioc_hdr hdr;
	__u64	dir_ii;
	__u64	pos;			/* in: from here, out: where to go on */
	__u8	more;			/* out: the buffer was full */
	__u8	__pad[7];
};
ZUFS_SIZE_IS(zufs_ioc_readdir, 48);

struct zufs_dir_entry {
	__le64	ino;
	__u8	type;			/* DT_* */
	__u8	pos[7];			/* little endian */
	struct zufs_str zstr;		/* len 0 = end of the list */
};
ZUFS_SIZE_IS(zufs_dir_entry, 272);
#define E_ZDE_HDR_SIZE		17	/* offsetof(struct zufs_dir_entry, zstr.name) */

static inline __u64 zufs_zde_pos(const struct zufs_dir_entry *zde)
{
	__u64 pos = 0;
	int i;

	for (i = 6; i >= 0; i--)
		pos = pos << 8 | zde->pos[i];
	return pos;
}

static inline void zufs_zde_set_pos(struct zufs_dir_entry *zde, __u64 pos)
{
	int i;

	for (i = 0; i < 7; i++, pos >>= 8)
		zde->pos[i] = (__u8)pos;
}

/* Bytes that an entry with a name of name_len bytes takes in the buffer. */
static inline __u32 zufs_zde_size(__u8 name_len)
{
	return (E_ZDE_HDR_SIZE + (__u32)name_len + 7) & ~7U;
}

/* A walk over the entries of one readdir buffer: local to one side, never on the wire. */
struct zufs_readdir_iter {
	struct zufs_dir_entry *__zde;	/* next entry */
	void	*last;			/* end of the buffer */
	struct zufs_ioc_readdir *ioc_readdir;
};
ZUFS_SIZE_IS(zufs_readdir_iter, 24);

static inline void zufs_readdir_iter_init(struct zufs_readdir_iter *it,
					  struct zufs_ioc_readdir *ioc, void *buf)
{
	it->__zde = (struct zufs_dir_entry *)buf;
	it->last = (char *)buf + ioc->hdr.len;
	it->ioc_readdir = ioc;
}

/* Room for an entry: its end must lie strictly below the end of the buffer. */
static inline int zufs_zde_fits(const struct zufs_readdir_iter *it, __u8 name_len)
{
	const char *zde = (const char *)it->__zde, *last = (const char *)it->last;

	return last - zde > (__s64)zufs_zde_size(name_len);
}

/* The next entry of a filled buffer or NULL; the reader's side. */
static inline struct zufs_dir_entry *zufs_next_zde(struct zufs_readdir_iter *it)
{
	struct zufs_dir_entry *zde = it->__zde;
	__u8 len;

	if (!zufs_zde_fits(it, 1))
		return NULL;
	len = *(volatile __u8 *)&zde->zstr.len;
	if (!len || !zufs_zde_fits(it, len))
		return NULL;
	it->__zde = (struct zufs_dir_entry *)((char *)zde + zufs_zde_size(len));
	return zde;
}

/*
 * Append an entry; 0 when the buffer is full: `more` and `pos` (this entry's own, the
 * place to go on from) are set then. The buffer comes zeroed, which ends the list.
 */
static inline int zufs_zde_emit(struct zufs_readdir_iter *it, __u64 ino, __u8 type,
				__u64 pos, const char *name, __u8 len)
{
	struct zufs_dir_entry *zde = it->__zde;

	if (!zufs_zde_fits(it, len)) {
		it->ioc_readdir->more = 1;
		it->ioc_readdir->pos = pos;
		return 0;
	}
	zde->ino = ZUFS_CPU_TO_LE64(ino);
	zde->type = type;
	zufs_zde_set_pos(zde, pos);
	zde->zstr.len = len;
	memcpy(ZUFS_TAIL(zde, zstr.name), name, len);
	it->__zde = (struct zufs_dir_entry *)((char *)zde + zufs_zde_size(len));
	return 1;
}

struct zufs_ioc_mmap_close {
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	rw;			/* 0 */
};
ZUFS_SIZE_IS(zufs_ioc_mmap_close, 40);

/* zuf_attr = STATX_* bits of what changed already in the shared inode, and these: */
#define ZUFS_STATX_FLAGS	0x20000000U
#define ZUFS_STATX_VERSION	0x40000000U

struct zufs_ioc_attr {			/* SETATTR */
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u32	zuf_attr;
	__u32	pad;
};
ZUFS_SIZE_IS(zufs_ioc_attr, 40);

enum zufs_sync_flags {
	ZUFS_SF_DATASYNC	= 1 << 0,
	ZUFS_SF_DONTNEED	= 1 << 8,
};

struct zufs_ioc_sync {
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	offset;			/* bytes */
	__u64	length;
	__u64	flags;			/* ZUFS_SF_* */
	__u64	write_unmapped;		/* out: pages that are no longer write-mapped */
};
ZUFS_SIZE_IS(zufs_ioc_sync, 64);

struct zufs_ioc_clone {			/* CLONE, COPY */
	struct zufs_ioc_hdr hdr;
	__u64	src_zus_ii;
	__u64	dst_zus_ii;
	__u64	pos_in;
	__u64	pos_out;
	__u64	len;
	__u64	len_up;			/* 0 = dst becomes all of src; else len rounded up at EOF */
};
ZUFS_SIZE_IS(zufs_ioc_clone, 72);

struct zufs_ioc_seek {			/* LLSEEK */
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	offset_in;
	__u32	whence;			/* SEEK_DATA, SEEK_HOLE */
	__u32	pad;
	__u64	offset_out;
};
ZUFS_SIZE_IS(zufs_ioc_seek, 56);

enum zufs_ioctl_kflags {
	ZUFS_IOC_FSFROZEN	= 1 << 0,	/* frozen as you asked */
	ZUFS_IOC_CAP_ADMIN	= 1 << 1,	/* caller has CAP_SYS_ADMIN */
	ZUFS_IOC_OPEN_READ	= 1 << 2,	/* the file is open for reading ... */
	ZUFS_IOC_OPEN_WRITE	= 1 << 3,	/* ... and for writing */
};

enum zufs_ioctl_uflags {		/* with -EZUFS_RETRY */
	/* the argument is longer: new_size; of ZUFS_IOCTL_GROWS, or unlisted with CAP_ADMIN */
	ZUFS_IOC_REALLOC	= 1 << 0,
	ZUFS_IOC_FREEZE_REQ	= 1 << 1,	/* freeze the file system, call again */
};

struct zufs_ioc_ioctl {
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__s64	time;			/* ns */
	__u32	cmd;
	__u32	kflags;
	__u8	out_start[0];		/* where the answer starts */
	union {
		struct {
			__u32	uflags;
			__u32	new_size;	/* whole message */
		};
		char	arg[0];
	};
};
ZUFS_SIZE_IS(zufs_ioc_ioctl, 56);

/*
 * What the kernel must know of an ioctl before it passes it on. A number that is not listed may
 * change something if it has _IOC_WRITE, and answers if it has _IOC_READ.
 */
enum zufs_ioctl_flags {
	ZUFS_IOCTL_GROWS	= 1 << 0,	/* may ask for REALLOC, whoever calls */
	ZUFS_IOCTL_CHANGES	= 1 << 1,	/* changes something of the file system */
	ZUFS_IOCTL_ANSWERS	= 1 << 2,	/* bytes go back, if the number has _IOC_READ */
};

struct zufs_ioctl_info {
	__u32	cmd;			/* the whole number */
	__u32	flags;			/* ZUFS_IOCTL_* */
};
ZUFS_SIZE_IS(zufs_ioctl_info, 8);

#define ZUFS_IOCTLS_MAX		256

struct zufs_ioc_ioctls {		/* IOCTLS: once, after the mount */
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	__u32	nr;			/* out: of list; at most ZUFS_IOCTLS_MAX */
	__u32	pad;
	struct zufs_ioctl_info list[0];	/* out; out_len is 8 + 8 nr, from nr on */
};
ZUFS_SIZE_IS(zufs_ioc_ioctls, 40);

enum zufs_xattr_type {
	ZUFS_XATTR_SECURITY	= 1,	/* these come without their prefix ... */
	ZUFS_XATTR_SYSTEM	= 2,	/* ... but this with: the POSIX ACLs */
	ZUFS_XATTR_TRUSTED_NS	= 3,
	ZUFS_XATTR_USER		= 4,
};

enum zufs_xattr_ioc_flags {
	ZUFS_XATTR_SET_EMPTY	= 1 << 0,	/* there is a value, of length 0 */
	ZUFS_XATTR_TRUSTED	= 1 << 1,	/* the list may show trusted names */
	ZUFS_XATTR_WINDOW	= 1 << 15,	/* value or list: user_buf_size bytes at hdr.offset
						 * of the window, not at buf; out_len stays */
};

struct zufs_ioc_xattr {
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u32	flags;			/* XATTR_CREATE 1, XATTR_REPLACE 2 */
	__u32	type;
	__u16	name_len;		/* with the NUL */
	__u16	ioc_flags;
	__u32	user_buf_size;		/* in: room (0 = only ask) or value's size; out: size */
	char	buf[0];			/* name, then value */
};
ZUFS_SIZE_IS(zufs_ioc_xattr, 48);

/*
 * The array of extents is in the window. With ZUFS_FSC_FIEMAP_MORE directories come too, and in
 * flags FIEMAP_FLAG_XATTR: where the attributes of the inode are, instead of its data.
 */
struct zufs_ioc_fiemap {
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	start;
	__u64	length;
	__u32	flags;
	__u32	extents_max;		/* 0 = only count */
	__u32	extents_mapped;		/* out */
	__u32	pad;
};
ZUFS_SIZE_IS(zufs_ioc_fiemap, 64);

struct zufs_fiemap_extent_info {	/* local to one side, never on the wire */
	struct fiemap_extent *fi_extents_start;
	__u32	fi_flags;
	__u32	fi_extents_mapped;
	__u32	fi_extents_max;
	__u32	__pad;
};
ZUFS_SIZE_IS(zufs_fiemap_extent_info, 24);

/* ---- iomap: a list of words; the first of an element has the command in its top byte ---- */

enum ZUFS_IOM_OP {
	IOM_NONE		= 0,	/* end of the list */
	IOM_T1_WRITE		= 1,
	IOM_T1_READ		= 2,	/* answer of GET_MULTY: block form dpp_t */
	IOM_T2_WRITE		= 3,
	IOM_T2_READ		= 4,
	IOM_T2_WRITE_LEN	= 5,
	IOM_T2_READ_LEN		= 6,
	IOM_T2_ZUSMEM_WRITE	= 7,
	IOM_T2_ZUSMEM_READ	= 8,
	IOM_UNMAP		= 9,
	IOM_WBINV		= 10,
	IOM_REPEAT		= 11,	/* value = how many times more, see below */
	IOM_NUM_LEGAL_OPT	= 12,
	IOM_DISCARD		= 12,	/* later ABI: forget the content of T2 blocks */
	IOM_LAST		= IOM_DISCARD,	/* what is beyond ends a list */
};

#define ZUFS_IOM_VAL_BITS	56
#define ZUFS_IOM_FIRST_VAL_MASK	((1ULL << ZUFS_IOM_VAL_BITS) - 1)

static inline __u64 zufs_iom_pack(__u32 op, __u64 val)
{
	return (__u64)op << ZUFS_IOM_VAL_BITS | (val & ZUFS_IOM_FIRST_VAL_MASK);
}

static inline __u32 zufs_iom_op(__u64 word)
{
	return (__u32)(word >> ZUFS_IOM_VAL_BITS);
}

static inline __u64 zufs_iom_val(__u64 word)
{
	return word & ZUFS_IOM_FIRST_VAL_MASK;
}

/* Words of an element; 0 = not a command that a list may hold. */
static inline __u32 zufs_iom_words(__u32 op)
{
	switch (op) {
	case IOM_T1_WRITE:
	case IOM_T1_READ:
	case IOM_WBINV:
	case IOM_REPEAT:
		return 1;
	case IOM_T2_WRITE:
	case IOM_T2_READ:
		return 2;
	case IOM_T2_WRITE_LEN:
	case IOM_T2_READ_LEN:
	case IOM_T2_ZUSMEM_WRITE:
	case IOM_T2_ZUSMEM_READ:
	case IOM_UNMAP:
	case IOM_DISCARD:
		return 3;
	default:
		return 0;
	}
}

/*
 * The kernel checks a whole list before it starts: one bad element and nothing of it is
 * done (-EIO). Elements start in their order, transfers end in any order.
 *
 * IOM_REPEAT repeats the element before it (a T2 transfer or DISCARD) as often as its value
 * says, each time with the blocks and the memory that follow those of the last time:
 * T2_READ, block 8, page P, REPEAT 3 is T2_READ_LEN, block 8, page P, 4 pages.
 */

struct zufs_iom_t1_io {
	__u64	t1_val;			/* op | block form dpp_t */
};
ZUFS_SIZE_IS(zufs_iom_t1_io, 8);

struct zufs_iom_t2_io {
	__u64	t2_val;			/* op | T2 block */
	dpp_t	t1_val;			/* byte form */
};
ZUFS_SIZE_IS(zufs_iom_t2_io, 16);

struct zufs_iom_t2_io_len {
	struct zufs_iom_t2_io iom;
	__u64	num_pages;
};
ZUFS_SIZE_IS(zufs_iom_t2_io_len, 24);

struct zufs_iom_t2_zusmem_io {
	__u64	t2_val;			/* op | T2 block */
	__u64	zus_mem_ptr;		/* server address, page aligned */
	__u64	len;			/* bytes, at most 16 pages */
};
ZUFS_SIZE_IS(zufs_iom_t2_zusmem_io, 24);

struct zufs_iom_unmap {
	__u64	unmap_index;		/* op | first page of the file */
	__u64	unmap_n;		/* pages, 0 = to the end */
	__u64	ino;			/* 0 = the inode of the operation */
};
ZUFS_SIZE_IS(zufs_iom_unmap, 24);

struct zufs_iom_discard {
	__u64	t2_val;			/* op | T2 block */
	__u64	reserved;
	__u64	num_pages;
};
ZUFS_SIZE_IS(zufs_iom_discard, 24);

/*
 * IOM_DONE: a list of ZU_IOC_IOMAP_EXEC without wait_for_done has ended with hdr.err. Comes
 * once per list that was taken (result 0), on any ZT, maybe before the ioctl returns.
 */
struct zufs_ioc_iomap_done {
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	__u64	iomb;			/* ziom.iomb of the list */
};
ZUFS_SIZE_IS(zufs_ioc_iomap_done, 40);

/*
 * T1_BUSY, T1_IDLE: somebody (a pipe, DMA) holds pages of T1 that leave, or may leave, what they
 * were mapped as; and later, that he does no more. The server counts both per block: a BUSY is
 * one more, an IDLE one less. A block whose count is not 0 is not given out again and not moved;
 * nothing is said of what it belongs to, and it may go on belonging to it.
 * A block is the server's again when its count is 0 and
 *   truncate, fallocate, CLONE or FREE_INODE, which took it away, is executed; or
 *   a GET_MULTY for writing has replaced it, and its PUT_MULTY came (not at the answer; such a
 *     GET is not answered with ZUFS_RET_LOCKED_PUT); or
 *   a WRITE has replaced it (ZUFS_RET_NEW, wr_unmap), and after that a message of the first kind,
 *     SYNC or EVICT_INODE came for the inode, or UNMAP was 0; or
 *   the server moved it, and UNMAP was 0.
 * BUSY is executed before the message that takes the block away comes. With ZUFS_FSC_QUARANTINE
 * truncate, fallocate, writes and the destination of CLONE do not wait for who holds pages.
 * UNMAP is -EBUSY while that lasts, also while a BUSY is under way. The first messages after a
 * mount are BUSY for what is still held of the last one. hdr.err -ENOMEM: nothing was counted,
 * it comes again. Other results mean nothing.
 */
struct zufs_t1_run {
	__u64	first;			/* block of T1 */
	__u64	nr;
};
ZUFS_SIZE_IS(zufs_t1_run, 16);

#define ZUFS_T1_RUNS_MAX	32

struct zufs_ioc_t1_runs {
	struct zufs_ioc_hdr hdr;
	__u64	zus_sbi;
	__u32	nr;			/* runs, at most ZUFS_T1_RUNS_MAX; none overlap */
	__u32	__pad;
	struct zufs_t1_run runs[0];
};
ZUFS_SIZE_IS(zufs_ioc_t1_runs, 40);

struct zufs_iomap {
	__u64	iomb;			/* cookie of the server */
	__u32	iom_max;		/* words that fit at iom_e */
	__u32	iom_n;			/* words that are used */
	__u64	iom_e[0];
};
ZUFS_SIZE_IS(zufs_iomap, 16);

/* wait_for_done, besides 0 and 1: what the list's writes to T2 shall be at its end. */
#define ZUFS_IOM_EXEC_FLUSH	0x80000000U	/* flush the devices that were written */
#define ZUFS_IOM_EXEC_FUA	0x40000000U	/* each write goes through the device's cache */

struct zufs_ioc_iomap_exec {
	struct zufs_ioc_hdr hdr;
	__u64	sb_id;
	__u64	zus_sbi;
	__u64	zt_iocontext;		/* unused */
	__u32	wait_for_done;		/* 0: IOM_DONE tells of its end; ZUFS_IOM_EXEC_* */
	__u32	__pad;
	struct zufs_iomap ziom;
};
ZUFS_SIZE_IS(zufs_ioc_iomap_exec, 72);
#define ZU_IOC_IOMAP_EXEC	_IOWR('Z', 19, struct zufs_ioc_iomap_exec)

/* ---- I/O ---- */

#define ZUFS_WRITE_OP_SPACE	13	/* words inside of zufs_ioc_IO */

#define ZUFS_RW_WRITE		(1U << 0)
/*
 * A page fault, for one page; of servers that declared ZUFS_FSC_MMAP_2M also for 512 pages that
 * begin at 2 MiB of the file. This answer is used if it has all of them, without a hole, as one
 * run that begins at 2 MiB of T1; it is put in any case. One word (iom_n 1) with last_pos at the
 * end of the 2 MiB says the same as the 512 words of the run that it begins. Else, and after any
 * error, the page alone is asked for: so the server should not allocate for the first question,
 * and should answer it with an error if it knows that the blocks do not fit.
 */
#define ZUFS_RW_MMAP		(1U << 1)
#define ZUFS_RW_RAND		(1U << 4)	/* the file is read at random */
#define ZUFS_RW_KERN		8		/* copies of kernel flags start at this bit */
#define ZUFS_RW_EVENTFD		(1U << 8)
#define ZUFS_RW_APPEND		(1U << 9)
#define ZUFS_RW_DIRECT		(1U << 10)
#define ZUFS_RW_HIPRI		(1U << 11)
#define ZUFS_RW_DSYNC		(1U << 12)
#define ZUFS_RW_SYNC		(1U << 13)
#define ZUFS_RW_NOWAIT		(1U << 15)
#define ZUFS_RW_LAST_USED_BIT	15
#define ZUFS_RW_USER_BITS	0xff000000U	/* free for file systems */
#define ZUFS_RW_USER		(1U << 24)

#define ZUFS_FL_TRUNCATE	0x80000000U	/* FALLOCATE's rw: set the size to filepos */

enum zufs_ret_flags {
	ZUFS_RET_RESERVED	= 1 << 0,
	ZUFS_RET_NEW		= 1 << 1,	/* a block was allocated */
	ZUFS_RET_IOM_ALL_PMEM	= 1 << 2,
	ZUFS_RET_PUT_NOW	= 1 << 3,
	ZUFS_RET_LOCKED_PUT	= 1 << 4,	/* the put must come through this very channel */
	/*
	 * With ZUFS_FSC_BY_WRITE, of a GET_MULTY for writing that is no page fault: the answer
	 * holds nothing and has no put, whatever else it says, and the same range comes as WRITE,
	 * in one or more messages. Where the first pages can be had, a short answer of these
	 * comes before.
	 */
	ZUFS_RET_BY_WRITE	= 1 << 5,
	/* with -EZUFS_RETRY, for the list: as ZUFS_IOM_EXEC_FLUSH, ZUFS_IOM_EXEC_FUA */
	ZUFS_RET_IOM_FUA	= 1 << 30,
	ZUFS_RET_IOM_FLUSH	= 1U << 31,
};

struct zufs_ioc_IO {			/* READ, PRE_READ, WRITE, FALLOCATE, GET/PUT_MULTY */
	struct zufs_ioc_hdr hdr;
	__u64	zus_ii;
	__u64	filepos;		/* bytes */
	__u64	rw;			/* ZUFS_RW_*, FALLOCATE: mode bits or ZUFS_FL_TRUNCATE */
	__u32	ret_flags;		/* out: ZUFS_RET_* */
	__u32	pool;			/* 0 */
	__u64	cookie;			/* from GET_MULTY to its PUT_MULTY, the server's own */
	struct {
		union {
			__u64 start;	/* pages */
			__u64 __start;
		};
		__u64	prev_pos;	/* bytes */
		__u32	ra_pages;
		__u32	ra_pad;
	} ra;				/* in, out: read-ahead state of the file */
	struct {
		__u32	offset;		/* bytes */
		__u32	len;
	} wr_unmap;			/* out: mappings to drop after a write */
	__u64	last_pos;		/* out: position after the last byte done */
	struct zufs_iomap ziom;
	__u64	iom_e[ZUFS_WRITE_OP_SPACE];
};
ZUFS_SIZE_IS(zufs_ioc_IO, 224);
ZUFS_FIELD_AT(zufs_ioc_IO, last_pos, 96);
ZUFS_FIELD_AT(zufs_ioc_IO, iom_e, 120);

/* Bytes of an IO message with iom_n words: GET's out_len, PUT's in_len. */
static inline __u32 zufs_io_size(__u32 iom_n)
{
	return (__u32)offsetof(struct zufs_ioc_IO, iom_e) + iom_n * (__u32)sizeof(__u64);
}

#endif /* _ZUF_ZUS_API_H */
