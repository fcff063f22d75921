// SPDX-License-Identifier: BSD-2-Clause
/*
 * The object of an inode's attributes on media; see xobject.h. Called by xattr.c, which has what
 * keeps the inode's pointer as it is.
 */
#include "xobject.h"

#include <errno.h>
#include <string.h>

/* ---- its parts ---- */

static uint32_t up8(uint32_t n)
{
	return (n + 7) & ~7U;
}

uint32_t tierfs_xattr_bytes(uint32_t name_len, uint32_t value_len)
{
	uint32_t value = tierfs_xattr_is_long(value_len) ? sizeof(struct tierfs_long_value) :
							  up8(value_len);

	return up8((uint32_t)sizeof(struct tierfs_xattr) + name_len) + value;
}

void *tierfs_xattr_value(const struct tierfs_xattr *x)
{
	return (uint8_t *)(uintptr_t)x + up8((uint32_t)sizeof(*x) + x->name_len);
}

const struct tierfs_xattr *tierfs_xattr_next(const struct tierfs_xattrs *o,
					     const struct tierfs_xattr *before)
{
	const uint8_t *at = before ? (const uint8_t *)before + before->bytes :
				     (const uint8_t *)(o + 1);

	return at < (const uint8_t *)o + o->bytes ? (const struct tierfs_xattr *)at : NULL;
}

const struct tierfs_xattr *tierfs_xattr_find(const struct tierfs_xattrs *o, uint32_t type,
					     const char *name)
{
	const struct tierfs_xattr *x = NULL;
	size_t len = strlen(name);

	while (o && (x = tierfs_xattr_next(o, x))) {
		if (x->type == type && x->name_len == len &&
		    !memcmp(tierfs_xattr_name(x), name, len))
			break;
	}
	return x;
}

/* ---- from media, which are not trusted ---- */

static bool is_data(const struct tierfs *fs, const struct tierfs_run *run)
{
	uint64_t bn;

	for (bn = run->bn; bn < run->bn + run->n; bn++) {
		if (tierfs_kind_at(fs, zus_t1_addr(fs->sb.md, bn)) != TIERFS_KIND_DATA)
			return false;
	}
	return true;
}

bool tierfs_xattr_space_add(struct tierfs_xattr_space *space, uint64_t bn, uint64_t n)
{
	uint64_t g, last = (bn + n - 1) / TIERFS_GROUP_BLOCKS;
	uint32_t i;

	for (g = bn / TIERFS_GROUP_BLOCKS; g <= last; g++) {
		for (i = 0; i < space->nr_groups && space->groups[i] != g; i++)
			;
		if (i == TIERFS_XATTR_GROUPS)
			return false;
		if (i == space->nr_groups)
			space->groups[space->nr_groups++] = g;
	}
	return ++space->runs <= TIERFS_XATTR_RUNS_ALL;
}

bool tierfs_xattr_space_add_all(struct tierfs_xattr_space *space, const struct tierfs *fs,
				const struct tierfs_xattr *x)
{
	const struct tierfs_long_value *v = tierfs_xattr_value(x);
	uint64_t blocks = 0, want = tierfs_up(x->value_len);
	uint32_t i;

	if (!tierfs_xattr_is_long(x->value_len))
		return true;
	for (i = 0; i < TIERFS_XATTR_RUNS && blocks < want; i++) {
		struct tierfs_run run = tierfs_word_run(fs, v->run[i]);

		if (!run.n || run.n > want - blocks || !is_data(fs, &run) ||
		    !tierfs_xattr_space_add(space, run.bn, run.n))
			return false;
		blocks += run.n;
	}
	return blocks == want;
}

static bool entry_is_sane(const struct tierfs_xattr *x, uint32_t room)
{
	return room >= sizeof(*x) && x->name_len && x->value_len <= TIERFS_XATTR_MAX &&
		x->bytes == tierfs_xattr_bytes(x->name_len, x->value_len) && x->bytes <= room &&
		zus_xattr_prefix(x->type);
}

/* Are all entries what they should be? */
static bool is_sane(const struct tierfs *fs, const struct tierfs_xattrs *o)
{
	struct tierfs_xattr_space space = { 0 };
	uint32_t at = sizeof(*o), count = 0;

	for (; at < o->bytes; count++) {
		const struct tierfs_xattr *x =
			(const struct tierfs_xattr *)((const uint8_t *)o + at);

		if (!entry_is_sane(x, o->bytes - at) ||
		    !tierfs_xattr_space_add_all(&space, fs, x))
			return false;
		at += x->bytes;
	}
	return count && count == o->count;
}

int tierfs_xattrs_load(const struct tierfs_node *node, const struct tierfs_inode *rec,
		       const struct tierfs_xattrs **out)
{
	struct tierfs *fs = tierfs_fs_of(node);
	const struct tierfs_xattrs *o;

	*out = NULL;
	if (!rec->xattrs)
		return 0;
	o = tierfs_slab_at(fs, rec->xattrs, sizeof(*o));
	if (!o || o->bytes < sizeof(*o) || o->bytes % 8 || o->bytes > rec->xattr_bytes ||
	    !tierfs_slab_at(fs, rec->xattrs, o->bytes))
		return tierfs_broken(fs, node->ino, "the place of attributes");
	if (o->crc != tierfs_crc_head(o, o->bytes))
		return tierfs_broken(fs, node->ino, "the checksum of attributes");
	if (!is_sane(fs, o))
		return tierfs_broken(fs, node->ino, "the object of attributes");
	*out = o;
	return 0;
}
