/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - mount options: those of the kernel, and the text for the server
 */
#ifndef ZUF_OPTIONS_H
#define ZUF_OPTIONS_H

struct fs_context;
struct fs_parameter;
struct zuf_options;

/**
 * zuf_option_parse() - take one option
 *
 * Known options: pedantic[=n] (0 = off), ephemeral, dax (and their no... forms),
 * size=BYTES[kmgt] without a device.
 * Return: 0, or -EINVAL (bad value), -E2BIG (text too long), -ENOMEM.
 */
int zuf_option_parse(struct fs_context *fc, struct zuf_options *opt,
		     struct fs_parameter *param);
/* Remount: options that it does not name keep their old value. The server does so for its text. */
void zuf_options_keep(struct zuf_options *opt, const struct zuf_options *old);
void zuf_options_free(struct zuf_options *opt);

#endif
