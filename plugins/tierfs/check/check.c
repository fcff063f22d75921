// SPDX-License-Identifier: BSD-2-Clause
/*
 * The order of a check, and how findings are told; see check.h.
 */
#include "tck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const kind_names[TIERFS_CHECK_KINDS] = {
	[TIERFS_CHECK_SET] = "set",
	[TIERFS_CHECK_SUPER] = "super",
	[TIERFS_CHECK_STATE] = "state",
	[TIERFS_CHECK_ROOT] = "root",
	[TIERFS_CHECK_LOG] = "log",
	[TIERFS_CHECK_GROUP] = "group",
	[TIERFS_CHECK_CHUNK] = "chunk",
	[TIERFS_CHECK_PAGE] = "page",
	[TIERFS_CHECK_OBJECT] = "object",
	[TIERFS_CHECK_BLOCKS] = "blocks",
	[TIERFS_CHECK_INODE] = "inode",
};

const char *tierfs_check_kind_name(enum tierfs_check_kind kind)
{
	return kind < TIERFS_CHECK_KINDS ? kind_names[kind] : "unknown";
}

const char *tierfs_check_severity_name(enum tierfs_check_severity severity)
{
	static const char *const names[] = {
		[TIERFS_CHECK_NOTE] = "note",
		[TIERFS_CHECK_LEAK] = "leak",
		[TIERFS_CHECK_ERROR] = "error",
	};

	return names[severity];
}

static bool has_number(enum tierfs_check_kind kind)
{
	return kind != TIERFS_CHECK_SET && kind != TIERFS_CHECK_STATE && kind != TIERFS_CHECK_ROOT;
}

static bool is_part(enum tierfs_check_kind kind)
{
	return kind == TIERFS_CHECK_PAGE || kind == TIERFS_CHECK_OBJECT ||
		kind == TIERFS_CHECK_BLOCKS;
}

void tierfs_check_object(const struct tierfs_check_finding *f, char text[TIERFS_CHECK_TEXT])
{
	const char *name = tierfs_check_kind_name(f->kind);
	unsigned int id = (unsigned int)(f->place >> TIERFS_PLACE_DEV_SHIFT);
	unsigned long long offset = tierfs_image_offset(f->place);
	unsigned long long number = f->number;

	if (is_part(f->kind) && number)
		snprintf(text, TIERFS_CHECK_TEXT, "%s %u:%#llx of inode %llu", name, id, offset,
			 number);
	else if (is_part(f->kind))
		snprintf(text, TIERFS_CHECK_TEXT, "%s %u:%#llx", name, id, offset);
	else if (f->kind == TIERFS_CHECK_CHUNK)
		snprintf(text, TIERFS_CHECK_TEXT, "chunk %u:%#llx", id, offset);
	else if (f->kind == TIERFS_CHECK_GROUP)
		snprintf(text, TIERFS_CHECK_TEXT, "group %u:%llu", id, number);
	else if (has_number(f->kind))
		snprintf(text, TIERFS_CHECK_TEXT, "%s %llu", name, number);
	else
		snprintf(text, TIERFS_CHECK_TEXT, "%s", name);
}

void tck_tell(struct tck *c, enum tierfs_check_severity severity, struct tck_object object,
	      const char *fmt, ...)
{
	char text[TIERFS_CHECK_TEXT];
	struct tierfs_check_finding f = {
		.severity = severity,
		.kind = object.kind,
		.number = object.number,
		.place = object.place,
		.text = text,
	};
	va_list ap;

	if (severity == TIERFS_CHECK_ERROR)
		c->result->errors++;
	else if (severity == TIERFS_CHECK_LEAK)
		c->result->leaks++;
	else
		c->result->notes++;
	if (!c->report)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->report(c->ctx, &f);
}

bool tck_begin(struct tck *c)
{
	if (!tck_supers(c) || !tck_state(c))
		return false;
	tck_replay(c);
	if (!c->err)
		tck_space_begin(c);
	if (c->err || !tck_root(c))
		return false;
	tck_inode_tree(c);
	return true;
}

/* False: so little makes sense that nothing more can be said. */
static bool check_all(struct tck *c)
{
	if (!tck_begin(c))
		return false;
	tck_orphans(c);
	tck_inodes(c);
	if (c->err)
		return false;
	tck_links(c);
	tck_space_end(c);
	return true;
}

int tierfs_check(const struct tierfs_check_devs *devs, const struct tierfs_check_opts *opts,
		 tierfs_check_report_fn *report, void *ctx, struct tierfs_check_result *result)
{
	static const struct tierfs_check_opts no_opts;
	struct tck c = {
		.opts = opts ? opts : &no_opts,
		.report = report,
		.ctx = ctx,
		.result = result,
	};
	struct tierfs_check_memory own = { NULL, NULL };
	int err;

	*result = (struct tierfs_check_result){ 0 };
	c.memory = c.opts->memory ? c.opts->memory : &own;
	err = tierfs_image_open(&c.img, devs, c.memory);
	if (err)
		return err;
	if (!check_all(&c))
		err = c.err ? c.err : -EUCLEAN;
	tierfs_check_memory_reset(c.memory);
	tierfs_check_memory_fini(&own);
	return err;
}

bool tierfs_check_is_clean(const struct tierfs_check_devs *devs)
{
	struct tierfs_check_result result = { 0 };
	struct tck c = { .result = &result };
	bool clean = false;

	if (tierfs_image_open(&c.img, devs, NULL))
		return false;
	if (tck_supers(&c) && tck_state(&c))
		clean = result.clean && !result.errors && !c.img.super->error_count;
	return clean;
}
