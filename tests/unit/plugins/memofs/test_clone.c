// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: files that share blocks. Whatever is done to one of them, the others keep their
 * content; a block is counted as often as a file has it, and is not used again while
 * somebody may still look at it.
 */
#include "fixture.h"

#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <stdio.h>

#define FILES		4
#define FILE_BLOCKS	200
#define FILE_MAX	(FILE_BLOCKS * BLOCK)

static bool is_shared(struct fixture *fx, struct fake_node a, uint64_t index)
{
	uint64_t bn = block_of(inode_of(a), index);
	bool shared = false;

	if (bn)
		memofs_owners_run(fixture_sb(fx), bn, 1, &shared);
	return shared;
}

static void clone_takes_no_space(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fiemap_extent e[4];
	uint64_t before;
	uint32_t n;

	must_fill(fx, a, 'a', 100);
	before = blocks_left(fx);
	must_clone(fx, a, b);
	assert_int_equal(blocks_left(fx), before);
	assert_int_equal(zus_zi_size(b.zi), 100 * BLOCK);
	assert_int_equal(le64toh(b.zi->i_blocks), 100);
	assert_int_equal(le64toh(a.zi->i_blocks), 100);
	assert_int_equal(byte_at(fx, b, 99 * BLOCK), 'a');
	/* one block of its own in the middle: three extents */
	must_write(fx, b, "b", 1, 50 * BLOCK + 7);
	assert_int_equal(blocks_left(fx), before - 1);
	assert_int_equal(fake_fiemap(fx->t, b, 0, UINT64_MAX, e, 4, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(e[0].fe_flags, FIEMAP_EXTENT_SHARED);
	assert_int_equal(e[1].fe_flags, 0);
	assert_int_equal(e[1].fe_logical, 50 * BLOCK);
	assert_int_equal(e[1].fe_length, BLOCK);
	assert_int_equal(e[2].fe_flags, FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_LAST);
	assert_int_equal(byte_at(fx, b, 50 * BLOCK + 6), 'a');
	assert_int_equal(byte_at(fx, b, 50 * BLOCK + 7), 'b');
	assert_int_equal(byte_at(fx, a, 50 * BLOCK + 7), 'a');
	/* the other owner is alone now and writes in place */
	before = block_of(inode_of(a), 50);
	must_write(fx, a, "c", 1, 50 * BLOCK);
	assert_int_equal(block_of(inode_of(a), 50), before);
	must_remove(fx, fx->root, a, "a");
	assert_int_equal(byte_at(fx, b, 0), 'a');
	assert_false(is_shared(fx, b, 0));
	must_remove(fx, fx->root, b, "b");
}

static void ranges_and_holes_are_taken_over(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t pos = 3 * BLOCK;

	must_fill(fx, a, 'a', 4);
	must_write(fx, a, "end", 3, 9 * BLOCK);
	must_fill(fx, b, 'b', 20);
	/* blocks 2 .. 9 of a, of which 4 .. 8 are holes, to 12 .. 19 of b */
	assert_int_equal(fake_clone(fx->t, a, b, 2 * BLOCK, 12 * BLOCK, 8 * BLOCK, 8 * BLOCK), 0);
	assert_int_equal(le64toh(b.zi->i_blocks), 15);
	assert_int_equal(byte_at(fx, b, 11 * BLOCK), 'b');
	assert_int_equal(byte_at(fx, b, 13 * BLOCK), 'a');
	assert_int_equal(byte_at(fx, b, 14 * BLOCK), 0);
	assert_int_equal(byte_at(fx, b, 19 * BLOCK), 'e');
	/* within one file, over its end */
	assert_int_equal(fake_clone(fx->t, a, a, 0, 30 * BLOCK, pos, pos), 0);
	assert_int_equal(zus_zi_size(a.zi), 33 * BLOCK);
	assert_int_equal(byte_at(fx, a, 32 * BLOCK), 'a');
	assert_int_equal(byte_at(fx, a, 9 * BLOCK + 3), 0);
	assert_int_equal(fake_clone(fx->t, a, b, 1, 0, BLOCK, BLOCK), -EINVAL);
	assert_int_equal(fake_clone(fx->t, a, b, 0, MEMOFS_MAX_BYTES, BLOCK, BLOCK), -EFBIG);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

/* What a mapping stored behind the end of the source must not be in the other file. */
static void bytes_behind_the_end_are_not_shared(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t bn;

	must_write(fx, a, "data", 4, 0);
	assert_int_equal(fake_get(fx->t, a, 0, BLOCK, ZUFS_RW_WRITE | ZUFS_RW_MMAP, &bn, 1), 1);
	memset((char *)zus_t1_addr(fake_md(fx->f), bn) + 4, 'x', BLOCK - 4);
	assert_int_equal(fake_put(fx->t), 0);
	must_clone(fx, a, b);
	assert_int_equal(((char *)zus_t1_addr(fake_md(fx->f), bn))[100], 0);
	assert_int_equal(fake_truncate(fx->t, b, 2 * BLOCK), 0);
	assert_int_equal(fake_truncate(fx->t, a, 2 * BLOCK), 0);
	assert_true(is_shared(fx, a, 0));
	assert_int_equal(byte_at(fx, a, 100), 0);
	assert_int_equal(byte_at(fx, b, 100), 0);
	/* a cut clears the rest of the block in one of them only */
	assert_int_equal(fake_truncate(fx->t, b, 2), 0);
	assert_int_equal(fake_truncate(fx->t, b, 4), 0);
	assert_int_equal(byte_at(fx, b, 3), 0);
	assert_int_equal(byte_at(fx, a, 3), 'a');
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

/* Replaced, and the other owner is gone, while a reader has not done with it. */
static void replaced_block_waits_for_its_readers(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "nio");
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_thread *reader = fake_thread_create(fx->f, 1);
	uint64_t bn, before;

	(void)state;
	must_fill(fx, a, 'a', 1);
	must_clone(fx, a, b);
	before = blocks_left(fx);
	assert_int_equal(fake_get(reader, a, 0, BLOCK, ZUFS_RW_MMAP, &bn, 1), 1);
	must_write(fx, a, "n", 1, 0);
	assert_int_not_equal(block_of(inode_of(a), 0), bn);
	/* the other owner may not write into it, nor free it */
	must_write(fx, b, "m", 1, 0);
	assert_int_not_equal(block_of(inode_of(b), 0), bn);
	assert_int_equal(blocks_left(fx), before - 2);
	assert_int_equal(((char *)zus_t1_addr(fake_md(fx->f), bn))[0], 'a');
	assert_int_equal(fake_put(reader), 0);
	assert_int_equal(blocks_left(fx), before - 1);
	fake_thread_destroy(reader);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	fixture_umount(fx);
}

/* Contracts that begin later do not keep it: one of them is always open here. */
static void later_readers_do_not_hold_up(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "nio");
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_thread *t[2] = { fake_thread_create(fx->f, 1), fake_thread_create(fx->f, 2) };
	uint64_t bn, before;
	unsigned int i;

	(void)state;
	must_fill(fx, a, 'a', 2);
	must_clone(fx, a, b);
	before = blocks_left(fx);
	assert_int_equal(fake_get(t[0], a, 0, BLOCK, ZUFS_RW_MMAP, &bn, 1), 1);
	must_write(fx, a, "n", 1, 0);
	must_remove(fx, fx->root, b, "b");
	assert_int_equal(blocks_left(fx), before - 1);
	for (i = 1; i < 6; i++) {
		assert_int_equal(fake_get(t[i % 2], a, 0, BLOCK, ZUFS_RW_MMAP, &bn, 1), 1);
		assert_int_equal(fake_put(t[(i + 1) % 2]), 0);
		blocks_left(fx);
	}
	assert_int_equal(blocks_left(fx), before);
	assert_int_equal(fake_put(t[1]), 0);
	fake_thread_destroy(t[0]);
	fake_thread_destroy(t[1]);
	must_remove(fx, fx->root, a, "a");
	fixture_umount(fx);
}

static int busy_pages(const struct zus_env *env, struct zus_sb *sb, const uint64_t *words,
		      uint32_t n)
{
	(void)env;
	(void)sb;
	assert_int_equal(n, zufs_iom_words(IOM_UNMAP));
	assert_int_equal(zufs_iom_op(words[0]), IOM_UNMAP);
	return -EBUSY;
}

/* From now on somebody holds pages, or (NULL) nobody does. */
static void hold_pages(struct fixture *fx, struct zus_env *held)
{
	static const struct zus_env *env;

	if (held) {
		env = fake_sb(fx->f)->env;
		*held = *env;
		held->iomap_exec = busy_pages;
	}
	fake_sb(fx->f)->env = held ? held : env;
}

/* A store to a shared block of a file that was mapped, by the window. */
static void write_mapped(struct fixture *fx, struct fake_node a, uint64_t index)
{
	uint64_t bn;

	assert_int_equal(fake_get(fx->t, a, index * BLOCK, BLOCK, ZUFS_RW_MMAP, &bn, 1), 1);
	assert_int_equal(fake_put(fx->t), 0);
	must_write(fx, a, "w", 1, index * BLOCK);
}

/* A file that was once mapped has what its writes replace no longer than pages are held. */
static void replaced_blocks_do_not_wait_for_a_truncate(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "mapped");
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t before, unmapped, i;
	struct zus_env held;

	(void)state;
	must_fill(fx, a, 'a', 8);
	before = blocks_left(fx);
	must_clone(fx, a, b);
	for (i = 0; i < 4; i++)
		write_mapped(fx, a, i);
	hold_pages(fx, &held);
	write_mapped(fx, a, 4);
	write_mapped(fx, a, 5);
	hold_pages(fx, NULL);
	must_remove(fx, fx->root, b, "b");
	assert_int_equal(blocks_left(fx), before - 2);

	/* sync ends it, not one that runs beside a write; evict does, not that of a lost race */
	assert_int_equal(fake_sync(fx->t, a, 0, BLOCK, ZUFS_SF_DONTNEED, &unmapped), 0);
	assert_int_equal(blocks_left(fx), before - 2);
	assert_int_equal(fake_sync(fx->t, a, 0, BLOCK, 0, &unmapped), 0);
	assert_int_equal(blocks_left(fx), before);
	must_remove(fx, fx->root, a, "a");
	fixture_umount(fx);
}

/* As above, until the next write asks again, or the inode goes from the kernel's cache. */
static void held_blocks_come_back_when_nobody_holds_them(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "mapped");
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_node twice;
	uint64_t before;
	struct zus_env held;

	(void)state;
	must_fill(fx, a, 'a', 8);
	before = blocks_left(fx);
	must_clone(fx, a, b);
	hold_pages(fx, &held);
	write_mapped(fx, a, 0);
	write_mapped(fx, a, 6);
	hold_pages(fx, NULL);
	write_mapped(fx, a, 3);
	hold_pages(fx, &held);
	write_mapped(fx, a, 7);
	hold_pages(fx, NULL);
	must_remove(fx, fx->root, b, "b");
	assert_int_equal(blocks_left(fx), before - 1);
	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &twice), 0);
	assert_int_equal(fake_evict(fx->t, twice, ZI_LOOKUP_RACE), 0);
	assert_int_equal(blocks_left(fx), before - 1);
	/* a late one, of before the inode was looked up again */
	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &twice), 0);
	assert_int_equal(fake_evict(fx->t, a, 0), 0);
	assert_int_equal(blocks_left(fx), before - 1);
	assert_int_equal(fake_evict(fx->t, twice, 0), 0);
	assert_int_equal(blocks_left(fx), before);
	assert_int_equal(fake_lookup(fx->t, fx->root, "a", &a), 0);
	must_remove(fx, fx->root, a, "a");
	fixture_umount(fx);
}

