// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec.c - ZU_IOC_IOMAP_EXEC: run a list that lies in an exec buffer
 *
 *	server thread                       workers
 *	header and words are copied once
 *	zuf_sbid_lookup, zuf_srvmem_pin	   the mount may end meanwhile
 *	zuf_sbid_list_begin
 *	zuf_list_start -----------------> exec_done: all has ended
 *	waits, or returns at once            exec_tell: IOM_DONE to the server
 *
 * The end of a list owns struct exec and frees it, even if the thread that waited was killed.
 * The buffer is free for the next list when the ioctl returns.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "chan.h"
#include "dispatch.h"
#include "exec.h"
#include "list.h"
#include "root.h"
#include "sb.h"
#include "sbid.h"
#include "special.h"
#include "srvmem.h"
#include "stats.h"
#include "xbuf.h"

/* Limit for the lists of a root whose IOM_DONE is not answered yet. */
#define ZUF_EXEC_MAX	256
/* If no channel was idle, look again after this time. */
#define EXEC_TELL_MS	10

struct exec {
	struct delayed_work work;
	struct zuf_post post;		/* IOM_DONE, while it is with the server */
	struct zuf_sbid *sbid;		/* referenced; the list is counted there */
	bool early;			/* out of zuf_sbid_list_begin() */
	bool async;			/* counted in root->nr_execs */
	int err;			/* result of the list */
	u64 zus_sbi, iomb;		/* as the server gave them */
};

/* A list as the server gave it, and the server memory that it names. */
struct exec_list {
	u64 *words;
	u32 n;
	u32 flags;			/* ZUFS_IOM_EXEC_FLUSH, ZUFS_IOM_EXEC_FUA */
	struct zuf_srvmem *mem;		/* from zuf_srvmem_pin() */
};

static struct workqueue_struct *exec_wq;
static atomic_t nr_tells;	/* works that look for a channel now and then */

static bool exec_waits(u32 wait_for_done)
{
	/* 2019 servers store a bool, which may be any number but 0 */
	return wait_for_done & ~(ZUFS_IOM_EXEC_FLUSH | ZUFS_IOM_EXEC_FUA);
}

/* ---- the end of a list ---- */

static void exec_free(struct exec *ex)
{
	if (ex->async)
		atomic_dec(&zuf_sbid_root(ex->sbid)->nr_execs);
	zuf_sbid_list_told(ex->sbid, ex->early);
	kfree(ex);
}

static void exec_told(struct zuf_post *post, int err)
{
	struct exec *ex = container_of(post, struct exec, post);
	struct zuf_sbid *sbid = ex->sbid;

	zuf_stats_op(sbid->ep.stats, zuf_stat_slot(ZUFS_OP_IOM_DONE), 0, err);
	exec_free(ex);
}

/*
 * Send IOM_DONE; nobody waits for its answer. A server that ends meanwhile is not told, and
 * knows.
 */
static void exec_tell(struct work_struct *work)
{
	struct exec *ex = container_of(to_delayed_work(work), struct exec, work);
	struct zuf_sbid *sbid = ex->sbid;
	struct zufs_ioc_iomap_done msg = {
		.hdr = ZUF_HDR(ZUFS_OP_IOM_DONE, sizeof(msg), 0, 0),
		.zus_sbi = ex->zus_sbi,
		.iomb = ex->iomb,
	};
	int err = -EIO;

	msg.hdr.err = ex->err;
	ex->post = (struct zuf_post){ .hdr = &msg.hdr, .ep = &sbid->ep, .done = exec_told };
	/* the cookies of a super-block that is gone must not be used any more */
	if (!READ_ONCE(sbid->closed))
		err = zuf_chan_post(sbid->ep.peer, sbid->ep.gen, ZUF_OPF_NESTED, &ex->post);
	if (err == -EAGAIN) {
		queue_delayed_work(exec_wq, &ex->work, msecs_to_jiffies(EXEC_TELL_MS));
		return;
	}
	if (err)
		exec_free(ex);
	if (atomic_dec_and_test(&nr_tells))
		wake_up_var(&nr_tells);
}

static void exec_done(struct zuf_list *iom, void *arg, int err)
{
	struct exec *ex = arg;

	ex->err = err;
	zuf_lists_ended(&ex->sbid->lists);
	if (ex->async) {
		atomic_inc(&nr_tells);
		queue_delayed_work(exec_wq, &ex->work, 0);
	} else {
		exec_free(ex);
	}
}

/* ---- the start ---- */

static void exec_list_drop(const struct exec_list *list)
{
	zuf_srvmem_drop(list->mem);
	kvfree(list->words);
}

/* Create and start a list. On success the list owns @ex and what @list points to. */
static struct zuf_list *exec_start(struct exec *ex, const struct exec_list *list)
{
	struct zuf_sbid *sbid = ex->sbid;
	struct zuf_list_args args = {
		.devs = sbid->devs,
		.mem = list->mem,
		.words = list->words,
		.n = list->n,
		.flags = list->flags,
		.done = exec_done,
		.done_arg = ex,
	};
	struct zuf_list *iom;

	/* the list may end, and drop its reference, before this function is done with @sbid */
	zuf_sbid_get(sbid);
	/* the super-block stays mounted while the list looks for inodes of it */
	down_read(&sbid->sb_lock);
	args.sb = sbid->sb;
	args.unmap = args.sb ? ZUF_SB(args.sb)->ops->unmap : NULL;
	iom = zuf_list_create(&args);
	if (!IS_ERR(iom)) {
		zuf_stats_event(sbid->ep.peer->stats, ZUF_EV_IOMAP, 1);
		zuf_list_start(iom);
	}
	up_read(&sbid->sb_lock);
	zuf_sbid_put(sbid);
	return iom;
}

