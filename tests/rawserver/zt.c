// SPDX-License-Identifier: BSD-2-Clause
/*
 * zt.c - server threads: one per online CPU and channel, and their loop
 *
 * A thread is born on its CPU, opens its file, takes its role, maps window and
 * command buffer, and waits for operations. A rule may take any of these away
 * from it; then it leaves, as a broken server's thread would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "raw.h"

#define MAX_ZTS	(64 * ZUFS_MAX_ZT_CHANNELS)

static struct raw_zt zts[MAX_ZTS];
static unsigned int nr_zts;
static pthread_barrier_t start_line;
static atomic_bool stopping;
static atomic_int start_err;

/* ---- traps ---- */

static _Thread_local sigjmp_buf *trap;

static void on_trap(int sig)
{
	if (trap)
		siglongjmp(*trap, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

int raw_trap_init(void)
{
	struct sigaction sa = { .sa_handler = on_trap, .sa_flags = SA_NODEFER };

	if (sigaction(SIGBUS, &sa, NULL) || sigaction(SIGSEGV, &sa, NULL))
		return -errno;
	return 0;
}

bool raw_trapped(void (*fn)(void *arg), void *arg)
{
	sigjmp_buf here, *outer = trap;

	if (sigsetjmp(here, 0)) {
		trap = outer;
		raw_lock_drop();
		raw_lock();
		raw_stats.traps++;
		raw_unlock();
		return false;
	}
	trap = &here;
	fn(arg);
	trap = outer;
	return true;
}

/* ---- the loop ---- */

struct serve_arg {
	struct raw_zt *zt;
	struct zufs_ioc_hdr *hdr;
	int err;
};

static void serve_op(void *data)
{
	struct serve_arg *arg = data;

	raw_lock();
	raw_stats.ops++;
	arg->err = raw_op(arg->zt, arg->hdr);
	raw_unlock();
}

/* A message that rides along: false: none that this server takes there. */
static bool serve_rider(struct raw_zt *zt, struct zufs_ioc_hdr *hdr)
{
	bool evicts_ride = raw_config.fs_caps & ZUFS_FSC_EVICT_RIDES;

	if (hdr->operation == ZUFS_OP_PUT_MULTY) {
		raw_stats.puts++;
		raw_record(ZUFS_OP_PUT_MULTY, zt, hdr);
		raw_op_io(zt, hdr);
		return true;
	}
	if (!evicts_ride || (hdr->operation != ZUFS_OP_EVICT_INODE &&
			     hdr->operation != ZUFS_OP_FREE_INODE))
		return false;
	raw_stats.evicts++;
	raw_record(hdr->operation, zt, hdr);
	raw_op_names(zt, hdr);
	return true;
}

/* What rides along comes first; each says whether another follows. */
static void serve_riders(void *data)
{
	struct serve_arg *arg = data;
	char *end = (char *)arg->zt->cmd + raw_config.max_command;
	struct zufs_ioc_hdr *hdr = arg->zt->cmd;
	struct raw_rule *rule;
	int guard = 1000;

	while ((hdr->flags & ZUFS_H_HAS_PIGY_PUT) && --guard) {
		hdr = (struct zufs_ioc_hdr *)((char *)hdr + hdr->in_len);
		raw_lock();
		if ((char *)hdr + sizeof(struct zufs_ioc_evict_inode) > end ||
		    (char *)hdr + hdr->in_len > end || !serve_rider(arg->zt, hdr)) {
			raw_stats.bad_messages++;
			raw_note("bad message behind another: operation %u", hdr->operation);
			raw_unlock();
			return;
		}
		rule = raw_rule_match(RAW_OP_RIDER, hdr);
		raw_unlock();
		if (rule)
			raw_rule_apply(rule, RAW_OP_RIDER, arg->zt, hdr);
	}
}

/* A cookie is the kernel's from the moment that it is answered. */
static void hand_out_cookie(struct zufs_ioc_hdr *hdr)
{
	struct raw_node *node = NULL;

	if (hdr->err)
		return;
	if (hdr->operation == ZUFS_OP_LOOKUP)
		node = raw_node_peek(((struct zufs_ioc_lookup *)hdr)->zus_ii);
	else if (hdr->operation == ZUFS_OP_NEW_INODE)
		node = raw_node_peek(((struct zufs_ioc_new_inode *)hdr)->zus_ii);
	else if (hdr->operation == ZUFS_OP_IGET)
		node = raw_node_peek(((struct zufs_ioc_iget *)hdr)->zus_ii);
	if (node)
		node->refs++;
}

static void serve_one(struct raw_zt *zt)
{
	struct zufs_ioc_hdr *hdr = zt->cmd;
	struct serve_arg arg = { .zt = zt, .hdr = hdr };
	unsigned int op = hdr->operation;
	struct raw_rule *rule;

	raw_lock();
	if (raw_rule_restarted(hdr))
		raw_note("restart %s err %d", raw_op_name(op), hdr->err);
	else
		raw_record(op, zt, hdr);
	rule = raw_rule_match(op, hdr);
	raw_unlock();
	raw_trapped(serve_riders, &arg);
	if (!raw_rule_replaces(rule)) {
		if (!raw_trapped(serve_op, &arg))
			arg.err = -EFAULT;
		hdr->err = arg.err;
	}
	if (rule)
		raw_rule_apply(rule, op, zt, hdr);
	if (zt->cmd_gone || (op != ZUFS_OP_LOOKUP && op != ZUFS_OP_NEW_INODE &&
			     op != ZUFS_OP_IGET))
		return;
	raw_lock();
	hand_out_cookie(hdr);
	raw_unlock();
}

static void zt_loop(struct raw_zt *zt)
{
	while (!atomic_load(&stopping)) {
		if (ioctl(zt->fd, ZU_IOC_WAIT_OPT, zt->cmd) < 0) {
			if (errno == EINTR)
				continue;
			if (!atomic_load(&stopping)) {
				raw_lock();
				raw_note("WAIT_OPT on cpu %u channel %u: %s", zt->cpu,
					 zt->channel, strerrorname_np(errno));
				raw_unlock();
			}
			return;
		}
		if (zt->cmd->operation == ZUFS_OP_BREAK)
			continue;
		serve_one(zt);
	}
}

static int zt_open(struct raw_zt *zt)
{
	struct zufs_ioc_init init = {
		.hdr.in_len = sizeof(init),
		.hdr.out_len = sizeof(init),
		.channel_no = zt->channel,
		.max_command = raw_config.max_command,
	};
	void *map;

	zt->fd = raw_open();
	if (zt->fd < 0)
		return -errno;
	if (ioctl(zt->fd, ZU_IOC_INIT_THREAD, &init) < 0)
		return -errno;
	if (init.hdr.err)
		return init.hdr.err;
	map = mmap(NULL, ZUS_API_MAP_MAX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, zt->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	zt->window = map;
	map = mmap(NULL, raw_config.max_command, PROT_READ | PROT_WRITE, MAP_SHARED, zt->fd,
		   ZUS_API_MAP_MAX_SIZE);
	if (map == MAP_FAILED)
		return -errno;
	zt->cmd = map;
	return 0;
}

static void zt_close(struct raw_zt *zt)
{
	raw_lock();
	zt->up = false;
	raw_unlock();
	if (zt->window && !zt->window_gone)
		munmap(zt->window, ZUS_API_MAP_MAX_SIZE);
	if (zt->cmd && !zt->cmd_gone)
		munmap(zt->cmd, raw_config.max_command);
	if (zt->fd >= 0)
		close(zt->fd);
	zt->window = NULL;
	zt->cmd = NULL;
	zt->fd = -1;
}

static void *zt_main(void *arg)
{
	struct raw_zt *zt = arg;
	char name[16];
	int err;

	snprintf(name, sizeof(name), "ZT(%u.%u)", zt->cpu, zt->channel);
	pthread_setname_np(pthread_self(), name);
	err = zt_open(zt);
	if (err)
		atomic_store(&start_err, err);
	raw_lock();
	zt->up = !err;
	raw_unlock();
	pthread_barrier_wait(&start_line);
	if (!err)
		zt_loop(zt);
	zt_close(zt);
	return NULL;
}

static int start_one(struct raw_zt *zt, unsigned int cpu, unsigned int channel)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	memset(zt, 0, sizeof(*zt));
	zt->fd = -1;
	zt->cpu = cpu;
	zt->channel = channel;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	err = pthread_create(&zt->thread, &attr, zt_main, zt);
	pthread_attr_destroy(&attr);
	return -err;
}

int raw_zt_start_all(unsigned int num_channels)
{
	struct zufs_ioc_numa_map *map = aligned_alloc(ZUFS_PAGE_SIZE, ZUFS_PAGE_SIZE);
	unsigned int cpu, channel, nr = 0, node;
	struct zufs_cpu_set *sets;
	int fd = raw_open(), err = 0;

	if (!map || fd < 0)
		return -ENOMEM;
	memset(map, 0, ZUFS_PAGE_SIZE);
	if (ioctl(fd, ZU_IOC_NUMA_MAP, map) < 0)
		err = -errno;
	close(fd);
	sets = ZUFS_TAIL(map, cpu_set_per_node);
	if (!err && map->online_cpus * num_channels > MAX_ZTS)
		err = -E2BIG;
	if (!err)
		err = -pthread_barrier_init(&start_line, NULL,
					    map->online_cpus * num_channels + 1);
	for (node = 0; !err && node < map->possible_nodes; node++) {
		for (cpu = 0; cpu < 1024; cpu++) {
			if (!(sets[node].bits[cpu / 64] >> (cpu % 64) & 1))
				continue;
			for (channel = 0; !err && channel < num_channels; channel++)
				err = start_one(&zts[nr++], cpu, channel);
		}
	}
	free(map);
	if (err)
		return err;
	nr_zts = nr;
	pthread_barrier_wait(&start_line);
	return atomic_load(&start_err);
}

void raw_zt_stop_all(void)
{
	unsigned int i;

	atomic_store(&stopping, true);
	raw_break_all();
	for (i = 0; i < nr_zts; i++)
		pthread_join(zts[i].thread, NULL);
}

/* ---- what an idle window shows ---- */

struct probe {
	volatile char *at;
	char byte;
};

static void touch(void *arg)
{
	struct probe *probe = arg;

	probe->byte = *probe->at;
}

static void probe_window(const struct raw_zt *zt, FILE *out)
{
	unsigned long mapped = 0, bytes = 0, i;
	unsigned int page;
	struct probe probe;

	for (page = 0; page < ZUS_API_MAP_MAX_PAGES; page++) {
		probe.at = zt->window + (unsigned long)page * ZUFS_PAGE_SIZE;
		if (!raw_trapped(touch, &probe))
			continue;
		mapped++;
		for (i = 0; i < ZUFS_PAGE_SIZE; i++)
			bytes += probe.at[i] != 0;
	}
	fprintf(out, "cpu %u channel %u mapped %lu nonzero %lu\n", zt->cpu, zt->channel,
		mapped, bytes);
}

void raw_zt_probe(FILE *out)
{
	unsigned int i;

	for (i = 0; i < nr_zts; i++)
		if (zts[i].up && !zts[i].window_gone)
			probe_window(&zts[i], out);
}
