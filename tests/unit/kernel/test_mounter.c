// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages to the mounter (kernel/transport/mounter.c), compiled in user space. The server is
 * a thread;
 * whoever runs has the baton and gives it away only where the kernel's code sleeps, so each test
 * says in which order things happen. Who sleeps is woken by wake_up() alone.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zuf/zus_api.h>

/* ---- what the kernel has ---- */

typedef uint64_t u64;
typedef uint32_t u32;
typedef int32_t s32;
typedef struct { bool held; } spinlock_t;
typedef struct { pthread_cond_t cond; bool is_made; } wait_queue_head_t;
struct mutex { bool held; };
struct vfsmount { int references; };

static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;

static bool killed_here(void);
static int sleep_at(wait_queue_head_t *wq);
static bool no_memory;
static unsigned int faults_after;	/* so many copies to or from user space; 0: never */
static unsigned int locks_held;

/* Also in the server's thread, which is not cmocka's. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Nobody sleeps with a lock, so who finds one taken would wait for ever. */
static void take(bool *held)
{
	must(!*held);
	*held = true;
	locks_held++;
}

static void release(bool *held)
{
	must(*held);
	*held = false;
	locks_held--;
}

static void make_queue(wait_queue_head_t *wq)
{
	pthread_cond_init(&wq->cond, NULL);
	wq->is_made = true;
}

static void wake_queue(wait_queue_head_t *wq)
{
	must(wq->is_made);
	pthread_cond_broadcast(&wq->cond);
}

static unsigned long copy(void *to, const void *from, size_t n)
{
	if (faults_after && !--faults_after)
		return n;
	memcpy(to, from, n);
	return 0;
}

#define __user
#define GFP_KERNEL_ACCOUNT	0
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((void)((x) = (v)))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define kzalloc(n, gfp)		(no_memory ? NULL : calloc(1, n))
#define kfree(p)		free(p)
#define mutex_init(m)		((void)((m)->held = false))
#define mutex_destroy(m)	must(!(m)->held)
#define mutex_trylock(m)	((m)->held ? 0 : ((m)->held = true))
#define mutex_lock_killable(m)	(mutex_trylock(m) ? 0 : -EINTR)
#define mutex_unlock(m)		(must((m)->held), (void)((m)->held = false))
#define spin_lock_init(l)	((void)((l)->held = false))
#define spin_lock(l)		take(&(l)->held)
#define spin_unlock(l)		release(&(l)->held)
#define init_waitqueue_head(q)	make_queue(q)
#define wake_up(q)		wake_queue(q)
#define wake_up_all(q)		wake_up(q)
#define mntget(m)		((m)->references++, (m))
#define test_and_set_bit_lock(n, w) ({ bool was_ = *(w) & 1UL << (n); *(w) |= 1UL << (n); was_; })
#define clear_bit_unlock(n, w)	((void)(*(w) &= ~(1UL << (n))))
#define copy_to_user(to, from, n)   copy(to, from, n)
#define copy_from_user(to, from, n) copy(to, from, n)
#define zuf_peer_is_live(r, gen)    ((r)->live_gen == (gen))
#define zuf_stats_start()	0
#define zuf_stats_op(s, slot, start, err) ((void)(s), (void)(start), (void)(err))
#define zuf_stat_mnt_slot(op)	(op)
/* the condition is looked at, and then whether there is a signal */
#define zuf_wait_killable(wq, condition)					\
	({									\
		int err_ = 0;							\
		while (!err_ && !(condition))					\
			err_ = killed_here() ? -EINTR : sleep_at(&(wq));	\
		err_;								\
	})
#define wait_event_interruptible(wq, condition)					\
	({									\
		int err_ = 0;							\
		while (!err_ && !(condition))					\
			err_ = sleep_at(&(wq));					\
		err_;								\
	})

#define ZUF_PEER_H
#define ZUF_STATS_H
#define ZUF_WAKE_H
#include "../../../kernel/transport/mounter.h"
struct zuf_peer {
	u32 live_gen;
	void *stats;
	struct zuf_mounter mounter;
};
#include "../../../kernel/transport/mounter.c"

