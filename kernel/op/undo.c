// SPDX-License-Identifier: GPL-2.0-only
/*
 * undo.c - undo a change of names in several steps, whose program is killed in between
 *
 * The steps are those of whiteout.c. A program that is killed while the server is at work on
 * a step leaves its message like any other (ORPHAN), together with the steps that would have to
 * follow. A program that is killed between two steps, or while it waits for a channel, leaves the
 * steps without a message: the next idle thread of the server takes them (park.c). Nobody else gets
 * the directories before the last step is done, as every message holds them (hold_inodes()).
 */
#include "undo.h"

#include <linux/slab.h>

#include "chan.h"
#include "park.h"
#include "root.h"
#include "sb.h"

struct zuf_undo *zuf_undo_create(struct zuf_sb *zsb)
{
	struct zuf_undo *undo = kzalloc(sizeof(*undo), GFP_KERNEL_ACCOUNT);

	if (!undo)
		return NULL;
	refcount_set(&undo->refs, 1);
	undo->park = zuf_park_create_steps(&zsb->root->peer, zsb->server_gen);
	if (undo->park)
		return undo;
	kfree(undo);
	return NULL;
}

void zuf_undo_put(struct zuf_undo *undo)
{
	if (!undo || !refcount_dec_and_test(&undo->refs))
		return;
	if (undo->park)
		zuf_park_free(undo->park);
	kfree(undo);
}

/* ---- the program's side ---- */

void zuf_undo_prepare(struct zuf_chan *ch, struct zuf_undo *undo)
{
	if (!undo || ch->left_undo)
		return;
	refcount_inc(&undo->refs);
	ch->left_undo = undo;
}

void zuf_undo_called(const struct zuf_claim *claim, struct zuf_undo *undo)
{
	struct zuf_chan *ch = claim->ch;

	if (claim->lost) {
		undo->handed = true;
	} else if (ch->left_undo) {
		/* the answer came first */
		ch->left_undo = NULL;
		zuf_undo_put(undo);
	}
}

/* ---- the server's side ---- */

/* Every command buffer has room for either message. */
static bool undo_send(struct zuf_chan *ch, struct zuf_undo *undo, enum zuf_undo_at at)
{
	undo->at = at;
	zuf_chan_put_msg(ch, at == ZUF_UNDO_BACK ? &undo->back.hdr : &undo->remove.hdr);
	return true;
}

/* The first message to undo steps that were left without one; the channel gets the reference. */
static void undo_first(struct zuf_chan *ch, void *arg)
{
	struct zuf_undo *undo = arg;
	bool is_swapped = undo->at == ZUF_UNDO_MOVE || undo->at == ZUF_UNDO_BACK;

	ch->left_undo = undo;
	undo_send(ch, undo, is_swapped ? ZUF_UNDO_BACK : ZUF_UNDO_REMOVE);
}

static void undo_drop(void *undo)
{
	zuf_undo_put(undo);
}

static const struct zuf_park_steps undo_steps = { .first = undo_first, .drop = undo_drop };

bool zuf_undo_next(struct zuf_chan *ch)
{
	struct zuf_undo *undo = ch->left_undo;
	bool failed = shm_load(&ch->cmd->err), more = false;

	switch (undo->at) {
	case ZUF_UNDO_EXCHANGE:
		more = undo_send(ch, undo, failed ? ZUF_UNDO_REMOVE : ZUF_UNDO_BACK);
		break;
	case ZUF_UNDO_MOVE:
		more = failed && undo_send(ch, undo, ZUF_UNDO_BACK);
		break;
	case ZUF_UNDO_BACK:
		/* failed: the file keeps its temporary name, which must not be removed */
		more = !failed && undo_send(ch, undo, ZUF_UNDO_REMOVE);
		break;
	case ZUF_UNDO_REMOVE:
		break;
	}
	if (more)
		return true;
	ch->left_undo = NULL;
	zuf_undo_put(undo);
	return false;
}

void zuf_undo_leave(struct zuf_undo *undo, const struct zuf_op *op, struct zuf_endpoint *ep)
{
	struct zuf_park *park = undo->park;

	undo->handed = true;
	undo->park = NULL;
	refcount_inc(&undo->refs);
	zuf_park_leave_steps(park, &undo_steps, undo, op, ep);
}
