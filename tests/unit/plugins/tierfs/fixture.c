// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fixture of the tierfs tests; see fixture.h. tree.c has what looks at all names.
 */
#include "fixture.h"

#include <check.h>
#include <stdio.h>
#include <zus/md.h>

#define DEFAULT_T1	((uint64_t)16 << 20)

static void format(const struct fake *f)
{
	const struct zus_md *md = fake_md(f);
	struct tierfs_format_dev devs[TIERFS_MAX_DEVS];
	struct tierfs_format fmt = {
		.set_uuid = "set of the tests",
		.label = "tests",
		.log_secret = 0x123456789abcdef,
		.hash_seed = { 1, 2 },
		.now_ns = 1000000000,
		.mode = 0755,
		.generation = 1,
		.zeroed = true,
		.nr_devs = zus_md_t1_count(&md->mdt),
		.devs = devs,
	};
	uint8_t *at = md->t1;
	uint32_t i;

	for (i = 0; i < fmt.nr_devs; i++) {
		devs[i] = (struct tierfs_format_dev) {
			.base = at,
			.bytes = zus_md_dev_blocks(&md->mdt, i) * BLOCK,
			.uuid = { (uint8_t)(i + 1) },
		};
		at += devs[i].bytes;
	}
	assert_int_equal(tierfs_format(&fmt), 0);
}

struct fixture *fixture_new_image(const struct fake_opts *opts, const char *options)
{
	struct fixture *fx = test_calloc(1, sizeof(*fx));
	struct fake_opts o = { .t1_bytes = DEFAULT_T1 };

	fx->options = options ? options : "";
	assert_int_equal(fake_create(&fx->f, &zus_plugin, opts ? opts : &o), 0);
	format(fx->f);
	return fx;
}

int fixture_try_mount(struct fixture *fx, uint64_t flags)
{
	int err = fake_mount_flags(fx->f, fx->options, flags);

	if (err)
		return err;
	fx->t = fake_thread_create(fx->f, 0);
	assert_non_null(fx->t);
	fx->root = fake_root(fx->f);
	return 0;
}

void fixture_mount(struct fixture *fx)
{
	assert_int_equal(fixture_try_mount(fx, 0), 0);
}

struct fixture *fixture_new(const struct fake_opts *opts, const char *options)
{
	struct fixture *fx = fixture_new_image(opts, options);

	fixture_mount(fx);
	fx->free_blocks = tierfs_blocks_left(fixture_fs(fx));
	return fx;
}

static void print_finding(void *ctx, const struct tierfs_check_finding *finding)
{
	char object[TIERFS_CHECK_TEXT];

	(void)ctx;
	if (finding->severity == TIERFS_CHECK_NOTE)
		return;
	tierfs_check_object(finding, object);
	print_message("fsck: %s: %s\n", object, finding->text);
}

void fixture_check(const struct fixture *fx)
{
	const struct zus_md *md = fake_md(fx->f);
	struct tierfs_check_dev devs[TIERFS_MAX_DEVS];
	struct tierfs_check_devs set = { .nr = zus_md_t1_count(&md->mdt), .devs = devs };
	struct tierfs_check_result result;
	const uint8_t *at = md->t1;
	uint32_t i;

	for (i = 0; i < set.nr; i++) {
		devs[i] = (struct tierfs_check_dev) {
			.base = at,
			.bytes = zus_md_dev_blocks(&md->mdt, i) * BLOCK,
		};
		at += devs[i].bytes;
	}
	assert_int_equal(tierfs_check(&set, NULL, print_finding, NULL, &result), 0);
	assert_int_equal(result.errors, 0);
	assert_int_equal(result.leaks, 0);
}

