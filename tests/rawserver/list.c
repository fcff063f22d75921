// SPDX-License-Identifier: BSD-2-Clause
/*
 * list.c - lists of commands, at the word of a test
 *
 *	list [OPTION...] ELEMENT...	run one; prints its result
 *	flood N [OPTION...] ELEMENT...	start N that nobody waits for; prints how many
 *					were taken and how many got EAGAIN at first
 *	fill PLACE:PAGE:N:SEED		write a pattern
 *	check PLACE:PAGE:N:SEED		prints "same" or where it is not
 *	memory FILE|own			what "mem" is from now on; prints its address
 *
 * ELEMENT: w:BLOCK:PAGE[:N] and r:... (T1 to T2 and back), mw:BLOCK:PAGE:N and mr:...
 * (memory of the server), d:BLOCK:N, rep:N, u:PAGE:N:INO, wbinv, x:WORD (as it is),
 * times:N (all before it, N times).
 * OPTION: async, flush, fua, sb=ID, sbi=N, wait=N (wait_for_done), n=N, max=N (iom_n,
 * iom_max), at=N (bytes beyond the start of the mapping), full (a flood ends at EAGAIN).
 * PLACE: t1, mem. The file system is the one that was mounted last; with sb= there need
 * not be one. Results: OK or the name of the errno, "call" before it if it is one of
 * the ioctl.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "raw.h"

#define MEM_PAGES	1024
#define MAX_BUFFER	(8U << 20)
#define MAX_WORDS	((MAX_BUFFER - sizeof(struct zufs_ioc_iomap_exec)) / sizeof(uint64_t))
#define COOKIE		0x1157000000000000ULL

static char own_mem[MEM_PAGES * ZUFS_PAGE_SIZE] __attribute__((aligned(4096)));
static char *mem = own_mem;

struct list {
	struct zufs_ioc_iomap_exec *ioc;	/* the buffer */
	uint64_t *words;
	unsigned long n;
	unsigned long at;
	bool set_n, set_max, full;
};

static uint64_t number(char **text)
{
	uint64_t value = strtoull(*text, text, 0);

	if (**text == ':')
		++*text;
	return value;
}

/* ---- patterns ---- */

static void pattern(const char *word, char *rest, FILE *out)
{
	bool in_t1 = !strncmp(rest, "t1:", 3), same = true;
	uint64_t page, n, seed, i, *at;
	struct raw_fs *fs;

	rest = strchr(rest, ':') + 1;
	page = number(&rest);
	n = number(&rest) * (ZUFS_PAGE_SIZE / sizeof(*at));
	seed = number(&rest);
	raw_lock();
	fs = raw_fs_last();
	at = (uint64_t *)((in_t1 ? fs->t1 : mem) + page * ZUFS_PAGE_SIZE);
	raw_unlock();
	for (i = 0; i < n && same; i++) {
		uint64_t wanted = seed ? seed << 32 | i : 0;

		if (!strcmp(word, "fill"))
			at[i] = wanted;
		else
			same = at[i] == wanted;
	}
	if (!strcmp(word, "check"))
		fprintf(out, same ? "same\n" : "differs at word %llu\n",
			(unsigned long long)i - 1);
}

/* ---- making a list ---- */

static void add(struct list *l, unsigned int op, uint64_t value, unsigned int n, uint64_t w1,
		uint64_t w2)
{
	if (l->n + 3 > MAX_WORDS)
		return;
	l->words[l->n++] = zufs_iom_pack(op, value);
	if (n > 1)
		l->words[l->n++] = w1;
	if (n > 2)
		l->words[l->n++] = w2;
}

static void add_t1(struct list *l, bool is_write, char *text)
{
	uint64_t block = number(&text), t1 = number(&text) * ZUFS_PAGE_SIZE;

	if (*text)
		add(l, is_write ? IOM_T2_WRITE_LEN : IOM_T2_READ_LEN, block, 3, t1,
		    number(&text));
	else
		add(l, is_write ? IOM_T2_WRITE : IOM_T2_READ, block, 2, t1, 0);
}

