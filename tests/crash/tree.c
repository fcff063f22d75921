// SPDX-License-Identifier: BSD-2-Clause
/*
 * See tree.h. Everything goes through messages, as the kernel sends them.
 */
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ENTRIES	256
#define MAX_DEPTH	8
#define PIECE		65536U
#define MAX_SHOWN	((uint64_t)4 << 20)	/* of the data of a file, from each hole on */

void crash_text_add(struct crash_text *text, const char *fmt, ...)
{
	va_list ap, copy;
	int n;

	va_start(ap, fmt);
	va_copy(copy, ap);
	n = vsnprintf(NULL, 0, fmt, copy);
	va_end(copy);
	if (text->len + (size_t)n + 1 > text->max) {
		text->max = 2 * (text->len + (size_t)n + 1);
		text->text = realloc(text->text, text->max);
		if (!text->text)
			abort();
	}
	vsnprintf(text->text + text->len, (size_t)n + 1, fmt, ap);
	text->len += (size_t)n;
	va_end(ap);
}

void crash_text_free(struct crash_text *text)
{
	free(text->text);
	*text = (struct crash_text){ .text = NULL };
}

/* FNV-1a over words; the rest by bytes. */
uint64_t crash_hash(uint64_t hash, const void *data, size_t bytes)
{
	const uint8_t *p = data;
	uint64_t word;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		memcpy(&word, p, 8);
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 29;
	}
	for (; bytes; bytes--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

struct walk {
	struct fake *f;
	struct fake_thread *t;
	struct crash_text *text;
	bool mask;
	uint8_t buf[PIECE];
};

static int fail(struct walk *w, const char *what, int err)
{
	crash_text_add(w->text, " %s: %s", what, strerror(-err));
	return err;
}

/* One extent of data: its place and its sum. */
static int add_extent(struct walk *w, struct fake_node node, uint64_t start, uint64_t end)
{
	uint64_t hash = 0, pos = start;

	if (end - start > MAX_SHOWN)
		end = start + MAX_SHOWN;
	while (pos < end) {
		size_t len = end - pos < PIECE ? end - pos : PIECE;
		ssize_t n = fake_read(w->t, node, w->buf, len, pos);

		if (n <= 0)
			return fail(w, "read", n ? (int)n : -EIO);
		hash = crash_hash(hash, w->buf, (size_t)n);
		pos += (uint64_t)n;
	}
	crash_text_add(w->text, " [%llu-%llu %016llx]", (unsigned long long)start,
		       (unsigned long long)end, (unsigned long long)hash);
	return 0;
}

static int add_data(struct walk *w, struct fake_node node)
{
	uint64_t size = zus_zi_size(node.zi), data = 0, hole;
	int err = 0;

	while (!err && data < size) {
		err = fake_seek(w->t, node, SEEK_DATA, &data);
		if (err == -ENXIO)
			return 0;
		if (err)
			return fail(w, "SEEK_DATA", err);
		hole = data;
		err = fake_seek(w->t, node, SEEK_HOLE, &hole);
		if (err)
			return fail(w, "SEEK_HOLE", err);
		if (hole <= data)
			return fail(w, "SEEK_HOLE does not move", -EIO);
		err = add_extent(w, node, data, hole < size ? hole : size);
		data = hole;
	}
	return err;
}

static int add_target(struct walk *w, struct fake_node node)
{
	char target[4096];
	int n = fake_readlink(w->t, node, target, sizeof(target));

	if (n < 0)
		return fail(w, "readlink", n);
	crash_text_add(w->text, " -> %s", target);
	return 0;
}

/* The order of names in the list is the file system's own and stays. */
static int add_xattrs(struct walk *w, struct fake_node node)
{
	static const char user[] = "user.";
	char list[4096];
	const char *name;
	ssize_t bytes, n;

	if (!zus_zi_xattr(node.zi))
		return 0;
	bytes = fake_listxattr(w->t, node, list, sizeof(list), true);
	if (bytes < 0)
		return fail(w, "listxattr", (int)bytes);
	for (name = list; name < list + bytes; name += strlen(name) + 1) {
		if (strncmp(name, user, sizeof(user) - 1))
			continue;
		n = fake_getxattr(w->t, node, ZUFS_XATTR_USER, name + sizeof(user) - 1, w->buf,
				  sizeof(w->buf));
		if (n < 0)
			return fail(w, "getxattr", (int)n);
		crash_text_add(w->text, " %s=%zd:%016llx", name, n,
			       (unsigned long long)crash_hash(0, w->buf, (size_t)n));
	}
	return 0;
}

static int add_node(struct walk *w, struct fake_node node)
{
	const struct zus_inode *zi = node.zi;
	bool masked = w->mask && zus_zi_isreg(zi);
	int err;

	crash_text_add(w->text, " %o %u:%u n%u s%llu b%llu f%x r%x", zus_zi_mode(zi),
		       zus_zi_uid(zi), zus_zi_gid(zi), zus_zi_nlink(zi),
		       (unsigned long long)zus_zi_size(zi),
		       (unsigned long long)zus_zi_blocks(zi), zus_zi_flags(zi),
		       S_ISCHR(zus_zi_mode(zi)) || S_ISBLK(zus_zi_mode(zi)) ? zus_zi_rdev(zi) : 0);
	if (!masked)
		crash_text_add(w->text, " m%lld c%lld", (long long)zus_zi_mtime(zi),
			       (long long)zus_zi_ctime(zi));
	err = add_xattrs(w, node);
	if (!err && zus_zi_islnk(zi))
		err = add_target(w, node);
	if (!err && zus_zi_isreg(zi) && !masked)
		err = add_data(w, node);
	crash_text_add(w->text, "\n");
	return err;
}

static int add_dir(struct walk *w, struct fake_node dir, const char *path, unsigned int depth);

static int add_entry(struct walk *w, struct fake_node dir, const char *path,
		     const struct fake_dirent *e, unsigned int depth)
{
	struct fake_node node;
	char *below;
	int err;

	crash_text_add(w->text, "%s/%s", path, e->name);
	err = fake_lookup(w->t, dir, e->name, &node);
	if (err)
		return fail(w, "lookup", err);
	if (zus_zi_ino(node.zi) != e->ino || zus_zi_dtype(node.zi) != e->type)
		err = fail(w, "number or type differ from the entry's", -EIO);
	if (!err)
		err = add_node(w, node);
	if (!err && zus_zi_isdir(node.zi)) {
		if (zus_zi_parent(node.zi) != zus_zi_ino(dir.zi))
			err = fail(w, "its parent is another", -EIO);
		if (asprintf(&below, "%s/%s", path, e->name) < 0)
			abort();
		if (!err)
			err = add_dir(w, node, below, depth + 1);
		free(below);
	}
	fake_evict(w->t, node, ZI_LOOKUP_RACE);
	return err;
}

static int by_name(const void *a, const void *b)
{
	const struct fake_dirent *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int add_dir(struct walk *w, struct fake_node dir, const char *path, unsigned int depth)
{
	struct fake_dirent *entries = calloc(MAX_ENTRIES, sizeof(*entries));
	uint64_t pos = 0;
	bool more;
	int n, i, err = 0;

	if (!entries)
		abort();
	n = depth > MAX_DEPTH ? -ELOOP :
	    fake_readdir(w->t, dir, &pos, 65536, entries, MAX_ENTRIES, &more);
	if (n < 0)
		err = fail(w, "readdir", n);
	if (n > 0)
		qsort(entries, (size_t)n, sizeof(*entries), by_name);
	for (i = 0; i < n && !err; i++) {
		if (strcmp(entries[i].name, ".") && strcmp(entries[i].name, ".."))
			err = add_entry(w, dir, path, &entries[i], depth);
	}
	free(entries);
	return err;
}

int crash_tree(struct fake *f, struct fake_thread *t, bool mask, struct crash_text *text)
{
	struct walk w = { .f = f, .t = t, .text = text, .mask = mask };
	struct fake_node root = fake_root(f);
	int err;

	text->len = 0;
	crash_text_add(text, "/");
	err = add_node(&w, root);
	return err ? err : add_dir(&w, root, "", 0);
}

int crash_walk(struct fake *f, struct fake_thread *t, const char *path, struct fake_node *node)
{
	struct fake_node dir = fake_root(f);
	char name[256];
	const char *end;
	bool first = true;
	int err;

	*node = dir;
	for (; *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, '/');
		snprintf(name, sizeof(name), "%.*s", (int)(end - path), path);
		err = fake_lookup(t, dir, name, node);
		if (!first)
			fake_evict(t, dir, ZI_LOOKUP_RACE);
		if (err)
			return err;
		dir = *node;
		first = false;
	}
	return 0;
}