/* Run a list and return its result; consumes @ex and what @list points to. */
static int exec_run(struct exec *ex, const struct exec_list *list)
{
	bool async = ex->async;
	struct zuf_list *iom;
	int err = 0;

	iom = exec_start(ex, list);
	if (IS_ERR(iom)) {
		exec_list_drop(list);
		zuf_lists_ended(&ex->sbid->lists);
		exec_free(ex);
		return PTR_ERR(iom);
	}
	if (!async)
		err = zuf_list_wait(iom) ? zuf_list_result(iom) : -EINTR;
	zuf_list_put(iom);
	return err;
}

/* Make the list one that nobody waits for, if that is allowed. */
static int exec_make_async(struct exec *ex)
{
	if (!ex->sbid->ep.gen)
		return -EOPNOTSUPP;
	if (!atomic_add_unless(&zuf_sbid_root(ex->sbid)->nr_execs, 1, ZUF_EXEC_MAX))
		return -EAGAIN;
	ex->async = true;
	return 0;
}

static struct exec *exec_create(struct zuf_sbid *sbid, const struct zufs_ioc_iomap_exec *ioc)
{
	struct exec *ex = kzalloc(sizeof(*ex), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!ex)
		return ERR_PTR(-ENOMEM);
	INIT_DELAYED_WORK(&ex->work, exec_tell);
	ex->zus_sbi = ioc->zus_sbi;
	ex->iomb = ioc->ziom.iomb;
	ex->sbid = sbid;
	if (!zuf_sbid_list_begin(sbid, &ex->early)) {
		kfree(ex);
		return ERR_PTR(-EINVAL);
	}
	if (!exec_waits(ioc->wait_for_done))
		err = exec_make_async(ex);
	if (err) {
		zuf_lists_ended(&ex->sbid->lists);
		exec_free(ex);
		return ERR_PTR(err);
	}
	return ex;
}

/* Copy the list out of the buffer, and pin the caller's memory that the list names. */
static int exec_list_take(struct zuf_xbuf *xb, const struct zufs_ioc_iomap_exec *ioc,
			  struct exec_list *list)
{
	list->n = ioc->ziom.iom_n;
	list->flags = ioc->wait_for_done & (ZUFS_IOM_EXEC_FLUSH | ZUFS_IOM_EXEC_FUA);
	list->words = kvmalloc_array(list->n, sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!list->words)
		return -ENOMEM;
	zuf_xbuf_read(xb, sizeof(*ioc), list->words, list->n * sizeof(u64));
	list->mem = zuf_srvmem_pin(list->words, list->n);
	return 0;
}

/* Run the list in the buffer. Return: its result; -EINTR: killed; -EINVAL: the mount has ended. */
static int exec_for(struct zuf_sbid *sbid, struct zuf_xbuf *xb,
		    const struct zufs_ioc_iomap_exec *ioc, bool *bad_call)
{
	struct exec_list list;
	struct exec *ex;
	int err;

	/* before the list is counted, or an unmount would wait for the server's memory */
	err = exec_list_take(xb, ioc, &list);
	if (err)
		return err;
	ex = exec_create(sbid, ioc);
	if (!IS_ERR(ex))
		return exec_run(ex, &list);
	exec_list_drop(&list);
	*bad_call = ex == ERR_PTR(-EINVAL);
	return PTR_ERR(ex);
}

/* *@bad_call: the error is one of the ioctl, not of the list. */
static int exec_buffer(struct zuf_special *sp, bool *bad_call)
{
	struct zufs_ioc_iomap_exec ioc;
	struct zuf_sbid *sbid;
	int err;

	zuf_xbuf_read(sp->xbuf, 0, &ioc, sizeof(ioc));
	*bad_call = ioc.ziom.iom_n > ioc.ziom.iom_max ||
		    ioc.ziom.iom_max > (zuf_xbuf_size(sp->xbuf) - sizeof(ioc)) / sizeof(u64);
	if (*bad_call)
		return -EINVAL;
	sbid = zuf_sbid_lookup(sp->root, ioc.sb_id, ioc.zus_sbi);
	*bad_call = !sbid;
	if (!sbid)
		return -EINVAL;
	err = exec_for(sbid, sp->xbuf, &ioc, bad_call);
	zuf_sbid_put(sbid);
	return err;
}

long zuf_ioc_iomap_exec(struct zuf_special *sp, struct file *file, unsigned long arg)
{
	bool bad_call;
	int err;

	if (zuf_special_role(sp) != ZUF_ROLE_XBUF || !zuf_xbuf_mapped_at(file, arg))
		return -EINVAL;
	err = exec_buffer(sp, &bad_call);
	zuf_xbuf_set_err(sp->xbuf, err);
	return bad_call ? err : 0;
}

/* ---- module life ---- */

int zuf_exec_module_init(void)
{
	exec_wq = alloc_workqueue("zuf_exec", WQ_UNBOUND | WQ_MEM_RECLAIM, WQ_MAX_ACTIVE);
	return exec_wq ? 0 : -ENOMEM;
}

void zuf_exec_module_fini(void)
{
	wait_var_event(&nr_tells, !atomic_read(&nr_tells));
	destroy_workqueue(exec_wq);
}
