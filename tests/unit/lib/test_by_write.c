// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes of file systems that keep their data: those that come as WRITE although NIO_WRITES is
 * declared (ZUFS_FSC_BY_WRITE), puts of writes that have a result (put_write), and what the
 * core and the kernel's side say to answers that are none, with probefs on the fake channel.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

#include <endian.h>

static char data[8 * 4096];

static int setup_by_write(void **state)
{
	(void)state;
	start_with(&probe_plugin, "bywrite");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	memset(data, 'd', sizeof(data));
	fx.f0.zi->i_size = htole64(sizeof(data));
	clear_log();
	return 0;
}

static void the_limit_is_told_at_mount(void **state)
{
	(void)state;
	assert_int_equal(fake_mount_info(fx.f)->nio_write_min, 512);
	assert_true(fake_mount_info(fx.f)->fs_caps & ZUFS_FSC_BY_WRITE);
}

static void what_extends_or_is_short_is_write(void **state)
{
	(void)state;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 511, 0), 511);
	assert_int_equal(fake_write(fx.t, fx.f0, data, 4096, sizeof(data) - 4095), 4096);
	assert_int_equal(le64toh(fx.f0.zi->i_size), sizeof(data) + 1);
	assert_string_equal(fx.p->log, "ww");
	assert_int_equal(fake_write(fx.t, fx.f0, data, 512, 0), 512);
	assert_int_equal(fake_write(fx.t, fx.f0, data, 4096, sizeof(data) + 1 - 4096), 4096);
	assert_string_equal(fx.p->log, "wwGPG");
}

static void reads_are_not_concerned(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 16, 0), 16);
	assert_string_equal(fx.p->log, "G");
}

static void a_refused_range_comes_as_write(void **state)
{
	char in[sizeof(data)];

	(void)state;
	fx.p->by_write_from = 1;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 4096, 4096), 4096);
	assert_string_equal(fx.p->log, "Gw");
	assert_int_equal(fx.p->files[0].gets, 0);
	/* pages before it are a short answer, which has its put */
	clear_log();
	assert_int_equal(fake_write(fx.t, fx.f0, data, 3 * 4096, 0), 3 * 4096);
	assert_string_equal(fx.p->log, "GPGw");
	fx.p->by_write_from = 0;
	assert_int_equal(fake_read(fx.t, fx.f0, in, 3 * 4096, 0), 3 * 4096);
	assert_memory_equal(in, data, 3 * 4096);
}

static void a_refusal_holds_nothing(void **state)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, ZUFS_OP_GET_MULTY, sizeof(*ioc));
	uint64_t bn;

	(void)state;
	fx.p->by_write_from = 1;
	ioc->zus_ii = fx.f0.ii;
	ioc->filepos = 4096;
	ioc->hdr.len = 4096;
	ioc->rw = ZUFS_RW_WRITE;
	assert_int_equal(fake_send(fx.t), 0);
	assert_int_equal(ioc->ret_flags, ZUFS_RET_BY_WRITE);
	assert_int_equal(ioc->ziom.iom_n, 0);
	assert_int_equal(ioc->last_pos, 4096);
	assert_int_equal(ioc->hdr.out_len, zufs_io_size(0));
	assert_int_equal(fake_get(fx.t, fx.f0, 4096, 4096, ZUFS_RW_WRITE, &bn, 1), 0);
	assert_int_equal(fake_put(fx.t), -EINVAL);
}

static void only_a_write_can_be_refused(void **state)
{
	uint64_t bn;

	(void)state;
	fx.p->by_write_from = 1;
	assert_int_equal(fake_get(fx.t, fx.f0, 4096, 4096, 0, &bn, 1), -EIO);
	assert_int_equal(fake_get(fx.t, fx.f0, 4096, 4096, ZUFS_RW_WRITE | ZUFS_RW_MMAP, &bn, 1),
			 -EIO);
	/* with blocks it is none */
	fx.p->by_write_from = 0;
	fx.p->ret_flags = ZUFS_RET_BY_WRITE;
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, ZUFS_RW_WRITE, &bn, 1), -EIO);
	fx.p->files[0].gets = 0;
}

static void without_the_bit_nothing_is_refused(void **state)
{
	(void)state;
	fx.p->by_write_from = 1;
	clear_log();
	assert_int_equal(fake_write(fx.t, fx.f0, data, 4096, 4096), -EIO);
	assert_string_equal(fx.p->log, "G");
	fx.p->by_write_from = 0;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 1, 1 << 16), 1);
	assert_string_equal(fx.p->log, "GG");
}

