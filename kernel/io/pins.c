// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins.c - frames that are held longer than their inode is cached
 *
 * A pipe or DMA holds a frame for as long as its user likes, and no event tells when it stops
 * (mapped.c). So the record of an evicted inode that has such frames is kept on the list of its
 * mount, and a delayed work looks, ever more rarely, which frames are idle. Idle frames leave
 * the record, and the record ends with its last frame. Where the server keeps blocks back
 * (held.h), an inode that the server must free need not wait for its frames: they become blocks
 * of the mount's set, and the item goes on when the server has been told.
 *
 * Locks: the list is under a mutex of its own, in which nothing is allocated: evict takes it in
 * reclaim.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "devset.h"
#include "ends.h"
#include "held.h"
#include "mapped.h"
#include "pins.h"
#include "root.h"
#include "sb.h"
#include "sbid.h"
#include "wake.h"

/* Pauses between two looks, in jiffies. */
#define PAUSE_MIN	(HZ / 100 + 1)
#define PAUSE_MAX	HZ
#define PAUSE_ENDED	(HZ / 50 + 1)	/* somebody may want the devices, or to unload the module */

#define LOOKS		4		/* until frames count as in use */
#define LOOKS_FULL	16		/* for a caller that has found no space */

#define HASH_BITS	6

struct zuf_pins {
	struct list_head link;		/* in @mounts */
	struct mutex lock;		/* guards all fields below */
	struct zuf_sb *zsb;		/* NULL: the mount has ended */
	struct zuf_devset *devs;	/* referenced */
	const struct zuf_type *type;
	bool keeps_back;		/* the mount's server had ZUFS_FSC_QUARANTINE */
	bool over;			/* somebody is about to free this object */
	struct zuf_held held;
	unsigned int nr;		/* number of records; read without the lock */
	struct hlist_head records[1 << HASH_BITS]; /* zuf_mapped.pin_link, by inode number */
	unsigned long pause;
	struct delayed_work work;
};

static struct workqueue_struct *pins_wq;
static LIST_HEAD(mounts);
static DEFINE_MUTEX(mounts_lock);	/* outside of zuf_pins.lock */

/* ---- what is held back ---- */

static void let_end(struct zuf_pins *pins, struct zuf_mapped *zm)
{
	lockdep_assert_held(&pins->lock);
	if (zm->end)
		zuf_end_unpinned(pins->zsb->sbid, zm->end);
	zm->end = NULL;
}

static void remove_record(struct zuf_pins *pins, struct zuf_mapped *zm)
{
	lockdep_assert_held(&pins->lock);
	hlist_del(&zm->pin_link);
	WRITE_ONCE(pins->nr, pins->nr - 1);
}

/* The frames of the record that somebody holds become blocks of the mount. -ENOMEM: try later. */
static int record_leave(struct zuf_pins *pins, struct zuf_mapped *zm, struct zuf_held *held)
{
	lockdep_assert_held(&pins->lock);
	return zuf_mapped_leave(zm, held, pins->devs, GFP_NOWAIT | __GFP_NOWARN);
}

static void look_at(struct zuf_pins *pins, struct hlist_head *head)
{
	struct hlist_node *next;
	struct zuf_mapped *zm;

	hlist_for_each_entry_safe(zm, next, head, pin_link) {
		if (zuf_mapped_trim(zm, pins->devs) &&
		    !(zm->end && pins->keeps_back && !record_leave(pins, zm, &pins->held)))
			continue;
		remove_record(pins, zm);
		let_end(pins, zm);
		zuf_mapped_destroy(zm);
	}
}

static void look_at_all(struct zuf_pins *pins)
{
	unsigned int i;

	lockdep_assert_held(&pins->lock);
	for (i = 0; i < ARRAY_SIZE(pins->records) && pins->nr; i++)
		look_at(pins, &pins->records[i]);
}

/*
 * Called after the last record of a mount that has ended; once @over is set, nobody else uses
 * @pins.
 */
static void pins_free(struct zuf_pins *pins)
{
	mutex_lock(&mounts_lock);
	list_del(&pins->link);
	mutex_unlock(&mounts_lock);
	mutex_destroy(&pins->lock);
	zuf_held_fini(&pins->held);
	zuf_devset_put(pins->devs);
	kfree(pins);
	module_put(THIS_MODULE);
}

/* True: @pins is over, and the caller must free it. */
static bool find_over(struct zuf_pins *pins)
{
	if (pins->over || pins->nr || pins->zsb || !zuf_held_is_over(&pins->held))
		return false;
	pins->over = true;
	return true;
}

