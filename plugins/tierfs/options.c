// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options of a mount: their names and values, nothing of what they do. Called at mount and remount
 * by plugin.c, which knows which of them a remount may change. No state.
 *
 *	data=inplace|cow		cow is for a later version, and refused
 *	volatile			mounts although T1 cannot be made durable
 *	norecovery			read-only, without a look at the logs
 *	errors=continue|remount-ro	what broken metadata leads to; default: as mkfs was told
 *	test_horizon			for tests: the logs are emptied after each transaction
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <zus/opt.h>

#define VALUE_SIZE	16

/* Values that are words are looked at when all is read. */
struct parsed {
	struct tierfs_opts opts;
	char data[VALUE_SIZE];
	char errors[VALUE_SIZE];
};

static const struct zus_opt table[] = {
	{ "data", ZUS_OPT_STR, offsetof(struct parsed, data), VALUE_SIZE },
	{ "volatile", ZUS_OPT_SET, offsetof(struct parsed, opts.is_volatile), 1 },
	{ "norecovery", ZUS_OPT_SET, offsetof(struct parsed, opts.norecovery), 1 },
	{ "errors", ZUS_OPT_STR, offsetof(struct parsed, errors), VALUE_SIZE },
	{ "test_horizon", ZUS_OPT_SET, offsetof(struct parsed, opts.test_horizon), 1 },
	{ NULL, ZUS_OPT_IGNORE, 0, 0 }
};

static int take_data(const struct zus_sb *sb, const char *value)
{
	if (!*value || !strcmp(value, "inplace"))
		return 0;
	if (!strcmp(value, "cow"))
		zus_err(sb->env, "tierfs: data=cow is not possible in this version");
	else
		zus_err(sb->env, "tierfs: data=%s is neither inplace nor cow", value);
	return -EINVAL;
}

static int take_errors(const struct zus_sb *sb, const char *value, uint32_t *errors)
{
	if (!*value)
		return 0;
	if (!strcmp(value, "continue")) {
		*errors = TIERFS_ERRORS_CONTINUE;
	} else if (!strcmp(value, "remount-ro")) {
		*errors = TIERFS_ERRORS_REMOUNT_RO;
	} else {
		zus_err(sb->env, "tierfs: errors=%s is neither continue nor remount-ro", value);
		return -EINVAL;
	}
	return 0;
}

int tierfs_options_parse(const struct zus_sb *sb, const char *text, struct tierfs_opts *o)
{
	struct parsed p = { .opts = *o };
	char bad[80];
	int err;

	if (zus_opt_parse(text, table, &p, bad, sizeof(bad))) {
		zus_err(sb->env, "tierfs: %s", bad);
		return -EINVAL;
	}
	err = take_data(sb, p.data);
	if (!err)
		err = take_errors(sb, p.errors, &p.opts.errors);
	if (!err)
		*o = p.opts;
	return err;
}

/* Puts a word behind the `len` bytes that are there; the new length: above `size` it is cut. */
static size_t add(char *buf, size_t size, size_t len, const char *word)
{
	size_t n = strlen(word);

	if (len <= size && n <= size - len)
		memcpy(buf + len, word, n);
	return len + n;
}

ssize_t tierfs_options_show(const struct tierfs_opts *o, char *buf, size_t size)
{
	size_t len = 0;

	if (o->is_volatile)
		len = add(buf, size, len, ",volatile");
	if (o->norecovery)
		len = add(buf, size, len, ",norecovery");
	if (o->errors == TIERFS_ERRORS_CONTINUE)
		len = add(buf, size, len, ",errors=continue");
	else if (o->errors == TIERFS_ERRORS_REMOUNT_RO)
		len = add(buf, size, len, ",errors=remount-ro");
	if (o->test_horizon)
		len = add(buf, size, len, ",test_horizon");
	return len <= size ? (ssize_t)len : -E2BIG;
}
