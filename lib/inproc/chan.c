// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's channels: messages, puts that ride along, retries, goosing.
 *
 * A thread's buffer and window are its own. Its pending puts may be taken by another thread
 * that gooses, so they have a lock. The window is followed by a page that cannot be touched,
 * and data ends where the window ends: an overrun is a crash, not a silent pass.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *window_create(void)
{
	char *p = mmap(NULL, ZUS_API_MAP_MAX_SIZE + ZUFS_PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p + ZUS_API_MAP_MAX_SIZE, ZUFS_PAGE_SIZE, PROT_NONE)) {
		munmap(p, ZUS_API_MAP_MAX_SIZE + ZUFS_PAGE_SIZE);
		return NULL;
	}
	return p;
}

struct fake_thread *fake_thread_create(struct fake *f, int cpu)
{
	struct fake_thread *t = calloc(1, sizeof(*t));
	int number = zus_thread_number_take();

	if (!t || number < 0)
		goto err_free;
	t->f = f;
	t->number = (unsigned int)number;
	t->cmd.size = FAKE_CMD_SIZE;
	t->cmd.buf = aligned_alloc(ZUFS_PAGE_SIZE, FAKE_CMD_SIZE);
	t->cmd.window = window_create();
	t->cmd.window_size = ZUS_API_MAP_MAX_SIZE;
	t->cmd.cpu = cpu;
	if (!t->cmd.buf || !t->cmd.window) {
		free(t->cmd.buf);
		goto err_free;
	}
	pthread_mutex_init(&t->put_lock, NULL);
	pthread_mutex_lock(&f->lock);
	t->next = f->threads;
	f->threads = t;
	pthread_mutex_unlock(&f->lock);
	return t;

err_free:
	if (number >= 0)
		zus_thread_number_give((unsigned int)number);
	free(t);
	return NULL;
}

unsigned int fake_thread_number(const struct fake_thread *t)
{
	return t->number;
}

/* For a caller: its thread of the server has the caller's number. */
static void dispatch_as(const struct fake_thread *t, struct zus_cmd *cmd)
{
	int before = zus_thread_act_as((int)t->number);

	zus_dispatch(cmd);
	zus_thread_act_as(before);
}

void fake_thread_destroy(struct fake_thread *t)
{
	struct fake_thread **p;

	if (t->has_get)
		fake_put(t);
	fake_msg(t, ZUFS_OP_NOOP, sizeof(struct zufs_ioc_hdr));
	while (t->n_pending && fake_send(t) == -EIO)
		fake_msg(t, ZUFS_OP_NOOP, sizeof(struct zufs_ioc_hdr));
	pthread_mutex_lock(&t->f->lock);
	for (p = &t->f->threads; *p != t; p = &(*p)->next)
		;
	*p = t->next;
	pthread_mutex_unlock(&t->f->lock);
	pthread_mutex_destroy(&t->put_lock);
	zus_thread_number_give(t->number);
	munmap(t->cmd.window, ZUS_API_MAP_MAX_SIZE + ZUFS_PAGE_SIZE);
	free(t->cmd.buf);
	free(t);
}

void fake_interrupt(struct fake_thread *t, bool on)
{
	t->interrupted = on;
}

void *fake_msg(struct fake_thread *t, unsigned int operation, size_t len)
{
	struct zufs_ioc_hdr *hdr = t->cmd.buf;

	/* what the plugin must not rely on is not zero */
	memset(t->cmd.buf, 0x5a, FAKE_CMD_SIZE);
	memset(t->cmd.buf, 0, len);
	hdr->operation = (uint16_t)operation;
	hdr->in_len = (uint16_t)len;
	hdr->out_len = (uint16_t)len;
	return hdr;
}

void *fake_window(struct fake_thread *t, size_t len)
{
	struct zufs_ioc_hdr *hdr = t->cmd.buf;

	hdr->offset = (uint32_t)(ZUS_API_MAP_MAX_SIZE - len) & ~7U;
	hdr->len = (uint32_t)len;
	return (char *)t->cmd.window + hdr->offset;
}

/*
 * Appends this thread's pending puts to the message in its buffer, under put_lock. A message
 * of odd length carries none.
 */
static void append_puts(struct fake_thread *t)
{
	struct zufs_ioc_hdr *hdr = t->cmd.buf;
	size_t pos = hdr->in_len;
	unsigned int i;

	if (pos & 7)
		return;
	for (i = 0; i < t->n_pending; i++) {
		struct fake_pending *p = &t->pending[i];

		if (pos + p->len > FAKE_CMD_SIZE)
			break;
		hdr->flags |= ZUFS_H_HAS_PIGY_PUT;
		hdr = memcpy((char *)t->cmd.buf + pos, p->msg, p->len);
		pos += p->len;
		__atomic_fetch_add(&t->f->puts, 1, __ATOMIC_RELAXED);
	}
	memmove(t->pending, t->pending + i, (t->n_pending - i) * sizeof(t->pending[0]));
	t->n_pending -= i;
}

/* The iomap list of an answer; the result goes back with the same message. */
static int serve_retry(struct fake_thread *t)
{
	struct zufs_ioc_IO *ioc = t->cmd.buf;
	const uint64_t *words = ZUFS_TAIL(ioc, iom_e);
	int before;

	if (ioc->hdr.in_len < sizeof(*ioc) || !ioc->ziom.iom_n ||
	    ioc->ziom.iom_n > ioc->ziom.iom_max ||
	    zufs_io_size(ioc->ziom.iom_max) > FAKE_CMD_SIZE)
		return FAKE_BAD_ANSWER;
	before = zus_thread_act_as((int)t->number);
	/* the flags of a list are the same bits there */
	ioc->hdr.err = fake_iomap_run_flags(t->f, words, ioc->ziom.iom_n, ioc->ret_flags);
	zus_thread_act_as(before);
	return 0;
}

