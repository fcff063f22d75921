// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch: a message in a command buffer -> the plugin called -> the answer in the buffer.
 *
 * Called by every ZT (and by the other feeders) with a buffer of its own; keeps no state but
 * the set of unknown operations that were logged. Knows nothing of channels and ioctls.
 * What a plugin returns is checked here once: outside of 0 .. -MAX_ERRNO it is -EIO.
 */
#define _GNU_SOURCE
#include <zus/server.h>

#include <errno.h>
#include "internal.h"

#define MAX_ERRNO	4095

struct op_entry {
	zus_op_fn fn;
	uint16_t in_len;		/* what the kernel sends at least */
	bool may_retry;			/* -EZUFS_RETRY is a legal answer */
};

#define IO_LEN	((uint16_t)sizeof(struct zufs_ioc_IO))
#define LEN(type)	((uint16_t)sizeof(struct zufs_ioc_##type))

static int do_nothing(struct zus_op *op)
{
	(void)op;
	return 0;
}

static const struct op_entry op_table[] = {
	[ZUFS_OP_BREAK]		= { do_nothing, LEN(hdr), false },
	[ZUFS_OP_STATFS]	= { zus_do_statfs, 32, false },
	[ZUFS_OP_SHOW_OPTIONS]	= { zus_do_show_options, LEN(mount_options), false },
	[ZUFS_OP_NEW_INODE]	= { zus_do_new_inode, LEN(new_inode), false },
	[ZUFS_OP_FREE_INODE]	= { zus_do_free_inode, LEN(evict_inode), false },
	[ZUFS_OP_EVICT_INODE]	= { zus_do_evict_inode, LEN(evict_inode), false },
	[ZUFS_OP_LOOKUP]	= { zus_do_lookup, offsetof(struct zufs_ioc_lookup, _zi), false },
	[ZUFS_OP_ADD_DENTRY]	= { zus_do_add_dentry, LEN(dentry), false },
	[ZUFS_OP_REMOVE_DENTRY]	= { zus_do_remove_dentry, LEN(dentry), false },
	[ZUFS_OP_RENAME]	= { zus_do_rename, LEN(rename), false },
	[ZUFS_OP_READDIR]	= { zus_do_readdir, LEN(readdir), false },
	[ZUFS_OP_CLONE]		= { zus_do_clone, LEN(clone), false },
	[ZUFS_OP_COPY]		= { zus_do_clone, LEN(clone), false },
	[ZUFS_OP_READ]		= { zus_do_read, IO_LEN, true },
	[ZUFS_OP_PRE_READ]	= { zus_do_pre_read, IO_LEN, true },
	[ZUFS_OP_WRITE]		= { zus_do_write, IO_LEN, true },
	[ZUFS_OP_MMAP_CLOSE]	= { zus_do_mmap_close, LEN(mmap_close), false },
	[ZUFS_OP_SETATTR]	= { zus_do_setattr, LEN(attr), false },
	[ZUFS_OP_SYNC]		= { zus_do_sync, LEN(sync), false },
	[ZUFS_OP_FALLOCATE]	= { zus_do_fallocate, IO_LEN, true },
	[ZUFS_OP_LLSEEK]	= { zus_do_seek, LEN(seek), false },
	[ZUFS_OP_IOCTL]		= { zus_do_ioctl, LEN(ioctl), true },
	[ZUFS_OP_XATTR_GET]	= { zus_do_xattr_get, LEN(xattr), false },
	[ZUFS_OP_XATTR_SET]	= { zus_do_xattr_set, LEN(xattr), false },
	[ZUFS_OP_XATTR_LIST]	= { zus_do_xattr_list, LEN(xattr), false },
	[ZUFS_OP_FIEMAP]	= { zus_do_fiemap, LEN(fiemap), false },
	[ZUFS_OP_GET_MULTY]	= { zus_do_get_multy, IO_LEN, true },
	[ZUFS_OP_PUT_MULTY]	= { zus_do_put_multy, offsetof(struct zufs_ioc_IO, iom_e), false },
	[ZUFS_OP_NOOP]		= { do_nothing, LEN(hdr), false },
	[ZUFS_OP_IOM_DONE]	= { zus_do_iom_done, LEN(iomap_done), false },
	[ZUFS_OP_IGET]		= { zus_do_iget, offsetof(struct zufs_ioc_iget, _zi), false },
	[ZUFS_OP_GET_LABEL]	= { zus_do_get_label, LEN(label), false },
	[ZUFS_OP_SET_LABEL]	= { zus_do_set_label, LEN(label), false },
	[ZUFS_OP_IOCTLS]	= { zus_do_ioctls, offsetof(struct zufs_ioc_ioctls, nr), false },
	[ZUFS_OP_T1_BUSY]	= { zus_do_t1_runs, LEN(t1_runs), false },
	[ZUFS_OP_T1_IDLE]	= { zus_do_t1_runs, LEN(t1_runs), false },
};

