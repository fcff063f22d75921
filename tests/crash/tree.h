/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a caller of a file system sees of it, as a text: every name with its attributes, extended
 * attributes, target, holes and the sum of its data. Two trees are the same when their texts are.
 */
#ifndef TESTS_CRASH_TREE_H
#define TESTS_CRASH_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <fake.h>

struct crash_text {
	char *text;			/* with a NUL */
	size_t len;
	size_t max;
};

/*
 * Fills text with all that is below the root. mask: of regular files neither data, holes nor times
 * are told. 0, or the error of the operation that failed, which the text names.
 */
int crash_tree(struct fake *f, struct fake_thread *t, bool mask, struct crash_text *text);
void crash_text_free(struct crash_text *text);
void crash_text_add(struct crash_text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
uint64_t crash_hash(uint64_t hash, const void *data, size_t bytes);

/* The inode of a path "a/b" below the root, with one reference. */
int crash_walk(struct fake *f, struct fake_thread *t, const char *path, struct fake_node *node);

#endif /* TESTS_CRASH_TREE_H */
