// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inodes: their handles, what the kernel sees of them, and the operations on an inode as a whole.
 *
 * A handle exists while the kernel, or an operation, has a reference; handles are found by number
 * in shards, each with a mutex that is held to look for, make and drop them. The shared inode lies
 * in the slot behind the record (tierfs_disk.h) and is filled when the handle is made.
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zus/random.h>

#define SHARD_BUCKETS	64		/* at first */

/* ---- the table of handles ---- */

int tierfs_nodes_init(struct tierfs *fs)
{
	unsigned int i;
	int err;

	for (i = 0; i < TIERFS_NODE_SHARDS; i++) {
		err = zus_mutex_init(&fs->shards[i].lock);
		if (err)
			return err;
		fs->shards[i].buckets = zus_alloc_array(fs->sb.env, SHARD_BUCKETS,
							sizeof(*fs->shards[i].buckets));
		if (!fs->shards[i].buckets)
			return -ENOMEM;
		fs->shards[i].size = SHARD_BUCKETS;
	}
	return 0;
}

static void node_destroy(struct tierfs_node *node)
{
	struct tierfs *fs = tierfs_fs_of(node);

	if (S_ISDIR(node->type))
		tierfs_dir_forget(node);
	zus_mutex_destroy(&node->lock);
	zus_free(fs->sb.env, node);
}

void tierfs_nodes_fini(struct tierfs *fs)
{
	struct tierfs_node *node;
	unsigned int i;
	uint64_t b;

	for (i = 0; i < TIERFS_NODE_SHARDS; i++) {
		for (b = 0; fs->shards[i].buckets && b < fs->shards[i].size; b++) {
			while ((node = LIST_FIRST(&fs->shards[i].buckets[b]))) {
				LIST_REMOVE(node, link);
				node_destroy(node);
			}
		}
		zus_free(fs->sb.env, fs->shards[i].buckets);
		fs->shards[i].buckets = NULL;
		zus_mutex_destroy(&fs->shards[i].lock);
	}
}

static uint64_t hash_of(uint64_t ino)
{
	return ino * 0x9e3779b97f4a7c15ULL;
}

static unsigned int shard_of(uint64_t ino)
{
	return (unsigned int)(hash_of(ino) >> 58) % TIERFS_NODE_SHARDS;
}

static uint64_t bucket_of(const struct tierfs *fs, unsigned int shard, uint64_t ino)
{
	return hash_of(ino) >> 20 & (fs->shards[shard].size - 1);
}

/* One that lives, if there is one: a number may be used again before its last handle has gone. */
static struct tierfs_node *node_find(const struct tierfs *fs, unsigned int shard, uint64_t ino)
{
	struct tierfs_node *node, *found = NULL;

	LIST_FOREACH(node, &fs->shards[shard].buckets[bucket_of(fs, shard, ino)], link) {
		if (node->ino != ino)
			continue;
		found = node;
		if (!node->is_new && !node->is_dying)
			break;
	}
	return found;
}

/* Twice the buckets; without memory the lists just get longer. */
static void shard_grow(struct tierfs *fs, unsigned int shard)
{
	uint64_t old_size = fs->shards[shard].size, b;
	void *more = zus_alloc_array(fs->sb.env, 2 * old_size,
				     sizeof(*fs->shards[shard].buckets));
	__typeof__(fs->shards[shard].buckets) old = fs->shards[shard].buckets;
	struct tierfs_node *node;

	if (!more)
		return;
	fs->shards[shard].buckets = more;
	fs->shards[shard].size = 2 * old_size;
	for (b = 0; b < old_size; b++) {
		while ((node = LIST_FIRST(&old[b]))) {
			LIST_REMOVE(node, link);
			LIST_INSERT_HEAD(&fs->shards[shard].buckets[
				bucket_of(fs, shard, node->ino)], node, link);
		}
	}
	zus_free(fs->sb.env, old);
}

static void node_insert(struct tierfs *fs, unsigned int shard, struct tierfs_node *node)
{
	if (++fs->shards[shard].count > 2 * fs->shards[shard].size)
		shard_grow(fs, shard);
	LIST_INSERT_HEAD(&fs->shards[shard].buckets[bucket_of(fs, shard, node->ino)], node, link);
}

static void node_remove(struct tierfs *fs, unsigned int shard, struct tierfs_node *node)
{
	fs->shards[shard].count--;
	LIST_REMOVE(node, link);
}

