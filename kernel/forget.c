// SPDX-License-Identifier: GPL-2.0-only
/*
 * forget.c - what a killed application leaves behind
 *
 * An application that gets a fatal signal does not wait for the server. Either
 * its message is with the server already: then the ZT calls zuf_orphan_finish()
 * when it comes back. Or it has not found a channel, but the message must get
 * through (evict, free): then a worker sends it. An UMOUNT always takes that way:
 * it comes after all these, and a killed umount(8) cannot take it back. So does the
 * end of a mount that was killed: id and devices stay until the server has let go. A
 * worker's item stands on its own (root, server generation), it may outlive the mount.
 */
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "chan.h"
#include "contract.h"
#include "dispatch.h"
#include "forget.h"
#include "inode.h"
#include "mapped.h"
#include "retry.h"
#include "sbid.h"
#include "stats.h"
#include "super.h"
#include "window.h"
#include "wake.h"

static struct workqueue_struct *forget_wq;
static struct workqueue_struct *umount_wq;	/* its items wait for those of the other */

struct forget_item {
	struct work_struct work;
	struct zuf_sb zsb;		/* just what zuf_dispatch() needs */
	struct zuf_put_tag *goose;	/* referenced, or NULL */
	struct zuf_put_tag *after;	/* the same: what is left of this inode goes before */
	struct zuf_carried held;	/* inodes that wait for the message */
	struct zuf_mapped *pinned;	/* the message waits for the last pin; or NULL */
	struct zufs_ioc_hdr *before;	/* a message that goes first, behind the other; or NULL */
	struct zufs_ioc_hdr msg[];	/* whole message, in_len bytes */
};

/* May the server replace blocks that mappings show? */
static bool may_replace(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	return op->hdr->operation == ZUFS_OP_WRITE ||
	       (op->hdr->operation == ZUFS_OP_GET_MULTY && (io->rw & ZUFS_RW_WRITE));
}

/*
 * The end of the inodes of @op waits for what has @carried; also who wants a lock of them, of
 * the first one only if it @excludes.
 */
static void hold_inodes(struct zuf_carried *carried, const struct zuf_op *op, bool excludes)
{
	struct inode *const *more = op->more_inodes;
	const gfp_t gfp = GFP_NOIO | __GFP_NOFAIL;
	enum zuf_left left;

	if (op->inode) {
		left = zuf_op_lock(op, op->inode);
		/* a fault's, too, keeps others out until it is done */
		if (left == ZUF_LEFT_NO_LOCK && may_replace(op))
			left = ZUF_LEFT_SHARED;
		if (!excludes)
			left = ZUF_LEFT_NO_LOCK;
		zuf_puts_carry(carried, zuf_inode_tag(op->inode, gfp), left);
	}
	for (; more && *more; more++)
		zuf_puts_carry(carried, zuf_inode_tag(*more, gfp), zuf_op_lock(op, *more));
}

static void forget_work(struct work_struct *work)
{
	struct forget_item *it = container_of(work, struct forget_item, work);
	struct zuf_op op = {
		.hdr = it->msg,
		.size = it->msg->in_len,
		.goose = it->goose,
	};
	struct zuf_op before = { .hdr = it->before, .goose = it->goose };
	struct zuf_root *root = it->zsb.root;

	if (it->pinned)
		zuf_mapped_wait_unpinned(it->pinned);
	if (it->after)
		zuf_puts_wait_left(it->after, false, true);
	if (it->before) {
		before.size = it->before->in_len;
		zuf_dispatch(&it->zsb, &before);
	}
	zuf_dispatch(&it->zsb, &op);
	zuf_put_tag_put(it->goose);
	zuf_put_tag_put(it->after);
	zuf_puts_done(&it->held);
	/* who waits may want to unmount the root next */
	mntput(it->zsb.root_mnt);
	if (atomic_dec_and_test(&root->nr_forgets))
		wake_up_var(&root->nr_forgets);
	zuf_root_put(root);
	kfree(it);
}

