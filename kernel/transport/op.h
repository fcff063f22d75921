/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * op.h - one operation: a message of the ABI, what the server sees of the caller's memory, and
 * how it is to be sent
 *
 * Filled by VFS and I/O code (io/, vfs/), sent by op/dispatch.c, carried by call.c.
 */
#ifndef ZUF_OP_H
#define ZUF_OP_H

#include <linux/compiler.h>
#include <linux/types.h>
#include "shm.h"
#include "zuf/zus_api.h"

struct inode;
struct iov_iter;
struct page;
struct zuf_claim;
struct zuf_cpu;
struct zuf_endpoint;
struct zuf_post;
struct zuf_put_tag;
struct zuf_puts;
struct zuf_undo;

/* What an operation shows to the server in the application window. */
enum zuf_win_kind {
	ZUF_WIN_NONE,
	ZUF_WIN_KBUF,		/* a kernel buffer, always by copy */
	ZUF_WIN_ITER,		/* an iterator, by copy (see zuf_win_open) */
	ZUF_WIN_PAGES,		/* pinned pages of the application, mapped */
};

/* A part of the window in kernel memory: copy pages. */
struct zuf_win_seg {
	void __shm *mem;
	size_t len;
};

struct zuf_win {
	enum zuf_win_kind kind;
	bool to_server;		/* the server reads it (WRITE, symlink target) */
	size_t len;		/* bytes that the server may touch */
	size_t done;		/* out: bytes moved between window and iter/kbuf */
	void *kbuf;		/* KBUF */
	struct iov_iter *iter;	/* ITER, PAGES: not advanced by PAGES */
	struct page **pages;	/* PAGES: but while the window is open; then the caller's again */
	unsigned int nr_pages;
	u64 owner;		/* whose data it is: what copy pages show of others is wiped; or
				 * 0: of nobody (set by dispatch.c) */
	bool shown;		/* out, PAGES: the server has had them */
	bool refused;		/* out, PAGES: they could not be mapped at once: to be copied */
	unsigned int offset;	/* PAGES: first byte within pages[0] */
	struct zuf_win_seg seg[2]; /* KBUF, ITER: where the bytes are; window.c */
};

enum {
	ZUF_OPF_NESTED	= 1 << 0, /* may use the CPU's reserved channel */
	ZUF_OPF_FORGET	= 1 << 1, /* nobody needs the answer: a fatal signal ends
				   * only the wait; an exiting or killed task and one
				   * that reclaims memory do not wait at all; the
				   * message is delivered in any case (evict, free) */
	ZUF_OPF_NOWAIT	= 1 << 3, /* -EAGAIN instead of waiting for a channel */
	ZUF_OPF_UNKILLABLE = 1 << 4, /* not even a fatal signal ends the waits: only
				   * the answer or the server's death does */
	ZUF_OPF_SHARED	= 1 << 5, /* the caller has the inode lock of @inode only shared */
	ZUF_OPF_NAMES	= 1 << 6, /* it changes names: the locks are those of directories */
	ZUF_OPF_NO_LOCK	= 1 << 7, /* the caller has no lock of @inode */
	ZUF_OPF_KILLABLE = 1 << 8, /* a signal that does not kill is not the server's
				   * business: nobody could take it now (faults), or it
				   * must not be in vain what was done (FALLOCATE) */
	ZUF_OPF_UNDO	= 1 << 9, /* NEW_INODE that is only the beginning: when the application
				   * is killed, what the server has made goes again */
	ZUF_OPF_STAYS	= 1 << 10, /* an answer with a list keeps the channel for the time of
				    * a disk: a few at a time of a CPU (set by dispatch.c) */
};

/* An inode of an operation, and at which byte of the message its cookie belongs. */
struct zuf_op_inode {
	struct inode *inode;
	u16 at;
};

