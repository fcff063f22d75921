/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pins.h - frames that a pipe or DMA still holds when their inode is evicted
 *
 *	zuf_pins_keep    evict: the inode's record is kept, under the inode's number
 *	zuf_pins_take    the inode comes back and gets its record back
 *	zuf_pins_busy    the server asks (UNMAP) while the inode is not cached
 *
 *	zuf_pins_leave   the server keeps a block back that somebody holds (held.h)
 *
 * The item of an inode that the server must free (ends.h) waits until the frames are idle or the
 * mount ends. Records that outlive the mount keep a reference to its devices, so nobody else
 * gets the blocks.
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

/* Create the set of a mount; NULL: no memory. */
struct zuf_pins *zuf_pins_create(struct zuf_sb *zsb);
/**
 * zuf_pins_start() - the server has answered the mount
 *
 * A server that keeps blocks back takes over what is still held from the last mount of its
 * devices, and is told of those blocks before anything else.
 * Return: 0; -EBUSY: blocks are held and this server does not keep blocks back; -ENOMEM; -EINTR.
 */
int zuf_pins_start(struct zuf_sb *zsb);
/* All inodes are evicted. Frames that are held stay so; zsb->pins becomes NULL. */
void zuf_pins_end(struct zuf_sb *zsb);

/**
 * zuf_pins_keep() - keep the record of an inode that is being evicted, if its frames are held
 * @end: item with FREE_INODE, which then waits until nobody holds a frame any more; or NULL
 * Context: may sleep, may run in reclaim: allocates nothing and waits for nobody.
 * Return: false: nobody holds a frame of the inode.
 */
bool zuf_pins_keep(struct inode *inode, struct zuf_end *end);
/* Context: the inode is new, and nobody else can see it yet. */
void zuf_pins_take(struct inode *inode);
/* Does somebody hold a frame of these pages of an uncached inode? @nr 0: to the end of the file. */
bool zuf_pins_busy(struct zuf_sb *zsb, u64 ino, pgoff_t first, pgoff_t nr);
/* Look now which frames have been released: the worker might not look for a second. Sleeps. */
void zuf_pins_look(struct zuf_sb *zsb);

/**
 * zuf_pins_reclaim() - the server has no space: give back blocks that are idle by now
 * Context: sleeps killably for some ticks; the caller holds no channel.
 * Return: true: some were given back, or will be with the next flush.
 */
bool zuf_pins_reclaim(struct zuf_sb *zsb);

/**
 * zuf_pins_leave() - a frame that somebody holds leaves the record of its inode
 *
 * Its server keeps the block back, and is told so before it gets the block. See zuf_held_add().
 */
void zuf_pins_leave(struct zuf_sb *zsb, u64 block);

/* sync: write back frames that have left their record but may still belong to a file. */
void zuf_pins_write_back(struct zuf_sb *zsb);

/**
 * zuf_pins_hold() - does a mount that has ended still hold frames of one of these devices?
 * @type: type of a mount that may take the frames over (zuf_pins_start()); or NULL
 */
bool zuf_pins_hold(const struct zuf_devset *devs, const struct zuf_type *type);

#endif