void fixture_umount(struct fixture *fx)
{
	fake_thread_destroy(fx->t);
	fx->t = NULL;
	fx->spoiled |= fixture_fs(fx)->errors;
	assert_int_equal(fake_umount(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	if (!fx->spoiled)
		fixture_check(fx);
}

void fixture_remount(struct fixture *fx)
{
	fixture_umount(fx);
	fixture_mount(fx);
}

void fixture_crash(struct fixture *fx)
{
	uint8_t *t1 = fake_md(fx->f)->t1, *copy;
	uint64_t bytes = fake_md(fx->f)->t1_blocks * BLOCK;

	copy = test_malloc(bytes);
	memcpy(copy, t1, bytes);
	fake_thread_destroy(fx->t);
	fx->t = NULL;
	assert_int_equal(fake_umount_dirty(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	memcpy(t1, copy, bytes);
	test_free(copy);
	if (!fx->spoiled)
		fixture_check(fx);
	fixture_mount(fx);
}

void fixture_end(struct fixture *fx)
{
	fixture_umount(fx);
	fake_destroy(fx->f);
	test_free(fx);
}

/* Objects in use in all chunks of a kind. */
static uint64_t used_objects(const struct tierfs *fs, enum tierfs_kind kind)
{
	uint64_t i, used = 0;

	for (i = 0; i < fs->sb.md->t1_blocks; i += TIERFS_CHUNK_BLOCKS) {
		const struct tierfs_chunk *c = zus_t1_addr(fs->sb.md, i);
		const struct tierfs_dev *d = tierfs_dev_of(fs, i);
		uint64_t block = i - d->first_bn;

		if (tierfs_kind_at(fs, c) == kind && d->bitmaps[block / 64] >> block % 64 & 1)
			used += c->used;
	}
	return used;
}

/*
 * Inodes keep their chunks and the page above them, and of each other kind one empty chunk is kept.
 */
static void check_space(const struct fixture *fx)
{
	struct tierfs *fs = fixture_fs(fx);
	uint64_t chunks = fs->root->nr_chunks, kept = chunks + 1 + TIERFS_SLAB_CLASSES;

	assert_int_equal(tierfs_inodes_used(fs), 1);
	assert_int_equal(used_objects(fs, TIERFS_KIND_SLABS), 0);
	assert_int_equal(used_objects(fs, TIERFS_KIND_PAGES), fs->nr_logs + (chunks > 1));
	assert_in_range(tierfs_blocks_left(fs), fx->free_blocks - kept * TIERFS_CHUNK_BLOCKS,
			fx->free_blocks);
}

void fixture_end_empty(struct fixture *fx)
{
	const struct tierfs_node *root;

	fixture_remount(fx);
	root = node_of(fx->root);
	assert_int_equal(root->rec->entries, 0);
	assert_int_equal(root->rec->size, 64);
	assert_int_equal(root->rec->nlink, 2);
	assert_int_equal(root->rec->hash, 0);
	assert_int_equal(root->rec->blocks, 0);
	check_space(fx);
	assert_int_equal(fixture_fs(fx)->errors, 0);
	fixture_end(fx);
}

int setup(void **state)
{
	*state = fixture_new(NULL, NULL);
	return 0;
}

int teardown(void **state)
{
	fixture_end_empty(*state);
	return 0;
}

uint64_t block_of(struct fake_node node, uint64_t index)
{
	struct tierfs_run run;

	assert_int_equal(tierfs_map_find(node_of(node), index, 1, &run), 0);
	return run.bn;
}

struct fake_node must_creat(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node node;

	assert_int_equal(fake_creat(fx->t, dir, name, &node), 0);
	return node;
}

struct fake_node must_mkdir(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node node;

	assert_int_equal(fake_mkdir(fx->t, dir, name, &node), 0);
	return node;
}

struct fake_node must_lookup(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node node;

	assert_int_equal(fake_lookup(fx->t, dir, name, &node), 0);
	return node;
}

void must_forget(struct fixture *fx, struct fake_node node)
{
	assert_int_equal(fake_forget(fx->t, node), 0);
}

void must_write(struct fixture *fx, struct fake_node node, const void *buf, size_t len,
		uint64_t pos)
{
	assert_int_equal(fake_write(fx->t, node, buf, len, pos), len);
}

void must_fill(struct fixture *fx, struct fake_node a, char c, uint64_t blocks)
{
	char *buf = test_malloc(blocks * BLOCK);

	memset(buf, c, blocks * BLOCK);
	must_write(fx, a, buf, blocks * BLOCK, 0);
	test_free(buf);
}

void must_remove(struct fixture *fx, struct fake_node dir, struct fake_node node,
		 const char *name)
{
	assert_int_equal(fake_unlink(fx->t, dir, node, name), 0);
	must_forget(fx, node);
}

void must_remove_name(struct fixture *fx, struct fake_node dir, const char *name)
{
	must_remove(fx, dir, must_lookup(fx, dir, name), name);
}

char byte_at(struct fixture *fx, struct fake_node a, uint64_t pos)
{
	char c = 0;

	assert_int_equal(fake_read(fx->t, a, &c, 1, pos), 1);
	return c;
}

uint64_t ino_of(struct fixture *fx, struct fake_node dir, const char *name)
{
	struct fake_node node;
	uint64_t ino;
	int err = fake_lookup(fx->t, dir, name, &node);

	if (err) {
		assert_int_equal(err, -ENOENT);
		return 0;
	}
	ino = zus_zi_ino(node.zi);
	assert_int_equal(fake_evict(fx->t, node, 0), 0);
	return ino;
}

uint64_t parent_of(struct fake_node node)
{
	return zus_zi_parent(node.zi);
}
