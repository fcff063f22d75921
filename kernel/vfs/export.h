/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * export.h - file handles, as NFS and open_by_handle_at() use them
 */
#ifndef ZUF_EXPORT_H
#define ZUF_EXPORT_H

struct export_operations;

extern const struct export_operations zuf_export_ops;

#endif
