// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch and the ends of things: of command buffers, of messages that ride along, of names
 * and values in a message, of the window, of the list that an earlier answer had. Each command
 * buffer is on the heap and as long as it says, so what is read or written behind it is seen.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

#include <endian.h>
#include <sched.h>
#include <zus/iomap.h>
#include <zus/thread.h>

#define HDR	sizeof(struct zufs_ioc_hdr)

/* ---- messages ---- */

static void message_may_fill_its_buffer(void **state)
{
	struct zufs_ioc_attr *msg = raw_message(sizeof(*msg), ZUFS_OP_SETATTR, sizeof(*msg));

	(void)state;
	msg->zus_ii = fx.f0.ii;
	assert_int_equal(raw_dispatch(), 0);
	msg->hdr.in_len++;
	assert_int_equal(raw_dispatch(), -EINVAL);
	msg->hdr.in_len = sizeof(*msg) - 1;
	assert_int_equal(raw_dispatch(), -EINVAL);
}

static void numbers_behind_the_last_are_unknown(void **state)
{
	(void)state;
	raw_message(HDR, ZUFS_OP_T1_IDLE + 1, HDR);
	assert_int_equal(raw_dispatch(), -EOPNOTSUPP);
	raw_message(HDR, ZUFS_OP_T1_IDLE, HDR);
	assert_int_equal(raw_dispatch(), -EINVAL);
	raw_message(HDR, 0, HDR);
	assert_int_equal(raw_dispatch(), -EOPNOTSUPP);
}

static void operation_is_over_when_it_is_answered(void **state)
{
	struct zufs_ioc_hdr *hdr = raw_message(HDR, ZUFS_OP_NOOP, HDR);

	(void)state;
	hdr->flags = ZUFS_H_INTR;
	assert_int_equal(raw_dispatch(), 0);
	assert_false(zus_signal_pending());
	assert_int_equal(zus_current_cpu(), 1);
}

#define NO_CPU	4711

/* The library's sched_getcpu is this one: a channel's CPU is known without it. */
int sched_getcpu(void)
{
	return NO_CPU;
}

static void a_cpu_is_that_of_the_channel(void **state)
{
	(void)state;
	raw_message(HDR, ZUFS_OP_NOOP, HDR);
	raw_cmd.cpu = 0;
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(zus_current_cpu(), 0);
}

/* ---- riders ---- */

/* A NOOP, and behind it an EVICT of f0 of which `room` bytes are in the buffer. */
static struct zufs_ioc_evict_inode *with_rider(size_t first_len, size_t room)
{
	struct zufs_ioc_hdr *hdr = raw_message(first_len + room, ZUFS_OP_NOOP, first_len);
	struct zufs_ioc_evict_inode rider = {
		.hdr.operation = ZUFS_OP_EVICT_INODE,
		.hdr.in_len = sizeof(rider),
		.zus_ii = fx.f0.ii,
		.flags = ZI_LOOKUP_RACE,
	};
	char *at = (char *)hdr + first_len;

	hdr->flags = ZUFS_H_HAS_PIGY_PUT;
	memcpy(at, &rider, room < sizeof(rider) ? room : sizeof(rider));
	return (void *)at;
}

static void rider_must_lie_in_the_buffer(void **state)
{
	const size_t whole = sizeof(struct zufs_ioc_evict_inode);
	struct fake_node again;
	size_t room;

	(void)state;
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &again), 0);
	clear_log();
	for (room = 0; room < whole; room += 8) {
		with_rider(HDR, room);
		assert_int_equal(raw_dispatch(), 0);
		assert_string_equal(fx.p->log, "");
	}
	with_rider(HDR, whole);
	assert_int_equal(raw_dispatch(), 0);
	assert_string_equal(fx.p->log, "E");
}

static void rider_behind_an_impossible_message_is_none(void **state)
{
	struct zufs_ioc_hdr *hdr;

	(void)state;
	clear_log();
	with_rider(HDR, sizeof(struct zufs_ioc_evict_inode));
	hdr = raw_cmd.buf;
	hdr->in_len = HDR - 8;
	assert_int_equal(raw_dispatch(), -EINVAL);
	with_rider(HDR, sizeof(struct zufs_ioc_evict_inode));
	hdr = raw_cmd.buf;
	hdr->in_len = UINT16_MAX;
	assert_int_equal(raw_dispatch(), -EINVAL);
	/* in_len leaves less than a header, and nothing, of the buffer */
	hdr->in_len = (uint16_t)(raw_cmd.size - HDR + 8);
	assert_int_equal(raw_dispatch(), 0);
	hdr->in_len = (uint16_t)raw_cmd.size;
	assert_int_equal(raw_dispatch(), 0);
	assert_string_equal(fx.p->log, "");
}

