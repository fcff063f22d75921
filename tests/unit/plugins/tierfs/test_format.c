// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs_format: every checksum is right, the bitmaps say what is used, and what is there after a
 * cut is no file system before all of it is. The image is read here as tierfs_disk.h says, by
 * nothing that has made it but the CRC.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tierfs.h"

#define MIB		((uint64_t)1 << 20)
#define GROUP		((uint64_t)TIERFS_GROUP_BLOCKS * TIERFS_BLOCK)
#define FILLER		0xa5
#define MAX_DEVS	3

struct image {
	struct tierfs_format f;
	struct tierfs_format_dev devs[MAX_DEVS];
	uint8_t *kinds[MAX_DEVS];	/* per chunk: what the test expects */
};

static void *map(uint64_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(mem != MAP_FAILED);
	return mem;
}

/* Devices of these sizes in MiB; of zeros, or full of something else. */
static void image_init(struct image *im, const uint64_t *mib, uint32_t n, bool zeroed)
{
	uint32_t i;

	memset(im, 0, sizeof(*im));
	im->f = (struct tierfs_format){
		.label = "a label", .log_secret = 11, .hash_seed = { 12, 13 }, .now_ns = 14,
		.uid = 15, .gid = 16, .mode = 0751, .errors = TIERFS_ERRORS_REMOUNT_RO,
		.generation = 17, .zeroed = zeroed, .nr_devs = n, .devs = im->devs,
	};
	memset(im->f.set_uuid, 18, sizeof(im->f.set_uuid));
	for (i = 0; i < n; i++) {
		im->devs[i].bytes = mib[i] * MIB;
		im->devs[i].base = map(mib[i] * MIB);
		memset(im->devs[i].uuid, 19 + (int)i, sizeof(im->devs[i].uuid));
		if (!zeroed)
			memset(im->devs[i].base, FILLER, mib[i] * MIB);
		im->kinds[i] = calloc(mib[i] * MIB / TIERFS_CHUNK, 1);
		assert_non_null(im->kinds[i]);
	}
}

static void image_fini(struct image *im)
{
	uint32_t i;

	for (i = 0; i < im->f.nr_devs; i++) {
		munmap(im->devs[i].base, im->devs[i].bytes);
		free(im->kinds[i]);
	}
}

static const void *block_at(const struct image *im, uint32_t dev, uint64_t block)
{
	return im->devs[dev].base + block * TIERFS_BLOCK;
}

static void assert_zeros(const void *mem, uint64_t bytes)
{
	const uint8_t *p = mem;

	assert_true(!bytes || (!p[0] && !memcmp(p, p + 1, bytes - 1)));
}

/* The chunks of these bytes are of this kind, which nobody else has said otherwise. */
static void expect_kind(struct image *im, uint32_t dev, uint64_t at, uint64_t bytes,
			enum tierfs_kind kind)
{
	uint64_t c;

	assert_true(at + bytes <= im->devs[dev].bytes);
	for (c = at / TIERFS_CHUNK; c * TIERFS_CHUNK < at + bytes; c++) {
		assert_true(!im->kinds[dev][c] || im->kinds[dev][c] == kind);
		im->kinds[dev][c] = (uint8_t)kind;
	}
}

/* ---- super-blocks ---- */

static bool super_is_valid(const void *block)
{
	struct tierfs_super s;
	uint32_t crc;

	memcpy(&s, block, sizeof(s));
	crc = s.crc;
	s.crc = 0;
	return s.magic == TIERFS_MAGIC && crc == tierfs_crc(0, &s, sizeof(s));
}

static const struct tierfs_super *check_super(struct image *im, uint32_t dev)
{
	uint64_t blocks = im->devs[dev].bytes / TIERFS_BLOCK;
	const struct tierfs_super *s = block_at(im, dev, TIERFS_SUPER_BLOCK);

	assert_true(super_is_valid(s));
	assert_memory_equal(s, block_at(im, dev, blocks - 1), TIERFS_BLOCK);
	assert_int_equal(s->sequence, 1);
	assert_int_equal(s->dev_id, dev);
	assert_int_equal(s->dev_count, im->f.nr_devs);
	assert_int_equal(s->dev_blocks, blocks);
	assert_int_equal(s->inode_slot, TIERFS_INODE_SLOT);
	assert_int_equal(s->incompat, TIERFS_INCOMPAT_BASE);
	assert_int_equal(s->compat | s->ro_compat, 0);
	assert_memory_equal(s->set_uuid, im->f.set_uuid, 16);
	assert_memory_equal(s->dev_uuid, im->devs[dev].uuid, 16);
	assert_zeros(s->zero, sizeof(s->zero));
	expect_kind(im, dev, 0, 2 * TIERFS_BLOCK, TIERFS_KIND_FIXED);
	expect_kind(im, dev, (blocks - 1) * TIERFS_BLOCK, TIERFS_BLOCK, TIERFS_KIND_FIXED);
	return s;
}

