// SPDX-License-Identifier: BSD-2-Clause
/*
 * contract.c - every get that succeeds must be put once, as it was answered, and with
 * LOCKED_PUT by the same thread
 *
 * The cookie of the message is the contract's address. It is looked up, not believed.
 */
#include "drill.h"

uint64_t drill_contract_open(struct drill_sb *d, const struct zus_ii *ii,
			     const struct zus_blocks *b)
{
	struct drill_contract *c = zus_alloc(d->msb.sb.env, sizeof(*c));

	if (!c)
		return 0;
	c->ino = zus_zi_ino(ii->zi);
	c->pos = b->pos;
	c->n = b->n;
	c->pages = b->internal.large ? b->internal.max : b->n;
	c->inner = b->cookie;
	c->first = b->internal.words[0];
	c->last = b->internal.words[b->n - 1];
	c->is_locked = b->ret_flags & ZUFS_RET_LOCKED_PUT;
	c->thread = pthread_self();
	pthread_mutex_lock(&d->lock);
	LIST_INSERT_HEAD(&d->contracts, c, link);
	d->stats.gets++;
	d->stats.open++;
	if (d->stats.open > d->stats.open_max)
		d->stats.open_max = d->stats.open;
	pthread_mutex_unlock(&d->lock);
	return (uint64_t)(uintptr_t)c;
}

static bool is_kept(const struct drill_contract *c, const struct zus_ii *ii,
		    const struct zus_blocks *b)
{
	if (c->ino != zus_zi_ino(ii->zi) || c->pos != b->pos || c->n != b->n)
		return false;
	if (c->first != b->internal.words[0] || c->last != b->internal.words[b->n - 1])
		return false;
	return !c->is_locked || pthread_equal(c->thread, pthread_self());
}

void drill_contract_close(struct drill_sb *d, const struct zus_ii *ii,
			  const struct zus_blocks *b)
{
	struct drill_contract *c;

	pthread_mutex_lock(&d->lock);
	d->stats.puts++;
	LIST_FOREACH(c, &d->contracts, link) {
		if ((uint64_t)(uintptr_t)c == b->cookie)
			break;
	}
	if (!c || !is_kept(c, ii, b))
		d->stats.bad_puts++;
	if (c) {
		LIST_REMOVE(c, link);
		d->stats.open--;
		pthread_cond_broadcast(&d->changed);
	}
	pthread_mutex_unlock(&d->lock);
	if (c)
		memofs_contract_end(memofs_inode_of((struct zus_ii *)ii), c->inner);
	zus_free(d->msb.sb.env, c);
}

uint64_t drill_contracts_drop(struct drill_sb *d)
{
	struct drill_contract *c;
	uint64_t n = 0;

	while ((c = LIST_FIRST(&d->contracts))) {
		LIST_REMOVE(c, link);
		zus_free(d->msb.sb.env, c);
		n++;
	}
	return n;
}