static void riders_end_with_the_first_bad_one(void **state)
{
	struct zufs_ioc_evict_inode *rider;

	(void)state;
	clear_log();
	rider = with_rider(HDR, 3 * sizeof(*rider));
	rider[1] = rider[2] = rider[0];
	rider[0].hdr.flags = rider[1].hdr.flags = ZUFS_H_HAS_PIGY_PUT;
	rider[0].hdr.operation = ZUFS_OP_NOOP;
	assert_int_equal(raw_dispatch(), 0);
	rider[0].hdr.operation = ZUFS_OP_EVICT_INODE;
	rider[0].hdr.in_len = sizeof(*rider) - 8;
	assert_int_equal(raw_dispatch(), 0);
	assert_string_equal(fx.p->log, "");
}

/* ---- the list of an earlier answer ---- */

static struct zufs_ioc_IO *with_old_list(unsigned int operation)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, operation, sizeof(*ioc));

	ioc->zus_ii = fx.f0.ii;
	ioc->rw = operation == ZUFS_OP_FALLOCATE ? ZUFS_FL_TRUNCATE : 0;
	ioc->ziom.iomb = 77;
	ioc->ziom.iom_n = 4;
	ioc->ziom.iom_max = 8;
	ioc->ret_flags = ZUFS_RET_IOM_FLUSH | ZUFS_RET_IOM_FUA | ZUFS_RET_LOCKED_PUT;
	fake_window(fx.t, 8);
	return ioc;
}

static void want_no_list(const struct zufs_ioc_IO *ioc)
{
	assert_int_equal(ioc->ziom.iomb, 0);
	assert_int_equal(ioc->ret_flags & (ZUFS_RET_IOM_FLUSH | ZUFS_RET_IOM_FUA), 0);
}

static void last_answer_has_nothing_of_an_earlier_list(void **state)
{
	static const unsigned int io[] = {
		ZUFS_OP_READ, ZUFS_OP_WRITE, ZUFS_OP_PRE_READ, ZUFS_OP_FALLOCATE,
		ZUFS_OP_GET_MULTY,
	};
	struct zufs_ioc_IO *ioc;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(io); i++) {
		ioc = with_old_list(io[i]);
		assert_int_equal(fake_send(fx.t), 0);
		want_no_list(ioc);
		if (io[i] == ZUFS_OP_READ || io[i] == ZUFS_OP_WRITE) {
			assert_int_equal(ioc->ziom.iom_n, 0);
			assert_int_equal(ioc->ret_flags, 0);
		}
	}
	fx.p->files[0].gets = 0;
	fx.p->result = -ENOSPC;
	fx.p->use_size_result = true;
	fx.p->size_result = -ENOSPC;
	for (i = 0; i < ARRAY_LEN(io); i++) {
		ioc = with_old_list(io[i]);
		assert_int_equal(fake_send(fx.t), -ENOSPC);
		want_no_list(ioc);
		/* what else is there is not touched */
		assert_int_equal(ioc->ret_flags, ZUFS_RET_LOCKED_PUT);
	}
	fx.p->result = 0;
}

static void retry_without_a_list_is_an_error(void **state)
{
	struct zufs_ioc_IO *ioc;

	(void)state;
	fx.p->result = -EZUFS_RETRY;
	ioc = with_old_list(ZUFS_OP_PRE_READ);
	ioc->ziom.iomb = 0;
	assert_int_equal(fake_send(fx.t), -EIO);
	ioc = with_old_list(ZUFS_OP_PRE_READ);
	ioc->ziom.iom_n = 0;
	assert_int_equal(fake_send(fx.t), -EIO);
	fx.p->result = 0;
}

/* ---- ranges and blocks ---- */

static int fallocate_range(uint64_t from, uint64_t to)
{
	struct zufs_ioc_IO *msg = raw_message(sizeof(*msg), ZUFS_OP_FALLOCATE, sizeof(*msg));

	msg->zus_ii = fx.f0.ii;
	msg->filepos = from;
	msg->last_pos = to;
	return raw_dispatch();
}

