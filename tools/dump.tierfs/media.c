// SPDX-License-Identifier: BSD-2-Clause
/*
 * What hangs on super-blocks, as dump.tierfs prints it. Checksums are told, not believed: a broken
 * object is what somebody wants to see.
 */
#include "dump.h"

#include <stdlib.h>
#include <string.h>

#include "msg.h"

int parse_number(const char *text, uint64_t *number)
{
	char *end;

	*number = text ? strtoull(text, &end, 0) : 0;
	if (text && *text >= '0' && *text <= '9' && !*end)
		return 0;
	msg("'%s' is no number", text ? text : "");
	return -1;
}

/* "1:0x20000" or "0x20000" of device 0. */
static int parse_place(const char *text, tierfs_place_t *place)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	uint64_t id = 0, offset;

	if (colon)
		id = strtoull(text, NULL, 0);
	if (parse_number(colon ? colon + 1 : text, &offset))
		return -1;
	*place = id << TIERFS_PLACE_DEV_SHIFT | (offset & TIERFS_PLACE_OFFSET);
	if (id < TIERFS_IMAGE_DEVS && offset <= TIERFS_PLACE_OFFSET)
		return 0;
	msg("'%s' is no place", text);
	return -1;
}

/* ---- super-blocks and state ---- */

static void put_super(struct out *o, const struct tierfs_super *s)
{
	out_num(o, "sequence", s->sequence);
	out_uuid(o, "set_uuid", s->set_uuid);
	out_uuid(o, "dev_uuid", s->dev_uuid);
	out_num(o, "dev_id", s->dev_id);
	out_num(o, "dev_count", s->dev_count);
	out_num(o, "dev_blocks", s->dev_blocks);
	out_hex(o, "compat", s->compat);
	out_hex(o, "ro_compat", s->ro_compat);
	out_hex(o, "incompat", s->incompat);
	out_num(o, "inode_slot", s->inode_slot);
	out_num(o, "group_table", s->group_table);
	out_num(o, "state_block", s->state_block);
	out_num(o, "root_block", s->root_block);
	out_num(o, "log_table", s->log_table);
	out_num(o, "log_count", s->log_count);
	out_hex(o, "log_secret", s->log_secret);
	out_hex(o, "hash_seed_0", s->hash_seed[0]);
	out_hex(o, "hash_seed_1", s->hash_seed[1]);
	out_num(o, "created_ns", (uint64_t)s->created_ns);
	out_num(o, "errors", s->errors);
	out_num(o, "error_count", s->error_count);
	out_num(o, "error_ns", (uint64_t)s->error_ns);
	out_bytes(o, "label", s->label, strnlen(s->label, sizeof(s->label)));
}

int dump_super(struct dump *d, const char *arg)
{
	const struct tierfs_image *img = &d->c.img;
	uint32_t i, copy;

	(void)arg;
	out_list(&d->out, "supers");
	for (i = 0; i < img->nr_devs; i++) {
		for (copy = 0; copy < 2; copy++) {
			const struct tierfs_image_super *s = &img->devs[i].copies[copy];

			out_block(&d->out);
			out_num(&d->out, "device", img->devs[i].given);
			out_num(&d->out, "copy", copy);
			out_str(&d->out, "valid", s->why ? s->why : "yes");
			if (!s->why)
				put_super(&d->out, s->super);
			out_block_end(&d->out);
		}
	}
	out_list_end(&d->out);
	return 0;
}

static int need_super(const struct dump *d)
{
	if (d->c.img.super)
		return 0;
	msg("device 0 of the set has no valid super-block");
	return -1;
}

int dump_state(struct dump *d, const char *arg)
{
	const struct tierfs_state *now, *s;
	const struct tierfs_root *r;
	unsigned int i;

	(void)arg;
	if (need_super(d))
		return -1;
	now = tierfs_image_state(&d->c.img);
	s = tierfs_image_at(&d->c.img, d->c.img.super->state_block << TIERFS_BLOCK_SHIFT,
			    2 * sizeof(*s));
	out_list(&d->out, "states");
	for (i = 0; s && i < 2; i++) {
		out_item(&d->out);
		out_num(&d->out, "mount", s[i].mount);
		out_bool(&d->out, "clean", s[i].clean);
		out_num(&d->out, "inodes", s[i].inodes);
		out_bool(&d->out, "valid", s[i].crc == tierfs_crc_tail(&s[i], sizeof(*s)));
		out_bool(&d->out, "counts", &s[i] == now);
		out_item_end(&d->out);
	}
	out_list_end(&d->out);
	r = tierfs_image_root(&d->c.img);
	if (!r)
		return 0;
	out_bool(&d->out, "root_valid", r->crc == tierfs_crc_head(r, sizeof(*r)));
	out_num(&d->out, "height", r->height);
	out_place(&d->out, "chunks", r->chunks);
	out_num(&d->out, "nr_chunks", r->nr_chunks);
	return 0;
}

