// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's VFS part for names: lookup, create, link, unlink, rename, readdir.
 *
 * Takes the directory's lock shared for lookups, exclusively for changes, as the VFS does,
 * and writes the fields of the shared inodes that are the kernel's before it dispatches.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <endian.h>
#include <errno.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <string.h>

static int set_name(struct zufs_str *str, const char *name)
{
	size_t len = strlen(name);

	if (len > ZUFS_NAME_LEN)
		return -ENAMETOOLONG;
	str->len = (uint8_t)len;
	memcpy(str->name, name, len);
	return 0;
}

static __le64 now(struct fake_thread *t)
{
	return htole64((uint64_t)t->f->env.now_ns(&t->f->env));
}

static void touch(struct fake_thread *t, struct fake_node node)
{
	node.zi->i_mtime = now(t);
	node.zi->i_ctime = node.zi->i_mtime;
}

static int take_node(struct fake_thread *t, dpp_t zi, uint64_t ii, struct fake_node *node)
{
	node->ii = ii;
	node->zi = zus_t1_ptr(&t->f->md, zi);
	return node->zi ? 0 : FAKE_BAD_ANSWER;
}

int fake_lookup(struct fake_thread *t, struct fake_node dir, const char *name,
		struct fake_node *node)
{
	struct zufs_ioc_lookup *ioc;
	struct fake_lock l;
	int err;

	ioc = fake_msg(t, ZUFS_OP_LOOKUP, offsetof(struct zufs_ioc_lookup, _zi));
	ioc->hdr.out_start = offsetof(struct zufs_ioc_lookup, _zi);
	ioc->hdr.out_len = 16;
	ioc->dir_ii = dir.ii;
	err = set_name(&ioc->str, name);
	if (err)
		return err;
	fake_lock_shared(t->f, dir, &l);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err ? err : take_node(t, ioc->_zi, ioc->zus_ii, node);
}

int fake_iget(struct fake_thread *t, uint64_t ino, uint64_t generation, struct fake_node *node)
{
	struct zufs_ioc_iget *ioc;
	int err;

	ioc = fake_msg(t, ZUFS_OP_IGET, offsetof(struct zufs_ioc_iget, _zi));
	ioc->hdr.out_start = offsetof(struct zufs_ioc_iget, _zi);
	ioc->hdr.out_len = 16;
	ioc->zus_sbi = (uintptr_t)fake_sb(t->f);
	ioc->ino = ino;
	ioc->generation = (uint32_t)generation;
	err = fake_send(t);
	return err ? err : take_node(t, ioc->_zi, ioc->zus_ii, node);
}

static void new_zi(struct fake_thread *t, struct zus_inode *zi, mode_t mode, uint32_t rdev)
{
	zi->i_mode = htole16((uint16_t)mode);
	zi->i_nlink = htole32(1);
	zi->i_uid = htole32(1000);
	zi->i_gid = htole32(1000);
	zi->i_mtime = now(t);
	zi->i_ctime = zi->i_mtime;
	zi->i_atime = zi->i_mtime;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		zi->i_rdev = htole32(rdev);
}

static int new_inode(struct fake_thread *t, struct fake_node dir,
		     struct zufs_ioc_new_inode *ioc, struct fake_node *node)
{
	struct fake_lock l;
	int err;

	ioc->dir_ii = dir.ii;
	fake_lock_excl(t->f, &dir, 1, &l);
	if (!(ioc->flags & ZI_TMPFILE))
		touch(t, dir);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err ? err : take_node(t, ioc->_zi, ioc->zus_ii, node);
}

int fake_mknod(struct fake_thread *t, struct fake_node dir, const char *name, mode_t mode,
	       uint32_t rdev, struct fake_node *node)
{
	struct zufs_ioc_new_inode *ioc = fake_msg(t, ZUFS_OP_NEW_INODE, sizeof(*ioc));
	int err = set_name(&ioc->str, name);

	if (err)
		return err;
	new_zi(t, &ioc->zi, mode, rdev);
	return new_inode(t, dir, ioc, node);
}

int fake_creat(struct fake_thread *t, struct fake_node dir, const char *name,
	       struct fake_node *node)
{
	return fake_mknod(t, dir, name, S_IFREG | 0644, 0, node);
}

