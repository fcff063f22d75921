// SPDX-License-Identifier: BSD-2-Clause
/*
 * Futexes in shared mappings of files of the current folder: of mutexes and conditions between
 * processes, while the page goes away under who sleeps, in pages of 2 MiB. With "grow" mappings
 * that grow where they are, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096UL
#define LARGE	(2UL << 20)
#define TURNS	300

#define must(cond)	do { if (!(cond)) die(__LINE__, #cond); } while (0)

static const char *way;

static void __attribute__((noreturn)) die(int line, const char *what)
{
	fprintf(stderr, "%s: shared.c:%d: %s (%s)\n", way, line, what, strerror(errno));
	exit(1);
}

static int new_file(const char *name, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	must(fd >= 0);
	must(ftruncate(fd, size) == 0);
	return fd;
}

static void *map(int fd, off_t pos, size_t len, int prot)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, fd, pos);

	must(p != MAP_FAILED);
	return p;
}

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static void reap(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- what programs use ---- */

struct table {
	pthread_mutex_t lock;
	pthread_cond_t turn;
	int whose;
	int count;
};

static void play(struct table *t, int me)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		must(pthread_mutex_lock(&t->lock) == 0);
		while (t->whose != me)
			must(pthread_cond_wait(&t->turn, &t->lock) == 0);
		t->whose = !me;
		t->count++;
		must(pthread_cond_signal(&t->turn) == 0);
		must(pthread_mutex_unlock(&t->lock) == 0);
	}
}

static void test_pthread(void)
{
	int fd = new_file("table", PAGE);
	struct table *t = map(fd, 0, PAGE, PROT_READ | PROT_WRITE);
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;
	pid_t pid;

	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_condattr_init(&ca);
	pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED);
	must(pthread_mutex_init(&t->lock, &ma) == 0);
	must(pthread_cond_init(&t->turn, &ca) == 0);
	pid = fork();
	if (!pid) {
		/* a mapping of its own, elsewhere */
		play(map(fd, 0, PAGE, PROT_READ | PROT_WRITE), 1);
		exit(0);
	}
	play(t, 0);
	reap(pid);
	must(t->count == 2 * TURNS);
	/* who dies with the lock leaves a word */
	pid = fork();
	if (!pid) {
		must(pthread_mutex_lock(&t->lock) == 0);
		exit(0);
	}
	reap(pid);
	must(pthread_mutex_lock(&t->lock) == EOWNERDEAD);
	must(pthread_mutex_consistent(&t->lock) == 0);
	must(pthread_mutex_unlock(&t->lock) == 0);
	must(munmap(t, PAGE) == 0);
	close(fd);
	must(unlink("table") == 0);
}

/* ---- who sleeps is found, whatever happens to the page ---- */

/* A process that sleeps on a word until somebody wakes it. */
static pid_t sleeper(int fd, off_t pos, int prot)
{
	struct timespec limit = { .tv_sec = 300 };
	pid_t pid = fork();

	if (!pid) {
		char *p = map(fd, pos & ~(PAGE - 1), PAGE, prot);

		if (futex((uint32_t *)(p + (pos & (PAGE - 1))), FUTEX_WAIT, 7, &limit) != 0)
			die(__LINE__, "FUTEX_WAIT");
		exit(0);
	}
	must(pid > 0);
	return pid;
}

/* In the futex's queue: the system call may wait for the page before. */
static int is_asleep(pid_t pid)
{
	char name[64], text[64] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/wchan", pid);
	f = fopen(name, "r");
	must(f);
	must(fgets(text, sizeof(text), f));
	fclose(f);
	return !strncmp(text, "futex", 5);
}

static void until_asleep(pid_t pid)
{
	int status;

	while (!is_asleep(pid)) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			die(__LINE__, "does not sleep");
		sched_yield();
	}
}

static void nothing(int fd, off_t pos)
{
	(void)fd;
	(void)pos;
}

static void sync_it(int fd, off_t pos)
{
	uint32_t *word = map(fd, pos & ~(PAGE - 1), PAGE, PROT_READ | PROT_WRITE);

	word[1]++;
	must(msync(word, PAGE, MS_SYNC) == 0);
	must(munmap(word, PAGE) == 0);
	must(fsync(fd) == 0);
}

/* The page is shared by two files: the store gets another block. */
static void clone_it(int fd, off_t pos)
{
	int other = open("clone", O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(other >= 0);
	must(ioctl(other, FICLONE, fd) == 0);
	close(other);
	must(unlink("clone") == 0);
	sync_it(fd, pos);
}

/* Others take the place of what is there. */
static void write_it(int fd, off_t pos)
{
	uint32_t seven = 7;

	must(pwrite(fd, &seven, 4, pos) == 4);
}

static void punch_before(int fd, off_t pos)
{
	off_t len = (pos & ~(PAGE - 1)) ? (pos & ~(PAGE - 1)) : 0;

	must(!len || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, len) == 0);
}