/* ---- the world ---- */

#define GEN	7
#define SBI	77
#define PATIENCE_S 20

/* When the caller is killed. */
enum kill { NEVER, POSTED, TAKEN, ANSWERED };

static struct zuf_peer peer;
static struct vfsmount mnt;
static const int owner;
static pthread_t server;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct {
	enum kill kill;
	bool may_answer;
	bool asleep;			/* the server, in the ioctl */
	int signal;			/* that the server gets where it sleeps: an errno, or 0 */
	bool is_stopped;		/* it loses its role when it has a message */
	s32 result;			/* of what it answers */
	u32 answer_len;			/* 0: a mount message */
	long end;			/* what its last ioctl said */
	unsigned int nr, breaks;
	u32 operation[8];		/* that it has got */
	u64 sbi[8];
} w;

static int wait_for(pthread_cond_t *cond)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	return pthread_cond_timedwait(cond, &baton, &end);
}

static bool is_server(void)
{
	return pthread_equal(pthread_self(), server);
}

/* -ETIME: nobody has woken us. The server sleeps as long as it takes. */
static int sleep_at(wait_queue_head_t *wq)
{
	must(wq->is_made && !locks_held);
	if (!is_server())
		return wait_for(&wq->cond) ? -ETIME : 0;
	w.asleep = true;
	pthread_cond_broadcast(&changed);
	pthread_cond_wait(&wq->cond, &baton);
	w.asleep = false;
	return w.signal;
}

static bool server_has(enum zuf_mnt_state state)
{
	return peer.mounter.state == state && (state == ZUF_MNT_TAKEN || w.asleep);
}

static void until_server_has(enum zuf_mnt_state state)
{
	while (!server_has(state))
		assert_int_equal(wait_for(&changed), 0);
}

/* The signal of a caller that has found no answer. */
static bool killed_here(void)
{
	enum zuf_mnt_state s = peer.mounter.state;

	if (is_server() || w.kill == NEVER || s != ZUF_MNT_POSTED)
		return false;
	if (w.kill != POSTED)
		until_server_has(ZUF_MNT_TAKEN);
	if (w.kill == ANSWERED) {
		w.may_answer = true;
		pthread_cond_broadcast(&changed);
		until_server_has(ZUF_MNT_ANSWERED);
	}
	w.kill = NEVER;
	return true;
}

static void *serve(void *arg)
{
	struct zufs_ioc_mount msg;

	(void)arg;
	memset(&msg, 0, sizeof(msg));
	pthread_mutex_lock(&baton);
	while (!(w.end = zuf_mounter_wait(&peer, &owner, &msg))) {
		bool is_break = msg.hdr.err > 0;

		if (is_break) {
			must(msg.hdr.err == EIO && msg.hdr.operation == ZUFS_OP_BREAK);
			w.breaks++;
		} else {
			w.operation[w.nr] = msg.hdr.operation;
			w.sbi[w.nr++] = msg.zmi.zus_sbi;
		}
		pthread_cond_broadcast(&changed);
		if (w.is_stopped)
			must(zuf_mounter_stop(&peer.mounter, NULL));
		while (!w.may_answer)
			pthread_cond_wait(&changed, &baton);
		if (is_break) {
			memset(&msg.hdr, 0, sizeof(msg.hdr));
			continue;
		}
		msg.hdr.err = w.result;
		msg.hdr.out_len = w.answer_len ? w.answer_len : sizeof(msg);
		if (msg.hdr.operation == ZUFS_M_MOUNT)
			msg.zmi.zus_sbi = SBI;
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&baton);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&peer, 0, sizeof(peer));
	memset(&w, 0, sizeof(w));
	memset(&mnt, 0, sizeof(mnt));
	faults_after = 0;
	peer.live_gen = GEN;
	w.may_answer = true;
	pthread_mutex_lock(&baton);
	return zuf_mounter_init(&peer.mounter) ||
	       zuf_mounter_start(&peer.mounter, &owner, &mnt) ||
	       pthread_create(&server, NULL, serve, NULL);
}

