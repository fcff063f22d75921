/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - mount options: those of the kernel, the rest as a text
 */
#ifndef ZUF_OPTIONS_H
#define ZUF_OPTIONS_H

struct fs_context;
struct fs_parameter;
struct zuf_options;

/**
 * zuf_option_parse() - take one option
 * Known: pedantic[=n] (0 = off), ephemeral, dax (and their no...), size=BYTES[kmgt] without a
 * device.
 * Return: 0, or -EINVAL (bad value), -E2BIG (text too long), -ENOMEM.
 */
int zuf_option_parse(struct fs_context *fc, struct zuf_options *opt,
		     struct fs_parameter *param);
/* A remount: what it does not name is as before. Of the server's text the server sees to that. */
void zuf_options_keep(struct zuf_options *opt, const struct zuf_options *old);
void zuf_options_free(struct zuf_options *opt);

#endif
