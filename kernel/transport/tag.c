// SPDX-License-Identifier: GPL-2.0-only
/*
 * tag.c - count what the server has not done yet; see tag.h
 */
#include <linux/jiffies.h>
#include <linux/string.h>
#include <linux/wait_bit.h>

#include "endpoint.h"
#include "tag.h"
#include "wake.h"

void zuf_put_tag_init(struct zuf_put_tag *tag, const struct zuf_endpoint *ep,
		      void (*release)(struct zuf_put_tag *tag))
{
	memset(tag, 0, sizeof(*tag));
	tag->ep = ep;
	atomic_set(&tag->uses, 1);
	tag->release = release;
}

void zuf_put_tag_put(struct zuf_put_tag *tag)
{
	int uses;

	if (unlikely(tag->note_idle))
		WRITE_ONCE(tag->idle_at, jiffies);
	uses = atomic_dec_return(&tag->uses);
	/* the tag may be freed by now: only its address is used */
	if (uses == 1)
		wake_up_var(tag);
	else if (!uses)
		tag->release(tag);
}

int zuf_puts_wait_left(struct zuf_put_tag *tag, bool shared, bool unkillable)
{
	if (unkillable) {
		wait_var_event(&tag->left, !zuf_tag_is_left(tag, shared));
		return 0;
	}
	return zuf_wait_var_killable(&tag->left, !zuf_tag_is_left(tag, shared)) ? -EINTR : 0;
}

int zuf_tag_wait(struct zuf_put_tag *tag)
{
	return zuf_wait_var_killable(tag, !zuf_tag_pending(tag)) ? -EINTR : 0;
}

long zuf_tag_wait_some(struct zuf_put_tag *tag, long timeout)
{
	return wait_var_event_timeout(tag, !zuf_tag_pending(tag), timeout);
}

enum zuf_left zuf_left_of(const struct zufs_ioc_hdr *msg)
{
	const struct zufs_ioc_IO *io = container_of(msg, struct zufs_ioc_IO, hdr);

	/* what was stored through a mapping is due for SYNC, whatever becomes of the fault's put */
	return msg->operation == ZUFS_OP_PUT_MULTY &&
	       (io->rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE ?
	       ZUF_LEFT_WRITE_PUT : ZUF_LEFT_NO_LOCK;
}

void zuf_puts_carry(struct zuf_carried *carried, struct zuf_put_tag *tag, enum zuf_left left)
{
	atomic_inc(&tag->uses);
	if (left < ZUF_LEFT_KINDS)
		atomic_inc(&tag->left[left]);
	carried->left[carried->nr] = left;
	carried->tag[carried->nr++] = tag;
}

void zuf_puts_lost(const struct zuf_carried *carried)
{
	u32 i;

	for (i = 0; i < carried->nr; i++)
		zuf_put_lost(carried->tag[i], carried->left[i]);
}

void zuf_puts_done(struct zuf_carried *carried)
{
	struct zuf_endpoint *ep = carried->ep;
	struct zuf_post *post = carried->post;

	while (carried->nr) {
		struct zuf_put_tag *tag = carried->tag[--carried->nr];
		u8 left = carried->left[carried->nr];

		if (unlikely(left < ZUF_LEFT_KINDS) && atomic_dec_and_test(&tag->left[left]))
			wake_up_var(&tag->left);
		zuf_put_tag_put(tag);
	}
	if (unlikely(ep)) {
		carried->ep = NULL;
		ep->ops->left_done(ep, carried->gen);
	}
	if (unlikely(post)) {
		carried->post = NULL;
		post->done(post, carried->err);
	}
}
