/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer of JSON to a stream: places commas, new lines and indents itself. The caller
 * pairs begin and end; key is NULL inside of an array. Errors are those of the stream.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned int depth;
	bool has_members;	/* of the object or array that is open now */
};

void json_start(struct json *j, FILE *out);	/* opens the outermost object */
void json_finish(struct json *j);

void json_begin(struct json *j, const char *key, char bracket);	/* '{' or '[' */
void json_end(struct json *j, char bracket);			/* '}' or ']' */

void json_str(struct json *j, const char *key, const char *value);	/* NULL: null */
void json_num(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);

#endif
