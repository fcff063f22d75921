// SPDX-License-Identifier: BSD-2-Clause
/*
 * app.c - rawapp: one system call of an application, and what came of it
 *
 * usage: rawapp [-i] [-e RESULT[,RESULT...]] [-t MS] [-m BYTES] CALL ARG...
 *	-e	results that are right: names of errnos, OK, or "any" (OK)
 *	-t	and how long it may take at most (15000), times $SLOW
 *	-i	SIGINT has a handler that does nothing
 *	-m	distance of the buffer from the start of a page (0)
 *
 * Whatever hangs for 30 seconds (times $SLOW) is killed. The data of "write" is a function of the
 * file position, "read" checks it. The status is 0 if the result is a right one,
 * and 1 if not; with -e any only time and data count. Calls: the table at the end.
 * "load" and "burst" are in load.c, "pound" in pound.c.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include "app.h"

static size_t misalign;
static bool data_is_wrong;

static long long number(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 0);

	switch (*end) {
	case 'k': return n << 10;
	case 'm': return n << 20;
	case 'g': return n << 30;
	default: return n;
	}
}

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* Byte at a position of a file. */
static unsigned char pattern(unsigned long long pos)
{
	return (unsigned char)((pos * 2654435761ULL >> 16) + pos) | 1;
}

static char *buffer(size_t len)
{
	char *map = mmap(NULL, len + 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return map == MAP_FAILED ? NULL : map + misalign;
}

/* ---- data ---- */

static int transfer(char **arg, int flags, bool write)
{
	long long pos = number(arg[1]), len = number(arg[2]);
	int fd = open(arg[0], flags, 0644), err = 0;
	char *buf = buffer((size_t)len);
	ssize_t done, i;

	if (fd < 0 || !buf)
		return -errno;
	for (i = 0; write && i < len; i++)
		buf[i] = (char)pattern((unsigned long long)(pos + i));
	done = write ? pwrite(fd, buf, (size_t)len, pos) : pread(fd, buf, (size_t)len, pos);
	if (done < 0)
		err = -errno;
	for (i = 0; !write && i < done; i++)
		data_is_wrong |= (unsigned char)buf[i] != pattern((unsigned long long)(pos + i));
	if (close(fd) && !err)
		err = -errno;
	if (!err)
		printf("%zd bytes ", done);
	return err;
}

static int do_write(char **arg)
{
	return transfer(arg, O_WRONLY | O_CREAT, true);
}

static int do_read(char **arg)
{
	return transfer(arg, O_RDONLY, false);
}

/* Read, without an opinion about the bytes. */
static int do_readany(char **arg)
{
	int err = transfer(arg, O_RDONLY, false);

	data_is_wrong = false;
	return err;
}

static int do_append(char **arg)
{
	int fd = open(arg[0], O_WRONLY | O_APPEND);
	char *buf = buffer((size_t)number(arg[1]));

	return fd < 0 || !buf ? -errno : result(write(fd, buf, (size_t)number(arg[1])));
}

static int do_truncate(char **arg)
{
	return result(truncate(arg[0], number(arg[1])));
}

static int do_fsync(char **arg)
{
	int fd = open(arg[0], O_RDWR);

	return fd < 0 ? -errno : result(fsync(fd));
}

static int do_fallocate(char **arg)
{
	int fd = open(arg[0], O_RDWR);

	return fd < 0 ? -errno :
	       result(fallocate(fd, (int)number(arg[1]), number(arg[2]), number(arg[3])));
}

static int do_seek(char **arg)
{
	int fd = open(arg[0], O_RDONLY);
	off_t pos;

	if (fd < 0)
		return -errno;
	pos = lseek(fd, number(arg[1]), *arg[2] == 'd' ? SEEK_DATA : SEEK_HOLE);
	printf("%lld ", (long long)pos);
	return result(pos);
}

static int do_fadvise(char **arg)
{
	int fd = open(arg[0], O_RDONLY);

	return fd < 0 ? -errno : -posix_fadvise(fd, 0, 0, (int)number(arg[1]));
}

static int do_fiemap(char **arg)
{
	struct { struct fiemap map; struct fiemap_extent extents[64]; } fm = {
		.map = { .fm_length = ~0ULL, .fm_extent_count = (unsigned)number(arg[1]) },
	};
	int fd = open(arg[0], O_RDONLY);

	if (fd < 0 || ioctl(fd, FS_IOC_FIEMAP, &fm) < 0)
		return -errno;
	printf("%u extents ", fm.map.fm_mapped_extents);
	return 0;
}

/* Map one page, touch it: read or write. A signal is the result EFAULT. */
static int do_mmap(char **arg)
{
	bool write = *arg[1] == 'w';
	int fd = open(arg[0], O_RDWR);
	char *map;

	if (fd < 0)
		return -errno;
	map = mmap(NULL, 4096, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	return app_touch(map, write) ? result(munmap(map, 4096)) : -EFAULT;
}

/* ---- names ---- */

static int do_stat(char **arg)
{
	struct stat st;

	if (lstat(arg[0], &st))
		return -errno;
	printf("mode %o nlink %lu size %lld uid %u ", st.st_mode, (unsigned long)st.st_nlink,
	       (long long)st.st_size, st.st_uid);
	return 0;
}

static int do_open(char **arg)
{
	return result(open(arg[0], O_RDONLY));
}

static int do_create(char **arg)
{
	return result(open(arg[0], O_RDWR | O_CREAT | O_EXCL, 0644));
}

static int do_tmpfile(char **arg)
{
	return result(open(arg[0], O_RDWR | O_TMPFILE, 0644));
}

static int do_mkdir(char **arg)
{
	return result(mkdir(arg[0], 0755));
}

static int do_mknod(char **arg)
{
	return result(mknod(arg[0], S_IFCHR | 0600, makedev(1, 3)));
}

static int do_symlink(char **arg)
{
	return result(symlink(arg[0], arg[1]));
}

/* A target of that many bytes. */
static int do_longlink(char **arg)
{
	size_t len = (size_t)number(arg[0]);
	char target[8192] = "";

	if (len >= sizeof(target))
		return -EINVAL;
	memset(target, 'l', len);
	return result(symlink(target, arg[1]));
}

static int do_readlink(char **arg)
{
	char target[8192];
	ssize_t len = readlink(arg[0], target, sizeof(target));

	printf("%zd bytes ", len);
	return result(len);
}

static int do_link(char **arg)
{
	return result(link(arg[0], arg[1]));
}

static int do_unlink(char **arg)
{
	return result(unlink(arg[0]));
}

static int do_rmdir(char **arg)
{
	return result(rmdir(arg[0]));
}

static int do_rename(char **arg)
{
	return result(rename(arg[0], arg[1]));
}

static int do_exchange(char **arg)
{
	return result(renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1], RENAME_EXCHANGE));
}

