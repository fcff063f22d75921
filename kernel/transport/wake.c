// SPDX-License-Identifier: GPL-2.0-only
/*
 * wake.c - how one task wakes another on its own CPU
 *
 * The scheduler's wake flags are private to it. WF_SYNC is learned at module
 * start from a synchronous wake-up of our own wait queue. "Wake on the current
 * CPU" cannot be learned (its only users are not exported), so its value is
 * tested: a thread is woken from each of two CPUs and must run there. If it
 * ever runs elsewhere, or the kernel has no such flag, applications disable
 * their migration instead (wake.h).
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "wake.h"

bool zuf_wake_stays_here __read_mostly;
module_param_named(wake_here, zuf_wake_stays_here, bool, 0444);
MODULE_PARM_DESC(wake_here, "Set by the module: the scheduler wakes applications on their CPU");
static int wake_flags __read_mostly;

static int learn_flags(struct wait_queue_entry *wqe, unsigned int mode, int flags, void *key)
{
	*(int *)wqe->private = flags;
	return 0;
}

static int learn_sync_flag(void)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(wq);
	int flags = 0;
	struct wait_queue_entry wqe = { .private = &flags, .func = learn_flags };

	add_wait_queue(&wq, &wqe);
	__wake_up_sync_key(&wq, TASK_NORMAL, NULL);
	remove_wait_queue(&wq, &wqe);
	return flags;
}

void zuf_wake(struct task_struct *task)
{
	struct wait_queue_entry wqe = { .private = task };

	default_wake_function(&wqe, TASK_NORMAL, wake_flags, NULL);
}

/* The self-test: a sleeper that records on which CPU it woke up. */
struct wake_test {
	struct task_struct *sleeper;
	struct completion asleep, awake;
	unsigned int woke_on;
	bool go;
};

static int wake_test_sleeper(void *data)
{
	struct wake_test *wt = data;

	while (!kthread_should_stop()) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		complete(&wt->asleep);
		while (!READ_ONCE(wt->go)) {
			schedule();
			set_current_state(TASK_UNINTERRUPTIBLE);
		}
		__set_current_state(TASK_RUNNING);
		wt->woke_on = raw_smp_processor_id();
		WRITE_ONCE(wt->go, false);
		complete(&wt->awake);
	}
	return 0;
}

static void wake_test_waker(void *data)
{
	struct wake_test *wt = data;

	WRITE_ONCE(wt->go, true);
	zuf_wake(wt->sleeper);
}

static bool wake_test_round(struct wake_test *wt, unsigned int cpu)
{
	wait_for_completion(&wt->asleep);
	if (smp_call_function_single(cpu, wake_test_waker, wt, true))
		return false;
	wait_for_completion(&wt->awake);
	return wt->woke_on == cpu;
}

static bool wake_test_all(struct wake_test *wt)
{
	unsigned int cpu, tested = 0;
	bool ok = true;
	int round;

	cpus_read_lock();
	for (round = 0; round < 4 && ok; round++) {
		tested = 0;
		for_each_online_cpu(cpu) {
			if (tested++ == 2 || !ok)
				break;
			ok = wake_test_round(wt, cpu);
		}
	}
	cpus_read_unlock();
	return ok && tested >= 2;
}

static int wake_test(bool *passed)
{
	struct wake_test wt = { };

	init_completion(&wt.asleep);
	init_completion(&wt.awake);
	wt.sleeper = kthread_run(wake_test_sleeper, &wt, "zuf_wake_test");
	if (IS_ERR(wt.sleeper))
		return PTR_ERR(wt.sleeper);
	*passed = wake_test_all(&wt);
	wait_for_completion(&wt.asleep);
	/* nobody wakes the sleeper from its last sleep but kthread_stop() */
	WRITE_ONCE(wt.go, true);
	kthread_stop(wt.sleeper);
	return 0;
}

int zuf_wake_init(void)
{
	int sync = learn_sync_flag();
	bool passed = false;
	int err;

	wake_flags = sync;
	zuf_wake_stays_here = false;	/* whatever the parameter says */
	if (!zuf_wf_current_cpu)
		return 0;
	wake_flags = sync | zuf_wf_current_cpu;
	err = wake_test(&passed);
	if (err)
		return err;
	if (!passed)
		wake_flags = sync;
	zuf_wake_stays_here = passed;
	return 0;
}
