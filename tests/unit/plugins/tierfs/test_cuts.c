// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: what names are after a cut in the middle of an operation. Each fence of an operation is
 * a moment whose T1 is copied, as if everything stored so far were durable and nothing later; each
 * copy is checked as fsck.tierfs does, mounted, compared with the tree before and after the
 * operation, and emptied. Which stores a cut may lose is for the crash tests.
 */
#include "fixture.h"

#include <linux/fs.h>
#include <stdio.h>

#define T1_BYTES	((uint64_t)4 << 20)
#define MAX_COPIES	256U

static const struct fake_node none;

/* What the fences have seen; a test has one thread. */
static struct {
	void (*fence)(const struct zus_env *env);
	const uint8_t *t1;
	uint8_t *copies[MAX_COPIES];
	unsigned int n;
} seen;

static void fence_and_copy(const struct zus_env *env)
{
	seen.fence(env);
	assert_in_range(seen.n, 0, MAX_COPIES - 1);
	seen.copies[seen.n] = test_malloc(T1_BYTES);
	memcpy(seen.copies[seen.n++], seen.t1, T1_BYTES);
}

static void watch(struct fixture *fx, bool on)
{
	struct zus_env *env = spoil(fake_sb(fx->f)->env);

	if (on) {
		seen.n = 0;
		seen.t1 = fake_md(fx->f)->t1;
		seen.fence = env->fence;
		env->fence = fence_and_copy;
	} else {
		env->fence = seen.fence;
	}
}

/* A name can be made and removed everywhere, then nothing is left. */
static void use_and_empty(struct fixture *fx)
{
	struct fake_node d;

	if (fake_lookup(fx->t, fx->root, "d", &d) == 0) {
		must_forget(fx, must_creat(fx, d, "one more"));
		must_remove_name(fx, d, "one more");
		check_dir(fx, d);
		must_forget(fx, d);
	}
	must_forget(fx, must_creat(fx, fx->root, "one more"));
	must_remove_all(fx, fx->root);
	fixture_end_empty(fx);
}

/* Returns whether the tree is that of before or after. */
static bool check_copy(struct fixture *origin, const uint8_t *copy, const char *before,
		       const char *after)
{
	struct fixture *fx = fixture_new_image(&(struct fake_opts){ .t1_bytes = T1_BYTES }, NULL);
	bool same;
	char *tree;

	/* but for the device table */
	memcpy(fake_md(fx->f)->t1 + BLOCK, copy + BLOCK, T1_BYTES - BLOCK);
	fx->free_blocks = origin->free_blocks;
	fixture_check(fx);
	fixture_mount(fx);
	tree = tree_of(fx);
	same = !strcmp(tree, before) || !strcmp(tree, after);
	if (!same)
		print_message("cut:\n%sbefore:\n%safter:\n%s", tree, before, after);
	test_free(tree);
	use_and_empty(fx);
	return same;
}

typedef void (*step_fn)(struct fixture *fx, unsigned int i);

/* All cuts of a step. */
static void cut_step(struct fixture *fx, step_fn step, unsigned int arg)
{
	char *before = tree_of(fx), *after;
	unsigned int i;

	watch(fx, true);
	step(fx, arg);
	watch(fx, false);
	after = tree_of(fx);
	assert_true(seen.n > 0);
	for (i = 0; i < seen.n; i++) {
		assert_true(check_copy(fx, seen.copies[i], before, after));
		test_free(seen.copies[i]);
	}
	test_free(before);
	test_free(after);
}

static struct fixture *begin(void)
{
	struct fixture *fx = fixture_new(&(struct fake_opts){ .t1_bytes = T1_BYTES }, NULL);

	must_forget(fx, must_mkdir(fx, fx->root, "d"));
	must_forget(fx, must_mkdir(fx, fx->root, "e"));
	must_forget(fx, must_creat(fx, fx->root, "f"));
	return fx;
}

static void finish(struct fixture *fx)
{
	must_remove_all(fx, fx->root);
	fixture_end_empty(fx);
}

/* ---- steps ---- */

static void link_to(struct fixture *fx, unsigned int i)
{
	struct fake_node d = must_lookup(fx, fx->root, "d"), f = must_lookup(fx, fx->root, "f");
	char name[32];

	snprintf(name, sizeof(name), "n%u", i);
	assert_int_equal(fake_link(fx->t, d, f, name), 0);
	must_forget(fx, d);
	must_forget(fx, f);
}

static void unlink_from(struct fixture *fx, unsigned int i)
{
	struct fake_node d = must_lookup(fx, fx->root, "d");
	char name[32];

	snprintf(name, sizeof(name), "n%u", i);
	must_remove_name(fx, d, name);
	must_forget(fx, d);
}

static void make_all_kinds(struct fixture *fx, unsigned int i)
{
	struct fake_node n;
	char target[300], name[32];

	memset(target, 't', sizeof(target));
	target[i % 2 ? 299 : 60] = 0;
	snprintf(name, sizeof(name), "k%u", i);
	switch (i % 4) {
	case 0:
		n = must_creat(fx, fx->root, name);
		break;
	case 1:
		n = must_mkdir(fx, fx->root, name);
		break;
	default:
		assert_int_equal(fake_symlink(fx->t, fx->root, name, target, &n), 0);
	}
	must_forget(fx, n);
}

