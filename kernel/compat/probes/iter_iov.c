// SPDX-License-Identifier: GPL-2.0-only
/* 6.4: the segment of an iterator is found by iter_iov(). */
#include <linux/uio.h>

size_t probe(const struct iov_iter *iter);
size_t probe(const struct iov_iter *iter)
{
	return iter_iov(iter)->iov_len;
}