static void pins_work(struct work_struct *work)
{
	struct zuf_pins *pins = container_of(to_delayed_work(work), struct zuf_pins, work);
	unsigned long wait;
	bool over;

	mutex_lock(&pins->lock);
	if (pins->over) {
		/* zuf_pins_end() waits for this work, and frees */
		mutex_unlock(&pins->lock);
		return;
	}
	look_at_all(pins);
	pins->pause = pins->zsb ? min(pins->pause * 2, (unsigned long)PAUSE_MAX) : PAUSE_ENDED;
	wait = zuf_held_work(&pins->held);
	if (pins->nr)
		wait = min(wait, pins->pause);
	over = find_over(pins);
	if (wait != MAX_JIFFY_OFFSET && !over)
		queue_delayed_work(pins_wq, &pins->work, wait);
	mutex_unlock(&pins->lock);
	if (!over)
		return;
	/* the last message has ended, but its kick may have queued the work again */
	cancel_delayed_work(&pins->work);
	pins_free(pins);
}

static void pins_kick(struct zuf_held *held)
{
	struct zuf_pins *pins = container_of(held, struct zuf_pins, held);

	mod_delayed_work(pins_wq, &pins->work, 0);
}

/* ---- life ---- */

struct zuf_pins *zuf_pins_create(struct zuf_sb *zsb)
{
	struct zuf_pins *pins = kzalloc(sizeof(*pins), GFP_KERNEL_ACCOUNT);

	if (!pins)
		return NULL;
	/* the object may outlive the mount */
	__module_get(THIS_MODULE);
	mutex_init(&pins->lock);
	pins->zsb = zsb;
	pins->devs = zuf_devset_get(zsb->devs);
	pins->type = zsb->type;
	zuf_held_init(&pins->held, pins->devs, pins_kick);
	INIT_DELAYED_WORK(&pins->work, pins_work);
	mutex_lock(&mounts_lock);
	list_add_tail(&pins->link, &mounts);
	mutex_unlock(&mounts_lock);
	return pins;
}

void zuf_pins_end(struct zuf_sb *zsb)
{
	struct zuf_pins *pins = zsb->pins;
	struct zuf_mapped *zm;
	unsigned int i;
	bool over;

	if (!pins)
		return;
	zsb->pins = NULL;
	/* this waits for nobody; from here on only the work queues itself */
	cancel_delayed_work_sync(&pins->work);
	/*
	 * as soon as the work is queued it may find @pins over: it frees nothing before these
	 * unlock
	 */
	mutex_lock(&mounts_lock);
	mutex_lock(&pins->lock);
	for (i = 0; i < ARRAY_SIZE(pins->records); i++)
		hlist_for_each_entry(zm, &pins->records[i], pin_link) {
			/* the server must hear of the frames before the inode is freed */
			if (zm->end && pins->keeps_back)
				zuf_mapped_leave(zm, &pins->held, pins->devs,
						 GFP_NOFS | __GFP_NOFAIL);
			let_end(pins, zm);
		}
	WRITE_ONCE(pins->zsb, NULL);
	look_at_all(pins);
	if (pins->nr) {
		/* the second look: usually nobody holds a frame after it */
		schedule_timeout_uninterruptible(2);
		look_at_all(pins);
	}
	zuf_held_end(&pins->held);
	over = find_over(pins);
	if (!over)
		queue_delayed_work(pins_wq, &pins->work, pins->keeps_back ? 0 : PAUSE_ENDED);
	mutex_unlock(&pins->lock);
	mutex_unlock(&mounts_lock);
	if (!over)
		return;
	/* a task that looked for a holder meanwhile may have queued it */
	cancel_delayed_work_sync(&pins->work);
	pins_free(pins);
}

