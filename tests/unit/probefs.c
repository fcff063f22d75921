// SPDX-License-Identifier: BSD-2-Clause
/*
 * The file system that exists to be looked at; see probefs.h.
 */
#define _GNU_SOURCE
#include "probefs.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zus/iomap.h>
#include <zus/opt.h>
#include <zus/thread.h>

static struct probe_sb *to_probe(struct zus_sb *sb)
{
	return (struct probe_sb *)sb;
}

static struct probe_sb *probe_of(const struct zus_ii *ii)
{
	return to_probe(ii->sb);
}

static void note(struct probe_sb *p, char c)
{
	uint32_t n = __atomic_fetch_add(&p->log_len, 1, __ATOMIC_RELAXED);

	if (n < PROBE_LOG - 1)
		__atomic_store_n(&p->log[n], c, __ATOMIC_RELAXED);
}

/* What is seen may be seen by several threads at once. */
#define SEE(field, value)	__atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

static void note_text(struct probe_sb *p, const char *s, size_t len)
{
	if (len >= sizeof(p->text))
		len = sizeof(p->text) - 1;
	memcpy(p->text, s, len);
	p->text[len] = 0;
}

static void note_value(struct probe_sb *p, const void *s, size_t len)
{
	p->value_len = len;
	if (s)
		memcpy(p->value, s, len < sizeof(p->value) ? len : sizeof(p->value));
}

static struct zus_ii *hand_out(struct probe_sb *p, struct probe_ii *ii)
{
	__atomic_fetch_add(&p->live, 1, __ATOMIC_RELAXED);
	zus_ii_get(&ii->ii);
	return &ii->ii;
}

uint64_t probe_block(unsigned int file, uint64_t page)
{
	return 16 + (uint64_t)file * PROBE_PAGES + page;
}

/* ---- super-block ---- */

static void init_ii(struct probe_sb *p, struct probe_ii *ii, unsigned int nr, uint16_t mode)
{
	struct zus_inode *zi = (struct zus_inode *)zus_t1_addr(p->sb.md, 1) + nr;

	memset(zi, 0, sizeof(*zi));
	zus_zi_set_mode(zi, mode);
	zus_zi_set_nlink(zi, S_ISDIR(mode) ? 2 : 1);
	zus_zi_set_ino(zi, nr + 1);
	ii->zi = zi;
	ii->nr = nr;
	zus_ii_init(&ii->ii, &p->sb, zi);
}

static int probe_mount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct probe_sb *p = to_probe(sb);
	unsigned int i;

	if (!strcmp(m->options, "refuse"))
		return -EACCES;
	if (!strcmp(m->options, "positive"))
		return 7;
	note_text(p, m->options, strlen(m->options));
	init_ii(p, &p->root, 0, S_IFDIR | 0755);
	p->root.zi->i_dir.parent = p->root.zi->i_ino;
	for (i = 0; i < PROBE_INODES; i++)
		init_ii(p, &p->files[i], i + 1, S_IFREG | 0644);
	zus_dbg(sb->env, "mounted with %s", m->options);
	if (strcmp(m->options, "noroot"))
		sb->root = hand_out(p, &p->root);
	if (!strcmp(m->options, "nio"))
		sb->fs_caps = ZUFS_FSC_NIO_READS | ZUFS_FSC_NIO_WRITES;
	if (!strcmp(m->options, "bywrite")) {
		sb->fs_caps = ZUFS_FSC_NIO_READS | ZUFS_FSC_NIO_WRITES | ZUFS_FSC_BY_WRITE;
		sb->nio_write_min = 512;
	}
	return 0;
}

static void probe_umount(struct zus_sb *sb)
{
	note(to_probe(sb), 'U');
}

static void probe_server_stop(struct zus_sb *sb)
{
	note(to_probe(sb), 'Q');
}

static int probe_remount(struct zus_sb *sb, const struct zus_mount *m)
{
	struct probe_sb *p = to_probe(sb);

	note(p, 'M');
	note_text(p, m->options, strlen(m->options));
	SEE(p->last_flags, m->remount_flags);
	return p->result;
}

static int probe_statfs(struct zus_sb *sb, struct statfs64 *st)
{
	st->f_blocks = sb->md->t1_blocks;
	return to_probe(sb)->result;
}

static ssize_t probe_show_options(struct zus_sb *sb, char *buf, size_t size)
{
	struct probe_sb *p = to_probe(sb);

	SEE(p->last_len, size);
	if (p->use_size_result)
		return p->size_result;
	memcpy(buf, ",probe=1", 8);
	return 8;
}

/* ---- names ---- */

