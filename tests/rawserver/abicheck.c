// SPDX-License-Identifier: BSD-2-Clause
/*
 * abicheck.c - does the kernel answer each ioctl as the ABI says?
 *
 * usage: abicheck ROOT CHECK [DEVICE]
 * Each check runs in a process of its own, because a root has one server and its
 * roles end with their process. Exit 0 when all was as wanted, else 1, and what
 * was not is printed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "abi.h"

const char *abi_root;
const char *abi_device;
static int failures, comparisons;

void abi_want(const char *what, long long wanted, long long found)
{
	comparisons++;
	if (wanted == found)
		return;
	failures++;
	printf("%s: wanted %lld, found %lld\n", what, wanted, found);
}

void abi_want_text(const char *what, const char *wanted, size_t size, const char *found)
{
	comparisons++;
	if (!memcmp(wanted, found, size))
		return;
	failures++;
	printf("%s: wanted \"%.*s\", found \"%.*s\"\n", what, (int)size, wanted, (int)size,
	       found);
}

int abi_open(void)
{
	int fd = open(abi_root, O_RDWR | O_TMPFILE | O_EXCL, 0666);

	if (fd < 0) {
		printf("%s: no special file: %s\n", abi_root, strerror(errno));
		exit(1);
	}
	return fd;
}

long abi_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

long abi_register(int fd, const char *name)
{
	struct zufs_ioc_register_fs reg = {
		.hdr = { .in_len = sizeof(reg), .out_len = sizeof(reg.hdr) },
		.zus_zfi = 1,
		.rfi = { .FS_magic = 0x41424946, .FS_ver_major = 1, .dt_offset = ~0ULL,
			 .s_maxbytes = 1 << 30, .s_time_gran = 1, .def_mode = 0755 },
	};
	long err;

	memcpy(reg.rfi.fsname, name, strnlen(name, sizeof(reg.rfi.fsname)));
	err = abi_ioctl(fd, ZU_IOC_REGISTER_FS, &reg);
	abi_want("REGISTER_FS as a call", 0, err);
	return reg.hdr.err;
}

/* The error of the call, else that of the header. */
long abi_init_thread(int fd, unsigned int channel, unsigned int max_command)
{
	struct zufs_ioc_init init = {
		.hdr = { .in_len = sizeof(init), .out_len = sizeof(init) },
		.channel_no = channel,
		.max_command = max_command,
	};
	long err = abi_ioctl(fd, ZU_IOC_INIT_THREAD, &init);

	return err ? err : init.hdr.err;
}

void *abi_map(int fd, size_t size, off_t offset, long *err)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	*err = map == MAP_FAILED ? -errno : 0;
	return *err ? NULL : map;
}

static sigjmp_buf trapped;

static void on_trap(int sig)
{
	(void)sig;
	siglongjmp(trapped, 1);
}

bool abi_touch(volatile char *at)
{
	struct sigaction sa = { .sa_handler = on_trap };

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (sigsetjmp(trapped, 1))
		return false;
	(void)*at;
	return true;
}

int abi_child(int (*fn)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		failures = 0;
		status = fn();
		fflush(stdout);
		_exit(status ? status : failures != 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* ---- threads that wait ---- */

struct abi_waiter {
	pthread_t thread;
	pid_t tid;
	int fd;
	unsigned long request;
	void *arg;
	long err;
};

static void on_poke(int sig)
{
	(void)sig;
}

static void *waiter(void *data)
{
	struct abi_waiter *w = data;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	w->err = abi_ioctl(w->fd, w->request, w->arg);
	return NULL;
}

struct abi_waiter *abi_wait_start(int fd, unsigned long request, void *arg)
{
	struct abi_waiter *w = calloc(1, sizeof(*w));
	struct sigaction sa = { .sa_handler = on_poke };

	sigaction(SIGUSR1, &sa, NULL);
	w->fd = fd;
	w->request = request;
	w->arg = arg;
	if (pthread_create(&w->thread, NULL, waiter, w))
		exit(1);
	return w;
}

/* The kernel says so: state S (or D) of the thread, in that ioctl. */
void abi_wait_asleep(struct abi_waiter *w)
{
	char path[64], text[256], *state;
	ssize_t got;
	int fd;

	while (!__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", w->tid);
	for (;;) {	/* or until alarm() */
		fd = open(path, O_RDONLY);
		got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		if (got <= 0)
			return;		/* it has ended */
		text[got] = 0;
		state = strchr(text, ' ');
		/* "16 FD REQUEST ..." asleep in ioctl, "running" if it is not asleep */
		if (state && atoi(text) == 16)
			return;
		sched_yield();
	}
}

void abi_poke(struct abi_waiter *w)
{
	pthread_kill(w->thread, SIGUSR1);
}

long abi_wait_end(struct abi_waiter *w)
{
	long err;

	pthread_join(w->thread, NULL);
	err = w->err;
	free(w);
	return err;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} checks[] = {
		{ "files", check_files }, { "roles", check_roles },
		{ "buffers", check_buffers }, { "register", check_register },
		{ "servers", check_servers }, { "mounter", check_mounter },
		{ "thread", check_thread }, { "break-all", check_break_all },
		{ "close", check_close }, { "numa", check_numa },
		{ "private", check_private },
	};
	const char *slow = getenv("SLOW");
	size_t i;

	if (argc < 3) {
		fputs("usage: abicheck ROOT CHECK [DEVICE]\n", stderr);
		return 2;
	}
	abi_root = argv[1];
	abi_device = argv[3];
	alarm(30 * (slow ? (unsigned int)atoi(slow) : 1));
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(checks[i].name, argv[2]))
			continue;
		checks[i].run();
		printf("%s: %d comparisons, %d failed\n", argv[2], comparisons, failures);
		return failures || !comparisons;
	}
	fprintf(stderr, "abicheck: no check \"%s\"\n", argv[2]);
	return 2;
}
