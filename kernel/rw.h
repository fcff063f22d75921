/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rw.h - read and write of regular files
 */
#ifndef ZUF_RW_H
#define ZUF_RW_H

#include <linux/types.h>

struct iov_iter;
struct kiocb;

ssize_t zuf_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t zuf_write_iter(struct kiocb *iocb, struct iov_iter *from);

#endif