/* ---- what the kernel sees ---- */

static struct zus_inode *shared_of(const struct tierfs_inode *rec)
{
	return (struct zus_inode *)(uintptr_t)(rec + 1);
}

/* All of the shared inode, as a record says; `rec` may be a copy. */
static void shared_fill(struct tierfs_node *node, const struct tierfs_inode *rec)
{
	struct zus_inode *zi = node->ii.zi;

	memset(zi, 0, sizeof(*zi));
	zus_zi_set_flags(zi, rec->flags);
	zus_zi_set_mode(zi, rec->mode);
	zus_zi_set_nlink(zi, rec->nlink);
	zus_zi_set_size(zi, rec->size);
	zus_zi_set_btime(zi, rec->btime);
	zus_zi_set_blocks(zi, rec->blocks);
	zus_zi_set_mtime(zi, rec->mtime);
	zus_zi_set_ctime(zi, rec->ctime);
	zus_zi_set_atime(zi, rec->atime);
	zus_zi_set_ino(zi, node->ino);
	zus_zi_set_owner(zi, rec->uid, rec->gid);
	zus_zi_set_xattr(zi, rec->xattrs);
	zus_zi_set_generation(zi, rec->generation);
	if (S_ISDIR(rec->mode))
		zus_zi_set_parent(zi, rec->parent);
	else if (S_ISCHR(rec->mode) || S_ISBLK(rec->mode))
		zus_le32_store(&zi->i_rdev, rec->rdev);
}

void tierfs_node_show(struct tierfs_node *node)
{
	const struct tierfs_inode *rec = node->rec;
	struct zus_inode *zi = node->ii.zi;

	if (zus_zi_size(zi) != rec->size)
		zus_zi_set_size(zi, rec->size);
	zus_zi_set_blocks(zi, rec->blocks);
	zus_zi_set_nlink(zi, rec->nlink);
	zus_zi_set_xattr(zi, rec->xattrs);
	if (S_ISDIR(node->type))
		zus_zi_set_parent(zi, rec->parent);
}

void tierfs_node_take(struct tierfs_node *node, struct tierfs_inode *rec, uint32_t bits)
{
	const struct zus_inode *zi = node->ii.zi;

	if (bits & STATX_MODE)
		rec->mode = (uint16_t)(zus_zi_mode(zi) & 07777) | (rec->mode & S_IFMT);
	if (bits & STATX_UID)
		rec->uid = zus_zi_uid(zi);
	if (bits & STATX_GID)
		rec->gid = zus_zi_gid(zi);
	if (bits & STATX_MTIME)
		rec->mtime = zus_zi_mtime(zi);
	if (bits & STATX_CTIME)
		rec->ctime = zus_zi_ctime(zi);
	if (bits & ZUFS_STATX_FLAGS)
		rec->flags = zus_zi_flags(zi);
	rec->atime = zus_zi_atime(zi);
}

struct tierfs_inode *tierfs_node_change(struct tierfs_tx *tx, struct tierfs_node *node)
{
	struct tierfs_inode *rec = tierfs_tx_get(tx, node->rec, sizeof(*rec), TIERFS_CRC_HEAD);

	rec->changes++;
	return rec;
}

/* ---- making and dropping handles ---- */

static struct tierfs_node *node_create(struct tierfs *fs, uint64_t ino,
				       const struct tierfs_inode *rec, uint32_t mode)
{
	struct tierfs_node *node = zus_alloc(fs->sb.env, sizeof(*node));

	if (!node || zus_mutex_init(&node->lock)) {
		zus_free(fs->sb.env, node);
		return NULL;
	}
	zus_ii_init(&node->ii, &fs->sb, shared_of(rec));
	node->ino = ino;
	node->rec = rec;
	node->type = mode & S_IFMT;
	return node;
}

static bool is_sound(const struct tierfs_inode *rec)
{
	return tierfs_crc_head(rec, sizeof(*rec)) == rec->crc && rec->version == 1 &&
		rec->height <= TIERFS_MAX_HEIGHT && rec->size <= TIERFS_MAX_SIZE &&
		(S_ISREG(rec->mode) || S_ISDIR(rec->mode) || S_ISLNK(rec->mode) ||
		 S_ISCHR(rec->mode) || S_ISBLK(rec->mode) || S_ISFIFO(rec->mode) ||
		 S_ISSOCK(rec->mode));
}