/* Each unknown operation is logged once; numbers above 63 share a bit. */
static void log_unknown(unsigned int operation)
{
	static uint64_t seen;
	uint64_t bit = 1ULL << (operation < 63 ? operation : 63);

	if (!(__atomic_fetch_or(&seen, bit, __ATOMIC_RELAXED) & bit))
		zus_warn(zus_env_default(), "operation %u is unknown", operation);
}

static int checked_result(int err, const struct op_entry *e, unsigned int operation)
{
	if (!err || (err < 0 && err >= -MAX_ERRNO && err != -EZUFS_RETRY))
		return err;
	if (err == -EZUFS_RETRY && e->may_retry)
		return err;
	zus_err(zus_env_default(), "operation %u: the file system returned %d", operation, err);
	return -EIO;
}

static int run_one(struct zus_op *op)
{
	unsigned int operation = op->hdr->operation;
	const struct op_entry *e;

	if (operation >= sizeof(op_table) / sizeof(op_table[0]) || !op_table[operation].fn) {
		log_unknown(operation);
		return -EOPNOTSUPP;
	}
	e = &op_table[operation];
	if (op->hdr->in_len < e->in_len || op->hdr->in_len > op->room)
		return -EINVAL;
	return checked_result(e->fn(op), e, operation);
}

static bool may_ride(unsigned int operation)
{
	return operation == ZUFS_OP_PUT_MULTY || operation == ZUFS_OP_EVICT_INODE ||
	       operation == ZUFS_OP_FREE_INODE;
}

/* What follows the message: has no answer and must be done before it, in this order. */
static void run_riders(struct zus_cmd *cmd)
{
	struct zufs_ioc_hdr *hdr = cmd->buf;
	size_t pos = 0;

	while (hdr->flags & ZUFS_H_HAS_PIGY_PUT) {
		struct zus_op op = { .cmd = cmd };

		pos += hdr->in_len;
		if (hdr->in_len < sizeof(*hdr) || pos > cmd->size ||
		    cmd->size - pos < sizeof(*hdr)) {
			zus_err(zus_env_default(), "a message that rides along is out of bounds");
			return;
		}
		hdr = (struct zufs_ioc_hdr *)((char *)cmd->buf + pos);
		op.hdr = hdr;
		op.room = cmd->size - pos;
		if (!may_ride(hdr->operation) || run_one(&op)) {
			zus_err(zus_env_default(), "a message that rides along is malformed");
			return;
		}
	}
}

unsigned int zus_dispatch(struct zus_cmd *cmd)
{
	struct zus_op op = { .cmd = cmd, .hdr = cmd->buf, .room = cmd->size };
	unsigned int operation = op.hdr->operation;

	zus_thread_set_op(op.hdr, cmd->cpu);
	if (op.hdr->flags & ZUFS_H_HAS_PIGY_PUT)
		run_riders(cmd);
	op.hdr->err = run_one(&op);
	zus_thread_set_op(NULL, cmd->cpu);
	return operation;
}

void *zus_op_window(const struct zus_op *op)
{
	uint64_t offset = op->hdr->offset, len = op->hdr->len;

	if (offset + len > op->cmd->window_size)
		return NULL;
	return (char *)op->cmd->window + offset;
}

int zus_check_handle(const struct zus_sb *sb, const struct zus_ii *ii, const char *what)
{
	if (ii && ii->zi && !((uintptr_t)ii->zi & 7) &&
	    zus_t1_contains(sb->md, ii->zi, sizeof(*ii->zi)))
		return 0;
	zus_err(sb->env, "%s: the inode handle is not in T1", what);
	return -EIO;
}