/* Whatever has the file to itself knows that nobody holds a page of it any more. */
static void exclusive_operations_take_replaced_blocks_back(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "mapped");
	struct fake_node a = must_creat(fx, fx->root, "a"), b, c = must_creat(fx, fx->root, "c");
	uint64_t before;
	struct zus_env held;
	unsigned int op;

	(void)state;
	must_fill(fx, a, 'a', 8);
	must_fill(fx, c, 'c', 1);
	must_clone(fx, a, c);
	for (op = 0; op < 4; op++) {
		before = blocks_left(fx);
		b = must_creat(fx, fx->root, "b");
		must_clone(fx, a, b);
		hold_pages(fx, &held);
		write_mapped(fx, a, op);
		hold_pages(fx, NULL);
		must_remove(fx, fx->root, b, "b");
		/* of c's blocks too a has one of its own now, and waits with nothing of them */
		assert_int_equal(blocks_left(fx), before - 1);
		switch (op) {
		case 0:
			assert_int_equal(fake_truncate(fx->t, a, 8 * BLOCK), 0);
			break;
		case 1:
			assert_int_equal(fake_fallocate(fx->t, a, 0, 0, BLOCK), 0);
			break;
		case 2:
			assert_int_equal(fake_clone(fx->t, a, c, 7 * BLOCK, 7 * BLOCK, BLOCK,
							    BLOCK), 0);
			break;
		case 3:
			assert_int_equal(fake_clone(fx->t, c, a, 7 * BLOCK, 7 * BLOCK, BLOCK,
							    BLOCK), 0);
			break;
		}
		must_write(fx, c, "c", 1, op * BLOCK);
		/* c wrote in place: nobody else was an owner */
		assert_int_equal(blocks_left(fx), before - 1);
	}
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, c, "c");
	fixture_umount(fx);
}

