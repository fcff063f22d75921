/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of data share: T1 is dirtied first, so a block that was not zeroed shows; reads by
 * both ways; a page fault.
 */
#ifndef TIERFS_DATA_TESTS_H
#define TIERFS_DATA_TESTS_H

#include "fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <unistd.h>
#include <zus/pmem.h>

#define MIB	(1024U * 1024)
#define SLOT	(2 * MIB)

/* A file takes all blocks and is removed; what it held stays where it was. */
static inline void make_dirty(struct fixture *fx)
{
	struct fake_node a = must_creat(fx, fx->root, "dirt");
	static char dirt[MIB];
	uint64_t pos = 0;

	memset(dirt, 0xdd, sizeof(dirt));
	while (fake_write(fx->t, a, dirt, sizeof(dirt), pos) == (ssize_t)sizeof(dirt))
		pos += sizeof(dirt);
	must_remove(fx, fx->root, a, "dirt");
}

static inline int setup_dirty(void **state)
{
	struct fixture *fx = fixture_new(NULL, NULL);

	make_dirty(fx);
	*state = fx;
	return 0;
}

/* By READ, which the fake does not send to who answers GET. */
static inline ssize_t read_window(struct fake_node a, void *buf, size_t len, uint64_t pos)
{
	struct zus_io io = { .buf = buf, .pos = pos, .len = len };

	return tierfs_read((struct zus_ii *)(uintptr_t)a.ii, &io);
}

/* Both ways find the same; buf is filled. */
static inline void must_read(struct fixture *fx, struct fake_node a, char *buf, size_t len,
			     uint64_t pos)
{
	char *other = test_malloc(len);

	memset(buf, 1, len);
	memset(other, 2, len);
	assert_int_equal(fake_read(fx->t, a, buf, len, pos), len);
	assert_int_equal(read_window(a, other, len, pos), len);
	assert_memory_equal(buf, other, len);
	test_free(other);
}

static inline uint64_t fault(struct fixture *fx, struct fake_node a, uint64_t pos, uint64_t rw)
{
	uint64_t bn = 0;

	assert_int_equal(fake_get(fx->t, a, pos, BLOCK, ZUFS_RW_MMAP | rw, &bn, 1), 1);
	assert_int_equal(fake_put(fx->t), 0);
	return bn;
}

#endif /* TIERFS_DATA_TESTS_H */
