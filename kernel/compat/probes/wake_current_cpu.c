// SPDX-License-Identifier: GPL-2.0-only
/* 6.6: the scheduler has "wake on the current CPU". */
#include <linux/sched.h>
#include <linux/wait.h>

void probe(struct wait_queue_head *wq);
void probe(struct wait_queue_head *wq)
{
	__wake_up_on_current_cpu(wq, TASK_NORMAL, NULL);
}