static void ranges_do_not_go_backwards(void **state)
{
	(void)state;
	fx.p->last_len = 1;
	assert_int_equal(fallocate_range(4096, 4096), 0);
	assert_int_equal(fx.p->last_len, 0);
	assert_int_equal(fallocate_range(4096, 4095), -EINVAL);
	assert_int_equal(fallocate_range(1, UINT64_MAX), 0);
	assert_int_equal(fx.p->last_len, UINT64_MAX - 1);
}

static void sync_answers_where_there_is_room(void **state)
{
	static const struct { uint16_t out_max, out_len; } cases[] = {
		{ 0, 3 }, { 7, 3 }, { 8, 8 }, { 100, 8 },
	};
	struct zufs_ioc_sync *msg;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		msg = raw_message(sizeof(*msg), ZUFS_OP_SYNC, sizeof(*msg));
		msg->zus_ii = fx.f0.ii;
		msg->hdr.out_max = cases[i].out_max;
		msg->hdr.out_len = 3;
		assert_int_equal(raw_dispatch(), 0);
		assert_int_equal(msg->write_unmapped, 9);
		assert_int_equal(msg->hdr.out_len, cases[i].out_len);
	}
}

/* What the plugin's get_blocks leaves. */
static struct zus_blocks given;

static int see_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	(void)ii;
	b->n = given.n;
	b->internal.large = given.internal.large;
	if (given.internal.max)
		b->internal.max = given.internal.max;
	b->internal.words[0] = 1;
	return 0;
}

static int setup_given(void **state)
{
	static struct zus_fs_ops ops;
	static struct zus_plugin plugin;

	(void)state;
	ops = probe_ops;
	ops.get_blocks = see_get_blocks;
	plugin = probe_plugin;
	plugin.ops = &ops;
	start_with(&plugin, "nio");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	return 0;
}

/* Asks for `len` bytes from `pos` on; the buffer has room for 8 words. */
static const struct zufs_ioc_IO *get(uint64_t pos, uint32_t len, uint64_t rw)
{
	struct zufs_ioc_IO *msg = raw_message(sizeof(*msg) + 64, ZUFS_OP_GET_MULTY, sizeof(*msg));

	msg->zus_ii = fx.f0.ii;
	msg->filepos = pos;
	msg->hdr.len = len;
	msg->rw = rw;
	raw_dispatch();
	return msg;
}

static void blocks_are_as_many_as_were_asked_for(void **state)
{
	const struct zufs_ioc_IO *msg;

	(void)state;
	given = (struct zus_blocks){ .n = 2 };
	msg = get(100, 2 * 4096 - 100, 0);
	assert_int_equal(msg->hdr.err, 0);
	assert_int_equal(msg->last_pos, 2 * 4096);
	assert_int_equal(msg->hdr.out_len, zufs_io_size(2));
	given.n = 3;
	assert_int_equal(get(100, 2 * 4096 - 100, 0)->hdr.err, -EIO);
	assert_int_equal(get(100, 2 * 4096 - 99, 0)->hdr.err, 0);
	given.n = 1;
	assert_int_equal(get(100, 2 * 4096, 0)->last_pos, 4096);
	given.n = 0;
	assert_int_equal(get(0, 4096, 0)->hdr.err, -EIO);
}

static void large_pages_are_one_word_for_a_fault(void **state)
{
	const uint32_t size = 2 << 20;
	const struct zufs_ioc_IO *msg;

	(void)state;
	given = (struct zus_blocks){ .n = 1, .internal = { .large = true, .max = 512 } };
	msg = get(0, size, ZUFS_RW_MMAP);
	assert_int_equal(msg->hdr.err, 0);
	assert_int_equal(msg->last_pos, size);
	assert_int_equal(msg->ziom.iom_n, 1);
	assert_int_equal(get(0, size, 0)->hdr.err, -EIO);
	given.internal.max = 511;
	assert_int_equal(get(0, size, ZUFS_RW_MMAP)->hdr.err, -EIO);
	given.internal.max = 512;
	given.n = 2;
	assert_int_equal(get(0, size, ZUFS_RW_MMAP)->hdr.err, -EIO);
	given.n = 0;
	assert_int_equal(get(0, size, ZUFS_RW_MMAP)->hdr.err, -EIO);
}

/* ---- names and targets ---- */