static void check_first_super(const struct image *im, const struct tierfs_super *s)
{
	assert_int_equal(s->log_secret, 11);
	assert_int_equal(s->hash_seed[0], 12);
	assert_int_equal(s->hash_seed[1], 13);
	assert_int_equal(s->created_ns, 14);
	assert_int_equal(s->errors, im->f.errors);
	assert_int_equal(s->error_count, 0);
	assert_string_equal(s->label, "a label");
}

static void check_other_super(const struct tierfs_super *s)
{
	assert_int_equal(s->state_block | s->root_block | s->log_table, 0);
	assert_int_equal(s->log_secret, 0);
	assert_int_equal(s->created_ns, 0);
	assert_zeros(s->label, sizeof(s->label));
}

/* ---- groups ---- */

static unsigned int kind_of(const struct tierfs_group_desc *d, unsigned int chunk)
{
	return d->kinds[chunk / 16] >> chunk % 16 * 4 & 15;
}

static void check_group(const struct image *im, uint32_t dev, uint64_t g, const uint64_t *bits,
			const struct tierfs_group_desc *d)
{
	unsigned int chunk, used = 0, i;

	for (chunk = 0; chunk < TIERFS_GROUP_CHUNKS; chunk++) {
		uint8_t want = im->kinds[dev][g * TIERFS_GROUP_CHUNKS + chunk];

		assert_int_equal(kind_of(d, chunk), want);
		for (i = chunk * 16; i < chunk * 16 + 16; i++) {
			assert_int_equal(bits[i / 64] >> i % 64 & 1, !!want);
			used += !!want;
		}
	}
	assert_int_equal(d->used, used);
	assert_int_equal(d->bad, 0);
	assert_int_equal(d->zero, 0);
	assert_int_equal(d->crc, used ? tierfs_crc(tierfs_crc(0, bits, 64), d->kinds, 16) : 0);
}

static void check_groups(struct image *im, uint32_t dev)
{
	const struct tierfs_super *s = block_at(im, dev, TIERFS_SUPER_BLOCK);
	uint64_t groups = im->devs[dev].bytes / GROUP, g;
	uint64_t bitmap_blocks = tierfs_up(groups * 64), blocks;
	const uint64_t *bits = block_at(im, dev, s->group_table);
	const struct tierfs_group_desc *d = block_at(im, dev, s->group_table + bitmap_blocks);

	blocks = bitmap_blocks + tierfs_up(groups * 32);
	expect_kind(im, dev, s->group_table * TIERFS_BLOCK, blocks * TIERFS_BLOCK,
		    TIERFS_KIND_FIXED);
	for (g = 0; g < groups; g++)
		check_group(im, dev, g, bits + g * 8, d + g);
	/* behind the ends of both */
	assert_zeros(bits + groups * 8, bitmap_blocks * TIERFS_BLOCK - groups * 64);
	assert_zeros(d + groups, (blocks - bitmap_blocks) * TIERFS_BLOCK - groups * 32);
}

/* ---- device 0 ---- */

static void check_page_of_cells(struct image *im, tierfs_place_t place)
{
	uint64_t chunk = place - place % TIERFS_CHUNK;
	const struct tierfs_chunk *c = (const void *)(im->devs[0].base + chunk);
	unsigned int bit = (unsigned int)(place % TIERFS_CHUNK / TIERFS_BLOCK) - 1;

	assert_int_equal(place % TIERFS_BLOCK, 0);
	assert_true(bit < TIERFS_CHUNK_PAGES);
	assert_int_equal(c->crc, tierfs_crc_head(c, sizeof(*c)));
	assert_int_equal(c->kind, TIERFS_KIND_PAGES);
	assert_int_equal(c->object_bytes, TIERFS_BLOCK);
	assert_int_equal(c->used, __builtin_popcountll(c->bits[0]));
	assert_true(c->bits[0] >> bit & 1);
	assert_zeros(c->bits + 1, sizeof(c->bits) - 8);
	/* their CRCs, and the rest of the block */
	assert_zeros(c + 1, TIERFS_BLOCK - sizeof(*c));
	assert_zeros(im->devs[0].base + place, TIERFS_BLOCK);
	expect_kind(im, 0, chunk, TIERFS_CHUNK, TIERFS_KIND_PAGES);
}