/*
 * The inode of a message that must not overtake another one. It is an inode that nobody else
 * uses any more (undo_create()), so nobody waits for its lock either.
 */
static struct zuf_put_tag *left_before(const struct zuf_op *op)
{
	struct zuf_put_tag *tag = op->inode ? READ_ONCE(ZUF_I(op->inode)->put_tag) : NULL;

	if (!tag || !zuf_tag_is_left(tag, false) ||
	    zuf_op_lock(op, op->inode) == ZUF_LEFT_NO_LOCK)
		return NULL;
	return zuf_put_tag_get(tag);
}

void zuf_forget_later(struct zuf_sb *zsb, const struct zuf_op *op)
{
	const struct zufs_ioc_hdr *hdr = op->hdr;
	size_t len = ALIGN(hdr->in_len, 8), more = op->before ? op->before->in_len : 0;
	struct forget_item *it = kzalloc(sizeof(*it) + len + more, GFP_NOFS | __GFP_NOFAIL);

	INIT_WORK(&it->work, forget_work);
	it->zsb.root = zuf_root_get(zsb->root);
	it->zsb.root_mnt = mntget(zsb->root_mnt);
	it->zsb.server_gen = zsb->server_gen;
	it->zsb.sb_id = zsb->sb_id;
	memcpy(it->msg, hdr, hdr->in_len);
	if (op->before) {
		it->before = (void *)it->msg + len;
		memcpy(it->before, op->before, more);
	}
	it->goose = zuf_put_tag_get(op->goose);
	it->pinned = op->pinned;
	it->after = left_before(op);
	hold_inodes(&it->held, op, !it->after);
	zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_FORGET, 1);
	atomic_inc(&zsb->root->nr_forgets);
	queue_work(forget_wq, &it->work);
}

/* ---- inodes ---- */

struct iput_item {
	struct work_struct work;
	struct inode *inode;
};

static void iput_work(struct work_struct *work)
{
	struct iput_item *it = container_of(work, struct iput_item, work);
	struct super_block *sb = it->inode->i_sb;

	iput(it->inode);
	deactivate_super(sb);
	kfree(it);
}

void zuf_forget_inode(struct inode *inode)
{
	struct iput_item *it;

	if (atomic_add_unless(&inode->i_count, -1, 1))
		return;
	/* an inode that is held would outlive an unmount */
	if (!atomic_inc_not_zero(&inode->i_sb->s_active)) {
		/* which waits for our caller, and evicts what nobody holds */
		atomic_dec(&inode->i_count);
		return;
	}
	it = kmalloc(sizeof(*it), GFP_NOFS | __GFP_NOFAIL);
	INIT_WORK(&it->work, iput_work);
	it->inode = inode;
	queue_work(forget_wq, &it->work);
}

/* ---- unmount ---- */

struct umount_item {
	struct work_struct work;
	struct zuf_root *root;
	struct vfsmount *root_mnt;
	struct zuf_sbid *sbid;		/* the server's until it has answered */
	u32 server_gen;
	struct zuf_put_tag *evicts[2];	/* referenced, or NULL: all executed before */
	struct zufs_ioc_mount msg;
};

/* The server shall not hear of an inode when it has forgotten the file system. */
static void flush_evicts(struct umount_item *it)
{
	struct zuf_sb zsb = { .root = it->root, .server_gen = it->server_gen };
	int i;

	for (i = 0; i < 2; i++) {
		zuf_puts_goose(&zsb, it->evicts[i]);
		zuf_put_tag_put(it->evicts[i]);
	}
}

