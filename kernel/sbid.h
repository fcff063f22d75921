/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sbid.h - ids of the live super-blocks of a root, 1-based
 */
#ifndef ZUF_SBID_H
#define ZUF_SBID_H

#include "root.h"
#include "super.h"

static inline int zuf_sbid_add(struct zuf_sb *zsb)
{
	int id;

	mutex_lock(&zsb->root->lock);
	id = idr_alloc(&zsb->root->sbs, zsb, 1, 0, GFP_KERNEL);
	mutex_unlock(&zsb->root->lock);
	if (id < 0)
		return id;
	zsb->sb_id = id;
	return 0;
}

/* Harmless when there is none. */
static inline void zuf_sbid_remove(struct zuf_sb *zsb)
{
	if (!zsb->sb_id)
		return;
	mutex_lock(&zsb->root->lock);
	idr_remove(&zsb->root->sbs, zsb->sb_id);
	mutex_unlock(&zsb->root->lock);
	zsb->sb_id = 0;
}

#endif
