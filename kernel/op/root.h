/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root.h - one mounted zuf root: a server, its mounts, and what is still to be said to it
 */
#ifndef ZUF_ROOT_H
#define ZUF_ROOT_H

#include <linux/idr.h>
#include <linux/workqueue.h>
#include "ends.h"
#include "peer.h"

struct zuf_stats_sum;

enum zuf_root_state {
	ZUF_ROOT_INITIALIZING,	/* no server, or it has not registered a type */
	ZUF_ROOT_REGISTERING,	/* types are registered, nobody waits for mounts */
	ZUF_ROOT_READY,		/* the mounter has been here */
};

/*
 * struct zuf_root - one root; lives from the mount of the root until its last user is gone:
 * mounts, special files and channels hold references (of @peer)
 */
struct zuf_root {
	struct zuf_peer peer;
	struct work_struct free_work;	/* the last user may be a worker of ours */
	struct zuf_root_ends ends;	/* what the workers tell the server */
	atomic_t nr_execs;		/* asynchronous lists (exec.c) */

	/* peer.lock */
	enum zuf_root_state state;
	struct idr sbs;			/* sb_id -> struct zuf_sbid */
	struct zuf_stats_sum *retired;	/* counts of mounts that have ended */
};

static inline struct zuf_root *zuf_root_of(struct zuf_peer *peer)
{
	return container_of(peer, struct zuf_root, peer);
}

/* Return: a root with one reference; NULL: no memory. */
struct zuf_root *zuf_root_create(void);

static inline struct zuf_root *zuf_root_get(struct zuf_root *root)
{
	zuf_peer_get(&root->peer);
	return root;
}

static inline void zuf_root_put(struct zuf_root *root)
{
	zuf_peer_put(&root->peer);
}

static inline bool zuf_root_is_live(const struct zuf_root *root, u32 gen)
{
	return zuf_peer_is_live(&root->peer, gen);
}

/*
 * The work queue that frees roots. It outlives the workers of ends.h and umount.c, which may put
 * the last reference of a root.
 */
int zuf_root_wq_init(void);
void zuf_root_wq_fini(void);
/* Wait until the memory of all roots is freed. */
void zuf_root_wait_freed(void);

#endif
