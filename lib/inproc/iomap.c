// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's iomap executor: T2 is memory, every transfer and discard is a device
 * access that can be made to fail. As the real one it checks a list whole before it does
 * anything. Called in the thread of the operation, of a plugin, or of lists.c;
 * concurrent lists must not overlap.
 */
#include "inproc.h"

#include <errno.h>
#include <string.h>

#define MEM_PAGES_MAX	16		/* of one element with server memory */

/* An element, decoded. */
struct elem {
	uint32_t op;
	uint64_t block;			/* of T2 */
	uint64_t t1;			/* byte-form dpp_t */
	uint64_t mem;			/* server address */
	uint64_t pages;			/* of one round */
	uint64_t rounds;		/* 1 + what REPEAT says */
};

static bool is_transfer(uint32_t op)
{
	return op >= IOM_T2_WRITE && op <= IOM_T2_ZUSMEM_READ;
}

static bool is_write(uint32_t op)
{
	return op == IOM_T2_WRITE || op == IOM_T2_WRITE_LEN || op == IOM_T2_ZUSMEM_WRITE;
}

static bool is_mem(uint32_t op)
{
	return op == IOM_T2_ZUSMEM_WRITE || op == IOM_T2_ZUSMEM_READ;
}

static int decode(const uint64_t *w, struct elem *e)
{
	*e = (struct elem){
		.op = zufs_iom_op(w[0]), .block = zufs_iom_val(w[0]), .pages = 1, .rounds = 1,
	};
	switch (e->op) {
	case IOM_T2_WRITE_LEN:
	case IOM_T2_READ_LEN:
		e->pages = w[2];
		e->t1 = w[1];
		return 0;
	case IOM_T2_WRITE:
	case IOM_T2_READ:
		e->t1 = w[1];
		return 0;
	case IOM_T2_ZUSMEM_WRITE:
	case IOM_T2_ZUSMEM_READ:
		e->mem = w[1];
		e->pages = w[2] >> ZUS_BLOCK_SHIFT;
		if ((w[1] | w[2]) & (ZUS_BLOCK_SIZE - 1) || e->pages > MEM_PAGES_MAX)
			return -EIO;
		return 0;
	case IOM_DISCARD:
		e->pages = w[2];
		return 0;
	case IOM_UNMAP:
	case IOM_WBINV:
		return 0;
	default:
		return -EIO;		/* also a REPEAT of nothing */
	}
}

static bool in_bounds(const struct fake *f, const struct elem *e)
{
	uint64_t all, t2 = f->md.t2_blocks;

	if (!is_transfer(e->op) && e->op != IOM_DISCARD)
		return e->rounds == 1;
	if (!e->pages || e->pages > t2 || e->rounds > t2 / e->pages)
		return false;
	all = e->pages * e->rounds;
	if (e->block > t2 || all > t2 - e->block)
		return false;
	if (e->op == IOM_DISCARD || is_mem(e->op))
		return true;
	return zus_t1_ptr(&f->md, e->t1) && !(e->t1 & (ZUS_BLOCK_SIZE - 1)) &&
	       all <= f->md.t1_blocks - (e->t1 >> ZUS_BLOCK_SHIFT);
}

/* The element at *i, with the REPEAT behind it; 0 = end of the list, -EIO = a bad one. */
static int next_elem(const struct fake *f, const uint64_t *words, uint32_t n, uint32_t *i,
		     struct elem *e)
{
	uint32_t len;

	/* the ABI: what is beyond the known commands ends a list too */
	if (*i >= n || !zufs_iom_op(words[*i]) || zufs_iom_op(words[*i]) > IOM_DISCARD)
		return 0;
	len = zufs_iom_words(zufs_iom_op(words[*i]));
	if (!len || len > n - *i || decode(words + *i, e))
		return -EIO;
	*i += len;
	if (*i < n && zufs_iom_op(words[*i]) == IOM_REPEAT)
		e->rounds += zufs_iom_val(words[(*i)++]);
	return in_bounds(f, e) ? 1 : -EIO;
}

/* One access of the device. */
static int run_round(struct fake *f, const struct elem *e, uint64_t round)
{
	uint64_t first = e->pages * round, bytes = e->pages << ZUS_BLOCK_SHIFT;
	uint8_t *t2 = f->t2 + ((e->block + first) << ZUS_BLOCK_SHIFT), *mem;

	if (fake_strikes(f, FAKE_DEVICE))
		return -EIO;
	if (e->op == IOM_DISCARD) {
		fake_device_copy(f, FAKE_EV_T2_DISCARD, (uint64_t)(t2 - f->t2), t2, NULL, bytes);
		return 0;
	}
	mem = is_mem(e->op) ? (uint8_t *)(uintptr_t)e->mem : zus_t1_ptr(&f->md, e->t1);
	mem += first << ZUS_BLOCK_SHIFT;
	if (is_write(e->op))
		fake_device_copy(f, FAKE_EV_T2_WRITE, (uint64_t)(t2 - f->t2), t2, mem, bytes);
	else if (is_mem(e->op))
		memcpy(mem, t2, bytes);
	else
		fake_device_copy(f, FAKE_EV_T2_READ, (uint64_t)(mem - f->md.t1), mem, t2, bytes);
	return 0;
}

static int run_elem(struct fake *f, const struct elem *e)
{
	uint64_t round;
	int err = 0;

	if (e->op == IOM_UNMAP || e->op == IOM_WBINV)
		return 0;
	for (round = 0; !err && round < e->rounds; round++)
		err = run_round(f, e, round);
	return err;
}

int fake_iomap_check(const struct fake *f, const uint64_t *words, uint32_t n)
{
	struct elem e;
	uint32_t i = 0;
	int ret;

	while ((ret = next_elem(f, words, n, &i, &e)) > 0)
		;
	return ret;
}

int fake_iomap_run(struct fake *f, const uint64_t *words, uint32_t n)
{
	struct elem e;
	uint32_t i = 0;
	int err = fake_iomap_check(f, words, n);

	while (!err && next_elem(f, words, n, &i, &e) > 0)
		err = run_elem(f, &e);
	return err;
}

int fake_iomap_run_flags(struct fake *f, const uint64_t *words, uint32_t n, uint32_t flags)
{
	int err = fake_iomap_run(f, words, n);

	if (!err && flags & (ZUFS_IOM_EXEC_FLUSH | ZUFS_IOM_EXEC_FUA))
		fake_device_flush(f);
	return err;
}
