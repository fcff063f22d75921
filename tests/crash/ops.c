// SPDX-License-Identifier: BSD-2-Clause
/*
 * See ops.h. The tree:
 *
 *	A/file		two blocks and 100 bytes
 *	A/links		a file with a second name B/links
 *	A/sym		a symbolic link
 *	B/sparse	a hole of two blocks, then one of data; then unwritten blocks
 *	B/attr		a file with a small attribute and a large one
 *	B/dir		an empty directory
 *	B/full		a directory with a name in it
 */
#include "ops.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "tree.h"

#define BLOCK	4096U
#define MAX_LEN	(256U * 1024)

static uint8_t buffer[MAX_LEN];

static const void *data_of(const struct crash_op *op)
{
	uint64_t i, seed = crash_hash(op->pos, op->name, strlen(op->name));

	for (i = 0; i < op->len; i++)
		buffer[i] = (uint8_t)((seed >> i % 8 * 8) + i / 8);
	return buffer;
}

void crash_fill(const struct crash_op *op, uint8_t *content, size_t len)
{
	if (op->pos >= len)
		return;
	memcpy(content + op->pos, data_of(op), op->len < len - op->pos ? op->len : len - op->pos);
}

/* ---- paths ---- */

struct place {
	struct fake_node dir;
	const char *name;
};

static int place_of(struct crash_world *w, const char *path, struct place *p)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int err;

	p->name = slash ? slash + 1 : path;
	dir = strndup(path, slash ? (size_t)(slash - path) : 0);
	if (!dir)
		abort();
	err = crash_walk(w->f, w->t, dir, &p->dir);
	free(dir);
	return err;
}

static void place_put(struct crash_world *w, const struct place *p)
{
	if (p->dir.ii != fake_root(w->f).ii)
		fake_evict(w->t, p->dir, ZI_LOOKUP_RACE);
}

static int node_of(struct crash_world *w, const char *path, struct fake_node *node)
{
	return crash_walk(w->f, w->t, path, node);
}

/* As close(2) of the last descriptor, and memory gets short. */
static int done(struct crash_world *w, struct fake_node node, int err)
{
	int e = fake_forget(w->t, node);

	return err ? err : e;
}

/* ---- names ---- */

static int make(struct crash_world *w, const struct crash_op *op, struct fake_node *node)
{
	struct place p;
	int err = place_of(w, op->path, &p);

	if (err)
		return err;
	if (S_ISLNK(op->mode))
		err = fake_symlink(w->t, p.dir, p.name, op->other, node);
	else
		err = fake_lookup(w->t, p.dir, p.name, node);
	if (!S_ISLNK(op->mode) && !err)
		err = done(w, *node, -EEXIST);
	else if (!S_ISLNK(op->mode) && err == -ENOENT)
		err = fake_mknod(w->t, p.dir, p.name, op->mode, (uint32_t)op->pos, node);
	place_put(w, &p);
	return err;
}

static int op_make(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = make(w, op, &node);

	return err ? err : done(w, node, 0);
}

static int op_symlink(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;

	if (!node_of(w, op->path, &node))
		return done(w, node, -EEXIST);
	return op_make(w, op);
}

static int op_remove(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	struct place p;
	int err = place_of(w, op->path, &p);

	if (err)
		return err;
	err = fake_lookup(w->t, p.dir, p.name, &node);
	if (!err)
		err = done(w, node, fake_unlink(w->t, p.dir, node, p.name));
	place_put(w, &p);
	return err;
}

static int op_link(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node, there;
	struct place p;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	err = place_of(w, op->other, &p);
	if (err)
		return done(w, node, err);
	if (!fake_lookup(w->t, p.dir, p.name, &there))
		err = done(w, there, -EEXIST);
	else
		err = fake_link(w->t, p.dir, node, p.name);
	place_put(w, &p);
	return done(w, node, err);
}