static void check_log(struct image *im, const struct tierfs_log_entry *e)
{
	const struct tierfs_log_head *h = &e->heads[0];

	assert_int_equal(e->crc, tierfs_crc_tail(e, 64));
	assert_int_equal(e->bytes % TIERFS_BLOCK, 0);
	assert_in_range(e->bytes, 16 << 10, 256 << 10);
	assert_int_equal(e->place % TIERFS_BLOCK, 0);
	assert_int_equal(e->intents, 0);
	assert_zeros(im->devs[0].base + e->place, e->bytes);
	assert_int_equal(h->crc, tierfs_crc_tail(h, 64));
	assert_int_equal(h->sequence, 1);
	assert_int_equal(h->generation, 1);
	assert_int_equal(h->horizon | h->offset, 0);
	assert_zeros(&e->heads[1], sizeof(e->heads[1]));
	assert_zeros(e->spare, sizeof(e->spare));
	expect_kind(im, 0, e->place, e->bytes, TIERFS_KIND_LOG);
	check_page_of_cells(im, e->orphans);
}

static void check_logs(struct image *im, const struct tierfs_super *s)
{
	const struct tierfs_log_entry *e = block_at(im, 0, s->log_table);
	uint32_t i, n = (uint32_t)(s->group_table - s->log_table) * 16, pages = 0;
	uint64_t chunk = 0;

	assert_int_equal(n, im->devs[0].bytes < 64 * MIB ? 16 : 64);
	assert_in_range(s->log_count, 4, n);
	expect_kind(im, 0, s->log_table * TIERFS_BLOCK, n * sizeof(*e), TIERFS_KIND_FIXED);
	for (i = 0; i < s->log_count; i++) {
		check_log(im, &e[i]);
		/* one after the other, and so are the pages */
		if (i) {
			assert_int_equal(e[i].place, e[i - 1].place + e[i - 1].bytes);
			assert_true(e[i].orphans > e[i - 1].orphans);
		}
		if (chunk != e[i].orphans / TIERFS_CHUNK) {
			chunk = e[i].orphans / TIERFS_CHUNK;
			pages += ((const struct tierfs_chunk *)(const void *)
				  (im->devs[0].base + chunk * TIERFS_CHUNK))->used;
		}
	}
	assert_int_equal(pages, s->log_count);
	assert_zeros(&e[i], (n - i) * sizeof(*e));
}

static void check_root_dir(const struct image *im, const struct tierfs_inode *rec)
{
	assert_int_equal(rec->crc, tierfs_crc_head(rec, sizeof(*rec)));
	assert_int_equal(rec->version, 1);
	assert_int_equal(rec->mode, S_IFDIR | im->f.mode);
	assert_int_equal(rec->uid, im->f.uid);
	assert_int_equal(rec->gid, im->f.gid);
	assert_int_equal(rec->nlink, 2);
	assert_int_equal(rec->size, 64);
	assert_int_equal(rec->parent, TIERFS_ROOT_INO);
	assert_int_equal(rec->changes, 1);
	assert_int_equal(rec->generation, im->f.generation);
	assert_true(rec->atime == 14 && rec->mtime == 14 && rec->ctime == 14 && rec->btime == 14);
	assert_int_equal(rec->blocks | rec->xattrs | rec->entries | rec->hash | rec->cell, 0);
	assert_zeros(rec->slots, sizeof(rec->slots));
}

static void check_inodes(struct image *im, tierfs_place_t place)
{
	const uint8_t *chunk = im->devs[0].base + place;
	const struct tierfs_chunk *c = (const void *)chunk;

	assert_int_equal(place % TIERFS_CHUNK, 0);
	assert_int_equal(c->crc, tierfs_crc_head(c, sizeof(*c)));
	assert_int_equal(c->kind, TIERFS_KIND_INODES);
	assert_int_equal(c->object_bytes, TIERFS_INODE_SLOT);
	assert_int_equal(c->index, 0);
	assert_int_equal(c->used, 2);
	assert_int_equal(c->bits[0], 3);
	assert_zeros(c->bits + 1, sizeof(c->bits) - 8);
	assert_zeros(chunk + TIERFS_CHUNK_HEAD, TIERFS_INODE_SLOT);
	check_root_dir(im, (const void *)(chunk + TIERFS_CHUNK_HEAD + TIERFS_INODE_SLOT));
	assert_zeros(chunk + TIERFS_CHUNK_HEAD + TIERFS_INODE_SLOT + 256,
		     TIERFS_CHUNK - TIERFS_CHUNK_HEAD - TIERFS_INODE_SLOT - 256);
	expect_kind(im, 0, place, TIERFS_CHUNK, TIERFS_KIND_INODES);
}