/* ---- logs ---- */

static void put_head(struct out *o, const struct tierfs_log_head *h, unsigned int i, bool counts)
{
	out_item(o);
	out_num(o, "head", i);
	out_hex(o, "sequence", h->sequence);
	out_num(o, "horizon", h->horizon);
	out_hex(o, "offset", h->offset);
	out_num(o, "generation", h->generation);
	out_bool(o, "valid", h->crc == tierfs_crc_tail(h, sizeof(*h)));
	out_bool(o, "counts", counts);
	out_item_end(o);
}

/* A record, and an item for each of its entries. */
static void put_record(struct out *o, const struct tierfs_record *r, uint32_t offset)
{
	const uint64_t mask = ((uint64_t)1 << TIERFS_ENTRY_WORDS_SHIFT) - 1;
	const uint64_t *entry = NULL;

	out_item(o);
	out_hex(o, "offset", offset);
	out_hex(o, "sequence", r->sequence);
	out_num(o, "lsn", r->lsn);
	out_num(o, "bytes", r->bytes);
	out_item_end(o);
	while ((entry = tierfs_image_entry(r, entry))) {
		out_item(o);
		out_place(o, "store", *entry & mask);
		out_num(o, "words", *entry >> TIERFS_ENTRY_WORDS_SHIFT);
		out_hex(o, "first", entry[1]);
		out_item_end(o);
	}
}

static void put_records(struct dump *d, const struct tierfs_log_entry *e, uint32_t index)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(&d->c.img, e->place);
	uint64_t at = tierfs_image_offset(e->place), sequence, bytes = 0;
	int head = tierfs_image_log_head(e);
	const struct tierfs_record *r;
	uint32_t offset;

	if (head < 0 || !dev || at % TIERFS_BLOCK || e->bytes % TIERFS_BLOCK ||
	    at + e->bytes > dev->blocks << TIERFS_BLOCK_SHIFT ||
	    e->heads[head].offset >= e->bytes || e->heads[head].offset % TIERFS_LINE)
		return;
	offset = e->heads[head].offset;
	sequence = e->heads[head].sequence;
	for (; bytes < e->bytes; sequence++) {
		r = tierfs_image_record(&d->c.img, index, e, offset);
		if (!r || r->sequence != sequence)
			return;
		put_record(&d->out, r, offset);
		bytes += r->bytes;
		offset = (offset + r->bytes) % e->bytes;
	}
}

static void put_log(struct dump *d, const struct tierfs_log_entry *e, uint32_t index, bool all)
{
	unsigned int i;

	out_item(&d->out);
	out_num(&d->out, "log", index);
	out_place(&d->out, "place", e->place);
	out_num(&d->out, "bytes", e->bytes);
	out_place(&d->out, "orphans", e->orphans);
	out_bool(&d->out, "valid", e->crc == tierfs_crc_tail(e, TIERFS_LINE));
	out_item_end(&d->out);
	for (i = 0; i < 2; i++)
		put_head(&d->out, &e->heads[i], i, (int)i == tierfs_image_log_head(e));
	if (all)
		put_records(d, e, index);
}

int dump_log(struct dump *d, const char *arg)
{
	const struct tierfs_log_entry *e;
	uint64_t first = 0, i, n;

	if (need_super(d) || (arg && parse_number(arg, &first)))
		return -1;
	n = arg ? first + 1 : d->c.img.super->log_count;
	if (n > d->c.img.super->log_count) {
		msg("there are %u logs", d->c.img.super->log_count);
		return -1;
	}
	out_list(&d->out, arg ? "log" : "logs");
	for (i = first; i < n; i++) {
		e = tierfs_image_log(&d->c.img, (uint32_t)i);
		if (e)
			put_log(d, e, (uint32_t)i, arg);
	}
	out_list_end(&d->out);
	return 0;
}

/* ---- space ---- */

