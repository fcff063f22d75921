// SPDX-License-Identifier: GPL-2.0-only
/*
 * finish.c - finish a message whose application was killed, when the server has answered it
 *
 * The ZT does this when it comes back. What the message has got for nobody (a cookie, blocks, a
 * name) is given back by another message through the same channel, one step after the other.
 */
#include <linux/slab.h>

#include "chan.h"
#include "element.h"
#include "ends.h"
#include "finish.h"
#include "held.h"
#include "retry.h"
#include "sbid.h"
#include "undo.h"
#include "window.h"

/* Is it a page fault (of one page) that found a hole? Nothing is held for that, no put is due. */
static bool is_hole_fault(const struct zufs_ioc_IO *io)
{
	return io->ziom.iom_n == 1 && io->hdr.len <= PAGE_SIZE && (io->rw & ZUFS_RW_MMAP) &&
	       !(io->rw & ZUFS_RW_WRITE) && !zuf_word_block(io->iom_e[0]);
}

/* Is it the GET_MULTY of a write, of a server with this capability? */
static bool is_write_of(const struct zufs_ioc_IO *io, struct zuf_endpoint *ep, u32 cap)
{
	return ep && (zuf_sbid_of(ep)->fs_caps & cap) &&
	       (io->rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE;
}

/* Has the server refused the blocks to a write, which it wanted as WRITE? */
static bool is_refusal(const struct zufs_ioc_IO *io, struct zuf_endpoint *ep)
{
	return is_write_of(io, ep, ZUFS_FSC_BY_WRITE) && (io->ret_flags & ZUFS_RET_BY_WRITE);
}

/*
 * With the put, the blocks that the write has replaced belong to the server, which has not heard
 * yet who holds them. So the root's worker sends the put, and what waits for the message waits for
 * the put.
 */
static void put_later(struct zuf_chan *ch, const struct zufs_ioc_IO *io)
{
	struct zuf_endpoint *ep = ch->carried.ep;
	struct zufs_ioc_IO *msg;
	struct zuf_left_msg *left;

	left = kvzalloc(sizeof(*left) + io->hdr.in_len, GFP_NOFS | __GFP_NOFAIL);
	msg = (void *)left->msg;
	shm_take(msg, (void __shm *)ch->cmd, io->hdr.in_len);
	msg->hdr = io->hdr;
	msg->ziom.iom_n = io->ziom.iom_n;
	left->sbid = zuf_sbid_of(ep);
	zuf_endpoint_get(ep);
	left->held = ch->carried;
	left->held.ep = NULL;
	left->held.post = NULL;
	ch->carried.nr = 0;
	zuf_ends_add_left(left, &ch->carried);
}

/* Turn an answered GET_MULTY into its put. Return: false: there is none, or not through @ch. */
static bool orphan_put(struct zuf_chan *ch)
{
	struct zufs_ioc_IO __shm *shared = (void __shm *)ch->cmd;
	struct zuf_endpoint *ep = ch->carried.ep;
	struct zufs_ioc_IO io;

	shm_take(&io, shared, sizeof(io));
	if (is_hole_fault(&io) || is_refusal(&io, ep))
		return false;
	if (io.ziom.iom_n > ZUS_API_MAP_MAX_PAGES ||
	    zufs_io_size(io.ziom.iom_n) > ch->cmd_size)
		io.ziom.iom_n = 0;
	io.hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_PUT_MULTY, zufs_io_size(io.ziom.iom_n),
					      0, 0);
	/* nothing was copied */
	if (is_write_of(&io, ep, ZUFS_FSC_PUT_RESULT))
		shm_store(&shared->last_pos, io.filepos);
	if (ep && zuf_held_is_untold(zuf_sbid_of(ep))) {
		put_later(ch, &io);
		return false;
	}
	ch->sent_op = ZUFS_OP_PUT_MULTY;
	ch->sent_flags = 0;
	/* the fields in between, and the words, are the server's own and stay */
	shm_store(&shared->ziom.iom_n, io.ziom.iom_n);
	shm_put(&shared->hdr, &io.hdr, sizeof(io.hdr));
	return true;
}