int fake_creat_with(struct fake_thread *t, struct fake_node dir, const char *name,
		    const struct zus_new_xattr *xattrs, unsigned int nr, struct fake_node *node)
{
	struct zufs_ioc_new_inode *ioc;
	size_t len = sizeof(*ioc);
	unsigned int i;
	char *at;
	int err;

	for (i = 0; i < nr; i++)
		len += zufs_new_xattr_size((__u16)(strlen(xattrs[i].name) + 1), xattrs[i].size);
	ioc = fake_msg(t, ZUFS_OP_NEW_INODE, len);
	ioc->hdr.out_len = sizeof(*ioc);
	ioc->flags = ZI_XATTRS;
	at = (char *)(ioc + 1);
	for (i = 0; i < nr; i++) {
		struct zufs_new_xattr x = {
			.type = xattrs[i].type,
			.size = xattrs[i].size,
			.name_len = (__u16)(strlen(xattrs[i].name) + 1),
		};

		memcpy(at, &x, sizeof(x));
		memcpy(at + sizeof(x), xattrs[i].name, x.name_len);
		memcpy(at + sizeof(x) + x.name_len, xattrs[i].value, x.size);
		at += zufs_new_xattr_size(x.name_len, x.size);
	}
	err = set_name(&ioc->str, name);
	if (err)
		return err;
	new_zi(t, &ioc->zi, S_IFREG | 0644, 0);
	return new_inode(t, dir, ioc, node);
}

int fake_mkdir(struct fake_thread *t, struct fake_node dir, const char *name,
	       struct fake_node *node)
{
	return fake_mknod(t, dir, name, S_IFDIR | 0755, 0, node);
}

int fake_tmpfile(struct fake_thread *t, struct fake_node dir, struct fake_node *node)
{
	struct zufs_ioc_new_inode *ioc = fake_msg(t, ZUFS_OP_NEW_INODE, sizeof(*ioc));
	int err;

	new_zi(t, &ioc->zi, S_IFREG | 0600, 0);
	ioc->flags = ZI_TMPFILE;
	err = new_inode(t, dir, ioc, node);
	if (!err)
		node->zi->i_nlink = 0;	/* the kernel mirrors its own 1 -> d_tmpfile -> 0 */
	return err;
}

int fake_symlink(struct fake_thread *t, struct fake_node dir, const char *name,
		 const char *target, struct fake_node *node)
{
	struct zufs_ioc_new_inode *ioc = fake_msg(t, ZUFS_OP_NEW_INODE, sizeof(*ioc));
	size_t len = strlen(target);
	int err = set_name(&ioc->str, name);

	if (err)
		return err;
	if (len + 1 > ZUFS_MAX_SYMLINK)
		return -ENAMETOOLONG;
	new_zi(t, &ioc->zi, S_IFLNK | 0777, 0);
	ioc->zi.i_size = htole64(len);
	if (len < sizeof(ioc->zi.i_symlink))
		memcpy(ioc->zi.i_symlink, target, len);
	else
		memcpy(fake_window(t, len), target, len);
	return new_inode(t, dir, ioc, node);
}

int fake_readlink(struct fake_thread *t, struct fake_node node, char *buf, size_t size)
{
	uint64_t len = zus_zi_size(node.zi);
	const char *target = (const char *)node.zi->i_symlink;

	if (!zus_zi_islnk(node.zi) || len >= size)
		return -EINVAL;
	if (len >= sizeof(node.zi->i_symlink)) {
		target = zus_t1_ptr(&t->f->md, le64toh(node.zi->i_sym_dpp));
		if (!target || !zus_t1_contains(&t->f->md, target, len + 1) || target[len])
			return FAKE_BAD_ANSWER;
	}
	memcpy(buf, target, len);
	buf[len] = 0;
	return (int)len;
}

static int send_dentry(struct fake_thread *t, unsigned int operation, struct fake_node dir,
		       struct fake_node node, const char *name)
{
	struct fake_node both[2] = { dir, node };
	struct zufs_ioc_dentry *ioc;
	struct fake_lock l;
	int err;

	ioc = fake_msg(t, operation, sizeof(*ioc));
	err = set_name(&ioc->str, name);
	if (err)
		return err;
	ioc->zus_ii = node.ii;
	ioc->zus_dir_ii = dir.ii;
	fake_lock_excl(t->f, both, 2, &l);
	touch(t, dir);
	node.zi->i_ctime = dir.zi->i_ctime;
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err;
}

int fake_link(struct fake_thread *t, struct fake_node dir, struct fake_node node,
	      const char *name)
{
	return send_dentry(t, ZUFS_OP_ADD_DENTRY, dir, node, name);
}