static int probe_lookup(struct zus_ii *dir, const struct zus_name *name, struct zus_ii **ii)
{
	struct probe_sb *p = probe_of(dir);
	char text[8];
	unsigned int i;

	note(p, 'L');
	if (p->result)
		return p->result;
	for (i = 0; i < PROBE_INODES; i++) {
		int n = snprintf(text, sizeof(text), "f%u", i);

		if (n != name->len || memcmp(text, name->str, name->len))
			continue;
		*ii = hand_out(p, &p->files[i]);
		if (p->bad_handle)
			(*ii)->zi = (struct zus_inode *)&p->last_cookie;
		return 0;
	}
	return -ENOENT;
}

static int probe_iget(struct zus_sb *sb, uint64_t ino, struct zus_ii **ii)
{
	struct probe_sb *p = to_probe(sb);

	note(p, 'I');
	if (ino != 1)
		return -ESTALE;
	*ii = hand_out(p, &p->root);
	return 0;
}

static int probe_new_inode(struct zus_ii *dir, const struct zus_new_inode *a,
			   struct zus_ii **ii)
{
	struct probe_sb *p = probe_of(dir);

	note(p, 'N');
	note_text(p, a->name.str, a->name.len);
	note_value(p, a->symlink, a->symlink_len);
	SEE(p->last_flags, a->flags);
	if (a->nr_xattrs) {
		SEE(p->last_len, a->nr_xattrs);
		note_text(p, a->xattrs[a->nr_xattrs - 1].name,
			  strlen(a->xattrs[a->nr_xattrs - 1].name));
		note_value(p, a->xattrs[a->nr_xattrs - 1].value,
			   a->xattrs[a->nr_xattrs - 1].size);
	}
	if (p->result)
		return p->result;
	*ii = hand_out(p, &p->files[0]);
	return 0;
}

static void probe_free(struct zus_ii *ii)
{
	struct probe_sb *p = probe_of(ii);

	note(p, 'F');
	__atomic_fetch_sub(&p->live, 1, __ATOMIC_RELAXED);
	zus_ii_put(ii);
}

static void probe_evict(struct zus_ii *ii, uint64_t flags)
{
	struct probe_sb *p = probe_of(ii);

	note(p, 'E');
	if (flags)
		SEE(p->last_flags, flags);
	__atomic_fetch_sub(&p->live, 1, __ATOMIC_RELAXED);
	zus_ii_put(ii);
}

static int probe_add_dentry(struct zus_ii *dir, struct zus_ii *ii,
			    const struct zus_name *name)
{
	struct probe_sb *p = probe_of(dir);

	note(p, 'A');
	note_text(p, name->str, name->len);
	SEE(p->seen_a, dir);
	SEE(p->seen_b, ii);
	return p->result;
}

static int probe_remove_dentry(struct zus_ii *dir, struct zus_ii *ii,
			       const struct zus_name *name)
{
	struct probe_sb *p = probe_of(dir);

	note(p, 'D');
	note_text(p, name->str, name->len);
	SEE(p->seen_a, dir);
	SEE(p->seen_b, ii);
	return p->result;
}

static int probe_rename(const struct zus_rename *r)
{
	struct probe_sb *p = probe_of(r->old_dir);

	note(p, 'R');
	note_text(p, r->new_name.str, r->new_name.len);
	note_value(p, r->old_name.str, r->old_name.len);
	SEE(p->seen_a, r->ii);
	SEE(p->seen_b, r->target);
	SEE(p->last_flags, r->flags);
	SEE(p->last_time, r->time_ns);
	return p->result;
}

static int probe_readdir(struct zus_ii *dir, struct zus_dir_ctx *ctx)
{
	struct probe_sb *p = probe_of(dir);
	uint64_t i;
	char name[8];

	for (i = ctx->pos; i < PROBE_INODES; i++) {
		int n = snprintf(name, sizeof(name), "f%u", (unsigned int)i);

		if (!zus_dir_emit(ctx, i + 2, DT_REG, i, name, (uint8_t)n))
			return p->result;
	}
	ctx->pos = PROBE_INODES;
	return p->result;
}

static int probe_setattr(struct zus_ii *ii, uint32_t bits)
{
	note(probe_of(ii), 'T');
	SEE(probe_of(ii)->last_flags, bits);
	return probe_of(ii)->result;
}

/* ---- data ---- */

static void *page_of(const struct zus_ii *ii, uint64_t pos)
{
	unsigned int nr = ((const struct probe_ii *)ii)->nr;

	return (char *)zus_t1_addr(ii->sb->md, probe_block(nr, pos >> ZUS_BLOCK_SHIFT)) +
	       (pos & (ZUS_BLOCK_SIZE - 1));
}

