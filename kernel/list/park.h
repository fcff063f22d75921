/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * park.h - a message that waits for the end of its list without a channel
 *
 *	zuf_park_create    copy the message as the server left it
 *	zuf_park_add       the channel may go, the list may start
 *	zuf_park_wait      the list has ended; or else zuf_park_leave()
 *	zuf_park_end       before the message is sent again, or when it is over
 */
#ifndef ZUF_PARK_H
#define ZUF_PARK_H

#include <linux/list.h>
#include <linux/refcount.h>
#include "chan.h"
#include "tag.h"

struct zuf_list;
struct zuf_op;

/*
 * struct zuf_park_steps - what a thread does instead of sending a parked message again
 * @first: put the first message into the command buffer; consumes @arg. Called by the ZT, channel
 *	AWAY
 * @drop: the server is gone: free @arg
 */
struct zuf_park_steps {
	void (*first)(struct zuf_chan *ch, void *arg);
	void (*drop)(void *arg);
};

/*
 * struct zuf_park - a parked message
 * References: one of the application (when it leaves, it gives that to the list of the peer), and
 * one of the list of commands, until zuf_park_done(). Fields are constant unless their comment
 * says otherwise.
 */
struct zuf_park {
	refcount_t refs;
	u32 gen;			/* the server that has answered it */
	struct zuf_peer *peer;		/* referenced */
	struct zuf_list *iom;		/* referenced; NULL: not yet */
	struct list_head link;		/* peer->park_lock, as the next two */
	bool left;			/* the application was killed */
	bool over;			/* the list has ended, zuf_park_done() was called */
	struct zuf_carried carried;	/* @left: what waits for the message */
	/* instead of a message, the steps that follow (zuf_park_leave_steps()); or NULL */
	const struct zuf_park_steps *steps;
	void *arg;			/* of @steps */
	size_t size;
	u64 msg[];			/* struct zufs_ioc_IO and the words of the list */
};

/**
 * zuf_park_create() - copy the message out of an answer
 * @n: number of words of the message's list, which have been checked
 * Return: the park, or NULL: no memory.
 */
struct zuf_park *zuf_park_create(const struct zuf_op *op, struct zuf_chan *ch, u32 n);
/* Make a park for steps that may have to follow without a channel: it has no message, no list. */
struct zuf_park *zuf_park_create_steps(struct zuf_peer *peer, u32 gen);
/* Free a park that was not added: no list has begun. */
void zuf_park_free(struct zuf_park *park);

/* zuf_list_args.done of the park's list; done_arg is the park. */
void zuf_park_done(struct zuf_list *iom, void *park, int err);

/* The list, which has got its reference of the park, is about to start. */
void zuf_park_add(struct zuf_park *park, struct zuf_list *iom);

/**
 * zuf_park_wait() - wait until the list has ended
 * Return: 0; -EINTR: a fatal signal; -EIO: the server is gone.
 */
int zuf_park_wait(struct zuf_park *park, bool unkillable);

/**
 * zuf_park_leave() - leave the message of a killed application to a thread of the server
 * @ep: the mount that counts the message
 * The thread gets the message when the list has ended, with the list's result and without a
 * window. Ends the park for the caller.
 * Return: true; false: the server is gone.
 */
bool zuf_park_leave(struct zuf_park *park, const struct zuf_op *op, struct zuf_endpoint *ep);

/*
 * zuf_park_leave() at once, for @steps that follow the step of @op instead of a message. Consumes
 * @park and @arg.
 */
void zuf_park_leave_steps(struct zuf_park *park, const struct zuf_park_steps *steps, void *arg,
			  const struct zuf_op *op, struct zuf_endpoint *ep);

/* The application goes on: put its reference of the park. */
void zuf_park_end(struct zuf_park *park);

/**
 * zuf_park_give() - put the message into the command buffer of another channel
 * @op: has the header and the cookies; the header describes the new window
 * @err: the result of the list
 */
void zuf_park_give(struct zuf_park *park, struct zuf_chan *ch, const struct zuf_op *op, int err);

/**
 * zuf_park_take() - put a message of a killed application into the command buffer
 * Context: the ZT, whose channel is AWAY.
 * Return: false: there is no message; true: what waits for the message is in ch->carried.
 */
bool zuf_park_take(struct zuf_chan *ch);

/* The server is gone: drop all parked messages. peer->lock is held, live_gen is 0. */
void zuf_park_drop_all(struct zuf_peer *peer);

#endif
