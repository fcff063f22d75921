// SPDX-License-Identifier: GPL-2.0-only
/* 6.17: a workqueue is asked to be per CPU; later it must be one or the other. */
#include <linux/workqueue.h>

struct workqueue_struct *probe(void);
struct workqueue_struct *probe(void)
{
	return alloc_workqueue("probe", WQ_PERCPU, 0);
}
