// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hash index of a directory: its tables, its buckets, and that each cell is a name and each
 * name has a cell. The names are in c->names (dir.c); one that was found in the index becomes a
 * mark there (FOUND) that equals no cell.
 *
 * The index of a directory without names may be half taken apart: from the first word of 0 in a
 * table on nothing is a pointer.
 */
#include "tck.h"

#define FOUND	UINT64_MAX		/* unit + 1 is never that large */

struct index_walk {
	struct tck *c;
	uint64_t ino;
	bool partial;			/* a word of 0 ends a table */
	bool has_tables;
	uint64_t cells;
};

static void tell(struct index_walk *w, tierfs_place_t place, const char *text)
{
	tck_error(w->c, tck_of(TIERFS_CHECK_PAGE, w->ino, place), "%s", text);
}

static bool is_free(uint64_t cell)
{
	return !(uint32_t)cell;
}

/* Does a search from the hash's own cell get to this one? */
static bool is_reached(const struct tierfs_bucket *b, unsigned int at)
{
	unsigned int i = (uint32_t)(b->cells[at] >> 32) % TIERFS_BUCKET_CELLS;

	for (; i != at; i = i + 1 == TIERFS_BUCKET_CELLS ? 0 : i + 1) {
		if (!b->cells[i])
			return false;
	}
	return true;
}

static void check_cell(struct index_walk *w, const struct tierfs_bucket *b, unsigned int at,
		       tierfs_place_t place, uint32_t prefix)
{
	uint64_t cell = b->cells[at], *name;

	if (b->depth && (uint32_t)(cell >> 32) >> (32 - b->depth) != prefix)
		tell(w, place, "a cell of another bucket");
	if (!is_reached(b, at))
		tell(w, place, "a cell that no search gets to");
	name = tck_name_slot(w->c, cell);
	if (*name)
		*name = FOUND;
	else
		tell(w, place, "a cell without a name");
	w->cells++;
}

/* All names whose hash begins with the `depth` bits of prefix. */
static void check_bucket(struct index_walk *w, const struct tierfs_bucket *b, tierfs_place_t place,
			 uint32_t prefix)
{
	unsigned int i, used = 0;

	for (i = 0; i < TIERFS_BUCKET_CELLS; i++) {
		if (!is_free(b->cells[i])) {
			check_cell(w, b, i, place, prefix);
			used++;
		} else if (b->cells[i] && b->cells[i] != TIERFS_CELL_GONE) {
			tell(w, place, "a cell makes no sense");
		}
	}
	if (b->used != used || b->reserved)
		tell(w, place, "the head of a bucket is not what its cells are");
}

static bool is_pointer(uint64_t word)
{
	return word >> TIERFS_WORD_FORM_SHIFT == TIERFS_FORM_PAGE &&
		!(word & ~(7ULL << TIERFS_WORD_FORM_SHIFT | 63ULL << TIERFS_WORD_DEV_SHIFT |
			   TIERFS_WORD_BLOCK));
}

/*
 * The bucket that word `at` of a table leads to, by `bits` of the hash; as many words as are its
 * own must be equal. How many these are; 1 if that cannot be said.
 */
static unsigned int take_bucket(struct index_walk *w, const uint64_t *table, tierfs_place_t place,
				unsigned int at, unsigned int bits, uint32_t prefix)
{
	tierfs_place_t page = tierfs_image_word_place(table[at]);
	const struct tierfs_bucket *b = NULL;
	unsigned int i, n;

	if (is_pointer(table[at]))
		b = tck_claim_page(w->c, page, w->ino, "a bucket of names");
	else
		tell(w, place, "a word of a hash table makes no sense");
	if (!b)
		return 1;
	/* of a second-level table a bucket has never all */
	n = b->depth <= bits && bits - b->depth <= TIERFS_HASH_LEVEL_BITS ?
		1U << (bits - b->depth) : 0;
	if (!n || at % n || n > (bits == TIERFS_HASH_LEVEL_BITS ? 512 : 256)) {
		tell(w, page, "a bucket of a wrong depth");
		return 1;
	}
	for (i = 1; i < n; i++) {
		if (table[at + i] != table[at])
			tell(w, place, "a word leads to another bucket than its neighbour");
	}
	check_bucket(w, b, page, (prefix << TIERFS_HASH_LEVEL_BITS | at) >> (bits - b->depth));
	return n;
}

static void walk_table(struct index_walk *w, tierfs_place_t place, unsigned int bits,
		       uint32_t prefix)
{
	const uint64_t *table = tck_claim_page(w->c, place, w->ino, "a table of the hash index");
	unsigned int i, n;

	for (i = 0; table && i < TIERFS_PAGE_WORDS; i += n) {
		uint64_t word = table[i];

		n = 1;
		if (!word && w->partial)
			return;
		if (!(word & TIERFS_HASH_TABLE)) {
			n = take_bucket(w, table, place, i, bits, prefix);
		} else if (bits == TIERFS_HASH_LEVEL_BITS && is_pointer(word ^ TIERFS_HASH_TABLE)) {
			w->has_tables = true;
			walk_table(w, tierfs_image_word_place(word), TIERFS_HASH_MAX_BITS, i);
		} else {
			tell(w, place, "a word of a hash table makes no sense");
		}
	}
}

void tck_dir_index(struct tck *c, uint64_t ino, const struct tierfs_inode *rec, uint64_t entries)
{
	struct index_walk w = { .c = c, .ino = ino, .partial = !entries };
	struct tck_object dir = tck_of(TIERFS_CHECK_INODE, ino, 0);

	walk_table(&w, rec->hash, TIERFS_HASH_LEVEL_BITS, 0);
	if (w.cells != entries)
		tck_error(c, dir, "its index has %llu names of %llu", (unsigned long long)w.cells,
			  (unsigned long long)entries);
	if (rec->hash_bits != TIERFS_HASH_LEVEL_BITS && rec->hash_bits != TIERFS_HASH_MAX_BITS)
		tck_error(c, dir, "its index goes by %u bits", rec->hash_bits);
	else if (w.has_tables && rec->hash_bits == TIERFS_HASH_LEVEL_BITS)
		tck_error(c, dir, "its index has tables of the second level");
}