static int symlink_of(uint64_t len, size_t window)
{
	struct zufs_ioc_new_inode *ioc = fake_msg(fx.t, ZUFS_OP_NEW_INODE, sizeof(*ioc));

	ioc->dir_ii = fx.root.ii;
	ioc->str.len = 1;
	ioc->str.name[0] = 'l';
	ioc->zi.i_mode = htole16(S_IFLNK | 0777);
	ioc->zi.i_size = htole64(len);
	memset(fake_window(fx.t, window), 'w', window);
	ioc->hdr.len = (uint32_t)window;
	return fake_send(fx.t);
}

static void symlink_targets_have_their_limits(void **state)
{
	const uint64_t inside = sizeof(((struct zus_inode *)NULL)->i_symlink);

	(void)state;
	assert_int_equal(symlink_of(inside - 1, 8), 0);
	assert_int_equal(fx.p->value_len, inside - 1);
	assert_int_equal(fx.p->value[0], 0);
	/* one more is in the window, all of it */
	assert_int_equal(symlink_of(inside, inside - 1), -EINVAL);
	assert_int_equal(symlink_of(inside, inside), 0);
	assert_int_equal(fx.p->value[0], 'w');
	assert_int_equal(symlink_of(ZUFS_MAX_SYMLINK - 1, ZUFS_MAX_SYMLINK - 1), 0);
	assert_int_equal(fx.p->value_len, ZUFS_MAX_SYMLINK - 1);
	assert_int_equal(symlink_of(ZUFS_MAX_SYMLINK, ZUFS_MAX_SYMLINK), -ENAMETOOLONG);
	assert_int_equal(symlink_of(UINT64_MAX, 8), -ENAMETOOLONG);
}

static void empty_names_are_refused(void **state)
{
	static const unsigned int dentry_ops[] = { ZUFS_OP_ADD_DENTRY, ZUFS_OP_REMOVE_DENTRY };
	struct zufs_ioc_new_inode *ioc;
	struct zufs_ioc_dentry *dentry;
	struct zufs_ioc_rename *mv;
	size_t i;

	(void)state;
	clear_log();
	for (i = 0; i < ARRAY_LEN(dentry_ops); i++) {
		dentry = fake_msg(fx.t, dentry_ops[i], sizeof(*dentry));
		dentry->zus_dir_ii = fx.root.ii;
		dentry->zus_ii = fx.f0.ii;
		assert_int_equal(fake_send(fx.t), -EINVAL);
	}
	for (i = 0; i < 2; i++) {
		mv = fake_msg(fx.t, ZUFS_OP_RENAME, sizeof(*mv));
		mv->old_dir_ii = mv->new_dir_ii = fx.root.ii;
		mv->old_zus_ii = fx.f0.ii;
		*(i ? &mv->old_d_str.len : &mv->new_d_str.len) = 1;
		assert_int_equal(fake_send(fx.t), -EINVAL);
	}
	ioc = fake_msg(fx.t, ZUFS_OP_NEW_INODE, sizeof(*ioc));
	ioc->dir_ii = fx.root.ii;
	assert_int_equal(fake_send(fx.t), -EINVAL);
	assert_string_equal(fx.p->log, "");
	ioc = fake_msg(fx.t, ZUFS_OP_NEW_INODE, sizeof(*ioc));
	ioc->dir_ii = fx.root.ii;
	ioc->flags = ZI_TMPFILE;
	assert_int_equal(fake_send(fx.t), 0);
	assert_string_equal(fx.p->log, "N");
}

#define B(fn)	cmocka_unit_test_setup_teardown(fn, setup, raw_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		B(message_may_fill_its_buffer),
		B(numbers_behind_the_last_are_unknown),
		B(operation_is_over_when_it_is_answered),
		B(a_cpu_is_that_of_the_channel),
		B(rider_must_lie_in_the_buffer),
		B(rider_behind_an_impossible_message_is_none),
		B(riders_end_with_the_first_bad_one),
		B(last_answer_has_nothing_of_an_earlier_list),
		B(retry_without_a_list_is_an_error),
		B(ranges_do_not_go_backwards),
		B(sync_answers_where_there_is_room),
		cmocka_unit_test_setup_teardown(blocks_are_as_many_as_were_asked_for, setup_given,
						raw_teardown),
		cmocka_unit_test_setup_teardown(large_pages_are_one_word_for_a_fault, setup_given,
						raw_teardown),
		B(symlink_targets_have_their_limits),
		B(empty_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