/* The kernel is told to drop pages of a write that could not have it done. */
static void kernel_hears_of_new_blocks(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "mapped");
	struct zus_env held;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct zufs_ioc_IO *ioc;
	uint64_t bn, before, i;

	(void)state;
	must_fill(fx, a, 'a', 2);
	must_clone(fx, a, b);
	before = blocks_left(fx);
	hold_pages(fx, &held);
	for (i = 0; i < 3; i++) {
		ioc = fake_msg(fx->t, ZUFS_OP_WRITE, sizeof(*ioc));
		memcpy(fake_window(fx->t, 1), "w", 1);
		ioc->zus_ii = b.ii;
		ioc->filepos = i / 2 * BLOCK;
		ioc->rw = ZUFS_RW_WRITE;
		assert_int_equal(fake_send(fx->t), 0);
		/* moved but not mapped; in place; moved and mapped */
		assert_int_equal(ioc->ret_flags & ZUFS_RET_NEW, i == 2 ? ZUFS_RET_NEW : 0);
		assert_int_equal(fake_get(fx->t, b, 0, BLOCK, ZUFS_RW_MMAP, &bn, 1), 1);
		assert_int_equal(fake_put(fx->t), 0);
	}
	hold_pages(fx, NULL);
	must_remove(fx, fx->root, a, "a");
	/* the page of block 1 may still be mapped: only the next exclusive operation knows */
	assert_int_equal(blocks_left(fx), before - 1);
	assert_int_equal(fake_truncate(fx->t, b, 2 * BLOCK), 0);
	assert_int_equal(blocks_left(fx), before);
	must_remove(fx, fx->root, b, "b");
	fixture_umount(fx);
}