/* mode: flags. */
static int rename_places(struct crash_world *w, const struct crash_op *op, const struct place *from,
			 const struct place *to)
{
	struct fake_node node, target = { .ii = 0 };
	int err = fake_lookup(w->t, from->dir, from->name, &node);

	if (err)
		return err;
	if (fake_lookup(w->t, to->dir, to->name, &target))
		target = (struct fake_node){ .ii = 0 };
	if (target.zi && target.ii == node.ii)
		err = -EINVAL;
	else if (target.zi && !(op->mode & 2) &&
		 zus_zi_isdir(node.zi) != zus_zi_isdir(target.zi))
		err = -ENOTDIR;
	else if (!target.zi && op->mode & 2)
		err = -ENOENT;
	else
		err = fake_rename(w->t, from->dir, from->name, node, to->dir, to->name, target,
				  op->mode);
	if (target.zi)
		err = done(w, target, err);
	return done(w, node, err);
}

static int op_rename(struct crash_world *w, const struct crash_op *op)
{
	struct place from, to;
	int err = place_of(w, op->path, &from);

	if (err)
		return err;
	err = place_of(w, op->other, &to);
	if (!err) {
		err = rename_places(w, op, &from, &to);
		place_put(w, &to);
	}
	place_put(w, &from);
	return err;
}

/* open(O_TMPFILE), a write, linkat. */
static int op_tmpfile(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node, there;
	struct place p;
	int err = place_of(w, op->path, &p);

	if (err)
		return err;
	if (!fake_lookup(w->t, p.dir, p.name, &there)) {
		place_put(w, &p);
		return done(w, there, -EEXIST);
	}
	err = fake_tmpfile(w->t, p.dir, &node);
	if (!err) {
		if (op->mode)
			err = fake_link(w->t, p.dir, node, p.name);
		err = done(w, node, err);
	}
	place_put(w, &p);
	return err;
}

/* ---- data ---- */

static int op_write(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	ssize_t n;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	n = fake_write(w->t, node, data_of(op), op->len, op->pos);
	if (n < 0)
		err = (int)n;
	else if ((uint64_t)n < op->len)
		err = -ENOSPC;
	return done(w, node, err);
}

static int op_append(struct crash_world *w, const struct crash_op *op)
{
	struct crash_op at = *op;
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	at.pos = zus_zi_size(node.zi);
	done(w, node, 0);
	return op_write(w, &at);
}

static int op_truncate(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	return err ? err : done(w, node, fake_truncate(w->t, node, op->pos));
}

static int op_fallocate(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	return err ? err :
		done(w, node, fake_fallocate(w->t, node, op->mode, op->pos, op->len));
}

/* A store through a mapping, and its msync: the fault gives the page a block. */
static int op_fault(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	uint64_t bn;
	int n, err = node_of(w, op->path, &node);

	if (err)
		return err;
	n = fake_get(w->t, node, op->pos, BLOCK, ZUFS_RW_MMAP | ZUFS_RW_WRITE, &bn, 1);
	err = n < 0 ? n : fake_put(w->t);
	return done(w, node, err);
}

/* ---- attributes ---- */

static int op_chmod(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	zus_zi_set_mode(node.zi, (uint16_t)((zus_zi_mode(node.zi) & S_IFMT) | op->mode));
	return done(w, node, fake_setattr(w->t, node, STATX_MODE));
}

static int op_chown(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	zus_zi_set_owner(node.zi, op->mode, op->mode + 1);
	return done(w, node, fake_setattr(w->t, node, STATX_UID | STATX_GID));
}

static int op_utimes(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	zus_zi_set_mtime(node.zi, (int64_t)op->pos);
	return done(w, node, fake_setattr(w->t, node, STATX_MTIME));
}

/* len 0: remove. */
static int op_xattr(struct crash_world *w, const struct crash_op *op)
{
	struct fake_node node;
	int err = node_of(w, op->path, &node);

	if (err)
		return err;
	err = fake_setxattr(w->t, node, ZUFS_XATTR_USER, op->other, op->len ? data_of(op) : NULL,
			    op->len, op->mode);
	return done(w, node, err);
}

/* ---- the table ---- */

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define LONG	"0123456789012345678901234567890123456789012345678901234567890123456789" \
		"0123456789012345678901234567890123456789012345678901234567890123456789"

