/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wake.h - wake one task in a way that keeps both sides on this CPU; wait for a server
 *
 * The waker is about to give way (synchronous hint). Where the scheduler takes a
 * "wake on this CPU" flag (6.6 and later) and a self-test at module start
 * proves it, that keeps an application that sleeps here; else it disables its
 * migration meanwhile.
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

/* Wake a task that sleeps interruptibly or uninterruptibly. Any context. */
void zuf_wake(struct task_struct *task);

/* A killable sleep that may have to become freezable lasts no longer: the freezer wakes none. */
#define ZUF_KILLABLE_MAX	HZ

/* Jiffies for which an application that waits may not leave its CPU. */
#define ZUF_PIN_JIFFIES		2

/**
 * zuf_freezable() - what a sleep with locks, a range or a message adds to its state
 * To be asked before each sleep. A server may be frozen before those who wait for it, so they
 * must be frozen where they are, with what they hold. That is safe only while the whole system
 * freezes: then no program is left that could want it. A lock of the VFS that a frozen task
 * holds stops who sleeps at it, as without us, and lets that suspend fail; a wake-up that a
 * frozen exclusive waiter eats was for tasks that are frozen as well, who all look again at the
 * thaw; our workers wait for the server until then. A cgroup's freezer stops single programs:
 * it finds them where they hold nothing, at the return to user space.
 *
 * Nobody freezes in CLAIMED or ANSWERED, with a pin, or while he waits for a device.
 * 1 is frozen, or about to be, exactly when all programs are.
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

/* The same for what wake_up_var(@var) tells of. */
#define zuf_wait_var_killable(var, condition)						\
	((condition) ? 0 : ___wait_var_event(var, condition,				\
					     (TASK_KILLABLE | zuf_freezable()),		\
					     0, 0, schedule_timeout(ZUF_KILLABLE_MAX)))

/* The application will sleep: make sure that it comes back on this CPU, which is @cpu. */
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
