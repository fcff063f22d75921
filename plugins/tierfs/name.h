/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What name.c and rename.c share: the rules of link counts and of what is put into a directory.
 */
#ifndef TIERFS_NAME_H
#define TIERFS_NAME_H

#include <errno.h>
#include <stdint.h>
#include "tierfs.h"

#define TIERFS_MAX_LINKS	((uint32_t)INT32_MAX)

static inline uint8_t tierfs_dtype(const struct tierfs_node *node)
{
	return (uint8_t)(node->type >> 12);
}

/* One more link. -EMLINK. */
static inline int tierfs_link_more(struct tierfs_inode *rec)
{
	if (rec->nlink >= TIERFS_MAX_LINKS)
		return -EMLINK;
	rec->nlink++;
	return 0;
}

/*
 * A directory before names are put in or taken out: not broken, and nothing is left of names that
 * went before the server ended. 0, -EIO, -ENOSPC.
 */
int tierfs_dir_ready(struct tierfs_node *dir);
/*
 * A name of a locked node has gone from dir; drec, rec: their records. The last one of a directory
 * takes its "." along; without links the inode is an orphan. -EIO.
 */
int tierfs_name_gone(struct tierfs_tx *tx, struct tierfs_inode *drec, struct tierfs_node *node,
		     struct tierfs_inode *rec);
/* After a commit: what an emptied directory still has goes; if it cannot, it goes later. */
void tierfs_dir_settle(struct tierfs_node *dir);

#endif /* TIERFS_NAME_H */