/* Turn the message into one that gives a cookie back. */
static bool send_evict(struct zuf_chan *ch, u16 operation, u64 cookie)
{
	struct zufs_ioc_evict_inode evict = {
		.hdr = ZUF_HDR(operation, sizeof(evict), 0, sizeof(evict)),
		.zus_ii = cookie,
		.flags = operation == ZUFS_OP_EVICT_INODE ? ZI_LOOKUP_RACE : 0,
	};

	evict.hdr.out_max = sizeof(evict);
	zuf_chan_put_msg(ch, &evict);
	return true;
}

/* Turn the message into one that removes the name of the inode that it has made. */
static bool send_undo(struct zuf_chan *ch, u64 cookie)
{
	struct zufs_ioc_new_inode __shm *ni = (void __shm *)ch->cmd;
	struct zufs_ioc_dentry dentry = {
		.hdr = ZUF_HDR(ZUFS_OP_REMOVE_DENTRY, sizeof(dentry), 0, sizeof(dentry)),
		.zus_ii = cookie,
		.zus_dir_ii = shm_load(&ni->dir_ii),
	};

	shm_take(&dentry.str, &ni->str, sizeof(dentry.str));
	dentry.hdr.out_max = sizeof(dentry);
	zuf_chan_put_msg(ch, &dentry);
	ch->undo_ii = cookie;
	return true;
}

/* Turn the answered message into one that gives its inode back. Return: false: there is none. */
static bool orphan_give_back(struct zuf_chan *ch)
{
	struct zufs_ioc_new_inode __shm *ni = (void __shm *)ch->cmd;
	u64 cookie;

	if (ch->sent_op == ZUFS_OP_LOOKUP)
		cookie = shm_load(&((struct zufs_ioc_lookup __shm *)ch->cmd)->zus_ii);
	else if (ch->sent_op == ZUFS_OP_IGET)
		cookie = shm_load(&((struct zufs_ioc_iget __shm *)ch->cmd)->zus_ii);
	else if (ch->sent_op == ZUFS_OP_NEW_INODE)
		cookie = shm_load(&ni->zus_ii);
	else
		return false;
	if (!cookie)
		return false;
	if (ch->sent_op != ZUFS_OP_NEW_INODE)
		return send_evict(ch, ZUFS_OP_EVICT_INODE, cookie);
	if (shm_load(&ni->flags) & ZI_TMPFILE)
		return send_evict(ch, ZUFS_OP_FREE_INODE, cookie);
	return ch->undo ? send_undo(ch, cookie) : send_evict(ch, ZUFS_OP_EVICT_INODE, cookie);
}

/* If the name is gone the inode is freed; if the name stays, so does the inode. */
static bool orphan_undone(struct zuf_chan *ch)
{
	u64 cookie = ch->undo_ii;

	ch->undo_ii = 0;
	return send_evict(ch, shm_load(&ch->cmd->err) ? ZUFS_OP_EVICT_INODE : ZUFS_OP_FREE_INODE,
			  cookie);
}

bool zuf_finish(struct zuf_chan *ch)
{
	/* the message starts over, so the window stays */
	if (zuf_retry_orphan(ch))
		return true;
	zuf_win_drop_pages(ch);
	zuf_win_clear(ch);
	if (unlikely(ch->undo_ii))
		return orphan_undone(ch);
	if (unlikely(ch->left_undo) && zuf_undo_next(ch))
		return true;
	if (!shm_load(&ch->cmd->err) &&
	    (ch->sent_op == ZUFS_OP_GET_MULTY ? orphan_put(ch) : orphan_give_back(ch)))
		return true;
	ch->carried.err = shm_load(&ch->cmd->err);
	/* last: an inode whose end waits for this may be freed now */
	zuf_puts_done(&ch->carried);
	return false;
}
