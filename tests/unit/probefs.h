/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file system that exists to be looked at: it records what dispatch hands over and answers
 * what a test wants. PROBE_INODES inodes named "f0", "f1" ... in one root directory; every
 * page p of file i is the T1 block probe_block(i, p). Reached through fake_sb().
 *
 * Counters are atomic, so operations may run in parallel; the settings are the test's and
 * must not change meanwhile.
 */
#ifndef TESTS_PROBEFS_H
#define TESTS_PROBEFS_H

#include <zus/fs.h>

#define PROBE_INODES	16
#define PROBE_PAGES	64
#define PROBE_LOG	64

struct probe_ii {
	struct zus_ii ii;
	struct zus_inode *zi;
	unsigned int nr;
	uint32_t gets;			/* not put yet; atomic */
};

struct probe_sb {
	struct zus_sb sb;
	struct probe_ii root;
	struct probe_ii files[PROBE_INODES];
	/* what to do */
	int result;			/* of int operations, if not 0 */
	ssize_t size_result;		/* of ssize_t operations, if `use_size_result` */
	bool use_size_result;
	uint32_t ret_flags;		/* of get_blocks and write */
	uint32_t get_limit;		/* words that get_blocks gives; 0 = all */
	uint64_t by_write_from;		/* get_blocks: from this page on by `write`; 0 = none */
	bool bad_handle;		/* lookup hands out a handle that is not in T1 */
	unsigned int retries;		/* answers of read that are -EZUFS_RETRY first */
	/* what was seen */
	char log[PROBE_LOG];		/* one letter per operation, in order */
	uint32_t log_len;		/* atomic */
	int64_t live;			/* references handed out - given back; atomic */
	uint64_t last_cookie, last_flags, last_pos, last_len, last_rw;
	int list_result;		/* of the last retry's list */
	bool saw_signal;
	int cpu;
	unsigned int thread;		/* zus_thread_number() */
	char text[64];			/* last name, option or xattr name */
	char value[64];			/* last data, xattr value, symlink target */
	size_t value_len;
	const struct zus_ii *seen_a, *seen_b;
	int64_t last_time;
};

/* The table, and a copy that a test may change. */
extern const struct zus_plugin probe_plugin;
extern const struct zus_fs_ops probe_ops;

uint64_t probe_block(unsigned int file, uint64_t page);

#endif /* TESTS_PROBEFS_H */
