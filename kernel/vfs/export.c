// SPDX-License-Identifier: GPL-2.0-only
/*
 * export.c - file handles: for knfsd, open_by_handle_at(2), overlayfs
 *
 * A handle has the inode number (64 bits) and the generation, and those of the parent if it must
 * be connectable. If an inode is not in the cache the server is asked for it by number (IGET).
 * Without IGET a handle lives only as long as the inode is cached. An inode that cannot be found
 * gives -ESTALE; the VFS turns every error into that.
 */
#include <linux/exportfs.h>
#include <linux/fs.h>

#include "dispatch.h"
#include "export.h"
#include "inode.h"
#include "namei.h"
#include "sb.h"

/* Part of a handle, so its layout must not change; lengths count words of 4 bytes. */
struct handle_node {
	__le32 ino_low, ino_high;
	__le32 generation;
};

struct handle {
	struct handle_node node;
	struct handle_node parent;	/* HANDLE_WITH_PARENT only */
};

/* Types of handles: the numbers that mean the same in other file systems. */
#define HANDLE_PLAIN		0x81
#define HANDLE_WITH_PARENT	0x82

#define NODE_WORDS ((int)(sizeof(struct handle_node) / sizeof(__le32)))

static void encode_node(struct handle_node *node, const struct inode *inode)
{
	node->ino_low = cpu_to_le32(lower_32_bits(inode->i_ino));
	node->ino_high = cpu_to_le32(upper_32_bits(inode->i_ino));
	node->generation = cpu_to_le32(inode->i_generation);
}

static int zuf_encode_fh(struct inode *inode, __u32 *words, int *max_len, struct inode *parent)
{
	struct handle *handle = (struct handle *)words;
	int len = parent ? 2 * NODE_WORDS : NODE_WORDS;

	if (*max_len < len) {
		*max_len = len;
		return FILEID_INVALID;
	}
	*max_len = len;
	encode_node(&handle->node, inode);
	if (!parent)
		return HANDLE_PLAIN;
	encode_node(&handle->parent, parent);
	return HANDLE_WITH_PARENT;
}

/* ---- from a handle to an inode ---- */

static struct inode *ask_server(struct super_block *sb, u64 ino, u32 generation)
{
	struct zuf_sb *zsb = ZUF_SB(sb);
	struct zufs_ioc_iget msg = {
		.hdr = ZUF_HDR(ZUFS_OP_IGET, offsetof(typeof(msg), _zi),
			       offsetof(typeof(msg), _zi),
			       sizeof(msg) - offsetof(typeof(msg), _zi)),
		.zus_sbi = zsb->zus_sbi,
		.ino = ino,
		.generation = generation,
	};
	struct zuf_op op = ZUF_OP(&msg, ZUF_OUT(struct zufs_ioc_iget, _zi, sizeof(msg)));
	int err;

	if (!(zsb->fs_caps & ZUFS_FSC_IGET))
		return ERR_PTR(-ESTALE);
	err = zuf_dispatch(zsb, &op);
	if (!err && op.answered < sizeof(msg) - offsetof(typeof(msg), _zi))
		err = -EIO;
	return err ? ERR_PTR(err) : zuf_iget(sb, msg._zi, msg.zus_ii);
}

static struct dentry *find_node(struct super_block *sb, const struct handle_node *node)
{
	u64 ino = (u64)le32_to_cpu(node->ino_high) << 32 | le32_to_cpu(node->ino_low);
	u32 generation = le32_to_cpu(node->generation);
	struct inode *inode = NULL;

	if (ino)
		inode = ilookup(sb, ino);
	if (ino && !inode)
		inode = ask_server(sb, ino, generation);
	if (IS_ERR_OR_NULL(inode))
		return inode ? ERR_CAST(inode) : ERR_PTR(-ESTALE);
	if (inode->i_ino != ino || inode->i_generation != generation) {
		iput(inode);
		return ERR_PTR(-ESTALE);
	}
	return d_obtain_alias(inode);
}

static struct dentry *zuf_fh_to_dentry(struct super_block *sb, struct fid *fid, int len, int type)
{
	const struct handle *handle = (const struct handle *)fid->raw;

	if (len < NODE_WORDS || (type != HANDLE_PLAIN && type != HANDLE_WITH_PARENT))
		return NULL;
	return find_node(sb, &handle->node);
}

static struct dentry *zuf_fh_to_parent(struct super_block *sb, struct fid *fid, int len, int type)
{
	const struct handle *handle = (const struct handle *)fid->raw;

	if (len < 2 * NODE_WORDS || type != HANDLE_WITH_PARENT)
		return NULL;
	return find_node(sb, &handle->parent);
}

/* Context: the VFS holds the inode lock of the child. */
static struct dentry *zuf_get_parent(struct dentry *child)
{
	static const struct qstr dotdot = QSTR_INIT("..", 2);

	return d_obtain_alias(zuf_lookup_name(d_inode(child), &dotdot));
}

const struct export_operations zuf_export_ops = {
	.encode_fh = zuf_encode_fh,
	.fh_to_dentry = zuf_fh_to_dentry,
	.fh_to_parent = zuf_fh_to_parent,
	.get_parent = zuf_get_parent,
	ZUF_EXPORT_OPS
};
