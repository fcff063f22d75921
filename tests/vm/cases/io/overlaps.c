// SPDX-License-Identifier: BSD-2-Clause
/*
 * overlaps DIR: writes of one range by several at once are never mixed, and who reads sees
 * all or nothing of each. By every way that a program has to write: pwrite, with RWF_NOWAIT,
 * through io_uring, and by splice from a pipe. Then a log: writes at random places are as
 * if they had come one after the other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS		2
#define MAX_SIZE	(8 << 20)

#define FAILED		2	/* as sh->quit: a child has */

struct shared {
	atomic_int go, done[WRITERS], quit;
	atomic_int mixed, torn;
};

static struct shared *sh;

static void die(const char *what)
{
	perror(what);
	if (sh)
		atomic_store(&sh->quit, FAILED);
	exit(1);
}

/* ---- ways to write ---- */

struct way {
	const char *name;
	size_t max;		/* what goes in one piece */
	void (*write)(int fd, const char *buf, size_t len, off_t pos);
};

static void way_pwrite(int fd, const char *buf, size_t len, off_t pos)
{
	if (pwrite(fd, buf, len, pos) != (ssize_t)len)
		die("pwrite");
}

static void way_nowait(int fd, const char *buf, size_t len, off_t pos)
{
	struct iovec iov = { (void *)buf, len };
	ssize_t n;

	do {
		n = pwritev2(fd, &iov, 1, pos, RWF_NOWAIT);
	} while (n < 0 && errno == EAGAIN && sched_yield() == 0);
	if (n != (ssize_t)len)
		die("pwritev2");
}

static void way_splice(int fd, const char *buf, size_t len, off_t pos)
{
	static int pipes[2] = { -1, -1 };
	struct iovec iov = { (void *)buf, len };

	if (pipes[0] < 0 && pipe(pipes))
		die("pipe");
	if (vmsplice(pipes[1], &iov, 1, 0) != (ssize_t)len)
		die("vmsplice");
	if (splice(pipes[0], NULL, fd, &pos, len, 0) != (ssize_t)len)
		die("splice");
}

static struct {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
} ring = { .fd = -1 };

static unsigned int *at(char *base, unsigned int offset)
{
	return (unsigned int *)(base + offset);
}

static void *ring_map(size_t bytes, off_t what)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, what);

	if (mem == MAP_FAILED)
		die("mmap of a ring");
	return mem;
}

static void ring_start(void)
{
	ring.fd = (int)syscall(SYS_io_uring_setup, 1, &ring.p);
	if (ring.fd < 0)
		die("io_uring_setup");
	ring.sq = ring_map(ring.p.sq_off.array + sizeof(int), IORING_OFF_SQ_RING);
	ring.cq = ring_map(ring.p.cq_off.cqes + 4 * sizeof(struct io_uring_cqe),
			   IORING_OFF_CQ_RING);
	ring.sqes = ring_map(sizeof(*ring.sqes), IORING_OFF_SQES);
}

/* What would have to wait is given to a worker of the kernel. */
static void way_uring(int fd, const char *buf, size_t len, off_t pos)
{
	struct io_uring_cqe *cqe;
	unsigned int head;

	if (ring.fd < 0)
		ring_start();
	*ring.sqes = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITE, .fd = fd, .off = (unsigned long)pos,
		.addr = (unsigned long)buf, .len = (unsigned int)len,
	};
	*at(ring.sq, ring.p.sq_off.array) = 0;
	__atomic_fetch_add(at(ring.sq, ring.p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		die("io_uring_enter");
	head = *at(ring.cq, ring.p.cq_off.head);
	cqe = (struct io_uring_cqe *)(ring.cq + ring.p.cq_off.cqes) +
	      (head & *at(ring.cq, ring.p.cq_off.ring_mask));
	if (cqe->res != (int)len) {
		errno = cqe->res < 0 ? -cqe->res : 0;
		die("io_uring");
	}
	__atomic_store_n(at(ring.cq, ring.p.cq_off.head), head + 1, __ATOMIC_RELEASE);
}

static const struct way ways[] = {
	{ "pwrite", MAX_SIZE, way_pwrite },
	{ "RWF_NOWAIT", 4 << 10, way_nowait },
	{ "splice", 4 << 10, way_splice },
	{ "io_uring", 4 << 10, way_uring },
};

/* ---- two writers of the same bytes, and one who reads ---- */

/* Present, as what is not is faulted in between two parts of the write. */
static char *memory(size_t len)
{
	char *buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (buf == MAP_FAILED)
		die("mmap");
	return buf;
}

static int is_whole(const char *buf, size_t len)
{
	return !memcmp(buf, buf + 1, len - 1);
}

static void writer(int w, const struct way *way, size_t len, off_t pos)
{
	int fd = open("f", O_RDWR), i;
	char *buf = memory(len);

	for (i = 1;; i++) {
		memset(buf, 'A' + (2 * i + w) % 58, len);
		while (atomic_load(&sh->go) < i) {
			if (atomic_load(&sh->quit))
				_exit(0);
			sched_yield();
		}
		way->write(fd, buf, len, pos);
		atomic_store(&sh->done[w], i);
	}
}

static void reader(size_t len, off_t pos)
{
	int fd = open("f", O_RDONLY);
	char *buf = memory(len);

	while (!atomic_load(&sh->quit)) {
		if (pread(fd, buf, len, pos) != (ssize_t)len)
			die("pread");
		if (!is_whole(buf, len))
			atomic_fetch_add(&sh->torn, 1);
	}
	_exit(0);
}

static void reap(int n)
{
	int status;

	while (n--)
		if (wait(&status) < 0 || status) {
			fprintf(stderr, "a child ended with %x\n", (unsigned int)status);
			exit(1);
		}
}

static int race(const struct way *way, size_t len, int rounds)
{
	const off_t pos = 512;	/* no page begins with it */
	int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644), i, w;
	char *buf = memory(len);

	memset(sh, 0, sizeof(*sh));
	memset(buf, '-', len);
	if (pwrite(fd, buf, len, pos) != (ssize_t)len)
		die("pwrite");
	for (w = 0; w < WRITERS; w++)
		if (!fork())
			writer(w, way, len, pos);
	if (!fork())
		reader(len, pos);
	for (i = 1; i <= rounds; i++) {
		atomic_store(&sh->go, i);
		while (atomic_load(&sh->done[0]) < i || atomic_load(&sh->done[1]) < i) {
			if (atomic_load(&sh->quit))
				exit(1);
			sched_yield();
		}
		if (pread(fd, buf, len, pos) != (ssize_t)len)
			die("pread");
		sh->mixed += !is_whole(buf, len);
	}
	atomic_store(&sh->quit, 1);
	reap(WRITERS + 1);
	munmap(buf, len);
	close(fd);
	if (sh->mixed || sh->torn)
		printf("%s of %zu bytes: %d of %d mixed, %d read torn\n", way->name, len,
		       sh->mixed, rounds, sh->torn);
	return sh->mixed || sh->torn;
}

