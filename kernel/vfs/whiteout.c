// SPDX-License-Identifier: GPL-2.0-only
/*
 * whiteout.c - RENAME_WHITEOUT, which overlayfs needs
 *
 * A server with ZUFS_FSC_WHITEOUT does it in one RENAME. For others, and where the whiteout must
 * have ACLs or labels, it is made of operations that every server has:
 *
 *	NEW_INODE	dir/temporary = whiteout
 *	RENAME		exchange dir/temporary and dir/old
 *	RENAME		dir/temporary to new_dir/new, replacing the target
 *
 * Only the last step can be refused by the file system after something has changed, and an
 * exchange undoes the step before it. Nobody sees the names between the steps, because the
 * directories are locked. A task that is killed leaves the rest to the server's threads
 * (undo.h). Only the end of the server can leave a temporary name in its file system.
 */
#include <linux/fs.h>
#include <linux/random.h>

#include "attr.h"
#include "dispatch.h"
#include "inode.h"
#include "namei.h"
#include "rename.h"
#include "sb.h"
#include "undo.h"

/* Random names that are tried: each of them may exist by chance. */
#define NAME_TRIES 5

struct whiteout {
	struct inode *inode;
	struct qstr name;
	char text[40];
	struct zuf_undo *undo;
};

static int whiteout_make(struct zuf_idmap *idmap, const struct zuf_rename *rn, struct whiteout *wh)
{
	int tries = NAME_TRIES;

	do {
		wh->name = (struct qstr)QSTR_INIT(wh->text,
				snprintf(wh->text, sizeof(wh->text), ".zuf-whiteout-%016llx",
					 get_random_u64()));
		wh->inode = zuf_create_device(idmap, rn->old_dir, &wh->name,
					      S_IFCHR | WHITEOUT_MODE, WHITEOUT_DEV, ZUF_OPF_UNDO);
	} while (wh->inode == ERR_PTR(-EEXIST) && --tries);
	return PTR_ERR_OR_ZERO(wh->inode);
}

/* Prepare the messages that undo the first step, for the server that has executed it. */
static int describe_undo(const struct zuf_rename *rn, const struct whiteout *wh)
{
	struct timespec64 now = inode_get_ctime(rn->inode);
	struct zufs_ioc_rename *back = &wh->undo->back;
	struct zufs_ioc_dentry *remove = &wh->undo->remove;
	const struct zuf_op_inode in_back[] = {
		{ rn->old_dir, offsetof(struct zufs_ioc_rename, old_dir_ii) },
		{ rn->old_dir, offsetof(struct zufs_ioc_rename, new_dir_ii) },
		{ wh->inode, offsetof(struct zufs_ioc_rename, new_zus_ii) }, { }
	};
	const struct zuf_op_inode in_remove[] = {
		{ rn->old_dir, offsetof(struct zufs_ioc_dentry, zus_dir_ii) }, { }
	};
	const struct zuf_op swap = ZUF_OP(back, .more = in_back,
					  ZUF_INODE(rn->inode, struct zufs_ioc_rename, old_zus_ii));
	const struct zuf_op unname = ZUF_OP(remove, .more = in_remove,
					    ZUF_INODE(wh->inode, struct zufs_ioc_dentry, zus_ii));

	*back = (struct zufs_ioc_rename){
		.hdr = ZUF_HDR(ZUFS_OP_RENAME, sizeof(*back), 0, sizeof(*back)),
		.time = timespec64_to_ns(&now),
		.flags = RENAME_EXCHANGE,
	};
	back->hdr.out_max = sizeof(*back);
	zuf_op_bind(&swap);
	*remove = (struct zufs_ioc_dentry){
		.hdr = ZUF_HDR(ZUFS_OP_REMOVE_DENTRY, sizeof(*remove), 0, sizeof(*remove)),
	};
	remove->hdr.out_max = sizeof(*remove);
	zuf_op_bind(&unname);
	wh->undo->inode = wh->inode;
	return zuf_str_set(&back->old_d_str, &wh->name) ?:
	       zuf_str_set(&back->new_d_str, rn->old_name) ?:
	       zuf_str_set(&remove->str, &wh->name);
}

