// SPDX-License-Identifier: GPL-2.0-only
/*
 * planted.c - misuses of shared memory (shm.h) that sparse must find
 *
 * This file is no part of zuf.ko: `make check-kernel` compiles it to see that sparse complains
 * about each line marked as a fault, and about no other. What sparse cannot see (two loads,
 * __force) only shm.h may do, which `make lint` checks.
 */
#include <linux/module.h>

#include "shm.h"
#include "zuf/zus_api.h"

struct planted {
	struct zufs_ioc_hdr __shm *cmd;
};

static u64 right(struct planted *p)
{
	struct zufs_ioc_IO __shm *io = (void __shm *)p->cmd;
	struct zufs_ioc_hdr hdr;

	shm_take(&hdr, p->cmd, sizeof(hdr));
	shm_store(&p->cmd->flags, 1);
	shm_put(p->cmd, &hdr, sizeof(hdr));
	return shm_load(&io->hdr.err) + shm_load(&io->iom_e[3]) + hdr.in_len;
}

static u64 load(struct planted *p)
{
	return p->cmd->in_len; /* fault */
}

static u64 store(struct planted *p)
{
	p->cmd->flags = 1; /* fault */
	return 0;
}

static u64 load_once(struct planted *p)
{
	return READ_ONCE(p->cmd->in_len); /* fault */
}

static u64 copy_struct(struct planted *p)
{
	struct zufs_ioc_hdr hdr = *p->cmd; /* fault */

	return hdr.in_len;
}

static u64 copy_bytes(struct planted *p)
{
	struct zufs_ioc_hdr hdr;

	memcpy(&hdr, p->cmd, sizeof(hdr)); /* fault */
	return hdr.in_len;
}

static u64 pass_on(struct planted *p)
{
	const u16 *len = &p->cmd->in_len; /* fault */

	return *len;
}

static u64 cast(struct planted *p)
{
	const struct zufs_ioc_hdr *hdr = (void *)p->cmd; /* fault */

	return hdr->in_len;
}

static u64 cast_twice(struct planted *p)
{
	const struct zufs_ioc_hdr *hdr = (void *)(unsigned long)p->cmd; /* fault */

	return hdr->in_len;
}

static u64 (*const all[])(struct planted *p) __used = {
	right, load, store, load_once, copy_struct, copy_bytes, pass_on, cast, cast_twice,
};

MODULE_DESCRIPTION("faults for sparse");
MODULE_LICENSE("GPL");
