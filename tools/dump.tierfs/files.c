// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inodes and what hangs on them, as dump.tierfs prints it. Walks are the checker's, which bound
 * them; what is found broken on the way is left out here, and told by fsck.tierfs.
 */
#include "dump.h"

#include <string.h>
#include <sys/stat.h>

#include "msg.h"

/* ---- inodes ---- */

static const struct tierfs_inode *find_inode(struct dump *d, const char *arg, uint64_t *ino)
{
	const struct tierfs_inode *rec;

	if (parse_number(arg, ino))
		return NULL;
	rec = d->found ? tck_record_of(&d->c, *ino) : NULL;
	if (!rec)
		msg("inode %llu is not in use", (unsigned long long)*ino);
	return rec;
}

static void put_times(struct out *o, const struct tierfs_inode *rec)
{
	out_num(o, "atime_ns", (uint64_t)rec->atime);
	out_num(o, "mtime_ns", (uint64_t)rec->mtime);
	out_num(o, "ctime_ns", (uint64_t)rec->ctime);
	out_num(o, "btime_ns", (uint64_t)rec->btime);
}

static void put_content(struct dump *d, const struct tierfs_inode *rec)
{
	struct out *o = &d->out;
	unsigned int i;

	if (S_ISDIR(rec->mode)) {
		out_num(o, "parent", rec->parent);
		out_num(o, "entries", rec->entries);
		out_place(o, "hash", rec->hash);
		out_num(o, "hash_bits", rec->hash_bits);
	}
	if (S_ISLNK(rec->mode) && !(rec->own_flags & TIERFS_INODE_LINK_SLAB)) {
		out_bytes(o, "target", rec->slots, strnlen((const char *)rec->slots,
							   sizeof(rec->slots)));
		return;
	}
	out_list(o, "slots");
	for (i = 0; i < TIERFS_SLOTS; i++) {
		if (!rec->slots[i])
			continue;
		out_item(o);
		out_num(o, "slot", i);
		out_hex(o, "word", rec->slots[i]);
		out_item_end(o);
	}
	out_list_end(o);
}

static void put_inode(struct dump *d, uint64_t ino, const struct tierfs_inode *rec)
{
	struct out *o = &d->out;
	char mode[16];

	snprintf(mode, sizeof(mode), "%#o", rec->mode);
	out_num(o, "inode", ino);
	out_bool(o, "valid", rec->crc == tierfs_crc_head(rec, sizeof(*rec)));
	out_str(o, "mode", mode);
	out_num(o, "uid", rec->uid);
	out_num(o, "gid", rec->gid);
	out_num(o, "nlink", rec->nlink);
	out_num(o, "size", rec->size);
	out_num(o, "blocks", rec->blocks);
	out_hex(o, "flags", rec->flags);
	out_hex(o, "own_flags", rec->own_flags);
	out_num(o, "generation", rec->generation);
	out_num(o, "changes", rec->changes);
	out_hex(o, "rdev", rec->rdev);
	put_times(o, rec);
	out_place(o, "xattrs", rec->xattrs);
	out_place(o, "cell", rec->cell);
	out_num(o, "height", rec->height);
	put_content(d, rec);
}

int dump_inode(struct dump *d, const char *arg)
{
	uint64_t ino;
	const struct tierfs_inode *rec = find_inode(d, arg, &ino);

	if (!rec)
		return -1;
	put_inode(d, ino, rec);
	return 0;
}

/* ---- maps ---- */

struct map_dump {
	struct tck_map map;
	struct out *out;
};

static void put_run(struct tck *c, struct tck_map *map, const struct tck_run *run)
{
	struct out *o = ((struct map_dump *)map)->out;

	(void)c;
	out_item(o);
	out_num(o, "index", run->index);
	out_num(o, "blocks", run->n);
	out_place(o, "place", run->place);
	out_bool(o, "unwritten", run->unwritten);
	out_item_end(o);
}

