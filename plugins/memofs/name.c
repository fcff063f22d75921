// SPDX-License-Identifier: BSD-2-Clause
/*
 * Operations on names: new inode, lookup, link, unlink, rename.
 *
 * Called by the core with the kernel's exclusive lock of each directory that changes (lookup:
 * shared) and of the inodes that are linked or unlinked. Every operation first gets all the
 * memory that it needs and then changes the directories, so it happens as a whole or not at
 * all. The kernel has set the times before; sizes and link counts are ours.
 */
#include "data.h"

#include <linux/fs.h>
#include <string.h>

int memofs_lookup(struct zus_ii *dir, const struct zus_name *name, struct zus_ii **ii)
{
	struct memofs_dentry *d = memofs_dir_find(memofs_inode_of(dir), name);

	if (!d)
		return -ENOENT;
	zus_ii_get(&d->mi->ii);
	*ii = &d->mi->ii;
	return 0;
}

/* A long target lies in a block of its own, which the map owns as if it were data. */
static int store_target(struct memofs_inode *mi, const char *target, uint32_t len)
{
	uint64_t bn = memofs_block_alloc(memofs_sb_of_inode(mi));
	uint8_t *addr;
	int err;

	if (!bn)
		return -ENOSPC;
	addr = memofs_block_addr(mi, bn);
	memcpy(addr, target, len);
	memset(addr + len, 0, ZUS_BLOCK_SIZE - len);
	/* into the inode: no memory is needed */
	memofs_map_fill(mi, 0, bn, 1, &err);
	zus_zi_set_symlink(mi->ii.zi, zus_t1_dpp(mi->ii.sb->md, addr));
	return 0;
}

/* The name must not exist. */
static int add_name(struct memofs_inode *dir, struct memofs_inode *mi,
		    const struct zus_name *name)
{
	struct memofs_dentry *d;
	int err;

	err = memofs_dir_reserve(dir);
	if (err)
		return err;
	err = memofs_dentry_new(dir, mi, name, &d);
	if (err)
		return err;
	memofs_dir_add(dir, d);
	zus_nlink_add_dentry(dir->ii.zi, mi->ii.zi);
	return 0;
}

/* ACLs and labels that the kernel wants on it from the start. */
static int store_xattrs(struct memofs_inode *mi, const struct zus_new_inode *args)
{
	const struct zus_new_xattr *x = args->xattrs;
	uint32_t i;
	int err = 0;

	for (i = 0; i < args->nr_xattrs && !err; i++, x++)
		err = memofs_setxattr(&mi->ii, x->type, x->name, x->value, x->size, 0);
	return err;
}

int memofs_new_inode(struct zus_ii *dir, const struct zus_new_inode *args,
		     struct zus_ii **ii)
{
	struct memofs_inode *mdir = memofs_inode_of(dir), *mi;
	bool named = !(args->flags & ZI_TMPFILE);
	int err;

	/* ZUFS_FSC_NEW_EXCL: nobody has asked yet */
	if (named && memofs_dir_find(mdir, &args->name))
		return -EEXIST;
	err = memofs_inode_new(memofs_sb_of(dir->sb), args->zi, &mi);
	if (err)
		return err;
	if (S_ISDIR(mi->type))
		memofs_dir_init(mi, mdir->ino);
	if (S_ISLNK(mi->type) && args->symlink_len >= sizeof(mi->ii.zi->i_symlink))
		err = store_target(mi, args->symlink, args->symlink_len);
	if (!err)
		err = store_xattrs(mi, args);
	if (!err && named)
		err = add_name(mdir, mi, &args->name);
	if (err) {
		memofs_free_inode(&mi->ii);
		return err;
	}
	*ii = &mi->ii;
	return 0;
}

int memofs_add_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	struct memofs_inode *mdir = memofs_inode_of(dir);

	if (memofs_dir_find(mdir, name))
		return -EEXIST;
	return add_name(mdir, memofs_inode_of(ii), name);
}

static bool has_names(const struct memofs_inode *mi)
{
	return S_ISDIR(mi->type) && mi->dir.count;
}

int memofs_remove_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	struct memofs_inode *mdir = memofs_inode_of(dir), *mi = memofs_inode_of(ii);
	struct memofs_dentry *d = memofs_dir_find(mdir, name);

	if (!d || d->mi != mi)
		return -ENOENT;
	if (has_names(mi))
		return -ENOTEMPTY;
	memofs_dir_remove(mdir, d);
	zus_nlink_remove_dentry(dir->zi, ii->zi);
	return 0;
}

