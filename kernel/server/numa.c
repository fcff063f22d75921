// SPDX-License-Identifier: GPL-2.0-only
/*
 * numa.c - ZU_IOC_NUMA_MAP: tell a server which CPUs are on which node
 *
 * The answer is at most a page: a header, and a CPU set for each possible node.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/nodemask.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include "numa.h"
#include "special.h"
#include "zuf/zus_api.h"

static void numa_fill(struct zufs_ioc_numa_map *map)
{
	struct zufs_cpu_set *sets = ZUFS_TAIL(map, cpu_set_per_node);
	unsigned int counts, first = 0;
	int node, cpu;

	map->possible_nodes = nr_node_ids;
	map->possible_cpus = nr_cpu_ids;
	map->online_nodes = num_online_nodes();
	map->online_cpus = num_online_cpus();
	for_each_online_cpu(cpu) {
		node = cpu_to_node(cpu);
		if (cpu < 1024 && node >= 0 && node < nr_node_ids)
			sets[node].bits[cpu / 64] |= 1ULL << (cpu % 64);
	}
	for_each_online_node(node) {
		counts = bitmap_weight((unsigned long *)sets[node].bits, 1024);
		if (!counts)
			continue;
		if (!first)
			first = counts;
		if (counts != first)
			map->nodes_not_symmetrical = 1;
		map->max_cpu_per_node = max(map->max_cpu_per_node, counts);
	}
}

long zuf_ioc_numa_map(void __user *arg)
{
	struct zufs_ioc_numa_map *map;
	size_t size = sizeof(*map) + nr_node_ids * sizeof(struct zufs_cpu_set);
	long err = 0;

	if (size > PAGE_SIZE) {
		s32 notsupp = -ENOTSUPP;

		return put_user(notsupp, (s32 __user *)arg) ? -EFAULT : 0;
	}
	map = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	if (copy_from_user(&map->hdr, arg, sizeof(map->hdr))) {
		err = -EFAULT;
	} else {
		map->hdr.err = 0;
		cpus_read_lock();
		numa_fill(map);
		cpus_read_unlock();
		if (copy_to_user(arg, map, size))
			err = -EFAULT;
	}
	free_page((unsigned long)map);
	return err;
}
