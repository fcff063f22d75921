// SPDX-License-Identifier: GPL-2.0-only
/*
 * statsfile.c - the text of the root's file `stats`
 *
 *	zuf-stats 1
 *	time NS                     CLOCK_MONOTONIC
 *	latency 0|1                 are operations timed now
 *	server PID GENERATION       0 0: there is none
 *	waiting COUNT               operations that wait for a channel now
 *	event NAME COUNT
 *	op NUMBER NAME COUNT ERRORS TIMED NS [LOG2:COUNT ...]
 *	mount ID MAJOR:MINOR TYPE live|dead T1-BYTES T2-BYTES
 *	op ...                      of this mount
 *	channel CPU.NUMBER STATE OPERATION THREAD APPLICATION
 *	end
 *
 * The op lines before the first mount are those of the root: they count its mounts, mounts that
 * have ended, and operations that belong to no mount. LOG2:COUNT: COUNT operations took less
 * than 2^LOG2 ns and no less than half of that. Operations that never happened have no line, nor
 * have channels without work. New words may be added at the end of a line, new lines anywhere:
 * the first word says what a line is. Operations are timed while somebody has the file open for
 * writing.
 *
 * The text is made under the root's lock, in one go: mounts and servers do not come or go
 * meanwhile, but operations go on.
 */
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "chan.h"
#include "devset.h"
#include "root.h"
#include "sbid.h"
#include "stats.h"
#include "statsfile.h"

static void show_hist(struct seq_file *m, const struct zuf_hist *hist)
{
	u64 timed = 0;
	unsigned int i;

	for (i = 0; i < ZUF_HIST_SIZE; i++)
		timed += hist->bucket[i];
	seq_printf(m, " %llu %llu", timed, hist->ns);
	for (i = 0; i < ZUF_HIST_SIZE; i++)
		if (hist->bucket[i])
			seq_printf(m, " %u:%llu", ZUF_HIST_SHIFT + i, hist->bucket[i]);
	seq_putc(m, '\n');
}

static void show_ops(struct seq_file *m, const struct zuf_stats_sum *sum)
{
	unsigned int i;
	char buf[16];

	for (i = 0; i < ZUF_STAT_OPS; i++) {
		if (!sum->op[i].count)
			continue;
		seq_printf(m, "op %u %s %llu %llu", zuf_stat_number(i), zuf_stat_name(i, buf),
			   sum->op[i].count, sum->op[i].errors);
		show_hist(m, &sum->op[i].hist);
	}
}

static unsigned int count_waiters(struct wait_queue_head *wq)
{
	struct wait_queue_entry *wqe;
	unsigned int nr = 0;

	spin_lock_irq(&wq->lock);
	list_for_each_entry(wqe, &wq->head, entry)
		nr++;
	spin_unlock_irq(&wq->lock);
	return nr;
}

static unsigned int count_waiting(struct zuf_root *root)
{
	unsigned int cpu, nr = 0;

	for_each_possible_cpu(cpu)
		nr += count_waiters(&per_cpu_ptr(root->peer.cpus, cpu)->idle_wait);
	return nr;
}

static void show_root(struct seq_file *m, struct zuf_root *root, struct zuf_stats_sum *sum)
{
	struct zuf_sbid *sbid;
	unsigned int i;
	int id;

	lockdep_assert_held(&root->peer.lock);
	seq_puts(m, "zuf-stats 1\n");
	seq_printf(m, "time %llu\n", ktime_get_ns());
	seq_printf(m, "latency %d\n", zuf_latency_is_on());
	seq_printf(m, "server %d %u\n", root->peer.live_gen ? pid_vnr(root->peer.server) : 0,
		   root->peer.live_gen);
	seq_printf(m, "waiting %u\n", count_waiting(root));
	*sum = *root->retired;
	zuf_stats_add(sum, root->peer.stats);
	idr_for_each_entry(&root->sbs, sbid, id)
		if (sbid->stats)
			zuf_stats_add(sum, sbid->stats);
	for (i = 0; i < ZUF_NR_EVENTS; i++)
		seq_printf(m, "event %s %llu\n", zuf_event_name(i), sum->event[i]);
	show_ops(m, sum);
}

static void show_mount(struct seq_file *m, const struct zuf_sbid *sbid,
		       struct zuf_stats_sum *sum)
{
	lockdep_assert_held(&sbid->ep.peer->lock);
	seq_printf(m, "mount %llu %u:%u %s %s %llu %llu\n", sbid->ep.id, MAJOR(sbid->dev),
		   MINOR(sbid->dev), sbid->type,
		   zuf_sbid_is_live(sbid) ? "live" : "dead",
		   sbid->devs->t1_bytes, sbid->devs->t2_blocks << PAGE_SHIFT);
	memset(sum, 0, sizeof(*sum));
	zuf_stats_add(sum, sbid->stats);
	show_ops(m, sum);
}

/* Show for whom the channel works; the application is valid while the channel is RUNNING. */
static void show_channel(struct seq_file *m, struct zuf_chan *ch)
{
	enum zuf_chan_state s;
	pid_t thread = 0, app = 0;
	char buf[16];

	rcu_read_lock();
	s = smp_load_acquire(&ch->state);
	if (s == ZUF_CH_RUNNING)
		app = task_tgid_vnr(ch->app);
	if (READ_ONCE(ch->server))
		thread = task_pid_vnr(ch->server);
	rcu_read_unlock();
	if (s != ZUF_CH_RUNNING && s != ZUF_CH_ORPHAN)
		return;
	seq_printf(m, "channel %u.%u %s %s %d %d\n", ch->cpu, ch->no,
		   s == ZUF_CH_RUNNING ? "running" : "orphan",
		   zuf_stat_name(zuf_stat_slot(READ_ONCE(ch->sent_op)), buf), thread, app);
}

static void show_channels(struct seq_file *m, struct zuf_root *root)
{
	struct zuf_chan *ch;
	unsigned int cpu, i;

	lockdep_assert_held(&root->peer.lock);
	for_each_cpu(cpu, &root->peer.chan_cpus) {
		for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
			ch = rcu_dereference_protected(per_cpu_ptr(root->peer.cpus, cpu)->chans[i],
						       lockdep_is_held(&root->peer.lock));
			if (ch)
				show_channel(m, ch);
		}
	}
}

static int stats_show(struct seq_file *m, void *v)
{
	struct zuf_root *root = m->private;
	struct zuf_stats_sum *sum = kvmalloc(sizeof(*sum), GFP_KERNEL);
	struct zuf_sbid *sbid;
	int id;

	if (!sum)
		return -ENOMEM;
	if (mutex_lock_killable(&root->peer.lock)) {
		kvfree(sum);
		return -EINTR;
	}
	show_root(m, root, sum);
	idr_for_each_entry(&root->sbs, sbid, id)
		if (sbid->stats)
			show_mount(m, sbid, sum);
	show_channels(m, root);
	mutex_unlock(&root->peer.lock);
	seq_puts(m, "end\n");
	kvfree(sum);
	return 0;
}

static int stats_open(struct inode *inode, struct file *file)
{
	int err = single_open_size(file, stats_show, inode->i_sb->s_fs_info, SZ_16K);

	if (!err && (file->f_mode & FMODE_WRITE))
		zuf_latency_get();
	return err;
}

static int stats_release(struct inode *inode, struct file *file)
{
	if (file->f_mode & FMODE_WRITE)
		zuf_latency_put();
	return single_release(inode, file);
}

const struct file_operations zuf_root_stats_fops = {
	.owner = THIS_MODULE,
	.open = stats_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = stats_release,
};
