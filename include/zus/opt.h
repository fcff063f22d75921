/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount options: a table of what a file system knows, and a parser that stores the values
 * in a struct of its caller. Text is "name,name=value,..." without quoting. Stateless.
 *
 *	static const struct zus_opt opts[] = {
 *		{ "nio", ZUS_OPT_SET, offsetof(struct my_opts, io_way), WAY_NIO },
 *		{ "size", ZUS_OPT_SIZE, offsetof(struct my_opts, bytes), 0 },
 *		{ "mode", ZUS_OPT_OCTAL, offsetof(struct my_opts, mode), 07777 },
 *		{ "sync", ZUS_OPT_BOOL, offsetof(struct my_opts, sync), 0 },
 *		{ NULL, ZUS_OPT_SET, 0, 0 }
 *	};
 */
#ifndef ZUS_OPT_H
#define ZUS_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum zus_opt_kind {
	ZUS_OPT_SET,			/* no value: uint32_t at offset = number */
	ZUS_OPT_U64,			/* =N, decimal, 0x or 0 prefix: uint64_t */
	ZUS_OPT_SIZE,			/* =N[kKmMgGtT]: uint64_t, bytes */
	ZUS_OPT_STR,			/* =text: char[number], NUL-terminated */
	ZUS_OPT_IGNORE,			/* with or without a value: accepted */
	ZUS_OPT_BOOL,			/* alone or =1|yes|on|true, =0|no|off|false: bool */
	ZUS_OPT_OCTAL,			/* =NNN, octal digits, at most `number`: uint32_t */
};

struct zus_opt {
	const char *name;		/* NULL ends the table */
	enum zus_opt_kind kind;
	size_t offset;
	uint32_t number;
};

/*
 * 0, or -EINVAL and `bad` (any size >= 1, may be NULL) tells which option and why.
 * Options before the bad one are stored already.
 */
int zus_opt_parse(const char *text, const struct zus_opt *table, void *dst, char *bad,
		  size_t bad_size);

/* "64", "0x40", "2M" -> bytes; 0 or -EINVAL. */
int zus_parse_size(const char *text, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_OPT_H */
