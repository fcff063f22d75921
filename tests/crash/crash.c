// SPDX-License-Identifier: BSD-2-Clause
/*
 * Power cuts, in process: operations of tierfs run on a small image; at each fence and at each
 * return all images that a cut could leave then (model.h), or a sample of them, are mounted and
 * looked at. Each must show the tree as it was before the operation or after it, and after a
 * return only the latter; the checker of fsck.tierfs must find nothing, also after some more work.
 * Of some images the recovery itself is cut at each of its fences: whatever remains must recover to
 * the same tree.
 *
 * usage: crash [--seq 1|2] [--horizon] [--part K/N] [--max N] [--random N] [--seed N]
 *	[--only A[,B]] [--verbose]
 *	--seq 2		each pair of operations, one after the other
 *	--horizon	the logs are emptied after each transaction, else when one is full
 *	--part K/N	of the sequences those with a number that is K modulo N
 * The last line has the sums; status 1: something was lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <lib/inproc/inproc.h>
#include <tierfs.h>
#include <check.h>
#include "model.h"
#include "ops.h"
#include "tree.h"

#define T1_BYTES	((size_t)4 << 20)
#define RECOVERY_MAX	24		/* images of a cut in recovery, at each fence */

struct options {
	unsigned int seq;
	bool horizon;
	unsigned int part, parts;
	uint64_t max;
	unsigned int random;
	uint64_t seed;
	const char *only;
	bool verbose;
};

/* What the tree of an image was. */
struct result {
	uint64_t hash;			/* of the image; 0 = empty */
	uint64_t full, masked;		/* of the tree's text */
};

static struct options opts = {
	.seq = 1, .parts = 1, .max = 1024, .random = 64, .seed = 1,
};
static struct fake *subject, *boot;
static struct crash_model *model, *recovery_model;
static struct crash_world world;
static bool watching, watching_boot;	/* stores go to the model */
static bool looking;			/* at what a cut would leave, at each fence */
static struct tierfs_check_memory *check_memory;
static struct fake_thread *boot_thread;
static uint8_t *base_image;		/* formatted, with the tree of crash_setup */
static int64_t clock_ns;
static uint64_t random_state;

static struct result *cache;
static uint64_t cache_size, cache_used;

static struct {
	uint64_t sequences, points, images, mounts, cuts_in_recovery, lost;
} sums;

/* The operation under way, and what an image may show. */
static struct {
	const struct crash_op *first, *op;
	struct crash_text before, before_masked;
	uint64_t full[2], masked[2];
	bool after_known, returned;
	uint8_t *content[2];		/* of the file that is overwritten in place */
	size_t content_len;
	/* trees that were neither the one before nor looked at yet */
	struct {
		uint64_t full, masked;
		char *text;
	} other[64];
	unsigned int nr_other;
} now;

/* ---- the environment ---- */

static size_t offset_in(const struct fake *f, const void *addr)
{
	return (size_t)((const uint8_t *)addr - f->md.t1);
}

static struct crash_model *model_of(const struct zus_env *env)
{
	if (watching && env->ctx == subject)
		return model;
	return watching_boot && env->ctx == boot ? recovery_model : NULL;
}

static void env_store8(const struct zus_env *env, void *dst, uint64_t value)
{
	struct crash_model *m = model_of(env);

	*(uint64_t *)dst = value;
	if (m)
		crash_model_store(m, 0, offset_in(env->ctx, dst), &value, 8, false);
}

static void env_store(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	struct crash_model *m = model_of(env);

	memcpy(dst, src, bytes);
	if (m)
		crash_model_store(m, 0, offset_in(env->ctx, dst), src, bytes, false);
}

static void env_copy_nt(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	struct crash_model *m = model_of(env);

	memcpy(dst, src, bytes);
	if (m)
		crash_model_store(m, 0, offset_in(env->ctx, dst), src, bytes, true);
}

static void env_zero_nt(const struct zus_env *env, void *dst, size_t bytes)
{
	struct crash_model *m = model_of(env);

	memset(dst, 0, bytes);
	if (m)
		crash_model_store(m, 0, offset_in(env->ctx, dst), dst, bytes, true);
}