/* A directory went from one parent to another: its ".." did too. */
static void change_parent(struct memofs_inode *mi, struct zus_ii *from, struct zus_ii *to)
{
	if (!S_ISDIR(mi->type) || from == to)
		return;
	zus_zi_add_nlink(from->zi, -1);
	zus_zi_add_nlink(to->zi, 1);
	zus_zi_set_parent(mi->ii.zi, zus_zi_ino(to->zi));
}

static int exchange(const struct zus_rename *r, struct memofs_dentry *old_d,
		    struct memofs_dentry *new_d)
{
	struct memofs_inode *a = old_d->mi, *b = new_d->mi;

	memofs_dentry_set(old_d, b);
	memofs_dentry_set(new_d, a);
	change_parent(a, r->old_dir, r->new_dir);
	change_parent(b, r->new_dir, r->old_dir);
	return 0;
}

/* The old name goes, or becomes that of the whiteout, which nobody else knows yet. */
static void vacate(const struct zus_rename *r, struct memofs_dentry *old_d,
		   struct memofs_inode *whiteout)
{
	if (!whiteout) {
		memofs_dir_remove(memofs_inode_of(r->old_dir), old_d);
		return;
	}
	memofs_dentry_set(old_d, whiteout);
	zus_nlink_add_dentry(r->old_dir->zi, whiteout->ii.zi);
}

/* The new name exists: it keeps its place and names another inode from now on. */
static int rename_over(const struct zus_rename *r, struct memofs_dentry *old_d,
		       struct memofs_dentry *new_d, struct memofs_inode *whiteout)
{
	struct memofs_inode *mi = old_d->mi, *victim = new_d->mi;

	if (has_names(victim))
		return -ENOTEMPTY;
	if (S_ISDIR(mi->type) != S_ISDIR(victim->type))
		return S_ISDIR(mi->type) ? -ENOTDIR : -EISDIR;
	memofs_dentry_set(new_d, mi);
	vacate(r, old_d, whiteout);
	zus_nlink_remove_dentry(r->new_dir->zi, victim->ii.zi);
	change_parent(mi, r->old_dir, r->new_dir);
	return 0;
}

static int rename_to_new(const struct zus_rename *r, struct memofs_dentry *old_d,
			 struct memofs_inode *whiteout)
{
	struct memofs_inode *from = memofs_inode_of(r->old_dir);
	struct memofs_inode *to = memofs_inode_of(r->new_dir), *mi = old_d->mi;
	struct memofs_dentry *d;
	int err;

	if (from != to || whiteout) {
		err = memofs_dir_reserve(to);
		if (err)
			return err;
	}
	err = memofs_dentry_new(to, mi, &r->new_name, &d);
	if (err)
		return err;
	if (from == to && !whiteout) {
		memofs_dir_replace(to, old_d, d);
		return 0;
	}
	memofs_dir_add(to, d);
	vacate(r, old_d, whiteout);
	change_parent(mi, r->old_dir, r->new_dir);
	return 0;
}

static int rename_any(const struct zus_rename *r, struct memofs_dentry *old_d,
		      struct memofs_dentry *new_d, struct memofs_inode *whiteout)
{
	return new_d ? rename_over(r, old_d, new_d, whiteout) :
		       rename_to_new(r, old_d, whiteout);
}

static int rename_with_whiteout(const struct zus_rename *r, struct memofs_dentry *old_d,
				struct memofs_dentry *new_d)
{
	struct memofs_inode *whiteout;
	int err;

	err = memofs_inode_new(memofs_sb_of(r->old_dir->sb), r->whiteout, &whiteout);
	if (err)
		return err;
	err = rename_any(r, old_d, new_d, whiteout);
	if (err)
		memofs_free_inode(&whiteout->ii);
	else	/* the kernel has got no handle */
		memofs_evict(&whiteout->ii, 0);
	return err;
}

int memofs_rename(const struct zus_rename *r)
{
	struct memofs_dentry *old_d, *new_d;

	old_d = memofs_dir_find(memofs_inode_of(r->old_dir), &r->old_name);
	new_d = memofs_dir_find(memofs_inode_of(r->new_dir), &r->new_name);
	if (!old_d || &old_d->mi->ii != r->ii)
		return -ENOENT;
	if (r->flags & RENAME_EXCHANGE)
		return new_d ? exchange(r, old_d, new_d) : -ENOENT;
	if (new_d && (r->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (new_d && new_d->mi == old_d->mi)
		return 0;
	if (r->flags & RENAME_WHITEOUT)
		return rename_with_whiteout(r, old_d, new_d);
	return rename_any(r, old_d, new_d, NULL);
}
