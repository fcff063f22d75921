// SPDX-License-Identifier: BSD-2-Clause
/*
 * Exec buffers: iomap lists that are executed outside of an operation (ZU_IOC_IOMAP_EXEC).
 *
 * Called by plugin threads through their environment. Buffers are made when all are busy; a
 * few are kept, in a free list under the pool's mutex. A buffer belongs to one caller while
 * its call lasts: the kernel copies a list that goes on. Buffers start small and grow to
 * the longest list that they have seen, up to EXECBUF_MAX.
 */
#define _GNU_SOURCE
#include <zus/channel.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define EXECBUF_INIT	(64U * 1024)
#define EXECBUF_MAX	(1024U * 1024)
#define EXECBUF_WORDS	((uint32_t)((EXECBUF_MAX - sizeof(struct zufs_ioc_iomap_exec)) / 8))
#define IDLE_MAX	8		/* buffers that are kept */

struct execbuf {
	struct execbuf *next;
	struct zufs_ioc_iomap_exec *ioc;	/* the mapping, EXECBUF_MAX bytes */
	int fd;
};

struct zus_execbuf_pool {
	pthread_mutex_t lock;
	struct execbuf *idle;		/* under lock, as the next one */
	unsigned int nr_idle;
	int root_fd;
};

int zus_execbuf_pool_create(struct zus_execbuf_pool **pool, int root_fd)
{
	struct zus_execbuf_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	p->root_fd = root_fd;
	*pool = p;
	return 0;
}

static void execbuf_destroy(struct execbuf *b)
{
	munmap(b->ioc, EXECBUF_MAX);
	close(b->fd);
	free(b);
}

void zus_execbuf_pool_destroy(struct zus_execbuf_pool *p)
{
	struct execbuf *b;

	if (!p)
		return;
	while ((b = p->idle)) {
		p->idle = b->next;
		execbuf_destroy(b);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int execbuf_create(int root_fd, struct execbuf **buf)
{
	struct zufs_ioc_alloc_buffer ioc = {
		.hdr.in_len = sizeof(ioc),
		.max_size = EXECBUF_MAX,
		.init_size = EXECBUF_INIT,
	};
	struct execbuf *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->fd = zus_special_open(root_fd);
	if (b->fd < 0) {
		err = b->fd;
		goto err_free;
	}
	err = zus_special_ioctl(b->fd, ZU_IOC_ALLOC_BUFFER, &ioc);
	if (err)
		goto err_close;
	b->ioc = mmap(NULL, EXECBUF_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (b->ioc == MAP_FAILED) {
		err = -errno;
		goto err_close;
	}
	*buf = b;
	return 0;

err_close:
	close(b->fd);
err_free:
	free(b);
	return err;
}

static int execbuf_get(struct zus_execbuf_pool *p, struct execbuf **buf)
{
	pthread_mutex_lock(&p->lock);
	*buf = p->idle;
	if (*buf) {
		p->idle = (*buf)->next;
		p->nr_idle--;
	}
	pthread_mutex_unlock(&p->lock);
	return *buf ? 0 : execbuf_create(p->root_fd, buf);
}

static void execbuf_put(struct zus_execbuf_pool *p, struct execbuf *b)
{
	bool keep;

	pthread_mutex_lock(&p->lock);
	keep = p->nr_idle < IDLE_MAX;
	if (keep) {
		b->next = p->idle;
		p->idle = b;
		p->nr_idle++;
	}
	pthread_mutex_unlock(&p->lock);
	if (!keep)
		execbuf_destroy(b);
}

int zus_execbuf_run(struct zus_execbuf_pool *p, const struct zus_execbuf_list *l)
{
	struct execbuf *b;
	int err;

	if (l->n > EXECBUF_WORDS)
		return -E2BIG;
	err = execbuf_get(p, &b);
	if (err)
		return err;
	*b->ioc = (struct zufs_ioc_iomap_exec){
		.hdr.in_len = sizeof(*b->ioc),
		.sb_id = l->sb_id,
		.zus_sbi = l->sbi_cookie,
		.wait_for_done = l->flags | l->wait,
		.ziom = { .iomb = l->cookie, .iom_max = EXECBUF_WORDS, .iom_n = l->n },
	};
	memcpy(ZUFS_TAIL(b->ioc, ziom.iom_e), l->words, l->n * sizeof(*l->words));
	err = zus_special_ioctl(b->fd, ZU_IOC_IOMAP_EXEC, b->ioc);
	execbuf_put(p, b);
	return err;
}
