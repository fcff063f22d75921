// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs and the core's quarantine: blocks that the kernel has called busy are given to nobody,
 * and come back when they are idle; what the kernel says wrongly changes nothing.
 */
#include "fixture.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static int say(struct fixture *fx, unsigned int operation, const struct zufs_t1_run *runs,
	       uint32_t nr)
{
	struct zufs_ioc_t1_runs *msg = fake_msg(fx->t, operation,
						sizeof(*msg) + nr * sizeof(*runs));

	msg->zus_sbi = fake_mount_info(fx->f)->zus_sbi;
	msg->nr = nr;
	memcpy(ZUFS_TAIL(msg, runs), runs, nr * sizeof(*runs));
	return fake_send(fx->t);
}

static int busy(struct fixture *fx, uint64_t bn, uint64_t n)
{
	const struct zufs_t1_run run = { .first = bn, .nr = n };

	return say(fx, ZUFS_OP_T1_BUSY, &run, 1);
}

static int idle(struct fixture *fx, uint64_t bn, uint64_t n)
{
	const struct zufs_t1_run run = { .first = bn, .nr = n };

	return say(fx, ZUFS_OP_T1_IDLE, &run, 1);
}

/* A file of four blocks; its first one. */
static uint64_t make(struct fixture *fx, const char *name, struct fake_node *node)
{
	static char buf[4 * BLOCK];

	*node = must_creat(fx, fx->root, name);
	must_write(fx, *node, buf, sizeof(buf), 0);
	return block_of(inode_of(*node), 0);
}

static void busy_blocks_come_back_when_idle(void **state)
{
	struct fixture *fx = *state;
	struct fake_node node;
	uint64_t bn = make(fx, "a", &node), before = blocks_left(fx);

	assert_true(fake_mount_info(fx->f)->fs_caps & ZUFS_FSC_QUARANTINE);
	assert_int_equal(busy(fx, bn + 1, 2), 0);
	assert_int_equal(blocks_left(fx), before);
	assert_true(zus_block_is_busy(fake_sb(fx->f), bn + 1));
	assert_false(zus_block_is_busy(fake_sb(fx->f), bn));
	assert_int_equal(fake_truncate(fx->t, node, 0), 0);
	assert_int_equal(blocks_left(fx), before + 2);
	assert_int_equal(idle(fx, bn + 2, 1), 0);
	assert_true(zus_block_is_busy(fake_sb(fx->f), bn + 1));
	assert_false(zus_block_is_busy(fake_sb(fx->f), bn + 2));
	assert_int_equal(blocks_left(fx), before + 3);
	assert_int_equal(idle(fx, bn + 1, 1), 0);
	assert_int_equal(blocks_left(fx), before + 4);
	must_remove(fx, fx->root, node, "a");
}

/* A message speaks of the blocks of its runs, and of none beside these. */
static void runs_have_their_ends(void **state)
{
	const uint64_t last = fixture_sb(*state)->sb.md->t1_blocks - 1;
	const struct zufs_t1_run runs[] = {
		{ 1000, 2 }, { 2000, 1 }, { last, 1 }, { last + 1, 0 }
	};
	struct zus_sb *sb = fake_sb(((struct fixture *)*state)->f);
	unsigned int i;

	assert_int_equal(say(*state, ZUFS_OP_T1_BUSY, runs, 4), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(zus_block_is_busy(sb, runs[i].first), i < 3);
		assert_false(zus_block_is_busy(sb, runs[i].first + runs[i].nr));
	}
	assert_int_equal(busy(*state, 1002, 1), 0);
	assert_int_equal(busy(*state, 2001, 1), 0);
	/* many that are looked for in one place */
	for (i = 0; i < 8; i++)
		assert_int_equal(busy(*state, 3 + 256 * i, 1), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(idle(*state, 3 + 256 * (i * 3 % 8), 1), 0);
		assert_false(zus_block_is_busy(sb, 3 + 256 * (i * 3 % 8)));
	}
	assert_int_equal(say(*state, ZUFS_OP_T1_IDLE, runs, 4), 0);
	for (i = 0; i < 4; i++)
		assert_false(zus_block_is_busy(sb, runs[i].first));
	assert_true(zus_block_is_busy(sb, 1002));
	assert_true(zus_block_is_busy(sb, 2001));
	assert_int_equal(idle(*state, 1002, 1), 0);
	assert_int_equal(idle(*state, 2001, 1), 0);
}