/* ---- no space, no memory ---- */

static void full_device_leaves_both_as_they_were(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "size=128k");
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	static char buf[16 * BLOCK];
	uint64_t i;

	(void)state;
	must_fill(fx, a, 'a', 20);
	must_clone(fx, a, b);
	memset(buf, 'b', sizeof(buf));
	/* 32 blocks: table, inodes, 20 of a; 10 are left */
	assert_int_equal(fake_write(fx->t, b, buf, sizeof(buf), 100), 10 * BLOCK - 100);
	assert_int_equal(blocks_left(fx), 0);
	assert_int_equal(fake_write(fx->t, b, buf, 1, 15 * BLOCK), -ENOSPC);
	assert_int_equal(fake_truncate(fx->t, b, 15 * BLOCK + 1), -ENOSPC);
	assert_int_equal(zus_zi_size(b.zi), 20 * BLOCK);
	assert_int_equal(fake_fallocate(fx->t, b, FALLOC_FL_UNSHARE_RANGE, 0, 20 * BLOCK), -ENOSPC);
	assert_int_equal(fake_fallocate(fx->t, b, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					12 * BLOCK + 1, 5 * BLOCK), -ENOSPC);
	assert_int_equal(le64toh(b.zi->i_blocks), 20);
	for (i = 0; i < 20; i++) {
		assert_int_equal(byte_at(fx, a, i * BLOCK + 200), 'a');
		assert_int_equal(byte_at(fx, b, i * BLOCK + 200), i < 10 ? 'b' : 'a');
	}
	/* whole blocks can go, and then there is space */
	assert_int_equal(fake_truncate(fx->t, b, 15 * BLOCK), 0);
	assert_int_equal(fake_truncate(fx->t, b, BLOCK), 0);
	assert_int_equal(blocks_left(fx), 9);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	fixture_umount(fx);
}

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* Whoever makes room gets the copy of a shared block for it that he needs. */
static void full_device_does_not_keep_from_making_room(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 4 << 20 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	struct memofs_sb *msb = fixture_sb(fx);
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b"), c;
	uint64_t max = msb->reserve.max, pos = 0, i;
	static char buf[4 * BLOCK];

	(void)state;
	c = must_creat(fx, fx->root, "c");
	assert_true(max >= 4);
	must_fill(fx, a, 'a', 40);
	must_clone(fx, a, b);
	while (fake_write(fx->t, c, buf, BLOCK, pos) == BLOCK)
		pos += BLOCK;
	assert_int_equal(blocks_left(fx), 0);

	assert_int_equal(fake_truncate(fx->t, b, 30 * BLOCK + 100), 0);
	assert_int_equal(zus_zi_size(b.zi), 30 * BLOCK + 100);
	/* both edges, then within one block */
	assert_int_equal(fake_fallocate(fx->t, b, PUNCH, 10 * BLOCK + 100, 2 * BLOCK), 0);
	assert_int_equal(fake_fallocate(fx->t, b, PUNCH, 20 * BLOCK + 100, 200), 0);
	assert_int_equal(msb->reserve.count, max - 4);
	assert_int_equal(fake_read(fx->t, b, buf, 4 * BLOCK, 10 * BLOCK), 4 * BLOCK);
	for (i = 0; i < 4 * BLOCK; i++)
		assert_int_equal(buf[i], i < 100 || i >= 2 * BLOCK + 100 ? 'a' : 0);
	assert_int_equal(fake_read(fx->t, a, buf, BLOCK, 10 * BLOCK), BLOCK);
	assert_int_equal(buf[200], 'a');

	/* nobody else gets any of it, and it has an end: then nothing has changed */
	assert_int_equal(fake_write(fx->t, b, "w", 1, 5 * BLOCK), -ENOSPC);
	for (i = 0; msb->reserve.count; i++)
		assert_int_equal(fake_fallocate(fx->t, b, PUNCH, i * BLOCK + 100, 200), 0);
	assert_int_equal(fake_fallocate(fx->t, b, PUNCH, 14 * BLOCK + 1, 2 * BLOCK), -ENOSPC);
	assert_int_equal(fake_read(fx->t, b, buf, 3 * BLOCK, 14 * BLOCK), 3 * BLOCK);
	for (i = 0; i < 3 * BLOCK; i++)
		assert_int_equal(buf[i], 'a');
	assert_int_equal(fake_truncate(fx->t, b, 14 * BLOCK + 1), -ENOSPC);
	assert_int_equal(zus_zi_size(b.zi), 30 * BLOCK + 100);

	/* what becomes free fills it first */
	assert_int_equal(fake_truncate(fx->t, c, pos - (max + 3) * BLOCK), 0);
	assert_int_equal(msb->reserve.count, max);
	assert_int_equal(blocks_left(fx), 3);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	must_remove(fx, fx->root, c, "c");
	fixture_umount(fx);
}