static void check_state(struct image *im, const struct tierfs_super *s)
{
	const struct tierfs_state *state = block_at(im, 0, s->state_block);
	const struct tierfs_root *root = block_at(im, 0, s->root_block);

	assert_int_equal(state->crc, tierfs_crc_tail(state, sizeof(*state)));
	assert_int_equal(state->mount, 0);
	assert_int_equal(state->clean, 1);
	assert_int_equal(state->inodes, 1);
	assert_zeros(state + 1, TIERFS_BLOCK - sizeof(*state));
	assert_int_equal(root->crc, tierfs_crc_head(root, sizeof(*root)));
	assert_int_equal(root->height, 0);
	assert_int_equal(root->nr_chunks, 1);
	assert_zeros(root->zero, TIERFS_BLOCK - offsetof(struct tierfs_root, zero));
	check_inodes(im, root->chunks);
}

static void check_image(struct image *im)
{
	const struct tierfs_super *s = check_super(im, 0);
	uint32_t dev;

	check_first_super(im, s);
	check_logs(im, s);
	check_state(im, s);
	for (dev = 1; dev < im->f.nr_devs; dev++)
		check_other_super(check_super(im, dev));
	for (dev = 0; dev < im->f.nr_devs; dev++)
		check_groups(im, dev);
}

/* ---- tests ---- */

static void check_sizes(const uint64_t *mib, uint32_t n, bool zeroed)
{
	struct image im;

	image_init(&im, mib, n, zeroed);
	assert_int_equal(tierfs_format(&im.f), 0);
	check_image(&im);
	image_fini(&im);
}

static void all_sizes_are_sound(void **state)
{
	static const uint64_t mib[] = { 4, 6, 14, 62, 64, 66, 250, 1024 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mib) / sizeof(mib[0]); i++)
		check_sizes(&mib[i], 1, true);
}

static void old_content_is_no_part_of_it(void **state)
{
	static const uint64_t mib[] = { 4, 6, 64 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mib) / sizeof(mib[0]); i++)
		check_sizes(&mib[i], 1, false);
}

static void further_devices_have_tables_of_their_own(void **state)
{
	(void)state;
	check_sizes((const uint64_t []){ 4, 2 }, 2, false);
	check_sizes((const uint64_t []){ 4, 1024 }, 2, true);
	check_sizes((const uint64_t []){ 64, 6, 4 }, 3, false);
}

static void logs_are_as_many_as_the_size_allows(void **state)
{
	static const struct {
		uint64_t mib[2];
		uint32_t logs, bytes;
	} cases[] = {
		{ { 4 }, 4, 16 << 10 }, { { 6 }, 4, 24 << 10 }, { { 16 }, 4, 64 << 10 },
		{ { 30 }, 7, 64 << 10 }, { { 62 }, 15, 64 << 10 }, { { 64 }, 16, 64 << 10 },
		{ { 256 }, 64, 64 << 10 }, { { 600 }, 64, 128 << 10 },
		{ { 1024 }, 64, 256 << 10 }, { { 4096 }, 64, 256 << 10 },
		/* device 0 is not filled with them */
		{ { 4, 4096 }, 4, 64 << 10 }, { { 62, 4096 }, 16, 192 << 10 },
	};
	struct image im;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tierfs_log_entry *e;
		const struct tierfs_super *s;

		image_init(&im, cases[i].mib, cases[i].mib[1] ? 2 : 1, true);
		assert_int_equal(tierfs_format(&im.f), 0);
		s = block_at(&im, 0, TIERFS_SUPER_BLOCK);
		e = block_at(&im, 0, s->log_table);
		assert_int_equal(s->log_count, cases[i].logs);
		assert_int_equal(e->bytes, cases[i].bytes);
		image_fini(&im);
	}
}

/* A TiB; what is not touched is not there. */
static void a_large_file_stays_sparse(void **state)
{
	struct image im = { .devs[0].bytes = (uint64_t)1 << 40 };
	int fd = memfd_create("image", 0);
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)im.devs[0].bytes), 0);
	im.devs[0].base = mmap(NULL, im.devs[0].bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(im.devs[0].base != MAP_FAILED);
	im.f = (struct tierfs_format){ .zeroed = true, .nr_devs = 1, .devs = im.devs };
	assert_int_equal(tierfs_format(&im.f), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 < MIB);
	munmap(im.devs[0].base, im.devs[0].bytes);
	close(fd);
}