/* Of as many runs as a message may have; what lies behind them in the buffer is none. */
static void a_message_may_be_full(void **state)
{
	static struct zufs_t1_run runs[ZUFS_T1_RUNS_MAX + 1];
	struct zus_sb *sb = fake_sb(((struct fixture *)*state)->f);
	const uint32_t most = ZUFS_T1_RUNS_MAX;
	struct zufs_ioc_t1_runs *msg;
	struct fixture *fx = *state;
	uint32_t i;

	for (i = 0; i <= most; i++)
		runs[i] = (struct zufs_t1_run){ .first = 100 + 2 * i, .nr = 1 };
	assert_int_equal(say(fx, ZUFS_OP_T1_BUSY, runs, most + 1), -EINVAL);
	assert_int_equal(say(fx, ZUFS_OP_T1_BUSY, runs, most), 0);
	assert_true(zus_block_is_busy(sb, runs[most - 1].first));
	assert_int_equal(say(fx, ZUFS_OP_T1_IDLE, runs, most), 0);
	assert_false(zus_block_is_busy(sb, runs[most - 1].first));
	/* one run that is not counted, whatever it says */
	for (i = 0; i < 2; i++) {
		msg = fake_msg(fx->t, ZUFS_OP_T1_BUSY, sizeof(*msg) + 2 * sizeof(runs[0]));
		msg->zus_sbi = fake_mount_info(fx->f)->zus_sbi;
		msg->nr = 1;
		runs[1].first = i ? 102 : UINT64_MAX;
		memcpy(ZUFS_TAIL(msg, runs), runs, 2 * sizeof(runs[0]));
		assert_int_equal(fake_send(fx->t), 0);
		assert_true(zus_block_is_busy(sb, 100));
		assert_false(zus_block_is_busy(sb, 102));
		assert_int_equal(idle(fx, 100, 1), 0);
	}
	/* nor one that the message has not */
	msg = fake_msg(fx->t, ZUFS_OP_T1_BUSY, sizeof(*msg));
	msg->zus_sbi = fake_mount_info(fx->f)->zus_sbi;
	msg->nr = 1;
	assert_int_equal(fake_send(fx->t), -EINVAL);
}

static void they_are_counted(void **state)
{
	struct fixture *fx = *state;
	struct fake_node node;
	uint64_t bn = make(fx, "a", &node), before = blocks_left(fx);

	/* an IDLE from before the second BUSY comes late */
	assert_int_equal(busy(fx, bn, 4), 0);
	assert_int_equal(busy(fx, bn, 1), 0);
	assert_int_equal(fake_truncate(fx->t, node, 0), 0);
	assert_int_equal(idle(fx, bn, 4), 0);
	assert_int_equal(blocks_left(fx), before + 3);
	assert_int_equal(idle(fx, bn, 1), 0);
	assert_int_equal(blocks_left(fx), before + 4);
	must_remove(fx, fx->root, node, "a");
}

/* Of the blocks that are set aside. */
static bool is_reserve(const struct memofs_sb *msb, uint64_t bn)
{
	uint64_t i;

	for (i = 0; i < msb->reserve.count && msb->reserve.bns[i] != bn; i++)
		;
	return i < msb->reserve.count;
}

/* One of those that are set aside is busy: it is not given out, and comes back to them. */
static void blocks_of_the_reserve_are_taken(void **state)
{
	struct fixture *fx = *state;
	struct memofs_sb *msb = fixture_sb(fx);
	uint64_t before = blocks_left(fx), max = msb->reserve.max, bn = msb->reserve.bns[max / 2];

	assert_int_equal(busy(fx, bn, 1), 0);
	assert_int_equal(msb->reserve.count, max - 1);
	assert_false(is_reserve(msb, bn));
	assert_int_equal(blocks_left(fx), before);
	assert_int_equal(idle(fx, bn, 1), 0);
	assert_true(is_reserve(msb, bn));
	assert_int_equal(msb->reserve.count, max);
	assert_int_equal(blocks_left(fx), before);
}

/* Of the mount before: nobody has them, and nobody gets them. */
static void free_blocks_are_taken(void **state)
{
	struct fixture *fx = *state;
	struct memofs_sb *msb = fixture_sb(fx);
	struct fake_node node;
	uint64_t bn = make(fx, "a", &node), all, n, got = 0;

	must_remove(fx, fx->root, node, "a");
	all = blocks_left(fx);
	assert_int_equal(busy(fx, bn, 1), 0);
	assert_int_equal(blocks_left(fx), all - 1);
	assert_int_equal(busy(fx, bn, 1), 0);
	assert_int_equal(blocks_left(fx), all - 1);
	/* all the others are somebody's now */
	while ((n = memofs_blocks_alloc(msb, 0, 0, 1, &all))) {
		assert_true(all != bn);
		got++;
	}
	assert_int_equal(blocks_left(fx), 0);
	assert_true(got > 0);
	assert_int_equal(idle(fx, bn, 1), 0);
	assert_int_equal(blocks_left(fx), 0);
	assert_int_equal(idle(fx, bn, 1), 0);
	assert_int_equal(blocks_left(fx), 1);
	for (n = 1; n < msb->blocks; n++)
		if (n != bn && !zus_md_reserved_block(msb->sb.md, n) && !is_reserve(msb, n) &&
		    n != zus_t1_bn(msb->sb.md, fx->root.zi))
			memofs_blocks_free(msb, n, 1);
}

