/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sbid.h - what the server knows of a super-block by its id
 *
 *	zuf_sbid_create   before M_MOUNT: the server may grab the memory and run lists
 *	zuf_sbid_attach   the mount has succeeded: lists find its inodes
 *	zuf_sbid_detach   before the inodes go
 *	zuf_sbid_drain    before M_UMOUNT
 *	zuf_sbid_close    after its answer, or what stands for that: the id is gone,
 *			  no list runs, T1 is no longer mapped, its devices are free
 *
 * It outlives the mount: the worker that delivers M_UMOUNT has it when umount(8)
 * was killed. Ids are 1-based, unique within a root.
 */
#ifndef ZUF_SBID_H
#define ZUF_SBID_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include "endpoint.h"
#include "ends.h"
#include "lists.h"
#include "ride.h"
#include "root.h"

struct super_block;
struct zuf_devset;
struct zuf_umount;

struct zuf_sbid {
	struct zuf_endpoint ep;		/* its generation is 0: a private mount */
	struct zuf_devset *devs;	/* referenced until the close */
	u64 zus_sbi;			/* peer.lock; 0: not known, or there is none */
	const char *type;		/* name; NULL: a private mount */
	dev_t dev;			/* peer.lock; of the super-block, 0: not mounted yet */
	struct zuf_stats __percpu *stats; /* its own; NULL: a private mount */
	bool grabbed;			/* peer.lock: GRAB_PMEM was done */
	bool draining;			/* peer.lock */
	bool closed;			/* set under peer.lock */
	bool umounted;			/* umount.c has done with it; release */
	struct zuf_umount *umount;	/* root->ends.lock: its turn has not come; or NULL */
	struct zuf_ends ends;		/* what is still to be said of its inodes */
	struct zuf_evicts evicts;	/* and what goes along with other messages */
	struct list_head open_link;	/* in open_sbids: its devices are in use (sbid.c) */
	atomic_t nr_early;		/* lists from before the drain, and their IOM_DONE */
	struct zuf_lists lists;
	struct rw_semaphore sb_lock;	/* inside of s_umount; never while a page of the server
					 * is waited for */
	struct super_block *sb;		/* @sb_lock: NULL unless attached */
};

static inline struct zuf_sbid *zuf_sbid_of(struct zuf_endpoint *ep)
{
	return container_of(ep, struct zuf_sbid, ep);
}

static inline struct zuf_root *zuf_sbid_root(const struct zuf_sbid *sbid)
{
	return zuf_root_of(sbid->ep.peer);
}

/* Is its server the one that answers? */
static inline bool zuf_sbid_is_live(const struct zuf_sbid *sbid)
{
	return zuf_peer_is_live(sbid->ep.peer, sbid->ep.gen);
}

/**
 * zuf_sbid_create() - a new id
 * @gen: its server; 0: a private mount
 * @type: name, which stays; NULL: a private mount
 * Return: with one reference, or ERR_PTR. Has its own references of root and devices.
 */
struct zuf_sbid *zuf_sbid_create(struct zuf_root *root, struct zuf_devset *devs, u32 gen,
				 const char *type);

static inline void zuf_sbid_get(struct zuf_sbid *sbid)
{
	zuf_endpoint_get(&sbid->ep);
}

static inline void zuf_sbid_put(struct zuf_sbid *sbid)
{
	zuf_endpoint_put(&sbid->ep);
}

/* The server has named its super-block. */
void zuf_sbid_set_sbi(struct zuf_sbid *sbid, u64 zus_sbi);
void zuf_sbid_attach(struct zuf_sbid *sbid, struct super_block *sb);
void zuf_sbid_detach(struct zuf_sbid *sbid);

/* Which lists begin before and which after? */
void zuf_sbid_start_drain(struct zuf_sbid *sbid);
/* Wait, killably, for those before, and until their IOM_DONE is answered. */
void zuf_sbid_drain(struct zuf_sbid *sbid);
static inline bool zuf_sbid_is_drained(const struct zuf_sbid *sbid)
{
	return !atomic_read(&sbid->nr_early);
}

/* Once, for a private mount; waits for lists that still run, whoever is killed. */
void zuf_sbid_close(struct zuf_sbid *sbid);
/*
 * The two halves of it, which umount.c calls: no list begins any more; and, when none runs, the
 * devices.
 */
void zuf_sbid_close_id(struct zuf_sbid *sbid);
void zuf_sbid_close_devices(struct zuf_sbid *sbid);
static inline bool zuf_sbid_lists_have_ended(const struct zuf_sbid *sbid)
{
	return zuf_lists_have_ended(&sbid->lists);
}

/**
 * zuf_sbid_devices_in_use() - does a mount that has not ended have one of these devices?
 * Its super-block may be gone already: umount(8) was killed, and the server has not
 * answered yet. The block layer lets the same type in again.
 */
bool zuf_sbid_devices_in_use(const struct zuf_devset *devs);

/* Call @fn for the super-block of each mount that has this set; it stays mounted meanwhile. */
void zuf_sbid_for_each_sb(const struct zuf_devset *devs,
			  void (*fn)(struct super_block *sb, void *arg), void *arg);

/* The live one of an id that the caller may know of, peer.lock held, or NULL. */
struct zuf_sbid *zuf_sbid_find(struct zuf_root *root, u64 id);

/**
 * zuf_sbid_lookup() - the one of this id, which may end at any time
 * @zus_sbi: what the caller thinks is its super-block: must be, if the kernel knows
 * Return: referenced, or NULL: there is no such one.
 */
struct zuf_sbid *zuf_sbid_lookup(struct zuf_root *root, u64 id, u64 zus_sbi);
/**
 * zuf_sbid_list_begin() - a list, which the end waits for
 * @early: out: for zuf_sbid_list_told()
 * Return: false: it has ended. True: with a reference that is the list's.
 */
bool zuf_sbid_list_begin(struct zuf_sbid *sbid, bool *early);
/* After zuf_lists_ended(): whom it concerns knows, the reference is given back. */
void zuf_sbid_list_told(struct zuf_sbid *sbid, bool early);

#endif
