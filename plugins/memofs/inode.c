// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inodes: made, found by number, freed. The shared inodes lie in T1, 32 in a block; a block
 * whose inodes are all free goes back to the allocator. The tables are cut into shards, each
 * with a lock; a CPU makes its inodes in a shard of its own.
 *
 * Life: the handle (memofs_inode) exists as long as the inode does, whether the kernel knows
 * it or not. Its reference count is 1 for existing, plus those of the kernel. free_inode takes
 * the 1 away (once), so whoever drops the last reference destroys the inode, be it a
 * late evict of a lookup that lost a race.
 */
#include "data.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zus/thread.h>

/* Numbers: block and slot (from 1), then the shard in the lowest digits. */
static uint64_t make_ino(unsigned int shard, uint32_t block, unsigned int slot)
{
	return ((uint64_t)block * MEMOFS_PER_BLOCK + slot + 1) * MEMOFS_SHARDS + shard;
}

static struct memofs_shard *shard_of(struct memofs_sb *msb, uint64_t ino)
{
	return &msb->shards[ino % MEMOFS_SHARDS];
}

/* The block that an inode number is in, or NULL; under the shard's lock. */
static struct memofs_iblock *find_block(struct memofs_shard *s, uint64_t ino,
					unsigned int *slot)
{
	uint64_t n = ino / MEMOFS_SHARDS;

	if (!n || (n - 1) / MEMOFS_PER_BLOCK >= s->count)
		return NULL;
	*slot = (n - 1) % MEMOFS_PER_BLOCK;
	return s->blocks[(n - 1) / MEMOFS_PER_BLOCK];
}

static void *alloc_handles(struct memofs_sb *msb, uint64_t bytes, int *err)
{
	return memofs_heap_alloc(msb, &msb->handles, bytes, err);
}

static void free_handles(struct memofs_sb *msb, void *mem, uint64_t bytes)
{
	memofs_heap_free(msb, &msb->handles, mem, bytes);
}

static int grow_table(struct memofs_sb *msb, struct memofs_shard *s)
{
	uint32_t max = s->max ? s->max * 2 : 16;
	struct memofs_iblock **blocks;
	int err;

	if (s->count < s->max)
		return 0;
	blocks = alloc_handles(msb, max * sizeof(*blocks), &err);
	if (!blocks)
		return err;
	if (s->count)
		memcpy(blocks, s->blocks, s->count * sizeof(*blocks));
	free_handles(msb, s->blocks, s->max * sizeof(*blocks));
	s->blocks = blocks;
	s->max = max;
	return 0;
}

/* A block record without a T1 block, on the list of empty ones. */
static int add_empty_block(struct memofs_sb *msb, struct memofs_shard *s)
{
	struct memofs_iblock *b;
	int err = grow_table(msb, s);

	if (err)
		return err;
	b = alloc_handles(msb, sizeof(*b), &err);
	if (!b)
		return err;
	b->index = s->count;
	s->blocks[s->count++] = b;
	LIST_INSERT_HEAD(&s->empty, b, link);
	return 0;
}

/* Puts a block with free inodes on the list of partial ones. */
static int refill(struct memofs_sb *msb, struct memofs_shard *s)
{
	struct memofs_iblock *b;
	uint64_t bn;
	int err;

	if (LIST_EMPTY(&s->empty)) {
		err = add_empty_block(msb, s);
		if (err)
			return err;
	}
	bn = memofs_block_alloc(msb);
	if (!bn)
		return -ENOSPC;
	memset(zus_t1_addr(msb->sb.md, bn), 0, ZUS_BLOCK_SIZE);
	b = LIST_FIRST(&s->empty);
	LIST_REMOVE(b, link);
	b->bn = bn;
	LIST_INSERT_HEAD(&s->partial, b, link);
	return 0;
}

/* Gives `mi` a place, a number and a generation. */
static int attach(struct memofs_sb *msb, unsigned int shard, struct memofs_inode *mi,
		  struct zus_inode *zi)
{
	struct memofs_shard *s = &msb->shards[shard];
	struct zus_inode *place;
	struct memofs_iblock *b;
	unsigned int slot;
	int err = 0;