/* Exchange the names of the whiteout and of the renamed inode; a second call undoes the first. */
static int swap_names(const struct zuf_rename *rn, const struct whiteout *wh, bool back)
{
	struct zuf_rename swap = {
		.old_dir = rn->old_dir, .new_dir = rn->old_dir,
		.old_name = &wh->name, .new_name = rn->old_name,
		.inode = back ? rn->inode : wh->inode,
		.target = back ? wh->inode : rn->inode,
		.flags = RENAME_EXCHANGE, .undo = wh->undo,
	};

	wh->undo->at = back ? ZUF_UNDO_BACK : ZUF_UNDO_EXCHANGE;
	return zuf_rename_step(&swap);
}

static int whiteout_move(const struct zuf_rename *rn, const struct whiteout *wh)
{
	struct zuf_rename last = *rn;

	last.old_name = &wh->name;
	last.flags &= ~RENAME_WHITEOUT;
	last.undo = wh->undo;
	wh->undo->at = ZUF_UNDO_MOVE;
	return zuf_rename_step(&last);
}

static int remove_name(const struct zuf_rename *rn, const struct whiteout *wh)
{
	wh->undo->at = ZUF_UNDO_REMOVE;
	return zuf_name_remove(rn->old_dir, &wh->name, wh->inode, 0, wh->undo);
}

/* The whiteout will lose its name, whoever removes it: then the inode is free, too. */
static void whiteout_is_gone(struct inode *inode)
{
	spin_lock(&inode->i_lock);
	if (inode->i_nlink)
		clear_nlink(inode);
	spin_unlock(&inode->i_lock);
}

/* The task was killed in or before a step; the server does the rest. */
static int whiteout_handed(const struct whiteout *wh, bool moving)
{
	/* if the park is still there, the MOVE was sent and may be executed */
	if (!moving || !wh->undo->park)
		whiteout_is_gone(wh->inode);
	return -EINTR;
}

static int rename_by_steps(const struct zuf_rename *rn, const struct whiteout *wh)
{
	const struct zuf_undo *undo = wh->undo;
	int err = swap_names(rn, wh, false);

	if (undo->handed)
		return whiteout_handed(wh, false);
	if (!err) {
		err = whiteout_move(rn, wh);
		if (undo->handed)
			return whiteout_handed(wh, true);
		if (!err)
			return 0;
		/* if even that fails, the inode keeps its temporary name */
		if (swap_names(rn, wh, true))
			return undo->handed ? whiteout_handed(wh, false) : -EIO;
	}
	if (remove_name(rn, wh))
		return undo->handed ? whiteout_handed(wh, false) : -EIO;
	return err;
}

static int whiteout_by_steps(struct zuf_idmap *idmap, const struct zuf_rename *rn)
{
	struct zuf_touch touch, touch_dirs[2];
	struct whiteout wh = { .undo = zuf_undo_create(ZUF_SB(rn->inode->i_sb)) };
	int err;

	if (!wh.undo)
		return -ENOMEM;
	/* the steps set the timestamps: restore them if all is undone */
	zuf_touch_start(&touch, rn->inode, STATX_CTIME);
	zuf_touch_start(&touch_dirs[0], rn->old_dir, STATX_MTIME | STATX_CTIME);
	if (rn->new_dir != rn->old_dir)
		zuf_touch_start(&touch_dirs[1], rn->new_dir, STATX_MTIME | STATX_CTIME);
	err = whiteout_make(idmap, rn, &wh);
	if (!err) {
		err = describe_undo(rn, &wh) ?: rename_by_steps(rn, &wh);
		iput(wh.inode);
	}
	zuf_undo_put(wh.undo);
	if (rn->new_dir != rn->old_dir)
		zuf_touch_end(&touch_dirs[1], err);
	zuf_touch_end(&touch_dirs[0], err);
	zuf_touch_end(&touch, err);
	return err;
}

int zuf_rename_whiteout(struct zuf_idmap *idmap, const struct zuf_rename *rn)
{
	struct zuf_rename at_once = *rn;
	struct zus_inode zi;
	int more;

	if (!(ZUF_SB(rn->inode->i_sb)->fs_caps & ZUFS_FSC_WHITEOUT))
		return whiteout_by_steps(idmap, rn);
	more = zuf_describe_device(idmap, rn->old_dir, rn->old_name, S_IFCHR | WHITEOUT_MODE,
				   WHITEOUT_DEV, &zi);
	if (more)
		return more < 0 ? more : whiteout_by_steps(idmap, rn);
	at_once.whiteout = &zi;
	return zuf_rename_step(&at_once);
}