static void nonsense_changes_nothing(void **state)
{
	struct fixture *fx = *state;
	const struct zufs_t1_run runs[] = { { 5, 1 }, { UINT64_MAX, 2 } };
	struct fake_node node;
	uint64_t bn = make(fx, "a", &node), before = blocks_left(fx);

	assert_int_equal(busy(fx, 0, UINT64_MAX), -EINVAL);
	assert_int_equal(busy(fx, fixture_sb(fx)->sb.md->t1_blocks, 1), -EINVAL);
	assert_int_equal(say(fx, ZUFS_OP_T1_BUSY, runs, 2), -EINVAL);
	assert_int_equal(idle(fx, bn, 2), 0);
	assert_int_equal(blocks_left(fx), before);
	must_remove(fx, fx->root, node, "a");
}

static void without_memory_nothing_is_counted(void **state)
{
	struct fixture *fx = *state;
	struct fake_node node;
	uint64_t bn = make(fx, "a", &node), before = blocks_left(fx), n;
	int err;

	for (n = 1;; n++) {
		fake_fail(fx->f, FAKE_ALLOC, n);
		err = busy(fx, bn, 4);
		fake_fail(fx->f, FAKE_ALLOC, 0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_false(zus_block_is_busy(fake_sb(fx->f), bn));
	}
	assert_true(n == 5);
	assert_int_equal(idle(fx, bn, 4), 0);
	assert_int_equal(blocks_left(fx), before);
	must_remove(fx, fx->root, node, "a");
}

/* What memofs says of an unmount: it misses what it has not got back. */
static const char *words_of_umount(struct fake *f)
{
	int fd = memfd_create("said", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	static char said[512];
	ssize_t n;

	assert_true(fd >= 0 && saved >= 0);
	dup2(fd, STDERR_FILENO);
	assert_int_equal(fake_umount(f), 0);
	dup2(saved, STDERR_FILENO);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = 0;
	close(fd);
	close(saved);
	return said;
}

static void an_unmount_takes_all_back(void **state)
{
	struct fixture *fx = fixture_mount(NULL, NULL);
	struct fake_node node;
	uint64_t bn = make(fx, "a", &node);

	(void)state;
	assert_int_equal(busy(fx, bn, 3), 0);
	must_remove(fx, fx->root, node, "a");
	assert_int_equal(busy(fx, bn + 100, 3), 0);
	/* and one that is busy and a file's, which goes with it */
	node = must_creat(fx, fx->root, "b");
	assert_int_equal(busy(fx, zus_t1_bn(fixture_sb(fx)->sb.md, fx->root.zi), 1), 0);
	must_remove(fx, fx->root, node, "b");
	fake_thread_destroy(fx->t);
	assert_string_equal(words_of_umount(fx->f), "");
	assert_int_equal(fake_outstanding(fx->f), 0);
	fake_destroy(fx->f);
	test_free(fx);
}

/* Of a device that is used in part: nobody gets them, and nothing comes back. */
static void blocks_behind_the_limit_are_nobodys(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 256 << 20 };
	struct fixture *fx = fixture_mount(&opts, "size=1M");
	uint64_t before = blocks_left(fx), last = fixture_sb(fx)->sb.md->t1_blocks - 1;

	(void)state;
	assert_int_equal(busy(fx, fixture_sb(fx)->blocks, 1), 0);
	assert_int_equal(busy(fx, last, 1), 0);
	assert_true(zus_block_is_busy(fake_sb(fx->f), last));
	assert_int_equal(blocks_left(fx), before);
	assert_int_equal(idle(fx, last, 1), 0);
	assert_int_equal(idle(fx, fixture_sb(fx)->blocks, 1), 0);
	assert_int_equal(blocks_left(fx), before);
	fixture_umount(fx);
}

static void without_the_bit_there_is_none(void **state)
{
	struct fixture *fx = fixture_mount(NULL, "noquarantine");

	struct zufs_ioc_t1_runs *msg;

	(void)state;
	assert_false(fake_mount_info(fx->f)->fs_caps & ZUFS_FSC_QUARANTINE);
	assert_int_equal(busy(fx, 5, 1), -EOPNOTSUPP);
	/* nor is there one of no mount */
	fake_msg(fx->t, ZUFS_OP_T1_BUSY, sizeof(*msg));
	assert_int_equal(fake_send(fx->t), -EOPNOTSUPP);
	assert_int_equal(fake_remount(fx->f, "", 0), 0);
	fixture_umount(fx);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(busy_blocks_come_back_when_idle),
		T(runs_have_their_ends),
		T(a_message_may_be_full),
		T(they_are_counted),
		T(blocks_of_the_reserve_are_taken),
		T(free_blocks_are_taken),
		T(nonsense_changes_nothing),
		T(without_memory_nothing_is_counted),
		cmocka_unit_test(an_unmount_takes_all_back),
		cmocka_unit_test(blocks_behind_the_limit_are_nobodys),
		cmocka_unit_test(without_the_bit_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