static const char *kind_name(unsigned int kind)
{
	static const char *const names[] = { "data", "fixed", "log", "inodes", "slabs", "pages" };

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

/* Groups are numbered over all devices. */
static const struct tierfs_image_dev *find_group(const struct dump *d, uint64_t *group)
{
	const struct tierfs_image_dev *dev;

	dev = *group > UINT64_MAX / TIERFS_GROUP_BLOCKS ? NULL :
		tierfs_image_dev_of(&d->c.img, *group * TIERFS_GROUP_BLOCKS);
	if (dev)
		*group -= dev->first_bn / TIERFS_GROUP_BLOCKS;
	else
		msg("there are %llu groups",
		    (unsigned long long)d->c.img.blocks / TIERFS_GROUP_BLOCKS);
	return dev;
}

int dump_group(struct dump *d, const char *arg)
{
	const struct tierfs_image *img = &d->c.img;
	const struct tierfs_group_desc *desc;
	const struct tierfs_image_dev *dev;
	const uint64_t *bits;
	uint64_t group, i;

	if (need_super(d) || parse_number(arg, &group))
		return -1;
	dev = find_group(d, &group);
	if (!dev)
		return -1;
	desc = tierfs_image_desc(img, dev, group);
	bits = tierfs_image_bitmap(img, dev, group);
	out_num(&d->out, "used", desc->used);
	out_num(&d->out, "bad", desc->bad);
	out_hex(&d->out, "crc", desc->crc);
	out_list(&d->out, "chunks");
	for (i = 0; i < TIERFS_GROUP_CHUNKS; i++) {
		tierfs_place_t place = tierfs_image_place(dev, (group * TIERFS_GROUP_CHUNKS + i) *
								TIERFS_CHUNK);

		out_item(&d->out);
		out_place(&d->out, "place", place);
		out_str(&d->out, "kind", kind_name(tierfs_image_kind(img, place | TIERFS_BLOCK)));
		out_hex(&d->out, "used", bits[i / 4] >> i % 4 * 16 & 0xffff);
		out_item_end(&d->out);
	}
	out_list_end(&d->out);
	return 0;
}

static void put_objects(struct dump *d, const struct tierfs_chunk *h, tierfs_place_t place,
			unsigned int kind)
{
	const uint64_t *crcs = (const uint64_t *)((const uint8_t *)h + TIERFS_PAGE_CRCS);
	bool pages = kind == TIERFS_KIND_PAGES;
	unsigned int i;

	out_list(&d->out, "objects");
	for (i = 0; i < 1024; i++) {
		uint64_t at = pages ? (i + 1ULL) * TIERFS_BLOCK :
				      TIERFS_CHUNK_HEAD + (uint64_t)i * h->object_bytes;

		if (!(h->bits[i / 64] >> i % 64 & 1) || at >= TIERFS_CHUNK)
			continue;
		out_item(&d->out);
		out_place(&d->out, "place", place + at);
		if (kind == TIERFS_KIND_INODES)
			out_num(&d->out, "inode", h->index * TIERFS_CHUNK_INODES + i);
		if (pages)
			out_hex(&d->out, "crc", crcs[i]);
		out_item_end(&d->out);
	}
	out_list_end(&d->out);
}

int dump_chunk(struct dump *d, const char *arg)
{
	const struct tierfs_chunk *h;
	tierfs_place_t place;
	unsigned int kind;

	if (need_super(d) || parse_place(arg, &place))
		return -1;
	place -= place % TIERFS_CHUNK;
	h = tierfs_image_at(&d->c.img, place, TIERFS_BLOCK);
	if (!h) {
		msg("'%s' is no chunk that can be looked at", arg);
		return -1;
	}
	kind = tierfs_image_kind(&d->c.img, place);
	out_str(&d->out, "kind", kind_name(kind));
	if (kind < TIERFS_KIND_INODES)
		return 0;
	out_bool(&d->out, "valid", h->crc == tierfs_crc_head(h, sizeof(*h)));
	out_num(&d->out, "head_kind", h->kind);
	out_num(&d->out, "used", h->used);
	out_num(&d->out, "object_bytes", h->object_bytes);
	out_num(&d->out, "index", h->index);
	put_objects(d, h, place, kind);
	return 0;
}

int dump_page(struct dump *d, const char *arg)
{
	const uint64_t *words;
	tierfs_place_t place;
	unsigned int i;

	if (need_super(d) || parse_place(arg, &place))
		return -1;
	words = place % TIERFS_BLOCK ? NULL : tierfs_image_at(&d->c.img, place, TIERFS_BLOCK);
	if (!words) {
		msg("'%s' is no block that can be looked at", arg);
		return -1;
	}
	out_str(&d->out, "kind", kind_name(tierfs_image_kind(&d->c.img, place)));
	out_hex(&d->out, "crc", tierfs_crc(0, words, TIERFS_BLOCK));
	out_list(&d->out, "words");
	for (i = 0; i < TIERFS_PAGE_WORDS; i++) {
		if (!words[i])
			continue;
		out_item(&d->out);
		out_num(&d->out, "index", i);
		out_hex(&d->out, "word", words[i]);
		out_item_end(&d->out);
	}
	out_list_end(&d->out);
	return 0;
}
