// SPDX-License-Identifier: BSD-2-Clause
/*
 * Extended attributes: a list per inode, in plain memory. ACLs are attributes like others
 * (ZUFS_XATTR_SYSTEM): the kernel, which is told so by ZUFS_FSC_ACL_ON, reads, sets and obeys
 * them. The kernel's lock of an inode's attributes excludes setxattr from all the rest.
 *
 * What one inode may have is limited, and all of them together have an account (heap.c), so that
 * attributes cannot eat up the server's memory; the names of an inode fit one listxattr(2).
 */
#include "memofs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define INODE_MAX_BYTES		((uint64_t)256 << 10)	/* names and values */
#define INODE_MAX_LIST		((uint64_t)64 << 10)	/* names with prefixes: XATTR_LIST_MAX */

struct memofs_xattr {
	struct memofs_xattr *next;
	uint32_t type;			/* ZUFS_XATTR_* */
	uint32_t size;			/* of the value */
	uint32_t name_len;		/* with the NUL */
	char name[];			/* and the value behind it */
};

static uint64_t bytes_of(const struct memofs_xattr *x)
{
	return x ? sizeof(*x) + x->name_len + x->size : 0;
}

static uint64_t list_len(const struct memofs_xattr *x)
{
	return x ? strlen(zus_xattr_prefix(x->type)) + x->name_len : 0;
}

/* Where the attribute hangs, or the end of the list. */
static struct memofs_xattr **find(struct memofs_inode *mi, uint32_t type, const char *name)
{
	struct memofs_xattr **at;

	for (at = &mi->xattrs; *at; at = &(*at)->next) {
		if ((*at)->type == type && !strcmp((*at)->name, name))
			break;
	}
	return at;
}

ssize_t memofs_getxattr(struct zus_ii *ii, uint32_t type, const char *name, void *value,
			size_t size)
{
	const struct memofs_xattr *x = *find(memofs_inode_of(ii), type, name);

	if (!x)
		return -ENODATA;
	if (!size)
		return x->size;
	if (x->size > size)
		return -ERANGE;
	memcpy(value, x->name + x->name_len, x->size);
	return x->size;
}

ssize_t memofs_listxattr(struct zus_ii *ii, char *buf, size_t size, uint32_t flags)
{
	const struct memofs_xattr *x;
	size_t len = 0;

	for (x = memofs_inode_of(ii)->xattrs; x; x = x->next) {
		const char *prefix = zus_xattr_prefix(x->type);
		size_t prefix_len = strlen(prefix);

		if (x->type == ZUFS_XATTR_TRUSTED_NS && !(flags & ZUFS_XATTR_TRUSTED))
			continue;
		if (size) {
			if (size - len < list_len(x))
				return -ERANGE;
			memcpy(buf + len, prefix, prefix_len);
			memcpy(buf + len + prefix_len, x->name, x->name_len);
		}
		len += list_len(x);
	}
	return (ssize_t)len;
}

static void drop(struct memofs_sb *msb, struct memofs_xattr *x)
{
	memofs_heap_free(msb, &msb->xattrs, x, bytes_of(x));
}

static int make(struct memofs_sb *msb, uint32_t type, const char *name, const void *value,
		size_t size, struct memofs_xattr **out)
{
	size_t name_len = strlen(name) + 1;
	uint64_t bytes = sizeof(**out) + name_len + size;
	struct memofs_xattr *x;
	int err;

	x = memofs_heap_alloc(msb, &msb->xattrs, bytes, &err);
	if (!x)
		return err;
	x->type = type;
	x->size = (uint32_t)size;
	x->name_len = (uint32_t)name_len;
	memcpy(x->name, name, name_len);
	memcpy(x->name + name_len, value, size);
	*out = x;
	return 0;
}

/* Puts `x` where `*at` is; either may be none. */
static int replace(struct memofs_inode *mi, struct memofs_xattr **at, struct memofs_xattr *x)
{
	struct memofs_xattr *old = *at;
	uint64_t bytes = mi->xattr_bytes - bytes_of(old) + bytes_of(x);
	uint64_t list = mi->xattr_list - list_len(old) + list_len(x);

	if (x && (bytes > INODE_MAX_BYTES || list > INODE_MAX_LIST))
		return -ENOSPC;
	mi->xattr_bytes = bytes;
	mi->xattr_list = list;
	if (x)
		x->next = old ? old->next : NULL;
	*at = x ? x : old->next;
	if (old)
		drop(memofs_sb_of_inode(mi), old);
	/* the kernel does not ask about an inode that has none */
	zus_zi_set_xattr(mi->ii.zi, bytes);
	return 0;
}

int memofs_setxattr(struct zus_ii *ii, uint32_t type, const char *name, const void *value,
		    size_t size, uint32_t flags)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	struct memofs_sb *msb = memofs_sb_of_inode(mi);
	struct memofs_xattr **at = find(mi, type, name), *x = NULL;
	int err;

	if (*at && flags & XATTR_CREATE)
		return -EEXIST;
	if (!*at && (!value || flags & XATTR_REPLACE))
		return -ENODATA;
	err = value ? make(msb, type, name, value, size, &x) : 0;
	if (err)
		return err;
	err = replace(mi, at, x);
	if (err)
		drop(msb, x);
	return err;
}

void memofs_xattrs_fini(struct memofs_inode *mi)
{
	struct memofs_xattr *x;

	while ((x = mi->xattrs)) {
		mi->xattrs = x->next;
		drop(memofs_sb_of_inode(mi), x);
	}
}
