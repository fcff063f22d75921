// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where the data of a file is: SEEK_DATA, SEEK_HOLE, for which unwritten blocks are holes; fiemap.
 *
 * Called by the core with the shared lock of the file; what is told may be old news when the
 * application gets it.
 */
#include "data.h"

#include <linux/fiemap.h>
#include <unistd.h>

int memofs_seek(struct zus_ii *ii, int whence, uint64_t *offset)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t size = zus_zi_size(ii->zi), pos = size;
	struct memofs_walk w;
	struct memofs_run r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (*offset >= size)
		return -ENXIO;
	memofs_walk_bytes(&w, mi, *offset, size);
	while (memofs_walk_data(&w, &r)) {
		if ((whence == SEEK_DATA) == (r.bn != 0)) {
			pos = r.index << ZUS_BLOCK_SHIFT;
			break;
		}
	}
	if (pos == size && whence == SEEK_DATA)
		return -ENXIO;
	if (pos > *offset)
		*offset = pos;
	return 0;
}

/* Blocks that one extent speaks of; it is told when it is known what comes next. */
struct extent {
	struct memofs_run run;
	uint32_t flags;
};

static bool tell(struct zus_fiemap *map, const struct extent *e, uint32_t more_flags)
{
	return !e->run.n || zus_fiemap_add(map, e->run.index << ZUS_BLOCK_SHIFT,
					   e->run.bn << ZUS_BLOCK_SHIFT,
					   e->run.n << ZUS_BLOCK_SHIFT, e->flags | more_flags);
}

static bool goes_on(const struct extent *e, const struct extent *next)
{
	return e->run.n && next->flags == e->flags &&
		next->run.index == e->run.index + e->run.n &&
		next->run.bn == e->run.bn + e->run.n;
}

/* The extents of a run, which may be shared or unwritten in part. False: the array is full. */
static bool add_run(const struct memofs_inode *mi, struct zus_fiemap *map, struct extent *e,
		    struct memofs_run r)
{
	while (r.n) {
		struct extent next = { .run = r };
		bool shared, unwritten;

		next.run.n = memofs_unwritten_run(mi, &r, &unwritten);
		next.run.n = memofs_owners_run(memofs_sb_of_inode(mi), r.bn, next.run.n, &shared);
		next.flags = (shared ? FIEMAP_EXTENT_SHARED : 0) |
			     (unwritten ? FIEMAP_EXTENT_UNWRITTEN : 0);
		r.index += next.run.n;
		r.bn += next.run.n;
		r.n -= next.run.n;
		if (goes_on(e, &next)) {
			e->run.n += next.run.n;
			continue;
		}
		if (!tell(map, e, 0))
			return false;
		*e = next;
	}
	return true;
}

/* Looks one extent further than asked, to know whether one is the last. */
int memofs_fiemap(struct zus_ii *ii, struct zus_fiemap *map)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	struct extent e = { .flags = 0 };
	uint64_t end = MEMOFS_MAX_BYTES;
	struct memofs_walk w;
	struct memofs_run r;

	if (map->start < end && map->length < end - map->start)
		end = map->start + map->length;
	memofs_walk_bytes(&w, mi, map->start, MEMOFS_MAX_BYTES);
	while (memofs_walk_next(&w, &r)) {
		if (!r.bn)
			continue;
		if (r.index >= memofs_blocks_up(end)) {
			tell(map, &e, 0);
			return 0;
		}
		if (!add_run(mi, map, &e, r))
			return 0;
	}
	tell(map, &e, FIEMAP_EXTENT_LAST);
	return 0;
}
