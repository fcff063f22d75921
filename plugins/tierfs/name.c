// SPDX-License-Identifier: BSD-2-Clause
/*
 * Operations on names: new inode, lookup, link, unlink. rename.c has rename.
 *
 * Called by the core with the kernel's exclusive lock of each directory that changes (lookup:
 * shared) and of the inodes that are linked or unlinked. Each operation is one transaction: names,
 * link counts, times of directory and inode, and the place on the list of orphans are there after
 * a crash together or not at all. The kernel has set the times in the shared inodes before; sizes
 * and link counts are ours and are shown there after the commit.
 */
#include "name.h"

#include <string.h>

#define DIR_TIMES	(STATX_MTIME | STATX_CTIME)

int tierfs_dir_ready(struct tierfs_node *dir)
{
	if (dir->broken)
		return -EIO;
	return dir->rec->entries ? 0 : tierfs_dir_trim(dir);
}

void tierfs_dir_settle(struct tierfs_node *dir)
{
	if (!dir->rec->entries)
		tierfs_dir_trim(dir);
}

int tierfs_lookup(struct zus_ii *dir, const struct zus_name *name, struct zus_ii **ii)
{
	struct tierfs_node *d = tierfs_node_of(dir), *node;
	struct tierfs_found found;
	int err;

	if (d->broken)
		return -EIO;
	err = tierfs_dir_find(d, name, &found);
	if (err)
		return err;
	err = tierfs_node_get(tierfs_fs_of(d), found.entry->ino, &node);
	if (err == -ESTALE)
		return tierfs_broken(tierfs_fs_of(d), d->ino, "name without an inode");
	if (err)
		return err;
	*ii = &node->ii;
	return 0;
}

/* ---- new inodes ---- */

/* What a record has by its type; the rest came from the shared inode. */
static int fill_record(struct tierfs_tx *tx, const struct tierfs_node *dir,
		       const struct zus_new_inode *args, const struct tierfs_node *node,
		       struct tierfs_inode *rec)
{
	rec->nlink = 0;
	if (S_ISDIR(node->type)) {
		rec->nlink = 1;
		rec->parent = dir->ino;
		rec->size = TIERFS_UNIT * TIERFS_DIR_HEAD_UNITS;
	}
	if (S_ISLNK(node->type))
		return tierfs_link_store(tx, rec, args->symlink, args->symlink_len);
	return 0;
}

/* The name of a new inode, and what it does to the directory. */
static int enter_name(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_node *node,
		      struct tierfs_inode *rec, const struct zus_name *name)
{
	struct tierfs_inode *drec = tierfs_node_change(tx, dir);
	int err = tierfs_link_more(rec);

	if (!err && S_ISDIR(node->type))
		err = tierfs_link_more(drec);
	if (err)
		return err;
	tierfs_node_take(dir, drec, DIR_TIMES);
	return tierfs_dir_add(tx, dir, drec, name, node->ino, tierfs_dtype(node));
}

static int build_inode(struct tierfs_tx *tx, struct tierfs_node *dir,
		       const struct zus_new_inode *args, struct tierfs_node *node,
		       struct tierfs_inode *rec)
{
	int err = fill_record(tx, dir, args, node, rec);

	if (!err && args->nr_xattrs)
		err = tierfs_xattrs_new(tx, node, rec, args->xattrs, args->nr_xattrs);
	if (err)
		return err;
	if (args->flags & ZI_TMPFILE)
		return tierfs_orphan_add(tx, node, rec);
	return enter_name(tx, dir, node, rec, &args->name);
}

/* The directory is locked. */
static int make_inode(struct tierfs_node *dir, const struct zus_new_inode *args,
		      struct tierfs_node **out)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(dir));
	struct tierfs_node *node;
	struct tierfs_inode *rec;
	int err = tierfs_node_new(tx, args->zi, &node, &rec);

	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	err = build_inode(tx, dir, args, node, rec);
	if (err) {
		tierfs_node_drop(node);
		tierfs_tx_abort(tx);
		return err;
	}
	err = tierfs_tx_commit(tx);
	if (err) {
		tierfs_node_drop(node);
		return err;
	}
	if (S_ISLNK(node->type))
		tierfs_link_show(node);
	tierfs_node_born(node);
	tierfs_node_show(dir);
	*out = node;
	return 0;
}

