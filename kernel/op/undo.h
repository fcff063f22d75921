/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * undo.h - a change of names in several steps, whose program is killed in between
 *
 *	EXCHANGE  the whiteout (a temporary name) and the old name
 *	MOVE      the temporary name to the new one: all is done
 *	BACK      the exchange once more; when a MOVE is refused
 *	REMOVE    the temporary name; nothing has happened
 *
 * The program takes the steps; from where it is killed on a thread of the server does, by
 * the answers: to the end when the MOVE was done, else back.
 */
#ifndef ZUF_UNDO_H
#define ZUF_UNDO_H

#include <linux/refcount.h>
#include "zuf/zus_api.h"

struct inode;
struct zuf_chan;
struct zuf_claim;
struct zuf_op;
struct zuf_endpoint;
struct zuf_park;
struct zuf_sb;

enum zuf_undo_at {
	ZUF_UNDO_EXCHANGE,
	ZUF_UNDO_MOVE,
	ZUF_UNDO_BACK,
	ZUF_UNDO_REMOVE,
};

/*
 * struct zuf_undo
 * References: of the program, and of the message that it has left (channel or park). Constant,
 * but for what is said to be otherwise.
 */
struct zuf_undo {
	refcount_t refs;
	enum zuf_undo_at at;		/* the message under way; program's, handed: the ZT's */
	bool handed;			/* program's: the rest is not its business any more */
	struct inode *inode;		/* program's: the whiteout, whose end waits as well */
	struct zuf_park *park;		/* for the case that it has no channel; NULL: used */
	struct zufs_ioc_rename back;	/* with cookies, as the next */
	struct zufs_ioc_dentry remove;
};

/* NULL: no memory. From here on nothing is needed to leave it. */
struct zuf_undo *zuf_undo_create(struct zuf_sb *zsb);
void zuf_undo_put(struct zuf_undo *undo);

/* The program is about to leave the message of its step to the server; it has the channel. */
void zuf_undo_prepare(struct zuf_chan *ch, struct zuf_undo *undo);
/* The call is over: is it left? */
void zuf_undo_called(const struct zuf_claim *claim, struct zuf_undo *undo);
/* The program is killed, and has no channel: the step of @op was not done. */
void zuf_undo_leave(struct zuf_undo *undo, const struct zuf_op *op, struct zuf_endpoint *ep);

/* Context: zuf_finish(). Return: true: the next message is in the command buffer. */
bool zuf_undo_next(struct zuf_chan *ch);

#endif
