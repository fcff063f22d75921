// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioclist.c - the list of ioctl numbers that a server knows, and what each does
 *
 * From a number that the kernel does not know it can tell neither what memory the caller offers,
 * nor whether the ioctl changes anything. The server says so once, in answer to IOCTLS after the
 * mount, and no later message can change that.
 *
 * Called by super.c. ioctl.c searches the list without a lock, because it never changes.
 */
#include "ioclist.h"

#include <linux/overflow.h>
#include <linux/slab.h>

#include "dispatch.h"
#include "sb.h"

struct zuf_ioclist {
	u32 nr;
	struct zufs_ioctl_info info[];
};

/* The message, with room for its answer. */
struct ask {
	struct zufs_ioc_ioctls msg;
	struct zufs_ioctl_info list[ZUFS_IOCTLS_MAX];
};

static int ask_server(struct zuf_sb *zsb, struct ask *ask)
{
	const size_t start = offsetof(struct zufs_ioc_ioctls, nr);
	struct zuf_op op = {
		.hdr = &ask->msg.hdr, .out_at = start, .out_size = sizeof(*ask) - start,
	};
	int err;

	ask->msg.hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_IOCTLS, start, start, 0);
	ask->msg.hdr.out_max = sizeof(*ask) - start;
	ask->msg.zus_sbi = zsb->zus_sbi;
	err = zuf_dispatch(zsb, &op);
	if (err)
		return err;
	/* from here on the answer is a private copy */
	if (op.answered < sizeof(ask->msg) - start || ask->msg.nr > ZUFS_IOCTLS_MAX ||
	    op.answered < sizeof(ask->msg) - start + ask->msg.nr * sizeof(ask->list[0]))
		return -EIO;
	return 0;
}

struct zuf_ioclist *zuf_ioclist_load(struct zuf_sb *zsb)
{
	struct zuf_ioclist *list = NULL;
	struct ask *ask;
	int err = -ENOMEM;

	if (!(zsb->fs_caps & ZUFS_FSC_IOCTLS))
		return NULL;
	ask = kzalloc(sizeof(*ask), GFP_KERNEL);
	if (ask)
		err = ask_server(zsb, ask);
	if (!err) {
		list = kmalloc(struct_size(list, info, ask->msg.nr), GFP_KERNEL_ACCOUNT);
		err = list ? 0 : -ENOMEM;
	}
	if (!err) {
		list->nr = ask->msg.nr;
		memcpy(list->info, ask->list, list->nr * sizeof(list->info[0]));
	} else {
		pr_warn("sb %llu: the list of ioctls is ignored: %d\n", zsb->sb_id, err);
	}
	kfree(ask);
	return list;
}

void zuf_ioclist_free(struct zuf_ioclist *list)
{
	kfree(list);
}

bool zuf_ioclist_find(const struct zuf_ioclist *list, unsigned int cmd, u32 *flags)
{
	u32 i;

	for (i = 0; list && i < list->nr; i++) {
		if (list->info[i].cmd == cmd) {
			*flags = list->info[i].flags;
			return true;
		}
	}
	return false;
}
