// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - mount options
 *
 * Options that the kernel does not know go to the file system, as one text of "key[=value]"
 * separated by commas. A value must not contain a comma.
 */
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "devset.h"
#include "options.h"
#include "sb.h"

/* With this limit the message fits ZUF_MNT_MSG_MAX. */
#define ZUF_OPTIONS_MAX 3072

enum { OPT_PEDANTIC, OPT_EPHEMERAL, OPT_DAX, OPT_SIZE };

static const struct fs_parameter_spec zuf_params[] = {
	fsparam_flag_no("ephemeral", OPT_EPHEMERAL),
	fsparam_flag_no("dax", OPT_DAX),
	fsparam_flag("pedantic", OPT_PEDANTIC),
	fsparam_u32("pedantic", OPT_PEDANTIC),
	fsparam_string("size", OPT_SIZE),
	{}
};

/* Append "key[=value]" to the server's text. */
static int add_server_option(struct zuf_options *opt, struct fs_parameter *param)
{
	const char *old = opt->server ?: "", *comma = opt->server ? "," : "";
	char *text;

	if (param->type != fs_value_is_flag && param->type != fs_value_is_string)
		return -EINVAL;
	if (param->type == fs_value_is_string)
		text = kasprintf(GFP_KERNEL, "%s%s%s=%s", old, comma, param->key,
				 param->string);
	else
		text = kasprintf(GFP_KERNEL, "%s%s%s", old, comma, param->key);
	if (!text)
		return -ENOMEM;
	if (strlen(text) >= ZUF_OPTIONS_MAX) {
		kfree(text);
		return -E2BIG;
	}
	kfree(opt->server);
	opt->server = text;
	return 0;
}

/* The kernel takes the size for a mount without a device; otherwise the server may know it. */
static int parse_size(struct fs_context *fc, struct zuf_options *opt,
		      struct fs_parameter *param)
{
	unsigned long long bytes;
	char *end;

	if (fc->root ? !ZUF_SB(fc->root->d_sb)->opt.size_bytes :
		       !zuf_source_is_none(fc->source))
		return add_server_option(opt, param);
	bytes = memparse(param->string, &end);
	if (*end || !bytes || bytes > MAX_LFS_FILESIZE)
		return invalf(fc, "zuf: bad value of size: \"%s\"", param->string);
	opt->size_bytes = bytes;
	return 0;
}

static void set_flag(struct zuf_options *opt, u64 flag, bool on)
{
	opt->flags = on ? opt->flags | flag : opt->flags & ~flag;
}

int zuf_option_parse(struct fs_context *fc, struct zuf_options *opt,
		     struct fs_parameter *param)
{
	struct fs_parse_result result;
	int key = fs_parse(fc, zuf_params, param, &result);

	if (key >= 0)
		opt->named |= BIT(key);
	switch (key) {
	case OPT_PEDANTIC:
		opt->pedantic = param->type == fs_value_is_string ? result.uint_32 : 1;
		set_flag(opt, ZUFS_M_PEDANTIC, opt->pedantic);
		return 0;
	case OPT_EPHEMERAL:
		set_flag(opt, ZUFS_M_EPHEMERAL, !result.negated);
		return 0;
	case OPT_DAX:
		opt->dax = !result.negated;
		return 0;
	case OPT_SIZE:
		return parse_size(fc, opt, param);
	case -ENOPARAM:
		return add_server_option(opt, param);
	default:
		return key;
	}
}

void zuf_options_keep(struct zuf_options *opt, const struct zuf_options *old)
{
	if (!(opt->named & BIT(OPT_PEDANTIC))) {
		opt->flags |= old->flags & ZUFS_M_PEDANTIC;
		opt->pedantic = old->pedantic;
	}
	if (!(opt->named & BIT(OPT_EPHEMERAL)))
		opt->flags |= old->flags & ZUFS_M_EPHEMERAL;
	if (!(opt->named & BIT(OPT_DAX)))
		opt->dax = old->dax;
	opt->flags |= old->flags & ZUFS_M_SILENT;
	opt->size_bytes = old->size_bytes;
}

void zuf_options_free(struct zuf_options *opt)
{
	kfree(opt->server);
	opt->server = NULL;
}