static void remove_all_kinds(struct fixture *fx, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "k%u", i);
	must_remove_name(fx, fx->root, name);
}

/* From a directory to the other one; `flags`, over what is there. */
static void move(struct fixture *fx, const char *from, const char *old_name, const char *to,
		 const char *new_name, uint32_t flags)
{
	struct fake_node a = must_lookup(fx, fx->root, from), b = must_lookup(fx, fx->root, to);
	struct fake_node node = must_lookup(fx, a, old_name), target = none;

	if (fake_lookup(fx->t, b, new_name, &target))
		target = none;
	assert_int_equal(fake_rename(fx->t, a, old_name, node, b, new_name, target, flags), 0);
	if (target.zi)
		must_forget(fx, target);
	must_forget(fx, node);
	must_forget(fx, a);
	must_forget(fx, b);
}

static void rename_somehow(struct fixture *fx, unsigned int i)
{
	static const struct {
		const char *from, *old_name, *to, *new_name;
		uint32_t flags;
	} moves[] = {
		{ "d", "a", "d", "b", 0 },
		{ "d", "b", "e", "b", 0 },
		{ "e", "b", "e", "c", 0 },		/* replaces */
		{ "e", "c", "d", "sub", RENAME_EXCHANGE },
		{ "e", "c", "d", "dir", 0 },		/* a directory */
		{ "d", "sub", "e", "x", RENAME_WHITEOUT },
		{ "d", "dir", "e", "dir2", 0 },		/* over an empty one */
		{ "e", "x", "e", "a name that takes more than a unit of bytes", 0 },
	};

	move(fx, moves[i].from, moves[i].old_name, moves[i].to, moves[i].new_name, moves[i].flags);
}

/* ---- tests ---- */

static void new_and_removed_inodes_are_whole(void **state)
{
	struct fixture *fx = begin();
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		cut_step(fx, make_all_kinds, i);
	for (i = 0; i < 4; i++)
		cut_step(fx, remove_all_kinds, i);
	finish(fx);
}

static void renames_are_whole(void **state)
{
	struct fixture *fx = begin();
	struct fake_node d = must_lookup(fx, fx->root, "d"), e = must_lookup(fx, fx->root, "e");
	unsigned int i;

	(void)state;
	must_forget(fx, must_creat(fx, d, "a"));
	must_forget(fx, must_mkdir(fx, d, "sub"));
	must_forget(fx, must_creat(fx, e, "c"));
	must_forget(fx, must_mkdir(fx, e, "dir2"));
	must_forget(fx, d);
	must_forget(fx, e);
	for (i = 0; i < 8; i++)
		cut_step(fx, rename_somehow, i);
	finish(fx);
}

/* First block, second block and index, splits of its buckets, and the end of all. */
static void growing_and_shrinking_is_whole(void **state)
{
	struct fixture *fx = begin();
	struct fake_node d = must_lookup(fx, fx->root, "d");
	unsigned int i, n = 1200;

	(void)state;
	for (i = 0; i < n; i++) {
		/* around the borders of blocks and where buckets are full */
		if (i < 2 || (i >= 125 && i < 128) || (i >= 447 && i < 450) || i > n - 3 ||
		    (i > 870 && i < 920 && i % 4 == 0))
			cut_step(fx, link_to, i);
		else
			link_to(fx, i);
	}
	for (i = 0; i < n; i++) {
		if (i < 2 || (i > 125 && i < 129))
			cut_step(fx, unlink_from, i);
		else if (i < n - 1)
			unlink_from(fx, i);
	}
	assert_true(node_of(d)->rec->hash);
	must_forget(fx, d);
	finish(fx);
}

/* The index goes in steps of its own, and a cut between them leaves one that is half there. */
static void index_that_is_half_gone_goes_on(void **state)
{
	struct fixture *fx = begin(), *cut;
	struct fake_node d;
	unsigned int i, halves = 0;

	(void)state;
	/* more buckets than a transaction frees */
	for (i = 0; i < 9000; i++)
		link_to(fx, i);
	for (i = 0; i < 8999; i++)
		unlink_from(fx, i);
	watch(fx, true);
	unlink_from(fx, 8999);
	watch(fx, false);
	assert_true(seen.n > 3);
	for (i = 0; i < seen.n; i++) {
		cut = fixture_new_image(&(struct fake_opts){ .t1_bytes = T1_BYTES }, NULL);
		memcpy(fake_md(cut->f)->t1 + BLOCK, seen.copies[i] + BLOCK, T1_BYTES - BLOCK);
		test_free(seen.copies[i]);
		cut->free_blocks = fx->free_blocks;
		fixture_check(cut);
		fixture_mount(cut);
		d = must_lookup(cut, cut->root, "d");
		if (!node_of(d)->rec->entries && node_of(d)->rec->hash) {
			halves++;
			/* it is used again, or removed as it is */
			if (halves % 2)
				must_forget(cut, must_creat(cut, d, "again"));
		}
		must_forget(cut, d);
		must_remove_all(cut, cut->root);
		fixture_end_empty(cut);
	}
	assert_true(halves > 1);
	finish(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_and_removed_inodes_are_whole),
		cmocka_unit_test(renames_are_whole),
		cmocka_unit_test(growing_and_shrinking_is_whole),
		cmocka_unit_test(index_that_is_half_gone_goes_on),
	};

	return cmocka_run_group_tests_name("tierfs cuts", tests, NULL, NULL);
}
