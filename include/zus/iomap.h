/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builder of iomap lists: commands that the kernel executes for a file system (T2 <-> T1
 * copies, unmapping, cache write-back).
 *
 * A list either rides in the answer of an I/O operation: the plugin returns the value
 * of zus_iomap_retry(), the kernel executes the list and calls the operation again, with
 * zus_iomap_restarted() true and the result in hand. Or the plugin collects words of its
 * own and calls zus_iomap_exec(), which waits, or zus_iomap_exec_async(), which does not. One
 * builder belongs to one thread; its words are free again when either returns.
 *
 * A list is checked whole before anything of it is done: -EIO = an element is out of bounds,
 * -EFAULT = server memory that is not there. Elements start in their order, transfers end in
 * any order; what one transfer reads another of the same list must not write.
 */
#ifndef ZUS_IOMAP_H
#define ZUS_IOMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <zus/inode.h>
#include <zus/io.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_iomap {
	uint64_t *words;
	uint32_t max;
	uint32_t n;
	uint32_t flags;			/* ZUFS_IOM_EXEC_*: zus_iomap_set_flags */
	uint32_t reserved;
};

/* An empty list in caller's memory of max words. */
void zus_iomap_init(struct zus_iomap *iom, uint64_t *words, uint32_t max);
/* An empty list in the answer of an operation. */
void zus_iomap_init_io(struct zus_iomap *iom, struct zus_io *io);

/*
 * Pages of T2 from t2_bn on into T1 or into server memory, and back. All: 0, or -ENOSPC when the
 * list is full (it is unchanged then).
 */
int zus_iomap_t2_read(struct zus_iomap *iom, uint64_t t2_bn, dpp_t t1, uint64_t pages);
int zus_iomap_t2_write(struct zus_iomap *iom, uint64_t t2_bn, dpp_t t1, uint64_t pages);
int zus_iomap_t2_read_mem(struct zus_iomap *iom, uint64_t t2_bn, void *mem, uint64_t bytes);
int zus_iomap_t2_write_mem(struct zus_iomap *iom, uint64_t t2_bn, const void *mem,
			   uint64_t bytes);
/*
 * Takes pages of an inode out of the mappings of applications. pages 0 = to the end of the file;
 * ino 0 = the inode of the operation. The list ends with -EBUSY when somebody (DMA, a pipe) still
 * holds one of the pages: its block must stay.
 */
int zus_iomap_unmap(struct zus_iomap *iom, uint64_t first_page, uint64_t pages,
		    uint64_t ino);
/* Writes back what the caches of all CPUs hold, and empties them. */
int zus_iomap_wbinv(struct zus_iomap *iom);
/* Forgets the content of T2 blocks; a device that cannot ends the list with -EOPNOTSUPP. */
int zus_iomap_discard(struct zus_iomap *iom, uint64_t t2_bn, uint64_t pages);
/*
 * The element before it (a T2 transfer or discard) so many times more, each time with the
 * blocks and the memory that follow.
 */
int zus_iomap_repeat(struct zus_iomap *iom, uint64_t times);

/*
 * What the list's writes to T2 shall be at its end: ZUFS_IOM_EXEC_FLUSH (the devices' caches are
 * flushed), ZUFS_IOM_EXEC_FUA (each write goes through the cache); 0 = whatever the device does.
 */
void zus_iomap_set_flags(struct zus_iomap *iom, uint32_t flags);

/*
 * Ends a list of zus_iomap_init_io: the operation returns this value (-EZUFS_RETRY). The cookie
 * is any number but 0 and comes back with the restart.
 *
 * By default the thread serves nobody else until the list has ended. A file system that sets
 * ZUFS_FSC_RETRY_MOVES in fs_caps has it back at once; the restart comes on any thread, and the
 * promise is: no lock is held across the return, no other thread waits for this restart (it
 * may be the one that would serve it), no pointer into the io or its buf is kept, len may be
 * less than before (0: nobody needs the data any more), and a restart with an error, whose
 * cookie must be disposed of as ever, changes nothing.
 */
int zus_iomap_retry(struct zus_iomap *iom, struct zus_io *io, uint64_t cookie);
/* 0 = first call; else the cookie, and *result = 0 or -errno of the list. */
uint64_t zus_iomap_restarted(const struct zus_io *io, int *result);
/*
 * The same, and the list is done with: until the operation asks for another one, it is told that
 * this is a first call.
 */
uint64_t zus_iomap_take(struct zus_io *io, int *result);

/* Executes a list of zus_iomap_init and waits: 0 or -errno. */
int zus_iomap_exec(struct zus_sb *sb, const struct zus_iomap *iom);

/* What is called when a list has ended: err = 0 or -errno. */
typedef void (*zus_iomap_done_fn)(struct zus_sb *sb, void *arg, int err);

/*
 * Starts a list of zus_iomap_init. Returns 0: done(sb, arg, err) will be called once, on a thread
 * of the feeder (a ZT), maybe before this returns; it may start further lists, but must not
 * wait for lists with a callback. -EAGAIN: too many lists are under way, wait for one of them;
 * -ENOMEM and other errors: nothing was started, done is not called.
 *
 * Umount comes after the callbacks of all lists that began before it. A plugin whose threads
 * start lists stops these in its umount and then calls zus_iomap_drain().
 */
int zus_iomap_exec_async(struct zus_sb *sb, const struct zus_iomap *iom,
			 zus_iomap_done_fn done, void *arg);
/* Waits until every callback of the super-block has returned. Not from within one. */
void zus_iomap_drain(struct zus_sb *sb);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_IOMAP_H */
