// SPDX-License-Identifier: BSD-2-Clause
/*
 * names.c - operations on names: lookup, create, link, unlink, rename, readdir
 *
 * Called by ZTs with raw_lock held. Names are copied out of the message before
 * they are looked at. Inode numbers, links and directory sizes are the server's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "raw.h"

#define ENTRY_SIZE	32	/* what a name adds to the size of its directory */

static bool is_dir(const struct raw_node *node)
{
	return (node->zi->i_mode & S_IFMT) == S_IFDIR;
}

/* Copy the name of a message; false: it cannot be one. */
static bool take_name(const struct zufs_str *str, struct raw_name *name)
{
	memset(name, 0, sizeof(*name));
	name->len = str->len;
	memcpy(name->name, str->name, name->len);
	if (name->len && !memchr(name->name, '/', name->len))
		return true;
	raw_stats.bad_messages++;
	return false;
}

static struct raw_name **find(struct raw_node *dir, const struct raw_name *name)
{
	struct raw_name **at;

	for (at = &dir->names; *at; at = &(*at)->next)
		if ((*at)->len == name->len && !memcmp((*at)->name, name->name, name->len))
			break;
	return at;
}

static int add(struct raw_node *dir, struct raw_node *node, const struct raw_name *name)
{
	struct raw_name *entry, **at = find(dir, name);

	if (*at)
		return -EEXIST;
	entry = malloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	*entry = *name;
	entry->next = NULL;
	entry->node = node;
	entry->pos = dir->next_pos++;
	*at = entry;
	dir->zi->i_size += ENTRY_SIZE;
	if (is_dir(node)) {
		dir->zi->i_nlink++;
		node->zi->i_dir.parent = dir->zi->i_ino;
	}
	return 0;
}

static void drop(struct raw_node *dir, struct raw_name **at)
{
	struct raw_name *entry = *at;

	/* i_size lies behind all positions, which are not used again */
	*at = entry->next;
	if (is_dir(entry->node))
		dir->zi->i_nlink--;
	free(entry);
}

/* ---- lookup, new inode ---- */

static struct raw_node *by_number(struct raw_fs *fs, uint64_t ino)
{
	struct raw_node *node = ino && ino <= RAW_MAX_NODES ? &fs->nodes[ino - 1] : NULL;

	return node && node->used && node->zi->i_nlink ? node : NULL;
}

static int iget(struct zufs_ioc_iget *msg)
{
	struct raw_fs *fs = raw_fs_of(msg->zus_sbi);
	struct raw_node *node = fs ? by_number(fs, msg->ino) : NULL;

	if (!node || (uint32_t)node->zi->i_generation != (uint32_t)msg->generation)
		return -ESTALE;
	msg->_zi = raw_node_dpp(node);
	msg->zus_ii = (uintptr_t)node;
	return 0;
}

static int lookup_parent(struct raw_node *dir, struct zufs_ioc_lookup *msg)
{
	struct raw_node *node = by_number(dir->fs, dir->zi->i_dir.parent);

	if (!node)
		return -ENOENT;
	msg->_zi = raw_node_dpp(node);
	msg->zus_ii = (uintptr_t)node;
	return 0;
}

static int lookup(struct zufs_ioc_lookup *msg)
{
	struct raw_node *dir = raw_node_of(msg->dir_ii);
	struct raw_name name, **at;

	if (!dir || !take_name(&msg->str, &name))
		return -EINVAL;
	if (!strcmp(name.name, ".."))
		return lookup_parent(dir, msg);
	at = find(dir, &name);
	if (!*at)
		return -ENOENT;
	msg->_zi = raw_node_dpp((*at)->node);
	msg->zus_ii = (uintptr_t)(*at)->node;
	return 0;
}

static int keep_target(struct raw_zt *zt, struct raw_node *node, struct zufs_ioc_hdr *hdr)
{
	const char *target = raw_app_data(zt, hdr);
	uint64_t size = node->zi->i_size, block;

	if (size < sizeof(node->zi->i_symlink))
		return 0;
	if (!target || size != hdr->len || size >= ZUFS_PAGE_SIZE)
		return -EINVAL;
	block = raw_block(node, 0, true);
	if (!block)
		return -ENOSPC;
	memcpy(raw_block_addr(node->fs, block), target, size);
	node->zi->i_sym_dpp = zufs_dpp_pack(block * ZUFS_PAGE_SIZE, ZUFS_POOL_T1);
	return 0;
}