/* The blocks of a file follow each other, so a range is one copy. */
static ssize_t probe_read(struct zus_ii *ii, struct zus_io *io)
{
	struct probe_sb *p = probe_of(ii);
	struct zus_iomap iom;
	int list_result;

	note(p, 'r');
	SEE(p->saw_signal, zus_signal_pending());
	SEE(p->cpu, zus_current_cpu());
	SEE(p->thread, zus_thread_number());
	if (p->use_size_result)
		return p->size_result;
	if (zus_iomap_restarted(io, &list_result))
		SEE(p->list_result, list_result);
	if (p->retries) {
		p->retries--;
		zus_iomap_init_io(&iom, io);
		zus_iomap_t2_read(&iom, 3, zus_t1_dpp(ii->sb->md, page_of(ii, 0)), 1);
		return zus_iomap_retry(&iom, io, 77);
	}
	memcpy(io->buf, page_of(ii, io->pos), io->len);
	return (ssize_t)io->len;
}

static ssize_t probe_write(struct zus_ii *ii, struct zus_io *io)
{
	struct probe_sb *p = probe_of(ii);

	note(p, 'w');
	if (p->use_size_result)
		return p->size_result;
	memcpy(page_of(ii, io->pos), io->buf, io->len);
	io->ret_flags = p->ret_flags;
	io->unmap_offset = 4096;
	io->unmap_len = 8192;
	return (ssize_t)io->len;
}

static int probe_pre_read(struct zus_ii *ii, struct zus_io *io)
{
	struct probe_sb *p = probe_of(ii);

	SEE(p->last_pos, io->pos);
	SEE(p->last_len, io->len);
	return p->result;
}

static int probe_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	struct probe_sb *p = probe_of(ii);
	struct probe_ii *pi = (struct probe_ii *)ii;
	uint32_t i, n = zus_blocks_wanted(b);

	note(p, 'G');
	if (p->result)
		return p->result;
	if (p->get_limit && n > p->get_limit)
		n = p->get_limit;
	if (p->get_limit == UINT32_MAX)
		n = 0;
	b->ret_flags = p->ret_flags;
	for (i = 0; i < n; i++) {
		uint64_t page = (b->pos >> ZUS_BLOCK_SHIFT) + i;

		if (p->by_write_from && page >= p->by_write_from) {
			zus_blocks_by_write(b);
			n = i;
			break;
		}
		if (zus_blocks_add(b, probe_block(pi->nr, page)))
			return -EFBIG;
	}
	b->cookie = 1000 + pi->nr;
	if (n)
		__atomic_fetch_add(&pi->gets, 1, __ATOMIC_RELAXED);
	return 0;
}

static void probe_put_blocks(struct zus_ii *ii, const struct zus_blocks *b)
{
	struct probe_sb *p = probe_of(ii);
	struct probe_ii *pi = (struct probe_ii *)ii;

	note(p, 'P');
	__atomic_store_n(&p->last_cookie, b->cookie, __ATOMIC_RELAXED);
	if (!b->n || b->cookie != 1000 + pi->nr ||
	    zus_blocks_bn(b, 0) != probe_block(pi->nr, b->pos >> ZUS_BLOCK_SHIFT))
		note(p, '!');
	__atomic_fetch_sub(&pi->gets, 1, __ATOMIC_RELAXED);
}

static int probe_truncate(struct zus_ii *ii, struct zus_io *io)
{
	struct probe_sb *p = probe_of(ii);

	note(p, __atomic_load_n(&((struct probe_ii *)ii)->gets, __ATOMIC_RELAXED) ? '!' : 't');
	SEE(p->last_pos, io->pos);
	if (!p->result)
		zus_zi_set_size(ii->zi, io->pos);
	return p->result;
}

static int probe_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	struct probe_sb *p = probe_of(ii);

	note(p, 'a');
	SEE(p->last_pos, io->pos);
	SEE(p->last_len, io->len);
	SEE(p->last_rw, mode);
	return p->result;
}

static int probe_seek(struct zus_ii *ii, int whence, uint64_t *offset)
{
	struct probe_sb *p = probe_of(ii);

	SEE(p->last_rw, (uint64_t)whence);
	*offset += 5;
	return p->result;
}

static int probe_fiemap(struct zus_ii *ii, struct zus_fiemap *map)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (!zus_fiemap_add(map, i * 4096, i * 8192, 4096, i == 2))
			break;
	}
	return probe_of(ii)->result;
}

static int probe_clone(const struct zus_clone *c)
{
	struct probe_sb *p = probe_of(c->dst);

	note(p, 'C');
	SEE(p->seen_a, c->src);
	SEE(p->seen_b, c->dst);
	SEE(p->last_pos, c->pos_out);
	SEE(p->last_len, c->len_up);
	return p->result;
}

static void probe_mmap_close(struct zus_ii *ii)
{
	note(probe_of(ii), 'm');
}

