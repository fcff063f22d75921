// SPDX-License-Identifier: BSD-2-Clause
/*
 * The example of docs/tierfs-format.md: an empty image of 4 MiB, in whose first log a chmod of the
 * root directory was recorded, and then the power was cut. Prints parts of it in hexadecimal, for
 * scripts/format-doc.py; that the image is right says the checker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tierfs.h"

#define BYTES		((uint64_t)4 << 20)
#define SECRET		0x0123456789abcdefULL
#define ROOT_DIR	(0x30000 + TIERFS_CHUNK_HEAD + TIERFS_ROOT_INO * TIERFS_INODE_SLOT)

static _Alignas(TIERFS_BLOCK) uint8_t image[BYTES];

static void fail(const char *text)
{
	fprintf(stderr, "example: %s\n", text);
	exit(1);
}

static void format(void)
{
	struct tierfs_format_dev dev = { .base = image, .bytes = BYTES, .uuid = "device 0 of it " };
	struct tierfs_format f = {
		.set_uuid = "set of the docu", .label = "example", .log_secret = SECRET,
		.hash_seed = { 0x1111111111111111, 0x2222222222222222 },
		.now_ns = 1000000000000000000, .mode = 0755, .generation = 0x1234,
		.zeroed = true, .nr_devs = 1, .devs = &dev,
	};

	if (tierfs_format(&f))
		fail("tierfs_format");
}

/* What mount number 1 writes before anything else: its state, and a head for each log. */
static void mount(void)
{
	const struct tierfs_super *s = (const void *)(image + TIERFS_BLOCK);
	struct tierfs_state *state = (void *)(image + s->state_block * TIERFS_BLOCK);
	struct tierfs_log_entry *logs = (void *)(image + s->log_table * TIERFS_BLOCK);
	unsigned int i;

	state[1].mount = 1;
	state[1].crc = tierfs_crc_tail(&state[1], sizeof(*state));
	for (i = 0; i < s->log_count; i++) {
		logs[i].heads[1].sequence = (uint64_t)1 << TIERFS_SEQUENCE_MOUNT | 1;
		logs[i].heads[1].generation = 2;
		logs[i].heads[1].crc = tierfs_crc_tail(&logs[i].heads[1], TIERFS_LINE);
	}
}

/* The words of the root directory's record that chmod 0700 changes, as a record of log 0. */
static void record_chmod(void)
{
	const struct tierfs_log_entry *log = (const void *)(image + 4 * TIERFS_BLOCK);
	struct tierfs_inode rec;
	uint64_t words[sizeof(rec) / 8], seed[2] = { SECRET, 0 };
	uint64_t *at = (uint64_t *)(image + log->place);
	struct tierfs_record *r = (void *)at;

	memcpy(&rec, image + ROOT_DIR, sizeof(rec));
	rec.mode = 040700;
	rec.ctime += 5;
	rec.changes++;
	rec.crc = tierfs_crc_head(&rec, sizeof(rec));
	memcpy(words, &rec, sizeof(rec));
	at += sizeof(*r) / 8;
	*at++ = (uint64_t)1 << TIERFS_ENTRY_WORDS_SHIFT | ROOT_DIR;
	*at++ = words[0];
	*at++ = (uint64_t)1 << TIERFS_ENTRY_WORDS_SHIFT |
		(ROOT_DIR + offsetof(struct tierfs_inode, ctime));
	*at++ = words[offsetof(struct tierfs_inode, ctime) / 8];
	*at++ = (uint64_t)1 << TIERFS_ENTRY_WORDS_SHIFT |
		(ROOT_DIR + offsetof(struct tierfs_inode, changes));
	*at++ = words[offsetof(struct tierfs_inode, changes) / 8];
	*r = (struct tierfs_record){
		.bytes = 2 * TIERFS_LINE,
		.sequence = (uint64_t)1 << TIERFS_SEQUENCE_MOUNT | 1,
		.lsn = 1,
	};
	/* the seed stands before the record, whose own crc is 0 in the sum */
	r->crc = tierfs_crc(tierfs_crc(0, seed, sizeof(seed)), r, r->bytes);
}

static void check(void)
{
	struct tierfs_check_dev dev = { .base = image, .bytes = BYTES };
	struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };
	struct tierfs_check_result r;

	if (tierfs_check(&devs, NULL, NULL, NULL, &r) || r.errors || r.leaks || r.records != 1)
		fail("the checker does not take it");
}

/* As hexdump -C: lines that repeat are left out. */
static void dump(const char *name, uint64_t offset, uint64_t bytes)
{
	uint64_t at;
	unsigned int i;
	bool same, told = false;

	printf("== %s\n", name);
	for (at = offset; at < offset + bytes; at += 16) {
		const uint8_t *p = image + at;

		same = at > offset && !memcmp(p, p - 16, 16);
		if (same && !told)
			puts("*");
		told = same;
		if (same)
			continue;
		printf("%06llx ", (unsigned long long)at);
		for (i = 0; i < 16; i++)
			printf("%s%02x", i % 8 ? " " : "  ", p[i]);
		printf("  |");
		for (i = 0; i < 16; i++)
			putchar(p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.');
		puts("|");
	}
}

int main(void)
{
	const struct tierfs_super *s = (const void *)(image + TIERFS_BLOCK);

	format();
	mount();
	record_chmod();
	check();
	dump("super", TIERFS_BLOCK, 256);
	dump("state", s->state_block * TIERFS_BLOCK, 2 * TIERFS_LINE);
	dump("root", s->root_block * TIERFS_BLOCK, TIERFS_LINE);
	dump("log", s->log_table * TIERFS_BLOCK, 3 * TIERFS_LINE);
	dump("groups", s->group_table * TIERFS_BLOCK, 2 * TIERFS_LINE);
	dump("descs", (s->group_table + 1) * TIERFS_BLOCK, 2 * sizeof(struct tierfs_group_desc));
	dump("record", 0x10000, 2 * TIERFS_LINE);
	dump("cells", 0x20000, 128);
	dump("inodes", 0x30000, 64);
	dump("inode", ROOT_DIR, sizeof(struct tierfs_inode));
	return 0;
}