/* What follows the message, if this server takes it. */
static int take_xattrs(struct raw_node *node, const struct zufs_ioc_new_inode *msg)
{
	const char *at = (const char *)(msg + 1), *end = (const char *)msg + msg->hdr.in_len;
	const struct zufs_new_xattr *x;
	const char *name;
	int err = 0;

	if (!(msg->flags & ZI_XATTRS) || !(raw_config.fs_caps & ZUFS_FSC_NEW_XATTRS))
		return 0;
	for (; at < end && !err; at += zufs_new_xattr_size(x->name_len, x->size)) {
		x = (const struct zufs_new_xattr *)at;
		name = ZUFS_TAIL(x, buf);
		if ((size_t)(end - at) < sizeof(*x) || !x->name_len ||
		    zufs_new_xattr_size(x->name_len, x->size) > (size_t)(end - at) ||
		    name[x->name_len - 1] || x->type > ZUFS_XATTR_USER) {
			raw_stats.bad_messages++;
			return -EINVAL;
		}
		raw_note("with %s of %u bytes", name, x->size);
		err = raw_xattr_set(node, x->type, name, name + x->name_len, x->size);
	}
	return err;
}

static int make_inode(struct raw_zt *zt, struct zufs_ioc_new_inode *msg)
{
	struct raw_node *dir = raw_node_of(msg->dir_ii), *node;
	bool tmpfile = msg->flags & ZI_TMPFILE;
	struct raw_name name = { .len = 0 };
	uint64_t ino;
	int err = 0;

	if (!dir || (!tmpfile && !take_name(&msg->str, &name)))
		return -EINVAL;
	if (!tmpfile && *find(dir, &name))
		return -EEXIST;
	node = raw_node_new(dir->fs);
	if (!node)
		return -ENOSPC;
	ino = node->zi->i_ino;
	*node->zi = msg->zi;
	node->zi->i_ino = ino;
	node->zi->i_generation = ++node->fs->generation;
	node->zi->i_blocks = 0;
	node->zi->i_xattr = 0;
	node->zi->i_birth.btime = node->zi->i_ctime;
	node->zi->i_nlink = is_dir(node) ? 2 : 1;
	if (tmpfile && raw_config.of_2019)
		node->zi->i_nlink = 0;
	memcpy(node->label, name.name, sizeof(node->label));
	if (is_dir(node))
		node->zi->i_size = 0;
	if (S_ISLNK(node->zi->i_mode))
		err = keep_target(zt, node, &msg->hdr);
	if (!err)
		err = take_xattrs(node, msg);
	if (!err && !tmpfile)
		err = add(dir, node, &name);
	if (err) {
		raw_node_free(node);
		return err;
	}
	msg->_zi = raw_node_dpp(node);
	msg->zus_ii = (uintptr_t)node;
	return 0;
}

/* The servers of 2019 have no way to say why there is none. */
static int new_inode(struct raw_zt *zt, struct zufs_ioc_new_inode *msg)
{
	int err = make_inode(zt, msg);

	return err && raw_config.of_2019 ? -EINVAL : err;
}

/* A cookie comes back; the last one of an inode without a name ends it. */
static int give_back(struct zufs_ioc_evict_inode *msg)
{
	struct raw_node *node = raw_node_of(msg->zus_ii);
	uint32_t nlink;

	if (!node)
		return -EINVAL;
	node->refs--;
	if (msg->flags & ZI_LOOKUP_RACE)
		raw_stats.races++;
	/* what a rule says is for the kernel only */
	nlink = node->spoiled ? node->saved.i_nlink : node->zi->i_nlink;
	if (!node->refs && (msg->hdr.operation == ZUFS_OP_FREE_INODE || !nlink))
		raw_node_free(node);
	return 0;
}

/* ---- link, unlink ---- */

static int unlink_node(struct raw_node *dir, struct raw_name **at)
{
	struct raw_node *node = (*at)->node;

	if (is_dir(node) && node->names)
		return -ENOTEMPTY;
	drop(dir, at);
	node->zi->i_nlink = is_dir(node) ? 0 : node->zi->i_nlink - 1;
	return 0;
}

static int change_name(struct zufs_ioc_dentry *msg)
{
	struct raw_node *dir = raw_node_of(msg->zus_dir_ii), *node = raw_node_of(msg->zus_ii);
	struct raw_name name, **at;
	int err;

	if (!dir || !node || !take_name(&msg->str, &name))
		return -EINVAL;
	if (msg->hdr.operation == ZUFS_OP_ADD_DENTRY) {
		err = add(dir, node, &name);
		if (!err && !is_dir(node))
			node->zi->i_nlink++;
		return err;
	}
	at = find(dir, &name);
	if (!*at || (*at)->node != node)
		return -ENOENT;
	return unlink_node(dir, at);
}

