/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of the crash tests: each is what one system call of a program asks a file system
 * for, on a small tree that crash_setup makes. Data depend on the operation and on nothing else.
 */
#ifndef TESTS_CRASH_OPS_H
#define TESTS_CRASH_OPS_H

#include <stdbool.h>
#include <fake.h>

struct crash_world {
	struct fake *f;
	struct fake_thread *t;
};

struct crash_op {
	const char *name;
	/*
	 * 0, or an error that is the same before and after a cut. What it has looked up is given
	 * back when it returns.
	 */
	int (*run)(struct crash_world *w, const struct crash_op *op);
	const char *path;		/* of what it works on */
	const char *other;
	uint64_t pos;
	uint64_t len;
	uint32_t mode;
	/* data that are overwritten in place: a cut may mix them by words of 8 bytes */
	bool in_place;
};

extern const struct crash_op crash_ops[];
extern const unsigned int crash_nr_ops;

/* Puts what a write of op stores into a copy of its file's content, as far as it goes. */
void crash_fill(const struct crash_op *op, uint8_t *content, size_t len);
/* Aborts when something fails. */
void crash_setup(struct crash_world *w);

#endif /* TESTS_CRASH_OPS_H */