static int teardown(void **state)
{
	(void)state;
	zuf_mounter_stop(&peer.mounter, &owner);
	w.may_answer = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&baton);
	pthread_join(server, NULL);
	zuf_mounter_fini(&peer.mounter);
	return 0;
}

/* A message, and when its caller is killed; *sbi: what comes back. */
static int call(u32 operation, enum kill kill, u64 *sbi)
{
	struct zufs_ioc_mount msg = { .hdr = ZUF_MNT_HDR(operation, sizeof(msg)) };
	int err;

	w.kill = kill;
	w.may_answer = kill == NEVER;
	err = zuf_mounter_call(&peer, GEN, &msg);
	w.may_answer = true;
	pthread_cond_broadcast(&changed);
	*sbi = msg.zmi.zus_sbi;
	return err;
}

/* The server waits, and the next message gets through. */
static void the_next_gets_through(void)
{
	u64 sbi;

	assert_int_equal(call(ZUFS_M_MOUNT, NEVER, &sbi), 0);
	assert_int_equal(sbi, SBI);
}

static void a_call_is_answered(void **state)
{
	(void)state;
	the_next_gets_through();
	the_next_gets_through();
	assert_int_equal(w.nr, 2);
}

static void a_call_killed_before_it_was_taken_is_not_made(void **state)
{
	u64 sbi;

	(void)state;
	assert_int_equal(call(ZUFS_M_MOUNT, POSTED, &sbi), -EINTR);
	assert_int_equal(w.nr, 0);
	the_next_gets_through();
	assert_int_equal(w.nr, 1);
}

static void a_mount_killed_with_the_server_is_taken_back(void **state)
{
	u64 sbi;

	(void)state;
	assert_int_equal(call(ZUFS_M_MOUNT, TAKEN, &sbi), -EINTR);
	the_next_gets_through();
	assert_int_equal(w.nr, 3);
	assert_int_equal(w.operation[1], ZUFS_M_UMOUNT);
	assert_int_equal(w.sbi[1], SBI);
}

/* The server keeps the mount, so somebody must know of it; and it has gone to sleep already. */
static void an_answer_that_comes_with_the_signal_is_taken(void **state)
{
	u64 sbi;

	(void)state;
	assert_int_equal(call(ZUFS_M_MOUNT, ANSWERED, &sbi), 0);
	assert_int_equal(sbi, SBI);
	the_next_gets_through();
	assert_int_equal(w.nr, 2);
}

/* ---- who has the role ---- */

static void role_is_given_to_one(void **state)
{
	static const int other;

	(void)state;
	assert_int_equal(zuf_mounter_start(&peer.mounter, &other, &mnt), -EBUSY);
	assert_ptr_equal(zuf_mounter_mnt(&peer.mounter), &mnt);
	assert_int_equal(mnt.references, 1);
	assert_false(zuf_mounter_stop(&peer.mounter, &other));
	the_next_gets_through();
	assert_true(zuf_mounter_stop(&peer.mounter, NULL));
	assert_false(zuf_mounter_stop(&peer.mounter, NULL));
	assert_null(zuf_mounter_mnt(&peer.mounter));
	assert_int_equal(zuf_mounter_start(&peer.mounter, &other, &mnt), 0);
	assert_true(zuf_mounter_stop(&peer.mounter, &other));
}

static void others_do_not_wait(void **state)
{
	static const int other;
	struct zufs_ioc_mount msg = { .hdr.operation = 0 };

	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	assert_int_equal(zuf_mounter_wait(&peer, &other, &msg), -EIO);
	/* nor another thread of the server */
	assert_int_equal(zuf_mounter_wait(&peer, &owner, &msg), -EBUSY);
	assert_int_equal(zuf_mounter_wait_left(&peer.mounter), -EINTR);
	the_next_gets_through();
}

