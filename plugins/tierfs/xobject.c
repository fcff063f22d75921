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

uint32_t tierfs_xattr_runs(const struct tierfs *fs, const struct tierfs_xattr *x)
{
	const struct tierfs_long_value *v = tierfs_xattr_value(x);
	uint64_t blocks = 0, want = tierfs_up(x->value_len);
	uint32_t i;

	for (i = 0; i < TIERFS_XATTR_RUNS && blocks < want; i++) {
		struct tierfs_run run = tierfs_word_run(fs, v->run[i]);

		if (!run.n || run.n > want - blocks || !is_data(fs, &run))
			return 0;
		blocks += run.n;
	}
	return blocks == want ? i : 0;
}

static bool entry_is_sane(const struct tierfs_xattr *x, uint32_t room)
{
	return room >= sizeof(*x) && x->name_len && x->value_len <= TIERFS_XATTR_MAX &&
		x->bytes == tierfs_xattr_bytes(x->name_len, x->value_len) && x->bytes <= room &&
		zus_xattr_prefix(x->type);
}

/* Are all entries what they should be? *runs: of all values. */
static bool is_sane(const struct tierfs *fs, const struct tierfs_xattrs *o, uint32_t *runs)
{
	uint32_t at = sizeof(*o), count = 0, n;

	for (*runs = 0; at < o->bytes; count++) {
		const struct tierfs_xattr *x =
			(const struct tierfs_xattr *)((const uint8_t *)o + at);

		if (!entry_is_sane(x, o->bytes - at))
			return false;
		n = tierfs_xattr_is_long(x->value_len) ? tierfs_xattr_runs(fs, x) : 0;
		if (tierfs_xattr_is_long(x->value_len) && !n)
			return false;
		*runs += n;
		at += x->bytes;
	}
	return count && count == o->count && *runs <= TIERFS_XATTR_RUNS_ALL;
}

int tierfs_xattrs_load(const struct tierfs_node *node, const struct tierfs_inode *rec,
		       const struct tierfs_xattrs **out, uint32_t *runs)
{
	struct tierfs *fs = tierfs_fs_of(node);
	const struct tierfs_xattrs *o;

	*out = NULL;
	*runs = 0;
	if (!rec->xattrs)
		return 0;
	o = tierfs_slab_at(fs, rec->xattrs, sizeof(*o));
	if (!o || o->bytes < sizeof(*o) || o->bytes % 8 || o->bytes > rec->xattr_bytes ||
	    !tierfs_slab_at(fs, rec->xattrs, o->bytes))
		return tierfs_broken(fs, node->ino, "the place of attributes");
	if (o->crc != tierfs_crc_head(o, o->bytes))
		return tierfs_broken(fs, node->ino, "the checksum of attributes");
	if (!is_sane(fs, o, runs))
		return tierfs_broken(fs, node->ino, "attributes");
	*out = o;
	return 0;
}
