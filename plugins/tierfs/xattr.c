// SPDX-License-Identifier: BSD-2-Clause
/*
 * Extended attributes. All of an inode are one object in a slab, which is never changed: a change
 * builds a new one beside it, and the record that swaps the inode's pointer frees the old one.
 * POSIX ACLs are attributes like others; a new mode may come with them.
 *
 * Locks: the kernel lets readers of an inode's attributes run together, and setxattr alone. The
 * node's lock is for the rest of the record.
 */
#include "xobject.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define NAME_MAX_LEN	255U
#define LOGGED_MAX	512U		/* larger objects are written aside */
#define LEFT_FOR_REST	1024U		/* bytes of the record, for what else an operation does */

/* ---- reading ---- */

static int long_read(const struct tierfs_node *node, const struct tierfs_xattr *x, void *buf)
{
	struct tierfs *fs = tierfs_fs_of(node);
	const struct tierfs_long_value *v = tierfs_xattr_value(x);
	uint32_t i, crc = 0, done;
	size_t n;

	for (i = 0, done = 0; done < x->value_len; i++, done += (uint32_t)n) {
		struct tierfs_run run = tierfs_word_run(fs, v->run[i]);
		const void *from = zus_t1_addr(fs->sb.md, run.bn);

		n = tierfs_min((uint64_t)run.n << TIERFS_BLOCK_SHIFT, x->value_len - done);
		memcpy((uint8_t *)buf + done, from, n);
		crc = tierfs_crc(crc, from, n);
	}
	return crc == v->crc ? 0 : tierfs_broken(fs, node->ino, "the value of an attribute");
}

ssize_t tierfs_getxattr(struct zus_ii *ii, uint32_t type, const char *name, void *value,
			size_t size)
{
	const struct tierfs_node *node = tierfs_node_of(ii);
	const struct tierfs_xattrs *o;
	const struct tierfs_xattr *x;
	int err = node->broken ? -EIO : tierfs_xattrs_load(node, node->rec, &o);

	if (err)
		return err;
	x = tierfs_xattr_find(o, type, name);
	if (!x)
		return -ENODATA;
	if (!size)
		return x->value_len;
	if (x->value_len > size)
		return -ERANGE;
	if (tierfs_xattr_is_long(x->value_len))
		err = long_read(node, x, value);
	else
		memcpy(value, tierfs_xattr_value(x), x->value_len);
	return err ? err : (ssize_t)x->value_len;
}

/* A full name with its NUL into buf, if it is no NULL; its length. */
static size_t put_name(const struct tierfs_xattr *x, char *buf)
{
	const char *prefix = zus_xattr_prefix(x->type);
	size_t len = strlen(prefix);

	if (buf) {
		memcpy(buf, prefix, len);
		memcpy(buf + len, tierfs_xattr_name(x), x->name_len);
		buf[len + x->name_len] = 0;
	}
	return len + x->name_len + 1;
}

ssize_t tierfs_listxattr(struct zus_ii *ii, char *buf, size_t size, uint32_t flags)
{
	const struct tierfs_node *node = tierfs_node_of(ii);
	const struct tierfs_xattr *x = NULL;
	const struct tierfs_xattrs *o;
	size_t len = 0;
	int err = node->broken ? -EIO : tierfs_xattrs_load(node, node->rec, &o);

	if (err)
		return err;
	while (o && (x = tierfs_xattr_next(o, x))) {
		if (x->type == ZUFS_XATTR_TRUSTED_NS && !(flags & ZUFS_XATTR_TRUSTED))
			continue;
		if (size && put_name(x, NULL) > size - len)
			return -ERANGE;
		len += put_name(x, size ? buf + len : NULL);
	}
	return (ssize_t)len;
}

/* ---- a new object ---- */

struct build {
	struct tierfs_tx *tx;
	struct tierfs_inode *rec;	/* of its inode, to be changed */
	struct tierfs_xattr_space space;	/* of all values */
	unsigned int flags;		/* TIERFS_ALLOC_RESERVE */
	union {
		struct tierfs_xattrs head;
		uint64_t words[TIERFS_SLAB_MAX / 8];
	} o;
};

static void build_init(struct build *b, struct tierfs_tx *tx, struct tierfs_inode *rec)
{
	memset(b, 0, sizeof(*b));
	b->tx = tx;
	b->rec = rec;
	b->o.head.bytes = sizeof(b->o.head);
}