static int probe_sync(struct zus_ii *ii, struct zus_sync *s)
{
	struct probe_sb *p = probe_of(ii);

	note(p, 's');
	SEE(p->last_pos, s->offset);
	SEE(p->last_len, s->length);
	SEE(p->last_flags, s->flags);
	s->write_unmapped = 9;
	return p->result;
}

/* ---- xattr, ioctl ---- */

static ssize_t probe_getxattr(struct zus_ii *ii, uint32_t type, const char *name,
			      void *value, size_t size)
{
	struct probe_sb *p = probe_of(ii);

	note_text(p, name, strlen(name));
	SEE(p->last_flags, type);
	SEE(p->last_len, size);
	if (p->use_size_result)
		return p->size_result;
	if (size && size < p->value_len)
		return -ERANGE;
	if (size)
		memcpy(value, p->value, p->value_len);
	return (ssize_t)p->value_len;
}

static int probe_setxattr(struct zus_ii *ii, uint32_t type, const char *name,
			  const void *value, size_t size, uint32_t flags)
{
	struct probe_sb *p = probe_of(ii);

	(void)type;
	note(p, value ? 'x' : 'X');
	note_text(p, name, strlen(name));
	note_value(p, value, size);
	SEE(p->last_flags, flags);
	return p->result;
}

static ssize_t probe_listxattr(struct zus_ii *ii, char *buf, size_t size, uint32_t flags)
{
	static const char list[] = "user.a\0trusted.b";
	size_t len = flags & ZUFS_XATTR_TRUSTED ? sizeof(list) : sizeof("user.a");

	(void)ii;
	if (size && size < len)
		return -ERANGE;
	if (size)
		memcpy(buf, list, len);
	return (ssize_t)len;
}

static int probe_ioctl(struct zus_ii *ii, struct zus_ioctl *a)
{
	struct probe_sb *p = probe_of(ii);
	const size_t want = 24;

	note(p, a->kflags & ZUFS_IOC_FSFROZEN ? 'Z' : 'O');
	if (p->result)
		return p->result;
	if (p->last_rw == ZUFS_IOC_FREEZE_REQ && !(a->kflags & ZUFS_IOC_FSFROZEN)) {
		a->uflags = ZUFS_IOC_FREEZE_REQ;
		return -EZUFS_RETRY;
	}
	if (p->last_rw == ZUFS_IOC_REALLOC && a->arg_size < want) {
		a->uflags = ZUFS_IOC_REALLOC;
		a->want_size = want;
		return -EZUFS_RETRY;
	}
	if (p->last_rw == 99)
		return -EZUFS_RETRY;	/* without saying what for */
	memset(a->arg, 'z', a->arg_size);
	a->out_size = a->arg_size;
	return 0;
}

static int probe_ioctls(struct zus_sb *sb, const struct zufs_ioctl_info **list)
{
	static const struct zufs_ioctl_info info[ZUFS_IOCTLS_MAX] = {
		{ _IOWR('P', 1, char[16]), ZUFS_IOCTL_GROWS | ZUFS_IOCTL_ANSWERS },
		{ _IO('P', 2), ZUFS_IOCTL_CHANGES },
	};
	struct probe_sb *p = (struct probe_sb *)sb;

	*list = info;
	return p->result ? p->result : 2;
}

const struct zus_fs_ops probe_ops = {
	.mount = probe_mount,
	.umount = probe_umount,
	.server_stop = probe_server_stop,
	.remount = probe_remount,
	.statfs = probe_statfs,
	.show_options = probe_show_options,
	.new_inode = probe_new_inode,
	.free_inode = probe_free,
	.evict = probe_evict,
	.lookup = probe_lookup,
	.iget = probe_iget,
	.add_dentry = probe_add_dentry,
	.remove_dentry = probe_remove_dentry,
	.rename = probe_rename,
	.readdir = probe_readdir,
	.setattr = probe_setattr,
	.read = probe_read,
	.write = probe_write,
	.pre_read = probe_pre_read,
	.get_blocks = probe_get_blocks,
	.put_blocks = probe_put_blocks,
	.truncate = probe_truncate,
	.fallocate = probe_fallocate,
	.seek = probe_seek,
	.fiemap = probe_fiemap,
	.clone = probe_clone,
	.mmap_close = probe_mmap_close,
	.sync = probe_sync,
	.getxattr = probe_getxattr,
	.setxattr = probe_setxattr,
	.listxattr = probe_listxattr,
	.ioctl = probe_ioctl,
	.ioctls = probe_ioctls,
};

const struct zus_plugin probe_plugin = {
	ZUS_PLUGIN_HEAD,
	.sb_size = sizeof(struct probe_sb),
	.name = "probe",
	.info = {
		.fsname = "probe",
		.FS_magic = 0x50524f42,
		.FS_ver_major = 1,
		.s_maxbytes = 1ULL << 40,
		.s_time_gran = 1,
	},
	.ops = &probe_ops,
};
