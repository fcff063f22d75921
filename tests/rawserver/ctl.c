// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctl.c - remote control: one line of text over a unix socket, answered by text
 *
 *	rule RULE	add one (rule.c)	clear	drop them all
 *	only RULE	clear, heal, and this rule
 *	release		let hanging ones go	hung N	wait until N hang (60 s at most)
 *	record		print it		forget	clear it
 *	stats		print the counters	heal	undo what rules did to inodes
 *	probe		what idle windows show	stop	stop in an orderly way
 *	list, flood, fill, check, memory: see list.c
 *
 * The answer starts with "error:" when the line was not understood or failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "raw.h"

#define LINE_SIZE	1024

static void print_stats(FILE *out)
{
	struct raw_counts counts = raw_count();

	fprintf(out, "ops %lu\nraces %lu\nbad_cookies %lu\nbad_messages %lu\ncontracts %ld\n"
		"hangs %lu\ntraps %lu\nputs %lu\nevicts %lu\nrefs %u\nnodes %u\n"
		"lists %lu\nfailed_lists %lu\nstorms %lu\n",
		raw_stats.ops, raw_stats.races,
		raw_stats.bad_cookies, raw_stats.bad_messages, raw_stats.contracts,
		raw_stats.hangs, raw_stats.traps, raw_stats.puts, raw_stats.evicts, counts.refs,
		counts.nodes, raw_stats.lists, raw_stats.failed_lists, raw_stats.storms);
	if (raw_fs_last())
		fprintf(out, "sb_id %llu\nsbi %llu\n",
			(unsigned long long)raw_fs_last()->sb_id,
			(unsigned long long)(uintptr_t)raw_fs_last());
}

/* Wait until that many rules hang; between two looks the caller may go away. */
static void wait_hung(unsigned long wanted, FILE *out)
{
	unsigned long found = 0;
	int rounds;

	for (rounds = 0; rounds < 2400; rounds++) {
		raw_lock();
		found = raw_stats.hangs;
		raw_unlock();
		if (found >= wanted)
			return;
		poll(NULL, 0, 25);
	}
	fprintf(out, "error: %lu of %lu hang\n", found, wanted);
}

/* What needs no lock or takes it itself; false: something else. */
static bool run_unlocked(const char *word, char *rest, FILE *out)
{
	if (raw_list_word(word, rest, out))
		return true;
	if (!strcmp(word, "hung")) {
		wait_hung(strtoul(rest, NULL, 0), out);
	} else if (!strcmp(word, "probe")) {
		raw_zt_probe(out);
	} else if (!strcmp(word, "stop")) {
		raw_zt_stop_all();
		fclose(out);
		exit(0);
	} else {
		return false;
	}
	return true;
}

static void run_locked(const char *word, char *rest, FILE *out)
{
	raw_lock();
	if (!strcmp(word, "rule"))
		raw_rule_add(rest, out);
	else if (!strcmp(word, "only"))
		raw_rule_only(rest, out);
	else if (!strcmp(word, "clear"))
		raw_rules_clear();
	else if (!strcmp(word, "release"))
		raw_release();
	else if (!strcmp(word, "record"))
		raw_record_print(out);
	else if (!strcmp(word, "forget"))
		raw_record_clear();
	else if (!strcmp(word, "stats"))
		print_stats(out);
	else if (!strcmp(word, "heal"))
		raw_heal_all();
	else
		fprintf(out, "error: unknown word \"%s\"\n", word);
	raw_unlock();
}

static void serve_line(char *line, FILE *out)
{
	char *rest = line, *word = strtok_r(rest, " \n", &rest);
	size_t len;

	if (!word)
		return;
	len = rest ? strlen(rest) : 0;
	if (len && rest[len - 1] == '\n')
		rest[len - 1] = 0;
	if (!run_unlocked(word, rest, out))
		run_locked(word, rest, out);
}

static int set_address(struct sockaddr_un *addr, const char *path)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, strlen(path));
	return 0;
}

static void serve_connection(int fd)
{
	char line[LINE_SIZE];
	size_t len = 0;
	FILE *out;
	ssize_t got;

	do {
		got = read(fd, line + len, sizeof(line) - 1 - len);
		if (got > 0)
			len += (size_t)got;
	} while (got > 0 && line[len - 1] != '\n');
	line[len] = 0;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return;
	}
	serve_line(line, out);
	fclose(out);
}

int raw_ctl_serve(void)
{
	struct sockaddr_un addr;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), one;

	if (fd < 0 || set_address(&addr, raw_config.socket))
		return -EINVAL;
	unlink(raw_config.socket);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8))
		return -errno;
	for (;;) {
		one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (one >= 0)
			serve_connection(one);
		else if (errno != EINTR)
			return -errno;
	}
}

/* ---- the other end ---- */

/* Who reads the answer may have seen enough (grep -q): that is no failure. */
static int show_answer(int fd)
{
	static char text[4096];
	ssize_t got, total = 0;
	bool failed = false;

	while ((got = read(fd, text, sizeof(text))) > 0) {
		if (!total)
			failed = got >= 6 && !memcmp(text, "error:", 6);
		total += got;
		if (fwrite(text, 1, (size_t)got, failed ? stderr : stdout) != (size_t)got)
			return errno != EPIPE;
	}
	return failed || got < 0;
}

int raw_ctl_call(const char *socket_path, int argc, char **argv)
{
	struct sockaddr_un addr;
	char line[LINE_SIZE] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), i, status;
	size_t len = 0;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < argc && len < sizeof(line); i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", argv[i],
					i == argc - 1 ? "\n" : " ");
	if (fd < 0 || len >= sizeof(line) || set_address(&addr, socket_path) ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    write(fd, line, len) != (ssize_t)len) {
		fprintf(stderr, "rawserver: %s: %s\n", socket_path, strerror(errno));
		return 1;
	}
	status = show_answer(fd);
	close(fd);
	return status;
}
