// SPDX-License-Identifier: BSD-2-Clause
/*
 * The iomap builder: the words it makes, full lists, and execution through the environment,
 * waited for and not.
 */
#include "../unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zus/iomap.h>
#include "../probefs.h"
#include "fake.h"

static void elements_have_the_abis_words(void **state)
{
	uint64_t w[32];
	struct zus_iomap iom;

	(void)state;
	zus_iomap_init(&iom, w, 32);
	assert_int_equal(zus_iomap_t2_read(&iom, 5, 8192, 1), 0);
	assert_int_equal(zus_iomap_t2_write(&iom, 6, 4096, 7), 0);
	assert_int_equal(zus_iomap_t2_read_mem(&iom, 8, (void *)0x7000, 4096), 0);
	assert_int_equal(zus_iomap_t2_write_mem(&iom, 9, (void *)0x8000, 8192), 0);
	assert_int_equal(zus_iomap_unmap(&iom, 1, 2, 3), 0);
	assert_int_equal(zus_iomap_wbinv(&iom), 0);
	assert_int_equal(zus_iomap_discard(&iom, 10, 11), 0);
	assert_int_equal(zus_iomap_repeat(&iom, 12), 0);
	assert_int_equal(iom.n, 2 + 3 + 3 + 3 + 3 + 1 + 3 + 1);
	assert_int_equal(w[0], (uint64_t)IOM_T2_READ << 56 | 5);
	assert_int_equal(w[1], 8192);
	assert_int_equal(w[2], (uint64_t)IOM_T2_WRITE_LEN << 56 | 6);
	assert_int_equal(w[4], 7);
	assert_int_equal(w[5], (uint64_t)IOM_T2_ZUSMEM_READ << 56 | 8);
	assert_int_equal(w[6], 0x7000);
	assert_int_equal(w[8] >> 56, IOM_T2_ZUSMEM_WRITE);
	assert_int_equal(w[11], (uint64_t)IOM_UNMAP << 56 | 1);
	assert_int_equal(w[13], 3);
	assert_int_equal(w[14] >> 56, IOM_WBINV);
	assert_int_equal(w[15], (uint64_t)IOM_DISCARD << 56 | 10);
	assert_int_equal(w[17], 11);
	assert_int_equal(w[18], (uint64_t)IOM_REPEAT << 56 | 12);
}

static void full_list_is_left_as_it_was(void **state)
{
	uint64_t w[4] = { 0, 0, 0, 42 };
	struct zus_iomap iom;

	(void)state;
	zus_iomap_init(&iom, w, 3);
	assert_int_equal(zus_iomap_wbinv(&iom), 0);
	assert_int_equal(zus_iomap_unmap(&iom, 0, 0, 0), -ENOSPC);
	assert_int_equal(iom.n, 1);
	assert_int_equal(zus_iomap_t2_read(&iom, 0, 4096, 1), 0);
	assert_int_equal(zus_iomap_wbinv(&iom), -ENOSPC);
	assert_int_equal(w[3], 42);
}

/* The answer that asks for a list says all of it anew. */
static void retry_fills_the_message(void **state)
{
	struct zufs_ioc_IO msg;
	struct zus_io io = { .internal = { .msg = &msg, .iom_room = 1 } };
	struct zus_iomap iom;
	uint64_t w[4];
	int result;

	(void)state;
	memset(&msg, 0xff, sizeof(msg));
	zus_iomap_init(&iom, w, 4);
	zus_iomap_wbinv(&iom);
	assert_int_equal(zus_iomap_retry(&iom, &io, 55), -EZUFS_RETRY);
	assert_int_equal(msg.ret_flags, 0);
	assert_int_equal(msg.ziom.iomb, 55);
	assert_int_equal(msg.ziom.iom_max, 4);
	assert_int_equal(msg.ziom.iom_n, 1);
	zus_iomap_set_flags(&iom, ZUFS_IOM_EXEC_FLUSH);
	assert_int_equal(zus_iomap_retry(&iom, &io, 56), -EZUFS_RETRY);
	assert_int_equal(msg.ret_flags, ZUFS_IOM_EXEC_FLUSH);
	msg.hdr.err = -EIO;
	assert_int_equal(zus_iomap_restarted(&io, &result), 56);
	assert_int_equal(result, -EIO);
	/* what is taken is there once */
	assert_int_equal(zus_iomap_take(&io, &result), 56);
	assert_int_equal(result, -EIO);
	assert_int_equal(zus_iomap_take(&io, &result), 0);
	assert_int_equal(result, 0);
	/* without a list err says nothing */
	msg.ziom.iomb = 0;
	assert_int_equal(zus_iomap_restarted(&io, &result), 0);
	assert_int_equal(result, 0);
	/* the list in the message has its words there, and no more than fit */
	zus_iomap_init_io(&iom, &io);
	assert_ptr_equal(iom.words, ZUFS_TAIL(&msg, iom_e));
	assert_int_equal(iom.max, 1);
	assert_int_equal(iom.flags, 0);
}

