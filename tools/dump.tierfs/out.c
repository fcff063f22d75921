// SPDX-License-Identifier: BSD-2-Clause
/*
 * Text and JSON of dump.tierfs; see dump.h. In text a list is a heading, its items are a line each.
 */
#include "dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zus/md.h>

void out_begin(struct out *o, bool is_json)
{
	*o = (struct out){ .is_json = is_json };
	if (is_json)
		json_start(&o->json, stdout);
}

void out_end(struct out *o)
{
	if (o->is_json)
		json_finish(&o->json);
}

static void put_text(struct out *o, const char *key, const char *value)
{
	if (o->in_item)
		printf("  %s %s", key, value);
	else
		printf("%-14s %s\n", key, value);
}

void out_num(struct out *o, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	if (o->is_json)
		json_num(&o->json, key, value);
	else
		put_text(o, key, text);
}

void out_hex(struct out *o, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)value);
	if (o->is_json)
		json_num(&o->json, key, value);
	else
		put_text(o, key, text);
}

void out_str(struct out *o, const char *key, const char *value)
{
	if (o->is_json)
		json_str(&o->json, key, value);
	else
		put_text(o, key, value);
}

/* In text and in JSON a byte that is no printable ASCII is \xNN, and a backslash is \\. */
void out_bytes(struct out *o, const char *key, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	char *text = malloc(4 * len + 1), *at = text;

	if (!text)
		return;
	for (; len; len--, p++) {
		bool plain = *p >= 0x20 && *p < 0x7f;

		if (!plain || *p == '\\')
			*at++ = '\\';
		if (plain)
			*at++ = (char)*p;
		else
			at += snprintf(at, 4, "x%02x", *p);
	}
	*at = 0;
	out_str(o, key, text);
	free(text);
}

void out_uuid(struct out *o, const char *key, const uint8_t uuid[16])
{
	char text[37];

	zus_uuid_format(uuid, text);
	out_str(o, key, text);
}

void out_bool(struct out *o, const char *key, bool value)
{
	if (o->is_json)
		json_bool(&o->json, key, value);
	else
		put_text(o, key, value ? "yes" : "no");
}

void out_place(struct out *o, const char *key, tierfs_place_t place)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%#llx", (unsigned int)(place >> TIERFS_PLACE_DEV_SHIFT),
		 (unsigned long long)tierfs_image_offset(place));
	out_str(o, key, place ? text : "0");
}

void out_list(struct out *o, const char *key)
{
	if (o->is_json)
		json_begin(&o->json, key, '[');
	else
		printf("%s\n", key);
}

void out_list_end(struct out *o)
{
	if (o->is_json)
		json_end(&o->json, ']');
}

void out_item(struct out *o)
{
	if (o->is_json)
		json_begin(&o->json, NULL, '{');
	o->in_item = true;
}

void out_block(struct out *o)
{
	if (o->is_json)
		json_begin(&o->json, NULL, '{');
	else
		putchar('\n');
}

void out_block_end(struct out *o)
{
	if (o->is_json)
		json_end(&o->json, '}');
}

void out_item_end(struct out *o)
{
	o->in_item = false;
	if (o->is_json)
		json_end(&o->json, '}');
	else
		putchar('\n');
}
