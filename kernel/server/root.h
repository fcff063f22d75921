/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root.h - one mounted zuf root: a server, its channels and its file systems
 */
#ifndef ZUF_ROOT_H
#define ZUF_ROOT_H

#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include "zuf/zus_api.h"
#include "ends.h"
#include "mounter.h"
#include "puts.h"

struct zuf_chan;
struct zuf_stats;
struct zuf_stats_sum;

enum zuf_root_state {
	ZUF_ROOT_INITIALIZING,	/* no server, or it has not registered a type */
	ZUF_ROOT_REGISTERING,	/* types are registered, nobody waits for mounts */
	ZUF_ROOT_READY,		/* the mounter has been here */
};

/* The channels of one CPU; looked at by every operation on it. */
struct zuf_cpu {
	struct zuf_chan __rcu *chans[ZUFS_MAX_ZT_CHANNELS];
	unsigned int nr;		/* how many there are; root->lock */
	unsigned int normal_end;	/* slots below serve all, the rest nested ones */
	wait_queue_head_t idle_wait;	/* exclusive: nothing was idle */
	atomic_t stays;			/* channels, and who waits for them, of ZUF_OPF_STAYS */
	wait_queue_head_t stays_wait;	/* exclusive: they were too many */
	int cpu;
	struct zuf_puts puts;		/* go with the next message of this CPU */
};

/*
 * struct zuf_root - lives from the mount of the root to its last user: mounts,
 * special files and channels hold references.
 */
struct zuf_root {
	/* read by every operation, written when a server comes or goes */
	u32 live_gen;			/* the server that answers; 0 = none */
	u32 put_max;			/* a put that waits must fit every command buffer, with
					 * a NOOP; bytes */
	u32 parks_ready;		/* so many wait for a thread: park.c */
	struct zuf_cpu __percpu *cpus;
	struct zuf_stats __percpu *stats; /* of what belongs to no mount */

	struct kref ref ____cacheline_aligned_in_smp;
	struct work_struct free_work;	/* the last user may be a worker of ours */
	struct zuf_root_ends ends;	/* what workers tell the server */
	atomic_t nr_execs;		/* asynchronous lists (exec.c) */

	struct delayed_work watch;	/* looks for threads that have ended (abort.c) */

	spinlock_t park_lock;		/* the next two, @parks_ready, struct zuf_park */
	struct list_head parks;		/* messages without a channel: their list is under way */
	struct list_head parks_left;	/* of killed applications: for the next idle thread */

	struct mutex lock;		/* all below, and channel slots */
	bool watched;			/* @watch will look again */
	u32 last_gen;
	enum zuf_root_state state;
	struct pid *server;		/* thread group of the server, or NULL */
	struct pid *ousted;		/* of the last one that lost the root by an abort */
	unsigned int nr_roles;		/* mounter and ZT files of the live server */
	struct idr sbs;			/* sb_id -> struct zuf_sbid */
	struct cpumask chan_cpus;	/* CPUs with a channel; read without the lock */
	struct zuf_stats_sum *retired;	/* counts of mounts that have ended */
	struct zuf_mounter mounter;
};

/* Frees roots; outlives the workers of ends.h and umount.c, which may drop the last reference. */
int zuf_root_wq_init(void);
void zuf_root_wq_fini(void);
int zuf_root_init(void);
void zuf_root_fini(void);

struct zuf_root *zuf_root_get(struct zuf_root *root);
void zuf_root_put(struct zuf_root *root);

/**
 * zuf_root_claim() - the caller says that it is the server
 * Context: root->lock held.
 * Return: 0, -EBUSY when another process is and has not ended, -ESHUTDOWN when it was
 * the server until an abort.
 */
int zuf_root_claim(struct zuf_root *root);

/* Nobody is the server any more; root->lock held. */
void zuf_root_server_down(struct zuf_root *root);
/* A mounter or ZT file took, gave up its role; root->lock held. */
void zuf_root_role_get(struct zuf_root *root);
void zuf_root_role_put(struct zuf_root *root);

/* True while the server that got @gen is the one that answers. */
static inline bool zuf_root_is_live(const struct zuf_root *root, u32 gen)
{
	return READ_ONCE(root->live_gen) == gen;
}

/* abort.c */
void zuf_root_watch_init(struct zuf_root *root);
/* A ZT has come: see to it that its end is noticed; root->lock held. */
void zuf_root_watch(struct zuf_root *root);
/**
 * zuf_root_abort() - as if the server had died, as far as anybody else can tell
 * Every operation in flight ends with -EIO, its mounts are dead, the root takes another
 * server. The process keeps what it maps; its ioctls fail, and it cannot come back.
 * Return: 0, -ESRCH: there is no server, -EINTR: killed while waiting for its mounter
 * thread to leave the kernel; all the rest is done.
 */
int zuf_root_abort(struct zuf_root *root);

extern const struct file_operations zuf_root_stats_fops;	/* statsfile.c */
extern const struct file_operations zuf_root_control_fops;	/* rootfiles.c */
extern const struct file_operations zuf_root_state_fops;
extern const struct file_operations zuf_root_types_fops;
extern const struct file_operations zuf_root_ddbg_fops;

#endif
