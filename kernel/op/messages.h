/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * messages.h - messages that more than one layer sends; the callers add the cookies
 */
#ifndef ZUF_MESSAGES_H
#define ZUF_MESSAGES_H

#include "op.h"

/* SYNC of @length bytes from @offset on. */
static inline void zuf_sync_fill(struct zufs_ioc_sync *msg, u64 offset, u64 length, bool datasync)
{
	*msg = (struct zufs_ioc_sync){
		.hdr = ZUF_HDR(ZUFS_OP_SYNC, sizeof(*msg),
			       offsetof(struct zufs_ioc_sync, write_unmapped), 0),
		.offset = offset,
		.length = length,
		.flags = datasync ? ZUFS_SF_DATASYNC : 0,
	};
		/* a server may omit write_unmapped */
	msg->hdr.out_max = sizeof(msg->write_unmapped);
}

/* SETATTR: STATX_* fields have changed in the shared inode. */
static inline void zuf_setattr_fill(struct zufs_ioc_attr *msg, u32 statx_bits)
{
	*msg = (struct zufs_ioc_attr){
		.hdr = ZUF_HDR(ZUFS_OP_SETATTR, sizeof(*msg), 0, sizeof(*msg)),
		.zuf_attr = statx_bits,
	};
	msg->hdr.out_max = sizeof(*msg);
}

#endif
