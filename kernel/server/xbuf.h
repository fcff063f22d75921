/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xbuf.h - the role "exec buffer": memory in which a server writes lists of commands
 */
#ifndef ZUF_XBUF_H
#define ZUF_XBUF_H

#include <linux/compiler.h>
#include <linux/types.h>

struct file;
struct vm_area_struct;
struct zuf_special;
struct zuf_xbuf;

/* Return the size of the buffer in bytes; all of them can be read. */
size_t zuf_xbuf_size(const struct zuf_xbuf *xb);
/* Copy out what the server has written; the caller must stay within the size. */
void zuf_xbuf_read(struct zuf_xbuf *xb, size_t from, void *dst, size_t len);
/* Store the result of the list in its header. */
void zuf_xbuf_set_err(struct zuf_xbuf *xb, s32 err);
/* Does a mapping of the file start at @addr in the caller's address space? */
bool zuf_xbuf_mapped_at(const struct file *file, unsigned long addr);

/* ZU_IOC_ALLOC_BUFFER: argument from user space, result of the ioctl. */
long zuf_ioc_alloc_buffer(struct zuf_special *sp, void __user *arg);
int zuf_xbuf_mmap(struct zuf_special *sp, struct vm_area_struct *vma);
void zuf_xbuf_release(struct zuf_special *sp);

#endif
