/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The readdir emitter. A plugin's readdir starts at ctx->pos and emits its entries in
 * order; a false of zus_dir_emit means: no room, stop and return 0. After the last entry it
 * sets ctx->pos to the end of the directory. The context lives on the caller's stack.
 *
 * An entry's position is the place from which a later readdir returns that entry again. Positions
 * grow, fit 56 bits, and lie below i_size of the directory except for the end itself: the
 * kernel ends a listing at pos >= i_size. "." and ".." are entries like the others and
 * are the plugin's to emit.
 */
#ifndef ZUS_DIR_H
#define ZUS_DIR_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <zuf/zus_api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_dir_ctx {
	uint64_t pos;			/* in: go on here; out: end, if everything was emitted */
	bool full;			/* an entry did not fit; set by zus_dir_emit */
	struct zufs_readdir_iter it;	/* the core's */
};

/* type = DT_*. False: it did not fit, ctx->pos is its position now; return 0. */
static inline bool zus_dir_emit(struct zus_dir_ctx *ctx, uint64_t ino, uint8_t type,
				uint64_t pos, const char *name, uint8_t len)
{
	if (zufs_zde_emit(&ctx->it, ino, type, pos, name, len))
		return true;
	ctx->pos = pos;
	ctx->full = true;
	return false;
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_DIR_H */
