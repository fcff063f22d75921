// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's iomap executor: T2 is memory, every T2 element is a device access that
 * can be made to fail. Bounds are checked as strictly as the real one shall. Called in the
 * thread of the operation or of a plugin; concurrent lists must not overlap on T2.
 */
#include "fake_internal.h"

#include <errno.h>
#include <string.h>

static int t2_copy(struct fake *f, bool is_write, uint64_t t2_bn, void *mem, uint64_t bytes)
{
	if (fake_strikes(f, FAKE_DEVICE))
		return -EIO;
	if (t2_bn > f->md.t2_blocks || bytes > (f->md.t2_blocks - t2_bn) << ZUS_BLOCK_SHIFT)
		return -EIO;
	if (is_write)
		memcpy(f->t2 + (t2_bn << ZUS_BLOCK_SHIFT), mem, bytes);
	else
		memcpy(mem, f->t2 + (t2_bn << ZUS_BLOCK_SHIFT), bytes);
	return 0;
}

static int t2_t1(struct fake *f, bool is_write, uint64_t t2_bn, dpp_t dpp, uint64_t pages)
{
	void *t1 = zus_t1_ptr(&f->md, dpp);
	uint64_t bytes = pages << ZUS_BLOCK_SHIFT;

	if (!t1 || pages > f->md.t1_blocks || !zus_t1_contains(&f->md, t1, bytes))
		return -EIO;
	return t2_copy(f, is_write, t2_bn, t1, bytes);
}

static int run_element(struct fake *f, uint32_t op, const uint64_t *w)
{
	uint64_t val = zufs_iom_val(w[0]);

	switch (op) {
	case IOM_T2_WRITE:
	case IOM_T2_READ:
		return t2_t1(f, op == IOM_T2_WRITE, val, w[1], 1);
	case IOM_T2_WRITE_LEN:
	case IOM_T2_READ_LEN:
		return t2_t1(f, op == IOM_T2_WRITE_LEN, val, w[1], w[2]);
	case IOM_T2_ZUSMEM_WRITE:
	case IOM_T2_ZUSMEM_READ:
		if (w[1] & 4095 || w[2] > 16 << ZUS_BLOCK_SHIFT)
			return -EIO;
		return t2_copy(f, op == IOM_T2_ZUSMEM_WRITE, val, (void *)(uintptr_t)w[1], w[2]);
	case IOM_UNMAP:
	case IOM_WBINV:
		return 0;
	default:
		return -EIO;
	}
}

int fake_iomap_run(struct fake *f, const uint64_t *words, uint32_t n)
{
	uint32_t i = 0, len;
	int err;

	while (i < n && zufs_iom_op(words[i])) {
		len = zufs_iom_words(zufs_iom_op(words[i]));
		if (!len || len > n - i)
			return -EIO;
		err = run_element(f, zufs_iom_op(words[i]), words + i);
		if (err)
			return err;
		i += len;
	}
	return 0;
}
