// SPDX-License-Identifier: BSD-2-Clause
/*
 * record.c - what the kernel sent, as lines of text for tests; counters, the lock
 *
 * A ring: the newest lines win. raw_lock held, but for the lock itself.
 */
#include <stdarg.h>
#include <string.h>
#include "raw.h"

#define LINES		8192
#define LINE_SIZE	200

static char lines[LINES][LINE_SIZE];
static unsigned long first_line, end_line;

struct raw_stats raw_stats;
pthread_mutex_t raw_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool locked;

void raw_lock(void)
{
	pthread_mutex_lock(&raw_mutex);
	locked = true;
}

void raw_unlock(void)
{
	locked = false;
	pthread_mutex_unlock(&raw_mutex);
}

void raw_lock_drop(void)
{
	if (locked)
		raw_unlock();
}

static char *new_line(void)
{
	if (end_line - first_line == LINES)
		first_line++;
	return lines[end_line++ % LINES];
}

void raw_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(new_line(), LINE_SIZE, format, args);
	va_end(args);
}

static int add_io(char *line, size_t size, const struct zufs_ioc_hdr *hdr)
{
	const struct zufs_ioc_IO *io = (const struct zufs_ioc_IO *)hdr;

	return snprintf(line, size, " rw %#llx pos %llu last %llu iom_n %u ra %u",
			(unsigned long long)io->rw, (unsigned long long)io->filepos,
			(unsigned long long)io->last_pos, io->ziom.iom_n, io->ra.ra_pages);
}

static void add_pre_read(char *line, size_t size, const struct zufs_ioc_hdr *hdr)
{
	const struct zufs_ioc_IO *io = (const struct zufs_ioc_IO *)hdr;

	snprintf(line, size, " pages %llu +%u prev %lld", (unsigned long long)io->ra.start,
		 io->ra.ra_pages, (long long)io->ra.prev_pos);
}

static void add_sync(char *line, size_t size, const struct zufs_ioc_hdr *hdr)
{
	const struct zufs_ioc_sync *sync = (const struct zufs_ioc_sync *)hdr;

	snprintf(line, size, " pos %llu length %llu sync %#llx",
		 (unsigned long long)sync->offset, (unsigned long long)sync->length,
		 (unsigned long long)sync->flags);
}

static void add_clone(char *line, size_t size, const struct zufs_ioc_hdr *hdr)
{
	const struct zufs_ioc_clone *clone = (const struct zufs_ioc_clone *)hdr;

	snprintf(line, size, " from %llu to %llu length %llu up %llu",
		 (unsigned long long)clone->pos_in, (unsigned long long)clone->pos_out,
		 (unsigned long long)clone->len, (unsigned long long)clone->len_up);
}

static void add_runs(char *line, size_t size, const struct zufs_ioc_hdr *hdr)
{
	const struct zufs_ioc_t1_runs *msg = (const struct zufs_ioc_t1_runs *)hdr;
	const struct zufs_t1_run *runs = ZUFS_TAIL(msg, runs);
	uint64_t blocks = 0;
	uint32_t i;

	for (i = 0; i < msg->nr && i < ZUFS_T1_RUNS_MAX; i++)
		blocks += runs[i].nr;
	snprintf(line, size, " blocks %llu", (unsigned long long)blocks);
}

static void add_details(char *line, size_t size, unsigned int op,
			const struct zufs_ioc_hdr *hdr)
{
	switch (op) {
	case ZUFS_OP_READ:
	case ZUFS_OP_WRITE:
	case ZUFS_OP_FALLOCATE:
	case ZUFS_OP_GET_MULTY:
	case ZUFS_OP_PUT_MULTY:
		add_io(line, size, hdr);
		break;
	case ZUFS_OP_PRE_READ:
		add_pre_read(line, size, hdr);
		break;
	case ZUFS_OP_SYNC:
		add_sync(line, size, hdr);
		break;
	case ZUFS_OP_CLONE:
		add_clone(line, size, hdr);
		break;
	case ZUFS_OP_T1_BUSY:
	case ZUFS_OP_T1_IDLE:
		add_runs(line, size, hdr);
		break;
	case ZUFS_OP_EVICT_INODE:
	case ZUFS_OP_FREE_INODE:
		snprintf(line, size, " evict %llu",
			 (unsigned long long)((const struct zufs_ioc_evict_inode *)hdr)->flags);
		break;
	case ZUFS_OP_NEW_INODE:
		snprintf(line, size, " mode %o new %#llx",
			 ((const struct zufs_ioc_new_inode *)hdr)->zi.i_mode,
			 (unsigned long long)((const struct zufs_ioc_new_inode *)hdr)->flags);
		break;
	case ZUFS_OP_SETATTR:
		snprintf(line, size, " attr %#x", ((const struct zufs_ioc_attr *)hdr)->zuf_attr);
		break;
	case ZUFS_OP_RENAME:
		snprintf(line, size, " rename %llu",
			 (unsigned long long)((const struct zufs_ioc_rename *)hdr)->flags);
		break;
	}
}

void raw_record(unsigned int op, const struct raw_zt *zt, const struct zufs_ioc_hdr *hdr)
{
	char *line = new_line();
	int len;

	len = snprintf(line, LINE_SIZE,
		       "%s in %u out %u start %u max %u flags %u offset %u len %u err %d",
		       raw_op_name(op), hdr->in_len, hdr->out_len, hdr->out_start,
		       hdr->out_max, hdr->flags, hdr->offset, hdr->len, hdr->err);
	if (zt)
		len += snprintf(line + len, LINE_SIZE - (size_t)len, " zt %u.%u", zt->cpu,
				zt->channel);
	add_details(line + len, LINE_SIZE - (size_t)len, op, hdr);
}

void raw_record_print(FILE *out)
{
	unsigned long i;

	for (i = first_line; i < end_line; i++)
		fprintf(out, "%s\n", lines[i % LINES]);
}

void raw_record_clear(void)
{
	first_line = end_line;
}