static void lists_are_executed_and_bounded(void **state)
{
	const struct fake_opts opts = { .t2_bytes = 2 << 20 };
	uint64_t w[8], *t1;
	struct zus_iomap iom;
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, &opts), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	t1 = zus_t1_addr(fake_md(f), 100);
	t1[0] = 4711;
	zus_iomap_init(&iom, w, 8);
	zus_iomap_t2_write(&iom, 511, 100 << 12, 1);
	zus_iomap_t2_read(&iom, 511, 101 << 12, 1);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), 0);
	assert_int_equal(t1[512], 4711);
	fake_fail(f, FAKE_DEVICE, 2);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	zus_iomap_init(&iom, w, 8);
	zus_iomap_t2_write(&iom, 511, 100 << 12, 2);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	zus_iomap_init(&iom, w, 8);
	zus_iomap_t2_write(&iom, 1, 0, 1);
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	w[0] = zufs_iom_pack(IOM_UNMAP, 0);
	iom.n = 1;		/* cut in the middle of an element */
	assert_int_equal(zus_iomap_exec(fake_sb(f), &iom), -EIO);
	assert_int_equal(fake_umount(f), 0);
	fake_destroy(f);
}

/* ---- lists that are run ---- */

struct run {
	struct fake *f;
	uint64_t w[32];
	struct zus_iomap iom;
	uint64_t *t1;			/* block 100 of T1 */
	/* what callbacks have seen; atomic */
	uint32_t calls, errors;
};

#define PAGE_WORDS	512		/* of 8 bytes */
#define T1_BLOCK	100

static int run_setup(void **state)
{
	const struct fake_opts opts = { .t2_bytes = 2 << 20 };
	struct run *r = calloc(1, sizeof(*r));

	if (!r || fake_create(&r->f, &probe_plugin, &opts) || fake_mount(r->f, ""))
		return -1;
	r->t1 = zus_t1_addr(fake_md(r->f), T1_BLOCK);
	zus_iomap_init(&r->iom, r->w, 32);
	*state = r;
	return 0;
}

static int run_teardown(void **state)
{
	struct run *r = *state;

	assert_int_equal(fake_umount(r->f), 0);
	assert_int_equal(fake_outstanding(r->f), 0);
	fake_destroy(r->f);
	free(r);
	return 0;
}

static dpp_t t1_page(unsigned int page)
{
	return (dpp_t)(T1_BLOCK + page) << ZUS_BLOCK_SHIFT;
}

static int exec_and_clear(struct run *r)
{
	int err = zus_iomap_exec(fake_sb(r->f), &r->iom);

	zus_iomap_init(&r->iom, r->w, 32);
	return err;
}

static void repeat_goes_on_where_the_element_ended(void **state)
{
	struct run *r = *state;
	unsigned int i;

	for (i = 0; i < 6; i++)
		r->t1[i * PAGE_WORDS] = 1000 + i;
	zus_iomap_t2_write(&r->iom, 20, t1_page(0), 2);
	zus_iomap_repeat(&r->iom, 2);
	zus_iomap_t2_read(&r->iom, 20, t1_page(10), 1);
	zus_iomap_repeat(&r->iom, 5);
	assert_int_equal(exec_and_clear(r), 0);
	for (i = 0; i < 6; i++)
		assert_int_equal(r->t1[(10 + i) * PAGE_WORDS], 1000 + i);
	assert_int_equal(r->t1[16 * PAGE_WORDS], 0);
	/* the third round fails: two have happened */
	memset(r->t1 + 10 * PAGE_WORDS, 0, 6 * 4096);
	zus_iomap_t2_read(&r->iom, 20, t1_page(10), 1);
	zus_iomap_repeat(&r->iom, 5);
	fake_fail(r->f, FAKE_DEVICE, 3);
	assert_int_equal(exec_and_clear(r), -EIO);
	assert_true(fake_fault_hit(r->f, FAKE_DEVICE));
	assert_int_equal(r->t1[11 * PAGE_WORDS], 1001);
	assert_int_equal(r->t1[12 * PAGE_WORDS], 0);
}

