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
	pthread_t tid;
	struct fake_thread *t;
	int failures;			/* checked by main: cmocka's asserts are not for threads */
};

#define EXPECT(w, cond)	((w)->failures += !(cond))

static void run_all(struct fixture *fx, struct fake_node node, void *(*fn)(void *))
{
	struct worker w[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .fx = fx, .no = i, .node = node };
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

/* Each thread owns a quarter of every block: all fill the same holes. */
static void *fill_same_holes(void *arg)
{
	struct worker *w = arg;
	char buf[BLOCK / THREADS], got[BLOCK / THREADS];
	unsigned int i;

	memset(buf, 'a' + (int)w->no, sizeof(buf));
	for (i = 0; i < ROUNDS; i++) {
		uint64_t pos = (uint64_t)i * 37 % ROUNDS * BLOCK + w->no * sizeof(buf);

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
	for (i = 0; i < ROUNDS; i++) {
		for (part = 0; part < THREADS; part++) {
			fake_read(fx->t, a, &c, 1, i * BLOCK + part * BLOCK / THREADS + 5);
			assert_int_equal(c, 'a' + (int)part);
		}
	}
	must_remove(fx, fx->root, a, "a");
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
		T(names_and_space_are_shared),
		T(references_are_counted),
		T(truncate_and_writes_agree_on_blocks),
	};

	return cmocka_run_group_tests_name("memofs parallel", tests, NULL, NULL);
}