/* ---- puts that have a result ---- */

static struct {
	int result;
	unsigned int calls;
	uint64_t copied;
} put;

static int put_write(struct zus_ii *ii, const struct zus_blocks *b)
{
	struct probe_ii *pi = (struct probe_ii *)ii;

	put.calls++;
	put.copied = b->copied;
	assert_int_equal(b->cookie, 1000 + pi->nr);
	__atomic_fetch_sub(&pi->gets, 1, __ATOMIC_RELAXED);
	return put.result;
}

static int setup_put_write(void **state)
{
	static struct zus_plugin plugin;
	static struct zus_fs_ops ops;

	(void)state;
	memset(&put, 0, sizeof(put));
	ops = probe_ops;
	ops.put_write = put_write;
	plugin = probe_plugin;
	plugin.ops = &ops;
	start_with(&plugin, "nio");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	memset(data, 'd', sizeof(data));
	fx.f0.zi->i_size = htole64(sizeof(data));
	clear_log();
	return 0;
}

static void a_put_of_a_write_says_how_far_it_got(void **state)
{
	uint64_t bn;

	(void)state;
	assert_true(fake_mount_info(fx.f)->fs_caps & ZUFS_FSC_PUT_RESULT);
	fx.p->ret_flags = ZUFS_RET_PUT_NOW;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 5000, 100), 5000);
	assert_int_equal(put.calls, 1);
	assert_int_equal(put.copied, 5000);
	/* a short answer is a put for each part */
	fx.p->get_limit = 1;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 5000, 100), 5000);
	assert_int_equal(put.calls, 3);
	assert_int_equal(put.copied, 100 + 5000 - 4096);
	/* reads and faults are put as ever */
	assert_int_equal(fake_read(fx.t, fx.f0, data, 10, 0), 10);
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, ZUFS_RW_WRITE | ZUFS_RW_MMAP, &bn, 1), 1);
	assert_int_equal(fake_put(fx.t), 0);
	assert_int_equal(put.calls, 3);
	assert_string_equal(fx.p->log, "GGGGPGP");
}

static void its_result_is_that_of_the_write(void **state)
{
	static const uint32_t now[] = { ZUFS_RET_PUT_NOW, ZUFS_RET_NEW, ZUFS_RET_LOCKED_PUT };
	unsigned int i;

	(void)state;
	put.result = -ENOSPC;
	for (i = 0; i < 3; i++) {
		fx.p->ret_flags = now[i];
		assert_int_equal(fake_write(fx.t, fx.f0, data, 4096, sizeof(data)), -ENOSPC);
		assert_int_equal(put.calls, i + 1);
		assert_int_equal(le64toh(fx.f0.zi->i_size), sizeof(data));
	}
	/* the second part is refused */
	fx.p->get_limit = 1;
	put.result = 0;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 8192, 0), 8192);
	assert_int_equal(fx.p->files[0].gets, 0);
	/* one that rides along has none */
	fx.p->ret_flags = 0;
	put.result = -EIO;
	assert_int_equal(fake_write(fx.t, fx.f0, data, 4096, 0), 4096);
	assert_int_equal(fake_setattr(fx.t, fx.f0, 0), 0);
	assert_int_equal(put.calls, 6);
}

static void a_put_that_lies_is_not_executed(void **state)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, ZUFS_OP_PUT_MULTY, sizeof(*ioc));
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		ioc = fake_msg(fx.t, ZUFS_OP_PUT_MULTY, sizeof(*ioc));
		ioc->zus_ii = fx.f0.ii;
		ioc->rw = ZUFS_RW_WRITE;
		ioc->filepos = 100;
		ioc->hdr.len = 10;
		ioc->last_pos = i ? 111 : 99;
		assert_int_equal(fake_send(fx.t), -EINVAL);
	}
	assert_int_equal(put.calls, 0);
}

#define TB(fn)	cmocka_unit_test_setup_teardown(fn, setup_by_write, teardown)
#define TP(fn)	cmocka_unit_test_setup_teardown(fn, setup_put_write, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TB(the_limit_is_told_at_mount),
		TB(what_extends_or_is_short_is_write),
		TB(reads_are_not_concerned),
		TB(a_refused_range_comes_as_write),
		TB(a_refusal_holds_nothing),
		TB(only_a_write_can_be_refused),
		TN(without_the_bit_nothing_is_refused),
		TP(a_put_of_a_write_says_how_far_it_got),
		TP(its_result_is_that_of_the_write),
		TP(a_put_that_lies_is_not_executed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
