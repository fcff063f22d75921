// SPDX-License-Identifier: BSD-2-Clause
/*
 * Attributes: the object of an inode, its entries, and long values in blocks of data.
 */
#include "tck.h"

#include <string.h>

#define VALUE_MAX	65536U
#define TYPE_MAX	ZUFS_XATTR_USER

/* What stands in an entry in place of a long value. */
struct long_value {
	uint32_t crc;			/* of the value */
	uint32_t zero;
	uint64_t run[TIERFS_XATTR_RUNS];
};

struct xattr_walk {
	struct tck *c;
	uint64_t ino;
	tierfs_place_t place;
	uint64_t blocks;
	uint32_t runs;			/* of all values */
	uint32_t nr_groups;		/* that they are in */
	uint64_t groups[TIERFS_XATTR_GROUPS];
};

static void tell(struct xattr_walk *w, const char *text)
{
	tck_error(w->c, tck_of(TIERFS_CHECK_OBJECT, w->ino, w->place), "%s", text);
}

static uint32_t up8(uint32_t n)
{
	return (n + 7) & ~7U;
}

static bool is_long(const struct tierfs_xattr *x)
{
	return x->value_len > TIERFS_XATTR_INLINE;
}

static uint32_t entry_bytes(const struct tierfs_xattr *x)
{
	uint32_t value = is_long(x) ? sizeof(struct long_value) : up8(x->value_len);

	return up8((uint32_t)sizeof(*x) + x->name_len) + value;
}

static uint32_t crc_of_blocks(const struct tck *c, uint32_t crc, tierfs_place_t place, uint32_t n,
			      uint32_t *left)
{
	for (; n; n--, place += TIERFS_BLOCK) {
		uint32_t bytes = (uint32_t)tierfs_min(*left, TIERFS_BLOCK);

		crc = tierfs_crc(crc, tierfs_image_at(&c->img, place, TIERFS_BLOCK), bytes);
		*left -= bytes;
	}
	return crc;
}

/* One record must be able to free all values. */
static void count_run(struct xattr_walk *w, tierfs_place_t place, uint32_t n)
{
	uint64_t bn = tierfs_image_bn(&w->c->img, place), g = bn / TIERFS_GROUP_BLOCKS;
	uint32_t i;

	for (; g <= (bn + n - 1) / TIERFS_GROUP_BLOCKS; g++) {
		for (i = 0; i < w->nr_groups && w->groups[i] != g; i++)
			;
		if (i < w->nr_groups)
			continue;
		if (i == TIERFS_XATTR_GROUPS)
			tell(w, "its values are in too many groups");
		else
			w->groups[w->nr_groups++] = g;
	}
	if (++w->runs == TIERFS_XATTR_RUNS_ALL + 1)
		tell(w, "its values have too many runs");
}

static void check_long(struct xattr_walk *w, const struct tierfs_xattr *x)
{
	const struct long_value *v;
	uint32_t i, n, crc = 0, left = x->value_len, want = (uint32_t)tierfs_up(left);
	tierfs_place_t place;
	bool known = true;

	v = (const void *)((const uint8_t *)x + up8((uint32_t)sizeof(*x) + x->name_len));
	for (i = 0; i < TIERFS_XATTR_RUNS && want; i++, want -= n) {
		n = tierfs_image_run(&w->c->img, v->run[i], &place);
		if (!n || n > want || v->run[i] & TIERFS_WORD_UNWRITTEN) {
			tell(w, "a run of a value makes no sense");
			return;
		}
		w->blocks += n;
		count_run(w, place, n);
		known &= tck_claim_blocks(w->c, place, n, w->ino, "of the value of an attribute");
		crc = crc_of_blocks(w->c, crc, place, n, &left);
	}
	if (want || v->zero || (i < TIERFS_XATTR_RUNS &&
				!tck_is_zero(&v->run[i], (TIERFS_XATTR_RUNS - i) * 8ULL)))
		tell(w, "the runs of a value are not what its length says");
	else if (known && crc != v->crc)
		tell(w, "bad checksum of the value of an attribute");
}

static bool is_twice(const struct tierfs_xattrs *o, const struct tierfs_xattr *x)
{
	const uint8_t *at = (const uint8_t *)(o + 1);
	const struct tierfs_xattr *y;

	for (; at < (const uint8_t *)x; at += y->bytes) {
		y = (const struct tierfs_xattr *)at;
		if (x->type == y->type && x->name_len == y->name_len &&
		    !memcmp(x + 1, y + 1, x->name_len))
			return true;
	}
	return false;
}

static void check_entries(struct xattr_walk *w, const struct tierfs_xattrs *o)
{
	uint32_t at = sizeof(*o), count = 0;
	const struct tierfs_xattr *x;

	for (; at < o->bytes; at += x->bytes, count++) {
		x = (const struct tierfs_xattr *)((const uint8_t *)o + at);
		if (!x->name_len || x->value_len > VALUE_MAX || x->bytes != entry_bytes(x) ||
		    x->bytes > o->bytes - at) {
			tell(w, "an attribute makes no sense");
			return;
		}
		if (!x->type || x->type > TYPE_MAX || memchr(x + 1, 0, x->name_len))
			tell(w, "the name of an attribute is none");
		if (is_twice(o, x))
			tell(w, "an attribute is there twice");
		if (is_long(x))
			check_long(w, x);
	}
	if (!count || count != o->count)
		tell(w, "it has not as many attributes as its head says");
}

void tck_xattrs(struct tck *c, uint64_t ino, const struct tierfs_inode *rec, uint64_t *blocks)
{
	struct xattr_walk w = { .c = c, .ino = ino, .place = rec->xattrs };
	const struct tierfs_xattrs *o;

	if (!rec->xattrs) {
		if (rec->xattr_bytes)
			tck_error(c, tck_of(TIERFS_CHECK_INODE, ino, 0),
				  "it has a size of attributes and none");
		return;
	}
	o = tck_claim_object(c, rec->xattrs, sizeof(*o), ino, "the attributes");
	if (!o)
		return;
	if (rec->xattr_bytes != tck_chunk_at(c, rec->xattrs)->head->object_bytes)
		tell(&w, "it has not the size that the inode says");
	if (o->bytes < sizeof(*o) || o->bytes % 8 ||
	    o->bytes > tck_chunk_at(c, rec->xattrs)->head->object_bytes) {
		tell(&w, "the length of the attributes makes no sense");
		return;
	}
	o = tierfs_image_at(&c->img, rec->xattrs, o->bytes);
	if (o->crc != tierfs_crc_head(o, o->bytes))
		tell(&w, "bad checksum of the attributes");
	check_entries(&w, o);
	*blocks += w.blocks;
}
