// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a mount does after a crash, offline: for fsck.tierfs -p. See check.h.
 *
 *	the next number of a mount, "not clean"				durable
 *	what the replay has changed in the overlay goes to its place	durable
 *	new heads for all logs, of this number, above all records	durable
 *	the same number, "clean"					durable
 *
 * A cut anywhere leaves what the next mount, or the next run, does again. Orphans keep their cells:
 * every mount frees them.
 */
#include "tck.h"

#include <errno.h>
#include <string.h>

struct recovery {
	struct tck c;
	int (*persist)(void *ctx, const void *addr, uint64_t bytes);
	void *ctx;
	uint32_t mount;
	uint64_t inodes;
};

/* Who asks for a recovery has given memory that may be written. */
static void *writable(const void *addr)
{
	return (void *)(uintptr_t)addr;
}

static const uint8_t *base_of(const struct recovery *r, uint64_t block)
{
	return tierfs_image_dev(&r->c.img, 0)->base + (block << TIERFS_BLOCK_SHIFT);
}

/* The line that does not count is written, as by a mount. */
static int write_state(struct recovery *r, bool clean)
{
	const struct tierfs_state *lines = (const void *)base_of(r, r->c.img.super->state_block);
	const struct tierfs_state *now = tierfs_image_state(&r->c.img);
	const struct tierfs_state *at = now == &lines[0] ? &lines[1] : &lines[0];
	struct tierfs_state next = {
		.mount = r->mount,
		.clean = clean,
		.inodes = clean ? r->inodes : 0,
	};

	next.crc = tierfs_crc_tail(&next, sizeof(next));
	memcpy(writable(at), &next, sizeof(next));
	return r->persist(r->ctx, at, sizeof(next));
}

static int write_patch(struct recovery *r, const struct tierfs_image_patch *p)
{
	uint64_t first = p->chunk * TIERFS_CHUNK_BLOCKS;
	const struct tierfs_image_dev *dev = tierfs_image_dev_of(&r->c.img, first);
	const uint8_t *base = dev->base + ((first - dev->first_bn) << TIERFS_BLOCK_SHIFT);
	uint32_t i;
	int err = 0;

	for (i = 0; i < TIERFS_CHUNK_BLOCKS && !err; i++) {
		if (!(p->changed >> i & 1))
			continue;
		memcpy(writable(base + i * TIERFS_BLOCK), p->bytes + i * TIERFS_BLOCK,
		       TIERFS_BLOCK);
		err = r->persist(r->ctx, base + i * TIERFS_BLOCK, TIERFS_BLOCK);
	}
	return err;
}

static int write_patches(struct recovery *r)
{
	const struct tierfs_image_patch *p;
	unsigned int i;
	int err = 0;

	for (i = 0; i < TIERFS_IMAGE_PATCHES; i++) {
		for (p = r->c.img.patches[i]; p && !err; p = p->next)
			err = write_patch(r, p);
	}
	return err;
}

static int write_head(struct recovery *r, uint32_t index)
{
	const struct tierfs_log_entry *e = tierfs_image_log(&r->c.img, index);
	int newest = tierfs_image_log_head(e);
	const struct tierfs_log_head *at = &e->heads[!newest];
	struct tierfs_log_head head = {
		.sequence = (uint64_t)r->mount << TIERFS_SEQUENCE_MOUNT | 1,
		.horizon = r->c.max_lsn,
		.generation = e->heads[newest].generation + 1,
	};

	head.crc = tierfs_crc_tail(&head, sizeof(head));
	memcpy(writable(at), &head, sizeof(head));
	return r->persist(r->ctx, at, sizeof(head));
}

static uint64_t count_inodes(struct tck *c)
{
	uint64_t used = 0;
	uint32_t i;

	for (i = 0; i < c->nr_chunks; i++) {
		if (c->chunks[i].kind == TIERFS_KIND_INODES)
			used += c->chunks[i].head->used;
	}
	return used ? used - 1 : 0;
}

static int write_all(struct recovery *r)
{
	uint32_t i;
	int err = write_state(r, false);

	if (!err)
		err = write_patches(r);
	for (i = 0; i < r->c.img.super->log_count && !err; i++)
		err = write_head(r, i);
	return err ? err : write_state(r, true);
}

/* Everything up to here only reads; findings are errors of super-blocks, state and logs. */
static int read_all(struct recovery *r)
{
	struct tck *c = &r->c;

	if (!tck_supers(c) || !tck_state(c) || !tierfs_image_state(&c->img))
		return -EUCLEAN;
	if (c->result->clean)
		return 0;
	tck_replay(c);
	if (c->result->errors)
		return -EUCLEAN;
	/* for the number of inodes; what is wrong there is the check's to tell */
	c->report = NULL;
	if (!c->err)
		tck_space_begin(c);
	r->inodes = c->err ? 0 : count_inodes(c);
	r->mount = c->result->mount + 1;
	return r->mount ? c->err : -EUCLEAN;
}

int tierfs_check_recover(const struct tierfs_check_devs *devs,
			 int (*persist)(void *ctx, const void *addr, uint64_t bytes),
			 tierfs_check_report_fn *report, void *ctx, uint64_t *records)
{
	static const struct tierfs_check_opts no_opts;
	struct tierfs_check_result result = { 0 };
	struct recovery r = {
		.c = { .opts = &no_opts, .report = report, .ctx = ctx, .result = &result },
		.persist = persist,
		.ctx = ctx,
	};
	struct tierfs_check_memory memory = { NULL, NULL };
	int err = tierfs_image_open(&r.c.img, devs, &memory);

	if (err)
		return err;
	r.c.memory = &memory;
	err = read_all(&r);
	if (!err && !result.clean)
		err = write_all(&r);
	*records = result.records;
	tierfs_check_memory_fini(&memory);
	return err;
}
