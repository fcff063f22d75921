/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The object that holds all attributes of an inode: its entries, and how it is got from media.
 * Private to xattr.c and xobject.c; fsck may use it too. No locks: an object never changes.
 */
#ifndef TIERFS_XOBJECT_H
#define TIERFS_XOBJECT_H

#include "tierfs.h"

#define TIERFS_XATTR_MAX	65536U	/* bytes of a value */

/* What stands in an entry instead of a value of more than TIERFS_XATTR_INLINE bytes. */
struct tierfs_long_value {
	uint32_t crc;			/* CRC32C of the value */
	uint32_t zero;
	uint64_t run[TIERFS_XATTR_RUNS];	/* words of a map */
};

TIERFS_SIZE_IS(tierfs_long_value, 136);

static inline bool tierfs_xattr_is_long(uint32_t value_len)
{
	return value_len > TIERFS_XATTR_INLINE;
}

static inline const char *tierfs_xattr_name(const struct tierfs_xattr *x)
{
	return (const char *)(x + 1);
}

/* Of an entry with a name and a value of so many bytes. */
uint32_t tierfs_xattr_bytes(uint32_t name_len, uint32_t value_len);
/* Its value, or its struct tierfs_long_value. */
void *tierfs_xattr_value(const struct tierfs_xattr *x);
/* The entry behind another one, NULL = there is none; before NULL: the first one. */
const struct tierfs_xattr *tierfs_xattr_next(const struct tierfs_xattrs *o,
					     const struct tierfs_xattr *before);
/* By its name; o may be NULL. NULL = there is none. */
const struct tierfs_xattr *tierfs_xattr_find(const struct tierfs_xattrs *o, uint32_t type,
					     const char *name);

/* What long values have in T1: groups are those of the linear T1. */
struct tierfs_xattr_space {
	uint32_t runs;
	uint32_t nr_groups;
	uint64_t groups[TIERFS_XATTR_GROUPS];
};

/* One run more, of n blocks; false: it is one too many. */
bool tierfs_xattr_space_add(struct tierfs_xattr_space *space, uint64_t bn, uint64_t n);
/* Those of an entry, if its value is long; false: also if they are not what its length says. */
bool tierfs_xattr_space_add_all(struct tierfs_xattr_space *space, const struct tierfs *fs,
				const struct tierfs_xattr *x);
/*
 * The object of an inode, so well checked that the functions above may be used, or NULL if it has
 * none. 0 or -EIO.
 */
int tierfs_xattrs_load(const struct tierfs_node *node, const struct tierfs_inode *rec,
		       const struct tierfs_xattrs **out);

#endif /* TIERFS_XOBJECT_H */
