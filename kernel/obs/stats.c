// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats.c - counters and latency histograms: their memory, their sums, the switch
 *
 * A histogram is allocated when the first operation of its kind is timed on a CPU, so a kind
 * that is never used costs nothing. It is freed with the counters. Readers may see one CPU
 * a little later than another, never a torn or lost count.
 */
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "stats.h"

DEFINE_STATIC_KEY_FALSE(zuf_latency_key);

void zuf_latency_get(void)
{
	static_branch_inc(&zuf_latency_key);
}

void zuf_latency_put(void)
{
	static_branch_dec(&zuf_latency_key);
}

static bool latency_param;	/* under the lock of the module's parameters */

static int latency_set(const char *value, const struct kernel_param *kp)
{
	bool was = latency_param;
	int err = param_set_bool(value, kp);

	if (err || was == latency_param)
		return err;
	if (latency_param)
		zuf_latency_get();
	else
		zuf_latency_put();
	return 0;
}

static const struct kernel_param_ops latency_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = latency_set,
	.get = param_get_bool,
};
module_param_cb(latency, &latency_ops, &latency_param, 0644);
MODULE_PARM_DESC(latency, "Keep histograms of the latencies of operations (off)");

/* ---- life ---- */

struct zuf_stats __percpu *zuf_stats_create(void)
{
	return __alloc_percpu(sizeof(struct zuf_stats), SMP_CACHE_BYTES);
}

void zuf_stats_destroy(struct zuf_stats __percpu *stats)
{
	unsigned int cpu, i;

	if (!stats)
		return;
	for_each_possible_cpu(cpu)
		for (i = 0; i < ZUF_STAT_OPS; i++)
			kfree(per_cpu_ptr(stats, cpu)->op[i].hist);
	free_percpu(stats);
}

/* ---- times ---- */

static unsigned int hist_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(ns >> ZUF_HIST_SHIFT), ZUF_HIST_SIZE - 1);
}

/* Without memory the operations of this kind are not timed on this CPU. */
static void hist_create(struct zuf_stats __percpu *stats, unsigned int slot)
{
	struct zuf_hist *hist = kzalloc(sizeof(*hist), GFP_NOWAIT | __GFP_NOWARN);
	struct zuf_stats *mine = get_cpu_ptr(stats);

	if (!mine->op[slot].hist) {
		smp_store_release(&mine->op[slot].hist, hist);
		hist = NULL;
	}
	put_cpu_ptr(stats);
	kfree(hist);
}

void zuf_stats_time(struct zuf_stats __percpu *stats, unsigned int slot, u64 start)
{
	s64 ns = sched_clock() - start;
	struct zuf_hist *hist;

	/* another CPU's clock may be a little behind */
	if (ns < 0)
		ns = 0;
	if (unlikely(!this_cpu_read(stats->op[slot].hist)))
		hist_create(stats, slot);
	hist = get_cpu_ptr(stats)->op[slot].hist;
	if (likely(hist)) {
		WRITE_ONCE(hist->ns, hist->ns + ns);
		hist->bucket[hist_bucket(ns)]++;
	}
	put_cpu_ptr(stats);
}

/* ---- sums ---- */

static void hist_add(struct zuf_hist *sum, const struct zuf_hist *hist)
{
	unsigned int i;

	sum->ns += READ_ONCE(hist->ns);
	for (i = 0; i < ZUF_HIST_SIZE; i++)
		sum->bucket[i] += READ_ONCE(hist->bucket[i]);
}

static void add_cpu(struct zuf_stats_sum *sum, const struct zuf_stats *stats)
{
	const struct zuf_hist *hist;
	unsigned int i;

	for (i = 0; i < ZUF_STAT_OPS; i++) {
		sum->op[i].count += READ_ONCE(stats->op[i].count);
		sum->op[i].errors += READ_ONCE(stats->op[i].errors);
		hist = smp_load_acquire(&stats->op[i].hist);
		if (hist)
			hist_add(&sum->op[i].hist, hist);
	}
	for (i = 0; i < ZUF_NR_EVENTS; i++)
		sum->event[i] += READ_ONCE(stats->event[i]);
}

void zuf_stats_add(struct zuf_stats_sum *sum, const struct zuf_stats __percpu *stats)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		add_cpu(sum, per_cpu_ptr(stats, cpu));
}

/* ---- names ---- */

static const char *const op_names[ZUF_STAT_OPS] = {
	[0] = "other",
#define OP(name)	[ZUFS_OP_##name] = #name,
	ZUFS_OPS_1_0(OP)
#undef OP
#define EXT(name)	[ZUF_STAT_OLD + ZUFS_OP_##name - ZUFS_OP_EXT_FIRST] = #name,
	ZUFS_OPS_EXT(EXT)
#undef EXT
#define M(name)		[ZUF_STAT_OLD + ZUF_STAT_EXT + ZUFS_M_##name] = "M_" #name
	M(MOUNT), M(UMOUNT), M(REMOUNT), M(DDBG_RD), M(DDBG_WR),
#undef M
};

unsigned int zuf_stat_number(unsigned int slot)
{
	if (slot < ZUF_STAT_OLD)
		return slot;
	if (slot < ZUF_STAT_OLD + ZUF_STAT_EXT)
		return slot - ZUF_STAT_OLD + ZUFS_OP_EXT_FIRST;
	return slot - ZUF_STAT_OLD - ZUF_STAT_EXT;
}

const char *zuf_stat_name(unsigned int slot, char buf[16])
{
	if (op_names[slot])
		return op_names[slot];
	snprintf(buf, 16, "OP_%u", zuf_stat_number(slot));
	return buf;
}

const char *zuf_event_name(enum zuf_event ev)
{
	static const char *const names[] = {
#define X(id, name) [ZUF_EV_##id] = name,
		ZUF_EVENTS(X)
#undef X
	};

	return names[ev];
}