static void env_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	struct crash_model *m = model_of(env);

	if (m)
		crash_model_flush(m, 0, offset_in(env->ctx, addr), bytes);
}

static void at_fence(void);
static void at_recovery_fence(void);

static void env_fence(const struct zus_env *env)
{
	struct crash_model *m = model_of(env);

	if (m == model && m)
		at_fence();
	else if (m)
		at_recovery_fence();
	if (m)
		crash_model_fence(m, 0);
}

static int64_t env_now(const struct zus_env *env)
{
	(void)env;
	return clock_ns += 1000;
}

static int env_random(const struct zus_env *env, void *buf, size_t bytes)
{
	uint8_t *p = buf;
	size_t i;

	(void)env;
	for (i = 0; i < bytes; i++) {
		random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
		p[i] = (uint8_t)(random_state >> 56);
	}
	return 0;
}

static void env_log(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	(void)env;
	if (!opts.verbose || level > 4)
		return;
	vprintf(fmt, ap);
	putchar('\n');
}

static struct fake *make_fake(void)
{
	const struct fake_opts o = { .t1_bytes = T1_BYTES };
	struct fake *f;

	if (fake_create(&f, &zus_plugin, &o))
		abort();
	f->env.size = sizeof(f->env);
	f->env.store8 = env_store8;
	f->env.store = env_store;
	f->env.copy_nt = env_copy_nt;
	f->env.zero_nt = env_zero_nt;
	f->env.flush = env_flush;
	f->env.fence = env_fence;
	f->env.now_ns = env_now;
	f->env.random = env_random;
	f->env.vlog = env_log;
	return f;
}

/* ---- the cache of images ---- */

static struct result *cache_slot(uint64_t hash)
{
	uint64_t i = hash & (cache_size - 1);

	while (cache[i].hash && cache[i].hash != hash)
		i = (i + 1) & (cache_size - 1);
	return &cache[i];
}

static void cache_grow(void)
{
	struct result *old = cache;
	uint64_t i, size = cache_size;

	cache_size = size ? 2 * size : 1 << 16;
	cache = calloc(cache_size, sizeof(*cache));
	if (!cache)
		abort();
	for (i = 0; i < size; i++) {
		if (old[i].hash)
			*cache_slot(old[i].hash) = old[i];
	}
	free(old);
}

/* ---- what went wrong ---- */

static const char *sequence_name(void)
{
	static char name[80];

	snprintf(name, sizeof(name), "%s%s%s", now.first ? now.first->name : "",
		 now.first ? "," : "", now.op->name);
	return name;
}

static void lost(const char *what, const char *text)
{
	sums.lost++;
	if (sums.lost > 10)
		return;
	printf("LOST: %s: %s (point %llu)\n", sequence_name(), what,
	       (unsigned long long)sums.points);
	if (text)
		printf("--- before\n%s--- found\n%s", now.before.text, text);
}

static void print_finding(void *arg, const struct tierfs_check_finding *f)
{
	(void)arg;
	if (f->severity != TIERFS_CHECK_NOTE && sums.lost < 10)
		printf("    %s\n", f->text);
}

/* The image in the boot's T1, which nothing has mounted. */
static void check_image(const char *when)
{
	const struct tierfs_check_dev dev = { .base = boot->md.t1, .bytes = T1_BYTES };
	const struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };
	struct tierfs_check_result result;
	const struct tierfs_check_opts check_opts = { .memory = check_memory };
	int err = tierfs_check(&devs, &check_opts, print_finding, NULL, &result);

	if (err || result.errors || result.leaks) {
		printf("    checker: %d, %llu errors, %llu leaks\n", err,
		       (unsigned long long)result.errors, (unsigned long long)result.leaks);
		lost(when, NULL);
	}
}

/* ---- mounting an image ---- */

static bool content_is_mixed(struct fake_thread *t)
{
	uint8_t *found = calloc(1, now.content_len + 8);
	struct fake_node node;
	bool right = false;
	size_t i;

	if (!crash_walk(boot, t, now.op->path, &node)) {
		right = fake_read(t, node, found, now.content_len, 0) ==
			(ssize_t)now.content_len;
		fake_evict(t, node, ZI_LOOKUP_RACE);
	}
	for (i = 0; right && i < now.content_len; i += 8)
		right = !memcmp(found + i, now.content[0] + i, 8) ||
			!memcmp(found + i, now.content[1] + i, 8);
	free(found);
	return right;
}

