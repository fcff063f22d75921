/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list.h - lists of commands that the kernel executes for the server
 *
 *	zuf_srvmem_pin	   by the server's thread, which holds nothing yet
 *	zuf_list_create   all of the copy is checked
 *	zuf_list_start    bios are on their way, everything else is done
 *	zuf_list_wait     or args.done, in a worker: everything has ended
 *	zuf_list_put
 *
 * A list keeps its devices alive as long as anything of it is under way, even if all others have
 * put their references.
 */
#ifndef ZUF_LIST_H
#define ZUF_LIST_H

#include <linux/types.h>
#include <linux/wait.h>

struct inode;
struct super_block;
struct zuf_devset;
struct zuf_list;
struct zuf_lists;
struct zuf_srvmem;

/*
 * struct zuf_list_args - what a list works on
 * @devs: its T1 and T2
 * @unmap: IOM_UNMAP: take pages of a file (@nr 0: to its end; @ino 0: the inode of the operation)
 *	out of all mappings, in the context of zuf_list_start(). Returns 0 or -EBUSY: somebody does
 *	DMA from or to a page, which must stay where it is. NULL: nothing is mapped
 * @sb: for @unmap: the super-block in which inodes are found by number, or NULL (private mount);
 *	the caller keeps it mounted until the list has started
 * @inode: for @unmap: the inode of the operation, or NULL
 * @lists: of the mount. The caller holds the mount, which does not free its devices before the
 *	list has ended. NULL: the caller itself makes sure of that
 * @mem: what zuf_srvmem_pin() of these words has returned; consumed by a successful create
 * @words: the list, in kernel memory; consumed (kvfree) by a successful create
 * @n: number of words
 * @flags: ZUFS_IOM_EXEC_FLUSH, ZUFS_IOM_EXEC_FUA
 * @unkillable: a fatal signal does not end the execution with -EINTR
 * @done: called once from a worker, where it may sleep, when the list has ended and every
 *	waiter may know; or NULL. The list stays referenced during the call.
 */
struct zuf_list_args {
	struct zuf_devset *devs;
	int (*unmap)(const struct zuf_list_args *args, u64 ino, pgoff_t first, pgoff_t nr);
	struct super_block *sb;
	struct inode *inode;
	struct zuf_lists *lists;
	struct zuf_srvmem *mem;
	u64 *words;
	u32 n;
	u32 flags;
	bool unkillable;
	void (*done)(struct zuf_list *iom, void *arg, int err);
	void *done_arg;
};

/**
 * zuf_list_create() - check a list and take what it needs
 * Return: a list with one reference or ERR_PTR(-EIO: an element is unknown, out of
 * bounds or cut off; -EROFS; -ENOMEM; the error of @mem: -E2BIG: more than 64 MiB of
 * server memory; -EFAULT: that memory is not there). On an error nothing of the list has been
 * done, and @words and @mem still belong to the caller.
 */
struct zuf_list *zuf_list_create(const struct zuf_list_args *args);

/**
 * zuf_list_start() - execute the list; must be called once
 * Context: may sleep, but only for devices and memory. The caller bounds the length of the list.
 */
void zuf_list_start(struct zuf_list *iom);

/**
 * zuf_list_wait() - wait for the end of a started list; killable
 * Return: false: a fatal signal ended the wait, the list goes on.
 */
bool zuf_list_wait(struct zuf_list *iom);

/*
 * For a wait that something else can end too: has the list ended, and the queue that is woken
 * when it ends.
 */
bool zuf_list_is_over(const struct zuf_list *iom);
wait_queue_head_t *zuf_list_waitq(struct zuf_list *iom);

/* The first error of a list that has ended: 0, -EIO, -EOPNOTSUPP (DISCARD) ... */
int zuf_list_result(const struct zuf_list *iom);

struct zuf_list *zuf_list_get(struct zuf_list *iom);
void zuf_list_put(struct zuf_list *iom);

int zuf_list_module_init(void);
void zuf_list_module_fini(void);

#endif
