/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image with something of everything, for the tests of what reads images without a mount: made
 * by the plugin on the fake kernel, then copied. Everything fails the test if it does not succeed.
 */
#ifndef TIERFS_TESTIMAGE_H
#define TIERFS_TESTIMAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check.h"

enum image_end {
	IMAGE_CLEAN,			/* unmounted */
	IMAGE_CUT,			/* as a power cut leaves it: logs are to be replayed */
};

struct image {
	uint8_t *base;			/* of one device of `bytes` */
	uint64_t bytes;
	struct tierfs_check_memory *memory;	/* of image_check_quiet */
	uint64_t dir_ino;		/* /d: so many names that it has an index */
	uint64_t file_ino;		/* /f: runs, a page of a slot, holes */
	uint64_t xattr_ino;		/* /x: short and long values */
	uint64_t link_ino;		/* /l: a symlink with a long text */
};

/* A device of `bytes` with an empty file system. */
void image_format(struct image *im, uint64_t bytes);
/* One with contents. */
void image_make(struct image *im, enum image_end end);
/* Mounts it and unmounts it again. */
void image_mount(struct image *im);
void image_free(struct image *im);

/* Prints errors and leaks. */
int image_check(const struct image *im, struct tierfs_check_result *result);
/* The same, silent. */
int image_check_quiet(const struct image *im, struct tierfs_check_result *result);

#endif /* TIERFS_TESTIMAGE_H */
