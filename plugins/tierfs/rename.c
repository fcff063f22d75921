// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rename: to a new name, over another one, the exchange of two names, and with something left under
 * the old name (a whiteout of overlayfs: a character device 0/0).
 *
 * Called by the core with the kernel's exclusive locks of both directories and both inodes. All of
 * it is one transaction with the locks of all these nodes: the file is at one name or the other
 * after a crash, what it replaces has its name or is an orphan, and the whiteout is there with the
 * rename or not at all. Within a directory the removal comes first, so that the index is
 * changed once and the new name may have the place of the old one.
 */
#include "name.h"

#include <linux/fs.h>
#include <string.h>

enum { OLD_DIR, NEW_DIR, NODE, TARGET, NR_NODES };

struct rename {
	const struct zus_rename *r;
	struct tierfs_node *nodes[NR_NODES];
	struct tierfs_inode *recs[NR_NODES];	/* copies of what is changed, or NULL */
	struct tierfs_node *whiteout;
	struct tierfs_tx *tx;
	struct tierfs_found old;
	struct tierfs_found new;	/* entry NULL: there is no such name */
};

static int find_names(struct rename *a)
{
	int err = tierfs_dir_find(a->nodes[OLD_DIR], &a->r->old_name, &a->old);

	if (err)
		return err;
	if (a->old.entry->ino != a->nodes[NODE]->ino)
		return -ENOENT;
	err = tierfs_dir_find(a->nodes[NEW_DIR], &a->r->new_name, &a->new);
	if (err == -ENOENT) {
		a->new.entry = NULL;
		return 0;
	}
	return err;
}

/* The records of all that is there, with the times that the kernel has set. */
static void change_records(struct rename *a)
{
	static const uint32_t times[NR_NODES] = {
		STATX_MTIME | STATX_CTIME, STATX_MTIME | STATX_CTIME, STATX_CTIME, STATX_CTIME,
	};
	unsigned int i;

	for (i = 0; i < NR_NODES; i++) {
		if (!a->nodes[i] || (i == TARGET && !a->new.entry))
			continue;
		a->recs[i] = tierfs_node_change(a->tx, a->nodes[i]);
		tierfs_node_take(a->nodes[i], a->recs[i], times[i]);
	}
}

/* A directory goes from one parent to another: its ".." does too. */
static void change_parent(struct rename *a, unsigned int which, unsigned int from,
			  unsigned int to)
{
	if (!S_ISDIR(a->nodes[which]->type) || a->nodes[from] == a->nodes[to])
		return;
	a->recs[from]->nlink--;
	a->recs[to]->nlink++;
	a->recs[which]->parent = a->nodes[to]->ino;
}

/* Both directories' links, when all is done: two directories that are exchanged change none. */
static int check_links(const struct rename *a)
{
	uint32_t from = a->recs[OLD_DIR]->nlink, to = a->recs[NEW_DIR]->nlink;

	/* below 0 */
	if (from > TIERFS_MAX_LINKS + 1U || to > TIERFS_MAX_LINKS + 1U)
		return tierfs_broken(tierfs_fs_of(a->nodes[OLD_DIR]), a->nodes[OLD_DIR]->ino,
				     "link count");
	return from > TIERFS_MAX_LINKS || to > TIERFS_MAX_LINKS ? -EMLINK : 0;
}

static void set_name(struct rename *a, unsigned int dir, const struct tierfs_found *found,
		     const struct tierfs_node *node)
{
	tierfs_dir_set(a->tx, a->nodes[dir], found, node->ino, tierfs_dtype(node));
}

static int exchange(struct rename *a)
{
	set_name(a, OLD_DIR, &a->old, a->nodes[TARGET]);
	set_name(a, NEW_DIR, &a->new, a->nodes[NODE]);
	change_parent(a, NODE, OLD_DIR, NEW_DIR);
	change_parent(a, TARGET, NEW_DIR, OLD_DIR);
	return 0;
}

/* The inode that stays under the old name. Nobody knows it yet, so its lock is not taken. */
static int make_whiteout(struct rename *a)
{
	struct tierfs_inode *rec;
	int err = tierfs_node_new(a->tx, a->r->whiteout, &a->whiteout, &rec);

	if (err) {
		a->whiteout = NULL;
		return err;
	}
	rec->nlink = 1;
	set_name(a, OLD_DIR, &a->old, a->whiteout);
	return 0;
}

/* The old name, when the new one is there already or is in another directory. */
static int leave_old_name(struct rename *a)
{
	if (a->r->flags & RENAME_WHITEOUT)
		return make_whiteout(a);
	return tierfs_dir_remove(a->tx, a->nodes[OLD_DIR], a->recs[OLD_DIR], &a->old);
}