/* At most so many entries are wanted: a listing must end. */
static int do_readdir(char **arg)
{
	long long entries = 0, max = number(arg[1]);
	DIR *dir = opendir(arg[0]);

	if (!dir)
		return -errno;
	errno = 0;
	while (readdir(dir) && entries <= max)
		entries++;
	printf("%lld entries ", entries);
	if (entries > max)
		return -ELOOP;
	return -errno;
}

/* ---- attributes ---- */

static int do_chmod(char **arg)
{
	return result(chmod(arg[0], (mode_t)number(arg[1])));
}

static int do_chown(char **arg)
{
	return result(chown(arg[0], (uid_t)number(arg[1]), (gid_t)number(arg[1])));
}

static int do_utimes(char **arg)
{
	return result(utimensat(AT_FDCWD, arg[0], NULL, AT_SYMLINK_NOFOLLOW));
}

static int do_statfs(char **arg)
{
	struct statfs fs;

	if (statfs(arg[0], &fs))
		return -errno;
	printf("bsize %ld blocks %llu namelen %ld ", (long)fs.f_bsize,
	       (unsigned long long)fs.f_blocks, (long)fs.f_namelen);
	return 0;
}

static int do_getxattr(char **arg)
{
	char value[70000];

	return result(getxattr(arg[0], arg[1], value, (size_t)number(arg[2])));
}

static int do_setxattr(char **arg)
{
	char value[70000];

	memset(value, 'x', sizeof(value));
	return result(setxattr(arg[0], arg[1], value, (size_t)number(arg[2]), 0));
}

static int do_removexattr(char **arg)
{
	return result(removexattr(arg[0], arg[1]));
}

/* A user's list of that many names, of 255 bytes each: "user.", digits. */
static int do_fillxattr(char **arg)
{
	char name[256];
	long long i;

	for (i = 0; i < number(arg[1]); i++) {
		snprintf(name, sizeof(name), "user.%0250lld", i);
		if (setxattr(arg[0], name, "", 0, 0))
			return -errno;
	}
	return 0;
}

static int do_listxattr(char **arg)
{
	static char list[65536];

	return result(listxattr(arg[0], list, sizeof(list)));
}

/*
 * As a 32-bit program, with a word: what is written is the third argument, what is read must
 * be it.
 */
static int do_ioctl32(char **arg)
{
	int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned int request = (unsigned int)number(arg[1]);
	int fd = open(arg[0], O_RDONLY);
	long ret = 54;		/* ioctl */

	if (fd < 0 || word == MAP_FAILED)
		return -errno;
	*word = _IOC_DIR(request) & _IOC_WRITE ? (int)number(arg[2]) : -1;
	__asm__ volatile("int $0x80" : "+a"(ret)
			 : "b"((long)fd), "c"((long)request), "d"(word)
			 : "memory", "r8", "r9", "r10", "r11");
	data_is_wrong = !ret && *word != (int)number(arg[2]);
	return (int)ret;
}