int tierfs_new_inode(struct zus_ii *dir, const struct zus_new_inode *args, struct zus_ii **ii)
{
	struct tierfs_node *d = tierfs_node_of(dir), *node;
	struct tierfs_found found;
	int err = tierfs_may_change(tierfs_fs_of(d));

	if (err)
		return err;
	tierfs_nodes_lock(&d, 1);
	err = tierfs_dir_ready(d);
	/* ZUFS_FSC_NEW_EXCL: nobody has asked yet */
	if (!err && !(args->flags & ZI_TMPFILE)) {
		err = tierfs_dir_find(d, &args->name, &found);
		err = err == -ENOENT ? 0 : err ? err : -EEXIST;
	}
	if (!err)
		err = make_inode(d, args, &node);
	tierfs_nodes_unlock(&d, 1);
	if (!err)
		*ii = &node->ii;
	return err;
}

/* ---- links ---- */

static int finish(struct tierfs_tx *tx, int err, struct tierfs_node *dir,
		  struct tierfs_node *node)
{
	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	err = tierfs_tx_commit(tx);
	if (!err) {
		tierfs_node_show(dir);
		tierfs_node_show(node);
	}
	return err;
}

/* Both are locked. */
static int add_name(struct tierfs_node *dir, struct tierfs_node *node,
		    const struct zus_name *name)
{
	struct tierfs_tx *tx;
	struct tierfs_inode *rec;
	struct tierfs_found found;
	int err = node->broken ? -EIO : tierfs_dir_ready(dir);

	if (!err)
		err = tierfs_dir_find(dir, name, &found);
	if (err != -ENOENT)
		return err ? err : -EEXIST;
	tx = tierfs_tx_begin(tierfs_fs_of(dir));
	rec = tierfs_node_change(tx, node);
	if (!rec->nlink)
		tierfs_orphan_del(tx, node, rec);
	tierfs_node_take(node, rec, STATX_CTIME);
	return finish(tx, enter_name(tx, dir, node, rec, name), dir, node);
}

int tierfs_add_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	struct tierfs_node *locked[2] = { tierfs_node_of(dir), tierfs_node_of(ii) };
	int err = tierfs_may_change(tierfs_fs_of(locked[0]));

	if (err)
		return err;
	tierfs_nodes_lock(locked, 2);
	err = add_name(tierfs_node_of(dir), tierfs_node_of(ii), name);
	tierfs_nodes_unlock(locked, 2);
	return err;
}

int tierfs_name_gone(struct tierfs_tx *tx, struct tierfs_inode *drec, struct tierfs_node *node,
		     struct tierfs_inode *rec)
{
	bool is_dir = S_ISDIR(node->type);

	if (!rec->nlink || (is_dir && !drec->nlink))
		return tierfs_broken(tierfs_fs_of(node), node->ino, "link count");
	tierfs_node_take(node, rec, STATX_CTIME);
	rec->nlink = is_dir ? 0 : rec->nlink - 1;
	if (is_dir)
		drec->nlink--;
	return rec->nlink ? 0 : tierfs_orphan_add(tx, node, rec);
}

static int remove_name(struct tierfs_node *dir, struct tierfs_node *node,
		       const struct zus_name *name)
{
	struct tierfs_tx *tx;
	struct tierfs_inode *drec;
	struct tierfs_found found;
	int err = dir->broken ? -EIO : tierfs_dir_find(dir, name, &found);

	if (err)
		return err;
	if (found.entry->ino != node->ino)
		return -ENOENT;
	if (S_ISDIR(node->type) && node->rec->entries)
		return -ENOTEMPTY;
	tx = tierfs_tx_begin(tierfs_fs_of(dir));
	drec = tierfs_node_change(tx, dir);
	tierfs_node_take(dir, drec, DIR_TIMES);
	err = tierfs_dir_remove(tx, dir, drec, &found);
	if (!err)
		err = tierfs_name_gone(tx, drec, node, tierfs_node_change(tx, node));
	err = finish(tx, err, dir, node);
	if (!err)
		tierfs_dir_settle(dir);
	return err;
}

int tierfs_remove_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	struct tierfs_node *locked[2] = { tierfs_node_of(dir), tierfs_node_of(ii) };
	int err = tierfs_may_change(tierfs_fs_of(locked[0]));

	if (err)
		return err;
	tierfs_nodes_lock(locked, 2);
	err = remove_name(tierfs_node_of(dir), tierfs_node_of(ii), name);
	tierfs_nodes_unlock(locked, 2);
	return err;
}