static void nobody_is_in_it_after_the_end(void **state)
{
	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	zuf_mounter_stop(&peer.mounter, &owner);
	while (peer.mounter.thread.held)
		assert_int_equal(wait_for(&changed), 0);
	assert_int_equal(zuf_mounter_wait_left(&peer.mounter), 0);
	assert_int_equal(zuf_mounter_wait_left(&peer.mounter), 0);
}

static void calls_fail_without_a_server(void **state)
{
	struct zufs_ioc_mount msg = { .hdr = ZUF_MNT_HDR(ZUFS_M_MOUNT, sizeof(msg)) };

	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	assert_int_equal(zuf_mounter_call(&peer, GEN + 1, &msg), -EIO);
	assert_int_equal(w.nr, 0);
	zuf_mounter_stop(&peer.mounter, &owner);
	assert_int_equal(zuf_mounter_call(&peer, GEN, &msg), -EIO);
	zuf_mounter_settle(&peer, GEN);
}

static void call_ends_with_its_server(void **state)
{
	u64 sbi;

	(void)state;
	w.is_stopped = true;
	assert_int_equal(call(ZUFS_M_MOUNT, NEVER, &sbi), -EIO);
	assert_int_equal(sbi, 0);
	/* what it answers now is nobody's */
	assert_int_equal(zuf_mounter_start(&peer.mounter, &mnt, &mnt), 0);
	while (!w.end)
		assert_int_equal(wait_for(&changed), 0);
	assert_int_equal(w.end, -EIO);
	assert_int_equal(peer.mounter.state, ZUF_MNT_AWAY);
	zuf_mounter_stop(&peer.mounter, &mnt);
}

static void memory_may_be_missing(void **state)
{
	struct zuf_mounter m;

	(void)state;
	no_memory = true;
	assert_int_equal(zuf_mounter_init(&m), -ENOMEM);
	no_memory = false;
}

/* ---- answers ---- */

static void results_are_errors_or_none(void **state)
{
	static const struct { s32 result; int err; } cases[] = {
		{ -EACCES, -EACCES }, { -511, -511 }, { -512, -EIO }, { -100000, -EIO },
		{ 1, -EBADRQC }, { 0, 0 },
	};
	size_t i;
	u64 sbi;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		w.result = cases[i].result;
		assert_int_equal(call(ZUFS_M_MOUNT, NEVER, &sbi), cases[i].err);
	}
}

/* It is not taken back: the server has none. */
static void failed_mount_of_a_killed_caller_is_no_mount(void **state)
{
	u64 sbi;

	(void)state;
	w.result = -ENOMEM;
	assert_int_equal(call(ZUFS_M_MOUNT, TAKEN, &sbi), -EINTR);
	zuf_mounter_settle(&peer, GEN);
	w.result = 0;
	assert_int_equal(call(ZUFS_M_UMOUNT, TAKEN, &sbi), -EINTR);
	zuf_mounter_settle(&peer, GEN);
	the_next_gets_through();
	assert_int_equal(w.nr, 3);
}

static void settled_is_when_it_is_taken_back(void **state)
{
	u64 sbi;

	(void)state;
	assert_int_equal(call(ZUFS_M_MOUNT, TAKEN, &sbi), -EINTR);
	zuf_mounter_settle(&peer, GEN);
	assert_int_equal(w.nr, 2);
	assert_int_equal(w.operation[1], ZUFS_M_UMOUNT);
	assert_int_equal(peer.mounter.state, ZUF_MNT_WAITING);
}

/* What the server does not answer is not what an earlier message has left. */
static void short_answers_are_zeros_behind(void **state)
{
	struct zufs_ioc_mount msg = { .hdr = ZUF_MNT_HDR(ZUFS_M_MOUNT, sizeof(msg)) };
	u64 sbi;

	(void)state;
	assert_int_equal(call(ZUFS_M_MOUNT, NEVER, &sbi), 0);
	w.answer_len = sizeof(msg.hdr);
	msg.hdr.in_len = sizeof(msg.hdr);
	memset(&msg.zmi, 'x', sizeof(msg.zmi));
	assert_int_equal(zuf_mounter_call(&peer, GEN, &msg), 0);
	assert_int_equal(msg.zmi.zus_sbi, 0);
	/* and who asks for nothing gets nothing */
	w.answer_len = 0;
	msg.hdr.out_len = sizeof(msg.hdr);
	memset(&msg.zmi, 'x', sizeof(msg.zmi));
	assert_int_equal(zuf_mounter_call(&peer, GEN, &msg), 0);
	assert_int_equal(msg.zmi.zus_sbi, 0x7878787878787878);
}

