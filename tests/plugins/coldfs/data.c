// SPDX-License-Identifier: BSD-2-Clause
/*
 * data.c - read, write, get, put, truncate: what memofs has in io.c, space.c
 *
 * Called by the core on ZTs. Each operation first hears what became of its list, if it is
 * called again, and then starts from scratch. Bytes behind i_size are zeros always.
 */
#include "cold.h"

#include <string.h>
#include <unistd.h>

static int check_range(uint64_t pos, uint64_t len)
{
	uint64_t max = COLD_MAX_BLOCKS << ZUS_BLOCK_SHIFT;

	return pos > max || len > max - pos ? -EFBIG : 0;
}

static uint32_t blocks_of(uint64_t pos, uint64_t len)
{
	uint64_t end = (pos + len + ZUS_BLOCK_SIZE - 1) >> ZUS_BLOCK_SHIFT;

	return (uint32_t)(end - (pos >> ZUS_BLOCK_SHIFT));
}

/* The file, after the end of the operation's last list; NULL and *err. */
static struct cold_file *begin(struct zus_ii *ii, struct zus_io *io, int *err)
{
	struct cold_file *f = cold_file_of(memofs_inode_of(ii));

	*err = f ? cold_up_end(f, io) : -ENOMEM;
	return *err ? NULL : f;
}

/* ---- NIO ---- */

int memofs_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	struct cold_get g = {
		.index = b->pos >> ZUS_BLOCK_SHIFT,
		.max = zus_blocks_room(b),
		.is_write = b->rw & ZUFS_RW_WRITE,
		.may_wait = true,
	};
	struct cold_file *f;
	uint32_t i;
	int err;

	f = begin(ii, b->io, &err);
	if (f && g.is_write)
		err = check_range(b->pos, b->len);
	if (!err)
		err = cold_get(f, b->io, &g);
	if (err)
		return err;
	for (i = 0; i < g.n; i++)
		zus_blocks_add(b, g.bn[i]);
	return 0;
}

void memofs_put_blocks(struct zus_ii *ii, const struct zus_blocks *b)
{
	struct cold_file *f = cold_file_of(memofs_inode_of(ii));
	uint64_t bn[COLD_GET_MAX];
	uint32_t i;

	for (i = 0; i < b->n && i < COLD_GET_MAX; i++)
		bn[i] = zus_blocks_bn(b, i);
	cold_put(f, b->pos >> ZUS_BLOCK_SHIFT, bn, i);
}

/* ---- the mapped way ---- */

struct copy {
	struct cold_file *f;
	struct zus_io *io;
	uint64_t done;
};

static void copy_block(const struct copy *c, uint64_t bn, uint64_t pos, uint64_t len, bool write)
{
	uint8_t *data = (uint8_t *)c->io->buf + (pos - c->io->pos), *addr;

	if (!bn) {
		memset(data, 0, len);
		return;
	}
	addr = memofs_block_addr(c->f->mi, bn) + (pos & (ZUS_BLOCK_SIZE - 1));
	if (write)
		memcpy(addr, data, len);
	else
		memcpy(data, addr, len);
}

/* The next blocks; 0 or what cold_get says. */
static int copy_some(struct copy *c, bool write)
{
	uint64_t pos = c->io->pos + c->done, end = c->io->pos + c->io->len, len;
	struct cold_get g = {
		.index = pos >> ZUS_BLOCK_SHIFT,
		.max = blocks_of(pos, end - pos),
		.is_write = write,
		.may_wait = !c->done,
	};
	int err = cold_get(c->f, c->io, &g);
	uint32_t i;

	if (err)
		return err;
	for (i = 0; i < g.n; i++, pos += len) {
		len = ZUS_BLOCK_SIZE - (pos & (ZUS_BLOCK_SIZE - 1));
		if (len > end - pos)
			len = end - pos;
		copy_block(c, g.bn[i], pos, len, write);
	}
	c->done = pos - c->io->pos;
	cold_put(c->f, g.index, g.bn, g.n);
	return 0;
}

static ssize_t copy_all(struct zus_ii *ii, struct zus_io *io, bool write)
{
	struct copy c = { .io = io };
	int err;

	c.f = begin(ii, io, &err);
	while (!err && c.done < io->len)
		err = copy_some(&c, write);
	return c.done ? (ssize_t)c.done : err;
}