int fake_unlink(struct fake_thread *t, struct fake_node dir, struct fake_node node,
		const char *name)
{
	return send_dentry(t, ZUFS_OP_REMOVE_DENTRY, dir, node, name);
}

int fake_rename(struct fake_thread *t, struct fake_node old_dir, const char *old_name,
		struct fake_node node, struct fake_node new_dir, const char *new_name,
		struct fake_node target, uint32_t flags)
{
	struct fake_node nodes[4] = { old_dir, new_dir, node, target };
	bool whiteout = flags & RENAME_WHITEOUT;
	struct zufs_ioc_rename_whiteout *all =
		fake_msg(t, ZUFS_OP_RENAME, whiteout ? sizeof(*all) : sizeof(all->rename));
	struct zufs_ioc_rename *ioc = &all->rename;
	struct fake_lock l;
	int err;

	if (whiteout && !(t->f->zmi.fs_caps & ZUFS_FSC_WHITEOUT))
		return -EOPNOTSUPP;
	if (whiteout)
		new_zi(t, &all->zi, S_IFCHR, 0);
	err = set_name(&ioc->old_d_str, old_name);
	if (!err)
		err = set_name(&ioc->new_d_str, new_name);
	if (err)
		return err;
	ioc->old_dir_ii = old_dir.ii;
	ioc->new_dir_ii = new_dir.ii;
	ioc->old_zus_ii = node.ii;
	ioc->new_zus_ii = target.ii;
	ioc->flags = flags;
	fake_lock_excl(t->f, nodes, 4, &l);
	touch(t, old_dir);
	touch(t, new_dir);
	node.zi->i_ctime = old_dir.zi->i_ctime;
	ioc->time = (int64_t)le64toh(old_dir.zi->i_ctime);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err;
}

/* ---- the end of an inode ---- */

static int send_evict(struct fake_thread *t, unsigned int operation, struct fake_node node,
		      uint64_t flags)
{
	struct zufs_ioc_evict_inode *ioc;

	if (!(flags & ZI_LOOKUP_RACE) && fake_goose(t, node.ii))
		return -ENOMEM;
	ioc = fake_msg(t, operation, sizeof(*ioc));
	ioc->zus_ii = node.ii;
	ioc->flags = flags;
	return fake_send(t);
}

int fake_evict(struct fake_thread *t, struct fake_node node, uint64_t flags)
{
	return send_evict(t, ZUFS_OP_EVICT_INODE, node, flags);
}

int fake_free(struct fake_thread *t, struct fake_node node)
{
	return send_evict(t, ZUFS_OP_FREE_INODE, node, 0);
}

int fake_forget(struct fake_thread *t, struct fake_node node)
{
	struct fake_lock l;
	uint32_t nlink;

	fake_lock_shared(t->f, node, &l);
	nlink = zus_zi_nlink(node.zi);
	fake_unlock(t->f, &l);
	return nlink ? fake_evict(t, node, 0) : fake_free(t, node);
}

/* ---- readdir ---- */

int fake_readdir(struct fake_thread *t, struct fake_node dir, uint64_t *pos,
		 size_t buf_bytes, struct fake_dirent *entries, size_t max, bool *more)
{
	struct zufs_ioc_readdir *ioc = fake_msg(t, ZUFS_OP_READDIR, sizeof(*ioc));
	struct zufs_readdir_iter it;
	struct zufs_dir_entry *zde;
	struct fake_lock l;
	size_t n = 0;
	void *buf;
	int err;

	buf = fake_window(t, buf_bytes & ~(size_t)7);
	memset(buf, 0, ioc->hdr.len);
	ioc->dir_ii = dir.ii;
	ioc->pos = *pos;
	fake_lock_shared(t->f, dir, &l);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	if (err)
		return err;
	zufs_readdir_iter_init(&it, ioc, buf);
	while ((zde = zufs_next_zde(&it))) {
		struct fake_dirent *e = &entries[n];

		if (n++ >= max)
			return -E2BIG;
		e->ino = le64toh(zde->ino);
		e->pos = zufs_zde_pos(zde);
		e->type = zde->type;
		e->len = zde->zstr.len;
		memcpy(e->name, ZUFS_TAIL(zde, zstr.name), e->len);
		e->name[e->len] = 0;
	}
	*pos = ioc->pos;
	*more = ioc->more;
	return (int)n;
}
