// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fixture of the memofs tests; see fixture.h. Everything is freed by fixture_umount, and
 * what the plugin itself owns is what the tests count.
 */
#include "fixture.h"

#include <stdlib.h>

struct fixture *fixture_mount(const struct fake_opts *opts, const char *options)
{
	struct fixture *fx = test_calloc(1, sizeof(*fx));

	if (!options)
		options = getenv("MEMOFS_TEST_OPTIONS");
	assert_int_equal(fake_create(&fx->f, &zus_plugin, opts), 0);
	assert_int_equal(fake_mount(fx->f, options ? options : ""), 0);
	fx->t = fake_thread_create(fx->f, 0);
	assert_non_null(fx->t);
	fx->root = fake_root(fx->f);
	return fx;
}

struct memofs_sb *fixture_sb(const struct fixture *fx)
{
	return memofs_sb_of(fake_sb(fx->f));
}

struct memofs_inode *inode_of(struct fake_node node)
{
	return (struct memofs_inode *)(uintptr_t)node.ii;
}

uint64_t block_of(const struct memofs_inode *mi, uint64_t index)
{
	struct memofs_walk w;
	struct memofs_run r = { .bn = 0 };

	memofs_walk_init(&w, mi, index, index + 1);
	memofs_walk_next(&w, &r);
	return r.bn;
}

void assert_runs_are_true(struct fake_node node)
{
	const struct memofs_inode *mi = inode_of(node);
	struct memofs_run r = { .bn = 0 };
	struct memofs_walk w;
	uint64_t i;

	memofs_walk_init(&w, mi, 0, memofs_blocks_up(zus_zi_size(node.zi)));
	while (memofs_walk_next(&w, &r)) {
		for (i = 0; r.bn && i < r.n; i++) {
			struct memofs_run one = { .index = r.index + i, .n = 1 };

			memofs_map_run(mi, &one);
			assert_int_equal(one.bn, r.bn + i);
		}
	}
}

void fixture_umount(struct fixture *fx)
{
	const struct memofs_sb *msb = fixture_sb(fx);

	/* the root and the block that it lies in */
	assert_int_equal(msb->inodes, 1);
	assert_int_equal(memofs_blocks_left(msb), msb->usable - 1);
	/* a write by the mapped way moves i_size itself */
	if (!(fake_mount_info(fx->f)->fs_caps & ZUFS_FSC_NIO_WRITES))
		assert_int_equal(fake_sizes_raised(fx->f), 0);
	fake_thread_destroy(fx->t);
	assert_int_equal(fake_umount(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	fake_destroy(fx->f);
	test_free(fx);
}

int setup(void **state)
{
	*state = fixture_mount(NULL, NULL);
	return 0;
}

int teardown(void **state)
{
	fixture_umount(*state);
	return 0;
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

void must_write(struct fixture *fx, struct fake_node node, const void *buf, size_t len,
		uint64_t pos)
{
	assert_int_equal(fake_write(fx->t, node, buf, len, pos), len);
}

void must_remove(struct fixture *fx, struct fake_node dir, struct fake_node node,
		 const char *name)
{
	assert_int_equal(fake_unlink(fx->t, dir, node, name), 0);
	assert_int_equal(fake_forget(fx->t, node), 0);
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
	return le64toh(node.zi->i_dir.parent);
}

void must_fill(struct fixture *fx, struct fake_node a, char c, uint64_t blocks)
{
	char *buf = test_malloc(blocks * BLOCK);

	memset(buf, c, blocks * BLOCK);
	must_write(fx, a, buf, blocks * BLOCK, 0);
	test_free(buf);
}

char byte_at(struct fixture *fx, struct fake_node a, uint64_t pos)
{
	char c = 0;

	assert_int_equal(fake_read(fx->t, a, &c, 1, pos), 1);
	return c;
}

void must_clone(struct fixture *fx, struct fake_node src, struct fake_node dst)
{
	assert_int_equal(fake_clone(fx->t, src, dst, 0, 0, zus_zi_size(src.zi), 0), 0);
}

uint64_t blocks_left(struct fixture *fx)
{
	assert_int_equal(fake_goose(fx->t, 0), 0);
	return memofs_blocks_left(fixture_sb(fx));
}
