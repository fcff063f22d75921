// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's VFS part for data: both I/O ways, blocks, space, clone, sync.
 *
 * Locks as the kernel takes them: reads and overwrites share the inode, what changes its
 * size or layout excludes. i_size grows after the data, never before. Nothing is answered
 * in the plugin's place: what the kernel answers by itself is asked here too, but reads
 * behind i_size.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static uint64_t locked_size(struct fake_thread *t, struct fake_node node)
{
	(void)t;
	return le64toh(__atomic_load_n(&node.zi->i_size, __ATOMIC_RELAXED));
}

/* ---- mapped way ---- */

static ssize_t rw_mapped(struct fake_thread *t, struct fake_node node, void *buf, size_t len,
			 uint64_t pos, bool is_write)
{
	unsigned int operation = is_write ? ZUFS_OP_WRITE : ZUFS_OP_READ;
	struct zufs_ioc_IO *ioc = fake_msg(t, operation, sizeof(*ioc));
	size_t n = len < ZUS_API_MAP_MAX_SIZE ? len : ZUS_API_MAP_MAX_SIZE;
	void *win = fake_window(t, n);
	int err;

	ioc->zus_ii = node.ii;
	ioc->filepos = pos;
	ioc->last_pos = pos;
	ioc->rw = is_write ? ZUFS_RW_WRITE : 0;
	if (is_write)
		memcpy(win, buf, n);
	else
		memset(win, 0xa5, n);
	err = fake_send(t);
	if (err)
		return err;
	if (ioc->last_pos < pos || ioc->last_pos > pos + n)
		return FAKE_BAD_ANSWER;
	n = ioc->last_pos - pos;
	if (!is_write)
		memcpy(buf, win, n);
	return (ssize_t)n;
}

/* ---- NIO ---- */

/* Are there words for what the answer says it covers? One is enough for a fault of 2 MiB. */
static bool is_covered(const struct zufs_ioc_IO *ioc, uint64_t pos, size_t len, uint64_t rw)
{
	uint64_t off = pos & (ZUFS_PAGE_SIZE - 1), n = ioc->ziom.iom_n;

	if ((rw & ZUFS_RW_MMAP) && len > ZUFS_PAGE_SIZE && n == 1)
		return ioc->last_pos == pos + len;
	return off + (ioc->last_pos - pos) <= n << ZUFS_PAGE_SHIFT;
}

/* The server wants the range of a write as WRITE; no result of a plugin is positive. */
#define REFUSED	INT_MAX