/* Some more work, which meets what a recovery has left wrong in DRAM. */
static void work_on(struct fake_thread *t)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct fake_node node;
		uint8_t data[5000] = { 1, 2, 3 };
		int err = fake_mknod(t, fake_root(boot), "more", S_IFREG | 0644, 0, &node);

		if (!err && fake_write(t, node, data, sizeof(data), 100) != sizeof(data))
			err = -EIO;
		if (!err)
			err = fake_unlink(t, fake_root(boot), node, "more");
		if (!err)
			err = fake_forget(t, node);
		if (err)
			lost("no work is possible after recovery", NULL);
	}
}

static int boot_mount(void)
{
	int err = fake_mount(boot, opts.horizon ? "test_horizon" : "");

	sums.mounts++;
	if (err)
		lost(strerror(-err), "the mount fails\n");
	return err;
}

/* The tree of an image that is in the boot's T1. */
static bool boot_and_look(struct result *r, struct crash_text *text, bool more)
{
	struct fake_thread *t = boot_thread;
	int64_t clock = clock_ns;
	uint64_t random = random_state;
	struct crash_text masked = { .text = NULL };
	int err;

	if (boot_mount())
		return false;
	watching_boot = false;
	err = crash_tree(boot, t, false, text);
	if (err)
		lost("the tree cannot be read", text->text);
	r->full = crash_hash(0, text->text, text->len);
	if (!err && now.op && now.op->in_place) {
		crash_tree(boot, t, true, &masked);
		r->masked = crash_hash(0, masked.text, masked.len);
		crash_text_free(&masked);
		if (!now.returned && r->full != now.full[0] && r->masked == now.masked[0] &&
		    content_is_mixed(t))
			r->full = now.full[0];
	}
	if (more)
		work_on(t);
	if (fake_umount(boot))
		lost("unmount after recovery", NULL);
	clock_ns = clock;
	random_state = random;
	return !err;
}

static void result_note(const struct result *r, const struct crash_text *text)
{
	unsigned int i;

	if (r->full == now.full[0] && !now.returned)
		return;
	if (now.after_known && r->full == now.full[1])
		return;
	if (now.after_known) {
		lost(now.returned ? "what was acknowledged is not there" :
				    "neither before nor after", text->text);
		return;
	}
	for (i = 0; i < now.nr_other; i++) {
		if (now.other[i].full == r->full)
			return;
	}
	if (now.nr_other == 64) {
		lost("too many trees", text->text);
		return;
	}
	now.other[now.nr_other].full = r->full;
	now.other[now.nr_other].masked = r->masked;
	now.other[now.nr_other++].text = text->text ? strdup(text->text) : NULL;
}

/* ---- cuts in recovery ---- */

static uint64_t recovery_full;		/* what the whole recovery leads to */
static uint8_t *recovery_images;	/* copies: the boot's own T1 is in use */
static unsigned int nr_recovery_images;

static int keep_image(void *arg, const void *image, uint64_t hash)
{
	(void)arg;
	(void)hash;
	if (nr_recovery_images < 256)
		memcpy(recovery_images + nr_recovery_images++ * T1_BYTES, image, T1_BYTES);
	return 0;
}

static void at_recovery_fence(void)
{
	crash_model_images(recovery_model, RECOVERY_MAX, 2, &opts.seed, keep_image, NULL);
}

/* Each image that the cut recovery left must recover to the same. */
static void look_at_recovery_images(void)
{
	struct crash_text text = { .text = NULL };
	struct result r;
	unsigned int i;

	for (i = 0; i < nr_recovery_images; i++) {
		memcpy(boot->md.t1, recovery_images + i * T1_BYTES, T1_BYTES);
		sums.cuts_in_recovery++;
		r = (struct result){ .hash = 1 };
		if (boot_and_look(&r, &text, false) && r.full != recovery_full)
			lost("a cut in recovery leads elsewhere", text.text);
		check_image("after a cut in recovery");
	}
	crash_text_free(&text);
	nr_recovery_images = 0;
}