/* A record that is not in DRAM; with the shard's lock. */
static int node_load(struct tierfs *fs, uint64_t ino, struct tierfs_node **out)
{
	const struct tierfs_inode *rec;
	struct tierfs_node *node;
	int err = tierfs_slot_find(fs, ino, &rec);

	if (err)
		return err;
	if (!is_sound(rec))
		return tierfs_broken(fs, ino, "its record");
	node = node_create(fs, ino, rec, rec->mode);
	if (!node)
		return -ENOMEM;
	shared_fill(node, rec);
	if (S_ISLNK(rec->mode))
		tierfs_link_show(node);
	if (node->broken) {
		node_destroy(node);
		return -EIO;
	}
	*out = node;
	return 0;
}

int tierfs_node_get(struct tierfs *fs, uint64_t ino, struct tierfs_node **node)
{
	unsigned int shard = shard_of(ino);
	int err = 0;

	zus_mutex_lock(&fs->shards[shard].lock);
	*node = node_find(fs, shard, ino);
	if (*node && ((*node)->is_new || (*node)->is_dying)) {
		err = -ESTALE;
	} else if (*node) {
		zus_ii_get(&(*node)->ii);
	} else {
		err = node_load(fs, ino, node);
		if (!err)
			node_insert(fs, shard, *node);
	}
	zus_mutex_unlock(&fs->shards[shard].lock);
	return err;
}

/* Has it no name, and nobody has erased it? Then who gives the last reference back does. */
static bool is_to_erase(const struct tierfs_node *node)
{
	return node->rec->mode && !node->rec->nlink && !tierfs_may_change(tierfs_fs_of(node));
}

/*
 * While an inode is erased its handle stays in the table, dying: nobody gets it, and nobody makes
 * another one of a record that is half erased.
 */
void tierfs_node_put(struct tierfs_node *node)
{
	struct tierfs *fs = tierfs_fs_of(node);
	unsigned int shard = shard_of(node->ino);
	bool last;

	zus_mutex_lock(&fs->shards[shard].lock);
	last = zus_ii_put(&node->ii);
	node->is_dying = last && is_to_erase(node);
	if (last && !node->is_dying)
		node_remove(fs, shard, node);
	zus_mutex_unlock(&fs->shards[shard].lock);
	if (!last)
		return;
	if (node->is_dying) {
		/* after an error it stays an orphan, which the next mount frees */
		tierfs_node_erase(node);
		zus_mutex_lock(&fs->shards[shard].lock);
		node_remove(fs, shard, node);
		zus_mutex_unlock(&fs->shards[shard].lock);
	}
	node_destroy(node);
}

void tierfs_node_born(struct tierfs_node *node)
{
	struct tierfs *fs = tierfs_fs_of(node);
	unsigned int shard = shard_of(node->ino);

	tierfs_node_show(node);
	zus_mutex_lock(&fs->shards[shard].lock);
	node->is_new = false;
	zus_mutex_unlock(&fs->shards[shard].lock);
}

/* Its slot may be another's already, so the record is not looked at. */
void tierfs_node_drop(struct tierfs_node *node)
{
	struct tierfs *fs = tierfs_fs_of(node);
	unsigned int shard = shard_of(node->ino);

	zus_mutex_lock(&fs->shards[shard].lock);
	node_remove(fs, shard, node);
	zus_mutex_unlock(&fs->shards[shard].lock);
	node_destroy(node);
}

static int new_generation(struct tierfs *fs, const struct tierfs_inode *slot, uint32_t *generation)
{
	*generation = slot->generation + 1;
	return slot->generation ? 0 : zus_random(fs->sb.env, generation, sizeof(*generation));
}

static void record_fill(struct tierfs_inode *rec, const struct zus_inode *zi, uint32_t generation)
{
	rec->version = 1;
	rec->mode = zus_zi_mode(zi);
	rec->uid = zus_zi_uid(zi);
	rec->gid = zus_zi_gid(zi);
	rec->nlink = S_ISDIR(rec->mode) ? 1 : 0;
	rec->flags = zus_zi_flags(zi);
	rec->size = S_ISLNK(rec->mode) ? zus_zi_size(zi) : 0;
	rec->atime = zus_zi_atime(zi);
	rec->mtime = zus_zi_mtime(zi);
	rec->ctime = zus_zi_ctime(zi);
	rec->btime = rec->ctime;
	rec->generation = generation ? generation : 1;
	rec->rdev = S_ISCHR(rec->mode) || S_ISBLK(rec->mode) ? zus_zi_rdev(zi) : 0;
	rec->changes = 1;
}

