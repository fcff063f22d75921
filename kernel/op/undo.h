/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * undo.h - undo a change of names in several steps, whose program is killed in between
 *
 *	EXCHANGE  exchange the whiteout (a temporary name) and the old name
 *	MOVE      move the temporary name to the new one: all is done
 *	BACK      exchange once more, when a MOVE is refused
 *	REMOVE    remove the temporary name; nothing has happened
 *
 * The program takes the steps. From the step in which it is killed on, a thread of the server
 * goes on according to the answers: to the end if the MOVE was done, else back.
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
 * References: one of the program, and one of the message that the program has left (channel or
 * park). Fields are constant unless their comment says otherwise.
 */
struct zuf_undo {
	refcount_t refs;
	enum zuf_undo_at at;		/* the message under way; program's, @handed: the ZT's */
	bool handed;			/* program's: the rest is not its business any more */
	struct inode *inode;		/* program's: the whiteout, whose end waits as well */
	struct zuf_park *park;		/* in case the program has no channel; NULL: used */
	struct zufs_ioc_rename back;	/* with cookies, as @remove */
	struct zufs_ioc_dentry remove;
};

/* Return: NULL: no memory. Once it is made, leaving it to the server needs no memory. */
struct zuf_undo *zuf_undo_create(struct zuf_sb *zsb);
void zuf_undo_put(struct zuf_undo *undo);

/* The program is about to leave the message of a step to the server, and has the channel. */
void zuf_undo_prepare(struct zuf_chan *ch, struct zuf_undo *undo);
/* The call of a step is over: note whether it was left. */
void zuf_undo_called(const struct zuf_claim *claim, struct zuf_undo *undo);
/* The program is killed and has no channel: the step of @op was not done. */
void zuf_undo_leave(struct zuf_undo *undo, const struct zuf_op *op, struct zuf_endpoint *ep);

/*
 * Context: zuf_finish().
 * Return: true: the next message is in the command buffer.
 */
bool zuf_undo_next(struct zuf_chan *ch);

#endif
