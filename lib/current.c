// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the calling thread is at work for, in words: for who reports its crash.
 *
 * Called in signal handlers, when anything in memory may be wrong: no library function that
 * takes a lock, and whatever a message points at is read by system calls, which fail where a
 * load would crash again. The message that a thread has stands in a variable of its own.
 */
#define _GNU_SOURCE
#include <zus/server.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

static __thread const struct zufs_ioc_mount *mount_msg;

void zus_current_set_mount(const struct zufs_ioc_mount *msg)
{
	mount_msg = msg;
}

/* ---- text ---- */

struct text {
	char *at, *end;			/* end: where the NUL stands at the latest */
};

static void add(struct text *t, const char *s)
{
	while (*s && t->at < t->end)
		*t->at++ = *s++;
	*t->at = 0;
}

static void add_number(struct text *t, uint64_t v)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = 0;
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	add(t, p);
}

/* ---- memory that may not be there ---- */

/* Through a pipe, which takes less than a page at once: T1 is no memory for process_vm_readv. */
static bool peek(void *to, const void *from, size_t bytes)
{
	int ends[2];
	bool done;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return false;
	done = write(ends[1], from, bytes) == (ssize_t)bytes &&
	       read(ends[0], to, bytes) == (ssize_t)bytes;
	close(ends[0]);
	close(ends[1]);
	return done;
}

static void add_peeked(struct text *t, const char *from)
{
	char name[32];
	size_t n;

	for (n = 0; n + 1 < sizeof(name) && peek(name + n, from + n, 1) && name[n]; n++)
		;
	name[n] = 0;
	add(t, n ? name : "?");
}

static void add_plugin(struct text *t, const struct zus_plugin *plugin)
{
	struct zus_plugin p;

	add(t, "plugin ");
	if (peek(&p, plugin, sizeof(p)))
		add_peeked(t, p.name);
	else
		add(t, "?");
}

static void add_sb(struct text *t, const struct zus_sb *sb)
{
	struct zus_sb copy;

	if (!peek(&copy, sb, sizeof(copy))) {
		add(t, ", mount ?");
		return;
	}
	add(t, ", ");
	add_plugin(t, copy.plugin);
	add(t, ", mount ");
	add_number(t, copy.kern_id);
}

static void add_inode(struct text *t, const struct zus_ii *ii)
{
	struct zus_inode zi;
	struct zus_ii copy;

	if (!peek(&copy, ii, sizeof(copy))) {
		add(t, ", inode ?");
		return;
	}
	add_sb(t, copy.sb);
	add(t, ", inode ");
	if (peek(&zi, copy.zi, sizeof(zi)))
		add_number(t, zus_zi_ino(&zi));
	else
		add(t, "?");
}

/* ---- messages ---- */

enum has { HAS_NOTHING, HAS_SB, HAS_II };

#define SB(op, type)		[ZUFS_OP_##op] = { #op, HAS_SB, \
					offsetof(struct zufs_ioc_##type, zus_sbi) }
#define II(op, type, field)	[ZUFS_OP_##op] = { #op, HAS_II, \
					offsetof(struct zufs_ioc_##type, field) }

static const struct {
	const char *name;
	enum has has;
	size_t offset;			/* of that cookie */
} ops[] = {
	[ZUFS_OP_NOOP] = { "NOOP", HAS_NOTHING, 0 },
	SB(STATFS, statfs),
	SB(SHOW_OPTIONS, mount_options),
	II(NEW_INODE, new_inode, dir_ii),
	II(FREE_INODE, evict_inode, zus_ii),
	II(EVICT_INODE, evict_inode, zus_ii),
	II(LOOKUP, lookup, dir_ii),
	II(ADD_DENTRY, dentry, zus_dir_ii),
	II(REMOVE_DENTRY, dentry, zus_dir_ii),
	II(RENAME, rename, old_dir_ii),
	II(READDIR, readdir, dir_ii),
	II(CLONE, clone, dst_zus_ii),
	II(COPY, clone, dst_zus_ii),
	II(READ, IO, zus_ii),
	II(PRE_READ, IO, zus_ii),
	II(WRITE, IO, zus_ii),
	II(MMAP_CLOSE, mmap_close, zus_ii),
	II(SETATTR, attr, zus_ii),
	II(SYNC, sync, zus_ii),
	II(FALLOCATE, IO, zus_ii),
	II(LLSEEK, seek, zus_ii),
	II(IOCTL, ioctl, zus_ii),
	II(XATTR_GET, xattr, zus_ii),
	II(XATTR_SET, xattr, zus_ii),
	II(XATTR_LIST, xattr, zus_ii),
	II(FIEMAP, fiemap, zus_ii),
	II(GET_MULTY, IO, zus_ii),
	II(PUT_MULTY, IO, zus_ii),
	SB(IOM_DONE, iomap_done),
	SB(IGET, iget),
	SB(GET_LABEL, label),
	SB(SET_LABEL, label),
	SB(IOCTLS, ioctls),
	SB(T1_BUSY, t1_runs),
	SB(T1_IDLE, t1_runs),
};

static void add_operation(struct text *t, const struct zufs_ioc_hdr *hdr)
{
	unsigned int operation = hdr->operation;
	uint64_t cookie;

	if (operation >= sizeof(ops) / sizeof(ops[0]) || !ops[operation].name) {
		add(t, "operation ");
		add_number(t, operation);
		return;
	}
	add(t, "operation ");
	add(t, ops[operation].name);
	if (hdr->flags & ZUFS_H_HAS_PIGY_PUT)
		add(t, " or what rides along");
	memcpy(&cookie, (const char *)hdr + ops[operation].offset, sizeof(cookie));
	if (ops[operation].has == HAS_SB)
		add_sb(t, (const struct zus_sb *)(uintptr_t)cookie);
	else if (ops[operation].has == HAS_II)
		add_inode(t, (const struct zus_ii *)(uintptr_t)cookie);
}

static void add_mount(struct text *t, const struct zufs_ioc_mount *msg)
{
	const struct zus_type *type = (const struct zus_type *)(uintptr_t)msg->zmi.zus_zfi;
	struct zus_type copy;

	switch (msg->hdr.operation) {
	case ZUFS_M_MOUNT:
		add(t, "operation MOUNT, ");
		if (peek(&copy, type, sizeof(copy)))
			add_plugin(t, copy.plugin);
		add(t, ", mount ");
		add_number(t, msg->zmi.sb_id);
		break;
	case ZUFS_M_UMOUNT:
	case ZUFS_M_REMOUNT:
		add(t, msg->hdr.operation == ZUFS_M_UMOUNT ? "operation UMOUNT" :
							     "operation REMOUNT");
		add_sb(t, zus_sb_of(msg->zmi.zus_sbi));
		break;
	default:
		add(t, "mount message ");
		add_number(t, msg->hdr.operation);
	}
}

bool zus_current_op(char *text, size_t size)
{
	const struct zufs_ioc_hdr *hdr = zus_thread_op();
	struct text t = { .at = text, .end = text + size - 1 };

	*text = 0;
	if (mount_msg)
		add_mount(&t, mount_msg);
	else if (hdr)
		add_operation(&t, hdr);
	return mount_msg || hdr;
}