/*
 * struct zuf_op - one round trip
 * Whoever carries it (call.c, retry.c) looks at the message, the window and the hooks, and of the
 * inode at its number for the trace. What stands behind @retry is for op/.
 * @hdr: the message, complete with its struct of the ABI but for the cookies of
 *	inodes; in_len, out_len, out_start and operation are set by the caller (ZUF_HDR)
 * @out_at, @out_size: where at @hdr the answer has fields of its own (ZUF_OUT): of an answer
 *	without an error these are taken, and nothing else: what was asked for stays as it was
 * @win: what the server sees of the application, or NULL
 * @answered: bytes that came back for [out_start, ..): at most out_max
 * @win_bytes: called on success, before the window is taken back: how many bytes
 *	of it the server has filled (to_server: used), or -errno. NULL: all.
 * @ends: with FORGET: the last message of @inode: its item is queued (ends.h)
 * @puts: whose waiting puts of the mount go along; NULL: the channel's CPU
 * @zc: out: the CPU whose channel it went through
 * @overflow: called when the server answers with more than out_max, or with
 *	-EZUFS_RETRY (without @retry). Gets the command buffer and its size.
 *	Returns 0 (taken, operation ends with hdr->err), -EAGAIN (hand the same
 *	message to the server again, its hdr.err is set to hdr->err) or an error.
 *	NULL: such an answer is -EIO.
 * @retry: called when the server answers -EZUFS_RETRY with a list of commands: executes it.
 *	Returns -EAGAIN (hand the message over again) or the result of the operation, -EIO: the
 *	list is no good. *@claim may be another channel, or none (lost). NULL: no list
 *	is expected
 * @keep: called on success: true = the channel stays claimed, in *@claim, for
 *	zuf_dispatch_kept()
 * @flush: all puts of this inode are executed before the message goes; or NULL
 * @inode, @ii_at: whose cookie the message has, and where (ZUF_INODE): it is put there when
 *	the channel is claimed. When the application is killed the server gets
 *	no other message about it that the lock held here excludes, before it has done
 *	with this one. With @retry also whose pages UNMAP of "this inode" means
 * @more: others whose cookies the message has, up to one without an inode; or NULL
 * @undo: it is one of several steps (undo.h); or NULL
 * @left: only its @done: called when a message is done that a killed application may have left;
 *	not at all unless @given is set, then once, perhaps before zuf_dispatch() returns; or NULL
 */
struct zuf_op {
	struct zufs_ioc_hdr *hdr;
	struct zuf_win *win;
	u32 flags;
	u16 out_at, out_size;
	u16 answered;
	u16 ii_at;
	ssize_t (*win_bytes)(struct zuf_op *op);
	struct zuf_puts *puts;
	struct zuf_cpu *zc;
	int (*overflow)(struct zuf_op *op, const void __shm *shared, size_t shared_size);
	int (*retry)(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim);

	struct zuf_claim *claim;
	bool (*keep)(struct zuf_op *op);
	struct zuf_put_tag *flush;
	struct inode *inode;
	const struct zuf_op_inode *more;
	struct zuf_undo *undo;
	struct zuf_post *left;
	bool ends;
};

/* Fill the header of an ABI struct whose first member is hdr. */
#define ZUF_HDR(op_, in_, start_, out_) {				\
	.operation = (op_), .in_len = (in_),				\
	.out_start = (start_), .out_len = (out_),			\
}

#define ZUF_OP(msg_, ...) {						\
	.hdr = &(msg_)->hdr, ##__VA_ARGS__				\
}

/* The inode of an operation: field @at_ of the ABI's struct is for its cookie. */
#define ZUF_INODE(inode_, type_, at_)					\
	.inode = (inode_), .ii_at = offsetof(type_, at_)

/* What an answer has of its own: from field @from_ of the ABI's struct to byte @end_. */
#define ZUF_OUT(type_, from_, end_)					\
	.out_at = offsetof(type_, from_), .out_size = (end_) - offsetof(type_, from_)

#endif