/* Room for an entry, or NULL. */
static struct tierfs_xattr *build_room(struct build *b, uint32_t bytes)
{
	struct tierfs_xattr *x = (struct tierfs_xattr *)&b->o.words[b->o.head.bytes / 8];

	if (bytes > sizeof(b->o) - b->o.head.bytes)
		return NULL;
	b->o.head.bytes = (uint16_t)(b->o.head.bytes + bytes);
	b->o.head.count++;
	return x;
}

/* n blocks from bn on get what `value` has from byte `at` on, and zeros behind its end. */
static void write_blocks(const struct tierfs *fs, uint64_t bn, uint64_t n, const void *value,
			 size_t size, size_t at)
{
	uint64_t room = n << TIERFS_BLOCK_SHIFT, part = tierfs_min(room, size - at);
	const uint8_t *to = zus_t1_addr(fs->sb.md, bn);

	tierfs_pm_copy(fs, to, (const uint8_t *)value + at, part);
	if (part < room)
		tierfs_pm_zero(fs, to + part, room - part);
}

/* -ENOSPC also when the free space is in too many pieces for one record. */
static int long_write(struct build *b, struct tierfs_long_value *v, const void *value, size_t size)
{
	struct tierfs *fs = tierfs_tx_fs(b->tx);
	uint64_t blocks = tierfs_up(size), done, n, bn = 0, goal = 0;
	uint32_t i;

	v->crc = tierfs_crc(0, value, size);
	for (i = 0, done = 0; done < blocks; i++, done += n) {
		n = tierfs_blocks_alloc(b->tx, done, goal, blocks - done, &bn);
		if (!n || !tierfs_xattr_space_add(&b->space, bn, n))
			return -ENOSPC;
		write_blocks(fs, bn, n, value, size, done << TIERFS_BLOCK_SHIFT);
		v->run[i] = tierfs_run_word(fs, bn, (uint32_t)n, false);
		goal = bn + n;
	}
	b->rec->blocks += blocks;
	tierfs_tx_aside(b->tx);
	return 0;
}

static int build_add(struct build *b, uint32_t type, const char *name, const void *value,
		     size_t size)
{
	size_t len = strlen(name);
	struct tierfs_xattr *x;
	uint32_t bytes;

	if (!zus_xattr_prefix(type) || !len || len > NAME_MAX_LEN)
		return -EINVAL;
	if (size > TIERFS_XATTR_MAX)
		return -E2BIG;
	bytes = tierfs_xattr_bytes((uint32_t)len, (uint32_t)size);
	x = build_room(b, bytes);
	if (!x)
		return -ENOSPC;
	x->type = (uint8_t)type;
	x->name_len = (uint8_t)len;
	x->bytes = (uint16_t)bytes;
	x->value_len = (uint32_t)size;
	memcpy(x + 1, name, len);
	if (tierfs_xattr_is_long(x->value_len))
		return long_write(b, tierfs_xattr_value(x), value, size);
	if (size)
		memcpy(tierfs_xattr_value(x), value, size);
	return 0;
}

/* The entries of another object, but for one. */
static void build_copy(struct build *b, const struct tierfs_xattrs *o,
		       const struct tierfs_xattr *without)
{
	const struct tierfs_xattr *x = NULL;

	while (o && (x = tierfs_xattr_next(o, x))) {
		if (x == without)
			continue;
		memcpy(build_room(b, x->bytes), x, x->bytes);
		tierfs_xattr_space_add_all(&b->space, tierfs_tx_fs(b->tx), x);
	}
}

/* Into a new object, small ones by the record, and into the inode. */
static int build_store(struct build *b)
{
	struct tierfs *fs = tierfs_tx_fs(b->tx);
	uint32_t bytes = b->o.head.bytes, class = TIERFS_SLAB_MIN;
	const void *object;
	int err;

	b->o.head.crc = tierfs_crc_head(&b->o, bytes);
	err = tierfs_slab_alloc(b->tx, bytes, b->flags, &object);
	if (err)
		return err;
	if (bytes <= LOGGED_MAX && tierfs_tx_left(b->tx) >= bytes + LEFT_FOR_REST) {
		memcpy(tierfs_tx_new(b->tx, object, bytes, TIERFS_CRC_NONE), &b->o, bytes);
	} else {
		tierfs_pm_copy(fs, object, &b->o, bytes);
		tierfs_tx_aside(b->tx);
	}
	while (class < bytes)
		class *= 2;
	b->rec->xattrs = tierfs_place(fs, object);
	b->rec->xattr_bytes = (uint16_t)class;
	return 0;
}

