// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: callers on several CPUs at once, with the kernel's locks as the fake takes them and
 * nothing more. Meant for the thread sanitizer as much as for the results; every thread
 * checks what it can know, the fixture checks that nothing is lost at the end.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS	4
#define ROUNDS	300

struct worker {
	struct fixture *fx;
	unsigned int no;
	struct fake_node node;		/* shared by all */
	uint64_t pos;			/* where in it they work */
	pthread_t tid;
	struct fake_thread *t;
	int failures;			/* checked by main: cmocka's asserts are not for threads */
};

#define EXPECT(w, cond)	((w)->failures += !(cond))

static void run_at(struct fixture *fx, struct fake_node node, uint64_t pos, void *(*fn)(void *))
{
	struct worker w[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .fx = fx, .no = i, .node = node, .pos = pos };
		w[i].t = fake_thread_create(fx->f, (int)i);
		assert_non_null(w[i].t);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w[i].tid, NULL, fn, &w[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(w[i].tid, NULL);
		fake_thread_destroy(w[i].t);
		assert_int_equal(w[i].failures, 0);
	}
}

static void run_all(struct fixture *fx, struct fake_node node, void *(*fn)(void *))
{
	run_at(fx, node, 0, fn);
}

/* Each thread owns a quarter of every block: all fill the same holes. */
static void *fill_same_holes(void *arg)
{
	struct worker *w = arg;
	char buf[BLOCK / THREADS], got[BLOCK / THREADS];
	unsigned int i;

	memset(buf, 'a' + (int)w->no, sizeof(buf));
	for (i = 0; i < ROUNDS; i++) {
		uint64_t pos = w->pos + (uint64_t)i * 37 % ROUNDS * BLOCK + w->no * sizeof(buf);

		EXPECT(w, fake_write(w->t, w->node, buf, sizeof(buf), pos) == sizeof(buf));
		EXPECT(w, fake_read(w->t, w->node, got, sizeof(got), pos) == sizeof(got));
		EXPECT(w, !memcmp(buf, got, sizeof(got)));
	}
	return NULL;
}

static void one_block_per_hole(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	unsigned int i, part;
	char c;

	assert_int_equal(fake_truncate(fx->t, a, ROUNDS * BLOCK), 0);
	run_all(fx, a, fill_same_holes);
	assert_int_equal(le64toh(a.zi->i_blocks), ROUNDS);
	assert_runs_are_true(a);
	for (i = 0; i < ROUNDS; i++) {
		for (part = 0; part < THREADS; part++) {
			fake_read(fx->t, a, &c, 1, i * BLOCK + part * BLOCK / THREADS + 5);
			assert_int_equal(c, 'a' + (int)part);
		}
	}
	must_remove(fx, fx->root, a, "a");
}

