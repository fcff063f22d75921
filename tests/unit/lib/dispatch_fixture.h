/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the dispatch tests share: probefs mounted on the fake channel, one caller, the root and
 * two files. Included once per test program; tests run one after the other on one fixture.
 */
#ifndef TESTS_DISPATCH_FIXTURE_H
#define TESTS_DISPATCH_FIXTURE_H

#include "../unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "../probefs.h"
#include "fake.h"

#define PROBE_IOC	_IOWR('P', 1, char[16])

struct fixture {
	struct fake *f;
	struct fake_thread *t;
	struct probe_sb *p;
	struct fake_node root, f0, f1;
};

static struct fixture fx;

static void start_with(const struct zus_plugin *plugin, const char *options)
{
	const struct fake_opts opts = { .t2_bytes = 4 << 20 };

	assert_int_equal(fake_create(&fx.f, plugin, &opts), 0);
	assert_int_equal(fake_mount(fx.f, options), 0);
	fx.t = fake_thread_create(fx.f, 3);
	assert_non_null(fx.t);
	fx.p = (struct probe_sb *)fake_sb(fx.f);
	fx.root = fake_root(fx.f);
}

static inline int setup(void **state)
{
	(void)state;
	start_with(&probe_plugin, "");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	assert_int_equal(fake_lookup(fx.t, fx.root, "f1", &fx.f1), 0);
	return 0;
}

static inline int setup_nio(void **state)
{
	(void)state;
	start_with(&probe_plugin, "nio");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	assert_int_equal(fake_lookup(fx.t, fx.root, "f1", &fx.f1), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_thread_destroy(fx.t);
	assert_int_equal(fake_umount(fx.f), 0);
	assert_int_equal(fake_outstanding(fx.f), 0);
	fake_destroy(fx.f);
	return 0;
}

/* ---- a command buffer of its own, which is as long as it says ---- */

static struct zus_cmd raw_cmd;

/* An empty message of `len` bytes in a buffer of `size`. */
static inline void *raw_message(size_t size, unsigned int operation, size_t len)
{
	struct zufs_ioc_hdr *hdr;

	free(raw_cmd.buf);
	raw_cmd = (struct zus_cmd){ .buf = calloc(1, size), .size = (uint32_t)size, .cpu = 1 };
	assert_non_null(raw_cmd.buf);
	hdr = raw_cmd.buf;
	hdr->operation = (uint16_t)operation;
	hdr->in_len = (uint16_t)len;
	return hdr;
}

static inline int raw_dispatch(void)
{
	struct zufs_ioc_hdr *hdr = raw_cmd.buf;

	zus_dispatch(&raw_cmd);
	return hdr->err;
}

static inline int raw_teardown(void **state)
{
	free(raw_cmd.buf);
	raw_cmd.buf = NULL;
	return teardown(state);
}

static inline void clear_log(void)
{
	memset(fx.p->log, 0, sizeof(fx.p->log));
	fx.p->log_len = 0;
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TN(fn)	cmocka_unit_test_setup_teardown(fn, setup_nio, teardown)

#endif /* TESTS_DISPATCH_FIXTURE_H */