/* The new name keeps its place and names another inode from now on. */
static int rename_over(struct rename *a)
{
	int err;

	set_name(a, NEW_DIR, &a->new, a->nodes[NODE]);
	err = leave_old_name(a);
	if (!err)
		err = tierfs_name_gone(a->tx, a->recs[NEW_DIR], a->nodes[TARGET],
				       a->recs[TARGET]);
	change_parent(a, NODE, OLD_DIR, NEW_DIR);
	return err;
}

static int rename_to_new(struct rename *a)
{
	int err;

	if (a->nodes[OLD_DIR] == a->nodes[NEW_DIR] && !(a->r->flags & RENAME_WHITEOUT))
		return tierfs_dir_rename(a->tx, a->nodes[OLD_DIR], a->recs[OLD_DIR], &a->old,
					 &a->r->new_name);
	err = leave_old_name(a);
	if (!err)
		err = tierfs_dir_add(a->tx, a->nodes[NEW_DIR], a->recs[NEW_DIR],
				     &a->r->new_name, a->nodes[NODE]->ino,
				     tierfs_dtype(a->nodes[NODE]));
	change_parent(a, NODE, OLD_DIR, NEW_DIR);
	return err;
}

static int (*way_of(const struct rename *a))(struct rename *)
{
	if (a->r->flags & RENAME_EXCHANGE)
		return exchange;
	return a->new.entry ? rename_over : rename_to_new;
}

/* 1: it is to be done; 0: nothing is; -errno. */
static int check(const struct rename *a)
{
	const struct tierfs_node *node = a->nodes[NODE], *target = a->nodes[TARGET];

	if (!a->new.entry)
		return a->r->flags & RENAME_EXCHANGE ? -ENOENT : 1;
	if (a->r->flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!target || a->new.entry->ino != target->ino)
		return -ENOENT;
	if (a->r->flags & RENAME_EXCHANGE)
		return target != node;
	if (target == node)
		return 0;
	if (S_ISDIR(target->type) && target->rec->entries)
		return -ENOTEMPTY;
	if (S_ISDIR(node->type) != S_ISDIR(target->type))
		return S_ISDIR(node->type) ? -ENOTDIR : -EISDIR;
	return 1;
}

static int do_rename(struct rename *a)
{
	int err;

	a->tx = tierfs_tx_begin(tierfs_fs_of(a->nodes[NODE]));
	change_records(a);
	err = way_of(a)(a);
	if (!err)
		err = check_links(a);
	if (err && a->whiteout)
		tierfs_node_drop(a->whiteout);
	if (err) {
		tierfs_tx_abort(a->tx);
		return err;
	}
	err = tierfs_tx_commit(a->tx);
	if (err && a->whiteout)
		tierfs_node_drop(a->whiteout);
	return err;
}

/* The kernel has no reference to the whiteout: it is found by its name. */
static void show(struct rename *a)
{
	unsigned int i;

	for (i = 0; i < NR_NODES; i++) {
		if (a->recs[i])
			tierfs_node_show(a->nodes[i]);
	}
	tierfs_dir_settle(a->nodes[OLD_DIR]);
	if (a->whiteout) {
		tierfs_node_born(a->whiteout);
		tierfs_node_put(a->whiteout);
	}
}

static int locked_rename(struct rename *a)
{
	unsigned int i;
	int err;

	for (i = 0; i < NR_NODES; i++) {
		if (a->nodes[i] && a->nodes[i]->broken)
			return -EIO;
	}
	err = tierfs_dir_ready(a->nodes[NEW_DIR]);
	if (!err)
		err = find_names(a);
	if (!err)
		err = check(a);
	if (err <= 0)
		return err;
	err = do_rename(a);
	if (!err)
		show(a);
	return err;
}

int tierfs_rename(const struct zus_rename *r)
{
	struct rename a = {
		.r = r,
		.nodes = { tierfs_node_of(r->old_dir), tierfs_node_of(r->new_dir),
			tierfs_node_of(r->ii), r->target ? tierfs_node_of(r->target) : NULL },
	};
	struct tierfs_node *locked[NR_NODES];
	int err = tierfs_may_change(tierfs_fs_of(a.nodes[NODE]));

	if (err)
		return err;
	memcpy(locked, a.nodes, sizeof(locked));
	tierfs_nodes_lock(locked, NR_NODES);
	err = locked_rename(&a);
	tierfs_nodes_unlock(locked, NR_NODES);
	return err;
}
