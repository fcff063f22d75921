/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of attributes share: values that depend on a seed, set and looked at.
 */
#ifndef TIERFS_TEST_ATTRS_H
#define TIERFS_TEST_ATTRS_H

#include "../../unit.h"
#include "fixture.h"

#define USER	ZUFS_XATTR_USER
#define MAX	65536U

static inline ssize_t get(struct fixture *fx, struct fake_node n, const char *name, void *buf,
			  size_t size)
{
	return fake_getxattr(fx->t, n, USER, name, buf, size);
}

static inline int set(struct fixture *fx, struct fake_node n, const char *name,
		      const void *value, size_t size, uint32_t flags)
{
	return fake_setxattr(fx->t, n, USER, name, value, size, flags);
}

/* Bytes that depend on their place and on the seed. */
static inline void fill(uint8_t *buf, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		buf[i] = (uint8_t)(i * 7 + i / 251 + seed * 31);
}

static inline int try_set(struct fixture *fx, struct fake_node n, const char *name, size_t size,
			  unsigned int seed)
{
	static uint8_t buf[MAX];

	fill(buf, size, seed);
	return set(fx, n, name, buf, size, 0);
}

static inline void must_set(struct fixture *fx, struct fake_node n, const char *name, size_t size,
			    unsigned int seed)
{
	assert_int_equal(try_set(fx, n, name, size, seed), 0);
}

static inline void must_have(struct fixture *fx, struct fake_node n, const char *name, size_t size,
			     unsigned int seed)
{
	static uint8_t want[MAX], buf[MAX];

	fill(want, size, seed);
	assert_int_equal(get(fx, n, name, buf, MAX), size);
	assert_memory_equal(buf, want, size);
}

#endif /* TIERFS_TEST_ATTRS_H */
