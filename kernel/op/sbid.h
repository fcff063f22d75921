/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sbid.h - what the kernel keeps under the id by which the server knows a super-block
 *
 *	zuf_sbid_create   before M_MOUNT: the server may grab the memory and run lists
 *	zuf_sbid_attach   the mount has succeeded: lists find its inodes
 *	zuf_sbid_detach   before the inodes go
 *	zuf_sbid_drain    before M_UMOUNT
 *	zuf_sbid_close    after the answer to M_UMOUNT, or in its place: the id is gone,
 *			  no list runs, T1 is no longer mapped, the devices are free
 *
 * A zuf_sbid outlives the mount: the worker that delivers M_UMOUNT holds it when umount(8)
 * was killed. Ids are 1-based and unique within a root.
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
	struct zuf_endpoint ep;		/* generation 0: a private mount */
	struct zuf_devset *devs;	/* referenced until zuf_sbid_close_devices() */
	u64 zus_sbi;			/* peer.lock; 0: not known, or there is none */
	const char *type;		/* name; NULL: a private mount */
	dev_t dev;			/* peer.lock; of the super-block, 0: not mounted yet */
	struct zuf_stats __percpu *stats; /* its own; NULL: a private mount */
	u32 fs_caps;			/* as of struct zuf_sb; 0 before the answer to M_MOUNT */
	bool grabbed;			/* peer.lock: GRAB_PMEM was done */
	bool draining;			/* peer.lock */
	bool closed;			/* set under peer.lock */
	bool umounted;			/* umount.c has done with it; stored with release */
	struct zuf_umount *umount;	/* root->ends.lock: waits until it may go on; or NULL */
	struct zuf_ends ends;		/* what is still to be said of the mount's inodes */
	struct zuf_evicts evicts;	/* evicts that ride along with other messages */
	struct list_head open_link;	/* in open_sbids: its devices are in use (sbid.c) */
	atomic_t nr_early;		/* lists from before the drain, and their IOM_DONE */
	struct zuf_lists lists;
	struct rw_semaphore sb_lock;	/* inside of s_umount; must not be held while a page of
					 * the server is waited for */
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

/* Is the server of this mount still the live one? */
static inline bool zuf_sbid_is_live(const struct zuf_sbid *sbid)
{
	return zuf_peer_is_live(sbid->ep.peer, sbid->ep.gen);
}

/**
 * zuf_sbid_create() - make a new id
 * @gen: generation of its server; 0: a private mount
 * @type: name of the type, which must stay; NULL: a private mount
 * Return: a zuf_sbid with one reference, or ERR_PTR. It holds references of its own to the root
 * and to the devices.
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

/* The server has named its super-block in the answer to M_MOUNT. */
void zuf_sbid_set_sbi(struct zuf_sbid *sbid, u64 zus_sbi);
void zuf_sbid_attach(struct zuf_sbid *sbid, struct super_block *sb);
void zuf_sbid_detach(struct zuf_sbid *sbid);

/* Lists that begin before this call are early; lists that begin after it are not. */
void zuf_sbid_start_drain(struct zuf_sbid *sbid);
/* Wait, killably, until the early lists have ended and their IOM_DONE is answered. */
void zuf_sbid_drain(struct zuf_sbid *sbid);
static inline bool zuf_sbid_is_drained(const struct zuf_sbid *sbid)
{
	return !atomic_read(&sbid->nr_early);
}

/*
 * Close a private mount; to be called once. Waits for lists that still run, even if the caller
 * is killed.
 */
void zuf_sbid_close(struct zuf_sbid *sbid);
/*
 * The two halves of zuf_sbid_close(), which umount.c calls: the first one lets no list begin any
 * more; the second one, when no list runs, frees the devices.
 */
void zuf_sbid_close_id(struct zuf_sbid *sbid);
void zuf_sbid_close_devices(struct zuf_sbid *sbid);
static inline bool zuf_sbid_lists_have_ended(const struct zuf_sbid *sbid)
{
	return zuf_lists_have_ended(&sbid->lists);
}

/**
 * zuf_sbid_devices_in_use() - does a mount that has not ended have one of these devices?
 * The super-block of such a mount may be gone already: umount(8) was killed, and the server has
 * not answered yet. The block layer alone would let a mount of the same type open them again.
 */
bool zuf_sbid_devices_in_use(const struct zuf_devset *devs);

/* Call @fn for the super-block of each mount that has @devs; it stays mounted during the call. */
void zuf_sbid_for_each_sb(const struct zuf_devset *devs,
			  void (*fn)(struct super_block *sb, void *arg), void *arg);

/* The live zuf_sbid of @id, if the calling process may know it, or NULL. peer.lock is held. */
struct zuf_sbid *zuf_sbid_find(struct zuf_root *root, u64 id);

/**
 * zuf_sbid_lookup() - find the zuf_sbid of an id; its mount may end at any time
 * @zus_sbi: the cookie that the caller takes for the server's super-block; must be the one that
 *	the kernel knows, if it knows one
 * Return: a zuf_sbid with a reference, or NULL: there is none.
 */
struct zuf_sbid *zuf_sbid_lookup(struct zuf_root *root, u64 id, u64 zus_sbi);
/**
 * zuf_sbid_list_begin() - a list begins, and the end of the mount waits for it
 * @early: out: to be given to zuf_sbid_list_told()
 * Return: false: the mount has ended. True: the list has got a reference of @sbid.
 */
bool zuf_sbid_list_begin(struct zuf_sbid *sbid, bool *early);
/*
 * After zuf_lists_ended(): everybody concerned knows that the list has ended. Puts its reference.
 */
void zuf_sbid_list_told(struct zuf_sbid *sbid, bool early);

#endif