int tierfs_node_new(struct tierfs_tx *tx, const struct zus_inode *zi, struct tierfs_node **out,
		    struct tierfs_inode **rec)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	const struct tierfs_inode *slot;
	struct tierfs_node *node;
	uint32_t generation;
	unsigned int shard;
	uint64_t ino;
	int err = tierfs_slot_alloc(tx, &ino, &slot);

	if (!err)
		err = new_generation(fs, slot, &generation);
	if (err)
		return err;
	node = node_create(fs, ino, slot, zus_zi_mode(zi));
	if (!node)
		return -ENOMEM;
	node->is_new = true;
	*rec = tierfs_tx_new(tx, slot, sizeof(**rec), TIERFS_CRC_HEAD);
	record_fill(*rec, zi, generation);
	shared_fill(node, *rec);
	shard = shard_of(ino);
	zus_mutex_lock(&fs->shards[shard].lock);
	node_insert(fs, shard, node);
	zus_mutex_unlock(&fs->shards[shard].lock);
	*out = node;
	return 0;
}

/* ---- locks of several nodes ---- */

static void sort_nodes(struct tierfs_node **nodes, unsigned int n)
{
	unsigned int i, j;

	for (i = 1; i < n; i++) {
		struct tierfs_node *node = nodes[i];
		uint64_t ino = node ? node->ino : UINT64_MAX;

		for (j = i; j && (nodes[j - 1] ? nodes[j - 1]->ino : UINT64_MAX) > ino; j--)
			nodes[j] = nodes[j - 1];
		nodes[j] = node;
	}
}

void tierfs_nodes_lock(struct tierfs_node **nodes, unsigned int n)
{
	unsigned int i;

	sort_nodes(nodes, n);
	for (i = 0; i < n && nodes[i]; i++) {
		if (!i || nodes[i] != nodes[i - 1])
			zus_mutex_lock(&nodes[i]->lock);
	}
}

void tierfs_nodes_unlock(struct tierfs_node **nodes, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && nodes[i]; i++) {
		if (!i || nodes[i] != nodes[i - 1])
			zus_mutex_unlock(&nodes[i]->lock);
	}
}

/* ---- operations ---- */

int tierfs_setattr(struct zus_ii *ii, uint32_t bits)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	struct tierfs *fs = tierfs_fs_of(node);
	struct tierfs_tx *tx;
	int err;

	zus_mutex_lock(&node->lock);
	tx = tierfs_tx_begin(fs);
	tierfs_node_take(node, tierfs_node_change(tx, node), bits);
	err = tierfs_tx_commit(tx);
	zus_mutex_unlock(&node->lock);
	return err;
}

/* Times that the kernel has set without a message. */
static void keep_times(struct tierfs_node *node)
{
	const struct zus_inode *zi = node->ii.zi;
	const struct tierfs_inode *rec = node->rec;
	struct tierfs *fs = tierfs_fs_of(node);

	if ((zus_zi_atime(zi) == rec->atime && zus_zi_mtime(zi) == rec->mtime &&
	     zus_zi_ctime(zi) == rec->ctime) || tierfs_may_change(fs))
		return;
	/* it changes nothing else, so an error loses a time and no more */
	tierfs_setattr(&node->ii, STATX_ATIME | STATX_MTIME | STATX_CTIME);
}

void tierfs_evict(struct zus_ii *ii, uint64_t flags)
{
	struct tierfs_node *node = tierfs_node_of(ii);

	if (!(flags & ZI_LOOKUP_RACE))
		keep_times(node);
	tierfs_node_put(node);
}

void tierfs_free_inode(struct zus_ii *ii)
{
	tierfs_node_put(tierfs_node_of(ii));
}

int tierfs_iget(struct zus_sb *sb, uint64_t ino, struct zus_ii **ii)
{
	struct tierfs_node *node;
	int err = tierfs_node_get(tierfs_of(sb), ino, &node);

	if (err)
		return err;
	if (!node->rec->nlink) {
		tierfs_node_put(node);
		return -ESTALE;
	}
	*ii = &node->ii;
	return 0;
}