int zuf_pins_init(void)
{
	pins_wq = alloc_workqueue("zuf_pins", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return pins_wq ? 0 : -ENOMEM;
}

void zuf_pins_fini(void)
{
	destroy_workqueue(pins_wq);
}

/* ---- records ---- */

static struct hlist_head *hash_of(struct zuf_pins *pins, u64 ino)
{
	return &pins->records[hash_64(ino, HASH_BITS)];
}

bool zuf_pins_keep(struct inode *inode, struct zuf_end *end)
{
	struct zuf_pins *pins = ZUF_SB(inode->i_sb)->pins;
	struct zuf_mapped *zm;

	if (!pins || !zuf_mapped_of(inode) ||
	    !zuf_mapped_is_pinned(zuf_mapped_of(inode), pins->devs, 0, 0))
		return false;
	mutex_lock(&pins->lock);
	/* in one step: when the inode has no record any more, zuf_pins_busy() must find it here */
	zm = zuf_mapped_detach(inode);
	zm->end = end;
	zm->is_freed = end;
	if (end)
		end->held = ZUF_END_HELD;
	hlist_add_head(&zm->pin_link, hash_of(pins, zm->ino));
	WRITE_ONCE(pins->nr, pins->nr + 1);
	pins->pause = PAUSE_MIN;
	mutex_unlock(&pins->lock);
	mod_delayed_work(pins_wq, &pins->work, PAUSE_MIN);
	return true;
}

static struct zuf_mapped *find_record(struct zuf_pins *pins, u64 ino)
{
	struct zuf_mapped *zm;

	lockdep_assert_held(&pins->lock);
	hlist_for_each_entry(zm, hash_of(pins, ino), pin_link)
		if (zm->ino == ino)
			return zm;
	return NULL;
}

void zuf_pins_take(struct inode *inode)
{
	struct zuf_pins *pins = ZUF_SB(inode->i_sb)->pins;
	struct zuf_mapped *zm;

	/* a record of this number would have been added before its inode was gone */
	if (!pins || !READ_ONCE(pins->nr))
		return;
	mutex_lock(&pins->lock);
	zm = find_record(pins, inode->i_ino);
	/* a record whose inode the server frees, now or later, is that of another inode */
	if (zm && !zm->is_freed) {
		remove_record(pins, zm);
		zuf_mapped_attach(zm, inode);
	}
	mutex_unlock(&pins->lock);
}

bool zuf_pins_busy(struct zuf_sb *zsb, u64 ino, pgoff_t first, pgoff_t nr)
{
	struct zuf_pins *pins = zsb->pins;
	struct zuf_mapped *zm;
	bool busy;

	/* always take the lock: a record may be on its way from or to its inode */
	if (!pins)
		return false;
	mutex_lock(&pins->lock);
	zm = find_record(pins, ino);
	busy = zm && zuf_mapped_is_pinned(zm, pins->devs, first, nr);
	mutex_unlock(&pins->lock);
	return busy;
}

void zuf_pins_look(struct zuf_sb *zsb)
{
	struct zuf_pins *pins = zsb->pins;
	unsigned int looks = LOOKS;

	while (pins && READ_ONCE(pins->nr)) {
		mutex_lock(&pins->lock);
		look_at_all(pins);
		mutex_unlock(&pins->lock);
		if (!--looks)
			break;
		/* it takes two looks to find a frame idle */
		schedule_timeout_uninterruptible(PAUSE_MIN);
	}
}

/* ---- blocks that the server keeps back ---- */

/*
 * Look once and wait until blocks that were found idle are the server's again. Return: 0, also
 * when the server is gone; -EINTR: killed.
 */
static int look_at_held(struct zuf_pins *pins, struct zuf_sbid *sbid)
{
	mod_delayed_work(pins_wq, &pins->work, 0);
	/* this waits only for CPU time: the work waits for nobody */
	flush_delayed_work(&pins->work);
	return zuf_wait_killable(sbid->ends.wait, !READ_ONCE(sbid->ends.telling) ||
				 !zuf_sbid_is_live(sbid));
}

/* Look until no more blocks become idle, or LOOKS_FULL times. */
static int give_back_held(struct zuf_pins *pins, struct zuf_sbid *sbid)
{
	unsigned int looks = LOOKS_FULL, idle = LOOKS, nr;

	for (nr = atomic_read(&pins->held.nr); nr && idle && looks; looks--) {
		if (look_at_held(pins, sbid))
			return -EINTR;
		idle = atomic_read(&pins->held.nr) < nr ? LOOKS : idle - 1;
		nr = atomic_read(&pins->held.nr);
		/* two looks must be a tick apart */
		if (nr && idle && schedule_timeout_killable(PAUSE_MIN))
			return -EINTR;
	}
	return 0;
}

bool zuf_pins_reclaim(struct zuf_sb *zsb)
{
	struct zuf_pins *pins = zsb->pins;
	unsigned int nr;
	bool less;

	if (!pins)
		return false;
	nr = READ_ONCE(pins->nr);
	zuf_pins_look(zsb);
	less = READ_ONCE(pins->nr) < nr;
	nr = atomic_read(&pins->held.nr);
	if (nr && give_back_held(pins, zsb->sbid))
		return false;
	return less || atomic_read(&pins->held.nr) < nr;
}

void zuf_pins_leave(struct zuf_sb *zsb, u64 block)
{
	zuf_held_add(&zsb->pins->held, block, GFP_NOIO | __GFP_NOFAIL);
}

void zuf_pins_write_back(struct zuf_sb *zsb)
{
	struct zuf_pins *pins = zsb->pins;
	struct zuf_mapped *zm;
	unsigned int i;

	if (!pins)
		return;
	if (atomic_read(&pins->held.nr))
		zuf_held_write_back(&pins->held);
	if (READ_ONCE(pins->nr)) {
		mutex_lock(&pins->lock);
		for (i = 0; i < ARRAY_SIZE(pins->records); i++)
			hlist_for_each_entry(zm, &pins->records[i], pin_link)
				zuf_mapped_write_back(zm, pins->devs);
		mutex_unlock(&pins->lock);
	}
	/* must come before the server's answer to the next message says that the data is durable */
	pmem_wmb();
}

/* Move all that an ended mount still holds to @heir. The caller holds mounts_lock. */
static int inherit_from(struct zuf_pins *pins, struct zuf_pins *heir)
{
	struct hlist_node *next;
	struct zuf_mapped *zm;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&mounts_lock);
	mutex_lock(&pins->lock);
	for (i = 0; i < ARRAY_SIZE(pins->records) && !err; i++)
		hlist_for_each_entry_safe(zm, next, &pins->records[i], pin_link) {
			err = zuf_mapped_leave(zm, &heir->held, pins->devs, GFP_NOFS);
			if (err)
				break;
			remove_record(pins, zm);
			zuf_mapped_destroy(zm);
		}
	if (!err)
		err = zuf_held_move(&pins->held, &heir->held);
	/* the mount's own work frees @pins */
	if (!pins->over)
		mod_delayed_work(pins_wq, &pins->work, 0);
	mutex_unlock(&pins->lock);
	return err;
}