/* May this GET be answered so? That of a test's own (fake_get) is as one of write(2). */
static bool may_refuse(const struct fake_thread *t, uint64_t rw)
{
	return (t->f->zmi.fs_caps & ZUFS_FSC_BY_WRITE) &&
	       (rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE;
}

/* GET into t->last_get and t->get_words; pages, REFUSED (there is no put) or -errno. */
static int do_get(struct fake_thread *t, struct fake_node node, uint64_t pos, size_t len,
		  uint64_t rw)
{
	struct zufs_ioc_IO *ioc = fake_msg(t, ZUFS_OP_GET_MULTY, sizeof(*ioc));
	uint32_t n;
	int err;

	ioc->zus_ii = node.ii;
	ioc->filepos = pos;
	ioc->last_pos = pos;
	ioc->rw = rw;
	ioc->hdr.len = (uint32_t)len;
	err = fake_send(t);
	if (err)
		return err;
	if (ioc->ret_flags & ZUFS_RET_BY_WRITE)
		return may_refuse(t, rw) ? REFUSED : FAKE_BAD_ANSWER;
	n = ioc->ziom.iom_n;
	if (!n || n > ZUS_API_MAP_MAX_PAGES || ioc->hdr.out_len != zufs_io_size(n) ||
	    ioc->last_pos <= pos || ioc->last_pos > pos + len || !is_covered(ioc, pos, len, rw))
		return FAKE_BAD_ANSWER;
	__atomic_fetch_add(&t->f->gets, 1, __ATOMIC_RELAXED);
	memcpy(&t->last_get, ioc, sizeof(t->last_get));
	memcpy(t->get_words, ZUFS_TAIL(ioc, iom_e), n * sizeof(t->get_words[0]));
	t->has_get = true;
	return (int)n;
}

/* Copies one page's part between the app and T1; FAKE_BAD_ANSWER for a block that is not T1's. */
static int copy_page(struct fake_thread *t, uint64_t word, size_t off, void *buf, size_t n,
		     bool is_write)
{
	uint64_t bn = zufs_dpp_block(zufs_iom_val(word));
	uint8_t *t1;

	if (zufs_iom_op(word) != IOM_T1_READ || bn >= t->f->md.t1_blocks)
		return FAKE_BAD_ANSWER;
	if (!bn) {
		if (is_write)
			return FAKE_BAD_ANSWER;
		memset(buf, 0, n);
		return 0;
	}
	if (zus_md_reserved_block(&t->f->md, bn))
		return FAKE_BAD_ANSWER;
	t1 = (uint8_t *)zus_t1_addr(&t->f->md, bn) + off;
	if (is_write)
		fake_kernel_copy(t->f, t->number, t1, buf, n);
	else
		memcpy(buf, t1, n);
	return 0;
}

static ssize_t rw_nio(struct fake_thread *t, struct fake_node node, void *buf, size_t len,
		      uint64_t pos, bool is_write)
{
	size_t off = pos & (ZUFS_PAGE_SIZE - 1), done = 0, n;
	uint64_t size = locked_size(t, node);
	int i, pages, err = 0;

	if (len > ZUS_API_MAP_MAX_SIZE - off)
		len = ZUS_API_MAP_MAX_SIZE - off;
	pages = do_get(t, node, pos, len, is_write ? ZUFS_RW_WRITE : 0);
	if (pages < 0 || pages == REFUSED)
		return pages;
	if (len > t->last_get.last_pos - pos)
		len = t->last_get.last_pos - pos;
	for (i = 0; i < pages && done < len && !err; i++, off = 0) {
		n = ZUFS_PAGE_SIZE - off < len - done ? ZUFS_PAGE_SIZE - off : len - done;
		err = copy_page(t, t->get_words[i], off, (char *)buf + done, n, is_write);
		done += n;
	}
	if (is_write)
		fake_kernel_fence(t->f, t->number);
	i = fake_put_copied(t, err ? 0 : done);
	/* the plugin has refused what it may have counted already */
	if (i && is_write)
		__atomic_store_n(&node.zi->i_size, htole64(size), __ATOMIC_RELAXED);
	if (!err)
		err = i;
	return err ? err : (ssize_t)done;
}

/* ---- read and write ---- */

/* Does the kernel copy these bytes itself? */
static bool is_nio(struct fake_thread *t, struct fake_node node, size_t len, uint64_t pos,
		   bool is_write)
{
	const struct zufs_mount_info *zmi = &t->f->zmi;

	if (!(zmi->fs_caps & (is_write ? ZUFS_FSC_NIO_WRITES : ZUFS_FSC_NIO_READS)))
		return false;
	if (len > ZUS_API_MAP_MAX_SIZE)
		len = ZUS_API_MAP_MAX_SIZE;
	return !is_write || !(zmi->fs_caps & ZUFS_FSC_BY_WRITE) ||
	       (len >= zmi->nio_write_min && pos + len <= locked_size(t, node));
}

static ssize_t rw_piece(struct fake_thread *t, struct fake_node node, char *buf, size_t len,
			uint64_t pos, bool is_write)
{
	ssize_t n = REFUSED;

	if (is_nio(t, node, len, pos, is_write))
		n = rw_nio(t, node, buf, len, pos, is_write);
	return n == REFUSED ? rw_mapped(t, node, buf, len, pos, is_write) : n;
}

static ssize_t rw_all(struct fake_thread *t, struct fake_node node, char *buf, size_t len,
		      uint64_t pos, bool is_write)
{
	ssize_t n, done = 0;

	while (len) {
		n = rw_piece(t, node, buf, len, pos, is_write);
		if (n <= 0)
			return done ? done : n;
		buf += n;
		pos += (uint64_t)n;
		done += n;
		len -= (size_t)n;
	}
	return done;
}

ssize_t fake_read(struct fake_thread *t, struct fake_node node, void *buf, size_t len,
		  uint64_t pos)
{
	struct fake_lock l;
	uint64_t size;
	ssize_t n = 0;

	fake_lock_shared(t->f, node, &l);
	size = locked_size(t, node);
	if (pos < size) {
		if (len > size - pos)
			len = size - pos;
		n = rw_all(t, node, buf, len, pos, false);
	}
	fake_unlock(t->f, &l);
	return n;
}

static ssize_t write_locked(struct fake_thread *t, struct fake_node node, const void *buf,
			    size_t len, uint64_t pos)
{
	ssize_t n = rw_all(t, node, (char *)buf, len, pos, true);

	if (n > 0 && pos + (uint64_t)n > locked_size(t, node)) {
		__atomic_store_n(&node.zi->i_size, htole64(pos + (uint64_t)n),
				 __ATOMIC_RELAXED);
		__atomic_fetch_add(&t->f->sizes_raised, 1, __ATOMIC_RELAXED);
	}
	return n;
}

ssize_t fake_write(struct fake_thread *t, struct fake_node node, const void *buf,
		   size_t len, uint64_t pos)
{
	struct fake_lock l;
	ssize_t n;

	fake_lock_shared(t->f, node, &l);
	if (pos + len > locked_size(t, node)) {
		fake_unlock(t->f, &l);
		fake_lock_excl(t->f, &node, 1, &l);
	}
	n = write_locked(t, node, buf, len, pos);
	fake_unlock(t->f, &l);
	return n;
}

int fake_get(struct fake_thread *t, struct fake_node node, uint64_t pos, size_t len,
	     uint64_t rw, uint64_t *bns, size_t max)
{
	struct fake_lock l;
	int i, n;

	if (t->has_get)
		return -EBUSY;
	fake_lock_shared(t->f, node, &l);
	n = do_get(t, node, pos, len, rw);
	fake_unlock(t->f, &l);
	if (n == REFUSED)
		return 0;
	for (i = 0; i < n && (size_t)i < max; i++)
		bns[i] = zufs_dpp_block(zufs_iom_val(t->get_words[i]));
	return n;
}

/* ---- space ---- */

static int send_fallocate(struct fake_thread *t, struct fake_node node, uint64_t rw,
			  uint64_t pos, uint64_t end)
{
	struct zufs_ioc_IO *ioc;
	struct fake_lock l;
	int err;

	fake_lock_excl(t->f, &node, 1, &l);
	err = fake_goose(t, node.ii);
	if (!err) {
		ioc = fake_msg(t, ZUFS_OP_FALLOCATE, sizeof(*ioc));
		ioc->zus_ii = node.ii;
		ioc->filepos = pos;
		ioc->last_pos = end;
		ioc->rw = rw;
		err = fake_send(t);
	}
	fake_unlock(t->f, &l);
	return err;
}

int fake_truncate(struct fake_thread *t, struct fake_node node, uint64_t size)
{
	return send_fallocate(t, node, ZUFS_FL_TRUNCATE, size, ~0ULL);
}

int fake_fallocate(struct fake_thread *t, struct fake_node node, uint32_t mode,
		   uint64_t pos, uint64_t len)
{
	return send_fallocate(t, node, mode, pos, pos + len);
}

int fake_seek(struct fake_thread *t, struct fake_node node, int whence, uint64_t *offset)
{
	struct zufs_ioc_seek *ioc = fake_msg(t, ZUFS_OP_LLSEEK, sizeof(*ioc));
	struct fake_lock l;
	uint64_t size;
	int err;

	ioc->zus_ii = node.ii;
	ioc->offset_in = *offset;
	ioc->whence = (uint32_t)whence;
	fake_lock_shared(t->f, node, &l);
	size = locked_size(t, node);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	if (err)
		return err;
	/* of the end of the file only holes may be found */
	if (ioc->offset_out < *offset || ioc->offset_out > size ||
	    (ioc->offset_out == size && whence == SEEK_DATA))
		return FAKE_BAD_ANSWER;
	*offset = ioc->offset_out;
	return 0;
}

int fake_fiemap(struct fake_thread *t, struct fake_node node, uint64_t start,
		uint64_t length, struct fiemap_extent *extents, uint32_t max,
		uint32_t *mapped)
{
	struct zufs_ioc_fiemap *ioc = fake_msg(t, ZUFS_OP_FIEMAP, sizeof(*ioc));
	void *win = fake_window(t, max * sizeof(*extents));
	struct fake_lock l;
	int err;

	ioc->zus_ii = node.ii;
	ioc->start = start;
	ioc->length = length;
	ioc->extents_max = max;
	fake_lock_shared(t->f, node, &l);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	if (err)
		return err;
	*mapped = ioc->extents_mapped;
	if (max)
		memcpy(extents, win, *mapped * sizeof(*extents));
	return 0;
}

int fake_clone(struct fake_thread *t, struct fake_node src, struct fake_node dst,
	       uint64_t pos_in, uint64_t pos_out, uint64_t len, uint64_t len_up)
{
	struct fake_node both[2] = { src, dst };
	struct zufs_ioc_clone *ioc;
	struct fake_lock l;
	int err;

	fake_lock_excl(t->f, both, 2, &l);
	err = fake_goose(t, src.ii);
	if (!err)
		err = fake_goose(t, dst.ii);
	if (!err) {
		ioc = fake_msg(t, ZUFS_OP_CLONE, sizeof(*ioc));
		ioc->src_zus_ii = src.ii;
		ioc->dst_zus_ii = dst.ii;
		ioc->pos_in = pos_in;
		ioc->pos_out = pos_out;
		ioc->len = len;
		ioc->len_up = len_up;
		err = fake_send(t);
	}
	fake_unlock(t->f, &l);
	return err;
}

int fake_sync(struct fake_thread *t, struct fake_node node, uint64_t offset,
	      uint64_t length, uint64_t flags, uint64_t *write_unmapped)
{
	struct zufs_ioc_sync *ioc;
	struct fake_lock l;
	int err;

	fake_lock_excl(t->f, &node, 1, &l);
	err = fake_goose(t, node.ii);
	if (!err) {
		ioc = fake_msg(t, ZUFS_OP_SYNC, sizeof(*ioc));
		ioc->zus_ii = node.ii;
		ioc->offset = offset;
		ioc->length = length;
		ioc->flags = flags;
		err = fake_send(t);
		*write_unmapped = ioc->write_unmapped;
	}
	fake_unlock(t->f, &l);
	return err;
}

int fake_pre_read(struct fake_thread *t, struct fake_node node, uint64_t page,
		  uint32_t pages)
{
	struct zufs_ioc_IO *ioc = fake_msg(t, ZUFS_OP_PRE_READ, sizeof(*ioc));
	struct fake_lock l;
	int err;

	ioc->zus_ii = node.ii;
	ioc->ra.start = page;
	ioc->ra.ra_pages = pages;
	fake_lock_shared(t->f, node, &l);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err;
}

int fake_mmap_close(struct fake_thread *t, struct fake_node node)
{
	struct zufs_ioc_mmap_close *ioc = fake_msg(t, ZUFS_OP_MMAP_CLOSE, sizeof(*ioc));

	ioc->zus_ii = node.ii;
	ioc->hdr.out_len = 0;
	return fake_send(t);
}