static void memory_may_end_in_a_clone(void **state)
{
	unsigned int n;
	bool hit = true;

	(void)state;
	for (n = 1; hit; n++) {
		struct fixture *fx = fixture_mount(NULL, NULL);
		struct fake_node a = must_creat(fx, fx->root, "a");
		struct fake_node b = must_creat(fx, fx->root, "b");
		ssize_t done;
		int err;

		must_fill(fx, a, 'a', FILE_BLOCKS);
		must_fill(fx, b, 'b', 3);
		fake_fail(fx->f, FAKE_ALLOC, n);
		err = fake_clone(fx->t, a, b, 0, 2 * BLOCK, FILE_MAX, FILE_MAX);
		assert_true(err == 0 || err == -ENOMEM);
		assert_int_equal(zus_zi_size(b.zi), err ? 3 * BLOCK : FILE_MAX + 2 * BLOCK);
		assert_int_equal(le64toh(b.zi->i_blocks), err ? 3 : FILE_BLOCKS + 2);
		done = fake_write(fx->t, b, "x", 1, 2 * BLOCK);
		assert_true(done == 1 || done == -ENOMEM);
		hit = fake_fault_hit(fx->f, FAKE_ALLOC);
		fake_fail(fx->f, FAKE_ALLOC, 0);
		assert_int_equal(byte_at(fx, b, 2 * BLOCK + 1), err ? 'b' : 'a');
		assert_int_equal(byte_at(fx, a, 0), 'a');
		must_remove(fx, fx->root, a, "a");
		must_remove(fx, fx->root, b, "b");
		fixture_umount(fx);
	}
	assert_true(n > 6);
}

