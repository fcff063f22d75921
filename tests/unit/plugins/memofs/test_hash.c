// SPDX-License-Identifier: BSD-2-Clause
/*
 * What users must not be able to work out: how names are spread over the buckets of a directory,
 * from anything that a mount shows. The hash itself against vectors of the reference.
 */
#include "fixture.h"

#include <zus/siphash.h>

#define MOUNTS	8
#define LOOK_NS	10000000		/* between the beginning of a mount and its root, at most */

struct vector {
	size_t len;
	uint64_t hash;
};

static void hash_is_the_published_one(void **state)
{
	/* of 0, 1, 2 ... with the key 0, 1 ... 15 */
	static const struct vector vectors[] = {
		{ 0, 0x726fdb47dd0e0e31ULL }, { 1, 0x74f839c593dc67fdULL },
		{ 2, 0x0d6c8009d9a94f5aULL }, { 3, 0x85676696d7fb7e2dULL },
		{ 4, 0xcf2794e0277187b7ULL }, { 5, 0x18765564cd99a68dULL },
		{ 6, 0xcbc9466e58fee3ceULL }, { 7, 0xab0200f58b01d137ULL },
		{ 8, 0x93f5f5799a932462ULL }, { 9, 0x9e0082df0ba9e4b0ULL },
		{ 15, 0xa129ca6149be45e5ULL }, { 16, 0x3f2acc7f57c29bdbULL },
		{ 63, 0x958a324ceb064572ULL },
	};
	const uint64_t key[2] = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
	uint8_t data[65];
	size_t i, shift;

	(void)state;
	for (shift = 0; shift < 2; shift++) {
		for (i = 0; i < 64; i++)
			data[i + shift] = (uint8_t)i;
		for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
			assert_true(zus_siphash(key, data + shift, vectors[i].len) ==
				    vectors[i].hash);
	}
}

/* Names are hashed by it, with the mount's own key. */
static void names_are_hashed_with_the_key(void **state)
{
	struct fixture *fx = *state;
	const struct memofs_dir *dir = &inode_of(fx->root)->dir;
	struct fake_node node = must_creat(fx, fx->root, "a name");
	const struct memofs_dentry *d = (const void *)(uintptr_t)dir->slots[0];

	assert_true(d->hash == zus_siphash(fixture_sb(fx)->hash_seed, "a name", 6));
	must_remove(fx, fx->root, node, "a name");
}

/* Is a word what any of the nanoseconds before a time would give? */
static bool is_of_time(uint64_t word, uint64_t time_ns)
{
	uint64_t d;

	for (d = 0; d < LOOK_NS; d++) {
		if (word == (time_ns - d) * 0x9e3779b97f4a7c15ULL || word == time_ns - d)
			return true;
	}
	return false;
}

/* Are the 32 bits that users see to be found in a word, or but one step from it? */
static bool shows(uint64_t word, uint32_t seen)
{
	unsigned int shift;

	for (shift = 0; shift < 48; shift++) {
		uint32_t part = (uint32_t)(word >> shift);

		if (seen == part || seen == part + 1 || seen / MEMOFS_SHARDS == part + 1 ||
		    seen / MEMOFS_SHARDS == ((part + 1) & UINT32_MAX / MEMOFS_SHARDS))
			return true;
	}
	return false;
}

static void key_is_of_nothing_that_users_see(void **state)
{
	uint64_t seeds[MOUNTS][2];
	uint32_t seen[MOUNTS];
	unsigned int i, j;

	(void)state;
	for (i = 0; i < MOUNTS; i++) {
		struct fixture *fx = fixture_mount(NULL, NULL);

		memcpy(seeds[i], fixture_sb(fx)->hash_seed, sizeof(seeds[i]));
		seen[i] = (uint32_t)le64toh(fx->root.zi->i_generation);
		for (j = 0; j < 2; j++) {
			assert_false(!i && is_of_time(seeds[i][j], le64toh(fx->root.zi->i_ctime)));
			assert_false(shows(seeds[i][j], seen[i]));
		}
		for (j = 0; j < i; j++) {
			assert_true(seeds[j][0] != seeds[i][0]);
			assert_true(seeds[j][1] != seeds[i][1]);
			/* nor finds a handle of an earlier mount what this one has */
			assert_true(seen[j] != seen[i]);
		}
		fixture_umount(fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_the_published_one),
		cmocka_unit_test_setup_teardown(names_are_hashed_with_the_key, setup, teardown),
		cmocka_unit_test(key_is_of_nothing_that_users_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