static void unknown_command_ends_the_list(void **state)
{
	struct run *r = *state;

	r->t1[0] = 3;
	zus_iomap_t2_write(&r->iom, 7, t1_page(0), 1);
	zus_iomap_t2_read(&r->iom, 7, t1_page(1), 1);
	r->w[r->iom.n++] = zufs_iom_pack(IOM_DISCARD + 1, 0);
	zus_iomap_t2_read(&r->iom, 7, t1_page(2), 1);
	assert_int_equal(exec_and_clear(r), 0);
	assert_int_equal(r->t1[PAGE_WORDS], 3);
	assert_int_equal(r->t1[2 * PAGE_WORDS], 0);
}

static void discarded_blocks_are_forgotten(void **state)
{
	struct run *r = *state;

	r->t1[0] = 1;
	zus_iomap_t2_write(&r->iom, 7, t1_page(0), 1);
	zus_iomap_t2_write(&r->iom, 8, t1_page(0), 1);
	assert_int_equal(exec_and_clear(r), 0);
	zus_iomap_discard(&r->iom, 6, 1);
	zus_iomap_repeat(&r->iom, 1);
	zus_iomap_t2_read(&r->iom, 7, t1_page(1), 2);
	r->t1[PAGE_WORDS] = 5;
	assert_int_equal(exec_and_clear(r), 0);
	assert_int_equal(r->t1[PAGE_WORDS], 0);
	assert_int_equal(r->t1[2 * PAGE_WORDS], 1);
}

/* The list ends with a bad element: the good one before it is not executed. */
static void want_refused(struct run *r, const uint64_t *bad, uint32_t n)
{
	zus_iomap_t2_write(&r->iom, 0, t1_page(0), 1);
	memcpy(r->w + r->iom.n, bad, n * sizeof(*bad));
	r->iom.n += n;
	fake_fail(r->f, FAKE_DEVICE, 1);
	assert_int_equal(zus_iomap_exec_async(fake_sb(r->f), &r->iom, NULL, NULL), -EIO);
	assert_int_equal(exec_and_clear(r), -EIO);
	assert_false(fake_fault_hit(r->f, FAKE_DEVICE));
	fake_fail(r->f, FAKE_DEVICE, 0);
}

#define REFUSED(r, ...)	do {						\
	const uint64_t bad_[] = { __VA_ARGS__ };			\
	want_refused(r, bad_, ARRAY_LEN(bad_));				\
} while (0)
#define W(op, val)	zufs_iom_pack(IOM_##op, val)

static void bad_lists_do_nothing(void **state)
{
	struct run *r = *state;
	uint64_t mem = (uint64_t)(uintptr_t)r->t1;

	REFUSED(r, W(T2_READ_LEN, 1), t1_page(1));			/* cut off */
	REFUSED(r, W(T2_READ, 512), t1_page(1));			/* T2 has 512 */
	REFUSED(r, W(T2_READ_LEN, 500), t1_page(1), 13);
	REFUSED(r, W(T2_READ_LEN, 1), t1_page(1), 0);
	REFUSED(r, W(T2_READ_LEN, 1), t1_page(1), ~0ULL);
	REFUSED(r, W(T2_READ, 1), 16 << 20);				/* T1's size */
	REFUSED(r, W(T2_READ, 1), 0);
	REFUSED(r, W(T2_READ, 1), t1_page(1) + 8);
	REFUSED(r, W(T2_READ, 1), t1_page(1) | 1);			/* pool */
	REFUSED(r, W(T2_ZUSMEM_READ, 1), mem + 8, 4096);
	REFUSED(r, W(T2_ZUSMEM_READ, 1), mem, 17 << 12);
	REFUSED(r, W(T2_ZUSMEM_READ, 1), mem, 100);
	REFUSED(r, W(UNMAP, 1), 1, 1, W(REPEAT, 1));
	REFUSED(r, W(T2_READ, 500), t1_page(1), W(REPEAT, 12));
	REFUSED(r, W(T2_READ, 500), t1_page(1), W(REPEAT, ZUFS_IOM_FIRST_VAL_MASK));
	REFUSED(r, W(T1_WRITE, 800));
	REFUSED(r, W(T1_READ, 800));
	REFUSED(r, W(T2_READ, 5), t1_page(1), W(REPEAT, 1), W(REPEAT, 1));
	r->w[0] = W(REPEAT, 1);
	r->iom.n = 1;
	assert_int_equal(exec_and_clear(r), -EIO);
}

