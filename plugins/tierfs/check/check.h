/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checker of tierfs images: what fsck.tierfs, dump.tierfs and the crash tests share.
 *
 * It works on the memory of the T1 devices of a set, writes nothing there, and trusts nothing that
 * it reads: whatever the image holds it ends, and it stays within the memory that it was given.
 * What the logs hold is replayed into a private overlay first, as a mount would do it in place.
 *
 *	struct tierfs_check_dev dev = { .base = image, .bytes = 4 << 20 };
 *	struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };
 *	struct tierfs_check_result result;
 *
 *	err = tierfs_check(&devs, NULL, print_finding, NULL, &result);
 *	if (err || result.errors || result.leaks)
 *		the image is not what a mount leaves
 *
 * Any thread, no locks, no state between calls.
 */
#ifndef TIERFS_CHECK_H
#define TIERFS_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include "tierfs_disk.h"

#define TIERFS_CHECK_TEXT	256

/* T1 devices in any order; each at an address that is a multiple of 64. */
struct tierfs_check_dev {
	const uint8_t *base;
	uint64_t bytes;
};

struct tierfs_check_devs {
	uint32_t nr;			/* 1 .. 64 */
	const struct tierfs_check_dev *devs;
};

struct tierfs_check_memory;

struct tierfs_check_opts {
	bool norecovery;		/* the logs are not replayed: what is in place is checked */
	/*
	 * NULL, or memory that is kept from call to call, which many small checks are faster by;
	 * for one call at a time.
	 */
	struct tierfs_check_memory *memory;
};

/* NULL: no memory. */
struct tierfs_check_memory *tierfs_check_memory_create(void);
void tierfs_check_memory_destroy(struct tierfs_check_memory *m);

enum tierfs_check_severity {
	TIERFS_CHECK_NOTE,		/* nothing is wrong: something was replayed, has no name */
	TIERFS_CHECK_LEAK,		/* used, but nothing refers to it: space is lost */
	TIERFS_CHECK_ERROR,
};

/* What a finding is about, and what its `number` says. */
enum tierfs_check_kind {
	TIERFS_CHECK_SET,		/* 0 */
	TIERFS_CHECK_SUPER,		/* index of the device as it was given */
	TIERFS_CHECK_STATE,		/* 0 */
	TIERFS_CHECK_ROOT,		/* 0 */
	TIERFS_CHECK_LOG,		/* index of the log */
	TIERFS_CHECK_GROUP,		/* of its device: number, place = its first block */
	TIERFS_CHECK_CHUNK,		/* index, of a chunk of inodes; else 0 */
	TIERFS_CHECK_PAGE,		/* of the inode that it belongs to, or 0 */
	TIERFS_CHECK_OBJECT,		/* of a slab: as PAGE */
	TIERFS_CHECK_BLOCKS,		/* of data: as PAGE */
	TIERFS_CHECK_INODE,		/* of the inode */
	TIERFS_CHECK_KINDS
};

struct tierfs_check_finding {
	enum tierfs_check_severity severity;
	enum tierfs_check_kind kind;
	uint64_t number;
	tierfs_place_t place;		/* or 0 */
	const char *text;		/* without the object; until the callback returns */
};

typedef void tierfs_check_report_fn(void *ctx, const struct tierfs_check_finding *finding);

struct tierfs_check_result {
	uint64_t errors;
	uint64_t leaks;
	uint64_t notes;
	bool clean;			/* the state says that nothing is to be replayed */
	uint32_t mount;			/* number of the last mount */
	uint64_t records;		/* that were replayed */
	uint64_t inodes;		/* in use */
	uint64_t dirs;
	uint64_t orphans;		/* inodes without a name, or to be cut */
	uint64_t blocks;		/* of the set */
	uint64_t used_blocks;
};

/*
 * Checks a set. `opts` may be NULL, as `report`, which is called for each finding.
 * 0: result says what was found. -ENOMEM; -EINVAL: the arguments; -EUCLEAN: device 0 has no valid
 * super-block, or so little makes sense that the rest was not looked at (errors are counted).
 */
int tierfs_check(const struct tierfs_check_devs *devs, const struct tierfs_check_opts *opts,
		 tierfs_check_report_fn *report, void *ctx, struct tierfs_check_result *result);

/*
 * Does the set say that nothing is to be replayed, and has no mount met an error? Only super-blocks
 * and state are looked at.
 */
bool tierfs_check_is_clean(const struct tierfs_check_devs *devs);

/* "inode", "log" ...: a word for people and for JSON. */
const char *tierfs_check_kind_name(enum tierfs_check_kind kind);
const char *tierfs_check_severity_name(enum tierfs_check_severity severity);

/*
 * The object of a finding as text: "inode 12", "page 0:0x21000 of inode 12".
 */
void tierfs_check_object(const struct tierfs_check_finding *finding,
			 char text[TIERFS_CHECK_TEXT]);

/*
 * Does what a mount does after a crash, to devices that are writable memory: replays, empties the
 * logs, marks the set clean; orphans stay for the next mount. `persist` makes a range durable
 * before it returns; 0 or -errno. 0, or -EUCLEAN: damage, nothing was written; or its error.
 * A set that is clean is left as it is. *records: how many were replayed.
 */
int tierfs_check_recover(const struct tierfs_check_devs *devs,
			 int (*persist)(void *ctx, const void *addr, uint64_t bytes),
			 tierfs_check_report_fn *report, void *ctx, uint64_t *records);

#endif /* TIERFS_CHECK_H */