/* ---- random operations on a few files, compared with plain buffers ---- */

struct model_file {
	struct fake_node node;
	uint64_t size;			/* from the start on */
	char data[FILE_MAX + BLOCK];	/* zeros behind size */
};

struct model {
	struct fixture *fx;
	unsigned int seed;
	uint64_t start;			/* what is in front of the buffers is a hole */
	char buf[FILE_MAX];
	struct model_file file[FILES];
};

static uint64_t rnd(struct model *m, uint64_t below)
{
	return ((uint64_t)rand_r(&m->seed) << 16 ^ (uint64_t)rand_r(&m->seed)) % below;
}

static void cut(struct model_file *f, uint64_t size)
{
	if (size < f->size)
		memset(f->data + size, 0, f->size - size);
	f->size = size;
}

static void model_write(struct model *m, struct model_file *f, uint64_t pos, uint64_t len)
{
	memset(m->buf, (int)rnd(m, 255) + 1, len);
	must_write(m->fx, f->node, m->buf, len, m->start + pos);
	memcpy(f->data + pos, m->buf, len);
	if (pos + len > f->size)
		f->size = pos + len;
}

/* A mapping stores into a whole page. */
static void model_store(struct model *m, struct model_file *f, uint64_t pos)
{
	char c = (char)(rnd(m, 255) + 1);
	uint64_t bn;

	pos &= ~(uint64_t)(BLOCK - 1);
	if (pos >= f->size)
		return;
	assert_int_equal(fake_get(m->fx->t, f->node, m->start + pos, BLOCK,
				  ZUFS_RW_WRITE | ZUFS_RW_MMAP, &bn, 1), 1);
	memset(zus_t1_addr(fake_md(m->fx->f), bn), c, BLOCK);
	assert_int_equal(fake_put(m->fx->t), 0);
	memset(f->data + pos, c, f->size - pos < BLOCK ? f->size - pos : BLOCK);
}

