/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wake.h - wake one task in a way that keeps both sides on this CPU, and wait for a server
 *
 * The waker is about to give way (synchronous hint). Where the scheduler takes a
 * "wake on this CPU" flag (6.6 and later), and a self-test at module start proves
 * it, the flag keeps a sleeping application on its CPU; otherwise the application
 * disables its migration while it sleeps.
 */
#ifndef ZUF_WAKE_H
#define ZUF_WAKE_H

#include <linux/freezer.h>
#include <linux/pid_namespace.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>

extern bool zuf_wake_stays_here;

int zuf_wake_init(void);

/* Wake a task that sleeps interruptibly or uninterruptibly. Context: any. */
void zuf_wake(struct task_struct *task);

/*
 * Most jiffies of one killable sleep that may have to become freezable: the freezer does not wake
 * such a sleeper.
 */
#define ZUF_KILLABLE_MAX	HZ

/* Jiffies for which an application that waits is kept on its CPU. */
#define ZUF_PIN_JIFFIES		2

/**
 * zuf_freezable() - what a sleep with locks, a range or a message adds to its task state
 * Must be called before each sleep. A server may be frozen before the tasks that wait for it, so
 * they must be frozen where they are, with what they hold. That is safe only while the whole
 * system freezes: then no program is left that could want this. A VFS lock that a frozen task
 * holds stops a task that sleeps on that lock, as it would without us, and makes that suspend
 * fail. A wake-up that a frozen exclusive waiter consumes was meant for tasks that are frozen as
 * well, and all of them look again at the thaw; our workers wait for the server until then. A
 * cgroup's freezer stops single programs: it finds them where they hold nothing, at the return to
 * user space.
 *
 * No task freezes in CLAIMED or ANSWERED, with a pin, or while it waits for a device.
 * Task 1 (init) is frozen, or about to be, exactly when all programs are.
 */
static inline unsigned int zuf_freezable(void)
{
	return unlikely(freezing(init_pid_ns.child_reaper)) ? TASK_FREEZABLE_UNSAFE : 0;
}

/* Sleep until @condition or a fatal signal (-ERESTARTSYS), with locks held. */
#define zuf_wait_killable(wq, condition)						\
	((condition) ? 0 : ___wait_event(wq, condition,				\
					 (TASK_KILLABLE | zuf_freezable()),		\
					 0, 0, schedule_timeout(ZUF_KILLABLE_MAX)))

/* zuf_wait_killable() for a condition whose change is followed by wake_up_var(@var). */
#define zuf_wait_var_killable(var, condition)						\
	((condition) ? 0 : ___wait_var_event(var, condition,				\
					     (TASK_KILLABLE | zuf_freezable()),		\
					     0, 0, schedule_timeout(ZUF_KILLABLE_MAX)))

/*
 * The application will sleep: make sure that it comes back on this CPU, which must be @cpu.
 * Return: true if zuf_cpu_unpin() must be called with true.
 */
static inline bool zuf_cpu_pin(unsigned int cpu)
{
	if (zuf_wake_stays_here || current->nr_cpus_allowed == 1)
		return false;
	migrate_disable();
	if (likely(raw_smp_processor_id() == cpu))
		return true;
	migrate_enable();
	return false;
}

static inline void zuf_cpu_unpin(bool pinned)
{
	if (pinned)
		migrate_enable();
}

#endif