/* ---- changing ---- */

/* The blocks of a value that goes. */
static void value_free(struct tierfs_tx *tx, struct tierfs_inode *rec,
		       const struct tierfs_xattr *x)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	const struct tierfs_long_value *v = tierfs_xattr_value(x);
	uint64_t done, blocks = tierfs_xattr_is_long(x->value_len) ? tierfs_up(x->value_len) : 0;
	struct tierfs_run run;
	uint32_t i;

	for (i = 0, done = 0; done < blocks; i++, done += run.n) {
		run = tierfs_word_run(fs, v->run[i]);
		tierfs_blocks_free(tx, run.bn, run.n);
	}
	rec->blocks -= tierfs_min(rec->blocks, blocks);
}

/* What setxattr asks for. */
struct change {
	uint32_t type;
	const char *name;
	const void *value;		/* NULL: is to be removed */
	size_t size;
	const struct tierfs_xattrs *old;	/* all that there is, or NULL */
	const struct tierfs_xattr *entry;	/* what it is now, or NULL */
};

static int change_build(struct tierfs_tx *tx, struct tierfs_inode *rec, const struct change *c)
{
	struct build b;
	int err = 0;

	build_init(&b, tx, rec);
	/* who removes something, or changes rights, must not fail for want of space */
	if (!c->value || c->type == ZUFS_XATTR_SYSTEM)
		b.flags = TIERFS_ALLOC_RESERVE;
	if (c->entry)
		value_free(tx, rec, c->entry);
	build_copy(&b, c->old, c->entry);
	if (c->value)
		err = build_add(&b, c->type, c->name, c->value, c->size);
	if (err)
		return err;
	if (c->old)
		tierfs_slab_free(tx, c->old);
	if (b.o.head.count)
		return build_store(&b);
	rec->xattrs = 0;
	rec->xattr_bytes = 0;
	return 0;
}

/* With the node's lock. */
static int change_commit(struct tierfs_node *node, const struct change *c)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(node));
	struct tierfs_inode *rec = tierfs_node_change(tx, node);
	int err = change_build(tx, rec, c);

	if (err) {
		tierfs_tx_abort(tx);
		return err;
	}
	/* chmod and chown of an inode with an access ACL send nothing else (ZUFS_FSC_ACL_MODE) */
	tierfs_node_take(node, rec, STATX_MODE | STATX_UID | STATX_GID | STATX_MTIME |
			 STATX_CTIME);
	err = tierfs_tx_commit(tx);
	if (!err)
		tierfs_node_show(node);
	return err;
}

int tierfs_setxattr(struct zus_ii *ii, uint32_t type, const char *name, const void *value,
		    size_t size, uint32_t flags)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	struct change c = { .type = type, .name = name, .value = value, .size = size };
	int err = tierfs_may_change(tierfs_fs_of(node));

	if (!err)
		err = node->broken ? -EIO : tierfs_xattrs_load(node, node->rec, &c.old);
	if (err)
		return err;
	c.entry = tierfs_xattr_find(c.old, type, name);
	if (c.entry && flags & XATTR_CREATE)
		return -EEXIST;
	if (!c.entry && (!value || flags & XATTR_REPLACE))
		return -ENODATA;
	tierfs_nodes_lock(&node, 1);
	err = change_commit(node, &c);
	tierfs_nodes_unlock(&node, 1);
	return err;
}

int tierfs_xattrs_new(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		      const struct zus_new_xattr *xattrs, uint32_t nr)
{
	struct build b;
	uint32_t i;
	int err = 0;

	(void)node;
	if (!nr)
		return 0;
	build_init(&b, tx, rec);
	for (i = 0; !err && i < nr; i++) {
		const struct zus_new_xattr *x = &xattrs[i];

		err = tierfs_xattr_find(&b.o.head, x->type, x->name) ? -EINVAL :
			build_add(&b, x->type, x->name, x->value, x->size);
	}
	return err ? err : build_store(&b);
}

int tierfs_xattrs_free(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec)
{
	const struct tierfs_xattr *x = NULL;
	const struct tierfs_xattrs *o;
	int err = tierfs_xattrs_load(node, rec, &o);

	if (err || !o)
		return err;
	while ((x = tierfs_xattr_next(o, x)))
		value_free(tx, rec, x);
	tierfs_slab_free(tx, o);
	rec->xattrs = 0;
	rec->xattr_bytes = 0;
	return 0;
}
