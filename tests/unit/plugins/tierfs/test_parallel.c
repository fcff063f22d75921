// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: several callers change names of the same directories at once. What is in order is the
 * fake kernel's locks; what is looked at is that records of different threads and logs leave one
 * tree, here and after a remount, and (in a build with TSan) that nothing races.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS	4U
#define ROUNDS	600U
#define NAMES	60U

static const struct fake_node none;

struct worker {
	pthread_t thread;
	struct fixture *fx;
	struct fake_thread *t;
	struct fake_node dirs[2];
	unsigned int number;
	unsigned int failures;
	bool there[2][NAMES];
};

static void check(struct worker *w, bool ok)
{
	w->failures += !ok;
}

static void name_of(const struct worker *w, unsigned int i, char *name, size_t size)
{
	snprintf(name, size, "t%u name %u", w->number, i);
}

static void create_or_remove(struct worker *w, unsigned int d, unsigned int i)
{
	struct fake_node node;
	char name[40];

	name_of(w, i, name, sizeof(name));
	if (w->there[d][i]) {
		check(w, !fake_lookup(w->t, w->dirs[d], name, &node));
		check(w, !fake_unlink(w->t, w->dirs[d], node, name));
	} else if (i % 8) {
		check(w, !fake_creat(w->t, w->dirs[d], name, &node));
	} else {
		check(w, !fake_mkdir(w->t, w->dirs[d], name, &node));
	}
	check(w, !fake_forget(w->t, node));
	w->there[d][i] = !w->there[d][i];
}

/* To the other directory, where the name is free. */
static void move(struct worker *w, unsigned int d, unsigned int i)
{
	struct fake_node node;
	char name[40];

	name_of(w, i, name, sizeof(name));
	check(w, !fake_lookup(w->t, w->dirs[d], name, &node));
	check(w, !fake_rename(w->t, w->dirs[d], name, node, w->dirs[!d], name, none, 0));
	check(w, !fake_forget(w->t, node));
	w->there[d][i] = false;
	w->there[!d][i] = true;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int seed = w->number, round;

	for (round = 0; round < ROUNDS; round++) {
		unsigned int i, d;

		seed = seed * 1103515245 + 12345;
		i = (seed >> 8) % NAMES;
		d = seed >> 30 & 1;
		if (w->there[d][i] && !w->there[!d][i] && seed >> 29 & 1)
			move(w, d, i);
		else
			create_or_remove(w, d, i);
	}
	return NULL;
}

static void many_callers_leave_one_tree(void **state)
{
	struct fixture *fx = *state;
	static struct worker workers[THREADS];
	struct fake_node dirs[2];
	unsigned int i, j, expected[2] = { 0, 0 };

	dirs[0] = must_mkdir(fx, fx->root, "one");
	dirs[1] = must_mkdir(fx, fx->root, "two");
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) {
			.fx = fx,
			.t = fake_thread_create(fx->f, (int)i),
			.dirs = { dirs[0], dirs[1] },
			.number = i,
		};
		assert_non_null(workers[i].t);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		fake_thread_destroy(workers[i].t);
		assert_int_equal(workers[i].failures, 0);
		for (j = 0; j < NAMES; j++) {
			expected[0] += workers[i].there[0][j];
			expected[1] += workers[i].there[1][j];
		}
	}
	assert_int_equal(node_of(dirs[0])->rec->entries, expected[0]);
	assert_int_equal(node_of(dirs[1])->rec->entries, expected[1]);
	must_forget(fx, dirs[0]);
	must_forget(fx, dirs[1]);
	remount_same(fx);
	must_remove_all(fx, fx->root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(many_callers_leave_one_tree, setup, teardown),
	};

	return cmocka_run_group_tests_name("tierfs parallel", tests, NULL, NULL);
}