static void wake(int fd, off_t pos, void (*meanwhile)(int, off_t), int prot)
{
	char *p = map(fd, pos & ~(PAGE - 1), PAGE, PROT_READ | PROT_WRITE);
	uint32_t *word = (uint32_t *)(p + (pos & (PAGE - 1)));
	pid_t pid;

	*(volatile uint32_t *)word = 7;
	pid = sleeper(fd, pos, prot);
	until_asleep(pid);
	meanwhile(fd, pos);
	/* a neighbour, and the same place of another page, are somebody else's */
	must(futex(word + 1, FUTEX_WAKE, 1, NULL) == 0);
	must(futex(word, FUTEX_WAKE, 1, NULL) == 1);
	reap(pid);
	must(munmap(p, PAGE) == 0);
}

static void test_sleepers(void)
{
	static void (*const meanwhile[])(int, off_t) = {
		nothing, sync_it, clone_it, write_it, punch_before,
	};
	int fd = new_file("words", 5 * PAGE), other = new_file("others", 5 * PAGE);
	uint32_t *words = map(other, 0, 5 * PAGE, PROT_READ | PROT_WRITE);
	size_t i;

	for (i = 0; i < sizeof(meanwhile) / sizeof(meanwhile[0]); i++) {
		wake(fd, 0, meanwhile[i], PROT_READ | PROT_WRITE);
		wake(fd, 3 * PAGE + 8, meanwhile[i], PROT_READ | PROT_WRITE);
		wake(fd, 3 * PAGE + 8, meanwhile[i], PROT_READ);
	}
	/* of two files with the same contents each has its own */
	words[0] = 7;
	wake(fd, 0, nothing, PROT_READ | PROT_WRITE);
	must(futex(words, FUTEX_WAKE, 1, NULL) == 0);
	/* what is taken from the file is a word of nobody: SIGBUS comes as EFAULT */
	must(ftruncate(other, PAGE) == 0);
	must(futex(words + 2 * PAGE / 4, FUTEX_WAKE, 1, NULL) == -1 && errno == EFAULT);
	must(munmap(words, 5 * PAGE) == 0);
	close(fd);
	close(other);
	must(unlink("words") == 0 && unlink("others") == 0);
}

/* A block of one file becomes one of another: nobody is woken by the wrong name. */
static void test_reuse(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		int fd = new_file("again", 4 * PAGE);

		wake(fd, (i % 4) * PAGE + 4 * i, i % 2 ? sync_it : nothing, PROT_READ | PROT_WRITE);
		close(fd);
		must(unlink("again") == 0);
	}
}

static void test_large(void)
{
	int fd = new_file("large", 2 * LARGE);
	char *area = mmap(NULL, 3 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)(((uintptr_t)area + LARGE - 1) & ~(LARGE - 1));
	const off_t pos = LARGE + 77 * PAGE + 12;
	uint32_t *word = (uint32_t *)(p + pos);
	pid_t pid;

	must(area != MAP_FAILED && fallocate(fd, 0, 0, 2 * LARGE) == 0);
	must(mmap(p, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == p);
	must(*(volatile char *)p == 0);
	*(volatile uint32_t *)word = 7;
	/* the sleeper has it by a small page */
	pid = sleeper(fd, pos, PROT_READ | PROT_WRITE);
	until_asleep(pid);
	must(futex(word - 1, FUTEX_WAKE, 1, NULL) == 0);
	must(futex(word, FUTEX_WAKE, 1, NULL) == 1);
	reap(pid);
	pid = sleeper(fd, pos, PROT_READ | PROT_WRITE);
	until_asleep(pid);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LARGE + 76 * PAGE) == 0);
	must(futex(word, FUTEX_WAKE, 1, NULL) == 1);
	reap(pid);
	must(munmap(area, 3 * LARGE) == 0);
	close(fd);
	must(unlink("large") == 0);
}

/* ---- areas ---- */

static void test_grow(void)
{
	int fd = new_file("grow", 64 * PAGE), i;
	char *area = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;

	must(area != MAP_FAILED && munmap(area, 64 * PAGE) == 0);
	/* with room behind it */
	p = mmap(area, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	must(p == area);
	p[5] = 'a';
	must(mremap(p, 8 * PAGE, 32 * PAGE, 0) == p);
	p[31 * PAGE] = 'b';
	must(mremap(p, 32 * PAGE, 48 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	for (i = 0; i < 2; i++) {
		char c;

		must(pread(fd, &c, 1, i ? 31 * PAGE : 5) == 1);
		must(c == (i ? 'b' : 'a'));
	}
	must(munmap(area, 48 * PAGE) == 0);
	close(fd);
	must(unlink("grow") == 0);
}

int main(int argc, char **argv)
{
	must(argc >= 2);
	way = argv[1];
	test_pthread();
	test_sleepers();
	test_reuse();
	test_large();
	if (argc > 2)
		test_grow();
	return 0;
}