static int do_ioctl(char **arg)
{
	unsigned char data[64] = { 0 };
	int fd = open(arg[0], O_RDONLY), err;

	if (fd < 0)
		return -errno;
	err = result(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'r', (unsigned)number(arg[1]), 64),
			   data));
	data_is_wrong = !err && data[63] != 0xff;
	return err;
}

/* ---- mounts ---- */

static int do_mount(char **arg)
{
	return result(mount(arg[1], arg[2], arg[0], 0, arg[3]));
}

static int do_remount(char **arg)
{
	return result(mount("none", arg[0], NULL, MS_REMOUNT |
			    (!strcmp(arg[1], "ro") ? MS_RDONLY : 0), ""));
}

static int do_umount(char **arg)
{
	return result(umount2(arg[0], 0));
}

static const struct {
	const char *name;
	int nr_args;
	int (*run)(char **arg);
} calls[] = {
	{ "write", 3, do_write }, { "read", 3, do_read }, { "readany", 3, do_readany },
	{ "append", 2, do_append }, { "truncate", 2, do_truncate }, { "fsync", 1, do_fsync },
	{ "fallocate", 4, do_fallocate }, { "seek", 3, do_seek }, { "fadvise", 2, do_fadvise },
	{ "fiemap", 2, do_fiemap }, { "mmap", 2, do_mmap }, { "stat", 1, do_stat },
	{ "open", 1, do_open }, { "create", 1, do_create }, { "tmpfile", 1, do_tmpfile },
	{ "mkdir", 1, do_mkdir }, { "mknod", 1, do_mknod }, { "symlink", 2, do_symlink },
	{ "longlink", 2, do_longlink }, { "readlink", 1, do_readlink },
	{ "link", 2, do_link }, { "unlink", 1, do_unlink }, { "rmdir", 1, do_rmdir },
	{ "rename", 2, do_rename }, { "exchange", 2, do_exchange },
	{ "readdir", 2, do_readdir }, { "chmod", 2, do_chmod }, { "chown", 2, do_chown },
	{ "utimes", 1, do_utimes }, { "statfs", 1, do_statfs },
	{ "getxattr", 3, do_getxattr }, { "setxattr", 3, do_setxattr },
	{ "listxattr", 1, do_listxattr }, { "removexattr", 2, do_removexattr },
	{ "fillxattr", 2, do_fillxattr }, { "ioctl", 2, do_ioctl },
	{ "ioctl32", 3, do_ioctl32 },
	{ "mount", 4, do_mount }, { "remount", 2, do_remount }, { "umount", 1, do_umount },
	{ "load", 2, app_load }, { "burst", 2, app_burst }, { "pound", 2, app_pound },
};

static int usage(void)
{
	fputs("usage: rawapp [-i] [-e RESULT,...] [-t MS] [-m BYTES] CALL ARG...\n", stderr);
	return 2;
}

static bool is_right(const char *wanted, int err)
{
	char list[256], *word, *rest = list;

	snprintf(list, sizeof(list), "%s", wanted);
	while ((word = strtok_r(rest, ",", &rest)))
		if (!strcmp(word, "any") || !strcmp(word, app_result(err)))
			return true;
	return false;
}

static int run(size_t call, char **arg, const char *wanted, long max_ms)
{
	long start = app_now_ms(), took;
	int err = calls[call].run(arg);

	took = app_now_ms() - start;
	printf("%s: %s after %ld ms%s\n", calls[call].name, app_result(err), took,
	       data_is_wrong ? ", data is wrong" : "");
	fflush(stdout);
	if (is_right(wanted, err) && took <= max_ms && !data_is_wrong)
		return 0;
	fprintf(stderr, "rawapp: %s %s: %s after %ld ms%s, wanted %s within %ld ms\n",
		calls[call].name, arg[0], app_result(err), took,
		data_is_wrong ? " with wrong data" : "", wanted, max_ms);
	return 1;
}

static void on_int(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	const char *wanted = "OK";
	long max_ms = 15000;
	size_t i;
	int opt;

	while ((opt = getopt(argc, argv, "+ie:t:m:")) != -1) {
		switch (opt) {
		case 'i': signal(SIGINT, on_int); break;
		case 'e': wanted = optarg; break;
		case 't': max_ms = strtol(optarg, NULL, 0); break;
		case 'm': misalign = strtoul(optarg, NULL, 0); break;
		default: return usage();
		}
	}
	if (max_ms <= 30000)
		alarm(30 * (unsigned int)app_slow());
	max_ms *= app_slow();
	for (i = 0; optind < argc && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, argv[optind]) &&
		    calls[i].nr_args == argc - optind - 1)
			return run(i, argv + optind + 1, wanted, max_ms);
	return usage();
}