static void umount_work(struct work_struct *work)
{
	struct umount_item *it = container_of(work, struct umount_item, work);
	struct zuf_root *root = it->root;

	zuf_wait_var_killable(&root->nr_forgets, !atomic_read(&root->nr_forgets));
	flush_evicts(it);
	if (it->msg.zmi.zus_sbi) {
		zuf_sbid_drain(it->sbid);
		zuf_mounter_call(root, it->server_gen, &it->msg);
	} else {
		zuf_mounter_settle(root, it->server_gen);
	}
	zuf_sbid_close(it->sbid);
	zuf_sbid_put(it->sbid);
	mntput(it->root_mnt);
	if (atomic_dec_and_test(&root->nr_umounts))
		wake_up_var(&root->nr_umounts);
	zuf_root_put(root);
	kfree(it);
}

void zuf_forget_umount(struct zuf_sb *zsb)
{
	struct umount_item *it = kzalloc(sizeof(*it), GFP_KERNEL | __GFP_NOFAIL);
	struct zuf_root *root = zsb->root;

	INIT_WORK(&it->work, umount_work);
	it->root = zuf_root_get(root);
	it->root_mnt = mntget(zsb->root_mnt);
	it->sbid = zsb->sbid;
	it->server_gen = zsb->server_gen;
	it->evicts[0] = zuf_put_tag_get(zsb->evicts.tag[0]);
	it->evicts[1] = zuf_put_tag_get(zsb->evicts.tag[1]);
	it->msg.hdr = (struct zufs_ioc_hdr)ZUF_MNT_HDR(ZUFS_M_UMOUNT, sizeof(it->msg));
	it->msg.zmi.zus_sbi = zsb->zus_sbi;
	it->msg.zmi.zus_zfi = zsb->zus_zfi;
	atomic_inc(&root->nr_umounts);
	queue_work(umount_wq, &it->work);
	zuf_wait_var_killable(&root->nr_umounts, !atomic_read(&root->nr_umounts));
}

/* ---- module life ---- */

int zuf_forget_init(void)
{
	forget_wq = alloc_workqueue("zuf_forget", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!forget_wq)
		return -ENOMEM;
	umount_wq = alloc_workqueue("zuf_umount", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!umount_wq) {
		destroy_workqueue(forget_wq);
		return -ENOMEM;
	}
	return 0;
}

void zuf_forget_fini(void)
{
	destroy_workqueue(umount_wq);
	destroy_workqueue(forget_wq);
}

/* A page fault (of one page) that has found a hole: nothing is held for it, no put is due. */
static bool is_hole_fault(const struct zufs_ioc_IO *io, u32 iom_n)
{
	return iom_n == 1 && READ_ONCE(io->hdr.len) <= PAGE_SIZE &&
	       (READ_ONCE(io->rw) & ZUFS_RW_MMAP) &&
	       !(READ_ONCE(io->rw) & ZUFS_RW_WRITE) &&
	       !zuf_word_block(READ_ONCE(*(u64 *)ZUFS_TAIL(io, iom_e)));
}

/* Turn an answered GET_MULTY into its put. */
static bool orphan_put(struct zuf_chan *ch)
{
	struct zufs_ioc_IO *io = (void *)ch->cmd;
	u32 iom_n = READ_ONCE(io->ziom.iom_n);

	if (is_hole_fault(io, iom_n))
		return false;
	if (iom_n > ZUS_API_MAP_MAX_PAGES || zufs_io_size(iom_n) > ch->cmd_size)
		iom_n = 0;
	io->hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_PUT_MULTY, zufs_io_size(iom_n), 0, 0);
	io->ziom.iom_n = iom_n;
	ch->sent_op = ZUFS_OP_PUT_MULTY;
	return true;
}

/* The message becomes one that gives a cookie back. */
static bool send_evict(struct zuf_chan *ch, u16 operation, u64 cookie)
{
	struct zufs_ioc_evict_inode *evict = (void *)ch->cmd;

	*evict = (struct zufs_ioc_evict_inode) {
		.hdr = ZUF_HDR(operation, sizeof(*evict), 0, sizeof(*evict)),
		.zus_ii = cookie,
		.flags = operation == ZUFS_OP_EVICT_INODE ? ZI_LOOKUP_RACE : 0,
	};
	evict->hdr.out_max = sizeof(*evict);
	ch->sent_op = operation;
	return true;
}

