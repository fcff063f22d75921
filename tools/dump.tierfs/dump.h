/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.tierfs: what its files share. One run prints one object, as lines of "name value" or as
 * JSON.
 *
 *	main.c		options; which object
 *	media.c		super-blocks, state, logs, groups, chunks, pages
 *	files.c		inodes, maps, directories, paths
 *	out.c		text and JSON
 *
 * Functions that fail have printed why and return -1.
 */
#ifndef DUMP_TIERFS_H
#define DUMP_TIERFS_H

#include "json.h"
#include "tck.h"

struct out {
	bool is_json;
	bool in_item;			/* text: fields of an item stand in one line */
	struct json json;
};

struct dump {
	struct out out;
	struct tck c;
	bool found;			/* inodes can be looked up */
};

/* ---- out.c ---- */

void out_begin(struct out *o, bool is_json);
void out_end(struct out *o);
void out_num(struct out *o, const char *key, uint64_t value);
/* In text hexadecimal. */
void out_hex(struct out *o, const char *key, uint64_t value);
void out_str(struct out *o, const char *key, const char *value);
/* So many bytes, which may be any. */
void out_bytes(struct out *o, const char *key, const void *bytes, size_t len);
void out_uuid(struct out *o, const char *key, const uint8_t uuid[16]);
void out_bool(struct out *o, const char *key, bool value);
/* "id:offset", 0 = no place. */
void out_place(struct out *o, const char *key, tierfs_place_t place);
/* A list, whose members are items of some fields each. */
void out_list(struct out *o, const char *key);
void out_list_end(struct out *o);
void out_item(struct out *o);
void out_item_end(struct out *o);
/* An item with so many fields that each has a line of its own in text. */
void out_block(struct out *o);
void out_block_end(struct out *o);

/* ---- media.c, files.c: `arg` is what follows the name of the object, or NULL ---- */

int dump_super(struct dump *d, const char *arg);
int dump_state(struct dump *d, const char *arg);
int dump_log(struct dump *d, const char *arg);
int dump_group(struct dump *d, const char *arg);
int dump_chunk(struct dump *d, const char *arg);
int dump_page(struct dump *d, const char *arg);
int dump_inode(struct dump *d, const char *arg);
int dump_map(struct dump *d, const char *arg);
int dump_dir(struct dump *d, const char *arg);
int dump_path(struct dump *d, const char *arg);

/* "12" or "0x1f"; all of the text. */
int parse_number(const char *text, uint64_t *number);

#endif /* DUMP_TIERFS_H */
