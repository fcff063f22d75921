/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * puts.h - messages without an answer that ride along with the next one of a CPU: puts
 * (PUT_MULTY), and where the server takes them there EVICT_INODE and FREE_INODE (ride.h)
 *
 *	contract.c zuf_puts_queue     the put waits in the buffer of the CPU
 *	call.c     zuf_puts_attach    goes behind the next message there
 *	chan.c     zuf_puts_done      the server has executed it
 *	flush.c    zuf_puts_send      all puts of an inode, now
 *
 * Puts go with messages of their own mount only: what hangs in the plugin of one file system
 * holds nothing of another one. A put waits at most ZUF_PUTS_DEADLINE_MS. Each pending one is
 * counted in the tag of its inode (ride.h: of its mount), whose memory it keeps.
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

/* What the original ABI lets wait: so many puts, so many bytes of them. */
#define ZUF_PUTS_MAX		6
#define ZUF_PUTS_BYTES		25248
#define ZUF_PUTS_DEADLINE_MS	10
/* A larger one goes at once: it is not worth the copy. Two MiB of blocks may wait. */
#define ZUF_PUTS_MSG_MAX	zufs_io_size(512)

/* The puts of one CPU; @lock, which is taken by its operations and by those who flush. */
struct zuf_puts {
	spinlock_t lock;
	struct zuf_peer *peer;
	u8 *buf;		/* ZUF_PUTS_BYTES; NULL until a channel comes */
	u32 used;		/* bytes of it */
	u32 nr;
	u32 taken;		/* so many have gone, ever */
	u16 len[ZUF_PUTS_ALL_MAX];
	struct zuf_put_tag *tag[ZUF_PUTS_ALL_MAX];
	unsigned long oldest;	/* jiffies of the first */
	bool armed;		/* the work will look at them */
	struct delayed_work work;	/* flush.c */
	struct list_head noops;	/* of the work, at the server: one a mount */
};

int zuf_puts_module_init(void);
void zuf_puts_module_fini(void);

void zuf_puts_init(struct zuf_puts *puts, struct zuf_peer *peer);
/* No channel and no mount is left: nothing is pending. */
void zuf_puts_fini(struct zuf_puts *puts);
/* A channel comes: puts may wait there. No memory: they go alone. */
void zuf_puts_make_buffer(struct zuf_puts *puts);
/* Its work looks again after @delay jiffies. */
void zuf_puts_arm(struct zuf_puts *puts, unsigned long delay);

/**
 * zuf_puts_queue() - let a put wait for the next operation of a CPU
 * @gen: the server that it is for
 * @msg: complete message, copied
 * Context: never waits; reclaim and exit may call it.
 * Return: false: it does not fit, or its server is gone: the caller sends it.
 */
bool zuf_puts_queue(struct zuf_peer *peer, u32 gen, struct zuf_cpu *zc,
		    struct zuf_put_tag *tag, const struct zufs_ioc_hdr *msg);

/**
 * zuf_puts_attach() - move waiting puts behind the message in the command buffer
 * @in_len: its bytes
 * @ep: its mount, whose puts are taken: the first ones that follow each other and fit
 */
void zuf_puts_attach(struct zuf_puts *puts, struct zuf_chan *ch, size_t in_len,
		     const struct zuf_endpoint *ep);

/* Does a put of it wait there? */
bool zuf_puts_has(struct zuf_puts *puts, const struct zuf_put_tag *tag);
/* A CPU where one does, or nr_cpu_ids. */
unsigned int zuf_puts_find(struct zuf_peer *peer, const struct zuf_put_tag *tag);

/* The server is gone: no put means anything any more. */
void zuf_puts_drop_all(struct zuf_peer *peer);

/* ---- flush.c ---- */

/* The work of a CPU's puts that have waited too long. */
void zuf_puts_deadline(struct work_struct *work);
/**
 * zuf_puts_send() - all puts of an inode are under way, none waits any more
 * Context: sleeps, killably. Callers keep new I/O on the inode away.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_puts_send(struct zuf_endpoint *ep, struct zuf_put_tag *tag);

#endif
