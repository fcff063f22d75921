// SPDX-License-Identifier: BSD-2-Clause
/*
 * slots.c - files, their slots, and memofs's view of them (memofs_map_drop, _fill)
 *
 * A cold_file hangs in the root word of memofs's own map, which is not used otherwise;
 * direct[0] serves long symlinks, as in memofs.
 */
#include "cold.h"

#include <string.h>

static struct cold_file *file_new(struct memofs_inode *mi)
{
	struct cold_file *f = zus_alloc(mi->ii.sb->env, sizeof(*f));

	if (!f)
		return NULL;
	f->mi = mi;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	return f;
}

static void file_free(struct cold_file *f)
{
	const struct zus_env *env = f->mi->ii.sb->env;

	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	zus_free(env, f->slots);
	zus_free(env, f);
}

struct cold_file *cold_file_of(struct memofs_inode *mi)
{
	struct cold_sb *csb = cold_sb_of(mi->ii.sb);
	uint64_t found = __atomic_load_n(&mi->map.root, __ATOMIC_ACQUIRE);
	struct cold_file *f;

	if (found)
		return (struct cold_file *)(uintptr_t)found;
	f = file_new(mi);
	if (!f)
		return NULL;
	if (!__atomic_compare_exchange_n(&mi->map.root, &found, (uint64_t)(uintptr_t)f, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		file_free(f);
		return (struct cold_file *)(uintptr_t)found;
	}
	pthread_mutex_lock(&csb->lock);
	TAILQ_INSERT_HEAD(&csb->files, f, link);
	csb->nr_files++;
	pthread_mutex_unlock(&csb->lock);
	return f;
}

struct cold_slot *cold_slot(const struct cold_file *f, uint64_t index)
{
	return index < f->nr ? &f->slots[index] : NULL;
}

int cold_slots_reserve(struct cold_file *f, uint64_t end)
{
	const struct zus_env *env = f->mi->ii.sb->env;
	uint64_t nr = f->nr * 2 > end ? f->nr * 2 : end;
	struct cold_slot *slots;

	if (end <= f->nr)
		return 0;
	if (end > COLD_MAX_BLOCKS)
		return -EFBIG;
	slots = zus_alloc_array(env, nr, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (f->nr)
		memcpy(slots, f->slots, f->nr * sizeof(*slots));
	zus_free(env, f->slots);
	f->slots = slots;
	f->nr = nr;
	return 0;
}

void cold_count_blocks(struct cold_file *f, int64_t n)
{
	zus_zi_add_blocks(f->mi->ii.zi, n);	/* f->lock */
}

/* ---- the end of blocks ---- */

static void drop_slot(struct cold_file *f, struct cold_slot *s)
{
	struct cold_sb *csb = cold_sb_of_file(f);

	if (s->holds)
		zus_err(csb->msb.sb.env, "coldfs: inode %llu: a block is dropped that is held",
			(unsigned long long)f->mi->ino);
	/* a list that goes on with the T1 block of DOWN only reads it, and frees t2 */
	if (s->state == COLD_HOT || s->state == COLD_DOWN)
		memofs_blocks_free(&csb->msb, s->t1, 1);
	if (s->state == COLD_COLD)
		cold_t2_free(csb, s->t2);
	if (s->state != COLD_HOLE)
		cold_count_blocks(f, -1);
	/* lists that bring it up find that it is another one */
	*s = (struct cold_slot){ .version = s->version + 1 };
}

void cold_drop(struct cold_file *f, uint64_t index, uint64_t end)
{
	struct cold_sb *csb = cold_sb_of_file(f);

	pthread_mutex_lock(&csb->lock);
	pthread_mutex_lock(&f->lock);
	for (; index < end && index < f->nr; index++)
		drop_slot(f, &f->slots[index]);
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_unlock(&csb->lock);
}

/* The inode goes: nobody but the tiering knows the file any more. */
static void file_destroy(struct cold_file *f)
{
	struct cold_sb *csb = cold_sb_of_file(f);

	pthread_mutex_lock(&csb->lock);
	f->is_going = true;
	while (f->is_pinned)
		pthread_cond_wait(&csb->moved, &csb->lock);
	TAILQ_REMOVE(&csb->files, f, link);
	csb->nr_files--;
	pthread_mutex_unlock(&csb->lock);
	pthread_mutex_lock(&f->lock);
	while (f->lists)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
	cold_drop(f, 0, UINT64_MAX);
	f->mi->map.root = 0;
	file_free(f);
}

/* ---- what memofs calls ---- */

/* Of a long symlink's block: nobody is faster. */
uint64_t memofs_map_fill(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n,
			 int *err)
{
	(void)err;
	mi->map.direct[index] = bn;
	zus_zi_set_blocks(mi->ii.zi, n);
	return n;
}

/* memofs drops nothing but the whole of an inode that it destroys. */
void memofs_map_drop(struct memofs_inode *mi, uint64_t index, uint64_t end)
{
	struct cold_file *f = (struct cold_file *)(uintptr_t)mi->map.root;

	(void)index;
	(void)end;
	if (mi->map.direct[0])
		memofs_blocks_free(memofs_sb_of_inode(mi), mi->map.direct[0], 1);
	mi->map.direct[0] = 0;
	if (f)
		file_destroy(f);
}
