// SPDX-License-Identifier: BSD-2-Clause
/*
 * poison.c - a frame of a mapped file goes bad: who accesses it is told, nobody else is
 *
 * usage: poison FILE read|plain
 *	read: the kernel itself cannot read a frame that is marked, either
 *
 * A frame is marked by madvise(MADV_HWPOISON). Then three mappings, one of another process,
 * get BUS_MCEERR_AR with the address; the pages beside it are there; a write of a part of
 * the block is refused, one of all of it brings the page back, for everybody. The same with
 * a frame in the middle of 2 MiB.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096UL
#define HUGE	(2UL << 20)
#define PAGES	16

#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif
#ifndef EHWPOISON
#define EHWPOISON 133
#endif

static sigjmp_buf back;
static volatile sig_atomic_t code;
static void *volatile where;
static const char *who = "parent";

#define check(ok, ...) do {						\
	if (!(ok)) {							\
		fprintf(stderr, "poison.c:%d: %s: ", __LINE__, who);	\
		fprintf(stderr, __VA_ARGS__);				\
		fprintf(stderr, " (%s)\n", strerror(errno));		\
		exit(1);						\
	}								\
} while (0)

static void on_bus(int sig, siginfo_t *info, void *unused)
{
	(void)sig;
	(void)unused;
	code = info->si_code;
	where = info->si_addr;
	siglongjmp(back, 1);
}

/* The byte there, or -1: a SIGBUS. */
static int look(const unsigned char *at)
{
	code = 0;
	where = NULL;
	if (sigsetjmp(back, 1))
		return -1;
	return *(const volatile unsigned char *)at;
}

/* 0, or -1: a SIGBUS. */
static int store(unsigned char *at)
{
	code = 0;
	where = NULL;
	if (sigsetjmp(back, 1))
		return -1;
	*(volatile unsigned char *)at = 0x55;
	return 0;
}

static void is_told(const unsigned char *at, int got, const char *what)
{
	check(got == -1, "%s: got %#x from poisoned memory", what, got);
	check(code == BUS_MCEERR_AR, "%s: si_code %d", what, (int)code);
	check(where == (const void *)at, "%s: si_addr %p of %p", what, where, (const void *)at);
}

/* A load and a store are told of the poison, and of its address. */
static void is_bad(unsigned char *at, const char *what)
{
	is_told(at, look(at), what);
	is_told(at, store(at), what);
}

static void is_good(const unsigned char *at, int value, const char *what)
{
	int got = look(at);

	check(got == value, "%s: wanted %#x, found %d", what, value, got);
}

static void fill(int fd, off_t pos, unsigned char value)
{
	unsigned char block[PAGE];
	ssize_t done;

	memset(block, value, PAGE);
	done = pwrite(fd, block, PAGE, pos);
	check(done == (ssize_t)PAGE, "a write at %lld: %zd", (long long)pos, done);
}

static unsigned char *map(int fd, size_t len, int flags)
{
	unsigned char *area = mmap(NULL, len + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t start = ((uintptr_t)area + HUGE - 1) & ~(HUGE - 1);

	area = mmap((void *)start, len, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
	check(area != MAP_FAILED, "mmap");
	return area;
}

static void mark(unsigned char *at)
{
	int err = madvise(at, PAGE, MADV_HWPOISON) ? errno : 0;

	errno = err;
	check(!err || err == EHWPOISON, "MADV_HWPOISON");
}

/* ---- another process with a mapping of its own: a word, and its answer ---- */

static int other;

static void other_main(int fd, int sock, size_t bad)
{
	unsigned char *m = map(fd, HUGE, MAP_SHARED);
	char word;

	who = "other process";
	is_good(m + bad, (int)(bad / PAGE % PAGES) + 1, "before");
	check(write(sock, "+", 1) == 1, "socket");
	while (read(sock, &word, 1) == 1) {
		if (word == 'b')
			is_bad(m + bad + 5, "shared");
		else
			is_good(m + bad, 0x77, "after the overwrite");
		check(write(sock, "+", 1) == 1, "socket");
	}
	exit(0);
}

static pid_t start_other(int fd, size_t bad)
{
	int pair[2];
	char ok;
	pid_t pid;

	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	pid = fork();
	if (!pid) {
		close(pair[0]);
		other_main(fd, pair[1], bad);
	}
	close(pair[1]);
	other = pair[0];
	check(read(other, &ok, 1) == 1, "the other process");
	return pid;
}

static void ask(char word)
{
	char ok;

	check(write(other, &word, 1) == 1 && read(other, &ok, 1) == 1, "the other process");
}

/* ---- the file ---- */

static void kernel_reads(int fd, off_t pos, bool bad)
{
	unsigned char block[PAGE];
	ssize_t got = pread(fd, block, PAGE, pos);

	if (bad)
		check(got == -1 && errno == EIO, "read(2): %zd", got);
	else
		check(got == (ssize_t)PAGE && block[7] == 0x77, "read(2): %zd", got);
}

static void one(int fd, size_t bad, bool reads_fail)
{
	unsigned char *m = map(fd, HUGE, MAP_SHARED), *p = map(fd, HUGE, MAP_PRIVATE);
	int value = (int)(bad / PAGE % PAGES) + 1, status;
	pid_t pid = start_other(fd, bad);
	size_t near;

	is_good(m + bad, value, "shared");
	is_good(p + bad, value, "private");
	mark(m + bad);
	is_bad(m + bad + 100, "shared");
	is_bad(p + bad + 200, "private");
	ask('b');
	for (near = bad - 2 * PAGE; near <= bad + 2 * PAGE; near += PAGE)
		if (near != bad)
			is_good(m + near, (int)(near / PAGE % PAGES) + 1, "beside it");
	/* it is no matter of the first access */
	is_bad(m + bad, "once more");
	if (reads_fail)
		kernel_reads(fd, (off_t)bad, true);
	check(pwrite(fd, "x", 1, (off_t)bad + 9) == -1 && errno == EIO, "a write of a part");
	is_bad(m + bad, "after a write of a part");
	fill(fd, (off_t)bad, 0x77);
	kernel_reads(fd, (off_t)bad, false);
	is_good(m + bad, 0x77, "shared, overwritten");
	is_good(p + bad, 0x77, "private, overwritten");
	ask('g');
	m[bad] = 0x78;
	is_good(p + bad, 0x78, "private, after a store");
	check(!fsync(fd), "fsync");
	close(other);
	check(waitpid(pid, &status, 0) == pid && !status, "the other process: %#x", status);
	munmap(m, HUGE);
	munmap(p, HUGE);
	fill(fd, (off_t)bad, (unsigned char)value);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	size_t pos;
	int fd;

	if (argc != 3)
		return 2;
	sigaction(SIGBUS, &action, NULL);
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	check(fd >= 0, "open");
	check(!posix_fallocate(fd, 0, HUGE), "fallocate");
	for (pos = 0; pos < HUGE; pos += PAGE)
		fill(fd, (off_t)pos, (unsigned char)(pos / PAGE % PAGES + 1));
	one(fd, 5 * PAGE, !strcmp(argv[2], "read"));
	one(fd, 300 * PAGE, !strcmp(argv[2], "read"));
	return 0;
}