int raw_op_names(struct raw_zt *zt, struct zufs_ioc_hdr *hdr)
{
	switch (hdr->operation) {
	case ZUFS_OP_LOOKUP:
		return lookup((struct zufs_ioc_lookup *)hdr);
	case ZUFS_OP_IGET:
		return iget((struct zufs_ioc_iget *)hdr);
	case ZUFS_OP_NEW_INODE:
		return new_inode(zt, (struct zufs_ioc_new_inode *)hdr);
	case ZUFS_OP_FREE_INODE:
	case ZUFS_OP_EVICT_INODE:
		return give_back((struct zufs_ioc_evict_inode *)hdr);
	default:
		return change_name((struct zufs_ioc_dentry *)hdr);
	}
}

/* ---- rename ---- */

static int exchange(struct raw_node *a_dir, struct raw_name *a,
		    struct raw_node *b_dir, struct raw_name *b)
{
	struct raw_node *node = a->node;
	int a_is_dir = is_dir(a->node), b_is_dir = is_dir(b->node);

	a->node = b->node;
	b->node = node;
	a_dir->zi->i_nlink += (uint32_t)(b_is_dir - a_is_dir);
	b_dir->zi->i_nlink += (uint32_t)(a_is_dir - b_is_dir);
	return 0;
}

/* The old name becomes that of a whiteout; the kernel looks it up when it wants it. */
static int leave_whiteout(struct raw_node *dir, const struct raw_name *name,
			  const struct zufs_ioc_rename_whiteout *msg)
{
	struct raw_node *node;
	uint64_t ino;

	if (!(raw_config.fs_caps & ZUFS_FSC_WHITEOUT) || msg->rename.hdr.in_len != sizeof(*msg) ||
	    msg->zi.i_mode != S_IFCHR || msg->zi.i_rdev) {
		raw_stats.bad_messages++;
		return -EINVAL;
	}
	node = raw_node_new(dir->fs);
	if (!node)
		return -ENOSPC;
	ino = node->zi->i_ino;
	*node->zi = msg->zi;
	node->zi->i_ino = ino;
	node->zi->i_generation = ++node->fs->generation;
	node->zi->i_nlink = 1;
	node->refs = 0;
	memcpy(node->label, name->name, sizeof(node->label));
	return add(dir, node, name);
}

int raw_op_rename(struct zufs_ioc_hdr *hdr)
{
	struct zufs_ioc_rename *msg = (struct zufs_ioc_rename *)hdr;
	struct raw_node *old_dir = raw_node_of(msg->old_dir_ii), *node;
	struct raw_node *new_dir = raw_node_of(msg->new_dir_ii);
	struct raw_name old_name, new_name, **from, **to;
	int err;

	if (!old_dir || !new_dir || !take_name(&msg->old_d_str, &old_name) ||
	    !take_name(&msg->new_d_str, &new_name))
		return -EINVAL;
	from = find(old_dir, &old_name);
	to = find(new_dir, &new_name);
	if (!*from || (uintptr_t)(*from)->node != msg->old_zus_ii)
		return -ENOENT;
	if (msg->flags & 2)
		return *to ? exchange(old_dir, *from, new_dir, *to) : -ENOENT;
	if (*to && (msg->flags & 1))
		return -EEXIST;
	node = (*from)->node;
	if (*to) {
		err = unlink_node(new_dir, to);
		if (err)
			return err;
		from = find(old_dir, &old_name);
	}
	drop(old_dir, from);
	err = add(new_dir, node, &new_name);
	if (!err && (msg->flags & 4))
		err = leave_whiteout(old_dir, &old_name, (const void *)msg);
	return err;
}

/* ---- readdir ---- */

/* With the NUL, where that can be counted: 0 would be the end of the list. */
static uint8_t len_in_list(const struct raw_name *entry)
{
	bool count_nul = raw_config.of_2019 && entry->len < ZUFS_NAME_LEN;

	return (uint8_t)(entry->len + count_nul);
}

int raw_op_readdir(struct raw_zt *zt, struct zufs_ioc_hdr *hdr)
{
	struct zufs_ioc_readdir *msg = (struct zufs_ioc_readdir *)hdr;
	struct raw_node *dir = raw_node_of(msg->dir_ii);
	char *buf = raw_app_data(zt, hdr);
	struct zufs_readdir_iter it;
	struct raw_name *entry;
	uint64_t pos = msg->pos;

	if (!dir || !buf)
		return -EINVAL;
	if (!is_dir(dir))
		return -ENOTDIR;
	zufs_readdir_iter_init(&it, msg, buf);
	for (entry = dir->names; entry; entry = entry->next) {
		if (entry->pos < pos)
			continue;
		if (!zufs_zde_emit(&it, entry->node->zi->i_ino,
				   (entry->node->zi->i_mode & S_IFMT) >> 12,
				   entry->pos, entry->name, len_in_list(entry)))
			return 0;
	}
	msg->more = 0;
	msg->pos = dir->next_pos;
	return 0;
}