/* ---- writes at random places: as if one had come after the other ---- */

#define LOG_WRITERS	3
#define LOG_ROUNDS	40
#define SECTOR		512
#define SECTORS		128

struct extent {
	unsigned short first, last;	/* sectors */
};

/* What each write was to cover; a write is named by its place here, 0 is none. */
static struct extent *writes;

static int covers(unsigned int name, unsigned int sector)
{
	return writes[name].first <= sector && sector <= writes[name].last;
}

static void log_writer(int w)
{
	int fd = open("f", O_RDWR);
	unsigned int seed = (unsigned int)w, *buf = (unsigned int *)memory(SECTORS * SECTOR);
	unsigned int i, k, name, n;

	for (i = 0; i < LOG_ROUNDS; i++) {
		name = 1 + i * LOG_WRITERS + (unsigned int)w;
		writes[name].first = (unsigned short)((unsigned int)rand_r(&seed) % SECTORS);
		n = 1 + (unsigned int)rand_r(&seed) % (SECTORS - writes[name].first);
		writes[name].last = (unsigned short)(writes[name].first + n - 1);
		for (k = 0; k < n * SECTOR / sizeof(*buf); k++)
			buf[k] = name;
		ways[i % 2 ? 0 : 3].write(fd, (char *)buf, n * SECTOR,
					  writes[name].first * SECTOR);
	}
	atomic_fetch_add(&sh->done[0], 1);
	_exit(0);
}

/* Two that both cover two sectors, and each has written the last of one: no order is that. */
static const char *log_fault(const unsigned int *buf)
{
	const unsigned int words = SECTOR / sizeof(*buf);
	unsigned int p, q, i;

	for (p = 0; p < SECTORS; p++)
		for (i = 1; i < words; i++)
			if (buf[p * words + i] != buf[p * words])
				return "a sector of two writes";
	for (p = 0; p < SECTORS; p++)
		for (q = 0; q < SECTORS; q++) {
			unsigned int a = buf[p * words], b = buf[q * words];

			if (a && b && a != b && covers(a, q) && covers(b, p))
				return "writes that came in no order";
		}
	return NULL;
}

static int log_race(void)
{
	int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644), w, looks = 0, over;
	unsigned int *buf = (unsigned int *)memory(SECTORS * SECTOR);
	const char *fault = NULL;

	memset(sh, 0, sizeof(*sh));
	if (pwrite(fd, buf, SECTORS * SECTOR, 0) != SECTORS * SECTOR)
		die("pwrite");
	for (w = 0; w < LOG_WRITERS; w++)
		if (!fork())
			log_writer(w);
	do {
		over = atomic_load(&sh->done[0]) == LOG_WRITERS || atomic_load(&sh->quit);
		if (pread(fd, buf, SECTORS * SECTOR, 0) != SECTORS * SECTOR)
			die("pread");
		fault = fault ? fault : log_fault(buf);
		looks++;
	} while (!over);
	reap(LOG_WRITERS);
	if (fault)
		printf("one of %d looks at writes of random places has seen %s\n", looks, fault);
	munmap(buf, SECTORS * SECTOR);
	close(fd);
	return !!fault;
}

int main(int argc, char **argv)
{
	static const struct { size_t len; int rounds; } sizes[] = {
		{ 512, 40 }, { 4096, 30 }, { 64 << 10, 12 }, { 1536 << 10, 3 }, { MAX_SIZE, 1 },
	};
	unsigned int w, s;
	int bad = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc != 2 || chdir(argv[1]))
		die("overlaps DIR");
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	writes = mmap(NULL, (LOG_WRITERS * LOG_ROUNDS + 1) * sizeof(*writes),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED || writes == MAP_FAILED)
		die("mmap");
	for (w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			if (sizes[s].len <= ways[w].max)
				bad |= race(&ways[w], sizes[s].len, sizes[s].rounds);
	bad |= log_race();
	return bad;
}
