/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi.h - what the files of abicheck share
 */
#ifndef RAW_ABI_H
#define RAW_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <zuf/zus_api.h>

extern const char *abi_root;	/* where the zuf root is mounted */
extern const char *abi_device;	/* with a device table, or NULL */

/* Report when found is not wanted; what says of what. */
void abi_want(const char *what, long long wanted, long long found);
void abi_want_text(const char *what, const char *wanted, size_t size, const char *found);

int abi_open(void);
/* ioctl: 0 or -errno. */
long abi_ioctl(int fd, unsigned long request, void *arg);
long abi_register(int fd, const char *name);
long abi_init_thread(int fd, unsigned int channel, unsigned int max_command);
/* mmap shared: an address, or -errno in *err. */
void *abi_map(int fd, size_t size, off_t offset, long *err);
/* False: the touch ended in a signal. */
bool abi_touch(volatile char *at);
/* Run fn in a child process, wait for its end; its result is returned. */
int abi_child(int (*fn)(void));

/* A thread that makes one ioctl, which waits; interrupted by abi_poke(). */
struct abi_waiter;
struct abi_waiter *abi_wait_start(int fd, unsigned long request, void *arg);
void abi_wait_asleep(struct abi_waiter *w);
void abi_poke(struct abi_waiter *w);
long abi_wait_end(struct abi_waiter *w);

void check_files(void);
void check_roles(void);
void check_buffers(void);
void check_register(void);
void check_servers(void);
void check_mounter(void);
void check_thread(void);
void check_break_all(void);
void check_close(void);
void check_numa(void);
void check_private(void);

#endif