/* All overwrite the same shared blocks, of two leaves; the other file keeps them as they were. */
static void one_copy_per_shared_block(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	static char old[ROUNDS * BLOCK];
	const uint64_t pos = 400 * BLOCK;
	uint64_t before, at;
	unsigned int i;
	char c;

	memset(old, 'o', sizeof(old));
	must_write(fx, b, old, sizeof(old), pos);
	assert_int_equal(fake_clone(fx->t, b, a, pos, pos, sizeof(old), 0), 0);
	before = memofs_blocks_left(fixture_sb(fx));
	run_at(fx, a, pos, fill_same_holes);
	assert_int_equal(fake_goose(fx->t, 0), 0);
	assert_int_equal(memofs_blocks_left(fixture_sb(fx)), before - ROUNDS);
	assert_int_equal(le64toh(a.zi->i_blocks), ROUNDS);
	assert_runs_are_true(a);
	assert_runs_are_true(b);
	for (i = 0; i < ROUNDS * THREADS; i++) {
		at = pos + i * BLOCK / THREADS + 5;
		fake_read(fx->t, a, &c, 1, at);
		assert_int_equal(c, 'a' + (int)(i % THREADS));
		fake_read(fx->t, b, &c, 1, at);
		assert_int_equal(c, 'o');
	}
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

#define SHARED	16			/* blocks */
#define PART	(BLOCK / THREADS)

static bool is_all(const char *buf, size_t len, char c)
{
	size_t i;

	for (i = 0; i < len && buf[i] == c; i++)
		;
	return i == len;
}

/*
 * `b` becomes a clone of w->node, which is all 'a', and then other data, or nothing. Now and then
 * w->node becomes a clone of `c`, which has the same content: its blocks lie in a row again.
 */
static void share(struct worker *w, struct fake_node b, struct fake_node c, bool empty, bool anew)
{
	char buf[SHARED * BLOCK];

	memset(buf, 'b', sizeof(buf));
	EXPECT(w, !anew || fake_clone(w->t, c, w->node, w->pos, w->pos, sizeof(buf), 0) == 0);
	EXPECT(w, fake_clone(w->t, w->node, b, w->pos, w->pos, sizeof(buf), 0) == 0);
	EXPECT(w, fake_write(w->t, b, buf, sizeof(buf), w->pos) == sizeof(buf));
	EXPECT(w, !empty || fake_truncate(w->t, b, 0) == 0);
}

/*
 * One shares, two overwrite a quarter of each block, one reads what these leave alone, of two
 * blocks at a time: nobody must ever see what is in "b".
 */
static void *share_and_part(void *arg)
{
	struct worker *w = arg;
	struct fake_node b, c;
	char buf[2 * PART];
	unsigned int i;

	EXPECT(w, fake_lookup(w->t, w->fx->root, "b", &b) == 0);
	EXPECT(w, fake_lookup(w->t, w->fx->root, "c", &c) == 0);
	for (i = 0; i < ROUNDS; i++) {
		uint64_t pos = w->pos + (uint64_t)i % SHARED * BLOCK;

		if (w->no == 0) {
			share(w, b, c, i % 3 == 0, i % 4 == 0);
		} else if (w->no == 1) {
			pos = w->pos + (uint64_t)i % (SHARED - 1) * BLOCK + 3 * PART;
			EXPECT(w, fake_read(w->t, w->node, buf, 2 * PART, pos) == 2 * PART);
			EXPECT(w, is_all(buf, 2 * PART, 'a'));
		} else {
			memset(buf, 'a', PART);
			pos += (w->no - 1) * PART;
			EXPECT(w, fake_write(w->t, w->node, buf, PART, pos) == PART);
		}
	}
	EXPECT(w, fake_evict(w->t, b, 0) == 0);
	EXPECT(w, fake_evict(w->t, c, 0) == 0);
	return NULL;
}

/* Of blocks on both sides of where a leaf begins. */
static void part_around(struct fixture *fx, uint64_t block)
{
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct fake_node c = must_creat(fx, fx->root, "c");
	uint64_t pos = (block - SHARED / 2) * BLOCK;
	static char buf[SHARED * BLOCK];

	memset(buf, 'a', sizeof(buf));
	must_write(fx, c, buf, sizeof(buf), pos);
	must_write(fx, a, buf, sizeof(buf), pos);
	run_at(fx, a, pos, share_and_part);
	assert_int_equal(le64toh(a.zi->i_blocks), SHARED);
	assert_runs_are_true(a);
	assert_runs_are_true(b);
	assert_runs_are_true(c);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	must_remove(fx, fx->root, c, "c");
}

static void files_that_part_do_not_see_each_other(void **state)
{
	part_around(*state, MEMOFS_DIRECT);
	part_around(*state, 1 << MEMOFS_MAP_BITS);
}

/* Names of one directory, blocks and inodes of all groups and shards. */
static void *churn_names(void *arg)
{
	struct worker *w = arg;
	struct fake_node n, again, none = { 0 };
	char name[32], to[32];
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "%u-%u", w->no, i);
		snprintf(to, sizeof(to), "%u-%u-moved", w->no, i);
		EXPECT(w, fake_creat(w->t, w->node, name, &n) == 0);
		EXPECT(w, fake_write(w->t, n, name, 4, 3 * BLOCK) == 4);
		EXPECT(w, fake_rename(w->t, w->node, name, n, w->fx->root, to, none, 0) == 0);
		EXPECT(w, fake_lookup(w->t, w->fx->root, to, &again) == 0 && again.ii == n.ii);
		EXPECT(w, fake_evict(w->t, again, ZI_LOOKUP_RACE) == 0);
		EXPECT(w, fake_unlink(w->t, w->fx->root, n, to) == 0);
		EXPECT(w, fake_forget(w->t, n) == 0);
	}
	return NULL;
}

static void names_and_space_are_shared(void **state)
{
	struct fixture *fx = *state;
	struct fake_node d = must_mkdir(fx, fx->root, "d");

	run_all(fx, d, churn_names);
	must_remove(fx, fx->root, d, "d");
}

/* Everybody looks the same name up while its number is asked for and it is listed. */
static void *look_at_one(void *arg)
{
	struct worker *w = arg;
	uint64_t ino = zus_zi_ino(w->node.zi);
	struct fake_dirent e[8];
	struct fake_node n;
	struct zus_ii *ii;
	unsigned int i;
	uint64_t pos;
	bool more;

	for (i = 0; i < ROUNDS; i++) {
		EXPECT(w, fake_lookup(w->t, w->fx->root, "a", &n) == 0 && n.ii == w->node.ii);
		EXPECT(w, memofs_iget(fake_sb(w->fx->f), ino, &ii) == 0);
		memofs_evict(ii, 0);
		pos = 0;
		EXPECT(w, fake_readdir(w->t, w->fx->root, &pos, 4096, e, 8, &more) == 3);
		EXPECT(w, fake_evict(w->t, n, 0) == 0);
	}
	return NULL;
}

static void references_are_counted(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	run_all(fx, a, look_at_one);
	assert_int_equal(zus_ii_refs(&inode_of(a)->ii), 2);
	must_remove(fx, fx->root, a, "a");
}

/* One cuts while the others write, each to blocks of his own. */
static void *cut_and_write(void *arg)
{
	struct worker *w = arg;
	char buf[2 * BLOCK] = { 0 };
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t pos = ((uint64_t)i * 31 % 200 * 12 + w->no * 3) * BLOCK + 100;

		if (w->no == 0)
			EXPECT(w, fake_truncate(w->t, w->node, pos) == 0);
		else
			EXPECT(w, fake_write(w->t, w->node, buf, sizeof(buf), pos) ==
			       sizeof(buf));
	}
	return NULL;
}

static void truncate_and_writes_agree_on_blocks(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t i, blocks = 0;

	run_all(fx, a, cut_and_write);
	for (i = 0; i < 2400; i++)
		blocks += block_of(inode_of(a), i) != 0;
	assert_int_equal(le64toh(a.zi->i_blocks), blocks);
	must_remove(fx, fx->root, a, "a");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_block_per_hole),
		T(one_copy_per_shared_block),
		T(files_that_part_do_not_see_each_other),
		T(names_and_space_are_shared),
		T(references_are_counted),
		T(truncate_and_writes_agree_on_blocks),
	};

	return cmocka_run_group_tests_name("memofs parallel", tests, NULL, NULL);
}
