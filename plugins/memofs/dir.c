// SPDX-License-Identifier: BSD-2-Clause
/*
 * The container of names: found by a hash, listed by slot.
 *
 * Called by name.c, inode.c and the core, with the kernel's lock of the directory (shared: find,
 * readdir; exclusive: the others), so there is no lock here. A directory owns its entries, not
 * the inodes that they name.
 *
 * An entry keeps its slot for life and its position is 32 times the slot (slots 0 and 1 are "."
 * and ".."), so a listing that stops and goes on neither loses nor repeats what stays. A
 * free slot is used again, and i_size = 32 * slots grows only when there is none.
 */
#include "memofs.h"

#include <string.h>

#define POS_PER_SLOT	32		/* about what an entry takes in a readdir buffer */
#define DOT_SLOTS	2
#define MIN_SLOTS	16

static const struct zus_env *env_of(const struct memofs_inode *mi)
{
	return mi->ii.sb->env;
}

/* FNV-1a with a seed that nobody can guess, then mixed so that the low bits will do. */
static uint64_t hash_name(const struct memofs_inode *dir, const struct zus_name *name)
{
	uint64_t h = memofs_sb_of_inode(dir)->hash_seed ^ 0xcbf29ce484222325ULL;
	unsigned int i;

	for (i = 0; i < name->len; i++)
		h = (h ^ (uint8_t)name->str[i]) * 0x100000001b3ULL;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static struct memofs_dentry **bucket(const struct memofs_dir *d, uint64_t hash)
{
	return &d->hash[hash & (d->hash_size - 1)];
}

void memofs_dentry_set(struct memofs_dentry *d, struct memofs_inode *mi)
{
	d->mi = mi;
	d->dtype = (uint8_t)(mi->type >> 12);
}

struct memofs_dentry *memofs_dentry_new(struct memofs_inode *dir, struct memofs_inode *mi,
					const struct zus_name *name)
{
	struct memofs_dentry *d = zus_alloc(env_of(dir), sizeof(*d) + name->len);

	if (!d)
		return NULL;
	d->hash = hash_name(dir, name);
	d->len = name->len;
	memcpy(d->name, name->str, name->len);
	memofs_dentry_set(d, mi);
	return d;
}

struct memofs_dentry *memofs_dir_find(struct memofs_inode *dir, const struct zus_name *name)
{
	uint64_t hash;
	struct memofs_dentry *d;

	if (!dir->dir.count)
		return NULL;
	hash = hash_name(dir, name);
	for (d = *bucket(&dir->dir, hash); d; d = d->next) {
		if (d->hash == hash && d->len == name->len &&
		    !memcmp(d->name, name->str, name->len))
			break;
	}
	return d;
}

static void hash_add(struct memofs_dir *dir, struct memofs_dentry *d)
{
	struct memofs_dentry **head = bucket(dir, d->hash);

	d->next = *head;
	*head = d;
}

static void hash_del(struct memofs_dir *dir, struct memofs_dentry *d)
{
	struct memofs_dentry **p = bucket(dir, d->hash);

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
}

/* Twice the buckets; without memory for them the chains just get longer. */
static int grow_hash(const struct zus_env *env, struct memofs_dir *dir)
{
	struct memofs_dir old = *dir;
	uint32_t size = old.hash_size ? old.hash_size * 2 : MIN_SLOTS, i;
	struct memofs_dentry **hash = zus_alloc_array(env, size, sizeof(struct memofs_dentry *));
	struct memofs_dentry *d, *next;

	if (!hash)
		return old.hash_size ? 0 : -ENOMEM;
	dir->hash = hash;
	dir->hash_size = size;
	for (i = 0; i < old.hash_size; i++) {
		for (d = old.hash[i]; d; d = next) {
			next = d->next;
			hash_add(dir, d);
		}
	}
	zus_free(env, old.hash);
	return 0;
}

static int grow_slots(const struct zus_env *env, struct memofs_dir *dir)
{
	uint32_t max = dir->max_slots ? dir->max_slots * 2 : MIN_SLOTS;
	uint64_t *slots;

	if (max > UINT32_MAX / 2)
		return -ENOSPC;
	slots = zus_alloc_array(env, max, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (dir->nslots)
		memcpy(slots, dir->slots, dir->nslots * sizeof(*slots));
	zus_free(env, dir->slots);
	dir->slots = slots;
	dir->max_slots = max;
	return 0;
}

int memofs_dir_reserve(struct memofs_inode *mi)
{
	struct memofs_dir *dir = &mi->dir;
	int err;

	if (dir->count >= dir->hash_size) {
		err = grow_hash(env_of(mi), dir);
		if (err)
			return err;
	}
	if (dir->free_slot || dir->nslots < dir->max_slots)
		return 0;
	return grow_slots(env_of(mi), dir);
}

static void update_size(struct memofs_inode *mi)
{
	memofs_set_size(mi, (uint64_t)(mi->dir.nslots + DOT_SLOTS) * POS_PER_SLOT);
}

void memofs_dir_add(struct memofs_inode *mi, struct memofs_dentry *d)
{
	struct memofs_dir *dir = &mi->dir;

	if (dir->free_slot) {
		d->slot = dir->free_slot - 1;
		dir->free_slot = (uint32_t)(dir->slots[d->slot] >> 1);
	} else {
		d->slot = dir->nslots++;
		update_size(mi);
	}
	dir->slots[d->slot] = (uint64_t)(uintptr_t)d;
	hash_add(dir, d);
	dir->count++;
}

static void free_arrays(struct memofs_inode *mi)
{
	zus_free(env_of(mi), mi->dir.hash);
	zus_free(env_of(mi), mi->dir.slots);
	memset(&mi->dir, 0, sizeof(mi->dir));
}

void memofs_dir_remove(struct memofs_inode *mi, struct memofs_dentry *old)
{
	struct memofs_dir *dir = &mi->dir;

	hash_del(dir, old);
	dir->slots[old->slot] = (uint64_t)dir->free_slot << 1 | 1;
	dir->free_slot = old->slot + 1;
	zus_free(env_of(mi), old);
	if (--dir->count)
		return;
	/* empty: start afresh, and give a large directory's memory back */
	dir->nslots = 0;
	dir->free_slot = 0;
	if (dir->max_slots > MIN_SLOTS)
		free_arrays(mi);
	update_size(mi);
}

void memofs_dir_replace(struct memofs_inode *mi, struct memofs_dentry *old,
			struct memofs_dentry *d)
{
	struct memofs_dir *dir = &mi->dir;

	hash_del(dir, old);
	d->slot = old->slot;
	dir->slots[d->slot] = (uint64_t)(uintptr_t)d;
	hash_add(dir, d);
	zus_free(env_of(mi), old);
}

/* The entry in a slot, or NULL. */
static struct memofs_dentry *entry_at(const struct memofs_dir *dir, uint64_t slot)
{
	uint64_t word = dir->slots[slot];

	return word & 1 ? NULL : (struct memofs_dentry *)(uintptr_t)word;
}

void memofs_dir_init(struct memofs_inode *mi, uint64_t parent)
{
	mi->ii.zi->i_dir.parent = htole64(parent);
	update_size(mi);
}

void memofs_dir_fini(struct memofs_inode *mi)
{
	uint32_t i;

	for (i = 0; i < mi->dir.nslots; i++)
		zus_free(env_of(mi), entry_at(&mi->dir, i));
	free_arrays(mi);
}

static bool emit_dots(const struct memofs_inode *mi, struct zus_dir_ctx *ctx, uint64_t slot)
{
	uint64_t parent = le64toh(mi->ii.zi->i_dir.parent);

	if (slot == 0 && !zus_dir_emit(ctx, mi->ino, DT_DIR, 0, ".", 1))
		return false;
	return slot > 1 || zus_dir_emit(ctx, parent, DT_DIR, POS_PER_SLOT, "..", 2);
}

int memofs_readdir(struct zus_ii *ii, struct zus_dir_ctx *ctx)
{
	const struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t slot = (ctx->pos + POS_PER_SLOT - 1) / POS_PER_SLOT;
	uint64_t end = mi->dir.nslots + DOT_SLOTS;

	if (!emit_dots(mi, ctx, slot))
		return 0;
	for (slot = slot < DOT_SLOTS ? DOT_SLOTS : slot; slot < end; slot++) {
		const struct memofs_dentry *d = entry_at(&mi->dir, slot - DOT_SLOTS);

		if (d && !zus_dir_emit(ctx, d->mi->ino, d->dtype, slot * POS_PER_SLOT,
				       d->name, d->len))
			return 0;
	}
	ctx->pos = end * POS_PER_SLOT;
	return 0;
}