static void add_mem(struct list *l, bool is_write, char *text)
{
	uint64_t block = number(&text), page = number(&text), n = number(&text);

	add(l, is_write ? IOM_T2_ZUSMEM_WRITE : IOM_T2_ZUSMEM_READ, block, 3,
	    (uintptr_t)mem + page * ZUFS_PAGE_SIZE, n * ZUFS_PAGE_SIZE);
}

static void add_times(struct list *l, uint64_t times)
{
	unsigned long n = l->n;

	while (--times && l->n + n <= MAX_WORDS) {
		memcpy(l->words + l->n, l->words, n * sizeof(*l->words));
		l->n += n;
	}
}

static bool add_element(struct list *l, char *word)
{
	char *text = strchr(word, ':');
	uint64_t a;

	if (!strcmp(word, "wbinv")) {
		add(l, IOM_WBINV, 0, 1, 0, 0);
		return true;
	}
	if (!text)
		return false;
	*text++ = 0;
	if (!strcmp(word, "w") || !strcmp(word, "r")) {
		add_t1(l, *word == 'w', text);
	} else if (!strcmp(word, "mw") || !strcmp(word, "mr")) {
		add_mem(l, word[1] == 'w', text);
	} else if (!strcmp(word, "d")) {
		a = number(&text);
		add(l, IOM_DISCARD, a, 3, 0, number(&text));
	} else if (!strcmp(word, "rep")) {
		add(l, IOM_REPEAT, number(&text), 1, 0, 0);
	} else if (!strcmp(word, "u")) {
		a = number(&text);
		l->words[l->n + 1] = number(&text);
		l->words[l->n + 2] = number(&text);
		l->words[l->n] = zufs_iom_pack(IOM_UNMAP, a);
		l->n += 3;
	} else if (!strcmp(word, "times")) {
		add_times(l, number(&text));
	} else if (!strcmp(word, "x")) {
		l->words[l->n++] = number(&text);
	} else {
		return false;
	}
	return true;
}

static bool set_option(struct list *l, const char *word)
{
	const char *value = strchr(word, '=');
	unsigned long n = value ? strtoul(value + 1, NULL, 0) : 0;

	if (!strcmp(word, "async")) {
		l->ioc->wait_for_done &= ~1U;
	} else if (!strcmp(word, "flush")) {
		l->ioc->wait_for_done |= ZUFS_IOM_EXEC_FLUSH;
	} else if (!strcmp(word, "full")) {
		l->full = true;
	} else if (!strcmp(word, "fua")) {
		l->ioc->wait_for_done |= ZUFS_IOM_EXEC_FUA;
	} else if (!value) {
		return false;
	} else if (!strncmp(word, "wait=", 5)) {
		l->ioc->wait_for_done = (uint32_t)n;
	} else if (!strncmp(word, "sb=", 3)) {
		l->ioc->sb_id = n;
	} else if (!strncmp(word, "sbi=", 4)) {
		l->ioc->zus_sbi = n;
	} else if (!strncmp(word, "at=", 3)) {
		l->at = n;
	} else if (!strncmp(word, "n=", 2)) {
		l->ioc->ziom.iom_n = (uint32_t)n;
		l->set_n = true;
	} else if (!strncmp(word, "max=", 4)) {
		l->ioc->ziom.iom_max = (uint32_t)n;
		l->set_max = true;
	} else {
		return false;
	}
	return true;
}

