// SPDX-License-Identifier: BSD-2-Clause
/*
 * Builder of iomap lists (see zus/iomap.h). A list is a flat array of words that the
 * kernel, or the executor of the environment, walks; the builder belongs to its thread.
 */
#include <zus/iomap.h>

#include <errno.h>
#include <stddef.h>

void zus_iomap_init(struct zus_iomap *iom, uint64_t *words, uint32_t max)
{
	iom->words = words;
	iom->max = max;
	iom->n = 0;
	iom->flags = 0;
	iom->reserved = 0;
}

void zus_iomap_init_io(struct zus_iomap *iom, struct zus_io *io)
{
	uint64_t *words = (uint64_t *)ZUFS_TAIL(io->internal.msg, iom_e);

	zus_iomap_init(iom, words, io->internal.iom_room);
}

/* Appends an element: its first word and up to two more. */
static int add(struct zus_iomap *iom, uint32_t op, uint64_t val, uint64_t w1, uint64_t w2)
{
	uint32_t n = zufs_iom_words(op);

	if (n > iom->max - iom->n)
		return -ENOSPC;
	iom->words[iom->n] = zufs_iom_pack(op, val);
	if (n > 1)
		iom->words[iom->n + 1] = w1;
	if (n > 2)
		iom->words[iom->n + 2] = w2;
	iom->n += n;
	return 0;
}

int zus_iomap_t2_read(struct zus_iomap *iom, uint64_t t2_bn, dpp_t t1, uint64_t pages)
{
	uint32_t op = pages == 1 ? IOM_T2_READ : IOM_T2_READ_LEN;

	return add(iom, op, t2_bn, t1, pages);
}

int zus_iomap_t2_write(struct zus_iomap *iom, uint64_t t2_bn, dpp_t t1, uint64_t pages)
{
	uint32_t op = pages == 1 ? IOM_T2_WRITE : IOM_T2_WRITE_LEN;

	return add(iom, op, t2_bn, t1, pages);
}

int zus_iomap_t2_read_mem(struct zus_iomap *iom, uint64_t t2_bn, void *mem, uint64_t bytes)
{
	return add(iom, IOM_T2_ZUSMEM_READ, t2_bn, (uint64_t)(uintptr_t)mem, bytes);
}

int zus_iomap_t2_write_mem(struct zus_iomap *iom, uint64_t t2_bn, const void *mem,
			   uint64_t bytes)
{
	return add(iom, IOM_T2_ZUSMEM_WRITE, t2_bn, (uint64_t)(uintptr_t)mem, bytes);
}

int zus_iomap_unmap(struct zus_iomap *iom, uint64_t first_page, uint64_t pages,
		    uint64_t ino)
{
	return add(iom, IOM_UNMAP, first_page, pages, ino);
}

int zus_iomap_wbinv(struct zus_iomap *iom)
{
	return add(iom, IOM_WBINV, 0, 0, 0);
}

int zus_iomap_discard(struct zus_iomap *iom, uint64_t t2_bn, uint64_t pages)
{
	return add(iom, IOM_DISCARD, t2_bn, 0, pages);
}

int zus_iomap_repeat(struct zus_iomap *iom, uint64_t times)
{
	return add(iom, IOM_REPEAT, times, 0, 0);
}

void zus_iomap_set_flags(struct zus_iomap *iom, uint32_t flags)
{
	iom->flags = flags;
}

int zus_iomap_retry(struct zus_iomap *iom, struct zus_io *io, uint64_t cookie)
{
	struct zufs_ioc_IO *msg = io->internal.msg;

	msg->ziom.iomb = cookie;
	msg->ziom.iom_max = iom->max;
	msg->ziom.iom_n = iom->n;
	/* the bits are the same ones */
	msg->ret_flags = iom->flags;
	return -EZUFS_RETRY;
}

uint64_t zus_iomap_restarted(const struct zus_io *io, int *result)
{
	const struct zufs_ioc_IO *msg = io->internal.msg;
	uint64_t cookie = msg->ziom.iomb;

	*result = cookie ? msg->hdr.err : 0;
	return cookie;
}

uint64_t zus_iomap_take(struct zus_io *io, int *result)
{
	uint64_t cookie = zus_iomap_restarted(io, result);

	io->internal.msg->ziom.iomb = 0;
	return cookie;
}
