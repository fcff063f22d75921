/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pins.h - frames that a pipe or DMA still holds when the inode they belong to is evicted
 *
 *	zuf_pins_keep    evict: the record of such an inode is kept, by the inode's number
 *	zuf_pins_take    the inode comes back, and has its record again
 *	zuf_pins_busy    the server asks (UNMAP) while the inode is not cached
 *
 *	zuf_pins_leave   the server keeps a block back that somebody holds (held.h)
 *
 * The item of an inode that the server is to free (ends.h) waits until the frames are idle,
 * or for the end of the mount. Records that last longer keep the devices: nobody else gets
 * their blocks.
 */
#ifndef ZUF_PINS_H
#define ZUF_PINS_H

#include <linux/types.h>


struct inode;
struct zuf_devset;
struct zuf_end;
struct zuf_pins;
struct zuf_sb;
struct zuf_type;

int zuf_pins_init(void);
void zuf_pins_fini(void);

/* Of a mount; NULL: no memory. */
struct zuf_pins *zuf_pins_create(struct zuf_sb *zsb);
/**
 * zuf_pins_start() - the server has answered the mount
 * One that keeps blocks back takes over what is held of the last mount of its devices, and
 * hears of it before all else.
 * Return: 0; -EBUSY: it does not, and there is something; -ENOMEM, -EINTR.
 */
int zuf_pins_start(struct zuf_sb *zsb);
/* All inodes are evicted; what is held back goes on. zsb->pins is gone. */
void zuf_pins_end(struct zuf_sb *zsb);

/**
 * zuf_pins_keep() - the inode is being evicted: does somebody hold frames of it?
 * @end: FREE_INODE that waits until nobody does any more; or NULL
 * Context: may sleep, may reclaim memory: allocates nothing, waits for nobody.
 * Return: false: no.
 */
bool zuf_pins_keep(struct inode *inode, struct zuf_end *end);
/* Context: a new inode that nobody else can see yet. */
void zuf_pins_take(struct inode *inode);
/* Is a frame of these pages held, of an inode that is not cached? @nr 0: to the end. */
bool zuf_pins_busy(struct zuf_sb *zsb, u64 ino, pgoff_t first, pgoff_t nr);
/* Look now which frames have been let go: the work may not look for a second. Sleeps. */
void zuf_pins_look(struct zuf_sb *zsb);

/**
 * zuf_pins_reclaim() - the server has found no space: what is idle by now goes back to it
 * Context: sleeps, killably, for ticks; no channel is held.
 * Return: true: something did, or can with the next flush.
 */
bool zuf_pins_reclaim(struct zuf_sb *zsb);

/**
 * zuf_pins_leave() - a frame that somebody holds leaves the record of its inode
 * Its server keeps it back, and is told before it gets it. See zuf_held_add().
 */
void zuf_pins_leave(struct zuf_sb *zsb, u64 block);

/* sync: frames that have left are in no record, but may be of a file still. */
void zuf_pins_write_back(struct zuf_sb *zsb);

/**
 * zuf_pins_hold() - does a mount that has ended still hold frames of one of these devices?
 * @type: of a mount that may take them over (zuf_pins_start()), or NULL
 */
bool zuf_pins_hold(const struct zuf_devset *devs, const struct zuf_type *type);

#endif