const struct crash_op crash_ops[] = {
	{ .name = "creat", .run = op_make, .path = "A/new", .mode = S_IFREG | 0640 },
	{ .name = "mkdir", .run = op_make, .path = "A/newdir", .mode = S_IFDIR | 0750 },
	{ .name = "mknod", .run = op_make, .path = "B/node", .mode = S_IFCHR | 0600, .pos = 259 },
	{ .name = "symlink", .run = op_symlink, .path = "A/s", .other = "short",
	  .mode = S_IFLNK | 0777 },
	{ .name = "symlink-96", .run = op_symlink, .path = "A/s", .mode = S_IFLNK | 0777,
	  .other = "0123456789012345678901234567890123456789012345678901234567890123456789" },
	{ .name = "symlink-long", .run = op_symlink, .path = "B/s", .other = LONG,
	  .mode = S_IFLNK | 0777 },
	{ .name = "tmpfile", .run = op_tmpfile, .path = "A/tmp" },
	{ .name = "tmpfile-link", .run = op_tmpfile, .path = "A/tmp", .mode = 1 },
	{ .name = "unlink", .run = op_remove, .path = "A/file" },
	{ .name = "unlink-one", .run = op_remove, .path = "A/links" },
	{ .name = "unlink-other", .run = op_remove, .path = "B/links" },
	{ .name = "unlink-sym", .run = op_remove, .path = "A/sym" },
	{ .name = "unlink-attr", .run = op_remove, .path = "B/attr" },
	{ .name = "rmdir", .run = op_remove, .path = "B/dir" },
	{ .name = "rmdir-full", .run = op_remove, .path = "B/full" },
	{ .name = "link", .run = op_link, .path = "A/file", .other = "B/second" },
	{ .name = "link-here", .run = op_link, .path = "A/file", .other = "A/second" },
	{ .name = "rename", .run = op_rename, .path = "A/file", .other = "A/moved" },
	{ .name = "rename-away", .run = op_rename, .path = "A/file", .other = "B/moved" },
	{ .name = "rename-over", .run = op_rename, .path = "A/file", .other = "B/attr" },
	{ .name = "rename-over-link", .run = op_rename, .path = "B/attr", .other = "A/links" },
	{ .name = "rename-dir", .run = op_rename, .path = "B/full", .other = "A/full" },
	{ .name = "rename-dir-over", .run = op_rename, .path = "B/full", .other = "B/dir" },
	{ .name = "exchange", .run = op_rename, .path = "A/file", .other = "B/sparse", .mode = 2 },
	{ .name = "exchange-dir", .run = op_rename, .path = "A/file", .other = "B/full",
	  .mode = 2 },
	{ .name = "whiteout", .run = op_rename, .path = "A/file", .other = "B/moved", .mode = 4 },
	{ .name = "overwrite", .run = op_write, .path = "A/file", .pos = 100, .len = 3000,
	  .in_place = true },
	{ .name = "overwrite-blocks", .run = op_write, .path = "A/file", .pos = 0, .len = 2 * BLOCK,
	  .in_place = true },
	{ .name = "append-byte", .run = op_append, .path = "A/file", .len = 1 },
	{ .name = "append", .run = op_append, .path = "A/file", .len = 5000 },
	{ .name = "append-large", .run = op_append, .path = "A/links", .len = 20 * BLOCK },
	{ .name = "append-far", .run = op_write, .path = "A/file", .pos = 50000, .len = 10 },
	{ .name = "append-slot", .run = op_write, .path = "A/file", .pos = (2 << 20) - 5000,
	  .len = 10000 },
	{ .name = "append-tree", .run = op_write, .path = "A/links", .pos = (uint64_t)40 << 20,
	  .len = 4 },
	{ .name = "fill-hole", .run = op_write, .path = "B/sparse", .pos = BLOCK + 5, .len = 20 },
	{ .name = "fill-unwritten", .run = op_write, .path = "B/sparse", .pos = 4 * BLOCK + 7,
	  .len = 30 },
	{ .name = "fault-hole", .run = op_fault, .path = "B/sparse", .pos = 0 },
	{ .name = "fault-unwritten", .run = op_fault, .path = "B/sparse", .pos = 5 * BLOCK },
	{ .name = "truncate-0", .run = op_truncate, .path = "A/file", .pos = 0 },
	{ .name = "truncate-down", .run = op_truncate, .path = "A/file", .pos = 5000 },
	{ .name = "truncate-up", .run = op_truncate, .path = "A/file", .pos = 20000 },
	{ .name = "truncate-far", .run = op_truncate, .path = "B/sparse",
	  .pos = (uint64_t)1 << 40 },
	{ .name = "fallocate", .run = op_fallocate, .path = "A/file", .pos = 6000, .len = 30000 },
	{ .name = "fallocate-keep", .run = op_fallocate, .path = "A/file", .pos = 20000,
	  .len = 30000, .mode = FALLOC_FL_KEEP_SIZE },
	{ .name = "punch", .run = op_fallocate, .path = "A/file", .pos = BLOCK, .len = BLOCK,
	  .mode = PUNCH },
	{ .name = "punch-unwritten", .run = op_fallocate, .path = "B/sparse", .pos = 4 * BLOCK,
	  .len = BLOCK, .mode = PUNCH },
	{ .name = "chmod", .run = op_chmod, .path = "A/file", .mode = 04755 },
	{ .name = "chown", .run = op_chown, .path = "B/attr", .mode = 77 },
	{ .name = "utimes", .run = op_utimes, .path = "B", .pos = 123456789 },
	{ .name = "xattr-new", .run = op_xattr, .path = "A/file", .other = "one", .len = 20 },
	{ .name = "xattr-second", .run = op_xattr, .path = "B/attr", .other = "two", .len = 200 },
	{ .name = "xattr-replace", .run = op_xattr, .path = "B/attr", .other = "small",
	  .len = 700 },
	{ .name = "xattr-large", .run = op_xattr, .path = "B/attr", .other = "large", .len = 9000 },
	{ .name = "xattr-remove", .run = op_xattr, .path = "B/attr", .other = "large" },
	{ .name = "xattr-dir", .run = op_xattr, .path = "A", .other = "dir", .len = 10 },
};