static void count_call(struct zus_sb *sb, void *arg, int err)
{
	struct run *r = arg;

	/* cmocka's assertions are the test's own thread's */
	if (sb != fake_sb(r->f) || err)
		__atomic_add_fetch(&r->errors, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&r->calls, 1, __ATOMIC_RELAXED);
}

static int start(struct run *r)
{
	return zus_iomap_exec_async(fake_sb(r->f), &r->iom, count_call, r);
}

static void lists_run_while_the_caller_goes_on(void **state)
{
	struct run *r = *state;

	fake_hold_lists(r->f, true);
	r->t1[0] = 77;
	zus_iomap_t2_write(&r->iom, 9, t1_page(0), 1);
	assert_int_equal(start(r), 0);
	zus_iomap_init(&r->iom, r->w, 32);
	zus_iomap_t2_read(&r->iom, 9, t1_page(1), 1);
	zus_iomap_set_flags(&r->iom, ZUFS_IOM_EXEC_FLUSH);
	assert_int_equal(start(r), 0);
	assert_int_equal(fake_list_flags(r->f), ZUFS_IOM_EXEC_FLUSH);
	memset(r->w, 0xff, sizeof(r->w));	/* the words are ours again */
	assert_int_equal(r->calls, 0);
	fake_hold_lists(r->f, false);
	zus_iomap_drain(fake_sb(r->f));
	assert_int_equal(__atomic_load_n(&r->calls, __ATOMIC_RELAXED), 2);
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->t1[PAGE_WORDS], 77);
}

static void list_that_fails_is_told(void **state)
{
	struct run *r = *state;
	unsigned int i;

	zus_iomap_t2_write(&r->iom, 9, t1_page(0), 1);
	fake_fail(r->f, FAKE_DEVICE, 3);
	for (i = 0; i < 5; i++)
		assert_int_equal(start(r), 0);
	zus_iomap_drain(fake_sb(r->f));
	assert_int_equal(r->calls, 5);
	assert_int_equal(r->errors, 1);
	/* without memory nothing begins */
	fake_fail(r->f, FAKE_ALLOC, 1);
	assert_int_equal(start(r), -ENOMEM);
	zus_iomap_drain(fake_sb(r->f));
	assert_int_equal(r->calls, 5);
}

static void too_many_lists_are_refused(void **state)
{
	struct run *r = *state;
	unsigned int i;

	zus_iomap_wbinv(&r->iom);
	fake_hold_lists(r->f, true);
	for (i = 0; i < FAKE_LISTS_MAX; i++)
		assert_int_equal(start(r), 0);
	assert_int_equal(start(r), -EAGAIN);
	fake_hold_lists(r->f, false);
	zus_iomap_drain(fake_sb(r->f));
	assert_int_equal(r->calls, FAKE_LISTS_MAX);
	assert_int_equal(start(r), 0);
}

static void start_another(struct zus_sb *sb, void *arg, int err)
{
	struct run *r = arg;
	struct zus_iomap iom;
	uint64_t w[1];

	zus_iomap_init(&iom, w, 1);
	zus_iomap_wbinv(&iom);
	if (!err && __atomic_add_fetch(&r->calls, 1, __ATOMIC_RELAXED) < 10)
		err = zus_iomap_exec_async(sb, &iom, start_another, r);
	if (err)
		__atomic_add_fetch(&r->errors, 1, __ATOMIC_RELAXED);
}

static void callback_may_start_the_next_list(void **state)
{
	struct run *r = *state;

	zus_iomap_wbinv(&r->iom);
	assert_int_equal(zus_iomap_exec_async(fake_sb(r->f), &r->iom, start_another, r), 0);
	zus_iomap_drain(fake_sb(r->f));
	assert_int_equal(r->calls, 10);
	assert_int_equal(r->errors, 0);
}

