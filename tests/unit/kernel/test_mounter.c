// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages to the mounter (kernel/transport/mounter.c), compiled in user space. The server is a thread;
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
typedef struct { pthread_cond_t cond; } wait_queue_head_t;
struct mutex { bool held; };
struct vfsmount { int none; };

static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;

static bool killed_here(void);
static int sleep_at(wait_queue_head_t *wq);

#define __user
#define GFP_KERNEL_ACCOUNT	0
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((void)((x) = (v)))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define kzalloc(n, gfp)		calloc(1, n)
#define kfree(p)		free(p)
#define mutex_init(m)		((void)((m)->held = false))
#define mutex_destroy(m)	((void)(m))
#define mutex_trylock(m)	((m)->held ? 0 : ((m)->held = true))
#define mutex_lock_killable(m)	((m)->held ? -EINTR : 0)
#define mutex_unlock(m)		((void)((m)->held = false))
#define spin_lock_init(l)	((void)((l)->held = false))
#define spin_lock(l)		((void)((l)->held = true))
#define spin_unlock(l)		((void)((l)->held = false))
#define init_waitqueue_head(q)	pthread_cond_init(&(q)->cond, NULL)
#define wake_up(q)		pthread_cond_broadcast(&(q)->cond)
#define wake_up_all(q)		wake_up(q)
#define mntget(m)		(m)
#define test_and_set_bit_lock(n, w) ({ bool was_ = *(w) & 1UL << (n); *(w) |= 1UL << (n); was_; })
#define clear_bit_unlock(n, w)	((void)(*(w) &= ~(1UL << (n))))
#define copy_to_user(to, from, n)   (memcpy(to, from, n), 0)
#define copy_from_user(to, from, n) (memcpy(to, from, n), 0)
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
	unsigned int nr;
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
	if (!is_server())
		return wait_for(&wq->cond) ? -ETIME : 0;
	w.asleep = true;
	pthread_cond_broadcast(&changed);
	pthread_cond_wait(&wq->cond, &baton);
	w.asleep = false;
	return 0;
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
	while (!zuf_mounter_wait(&peer, &owner, &msg)) {
		w.operation[w.nr] = msg.hdr.operation;
		w.sbi[w.nr++] = msg.zmi.zus_sbi;
		pthread_cond_broadcast(&changed);
		while (!w.may_answer)
			pthread_cond_wait(&changed, &baton);
		msg.hdr.err = 0;
		if (msg.hdr.operation == ZUFS_M_MOUNT)
			msg.zmi.zus_sbi = SBI;
	}
	pthread_mutex_unlock(&baton);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&peer, 0, sizeof(peer));
	memset(&w, 0, sizeof(w));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