static void bad_sizes_are_refused(void **state)
{
	struct tierfs_format_dev devs[TIERFS_MAX_DEVS + 1] = { { .bytes = 4 * MIB } };
	struct tierfs_format f = { .devs = devs };

	(void)state;
	assert_int_equal(tierfs_format(&f), -EINVAL);
	f.nr_devs = 1;
	devs[0].bytes = 2 * MIB;
	assert_int_equal(tierfs_format(&f), -EINVAL);
	devs[0].bytes = 5 * MIB;
	assert_int_equal(tierfs_format(&f), -EINVAL);
	devs[0].bytes = (uint64_t)1 << 48;
	assert_int_equal(tierfs_format(&f), -EINVAL);
	devs[0].bytes = 4 * MIB;
	f.nr_devs = 2;
	assert_int_equal(tierfs_format(&f), -EINVAL);
	devs[1].bytes = 2 * MIB + TIERFS_BLOCK;
	assert_int_equal(tierfs_format(&f), -EINVAL);
	f.nr_devs = TIERFS_MAX_DEVS + 1;
	assert_int_equal(tierfs_format(&f), -E2BIG);
}

/* ---- a cut in the middle ---- */

#define CUT_DEVS	2

/* What a cut leaves: what `persist` has been told of. It has no argument of its own. */
static struct {
	struct image *im;
	uint8_t *media[CUT_DEVS];
	unsigned int calls;
	unsigned int valid_at;		/* the first call with a valid super on device 0 */
} cut;

static bool has_super(uint32_t dev)
{
	return super_is_valid(cut.media[dev] + TIERFS_BLOCK) ||
		super_is_valid(cut.media[dev] + cut.im->devs[dev].bytes - TIERFS_BLOCK);
}

/* With a super on device 0 all but its second one must be there. */
static void check_cut(void)
{
	const struct tierfs_format_dev *d = cut.im->devs;

	assert_memory_equal(cut.media[1], d[1].base, d[1].bytes);
	assert_memory_equal(cut.media[0] + 2 * TIERFS_BLOCK, d[0].base + 2 * TIERFS_BLOCK,
			    d[0].bytes - 3 * TIERFS_BLOCK);
}

static void cut_persist(const void *addr, uint64_t bytes)
{
	const uint8_t *at = addr;
	uint32_t dev;

	assert_int_equal((uintptr_t)addr % TIERFS_BLOCK, 0);
	assert_int_equal(bytes % TIERFS_BLOCK, 0);
	for (dev = 0; dev < CUT_DEVS; dev++) {
		const struct tierfs_format_dev *d = &cut.im->devs[dev];

		if (at >= d->base && at < d->base + d->bytes)
			memcpy(cut.media[dev] + (at - d->base), at, bytes);
	}
	cut.calls++;
	/* the old ones go by the first four */
	if (cut.calls < 2 * CUT_DEVS)
		return;
	if (!has_super(0))
		return;
	if (!cut.valid_at)
		cut.valid_at = cut.calls;
	check_cut();
}

static void a_cut_leaves_no_super_before_the_end(void **state)
{
	static const uint64_t mib[CUT_DEVS] = { 6, 4 };
	struct image im;
	uint32_t i;

	(void)state;
	image_init(&im, mib, CUT_DEVS, false);
	assert_int_equal(tierfs_format(&im.f), 0);
	memset(&cut, 0, sizeof(cut));
	cut.im = &im;
	for (i = 0; i < CUT_DEVS; i++) {
		/* old super-blocks, and nothing else that is right */
		memset(im.devs[i].base + 2 * TIERFS_BLOCK, FILLER,
		       im.devs[i].bytes - 3 * TIERFS_BLOCK);
		cut.media[i] = map(im.devs[i].bytes);
		memcpy(cut.media[i], im.devs[i].base, im.devs[i].bytes);
		assert_true(has_super(i));
	}
	im.f.persist = cut_persist;
	im.f.log_secret++;
	assert_int_equal(tierfs_format(&im.f), 0);
	assert_int_equal(cut.valid_at, cut.calls - 1);
	for (i = 0; i < CUT_DEVS; i++) {
		assert_memory_equal(cut.media[i], im.devs[i].base, im.devs[i].bytes);
		munmap(cut.media[i], im.devs[i].bytes);
	}
	image_fini(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sizes_are_sound),
		cmocka_unit_test(old_content_is_no_part_of_it),
		cmocka_unit_test(further_devices_have_tables_of_their_own),
		cmocka_unit_test(logs_are_as_many_as_the_size_allows),
		cmocka_unit_test(a_large_file_stays_sparse),
		cmocka_unit_test(bad_sizes_are_refused),
		cmocka_unit_test(a_cut_leaves_no_super_before_the_end),
	};

	return cmocka_run_group_tests_name("tierfs format", tests, NULL, NULL);
}
