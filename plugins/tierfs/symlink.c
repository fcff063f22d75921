// SPDX-License-Identifier: BSD-2-Clause
/*
 * Targets of symbolic links: in the record of the inode up to 95 bytes, else an object of a slab;
 * with a NUL behind in both cases, for the kernel reads them where they lie.
 *
 * Called by name.c when a link is made and by node.c when one is read or freed. A target never
 * changes. What media say about it is checked before the kernel is told.
 */
#include "tierfs.h"

#include <string.h>

#define MAX_BYTES	((TIERFS_SLAB_MAX + 7) / 8 * 8)

/* Objects of more than that are not in the record, but aside. */
#define MAX_LOGGED	512U

int tierfs_link_store(struct tierfs_tx *tx, struct tierfs_inode *rec, const char *text,
		      uint32_t len)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	uint32_t bytes = (len + 1 + 7) / 8 * 8;
	char copy[MAX_BYTES];
	const void *object;
	int err;

	if (len >= TIERFS_SLAB_MAX)
		return -ENAMETOOLONG;
	rec->size = len;
	if (len <= TIERFS_LINK_INLINE) {
		memset(rec->slots, 0, sizeof(rec->slots));
		memcpy(rec->slots, text, len);
		return 0;
	}
	err = tierfs_slab_alloc(tx, bytes, 0, &object);
	if (err)
		return err;
	memcpy(copy, text, len);
	memset(copy + len, 0, bytes - len);
	if (bytes <= MAX_LOGGED) {
		memcpy(tierfs_tx_new(tx, object, bytes, TIERFS_CRC_NONE), copy, bytes);
	} else {
		tierfs_pm_copy(fs, object, copy, bytes);
		tierfs_tx_aside(tx);
	}
	rec->own_flags |= TIERFS_INODE_LINK_SLAB;
	rec->slots[0] = tierfs_place(fs, object);
	return 0;
}

/* The text in T1, or NULL if there is none that can be one. */
static const char *text_of(const struct tierfs *fs, const struct tierfs_inode *rec)
{
	const char *text = (const char *)rec->slots;

	if (rec->own_flags & TIERFS_INODE_LINK_SLAB)
		text = rec->size < TIERFS_SLAB_MAX ?
			tierfs_slab_at(fs, rec->slots[0], (uint32_t)rec->size + 1) : NULL;
	else if (rec->size > TIERFS_LINK_INLINE)
		return NULL;
	return text && !text[rec->size] ? text : NULL;
}

void tierfs_link_show(struct tierfs_node *node)
{
	struct tierfs *fs = tierfs_fs_of(node);
	const char *text = text_of(fs, node->rec);
	struct zus_inode *zi = node->ii.zi;

	memset(zi->i_symlink, 0, sizeof(zi->i_symlink));
	if (!text) {
		tierfs_broken(fs, node->ino, "symbolic link");
		node->broken = true;
	} else if (node->rec->size < sizeof(zi->i_symlink)) {
		memcpy(zi->i_symlink, text, node->rec->size);
	} else {
		zus_zi_set_symlink(zi, zus_t1_dpp(fs->sb.md, text));
	}
}

int tierfs_link_free(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec)
{
	struct tierfs *fs = tierfs_fs_of(node);
	const void *object;

	if (!(rec->own_flags & TIERFS_INODE_LINK_SLAB))
		return 0;
	object = tierfs_slab_at(fs, rec->slots[0], 1);
	if (!object)
		return tierfs_broken(fs, node->ino, "symbolic link");
	tierfs_slab_free(tx, object);
	rec->own_flags &= (uint16_t)~TIERFS_INODE_LINK_SLAB;
	memset(rec->slots, 0, sizeof(rec->slots));
	return 0;
}
