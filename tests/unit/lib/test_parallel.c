// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many callers at once: both I/O ways, lookups with lost races, truncates that goose the puts
 * of other threads, and dynamic debug commands meanwhile. Meant for the thread sanitizer;
 * without it the balance of references, gets and puts is what can fail.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../probefs.h"
#include "fake.h"

#define THREADS	4
#define ROUNDS	300

struct caller {
	pthread_t tid;
	struct fake *f;
	int nr;
	const char *failed;		/* what went wrong first */
};

#define CHECK(c, cond)	do { if (!(cond)) { (c)->failed = #cond; return; } } while (0)

static void one_round(struct caller *c, struct fake_thread *t, unsigned int round)
{
	struct fake_node node, again;
	char name[8], buf[6000];
	unsigned int file = (round * 7 + (unsigned int)c->nr) % 3;
	ssize_t n;

	snprintf(name, sizeof(name), "f%u", file);
	CHECK(c, !fake_lookup(t, fake_root(c->f), name, &node));
	CHECK(c, !fake_lookup(t, fake_root(c->f), name, &again) && again.ii == node.ii);
	CHECK(c, !fake_evict(t, again, ZI_LOOKUP_RACE));
	/* each caller has its own pages of each file */
	memset(buf, 'a' + c->nr, sizeof(buf));
	CHECK(c, fake_write(t, node, buf, 4096, 4096ULL * (unsigned int)c->nr) == 4096);
	memset(buf, 0, sizeof(buf));
	/* less is there, or nothing, after somebody else's truncate; never another's data */
	n = fake_read(t, node, buf, 100, 4096ULL * (unsigned int)c->nr);
	CHECK(c, n >= 0 && n <= 100);
	while (n--)
		CHECK(c, buf[n] == 'a' + c->nr);
	if (round % 16 == 5)
		CHECK(c, !fake_truncate(t, node, 0));
	if (round % 64 == 7)
		CHECK(c, zus_ddbg_write(c->nr & 1 ? "func nobody +p" : "func nobody -p") >= 0);
	CHECK(c, !fake_forget(t, node));
}

static void *caller_main(void *arg)
{
	struct caller *c = arg;
	struct fake_thread *t = fake_thread_create(c->f, c->nr);
	unsigned int i;

	if (!t) {
		c->failed = "fake_thread_create";
		return NULL;
	}
	for (i = 0; i < ROUNDS && !c->failed; i++)
		one_round(c, t, i);
	fake_thread_destroy(t);
	return NULL;
}

static void run_with(const char *options)
{
	struct caller callers[THREADS];
	struct probe_sb *p;
	struct fake *f;
	int i;

	assert_int_equal(fake_create(&f, &probe_plugin, NULL), 0);
	assert_int_equal(fake_mount(f, options), 0);
	p = (struct probe_sb *)fake_sb(f);
	for (i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){ .f = f, .nr = i };
		assert_int_equal(pthread_create(&callers[i].tid, NULL, caller_main,
						&callers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(callers[i].tid, NULL);
		if (callers[i].failed)
			fail_msg("caller %d: %s", i, callers[i].failed);
	}
	assert_int_equal(p->live, 1);		/* the root's */
	for (i = 0; i < PROBE_INODES; i++)
		assert_int_equal(p->files[i].gets, 0);
	assert_int_equal(fake_gets(f), fake_puts(f));
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
}

static void mapped_callers_do_not_disturb_each_other(void **state)
{
	(void)state;
	run_with("");
}

static void nio_callers_put_what_they_get(void **state)
{
	(void)state;
	run_with("nio");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_callers_do_not_disturb_each_other),
		cmocka_unit_test(nio_callers_put_what_they_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