static void model_clone(struct model *m, struct model_file *src, struct model_file *dst)
{
	uint64_t in = rnd(m, FILE_BLOCKS) * BLOCK, out = rnd(m, FILE_BLOCKS) * BLOCK, len, up;

	if (!src->size)
		return;
	if (src != dst && dst->size <= src->size && rnd(m, 2)) {
		must_clone(m->fx, src->node, dst->node);
		memcpy(dst->data, src->data, sizeof(dst->data));
		dst->size = src->size;
		return;
	}
	in %= src->size;
	in &= ~(uint64_t)(BLOCK - 1);
	len = 1 + rnd(m, src->size - in);
	if (in + len < src->size || out + len < dst->size)
		len &= ~(uint64_t)(BLOCK - 1);
	up = (len + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
	if (!len || out + up > FILE_MAX ||
	    (src == dst && in < out + up && out < in + up))
		return;
	assert_int_equal(fake_clone(m->fx->t, src->node, dst->node, m->start + in, m->start + out,
				    len, up), 0);
	memmove(dst->data + out, src->data + in, len);
	if (out + len > dst->size)
		dst->size = out + len;
}

static void model_space(struct model *m, struct model_file *f, uint64_t pos, uint64_t len)
{
	static const uint32_t modes[] = {
		0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_UNSHARE_RANGE,
	};
	uint32_t mode = modes[rnd(m, 5)];

	assert_int_equal(fake_fallocate(m->fx->t, f->node, mode, m->start + pos, len), 0);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		memset(f->data + pos, 0, len);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && pos + len > f->size)
		f->size = pos + len;
}