ssize_t memofs_read(struct zus_ii *ii, struct zus_io *io)
{
	return copy_all(ii, io, false);
}

ssize_t memofs_write(struct zus_ii *ii, struct zus_io *io)
{
	int err = check_range(io->pos, io->len);
	ssize_t done = err ? err : copy_all(ii, io, true);

	if (done > 0 && io->pos + (uint64_t)done > zus_zi_size(ii->zi))
		memofs_set_size(memofs_inode_of(ii), io->pos + (uint64_t)done);
	return done;
}

/* Advice: one list, and no waiting for anything. */
int cold_pre_read(struct zus_ii *ii, struct zus_io *io)
{
	uint64_t index = io->pos >> ZUS_BLOCK_SHIFT, end = index + blocks_of(io->pos, io->len);
	const struct cold_slot *s;
	struct cold_file *f;
	bool is_restart;
	int err;

	is_restart = zus_iomap_restarted(io, &err);
	f = begin(ii, io, &err);
	if (!f || is_restart)
		return err;
	pthread_mutex_lock(&f->lock);
	while (index < end && (s = cold_slot(f, index)) && s->state != COLD_COLD)
		index++;
	if (index < end && index < f->nr)
		err = cold_up_start(f, io, index, (uint32_t)(end - index));
	pthread_mutex_unlock(&f->lock);
	return err == -ENOSPC ? 0 : err;
}

/* ---- size and holes ---- */

/* Zeros from `size` to the end of its block, which comes up for that. */
static int zero_tail(struct cold_file *f, struct zus_io *io, uint64_t size)
{
	struct cold_get g = {
		.index = size >> ZUS_BLOCK_SHIFT,
		.max = 1,
		.may_wait = true,
	};
	uint64_t offset = size & (ZUS_BLOCK_SIZE - 1);
	int err = offset ? cold_get(f, io, &g) : 0;

	if (err || !offset || !g.bn[0])
		return err;
	memset(memofs_block_addr(f->mi, g.bn[0]) + offset, 0, ZUS_BLOCK_SIZE - offset);
	cold_put(f, g.index, g.bn, 1);
	return 0;
}

int memofs_truncate(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	uint64_t old = zus_zi_size(ii->zi);
	struct cold_file *f;
	int err;

	if (!S_ISREG(mi->type))
		return -EINVAL;
	f = begin(ii, io, &err);
	if (!err)
		err = check_range(io->pos, 0);
	if (!err && io->pos < old)
		err = zero_tail(f, io, io->pos);
	if (err)
		return err;
	memofs_set_size(mi, io->pos);
	if (io->pos < old)
		cold_drop(f, blocks_of(0, io->pos), UINT64_MAX);
	return 0;
}

int memofs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	(void)ii;
	(void)io;
	(void)mode;
	return -EOPNOTSUPP;
}

int memofs_clone(const struct zus_clone *c)
{
	(void)c;
	return -EOPNOTSUPP;
}

int memofs_fiemap(struct zus_ii *ii, struct zus_fiemap *map)
{
	(void)ii;
	(void)map;
	return -EOPNOTSUPP;
}

int memofs_seek(struct zus_ii *ii, int whence, uint64_t *offset)
{
	struct cold_file *f = cold_file_of(memofs_inode_of(ii));
	uint64_t size = zus_zi_size(ii->zi), index, pos = *offset;
	bool is_data, want_data = whence == SEEK_DATA;
	const struct cold_slot *s;

	if (!f)
		return -ENOMEM;
	if (pos >= size)
		return -ENXIO;
	pthread_mutex_lock(&f->lock);
	while (pos < size) {
		index = pos >> ZUS_BLOCK_SHIFT;
		s = cold_slot(f, index);
		is_data = s && s->state != COLD_HOLE;
		if (is_data == want_data)
			break;
		pos = s ? (index + 1) << ZUS_BLOCK_SHIFT : size;
	}
	pthread_mutex_unlock(&f->lock);
	if (pos >= size && want_data)
		return -ENXIO;
	*offset = pos < size ? pos : size;
	return 0;
}
