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
 *
 * Names are plain memory and need no inode of their own (links): they have an account (heap.c).
 */
#include "memofs.h"

#include <string.h>
#include <zus/siphash.h>

#define POS_PER_SLOT	32		/* about what an entry takes in a readdir buffer */
#define DOT_SLOTS	2
#define MIN_SLOTS	16

static void *alloc_names(const struct memofs_inode *mi, uint64_t bytes, int *err)
{
	struct memofs_sb *msb = memofs_sb_of_inode(mi);

	return memofs_heap_alloc(msb, &msb->names, bytes, err);
}

static void free_names(const struct memofs_inode *mi, void *mem, uint64_t bytes)
{
	struct memofs_sb *msb = memofs_sb_of_inode(mi);

	memofs_heap_free(msb, &msb->names, mem, bytes);
}

static uint64_t dentry_bytes(uint32_t name_len)
{
	return sizeof(struct memofs_dentry) + name_len;
}

static void free_dentry(const struct memofs_inode *mi, struct memofs_dentry *d)
{
	if (d)
		free_names(mi, d, dentry_bytes(d->len));
}

/* Users choose the names, but cannot choose such that meet in one bucket. */
static uint64_t hash_name(const struct memofs_inode *dir, const struct zus_name *name)
{
	return zus_siphash(memofs_sb_of_inode(dir)->hash_seed, name->str, name->len);
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

int memofs_dentry_new(struct memofs_inode *dir, struct memofs_inode *mi,
		      const struct zus_name *name, struct memofs_dentry **out)
{
	struct memofs_dentry *d;
	int err;

	d = alloc_names(dir, dentry_bytes(name->len), &err);
	if (!d)
		return err;
	d->hash = hash_name(dir, name);
	d->len = name->len;
	memcpy(d->name, name->str, name->len);
	memofs_dentry_set(d, mi);
	*out = d;
	return 0;
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
static int grow_hash(struct memofs_inode *mi)
{
	struct memofs_dir *dir = &mi->dir, old = *dir;
	uint32_t size = old.hash_size ? old.hash_size * 2 : MIN_SLOTS, i;
	struct memofs_dentry **hash, *d, *next;
	int err;

	hash = alloc_names(mi, size * sizeof(*hash), &err);
	if (!hash)
		return old.hash_size ? 0 : err;
	dir->hash = hash;
	dir->hash_size = size;
	for (i = 0; i < old.hash_size; i++) {
		for (d = old.hash[i]; d; d = next) {
			next = d->next;
			hash_add(dir, d);
		}
	}
	free_names(mi, old.hash, old.hash_size * sizeof(*hash));
	return 0;
}

static int grow_slots(struct memofs_inode *mi)
{
	struct memofs_dir *dir = &mi->dir;
	uint32_t max = dir->max_slots ? dir->max_slots * 2 : MIN_SLOTS;
	uint64_t *slots;
	int err;

	if (max > UINT32_MAX / 2)
		return -ENOSPC;
	slots = alloc_names(mi, max * sizeof(*slots), &err);
	if (!slots)
		return err;
	if (dir->nslots)
		memcpy(slots, dir->slots, dir->nslots * sizeof(*slots));
	free_names(mi, dir->slots, dir->max_slots * sizeof(*slots));
	dir->slots = slots;
	dir->max_slots = max;
	return 0;
}

int memofs_dir_reserve(struct memofs_inode *mi)
{
	struct memofs_dir *dir = &mi->dir;
	int err;

	if (dir->count >= dir->hash_size) {
		err = grow_hash(mi);
		if (err)
			return err;
	}
	if (dir->free_slot || dir->nslots < dir->max_slots)
		return 0;
	return grow_slots(mi);
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
	free_names(mi, mi->dir.hash, mi->dir.hash_size * sizeof(*mi->dir.hash));
	free_names(mi, mi->dir.slots, mi->dir.max_slots * sizeof(*mi->dir.slots));
	memset(&mi->dir, 0, sizeof(mi->dir));
}

void memofs_dir_remove(struct memofs_inode *mi, struct memofs_dentry *old)
{
	struct memofs_dir *dir = &mi->dir;

	hash_del(dir, old);
	dir->slots[old->slot] = (uint64_t)dir->free_slot << 1 | 1;
	dir->free_slot = old->slot + 1;
	free_dentry(mi, old);
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
	free_dentry(mi, old);
}

/* The entry in a slot, or NULL. */
static struct memofs_dentry *entry_at(const struct memofs_dir *dir, uint64_t slot)
{
	uint64_t word = dir->slots[slot];

	return word & 1 ? NULL : (struct memofs_dentry *)(uintptr_t)word;
}

void memofs_dir_init(struct memofs_inode *mi, uint64_t parent)
{
	zus_zi_set_parent(mi->ii.zi, parent);
	update_size(mi);
}

void memofs_dir_fini(struct memofs_inode *mi)
{
	uint32_t i;

	for (i = 0; i < mi->dir.nslots; i++)
		free_dentry(mi, entry_at(&mi->dir, i));
	free_arrays(mi);
}

static bool emit_dots(const struct memofs_inode *mi, struct zus_dir_ctx *ctx, uint64_t slot)
{
	uint64_t parent = zus_zi_parent(mi->ii.zi);

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