/* Or one that removes the name of the inode that it has made. */
static bool send_undo(struct zuf_chan *ch, u64 cookie)
{
	struct zufs_ioc_new_inode *ni = (void *)ch->cmd;
	struct zufs_ioc_dentry *dentry = (void *)ch->cmd;
	u64 dir = READ_ONCE(ni->dir_ii);

	memmove(&dentry->str, &ni->str, sizeof(dentry->str));
	dentry->hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_REMOVE_DENTRY, sizeof(*dentry), 0,
						   sizeof(*dentry));
	dentry->hdr.out_max = sizeof(*dentry);
	dentry->zus_ii = cookie;
	dentry->zus_dir_ii = dir;
	dentry->ino = 0;
	ch->sent_op = ZUFS_OP_REMOVE_DENTRY;
	ch->undo_ii = cookie;
	return true;
}

/* Turn the answered message into one that gives its inode back; false: none. */
static bool orphan_give_back(struct zuf_chan *ch)
{
	struct zufs_ioc_new_inode *ni = (void *)ch->cmd;
	u64 cookie;

	if (ch->sent_op == ZUFS_OP_LOOKUP)
		cookie = READ_ONCE(((struct zufs_ioc_lookup *)ch->cmd)->zus_ii);
	else if (ch->sent_op == ZUFS_OP_IGET)
		cookie = READ_ONCE(((struct zufs_ioc_iget *)ch->cmd)->zus_ii);
	else if (ch->sent_op == ZUFS_OP_NEW_INODE)
		cookie = READ_ONCE(ni->zus_ii);
	else
		return false;
	if (!cookie)
		return false;
	if (ch->sent_op != ZUFS_OP_NEW_INODE)
		return send_evict(ch, ZUFS_OP_EVICT_INODE, cookie);
	if (READ_ONCE(ni->flags) & ZI_TMPFILE)
		return send_evict(ch, ZUFS_OP_FREE_INODE, cookie);
	return ch->undo ? send_undo(ch, cookie) : send_evict(ch, ZUFS_OP_EVICT_INODE, cookie);
}

/* The name is gone, or it stays: then so does the inode. */
static bool orphan_undone(struct zuf_chan *ch)
{
	u64 cookie = ch->undo_ii;

	ch->undo_ii = 0;
	return send_evict(ch, READ_ONCE(ch->cmd->err) ? ZUFS_OP_EVICT_INODE : ZUFS_OP_FREE_INODE,
			  cookie);
}

/*
 * Nobody will look at the answer, so what it replaces must not be mapped when it comes:
 * out of the mappings now, and faults wait until the message is done (fault_get()).
 */
static void drop_replaced(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	pgoff_t first = io->filepos >> PAGE_SHIFT;
	u64 end = DIV_ROUND_UP_ULL(io->filepos + io->hdr.len, PAGE_SIZE);

	if (end > first)
		zuf_mapped_drop(op->inode, first, end - first, 0);
}

void zuf_orphan_prepare(struct zuf_chan *ch, const struct zuf_op *op)
{
	hold_inodes(&ch->carried, op, true);
	ch->undo = op->flags & ZUF_OPF_UNDO;
	if (may_replace(op))
		drop_replaced(op);
}

bool zuf_orphan_finish(struct zuf_chan *ch)
{
	/* it starts over: the window stays */
	if (zuf_retry_orphan(ch))
		return true;
	zuf_win_drop_pages(ch);
	zuf_win_clear(ch);
	if (unlikely(ch->undo_ii))
		return orphan_undone(ch);
	if (!READ_ONCE(ch->cmd->err) &&
	    (ch->sent_op == ZUFS_OP_GET_MULTY ? orphan_put(ch) : orphan_give_back(ch)))
		return true;
	/* last: an inode whose end waits for this may be freed now */
	zuf_puts_done(&ch->carried);
	return false;
}