/* ---- images ---- */

static int look_at_image(void *arg, const void *image, uint64_t hash)
{
	struct result *slot, r = { .hash = hash };
	struct crash_text text = { .text = NULL };
	bool more = hash % 8 == 0, cut = hash % 64 == 1, seen;

	(void)arg;
	sums.images++;
	slot = cache_slot(hash);
	seen = slot->hash && !now.op->in_place;
	if (seen) {
		r = *slot;
		/* what it showed is right, unless it must not be seen now */
		if (r.full == now.full[0] && !now.returned)
			return 0;
		if (now.after_known && r.full == now.full[1])
			return 0;
	}
	memcpy(boot->md.t1, image, T1_BYTES);
	if (cut) {
		crash_model_reset(recovery_model, image);
		watching_boot = true;
	}
	if (boot_and_look(&r, &text, more && !seen)) {
		result_note(&r, &text);
		check_image("after recovery");
	}
	watching_boot = false;
	if (cut) {
		recovery_full = r.full;
		look_at_recovery_images();
	}
	if (!slot->hash) {
		*slot = r;
		if (2 * ++cache_used > cache_size)
			cache_grow();
	}
	crash_text_free(&text);
	return sums.lost > 100;
}

static void at_point(void)
{
	sums.points++;
	crash_model_images(model, opts.max, opts.random, &opts.seed, look_at_image, NULL);
}

static void at_fence(void)
{
	if (looking)
		at_point();
}

/* ---- operations ---- */

static void content_read(void)
{
	struct fake_node node;
	const struct crash_op *op = now.op;

	if (!op->in_place || crash_walk(subject, world.t, op->path, &node))
		return;
	now.content_len = (size_t)zus_zi_size(node.zi);
	now.content[0] = calloc(1, now.content_len + 8);
	now.content[1] = calloc(1, now.content_len + 8);
	fake_read(world.t, node, now.content[0], now.content_len, 0);
	memcpy(now.content[1], now.content[0], now.content_len);
	crash_fill(op, now.content[1], now.content_len);
	fake_evict(world.t, node, ZI_LOOKUP_RACE);
}

static void judge(const struct crash_text *after)
{
	unsigned int i;

	for (i = 0; i < now.nr_other; i++) {
		if (now.other[i].full != now.full[1]) {
			lost("neither before nor after", now.other[i].text);
			printf("--- after\n%s", after->text);
		}
		free(now.other[i].text);
	}
	now.nr_other = 0;
}

static uint64_t tree_hash(bool mask, struct crash_text *text)
{
	bool were = watching;
	int err;

	watching = false;
	err = crash_tree(subject, world.t, mask, text);
	watching = were;
	if (err) {
		printf("%s", text->text);
		abort();
	}
	return crash_hash(0, text->text, text->len);
}

/* Runs it; cuts at its fences and at its return are looked at. */
static void run_op(const struct crash_op *op)
{
	struct crash_text after = { .text = NULL };

	now.op = op;
	now.after_known = false;
	now.returned = false;
	now.full[0] = tree_hash(false, &now.before);
	now.masked[0] = tree_hash(true, &now.before_masked);
	content_read();
	watching = true;
	looking = true;
	op->run(&world, op);
	watching = false;
	looking = false;
	now.full[1] = tree_hash(false, &after);
	judge(&after);
	now.after_known = true;
	now.returned = true;
	now.masked[0] = tree_hash(true, &now.before_masked);
	at_point();
	free(now.content[0]);
	free(now.content[1]);
	now.content[0] = now.content[1] = NULL;
	crash_text_free(&after);
}

static void world_mount(void)
{
	if (fake_mount(subject, opts.horizon ? "test_horizon" : ""))
		abort();
	world.f = subject;
	if (!world.t)
		world.t = fake_thread_create(subject, 0);
}

static void world_umount(void)
{
	if (fake_umount(subject))
		abort();
}

