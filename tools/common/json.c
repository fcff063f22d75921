// SPDX-License-Identifier: BSD-2-Clause
/*
 * A writer of JSON; see json.h. Strings are escaped as RFC 8259 wants it; bytes above 0x7f
 * go out as they are, so text that is UTF-8 stays UTF-8.
 */
#include "json.h"

static void put_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void new_line(struct json *j)
{
	unsigned int i;

	fputc('\n', j->out);
	for (i = 0; i < j->depth; i++)
		fputs("  ", j->out);
}

static void put_key(struct json *j, const char *key)
{
	if (j->has_members)
		fputc(',', j->out);
	if (j->depth)
		new_line(j);
	j->has_members = true;
	if (key) {
		put_string(j->out, key);
		fputs(": ", j->out);
	}
}

void json_start(struct json *j, FILE *out)
{
	*j = (struct json){ .out = out };
	json_begin(j, NULL, '{');
}

void json_finish(struct json *j)
{
	json_end(j, '}');
	fputc('\n', j->out);
}

void json_begin(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	fputc(bracket, j->out);
	j->depth++;
	j->has_members = false;
}

void json_end(struct json *j, char bracket)
{
	j->depth--;
	if (j->has_members)
		new_line(j);
	fputc(bracket, j->out);
	j->has_members = true;
}

void json_str(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	if (value)
		put_string(j->out, value);
	else
		fputs("null", j->out);
}

void json_num(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->out);
}
