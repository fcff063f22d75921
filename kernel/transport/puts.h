/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * puts.h - messages without an answer that ride along with the next message of a CPU: puts
 * (PUT_MULTY), and if the server takes them there EVICT_INODE and FREE_INODE (ride.h)
 *
 *	contract.c zuf_puts_queue     the put waits in the buffer of the CPU
 *	call.c     zuf_puts_attach    it goes behind the next message there
 *	chan.c     zuf_puts_done      the server has executed it
 *	flush.c    zuf_puts_send      all puts of an inode go now
 *
 * Puts ride with messages of their own mount only, so a hang in the plugin of one file system
 * holds up nothing of another one. A put waits at most ZUF_PUTS_DEADLINE_MS. Each pending put is
 * counted in the tag of its inode (ride.h: of its mount), and keeps the tag's memory.
 */
#ifndef ZUF_PUTS_H
#define ZUF_PUTS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "tag.h"
#include "zuf/zus_api.h"

struct zuf_chan;
struct zuf_cpu;
struct zuf_endpoint;
struct zuf_peer;

/* Limits of the original ABI: most puts that wait on a CPU, most bytes of them. */
#define ZUF_PUTS_MAX		6
#define ZUF_PUTS_BYTES		25248
#define ZUF_PUTS_DEADLINE_MS	10
/* A larger put is sent at once: it is not worth the copy. Two MiB of blocks may wait. */
#define ZUF_PUTS_MSG_MAX	zufs_io_size(512)

/* The puts of one CPU; @lock is taken by its operations and by tasks that flush. */
struct zuf_puts {
	spinlock_t lock;
	struct zuf_peer *peer;
	u8 *buf;		/* ZUF_PUTS_BYTES; NULL until a channel comes */
	u32 used;		/* bytes used of @buf */
	u32 nr;			/* puts that wait */
	u32 taken;		/* how many puts have ever left the buffer with a message */
	u16 len[ZUF_PUTS_ALL_MAX];
	struct zuf_put_tag *tag[ZUF_PUTS_ALL_MAX];
	u8 left[ZUF_PUTS_ALL_MAX];	/* zuf_left_of() each */
	unsigned long oldest;	/* jiffies when the first put came */
	bool armed;		/* @work will look at the puts */
	struct delayed_work work;	/* flush.c */
	struct list_head noops;	/* NOOPs of @work that are with the server: one per mount */
};

int zuf_puts_module_init(void);
void zuf_puts_module_fini(void);

void zuf_puts_init(struct zuf_puts *puts, struct zuf_peer *peer);
/* Context: no channel and no mount is left: nothing is pending. */
void zuf_puts_fini(struct zuf_puts *puts);
/* A channel comes: make the buffer where puts may wait. Without memory they go alone. */
void zuf_puts_make_buffer(struct zuf_puts *puts);
/* Have the work look again after @delay jiffies. */
void zuf_puts_arm(struct zuf_puts *puts, unsigned long delay);

/**
 * zuf_puts_queue() - let a put wait for the next operation of a CPU
 * @gen: the server that the put is for
 * @msg: the complete message, which is copied
 * Context: never waits; reclaim and exit may call it.
 * Return: false: the put does not fit, or its server is gone: the caller must send it.
 */
bool zuf_puts_queue(struct zuf_peer *peer, u32 gen, struct zuf_cpu *zc,
		    struct zuf_put_tag *tag, const struct zufs_ioc_hdr *msg);

/**
 * zuf_puts_attach() - move waiting puts behind the message in the command buffer
 * @in_len: bytes of the message
 * @ep: mount of the message, whose puts are taken: the first that are adjacent and fit
 */
void zuf_puts_attach(struct zuf_puts *puts, struct zuf_chan *ch, size_t in_len,
		     const struct zuf_endpoint *ep);

/* Does a put that @tag counts wait there? */
bool zuf_puts_has(struct zuf_puts *puts, const struct zuf_put_tag *tag);
/* A CPU on which a put that @tag counts waits, or nr_cpu_ids. */
unsigned int zuf_puts_find(struct zuf_peer *peer, const struct zuf_put_tag *tag);

/* The server is gone: drop all puts; those of writes are lost (zuf_put_tag.lost). */
void zuf_puts_drop_all(struct zuf_peer *peer);

/* ---- flush.c ---- */

/* The work that sends the puts of a CPU when they have waited too long. */
void zuf_puts_deadline(struct work_struct *work);
/**
 * zuf_puts_send() - get all puts of an inode under way, so that none waits any more
 * Context: sleeps, killably. The caller keeps new I/O on the inode away.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_puts_send(struct zuf_endpoint *ep, struct zuf_put_tag *tag);

#endif