/* The first operation's cuts are looked at where it stands alone. */
static void run_sequence(const struct crash_op *first, const struct crash_op *second)
{
	memcpy(subject->md.t1, base_image, T1_BYTES);
	clock_ns = 2000000000;
	random_state = 7;
	world_mount();
	crash_model_reset(model, subject->md.t1);
	now.first = NULL;
	if (second) {
		watching = true;
		first->run(&world, first);
		now.first = first;
	}
	run_op(second ? second : first);
	world_umount();
	sums.sequences++;
}

static void make_base(void)
{
	struct tierfs_format_dev dev = { .base = subject->md.t1, .bytes = T1_BYTES, .uuid = "dev" };
	const struct tierfs_format format = {
		.set_uuid = "crash",
		.log_secret = 0x1234567,
		.hash_seed = { 3, 4 },
		.now_ns = 1000000000,
		.mode = 0755,
		.generation = 5,
		.zeroed = true,
		.nr_devs = 1,
		.devs = &dev,
	};

	if (tierfs_format(&format))
		abort();
	world_mount();
	crash_setup(&world);
	world_umount();
	base_image = malloc(T1_BYTES);
	memcpy(base_image, subject->md.t1, T1_BYTES);
	memcpy(boot->md.t1, base_image, T1_BYTES);
	now.op = &crash_ops[0];
	check_image("the image to begin with");
}

/* ---- main ---- */

static bool is_wanted(unsigned int number, const struct crash_op *a, const struct crash_op *b)
{
	char name[80];

	if (opts.only) {
		snprintf(name, sizeof(name), "%s%s%s", a->name, b ? "," : "", b ? b->name : "");
		return !strcmp(opts.only, name);
	}
	return number % opts.parts == opts.part;
}

static void run_all(void)
{
	unsigned int i, j, number = 0;

	for (i = 0; i < crash_nr_ops; i++) {
		if (opts.seq == 1 && is_wanted(number++, &crash_ops[i], NULL))
			run_sequence(&crash_ops[i], NULL);
		for (j = 0; opts.seq == 2 && j < crash_nr_ops; j++) {
			if (is_wanted(number++, &crash_ops[i], &crash_ops[j]))
				run_sequence(&crash_ops[i], &crash_ops[j]);
		}
	}
}

static void parse(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--horizon")) {
			opts.horizon = true;
			continue;
		} else if (!strcmp(argv[i], "--verbose")) {
			opts.verbose = true;
			continue;
		} else if (!strcmp(argv[i], "--seq")) {
			opts.seq = (unsigned int)atoi(value);
		} else if (!strcmp(argv[i], "--max")) {
			opts.max = strtoull(value, NULL, 0);
		} else if (!strcmp(argv[i], "--random")) {
			opts.random = (unsigned int)atoi(value);
		} else if (!strcmp(argv[i], "--seed")) {
			opts.seed = strtoull(value, NULL, 0);
		} else if (!strcmp(argv[i], "--only")) {
			opts.only = value;
		} else if (strcmp(argv[i], "--part") ||
			   sscanf(value, "%u/%u", &opts.part, &opts.parts) != 2 ||
			   !opts.parts) {
			fprintf(stderr, "crash: bad argument %s %s\n", argv[i], value);
			exit(2);
		}
		i++;
	}
}

int main(int argc, char **argv)
{
	time_t start = time(NULL);

	parse(argc, argv);
	subject = make_fake();
	boot = make_fake();
	model = crash_model_create(T1_BYTES);
	recovery_model = crash_model_create(T1_BYTES);
	recovery_images = malloc(256 * T1_BYTES);
	if (!model || !recovery_model || !recovery_images)
		abort();
	check_memory = tierfs_check_memory_create();
	boot_thread = fake_thread_create(boot, 0);
	cache_grow();
	make_base();
	run_all();
	printf("crash: seq-%u%s: %llu sequences, %llu points, %llu images, %llu mounts, "
	       "%llu cuts in recovery, %lld s: %llu lost\n", opts.seq,
	       opts.horizon ? " horizon" : "", (unsigned long long)sums.sequences,
	       (unsigned long long)sums.points, (unsigned long long)sums.images,
	       (unsigned long long)sums.mounts, (unsigned long long)sums.cuts_in_recovery,
	       (long long)(time(NULL) - start), (unsigned long long)sums.lost);
	return sums.lost != 0;
}