const unsigned int crash_nr_ops = sizeof(crash_ops) / sizeof(crash_ops[0]);

/* ---- the tree ---- */

static void must(struct crash_world *w, const struct crash_op *op)
{
	if (op->run(w, op))
		abort();
}

void crash_setup(struct crash_world *w)
{
	static const struct crash_op steps[] = {
		{ .name = "setup", .run = op_make, .path = "A", .mode = S_IFDIR | 0755 },
		{ .name = "setup", .run = op_make, .path = "B", .mode = S_IFDIR | 0755 },
		{ .name = "setup", .run = op_make, .path = "A/file", .mode = S_IFREG | 0644 },
		{ .name = "one", .run = op_write, .path = "A/file", .len = 2 * BLOCK + 100 },
		{ .name = "setup", .run = op_make, .path = "A/links", .mode = S_IFREG | 0644 },
		{ .name = "setup", .run = op_link, .path = "A/links", .other = "B/links" },
		{ .name = "setup", .run = op_symlink, .path = "A/sym", .other = LONG LONG,
		  .mode = S_IFLNK | 0777 },
		{ .name = "setup", .run = op_make, .path = "B/sparse", .mode = S_IFREG | 0600 },
		{ .name = "two", .run = op_write, .path = "B/sparse", .pos = 2 * BLOCK,
		  .len = BLOCK },
		{ .name = "setup", .run = op_fallocate, .path = "B/sparse", .pos = 3 * BLOCK,
		  .len = 5 * BLOCK },
		{ .name = "setup", .run = op_make, .path = "B/attr", .mode = S_IFREG | 0644 },
		{ .name = "three", .run = op_xattr, .path = "B/attr", .other = "small", .len = 33 },
		{ .name = "four", .run = op_xattr, .path = "B/attr", .other = "large",
		  .len = 5000 },
		{ .name = "setup", .run = op_make, .path = "B/dir", .mode = S_IFDIR | 0711 },
		{ .name = "setup", .run = op_make, .path = "B/full", .mode = S_IFDIR | 0711 },
		{ .name = "setup", .run = op_make, .path = "B/full/x", .mode = S_IFREG | 0644 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		must(w, &steps[i]);
}
