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

#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>

extern bool zuf_wake_stays_here;

int zuf_wake_init(void);

/* Wake a task that sleeps interruptibly or uninterruptibly. Any context. */
void zuf_wake(struct task_struct *task);

/*
 * Sleep until @condition or a fatal signal (-ERESTARTSYS). Freezable, unlike
 * wait_event_killable(): at suspend the server may be frozen before those who wait for it,
 * and their locks wait with them.
 */
#define zuf_wait_killable(wq, condition)						\
	((condition) ? 0 : ___wait_event(wq, condition,				\
					 (TASK_KILLABLE | TASK_FREEZABLE_UNSAFE),	\
					 0, 0, schedule()))

/* The same for what wake_up_var(@var) tells of. */
#define zuf_wait_var_killable(var, condition)						\
	((condition) ? 0 : ___wait_var_event(var, condition,				\
					     (TASK_KILLABLE | TASK_FREEZABLE_UNSAFE),	\
					     0, 0, schedule()))

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