/* The teardown unmounts: what has begun is told of before. */
static void umount_comes_after_the_lists(void **state)
{
	struct run *r = *state;
	unsigned int i;

	zus_iomap_t2_write(&r->iom, 9, t1_page(0), 1);
	for (i = 0; i < 100; i++)
		assert_int_equal(start(r), 0);
	assert_int_equal(fake_umount(r->f), 0);
	assert_int_equal(r->calls, 100);
	assert_int_equal(fake_mount(r->f, ""), 0);
}

static uint64_t kept_cookie;

static int keep_cookie(const struct zus_env *env, struct zus_sb *sb, const uint64_t *words,
		       uint32_t n, uint32_t flags, uint64_t cookie)
{
	(void)env;
	(void)sb;
	(void)words;
	(void)n;
	(void)flags;
	kept_cookie = cookie;
	return 0;
}

static int send_done(struct fake_thread *t, uint64_t cookie, uint64_t sbi)
{
	struct zufs_ioc_iomap_done *msg = fake_msg(t, ZUFS_OP_IOM_DONE, sizeof(*msg));

	msg->iomb = cookie;
	msg->zus_sbi = sbi;
	msg->hdr.err = -EIO;
	return fake_send(t);
}

/* A list's end is believed of its own mount only, and once. */
static void end_of_a_list_is_its_own_mounts(void **state)
{
	struct run *r = *state;
	struct zus_sb *sb = fake_sb(r->f);
	const struct zus_env *real = sb->env;
	uint64_t sbi = fake_mount_info(r->f)->zus_sbi;
	struct fake_thread *t = fake_thread_create(r->f, 0);
	struct zus_env env = *real;

	env.iomap_exec_async = keep_cookie;
	sb->env = &env;
	zus_iomap_wbinv(&r->iom);
	assert_int_equal(start(r), 0);
	sb->env = real;
	assert_int_equal(send_done(t, 0, sbi), -EINVAL);
	assert_int_equal(send_done(t, kept_cookie, sbi + 8), -EINVAL);
	assert_int_equal(r->calls, 0);
	assert_int_equal(send_done(t, kept_cookie, sbi), 0);
	assert_int_equal(r->calls, 1);
	/* with the error that the kernel has told */
	assert_int_equal(r->errors, 1);
	fake_thread_destroy(t);
}

static void old_environments_have_no_flags(void **state)
{
	struct run *r = *state;
	struct zus_env env = *fake_sb(r->f)->env;
	const struct zus_env *real = fake_sb(r->f)->env;

	env.size = offsetof(struct zus_env, iomap_exec_flags);
	fake_sb(r->f)->env = &env;
	zus_iomap_wbinv(&r->iom);
	assert_int_equal(start(r), -EOPNOTSUPP);
	assert_int_equal(zus_iomap_exec(fake_sb(r->f), &r->iom), 0);
	zus_iomap_set_flags(&r->iom, ZUFS_IOM_EXEC_FUA);
	assert_int_equal(zus_iomap_exec(fake_sb(r->f), &r->iom), -EOPNOTSUPP);
	fake_sb(r->f)->env = real;
	assert_int_equal(zus_iomap_exec(fake_sb(r->f), &r->iom), 0);
	assert_int_equal(fake_list_flags(r->f), ZUFS_IOM_EXEC_FUA);
}

#define R(fn)	cmocka_unit_test_setup_teardown(fn, run_setup, run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_have_the_abis_words),
		cmocka_unit_test(full_list_is_left_as_it_was),
		cmocka_unit_test(retry_fills_the_message),
		cmocka_unit_test(lists_are_executed_and_bounded),
		R(repeat_goes_on_where_the_element_ended),
		R(unknown_command_ends_the_list),
		R(discarded_blocks_are_forgotten),
		R(bad_lists_do_nothing),
		R(lists_run_while_the_caller_goes_on),
		R(list_that_fails_is_told),
		R(too_many_lists_are_refused),
		R(callback_may_start_the_next_list),
		R(umount_comes_after_the_lists),
		R(end_of_a_list_is_its_own_mounts),
		R(old_environments_have_no_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
