/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec.h - lists of commands that the server starts by itself
 */
#ifndef ZUF_EXEC_H
#define ZUF_EXEC_H

int zuf_exec_module_init(void);
void zuf_exec_module_fini(void);

#endif