/* A buffer with the list in it; its file, or -errno. */
static int make(struct list *l, char *rest)
{
	struct zufs_ioc_alloc_buffer ab = {
		.hdr.in_len = sizeof(ab), .max_size = MAX_BUFFER, .init_size = ZUFS_PAGE_SIZE,
	};
	int fd = raw_open();
	struct raw_fs *fs;
	char *word;

	memset(l, 0, sizeof(*l));
	if (fd < 0 || ioctl(fd, ZU_IOC_ALLOC_BUFFER, &ab) < 0)
		return -errno;
	l->ioc = mmap(NULL, MAX_BUFFER, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (l->ioc == MAP_FAILED)
		return -errno;
	l->words = ZUFS_TAIL(l->ioc, ziom.iom_e);
	l->ioc->hdr.in_len = sizeof(*l->ioc);
	l->ioc->wait_for_done = 1;
	l->ioc->ziom.iomb = COOKIE;
	raw_lock();
	fs = raw_fs_last();
	if (fs) {
		l->ioc->sb_id = fs->sb_id;
		l->ioc->zus_sbi = (uintptr_t)fs;
	}
	raw_unlock();
	while ((word = strtok_r(rest, " ", &rest)))
		if (!set_option(l, word) && !add_element(l, word))
			return -EINVAL;
	if (!l->set_n)
		l->ioc->ziom.iom_n = (uint32_t)l->n;
	if (!l->set_max)
		l->ioc->ziom.iom_max = l->ioc->ziom.iom_n;
	return fd;
}

static void list_free(struct list *l, int fd)
{
	munmap(l->ioc, MAX_BUFFER);
	close(fd);
}

static int run(const struct list *l, int fd)
{
	return ioctl(fd, ZU_IOC_IOMAP_EXEC, (char *)l->ioc + l->at) < 0 ? -errno : 0;
}

static const char *error_name(int err)
{
	return err ? strerrorname_np(-err) : "OK";
}

static void run_list(char *rest, FILE *out)
{
	struct list l;
	int fd = make(&l, rest), err;

	if (fd < 0) {
		fprintf(out, "error: %s\n", error_name(fd));
		return;
	}
	err = run(&l, fd);
	fprintf(out, err ? "call %s\n" : "%s\n", error_name(err ? err : l.ioc->hdr.err));
	list_free(&l, fd);
}

static void flood(char *rest, FILE *out)
{
	unsigned long count = strtoul(rest, &rest, 0), taken = 0, again = 0;
	struct list l;
	int fd = make(&l, rest), err = 0;

	if (fd < 0) {
		fprintf(out, "error: %s\n", error_name(fd));
		return;
	}
	l.ioc->wait_for_done &= ~1U;
	while (!err && taken < count) {
		err = run(&l, fd);
		if (!err)
			err = l.ioc->hdr.err;
		if (!err) {
			taken++;
		} else if (err == -EAGAIN && !l.full) {
			again++;
			err = 0;
			sched_yield();
		}
	}
	fprintf(out, "taken %lu again %lu %s\n", taken, again, error_name(err));
	list_free(&l, fd);
}

static void set_memory(const char *name, FILE *out)
{
	char *map = own_mem;
	int fd;

	if (strcmp(name, "own")) {
		fd = open(name, O_RDWR | O_CLOEXEC);
		map = mmap(NULL, sizeof(own_mem), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (map == MAP_FAILED) {
		fprintf(out, "error: %s\n", error_name(-errno));
		return;
	}
	if (mem != own_mem)
		munmap(mem, sizeof(own_mem));
	mem = map;
	fprintf(out, "%llu\n", (unsigned long long)(uintptr_t)mem);
}

bool raw_list_word(const char *word, char *rest, FILE *out)
{
	if (!strcmp(word, "list"))
		run_list(rest, out);
	else if (!strcmp(word, "flood"))
		flood(rest, out);
	else if (!strcmp(word, "memory"))
		set_memory(rest, out);
	else if (!strcmp(word, "fill") || !strcmp(word, "check"))
		pattern(word, rest, out);
	else
		return false;
	return true;
}

int raw_op_iom_done(const struct zufs_ioc_iomap_done *msg)
{
	raw_stats.lists++;
	if (msg->hdr.err)
		raw_stats.failed_lists++;
	if (msg->iomb != COOKIE || !raw_fs_of(msg->zus_sbi)) {
		raw_stats.bad_messages++;
		raw_note("IOM_DONE of %#llx", (unsigned long long)msg->iomb);
	}
	return 0;
}
