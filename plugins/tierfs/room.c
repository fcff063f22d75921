// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where a directory has room for a new entry, as far as its handle knows: a byte for each block,
 * the largest gap in units, and the largest of each 256 bytes, so that a new name is not paid with
 * a look at every block.
 *
 * Called by entry.c, with the node's lock. The bytes are hints: a gap may be smaller than they say
 * (a block that nobody has looked at counts as empty, a transaction may have been aborted), and
 * who finds it smaller says so. They are made for the first new name and go with the handle;
 * without memory for them a directory grows at its end. A handle that is new looks at a few blocks
 * only, each one at others, so that a directory does not grow for ever if handles live short.
 */
#include "dir.h"

#include <string.h>
#include <zus/mem.h>

#define SPAN	256U			/* bytes with one maximum */

struct tierfs_room {
	uint64_t max;			/* blocks that there is memory for, a multiple of SPAN */
	uint64_t start;			/* where searches begin: another place for each handle */
	uint8_t *most;			/* of each span: no gap in it is larger */
	uint8_t *gap;
};

unsigned int tierfs_room_fit(const uint64_t used[2], unsigned int units)
{
	unsigned int at = tierfs_next_unit(used, 0, false), end;

	while (at < TIERFS_DIR_UNITS) {
		end = tierfs_next_unit(used, at, true);
		if (end - at >= units)
			return at;
		at = tierfs_next_unit(used, end, false);
	}
	return TIERFS_DIR_UNITS;
}

unsigned int tierfs_room_gap(const uint64_t used[2])
{
	unsigned int at = tierfs_next_unit(used, 0, false), end, gap = 0;

	while (at < TIERFS_DIR_UNITS) {
		end = tierfs_next_unit(used, at, true);
		if (end - at > gap)
			gap = end - at;
		at = tierfs_next_unit(used, end, false);
	}
	return gap;
}

static struct tierfs_room *room_new(const struct zus_env *env, uint64_t max, uint64_t start)
{
	struct tierfs_room *r = zus_alloc(env, sizeof(*r) + max / SPAN + max);

	if (!r)
		return NULL;
	r->max = max;
	r->start = start;
	r->most = (uint8_t *)(r + 1);
	r->gap = r->most + max / SPAN;
	memset(r->most, TIERFS_ROOM_ANY, max / SPAN);
	memset(r->gap, TIERFS_ROOM_ANY, max);
	return r;
}

bool tierfs_room_load(struct tierfs_node *dir, uint64_t blocks)
{
	const struct zus_env *env = dir->ii.sb->env;
	struct tierfs_room *old = dir->room, *r;

	if (old && blocks <= old->max)
		return true;
	r = room_new(env, (blocks + blocks / 2 + SPAN) / SPAN * SPAN,
		     old ? old->start : dir->rec->changes % blocks);
	if (r && old) {
		memcpy(r->most, old->most, old->max / SPAN);
		memcpy(r->gap, old->gap, old->max);
	}
	zus_free(env, old);
	dir->room = r;
	return r;
}

void tierfs_room_free(struct tierfs_node *dir)
{
	zus_free(dir->ii.sb->env, dir->room);
	dir->room = NULL;
}

/* First block of [from, end), which lies in one span; of a whole span the maximum is right then. */
static uint64_t find_in_span(struct tierfs_room *r, uint64_t from, uint64_t end,
			     unsigned int units)
{
	uint64_t i;
	uint8_t most = 0;

	if (r->most[from / SPAN] < units)
		return UINT64_MAX;
	for (i = from; i < end; i++) {
		if (r->gap[i] >= units)
			return i;
		if (r->gap[i] > most)
			most = r->gap[i];
	}
	if (end - from == SPAN)
		r->most[from / SPAN] = most;
	return UINT64_MAX;
}

static uint64_t find_between(struct tierfs_room *r, uint64_t from, uint64_t end,
			     unsigned int units)
{
	uint64_t found = UINT64_MAX, next;

	for (; from < end && found == UINT64_MAX; from = next) {
		next = tierfs_min(from - from % SPAN + SPAN, end);
		found = find_in_span(r, from, next, units);
	}
	return found;
}

uint64_t tierfs_room_find(struct tierfs_node *dir, uint64_t blocks, unsigned int units)
{
	struct tierfs_room *r = dir->room;
	uint64_t found;

	if (!r)
		return UINT64_MAX;
	blocks = tierfs_min(blocks, r->max);
	found = find_between(r, tierfs_min(r->start, blocks), blocks, units);
	if (found == UINT64_MAX)
		found = find_between(r, 0, tierfs_min(r->start, blocks), units);
	return found;
}

bool tierfs_room_may_fit(const struct tierfs_node *dir, uint64_t index, unsigned int units)
{
	const struct tierfs_room *r = dir->room;

	return !r || index >= r->max || r->gap[index] >= units;
}

void tierfs_room_set(struct tierfs_node *dir, uint64_t index, unsigned int gap)
{
	struct tierfs_room *r = dir->room;

	if (!r || index >= r->max)
		return;
	r->gap[index] = (uint8_t)gap;
	if (r->most[index / SPAN] < gap)
		r->most[index / SPAN] = (uint8_t)gap;
}
