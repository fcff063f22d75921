// SPDX-License-Identifier: GPL-2.0-only
/*
 * planted.c - faults that sparse must find: what nobody may do with shared memory (shm.h)
 *
 * No part of zuf.ko: `make check-kernel` compiles it to see that each line marked as a fault
 * is complained of, and no other. What sparse cannot see (two loads, __force) is left to
 * shm.h being the only file that may do it, which `make lint` looks at.
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
