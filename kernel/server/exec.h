/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec.h - lists of commands that the server starts on its own
 */
#ifndef ZUF_EXEC_H
#define ZUF_EXEC_H

struct file;
struct zuf_special;

int zuf_exec_module_init(void);
void zuf_exec_module_fini(void);

/* ZU_IOC_IOMAP_EXEC. @arg: address of the buffer. Return: result of the ioctl. */
long zuf_ioc_iomap_exec(struct zuf_special *sp, struct file *file, unsigned long arg);

#endif
