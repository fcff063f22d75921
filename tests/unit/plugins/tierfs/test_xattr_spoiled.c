// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: attributes of broken media, with right and with wrong checksums, are -EIO and do no harm.
 */
#include "attrs.h"

struct spoiled {
	struct fixture *fx;
	struct fake_node n;
	struct tierfs_xattrs *o;
	uint8_t saved[TIERFS_SLAB_MAX];
};

/* A file with a short and a long attribute, and where their object is. */
static void spoiled_init(struct spoiled *s)
{
	const struct tierfs_node *node;

	s->fx = fixture_new(NULL, NULL);
	s->n = must_creat(s->fx, s->fx->root, "f");
	must_set(s->fx, s->n, "short", 40, 1);
	must_set(s->fx, s->n, "long", 5000, 2);
	node = node_of(s->n);
	s->o = spoil(tierfs_ptr(fixture_fs(s->fx), node->rec->xattrs, 8));
	assert_non_null(s->o);
	memcpy(s->saved, s->o, s->o->bytes);
}

static void sum_up(struct tierfs_xattrs *o)
{
	o->crc = tierfs_crc_head(o, o->bytes);
}

static void must_be_broken(const struct spoiled *s)
{
	char buf[64];

	assert_int_equal(get(s->fx, s->n, "short", buf, 64), -EIO);
	assert_int_equal(fake_listxattr(s->fx->t, s->n, NULL, 0, true), -EIO);
	assert_int_equal(set(s->fx, s->n, "new", "1", 1, 0), -EIO);
	assert_int_equal(set(s->fx, s->n, "short", NULL, 0, 0), -EIO);
}

static void restore(const struct spoiled *s)
{
	memcpy(s->o, s->saved, ((const struct tierfs_xattrs *)s->saved)->bytes);
	must_have(s->fx, s->n, "short", 40, 1);
	must_have(s->fx, s->n, "long", 5000, 2);
}

static void spoiled_fini(struct spoiled *s)
{
	restore(s);
	must_remove(s->fx, s->fx->root, s->n, "f");
	assert_true(fixture_fs(s->fx)->errors > 0);
	fixture_end(s->fx);
}

/* The entries in the order in which they were set. */
static struct tierfs_xattr *entry(const struct spoiled *s, unsigned int i)
{
	uint8_t *at = (uint8_t *)(s->o + 1);

	while (i--)
		at += ((struct tierfs_xattr *)at)->bytes;
	return (struct tierfs_xattr *)at;
}

static void broken_objects_are_seen(void **state)
{
	struct spoiled s;
	struct tierfs_xattr *x;
	uint64_t *run;

	(void)state;
	spoiled_init(&s);
	((uint8_t *)(s.o + 1))[9] ^= 1;
	must_be_broken(&s);
	restore(&s);
	/* with a right checksum */
	s.o->count++;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	s.o->bytes = (uint16_t)(s.o->bytes - 8);
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	s.o->bytes = 8;
	s.o->count = 0;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x = entry(&s, 0);
	x->bytes = 0;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x->type = 77;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x->name_len = 0;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x = entry(&s, 1);
	x->value_len = MAX + 1;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	/* a run of another length, of what is no data, of nothing */
	run = (uint64_t *)(x + 1) + 2;
	*run += (uint64_t)1 << TIERFS_WORD_LEN_SHIFT;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	*run = (*run & ~TIERFS_WORD_BLOCK) | 1;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	*run = 0;
	sum_up(s.o);
	must_be_broken(&s);
	spoiled_fini(&s);
}

static void broken_pointers_and_values_are_seen(void **state)
{
	struct spoiled s;
	struct tierfs_inode *rec;
	tierfs_place_t place;
	uint8_t *value, *buf = test_malloc(MAX);
	struct tierfs_run run;

	(void)state;
	spoiled_init(&s);
	rec = spoil(node_of(s.n)->rec);
	place = rec->xattrs;
	rec->xattrs = place + 8;
	must_be_broken(&s);
	rec->xattrs = UINT64_MAX & ~(uint64_t)7;
	must_be_broken(&s);
	rec->xattrs = BLOCK;
	must_be_broken(&s);
	rec->xattrs = place;
	rec->xattr_bytes = 8;
	must_be_broken(&s);
	rec->xattr_bytes = TIERFS_SLAB_MAX;
	run = tierfs_word_run(fixture_fs(s.fx), *((uint64_t *)(entry(&s, 1) + 1) + 2));
	assert_int_equal(run.n, 2);
	value = zus_t1_addr(fake_md(s.fx->f), run.bn);
	value[4999] ^= 1;
	assert_int_equal(get(s.fx, s.n, "long", buf, MAX), -EIO);
	/* the rest can be had, also what is long to be removed */
	must_have(s.fx, s.n, "short", 40, 1);
	assert_int_equal(fake_listxattr(s.fx->t, s.n, NULL, 0, true), 11 + 10);
	value[4999] ^= 1;
	value[5000] ^= 1;
	test_free(buf);
	spoiled_fini(&s);
}

/* Nothing is read that is outside, whatever the object says. */
static void random_bytes_do_no_harm(void **state)
{
	struct spoiled s;
	char *buf = test_malloc(MAX);
	unsigned int i, k;

	(void)state;
	spoiled_init(&s);
	srand(2);
	for (i = 0; i < 5000; i++) {
		for (k = 1 + (unsigned int)rand() % 3; k; k--)
			((uint8_t *)s.o)[4 + rand() % 100] = (uint8_t)rand();
		if (s.o->bytes >= 8 && s.o->bytes <= TIERFS_SLAB_MAX)
			sum_up(s.o);
		get(s.fx, s.n, "short", buf, MAX);
		get(s.fx, s.n, "long", buf, MAX);
		fake_listxattr(s.fx->t, s.n, buf, MAX, true);
		memcpy(s.o, s.saved, ((const struct tierfs_xattrs *)s.saved)->bytes);
	}
	test_free(buf);
	spoiled_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_objects_are_seen),
		cmocka_unit_test(broken_pointers_and_values_are_seen),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("tierfs xattr spoiled", tests, NULL, NULL);
}
