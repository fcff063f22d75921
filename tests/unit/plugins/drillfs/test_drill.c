// SPDX-License-Identifier: BSD-2-Clause
/*
 * drillfs on the fake kernel: that rules do what they say and that broken contracts are
 * noticed; what the kernel makes of it is the business of the VM cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drill.h"
#include "fake.h"

struct fixture {
	struct fake *f;
	struct fake_thread *t;
	struct fake_node root, node;	/* a file of 5 blocks of 'f' */
	struct drill_sb *d;
};

/* A command; its answer. */
static const char *command(struct fixture *fx, const char *line)
{
	static char answer[1024];
	char copy[256];
	FILE *out = fmemopen(answer, sizeof(answer), "w");

	assert_non_null(out);
	answer[0] = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	drill_command(fx->d, copy, out);
	fclose(out);
	return answer;
}

static void must_do(struct fixture *fx, const char *line)
{
	assert_string_equal(command(fx, line), "");
}

static int setup(void **state)
{
	const struct fake_opts opts = { .t2_bytes = 8U << 20 };
	struct fixture *fx = test_calloc(1, sizeof(*fx));
	char data[5 * 4096];

	assert_int_equal(fake_create(&fx->f, &zus_plugin, &opts), 0);
	assert_int_equal(fake_mount(fx->f, "nio"), 0);
	fx->t = fake_thread_create(fx->f, 0);
	assert_non_null(fx->t);
	fx->root = fake_root(fx->f);
	fx->d = drill_sb_of(fake_sb(fx->f));
	memset(data, 'f', sizeof(data));
	assert_int_equal(fake_creat(fx->t, fx->root, "f", &fx->node), 0);
	assert_int_equal(fake_write(fx->t, fx->node, data, sizeof(data), 0), sizeof(data));
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(fake_unlink(fx->t, fx->root, fx->node, "f"), 0);
	assert_int_equal(fake_forget(fx->t, fx->node), 0);
	assert_int_equal(fx->d->stats.open, 0);
	fake_thread_destroy(fx->t);
	assert_int_equal(fake_umount(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	fake_destroy(fx->f);
	test_free(fx);
	return 0;
}

static ssize_t read_some(struct fixture *fx, size_t len)
{
	char got[5 * 4096], wanted[5 * 4096];
	ssize_t n = fake_read(fx->t, fx->node, got, len, 0);

	memset(wanted, 'f', sizeof(wanted));
	if (n > 0)
		assert_memory_equal(got, wanted, n);
	return n;
}

static void lists_run_in_the_middle(void **state)
{
	struct fixture *fx = *state;

	must_do(fx, "fill s0 4 0x11");
	must_do(fx, "only op=GET count=3 do=retry:t2write:8:s0:4,t2read:8:s8:4");
	assert_int_equal(read_some(fx, 8192), 8192);
	assert_string_equal(command(fx, "results"), "OK\nOK\nOK\n");
	must_do(fx, "check s8 4 0x11");
	must_do(fx, "only op=GET do=retry:t2write:t2:s0");
	assert_int_equal(read_some(fx, 8192), 8192);
	assert_string_equal(command(fx, "results"), "EIO\n");
	must_do(fx, "only op=TRUNCATE do=retry:memwrite:8:m:8192");
	assert_int_equal(fake_truncate(fx->t, fx->node, 5 * 4096), 0);
	assert_string_equal(command(fx, "results"), "OK\n");
	assert_string_equal(command(fx, "exec flush t2read:8:s0:4,repeat:1"), "OK\n");
	assert_int_equal(fake_list_flags(fx->f), ZUFS_IOM_EXEC_FLUSH);
	must_do(fx, "async t2read:8:s0");
	must_do(fx, "settled");
	must_do(fx, "only op=GET count=20 do=retry:t2read:8:s0:4 do=flip:2:0xffffff");
	assert_int_equal(read_some(fx, 8192), 8192);
	must_do(fx, "clear");
}

static void answers_are_what_rules_say(void **state)
{
	struct fixture *fx = *state;

	must_do(fx, "only op=GET count=0 do=short:1");
	assert_int_equal(read_some(fx, 5 * 4096), 5 * 4096);
	assert_int_equal(fx->d->stats.gets, 1 + 5);
	must_do(fx, "only op=GET do=ret:-28");
	assert_int_equal(read_some(fx, 4096), -ENOSPC);
	assert_int_equal(read_some(fx, 4096), 4096);
	must_do(fx, "only op=GET nth=2 do=ret:-28");
	assert_int_equal(read_some(fx, 4096), 4096);
	assert_int_equal(read_some(fx, 4096), -ENOSPC);
	must_do(fx, "only op=GET ino=1 do=ret:-28");
	assert_int_equal(read_some(fx, 4096), 4096);
	assert_non_null(strstr(command(fx, "only op=NONE do=hang"), "error:"));
	assert_non_null(strstr(command(fx, "rule op=GET do=retry:t2read"), "error:"));
	assert_non_null(strstr(command(fx, "nonsense"), "error:"));
}

static void broken_contracts_are_noticed(void **state)
{
	struct fixture *fx = *state;
	uint64_t words[2] = { 1, 2 };
	struct zus_blocks b = { .pos = 4096, .n = 2, .internal = { .max = 2, .words = words } };
	struct zus_ii *ii = (struct zus_ii *)(uintptr_t)fx->node.ii;

	fake_goose(fx->t, 0);
	assert_int_equal(fx->d->stats.bad_puts, 0);
	b.cookie = drill_contract_open(fx->d, ii, &b);
	assert_int_equal(fx->d->stats.open, 1);
	words[1] = 3;
	drill_contract_close(fx->d, ii, &b);
	assert_int_equal(fx->d->stats.bad_puts, 1);
	/* a second time */
	drill_contract_close(fx->d, ii, &b);
	assert_int_equal(fx->d->stats.bad_puts, 2);
	assert_int_equal(fx->d->stats.open, 0);
}

static void *reader(void *arg)
{
	struct fixture *fx = arg;
	struct fake_thread *t = fake_thread_create(fx->f, 1);
	char got[10];
	ssize_t n = fake_read(t, fx->node, got, sizeof(got), 0);

	fake_thread_destroy(t);
	return n == (ssize_t)sizeof(got) ? fx : NULL;
}

static void what_hangs_is_released(void **state)
{
	struct fixture *fx = *state;
	pthread_t tid;
	void *result;

	must_do(fx, "only op=GET do=hang");
	assert_int_equal(pthread_create(&tid, NULL, reader, fx), 0);
	must_do(fx, "hung 1");
	assert_int_equal(read_some(fx, 4096), 4096);
	must_do(fx, "release");
	pthread_join(tid, &result);
	assert_ptr_equal(result, fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_run_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_are_what_rules_say, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_contracts_are_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_hangs_is_released, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
