/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side in process as this project's own tests have it: libzufake (zus/zufake.h), and
 * the raw messages below, by which they send what no kernel would. A thread's buffer belongs
 * to it; all but fake_send() overwrite it.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <zus/zufake.h>

/* A message in the thread's buffer, `len` bytes zeroed, with its header filled. */
void *fake_msg(struct fake_thread *t, unsigned int operation, size_t len);
/* Sends it; out_len is set by the caller in the header. Retries are served. */
int fake_send(struct fake_thread *t);
/* `len` bytes that end where the window ends; hdr.offset and hdr.len are set. */
void *fake_window(struct fake_thread *t, size_t len);

#endif /* TESTS_FAKE_H */
