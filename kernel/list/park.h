/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * park.h - a message that waits for the end of its list without a channel
 *
 *	zuf_park_create    a copy of the message as the server left it
 *	zuf_park_add       the channel may go, the list may start
 *	zuf_park_wait      the list has ended; or zuf_park_leave()
 *	zuf_park_end       before the message goes again, or when it is over
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
 * struct zuf_park_steps - what is to be done instead of sending a message again
 * @first: put the first message into the command buffer; takes @arg. The ZT, channel AWAY
 * @drop: the server is gone: @arg goes
 */
struct zuf_park_steps {
	void (*first)(struct zuf_chan *ch, void *arg);
	void (*drop)(void *arg);
};

/*
 * struct zuf_park - a parked message
 * References: of the application (who leaves gives it to the list of the peer) and of the
 * list, until zuf_park_done(). Constant but for what is said to be otherwise.
 */
struct zuf_park {
	refcount_t refs;
	u32 gen;			/* the server that has answered it */
	struct zuf_peer *peer;		/* referenced */
	struct zuf_list *iom;		/* referenced; NULL: not yet */
	struct list_head link;		/* peer->park_lock, as the next two */
	bool left;			/* its application was killed */
	bool over;			/* the list has ended, zuf_park_done() was called */
	struct zuf_carried carried;	/* left: what waits for the message */
	/* no message, but steps that follow: their owner's (zuf_park_leave_steps()), or NULL */
	const struct zuf_park_steps *steps;
	void *arg;
	size_t size;
	u64 msg[];			/* struct zufs_ioc_IO and the words of the list */
};

/**
 * zuf_park_create() - copy the message out of an answer
 * @n: words of its list, which have been checked
 * Return: NULL: no memory.
 */
struct zuf_park *zuf_park_create(const struct zuf_op *op, struct zuf_chan *ch, u32 n);
/* For steps that could have to follow without a channel; no message, no list. */
struct zuf_park *zuf_park_create_steps(struct zuf_peer *peer, u32 gen);
/* It was not added: no list has begun. */
void zuf_park_free(struct zuf_park *park);

/* zuf_list_args.done of its list, with the park. */
void zuf_park_done(struct zuf_list *iom, void *park, int err);

/* The list (which has got its reference of the park) is about to start. */
void zuf_park_add(struct zuf_park *park, struct zuf_list *iom);

/**
 * zuf_park_wait() - until the list has ended
 * Return: 0; -EINTR: a fatal signal; -EIO: the server is gone.
 */
int zuf_park_wait(struct zuf_park *park, bool unkillable);

/**
 * zuf_park_leave() - the application is killed: a thread of the server gets the message
 * @ep: the mount, which counts it
 * It gets it when the list has ended, with its result and without a window. Ends the park.
 * Return: true; false: the server is gone.
 */
bool zuf_park_leave(struct zuf_park *park, const struct zuf_op *op, struct zuf_endpoint *ep);

/* The same at once, with what follows on the step of @op; takes @park and @arg. */
void zuf_park_leave_steps(struct zuf_park *park, const struct zuf_park_steps *steps, void *arg,
			  const struct zuf_op *op, struct zuf_endpoint *ep);

/* The application goes on: puts its reference. */
void zuf_park_end(struct zuf_park *park);

/**
 * zuf_park_give() - the message into the command buffer of another channel
 * @op: where header and cookies are, the header's window is the new one
 * @err: what became of the list
 */
void zuf_park_give(struct zuf_park *park, struct zuf_chan *ch, const struct zuf_op *op, int err);

/**
 * zuf_park_take() - a message of a killed application into the command buffer
 * Context: the ZT, whose channel is AWAY.
 * Return: false: there is none; true: what it holds is in ch->carried.
 */
bool zuf_park_take(struct zuf_chan *ch);

/* The server is gone; peer->lock held, live_gen is 0. */
void zuf_park_drop_all(struct zuf_peer *peer);

#endif