int dump_map(struct dump *d, const char *arg)
{
	struct map_dump m = { .out = &d->out };

	m.map.rec = find_inode(d, arg, &m.map.ino);
	if (!m.map.rec)
		return -1;
	if (!S_ISREG(m.map.rec->mode) && !S_ISDIR(m.map.rec->mode)) {
		msg("inode %s has no map", arg);
		return -1;
	}
	m.map.run = put_run;
	out_num(&d->out, "height", m.map.rec->height);
	out_list(&d->out, "runs");
	tck_map_walk(&d->c, &m.map);
	out_list_end(&d->out);
	out_num(&d->out, "blocks", m.map.blocks);
	return 0;
}

/* ---- directories ---- */

struct dir_walk {
	struct tck_map map;
	struct dump *d;
	const char *name;		/* to be found, or NULL = all are printed */
	size_t len;
	uint64_t ino;			/* that was found */
};

static void take_entry(struct dir_walk *w, const struct tierfs_dirent *e, uint64_t pos)
{
	const char *name = (const char *)e + offsetof(struct tierfs_dirent, name);
	struct out *o = &w->d->out;

	if (w->name) {
		if (e->len == w->len && !memcmp(name, w->name, w->len))
			w->ino = e->ino;
		return;
	}
	out_item(o);
	out_num(o, "pos", pos);
	out_num(o, "inode", e->ino);
	out_num(o, "type", e->type);
	out_hex(o, "hash", e->hash);
	out_bytes(o, "name", name, e->len);
	out_item_end(o);
}

static void take_block(struct dir_walk *w, const struct tierfs_dir_head *h, uint64_t index)
{
	uint32_t unit;

	for (unit = TIERFS_DIR_HEAD_UNITS; unit < TIERFS_DIR_UNITS; unit++) {
		const struct tierfs_dirent *e = (const void *)((const uint8_t *)h +
							       unit * TIERFS_UNIT);

		if (h->begins[unit / 64] >> unit % 64 & 1 &&
		    unit + tck_name_units(e->len) <= TIERFS_DIR_UNITS)
			take_entry(w, e, index * TIERFS_BLOCK + unit * TIERFS_UNIT);
	}
}

static void take_run(struct tck *c, struct tck_map *map, const struct tck_run *run)
{
	uint32_t i;

	for (i = 0; i < run->n; i++) {
		tierfs_place_t place = run->place + (uint64_t)i * TIERFS_BLOCK;
		const void *page = tck_claim_page(c, place, map->ino, "a block of a directory");

		if (page)
			take_block((struct dir_walk *)map, page, run->index + i);
	}
}

int dump_dir(struct dump *d, const char *arg)
{
	struct dir_walk w = { .d = d };

	w.map.rec = find_inode(d, arg, &w.map.ino);
	if (!w.map.rec)
		return -1;
	if (!S_ISDIR(w.map.rec->mode)) {
		msg("inode %s is no directory", arg);
		return -1;
	}
	w.map.run = take_run;
	out_num(&d->out, "parent", w.map.rec->parent);
	out_num(&d->out, "entries", w.map.rec->entries);
	out_list(&d->out, "names");
	tck_map_walk(&d->c, &w.map);
	out_list_end(&d->out);
	return 0;
}

/* The inode of a name, or 0. A directory is walked through once in a path. */
static uint64_t look_up(struct dump *d, uint64_t dir, const char *name, size_t len)
{
	struct dir_walk w = { .d = d, .name = name, .len = len };

	w.map.ino = dir;
	w.map.rec = tck_record_of(&d->c, dir);
	w.map.run = take_run;
	if (w.map.rec && S_ISDIR(w.map.rec->mode))
		tck_map_walk(&d->c, &w.map);
	return w.ino;
}

int dump_path(struct dump *d, const char *arg)
{
	const char *at = arg ? arg : "/";
	uint64_t ino = TIERFS_ROOT_INO;
	const struct tierfs_inode *rec;
	size_t len;

	for (; ino && d->found; at += len) {
		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (!len)
			break;
		ino = look_up(d, ino, at, len);
	}
	rec = d->found ? tck_record_of(&d->c, ino) : NULL;
	if (!rec) {
		msg("there is no %s", arg);
		return -1;
	}
	put_inode(d, ino, rec);
	return 0;
}
