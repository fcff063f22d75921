/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * op.h - one operation: a message of the ABI, what the server sees of the caller's memory, and
 * how it is to be sent
 *
 * VFS and I/O code (io/, vfs/) fills a zuf_op, op/dispatch.c sends it, call.c carries it.
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

/* A part of the window in kernel memory, which consists of copy pages. */
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
	struct page **pages;	/* PAGES: the caller's, except while the window is open */
	unsigned int nr_pages;
	u64 owner;		/* whose data it is: data of others in the copy pages is wiped; 0:
				 * of nobody (set by dispatch.c) */
	bool shown;		/* out, PAGES: the server has seen them */
	bool refused;		/* out, PAGES: they could not be mapped at once: copy instead */
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
	ZUF_OPF_SHARED	= 1 << 5, /* the caller holds the inode lock of @inode only shared */
	ZUF_OPF_NAMES	= 1 << 6, /* it changes names: the locks are those of directories */
	ZUF_OPF_NO_LOCK	= 1 << 7, /* the caller holds no lock of @inode */
	ZUF_OPF_KILLABLE = 1 << 8, /* do not tell the server of a signal that does not kill:
				   * nobody could handle it now (faults), or what was done
				   * must not be in vain (FALLOCATE) */
	ZUF_OPF_UNDO	= 1 << 9, /* a NEW_INODE that is only the first step: when the application
				   * is killed, the inode that the server has made is removed */
	ZUF_OPF_STAYS	= 1 << 10, /* an answer with a list keeps the channel for the time of
				    * a disk: few at a time on a CPU (set by dispatch.c) */
};

/* An inode of an operation, and the byte of the message at which its cookie belongs. */
struct zuf_op_inode {
	struct inode *inode;
	u16 at;
};

/*
 * struct zuf_op - one round trip
 * The code that carries it (call.c, retry.c) looks at the message, the window and the hooks, and
 * uses of the inode only its number, for the trace. The fields behind @retry are for op/.
 * @hdr: the message, complete with its struct of the ABI except for the cookies of
 *	inodes; in_len, out_len, out_start and operation are set by the caller (ZUF_HDR)
 * @out_at, @out_size: where at @hdr the answer has fields of its own (ZUF_OUT): from an answer
 *	without an error these are copied, and nothing else: the request stays as it was
 * @win: what the server sees of the application, or NULL
 * @answered: bytes that came back for [out_start, ..): at most out_max
 * @win_bytes: called on success, before the window is taken back: returns how many bytes
 *	of it the server has filled (to_server: used), or -errno. NULL: all.
 * @ends: with FORGET: this is the last message of @inode, whose item is queued (ends.h)
 * @puts: the waiting puts of the mount that go along; NULL: those of the channel's CPU
 * @zc: out: the CPU whose channel it went through
 * @overflow: called when the server answers with more than out_max, or with
 *	-EZUFS_RETRY (without @retry). Gets the command buffer and its size.
 *	Returns 0 (taken, operation ends with hdr->err), -EAGAIN (hand the same
 *	message to the server again, its hdr.err is set to hdr->err) or an error.
 *	NULL: such an answer is -EIO.
 * @retry: called when the server answers -EZUFS_RETRY with a list of commands: executes the list.
 *	Returns -EAGAIN (hand the message over again) or the result of the operation, -EIO: the
 *	list is bad. *@claim may be another channel, or none (lost). NULL: no list
 *	is expected
 * @keep: called on success: true = the channel stays claimed, in *@claim, for
 *	zuf_dispatch_kept()
 * @flush: all puts counted in this tag are executed before the message is sent; or NULL
 * @inode, @ii_at: the inode whose cookie the message has, and where (ZUF_INODE): the cookie is put
 *	there when the channel is claimed. When the application is killed, the server gets no other
 *	message about the inode that the lock held here excludes, before it has done with this one.
 *	With @retry the inode is also the one that UNMAP of "this inode" means
 * @more: other inodes whose cookies the message has, up to an entry without an inode; or NULL
 * @undo: the operation is one of several steps (undo.h); or NULL
 * @left: only its @done is used: called when a message is done that a killed application may have
 *	left; not at all unless @given is set, then once, perhaps before zuf_dispatch() returns; or
 *	NULL
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

/* The inode of an operation: its cookie belongs into field @at_ of the ABI's struct. */
#define ZUF_INODE(inode_, type_, at_)					\
	.inode = (inode_), .ii_at = offsetof(type_, at_)

/* The answer's own fields: from field @from_ of the ABI's struct to byte @end_. */
#define ZUF_OUT(type_, from_, end_)					\
	.out_at = offsetof(type_, from_), .out_size = (end_) - offsetof(type_, from_)

#endif