int fake_send(struct fake_thread *t)
{
	struct zufs_ioc_hdr *hdr = t->cmd.buf;
	int err;

	if (fake_strikes(t->f, FAKE_MESSAGE))
		return -EIO;
	/* held until they are executed: a gooser must not return between taken and done */
	pthread_mutex_lock(&t->put_lock);
	append_puts(t);
	if (t->interrupted)
		hdr->flags |= ZUFS_H_INTR;
	do {
		__atomic_fetch_add(&t->f->messages, 1, __ATOMIC_RELAXED);
		dispatch_as(t, &t->cmd);
		hdr->flags &= (uint16_t)~ZUFS_H_HAS_PIGY_PUT;
		err = hdr->err;
		if (err != -EZUFS_RETRY || hdr->operation == ZUFS_OP_IOCTL)
			break;
		err = serve_retry(t);
	} while (!err);
	pthread_mutex_unlock(&t->put_lock);
	return err;
}

/* ---- puts ---- */

/* Queues the put of the last get, or returns false if it must be sent now. */
static bool queue_put(struct fake_thread *t, const struct zufs_ioc_IO *put, uint32_t len)
{
	bool queued = false;

	pthread_mutex_lock(&t->put_lock);
	if (t->n_pending < FAKE_PUT_MAX) {
		struct fake_pending *p = &t->pending[t->n_pending++];

		p->ii = put->zus_ii;
		p->len = len;
		memcpy(p->msg, put, offsetof(struct zufs_ioc_IO, iom_e));
		memcpy(p->msg + offsetof(struct zufs_ioc_IO, iom_e), t->get_words,
		       len - offsetof(struct zufs_ioc_IO, iom_e));
		queued = true;
	}
	pthread_mutex_unlock(&t->put_lock);
	return queued;
}

/* Does the put of this answer tell what was copied, and have a result? */
static bool has_result(const struct fake_thread *t)
{
	return (t->f->zmi.fs_caps & ZUFS_FSC_PUT_RESULT) &&
	       (t->last_get.rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE;
}

int fake_put(struct fake_thread *t)
{
	return fake_put_copied(t, t->last_get.last_pos - t->last_get.filepos);
}

int fake_put_copied(struct fake_thread *t, uint64_t copied)
{
	const uint32_t now = ZUFS_RET_PUT_NOW | ZUFS_RET_NEW | ZUFS_RET_LOCKED_PUT;
	struct zufs_ioc_IO *put = &t->last_get;
	uint32_t len = zufs_io_size(put->ziom.iom_n);
	struct zufs_ioc_IO *msg;
	int err;

	if (!t->has_get)
		return -EINVAL;
	t->has_get = false;
	if (has_result(t))
		put->last_pos = put->filepos + copied;
	put->hdr = (struct zufs_ioc_hdr){
		.operation = ZUFS_OP_PUT_MULTY,
		.in_len = (uint16_t)len,
		.len = put->hdr.len,
	};
	if (!(put->ret_flags & now) && queue_put(t, put, len))
		return 0;
	msg = fake_msg(t, ZUFS_OP_PUT_MULTY, len);
	memcpy(msg, put, offsetof(struct zufs_ioc_IO, iom_e));
	memcpy(ZUFS_TAIL(msg, iom_e), t->get_words, len - offsetof(struct zufs_ioc_IO, iom_e));
	err = fake_send(t);
	/* only a message that was not sent may be sent again */
	if (err && !msg->hdr.err)
		t->has_get = true;
	else
		__atomic_fetch_add(&t->f->puts, 1, __ATOMIC_RELAXED);
	return msg->hdr.err && !(has_result(t) && (put->ret_flags & now)) ? 0 : err;
}

/* Takes one pending put of the inode away from `from`; false = it has none. */
static bool steal_put(struct fake_thread *from, uint64_t ii, struct fake_pending *p)
{
	bool found = false;
	unsigned int i;

	pthread_mutex_lock(&from->put_lock);
	for (i = 0; i < from->n_pending && !found; i++)
		found = !ii || from->pending[i].ii == ii;
	if (found) {
		*p = from->pending[--i];
		from->n_pending--;
		memmove(from->pending + i, from->pending + i + 1,
			(from->n_pending - i) * sizeof(*p));
	}
	pthread_mutex_unlock(&from->put_lock);
	return found;
}

int fake_goose(struct fake_thread *t, uint64_t ii)
{
	struct fake_pending *p = malloc(sizeof(*p));
	struct zus_cmd cmd = t->cmd;

	if (!p)
		return -ENOMEM;
	/* f->lock is held until they are executed: a second gooser must not return earlier */
	pthread_mutex_lock(&t->f->lock);
	for (struct fake_thread *from = t->f->threads; from; from = from->next) {
		while (steal_put(from, ii, p)) {
			cmd.buf = p->msg;
			cmd.size = sizeof(p->msg);
			dispatch_as(t, &cmd);
			__atomic_fetch_add(&t->f->puts, 1, __ATOMIC_RELAXED);
		}
	}
	pthread_mutex_unlock(&t->f->lock);
	free(p);
	return 0;
}
