// SPDX-License-Identifier: GPL-2.0-only
/*
 * whiteout.c - RENAME_WHITEOUT, which overlayfs needs, of operations that every server has
 *
 *	NEW_INODE	dir/temporary = whiteout
 *	RENAME		exchange dir/temporary and dir/old
 *	RENAME		dir/temporary to new_dir/new, over what is there
 *
 * Only the last step can be refused for a reason of the file system's after something has
 * changed, and an exchange undoes the one before it. Nobody sees the names between the
 * steps: the directories are locked. A task that is killed goes on to the end; only the end
 * of the server can leave a temporary name in its file system.
 */
#include <linux/fs.h>
#include <linux/random.h>

#include "dispatch.h"
#include "inode.h"
#include "rename.h"

/* A name that exists already by chance means: another one. */
#define NAME_TRIES 5

struct whiteout {
	struct inode *inode;
	struct qstr name;
	char text[40];
};

static int make(struct zuf_idmap *idmap, const struct zuf_rename *rn, struct whiteout *wh)
{
	int tries = NAME_TRIES;

	do {
		wh->name = (struct qstr)QSTR_INIT(wh->text,
				snprintf(wh->text, sizeof(wh->text), ".zuf-whiteout-%016llx",
					 get_random_u64()));
		wh->inode = zuf_create_device(idmap, rn->old_dir, &wh->name,
					      S_IFCHR | WHITEOUT_MODE, WHITEOUT_DEV,
					      ZUF_OPF_UNKILLABLE);
	} while (wh->inode == ERR_PTR(-EEXIST) && --tries);
	return PTR_ERR_OR_ZERO(wh->inode);
}

/* The whiteout and what is renamed change their names; twice: nothing has happened. */
static int swap_names(const struct zuf_rename *rn, const struct whiteout *wh, bool back)
{
	struct zuf_rename swap = {
		.old_dir = rn->old_dir, .new_dir = rn->old_dir,
		.old_name = &wh->name, .new_name = rn->old_name,
		.inode = back ? rn->inode : wh->inode,
		.target = back ? wh->inode : rn->inode,
		.flags = RENAME_EXCHANGE, .op_flags = ZUF_OPF_UNKILLABLE,
	};

	return zuf_rename_step(&swap);
}

static int move(const struct zuf_rename *rn, const struct whiteout *wh)
{
	struct zuf_rename last = *rn;
	int err;

	last.old_name = &wh->name;
	last.flags &= ~RENAME_WHITEOUT;
	last.op_flags = ZUF_OPF_UNKILLABLE;
	err = zuf_rename_step(&last);
	if (err && swap_names(rn, wh, true))
		return -EIO;
	return err;
}

static int rename_by_steps(const struct zuf_rename *rn, const struct whiteout *wh)
{
	int err = swap_names(rn, wh, false);

	if (!err)
		err = move(rn, wh);
	/* if not even that is possible it keeps its temporary name */
	if (err && zuf_name_remove(rn->old_dir, &wh->name, wh->inode, ZUF_OPF_UNKILLABLE))
		return -EIO;
	return err;
}

int zuf_rename_whiteout(struct zuf_idmap *idmap, const struct zuf_rename *rn)
{
	struct zuf_touch touch, touch_dirs[2];
	struct whiteout wh;
	int err;

	/* the steps set the times: when all is undone they come back */
	zuf_touch_start(&touch, rn->inode, STATX_CTIME);
	zuf_touch_start(&touch_dirs[0], rn->old_dir, STATX_MTIME | STATX_CTIME);
	if (rn->new_dir != rn->old_dir)
		zuf_touch_start(&touch_dirs[1], rn->new_dir, STATX_MTIME | STATX_CTIME);
	err = make(idmap, rn, &wh);
	if (!err) {
		err = rename_by_steps(rn, &wh);
		iput(wh.inode);
	}
	if (rn->new_dir != rn->old_dir)
		zuf_touch_end(&touch_dirs[1], err);
	zuf_touch_end(&touch_dirs[0], err);
	zuf_touch_end(&touch, err);
	return err;
}