	pthread_mutex_lock(&s->lock);
	if (LIST_EMPTY(&s->partial))
		err = refill(msb, s);
	if (err)
		goto out;
	b = LIST_FIRST(&s->partial);
	slot = (unsigned int)__builtin_ctz(~b->used);
	b->used |= 1U << slot;
	if (b->used == UINT32_MAX)
		LIST_REMOVE(b, link);
	b->inodes[slot] = mi;
	mi->ino = make_ino(shard, b->index, slot);
	zus_zi_set_ino(zi, mi->ino);
	zus_zi_set_generation(zi, ++s->generation);
	place = (struct zus_inode *)zus_t1_addr(msb->sb.md, b->bn) + slot;
	*place = *zi;
	zus_ii_init(&mi->ii, &msb->sb, place);
	zus_ii_get(&mi->ii);
out:
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* Takes its place and its number away. */
static void detach(struct memofs_sb *msb, struct memofs_inode *mi)
{
	struct memofs_shard *s = shard_of(msb, mi->ino);
	struct memofs_iblock *b;
	unsigned int slot;

	pthread_mutex_lock(&s->lock);
	b = find_block(s, mi->ino, &slot);
	memset(mi->ii.zi, 0, sizeof(*mi->ii.zi));
	if (b->used == UINT32_MAX)
		LIST_INSERT_HEAD(&s->partial, b, link);
	b->used &= ~(1U << slot);
	b->inodes[slot] = NULL;
	if (!b->used) {
		memofs_blocks_free(msb, b->bn, 1);
		b->bn = 0;
		LIST_REMOVE(b, link);
		LIST_INSERT_HEAD(&s->empty, b, link);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Frees data, names or target, and attributes, then the inode itself. */
static void destroy(struct memofs_inode *mi)
{
	struct memofs_sb *msb = memofs_sb_of_inode(mi);

	if (S_ISDIR(mi->type))
		memofs_dir_fini(mi);
	else if (S_ISREG(mi->type) || S_ISLNK(mi->type))
		memofs_map_drop(mi, 0, UINT64_MAX);
	memofs_share_fini(mi);
	memofs_xattrs_fini(mi);
	detach(msb, mi);
	free_handles(msb, mi, sizeof(*mi));
	__atomic_fetch_sub(&msb->inodes, 1, __ATOMIC_RELAXED);
}

static bool count_inode(struct memofs_sb *msb)
{
	uint64_t n = __atomic_add_fetch(&msb->inodes, 1, __ATOMIC_RELAXED);
	uint64_t max;

	max = __atomic_load_n(&msb->opts.nr_inodes, __ATOMIC_RELAXED);
	if (!max || n <= max)
		return true;
	__atomic_fetch_sub(&msb->inodes, 1, __ATOMIC_RELAXED);
	return false;
}

/* A copy of what the kernel wants, without anything that only the file system may set. */
static void fill_zi(struct zus_inode *zi, const struct zus_inode *from)
{
	uint32_t type = zus_zi_mode(from) & S_IFMT;
	uint64_t keep = 0;		/* bytes of the union */

	*zi = *from;
	if (!S_ISLNK(type))
		zus_zi_set_size(zi, 0);
	if (S_ISLNK(type) && zus_zi_size(zi) < sizeof(zi->i_symlink))
		keep = zus_zi_size(zi);
	else if (S_ISCHR(type) || S_ISBLK(type))
		keep = sizeof(zi->i_rdev);
	memset(zi->i_symlink + keep, 0, sizeof(zi->i_symlink) - keep);
	memset(&zi->i_on_disk, 0, sizeof(zi->i_on_disk));
	zus_zi_set_btime(zi, zus_zi_ctime(from));
	zus_zi_set_blocks(zi, 0);
	zus_zi_set_xattr(zi, 0);
	zus_nlink_new(zi);
}

int memofs_inode_new(struct memofs_sb *msb, const struct zus_inode *from,
		     struct memofs_inode **out)
{
	unsigned int i, first = (unsigned int)zus_current_cpu();
	struct memofs_inode *mi;
	struct zus_inode zi;
	int err;

	if (!count_inode(msb))
		return -ENOSPC;
	mi = alloc_handles(msb, sizeof(*mi), &err);
	if (!mi)
		goto err_count;
	fill_zi(&zi, from);
	mi->type = zus_zi_mode(&zi) & S_IFMT;
	/* without space for another block a shard may still have a free inode */
	err = -ENOSPC;
	for (i = 0; err == -ENOSPC && i < MEMOFS_SHARDS; i++)
		err = attach(msb, (first + i) % MEMOFS_SHARDS, mi, &zi);
	if (err)
		goto err_free;
	*out = mi;
	return 0;

err_free:
	free_handles(msb, mi, sizeof(*mi));
err_count:
	__atomic_fetch_sub(&msb->inodes, 1, __ATOMIC_RELAXED);
	return err;
}

int memofs_iget(struct zus_sb *sb, uint64_t ino, struct zus_ii **ii)
{
	struct memofs_shard *s = shard_of(memofs_sb_of(sb), ino);
	struct memofs_inode *mi = NULL;
	struct memofs_iblock *b;
	unsigned int slot;

	pthread_mutex_lock(&s->lock);
	b = find_block(s, ino, &slot);
	if (b)
		mi = b->inodes[slot];
	if (mi && mi->dead)
		mi = NULL;
	if (mi)
		zus_ii_get(&mi->ii);
	pthread_mutex_unlock(&s->lock);
	if (!mi)
		return -ESTALE;
	*ii = &mi->ii;
	return 0;
}

void memofs_evict(struct zus_ii *ii, uint64_t flags)
{
	if (!(flags & ZI_LOOKUP_RACE))
		memofs_contract_left_over(memofs_inode_of(ii));
	if (zus_ii_put(ii))
		destroy(memofs_inode_of(ii));
}

void memofs_free_inode(struct zus_ii *ii)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	struct memofs_shard *s = shard_of(memofs_sb_of(ii->sb), mi->ino);
	bool was_dead;

	pthread_mutex_lock(&s->lock);
	was_dead = mi->dead;
	mi->dead = true;
	zus_zi_set_mode(ii->zi, 0);	/* a lookup under way must not revive it */
	pthread_mutex_unlock(&s->lock);
	if (!was_dead)
		zus_ii_put(ii);	/* never the last: the kernel has one, given back now */
	memofs_evict(ii, 0);
}

/*
 * Generations begin at random, so a file handle of an earlier mount finds nothing. Users see
 * them (FS_IOC_GETVERSION, name_to_handle_at): nothing secret may be made of the same bits.
 */
int memofs_inodes_init(struct memofs_sb *msb)
{
	uint32_t generations[MEMOFS_SHARDS];
	unsigned int i;

	if (getentropy(generations, sizeof(generations)))
		return -errno;
	for (i = 0; i < MEMOFS_SHARDS; i++) {
		struct memofs_shard *s = &msb->shards[i];

		pthread_mutex_init(&s->lock, NULL);
		s->generation = generations[i];
		LIST_INIT(&s->partial);
		LIST_INIT(&s->empty);
	}
	return 0;
}

static void shard_fini(struct memofs_sb *msb, struct memofs_shard *s)
{
	uint32_t i;
	unsigned int slot;

	for (i = 0; i < s->count; i++) {
		struct memofs_iblock *b = s->blocks[i];

		for (slot = 0; slot < MEMOFS_PER_BLOCK; slot++) {
			if (b->inodes[slot])
				destroy(b->inodes[slot]);
		}
		LIST_REMOVE(b, link);
		free_handles(msb, b, sizeof(*b));
	}
	free_handles(msb, s->blocks, s->max * sizeof(*s->blocks));
	pthread_mutex_destroy(&s->lock);
}

void memofs_inodes_fini(struct memofs_sb *msb)
{
	unsigned int i;

	for (i = 0; i < MEMOFS_SHARDS; i++)
		shard_fini(msb, &msb->shards[i]);
}
