// SPDX-License-Identifier: GPL-2.0-only
/*
 * element.c - elements of a list of commands: decode, check
 *
 * list.c calls this for a list in kernel memory, once to check all of it and once more to execute
 * it: the second pass does what the first one has let through.
 */
#include "element.h"

#include <linux/mm.h>
#include "devset.h"

/* Most server memory in one element. */
#define IOM_MEM_MAX	(16U << PAGE_SHIFT)

/* Without devices the only limit is that nothing overflows. */
static u64 blocks_of(const struct zuf_devset *ds)
{
	return ds ? ds->t2_blocks : U64_MAX >> PAGE_SHIFT;
}

static int set_blocks(const struct zuf_devset *ds, struct zuf_iom_elem *e, u64 pages)
{
	u64 blocks = blocks_of(ds);

	if (!pages || e->block >= blocks || pages > blocks - e->block)
		return -EIO;
	e->pages = pages;
	return 0;
}

static int set_t1(const struct zuf_devset *ds, struct zuf_iom_elem *e, u64 dpp)
{
	/* whole pages in pool 0, so the low bits are all 0 */
	if (ds && (!dpp || offset_in_page(dpp) || dpp >= ds->t1_bytes ||
		   e->pages > (ds->t1_bytes - dpp) >> PAGE_SHIFT))
		return -EIO;
	e->t1 = dpp;
	return 0;
}

static int set_mem(struct zuf_iom_elem *e, u64 addr, u64 repeated)
{
	if (!addr || offset_in_page(addr) || addr > TASK_SIZE_MAX ||
	    repeated > TASK_SIZE_MAX - addr)
		return -EIO;
	e->mem = addr;
	return 0;
}

/* Read how often the element before words[*i] is to be done. */
static int repeat_count(const u64 *words, u32 n, u32 *i, u64 *times)
{
	*times = 1;
	if (*i >= n || zufs_iom_op(words[*i]) != IOM_REPEAT)
		return 0;
	*times += zufs_iom_val(words[*i]);
	++*i;
		/* only one REPEAT: a second one would have no element before it */
	return *i < n && zufs_iom_op(words[*i]) == IOM_REPEAT ? -EIO : 0;
}

static int set_transfer(const struct zuf_devset *ds, struct zuf_iom_elem *e, const u64 *w,
			u64 pages, u64 times)
{
	int err;

	if (check_mul_overflow(pages, times, &pages))
		return -EIO;
	/* no more blocks than T2 has, so the number of bytes does not overflow either */
	err = set_blocks(ds, e, pages);
	if (err)
		return err;
	switch (e->op) {
	case IOM_T2_ZUSMEM_WRITE:
	case IOM_T2_ZUSMEM_READ:
		return set_mem(e, w[1], pages << PAGE_SHIFT);
	case IOM_DISCARD:
		return 0;
	case IOM_T2_WRITE:
	case IOM_T2_READ:
		return set_t1(ds, e, w[1]);
	default:
		WARN_ON_ONCE(1);	/* set_elem() passes no other one */
		return -EIO;
	}
}

static bool is_write(u32 op)
{
	return op == IOM_T2_WRITE || op == IOM_T2_ZUSMEM_WRITE || op == IOM_DISCARD;
}

static int set_elem(const struct zuf_devset *ds, struct zuf_iom_elem *e, const u64 *w, u64 times)
{
	switch (e->op) {
	case IOM_T2_WRITE:
	case IOM_T2_READ:
		return set_transfer(ds, e, w, 1, times);
	case IOM_T2_WRITE_LEN:
	case IOM_T2_READ_LEN:
		e->op = e->op == IOM_T2_WRITE_LEN ? IOM_T2_WRITE : IOM_T2_READ;
		fallthrough;
	case IOM_DISCARD:
		return set_transfer(ds, e, w, w[2], times);
	case IOM_T2_ZUSMEM_WRITE:
	case IOM_T2_ZUSMEM_READ:
		if (!w[2] || offset_in_page(w[2]) || w[2] > IOM_MEM_MAX)
			return -EIO;
		return set_transfer(ds, e, w, w[2] >> PAGE_SHIFT, times);
	case IOM_UNMAP:
		e->pages = w[1];
		e->ino = w[2];
		return times == 1 ? 0 : -EIO;
	case IOM_WBINV:
		return times == 1 ? 0 : -EIO;
	default:
		return -EIO;	/* T1_*, or a REPEAT without an element */
	}
}

int zuf_iom_next(const struct zuf_devset *ds, bool read_only, const u64 *words, u32 n,
		 u32 *i, struct zuf_iom_elem *e)
{
	const u64 *w = words + *i;
	u32 len;
	u64 times;
	int err;

	/* the ABI says that a word beyond the known commands ends a list too */
	if (*i >= n || zufs_iom_op(*w) == IOM_NONE || zufs_iom_op(*w) > IOM_LAST)
		return 0;
	*e = (struct zuf_iom_elem){ .op = zufs_iom_op(*w), .block = zufs_iom_val(*w) };
	len = zufs_iom_words(e->op);
	if (len > n - *i)
		return -EIO;
	*i += len;
	err = repeat_count(words, n, i, &times);
	if (!err)
		err = set_elem(ds, e, w, times);
	if (!err && read_only && is_write(e->op))
		err = -EROFS;
	return err ?: 1;
}
