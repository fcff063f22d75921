// SPDX-License-Identifier: BSD-2-Clause
/*
 * The log of what is stored to T1 and T2, for tests that ask what a crash may leave.
 *
 * Events and copies of the bytes are kept in memory that only grows and is used again by the next
 * record. All is under f->watch.lock, which who stores holds until the event is there: so the
 * order of events is that of the stores.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES	((size_t)1 << 20)

struct fake_chunk {
	struct fake_chunk *next;
	size_t bytes;			/* of data */
	_Alignas(16) uint8_t data[];
};

static struct fake_chunk *chunk_create(size_t bytes)
{
	struct fake_chunk *c;

	bytes = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	c = malloc(sizeof(*c) + bytes);
	if (!c)
		abort();		/* a log with a gap would prove anything */
	c->next = NULL;
	c->bytes = bytes;
	return c;
}

/* A copy of these bytes, 8-byte aligned, that stays where it is until the next record. */
static const void *keep(struct fake_record *r, const void *data, size_t bytes)
{
	size_t room = (bytes + 7) & ~(size_t)7;
	void *p;

	if (!r->first)
		r->first = r->chunk = chunk_create(room);
	while (room > r->chunk->bytes - r->used) {
		if (!r->chunk->next)
			r->chunk->next = chunk_create(room);
		r->chunk = r->chunk->next;
		r->used = 0;
	}
	p = r->chunk->data + r->used;
	r->used += room;
	return memcpy(p, data, bytes);
}

void fake_record_event(struct fake *f, struct fake_event event)
{
	struct fake_record *r = &f->record;

	if (!r->on)
		return;
	if (r->nr == r->max) {
		r->max = r->max ? 2 * r->max : 1024;
		r->events = realloc(r->events, r->max * sizeof(*r->events));
		if (!r->events)
			abort();
	}
	if (event.data)
		event.data = keep(r, event.data, event.bytes);
	r->events[r->nr++] = event;
}

void fake_record_fini(struct fake *f)
{
	struct fake_chunk *c;

	while ((c = f->record.first)) {
		f->record.first = c->next;
		free(c);
	}
	free(f->record.events);
}

/* ---- what tests ask ---- */

void fake_record_start(struct fake *f)
{
	struct fake_record *r = &f->record;

	pthread_mutex_lock(&f->watch.lock);
	r->nr = 0;
	r->chunk = r->first;
	r->used = 0;
	r->on = true;
	pthread_mutex_unlock(&f->watch.lock);
}

void fake_record_stop(struct fake *f)
{
	pthread_mutex_lock(&f->watch.lock);
	f->record.on = false;
	pthread_mutex_unlock(&f->watch.lock);
}

uint64_t fake_record_count(struct fake *f)
{
	uint64_t nr;

	pthread_mutex_lock(&f->watch.lock);
	nr = f->record.nr;
	pthread_mutex_unlock(&f->watch.lock);
	return nr;
}

bool fake_record_get(struct fake *f, uint64_t index, struct fake_event *event)
{
	bool found;

	pthread_mutex_lock(&f->watch.lock);
	found = index < f->record.nr;
	if (found)
		*event = f->record.events[index];
	pthread_mutex_unlock(&f->watch.lock);
	return found;
}
