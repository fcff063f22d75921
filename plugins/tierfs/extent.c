// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where the data of a file is: SEEK_DATA, SEEK_HOLE, for which unwritten blocks are holes; fiemap.
 *
 * Called by the core with the shared lock of the file; what is told may be old news when the
 * application gets it.
 */
#include "data.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <unistd.h>
#include <zus/thread.h>

/* First written block of [*index, end). -ENXIO: there is none. */
static int find_data(const struct tierfs_node *node, uint64_t *index, uint64_t end)
{
	struct tierfs_run run;
	int err;

	while ((*index = tierfs_map_next(node, *index)) < end) {
		err = tierfs_map_find(node, *index, end - *index, &run);
		if (err || (run.bn && !run.unwritten))
			return err;
		*index += run.n;
		if (zus_signal_pending())
			return -EINTR;
	}
	return -ENXIO;
}

/* First block of [*index, end) that is not written, or end. */
static int find_hole(const struct tierfs_node *node, uint64_t *index, uint64_t end)
{
	struct tierfs_run run;
	int err;

	while (*index < end) {
		err = tierfs_map_find(node, *index, end - *index, &run);
		if (err || !run.bn || run.unwritten)
			return err;
		*index += run.n;
		if (zus_signal_pending())
			return -EINTR;
	}
	return 0;
}

int tierfs_seek(struct zus_ii *ii, int whence, uint64_t *offset)
{
	const struct tierfs_node *node = tierfs_node_of(ii);
	uint64_t size = zus_zi_size(ii->zi), index = tierfs_down(*offset), end = tierfs_up(size);
	int err;

	if (node->broken)
		return -EIO;
	if (!S_ISREG(node->type) || (whence != SEEK_DATA && whence != SEEK_HOLE))
		return -EINVAL;
	if (*offset >= size)
		return -ENXIO;
	err = whence == SEEK_DATA ? find_data(node, &index, end) : find_hole(node, &index, end);
	if (!err)
		*offset = tierfs_min(size, tierfs_max(*offset, index << TIERFS_BLOCK_SHIFT));
	return err;
}

/* Blocks that one extent speaks of; it is told when it is known what comes next. */
struct extent {
	uint64_t index;
	uint64_t bn;
	uint64_t n;
	uint32_t flags;
};

static bool tell(struct zus_fiemap *map, const struct extent *e, uint32_t more_flags)
{
	return !e->n || zus_fiemap_add(map, e->index << TIERFS_BLOCK_SHIFT,
				       e->bn << TIERFS_BLOCK_SHIFT, e->n << TIERFS_BLOCK_SHIFT,
				       e->flags | more_flags);
}

/* False: the array is full. */
static bool add_run(struct zus_fiemap *map, struct extent *e, uint64_t index,
		    const struct tierfs_run *run)
{
	struct extent next = {
		.index = index, .bn = run->bn, .n = run->n,
		.flags = run->unwritten ? FIEMAP_EXTENT_UNWRITTEN : 0,
	};

	if (e->n && next.flags == e->flags && next.index == e->index + e->n &&
	    next.bn == e->bn + e->n) {
		e->n += next.n;
		return true;
	}
	if (!tell(map, e, 0))
		return false;
	*e = next;
	return true;
}

/* Looks one extent further than asked, to know whether one is the last. */
int tierfs_fiemap(struct zus_ii *ii, struct zus_fiemap *map)
{
	const struct tierfs_node *node = tierfs_node_of(ii);
	uint64_t end = TIERFS_MAX_SIZE, index = tierfs_down(map->start);
	struct extent e = { .n = 0 };
	struct tierfs_run run;
	int err;

	if (node->broken)
		return -EIO;
	if (!S_ISREG(node->type))
		return -EOPNOTSUPP;
	if (map->start < end && map->length < end - map->start)
		end = map->start + map->length;
	while ((index = tierfs_map_next(node, index)) != UINT64_MAX) {
		if (zus_signal_pending())
			return -EINTR;
		err = tierfs_map_find(node, index, UINT32_MAX, &run);
		if (err)
			return err;
		if (index >= tierfs_up(end)) {
			tell(map, &e, 0);
			return 0;
		}
		if (run.bn && !add_run(map, &e, index, &run))
			return 0;
		index += run.n;
	}
	tell(map, &e, FIEMAP_EXTENT_LAST);
	return 0;
}