static void messages_have_a_size(void **state)
{
	struct zufs_ioc_mount *msg = calloc(1, ZUF_MNT_MSG_MAX);

	(void)state;
	assert_non_null(msg);
	msg->hdr = (struct zufs_ioc_hdr)ZUF_MNT_HDR(ZUFS_M_UMOUNT, sizeof(*msg));
	msg->hdr.out_len = ZUF_MNT_MSG_MAX;
	assert_int_equal(zuf_mounter_call(&peer, GEN, msg), 0);
	msg->hdr.out_len = ZUF_MNT_MSG_MAX + 1;
	assert_int_equal(zuf_mounter_call(&peer, GEN, msg), -E2BIG);
	msg->hdr.out_len = sizeof(*msg);
	msg->hdr.in_len = ZUF_MNT_MSG_MAX + 1;
	assert_int_equal(zuf_mounter_call(&peer, GEN, msg), -E2BIG);
	assert_int_equal(w.nr, 1);
	free(msg);
}

/* ---- what wakes the server ---- */

static void until_server_ended(void)
{
	while (!w.end)
		assert_int_equal(wait_for(&changed), 0);
}

static void break_ends_a_wait(void **state)
{
	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	w.may_answer = false;
	zuf_mounter_break(&peer.mounter);
	while (!w.breaks)
		assert_int_equal(wait_for(&changed), 0);
	/* nobody is there until it comes back */
	assert_int_equal(peer.mounter.state, ZUF_MNT_AWAY);
	w.may_answer = true;
	pthread_cond_broadcast(&changed);
	the_next_gets_through();
	assert_int_equal(w.breaks, 1);
	assert_int_equal(w.nr, 1);
}

static void signal_ends_a_wait(void **state)
{
	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	w.signal = -EINTR;
	wake_up(&peer.mounter.server_wait);
	until_server_ended();
	assert_int_equal(w.end, -EINTR);
	assert_int_equal(peer.mounter.state, ZUF_MNT_AWAY);
}

/* Where the server's memory is none: the caller must not wait for ever. */
static void server_without_a_buffer_fails_its_caller(void **state)
{
	u64 sbi;

	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	faults_after = 1;
	assert_int_equal(call(ZUFS_M_MOUNT, NEVER, &sbi), -EIO);
	until_server_ended();
	assert_int_equal(w.end, -EFAULT);
}

static void answer_without_a_body_fails_its_caller(void **state)
{
	u64 sbi;

	(void)state;
	until_server_has(ZUF_MNT_WAITING);
	/* the message, the header of its answer, the rest */
	faults_after = 3;
	assert_int_equal(call(ZUFS_M_MOUNT, NEVER, &sbi), -EIO);
	until_server_ended();
	assert_int_equal(w.end, -EFAULT);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_call_is_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_call_killed_before_it_was_taken_is_not_made,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_mount_killed_with_the_server_is_taken_back,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_that_comes_with_the_signal_is_taken,
						setup, teardown),
		T(role_is_given_to_one),
		T(others_do_not_wait),
		T(nobody_is_in_it_after_the_end),
		T(calls_fail_without_a_server),
		T(call_ends_with_its_server),
		cmocka_unit_test(memory_may_be_missing),
		T(results_are_errors_or_none),
		T(failed_mount_of_a_killed_caller_is_no_mount),
		T(settled_is_when_it_is_taken_back),
		T(short_answers_are_zeros_behind),
		T(messages_have_a_size),
		T(break_ends_a_wait),
		T(signal_ends_a_wait),
		T(server_without_a_buffer_fails_its_caller),
		T(answer_without_a_body_fails_its_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
