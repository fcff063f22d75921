// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec.c - ZU_IOC_IOMAP_EXEC: run a list that lies in an exec buffer
 *
 *	server thread                       workers
 *	header and words are copied once
 *	zuf_sbid_list_begin
 *	zuf_iomap_start -----------------> exec_done: all has ended
 *	waits, or returns at once            exec_tell: IOM_DONE to the server
 *
 * A list belongs to its end: struct exec is freed there, also when the thread
 * that waited was killed. The buffer is free for the next list when the ioctl
 * returns.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "dispatch.h"
#include "exec.h"
#include "iomap.h"
#include "root.h"
#include "sbid.h"
#include "special.h"
#include "stats.h"
#include "super.h"
#include "xbuf.h"

/* Lists of a root whose IOM_DONE is not answered yet. */
#define ZUF_EXEC_MAX	256

struct exec {
	struct work_struct work;
	struct zuf_sbid *sbid;		/* referenced; the list is counted there */
	bool early;			/* of zuf_sbid_list_begin() */
	bool async;			/* counted in root->nr_execs */
	int err;			/* of the list */
	u64 zus_sbi, iomb;		/* as the server gave them */
};

/* Its items wait for servers, those of iomap.c do not wait for them. */
static struct workqueue_struct *exec_wq;

static bool exec_waits(u32 wait_for_done)
{
	/* 2019 servers store a bool, which may be any number but 0 */
	return wait_for_done & ~(ZUFS_IOM_EXEC_FLUSH | ZUFS_IOM_EXEC_FUA);
}

/* ---- the end of a list ---- */

static void exec_free(struct exec *ex)
{
	if (ex->async)
		atomic_dec(&ex->sbid->root->nr_execs);
	zuf_sbid_list_told(ex->sbid, ex->early);
	kfree(ex);
}

/* A server that ends meanwhile is not told, and knows. */
static void exec_tell(struct work_struct *work)
{
	struct exec *ex = container_of(work, struct exec, work);
	struct zuf_sb zsb = {
		.root = ex->sbid->root,
		.server_gen = ex->sbid->server_gen,
		.sb_id = ex->sbid->id,
	};
	struct zufs_ioc_iomap_done msg = {
		.hdr = ZUF_HDR(ZUFS_OP_IOM_DONE, sizeof(msg), 0, 0),
		.zus_sbi = ex->zus_sbi,
		.iomb = ex->iomb,
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_NESTED);

	msg.hdr.err = ex->err;
	/* the cookies of a super-block that is gone are not used any more */
	if (!READ_ONCE(ex->sbid->closed))
		zuf_dispatch(&zsb, &op);
	exec_free(ex);
}

static void exec_done(struct zuf_iomap *iom, void *arg, int err)
{
	struct exec *ex = arg;

	ex->err = err;
	zuf_sbid_list_ended(ex->sbid);
	if (ex->async)
		queue_work(exec_wq, &ex->work);
	else
		exec_free(ex);
}

/* ---- the start ---- */

/* Create and start; the list has @ex and @words then. */
static struct zuf_iomap *exec_start(struct exec *ex, u64 *words, u32 n, u32 flags)
{
	struct zuf_sbid *sbid = ex->sbid;
	struct zuf_iomap_args args = {
		.devs = sbid->devs,
		.mm = current->mm,
		.words = words,
		.n = n,
		.flags = flags,
		.done = exec_done,
		.done_arg = ex,
	};
	struct zuf_iomap *iom;

	/* the list may end, and with it its reference, before we look again */
	kref_get(&sbid->ref);
	/* it stays mounted while inodes of it are looked for */
	down_read(&sbid->sb_lock);
	args.sb = sbid->sb;
	iom = zuf_iomap_create(&args);
	if (!IS_ERR(iom)) {
		zuf_stats_event(sbid->root->stats, ZUF_EV_IOMAP, 1);
		zuf_iomap_start(iom);
	}
	up_read(&sbid->sb_lock);
	zuf_sbid_put(sbid);
	return iom;
}

/* The result of a list with good words; consumes @ex. */
static int exec_run(struct exec *ex, u64 *words, u32 n, u32 flags)
{
	bool async = ex->async;
	struct zuf_iomap *iom;
	int err = 0;

	iom = exec_start(ex, words, n, flags);
	if (IS_ERR(iom)) {
		kvfree(words);
		zuf_sbid_list_ended(ex->sbid);
		exec_free(ex);
		return PTR_ERR(iom);
	}
	if (!async)
		err = zuf_iomap_wait(iom) ? zuf_iomap_result(iom) : -EINTR;
	zuf_iomap_put(iom);
	return err;
}

/* May the list be one that nobody waits for? */
static int exec_make_async(struct exec *ex)
{
	if (!ex->sbid->server_gen)
		return -EOPNOTSUPP;
	if (!atomic_add_unless(&ex->sbid->root->nr_execs, 1, ZUF_EXEC_MAX))
		return -EAGAIN;
	ex->async = true;
	return 0;
}

static struct exec *exec_create(struct zuf_root *root, const struct zufs_ioc_iomap_exec *ioc)
{
	struct exec *ex = kzalloc(sizeof(*ex), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!ex)
		return ERR_PTR(-ENOMEM);
	INIT_WORK(&ex->work, exec_tell);
	ex->zus_sbi = ioc->zus_sbi;
	ex->iomb = ioc->ziom.iomb;
	ex->sbid = zuf_sbid_list_begin(root, ioc->sb_id, ioc->zus_sbi, &ex->early);
	if (!ex->sbid) {
		kfree(ex);
		return ERR_PTR(-EINVAL);
	}
	if (!exec_waits(ioc->wait_for_done))
		err = exec_make_async(ex);
	if (err) {
		zuf_sbid_list_ended(ex->sbid);
		exec_free(ex);
		return ERR_PTR(err);
	}
	return ex;
}

/* *bad_call: the error is one of the ioctl, not of the list. */
static int exec_buffer(struct zuf_special *sp, bool *bad_call)
{
	struct zufs_ioc_iomap_exec ioc;
	struct exec *ex;
	u64 *words;

	zuf_xbuf_read(sp->xbuf, 0, &ioc, sizeof(ioc));
	*bad_call = ioc.ziom.iom_n > ioc.ziom.iom_max ||
		    ioc.ziom.iom_max > (zuf_xbuf_size(sp->xbuf) - sizeof(ioc)) / sizeof(u64);
	if (*bad_call)
		return -EINVAL;
	words = kvmalloc_array(ioc.ziom.iom_n, sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!words)
		return -ENOMEM;
	zuf_xbuf_read(sp->xbuf, sizeof(ioc), words, ioc.ziom.iom_n * sizeof(u64));
	ex = exec_create(sp->root, &ioc);
	if (IS_ERR(ex)) {
		kvfree(words);
		*bad_call = ex == ERR_PTR(-EINVAL);
		return PTR_ERR(ex);
	}
	return exec_run(ex, words, ioc.ziom.iom_n,
			ioc.wait_for_done & (ZUFS_IOM_EXEC_FLUSH | ZUFS_IOM_EXEC_FUA));
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
	destroy_workqueue(exec_wq);
}