/* Take over what all ended mounts hold on the devices of @heir. */
static int pins_inherit(struct zuf_pins *heir)
{
	struct zuf_pins *pins;
	int err = 0;

	mutex_lock(&mounts_lock);
	list_for_each_entry(pins, &mounts, link)
		if (!err && !READ_ONCE(pins->zsb) && zuf_devset_overlap(pins->devs, heir->devs))
			err = inherit_from(pins, heir);
	mutex_unlock(&mounts_lock);
	return err;
}

int zuf_pins_start(struct zuf_sb *zsb)
{
	struct zuf_pins *pins = zsb->pins;
	int err;

	if (!zuf_keeps_back(zsb))
		return zuf_pins_hold(zsb->devs, NULL) ? -EBUSY : 0;
	pins->keeps_back = true;
	zuf_held_start(&pins->held, zsb->sbid);
	err = pins_inherit(pins);
	return err ?: zuf_held_wait_told(zsb->sbid);
}

/* ---- devices that are not free ---- */

/* May a mount of this type on these devices take over what @pins holds? */
static bool has_heir(const struct zuf_pins *pins, const struct zuf_devset *devs,
		     const struct zuf_type *type)
{
	return pins->keeps_back && pins->type == type && zuf_devset_same(pins->devs, devs);
}

/* The caller holds mounts_lock, so @pins stays. */
static bool still_holds(struct zuf_pins *pins)
{
	bool holds;

	lockdep_assert_held(&mounts_lock);
	mutex_lock(&pins->lock);
	look_at_all(pins);
	holds = pins->nr || atomic_read(&pins->held.nr);
	/* the work of @pins frees it: it is queued, or it waits for the lock and is not queued */
	if (!holds && !pins->over && cancel_delayed_work(&pins->work))
		queue_delayed_work(pins_wq, &pins->work, 0);
	mutex_unlock(&pins->lock);
	return holds;
}

static bool find_holder(const struct zuf_devset *devs, const struct zuf_type *type)
{
	struct zuf_pins *pins;
	bool found = false;

	mutex_lock(&mounts_lock);
	list_for_each_entry(pins, &mounts, link)
		if (!READ_ONCE(pins->zsb) && zuf_devset_overlap(pins->devs, devs) &&
		    !has_heir(pins, devs, type))
			found |= still_holds(pins);
	mutex_unlock(&mounts_lock);
	return found;
}

bool zuf_pins_hold(const struct zuf_devset *devs, const struct zuf_type *type)
{
	unsigned int looks = LOOKS;
	bool found;

	/* it takes two looks to find a frame idle */
	while ((found = find_holder(devs, type)) && --looks)
		schedule_timeout_uninterruptible(PAUSE_MIN);
	return found;
}
