/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * endpoint.h - a mount as messages see it: the server that gets them, the counters that count them
 *
 * An endpoint lies in the object that owns it (op/sbid.h), is reference counted, and constant
 * otherwise. It may outlive the super-block.
 */
#ifndef ZUF_ENDPOINT_H
#define ZUF_ENDPOINT_H

#include <linux/cache.h>
#include <linux/kref.h>
#include <linux/types.h>

struct zuf_carried;
struct zuf_endpoint;
struct zuf_peer;
struct zuf_stats;

/*
 * struct zuf_endpoint_ops
 * @release: the last reference is gone
 * @left_done: a message that a killed caller has left is done with; @gen: zuf_carried.gen
 */
struct zuf_endpoint_ops {
	void (*release)(struct zuf_endpoint *ep);
	void (*left_done)(struct zuf_endpoint *ep, unsigned int gen);
};

struct zuf_endpoint {
	struct zuf_peer *peer;		/* referenced by the owner */
	u32 gen;			/* the server that gets the mount's messages; 0: none */
	u64 id;				/* of the super-block */
	struct zuf_stats __percpu *stats; /* of the mount, or of the peer */
	const struct zuf_endpoint_ops *ops;

	/* on its own line: lists and ends of inodes write it, every operation reads the above */
	struct kref ref ____cacheline_aligned_in_smp;
};

static inline struct zuf_endpoint *zuf_endpoint_get(struct zuf_endpoint *ep)
{
	kref_get(&ep->ref);
	return ep;
}

static inline void zuf_endpoint_release(struct kref *ref)
{
	struct zuf_endpoint *ep = container_of(ref, struct zuf_endpoint, ref);

	ep->ops->release(ep);
}

static inline void zuf_endpoint_put(struct zuf_endpoint *ep)
{
	kref_put(&ep->ref, zuf_endpoint_release);
}

#endif