static void model_shift(struct model *m, struct model_file *f, uint64_t pos, uint64_t len)
{
	pos &= ~(uint64_t)(BLOCK - 1);
	len = (len + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
	if (rnd(m, 2) && pos < f->size && f->size + len <= FILE_MAX) {
		assert_int_equal(fake_fallocate(m->fx->t, f->node, FALLOC_FL_INSERT_RANGE,
						m->start + pos, len), 0);
		memmove(f->data + pos + len, f->data + pos, f->size - pos);
		memset(f->data + pos, 0, len);
		f->size += len;
	} else if (pos + len < f->size) {
		assert_int_equal(fake_fallocate(m->fx->t, f->node, FALLOC_FL_COLLAPSE_RANGE,
						m->start + pos, len), 0);
		memmove(f->data + pos, f->data + pos + len, f->size - pos - len);
		cut(f, f->size - len);
	}
}

static void model_step(struct model *m)
{
	struct model_file *f = &m->file[rnd(m, FILES)];
	uint64_t pos = rnd(m, FILE_MAX - 1), len = 1 + rnd(m, rnd(m, 2) ? 3 * BLOCK : 40 * BLOCK);

	/* now and then where the file ends: its blocks lie in a row */
	if (rnd(m, 4) == 0 && f->size < FILE_MAX)
		pos = f->size;
	if (len > FILE_MAX - pos)
		len = FILE_MAX - pos;
	switch (rnd(m, 10)) {
	case 0:
		assert_int_equal(fake_truncate(m->fx->t, f->node, m->start + pos), 0);
		cut(f, pos);
		break;
	case 1:
		model_space(m, f, pos, len);
		break;
	case 2:
		model_shift(m, f, pos, len);
		break;
	case 3:
	case 4:
		model_store(m, f, pos);
		break;
	case 5:
	case 6:
	case 7:
		model_clone(m, f, &m->file[rnd(m, FILES)]);
		break;
	default:
		model_write(m, f, pos, len);
	}
}

/* Counts, sizes and the free space agree with what the files have. */
static void check_counts(struct model *m)
{
	struct memofs_sb *msb = fixture_sb(m->fx);
	uint32_t *owners = test_calloc(msb->blocks, sizeof(*owners));
	uint64_t i, used = 0, free_blocks;
	unsigned int f;

	blocks_left(m->fx);
	/* what the window replaced under a mapping waits for this */
	for (f = 0; f < FILES; f++)
		memofs_share_settle(inode_of(m->file[f].node));
	free_blocks = blocks_left(m->fx);
	for (f = 0; f < FILES; f++) {
		const struct memofs_inode *mi = inode_of(m->file[f].node);
		uint64_t blocks = 0, bn;

		for (i = 0; i <= m->start / BLOCK + FILE_BLOCKS + 64; i++) {
			bn = block_of(mi, i);
			blocks += bn != 0;
			used += bn && !owners[bn]++;
		}
		assert_int_equal(le64toh(m->file[f].node.zi->i_blocks), blocks);
	}
	/* two more: the inodes of root and files lie in one block, or root's is another one */
	assert_true(msb->usable - free_blocks - used <= 2);
	for (i = 1; i < msb->blocks; i++) {
		bool shared;

		memofs_owners_run(msb, i, 1, &shared);
		assert_int_equal(shared, owners[i] > 1);
	}
	test_free(owners);
}

static void check_content(struct model *m, struct model_file *f)
{
	uint64_t last = (m->start + f->size) / BLOCK;

	assert_int_equal(zus_zi_size(f->node.zi), m->start + f->size);
	if (!f->size)
		return;
	assert_int_equal(fake_read(m->fx->t, f->node, m->buf, f->size, m->start), f->size);
	assert_memory_equal(m->buf, f->data, f->size);
	assert_runs_are_true(f->node);
	/* behind the end of a shared block are zeros */
	if (f->size % BLOCK && is_shared(m->fx, f->node, last)) {
		const char *addr = zus_t1_addr(fake_md(m->fx->f),
					       block_of(inode_of(f->node), last));

		assert_memory_equal(addr + f->size % BLOCK, f->data + f->size,
				    BLOCK - f->size % BLOCK);
	}
}

static void random_operations(struct fixture *fx, uint64_t start)
{
	struct model *m = test_calloc(1, sizeof(*m));
	unsigned int i, f;
	char name[2] = "a";

	m->fx = fx;
	m->seed = 7;
	m->start = start;
	for (f = 0; f < FILES; f++, name[0]++) {
		m->file[f].node = must_creat(fx, fx->root, name);
		assert_int_equal(fake_truncate(fx->t, m->file[f].node, start), 0);
	}
	for (i = 0; i < 1500; i++) {
		model_step(m);
		check_content(m, &m->file[i % FILES]);
		if (i % 50 == 0)
			check_counts(m);
	}
	for (f = 0; f < FILES; f++)
		check_content(m, &m->file[f]);
	check_counts(m);
	for (f = 0; f < FILES; f++) {
		name[0] = (char)('a' + f);
		must_remove(fx, fx->root, m->file[f].node, name);
	}
	test_free(m);
}

static void random_operations_match_buffers(void **state)
{
	random_operations(*state, 0);
}

/* Blocks on both sides of where the second leaf begins. */
static void random_operations_in_two_leaves_match_buffers(void **state)
{
	random_operations(*state, ((1 << MEMOFS_MAP_BITS) - FILE_BLOCKS / 2) * BLOCK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(clone_takes_no_space),
		T(ranges_and_holes_are_taken_over),
		T(bytes_behind_the_end_are_not_shared),
		cmocka_unit_test(replaced_block_waits_for_its_readers),
		cmocka_unit_test(later_readers_do_not_hold_up),
		cmocka_unit_test(replaced_blocks_do_not_wait_for_a_truncate),
		cmocka_unit_test(held_blocks_come_back_when_nobody_holds_them),
		cmocka_unit_test(exclusive_operations_take_replaced_blocks_back),
		cmocka_unit_test(kernel_hears_of_new_blocks),
		cmocka_unit_test(full_device_leaves_both_as_they_were),
		cmocka_unit_test(full_device_does_not_keep_from_making_room),
		cmocka_unit_test(memory_may_end_in_a_clone),
		T(random_operations_match_buffers),
		T(random_operations_in_two_leaves_match_buffers),
	};

	return cmocka_run_group_tests_name("memofs clone", tests, NULL, NULL);
}
