// SPDX-License-Identifier: BSD-2-Clause
/*
 * See model.h. A line in flight has the list of its stores since it was last durable; an image is
 * the durable memory with a choice for each of these lines, which is put in place and taken out
 * again. The hash of an image is the sum of the hashes of its lines, so a change of a line costs
 * two of these.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#define LINE		64U
#define WORDS		8U
#define MAX_THREADS	64U
#define NONE		UINT32_MAX

struct item {
	uint64_t value;			/* of the whole word */
	uint8_t word;			/* in the line */
	bool streamed;
	bool flushed;			/* or streamed: durable after a fence of `thread` */
	uint8_t thread;
};

struct line {
	uint32_t number;
	uint32_t n;			/* items */
	uint32_t max;
	struct item *items;
};

struct crash_model {
	size_t bytes;
	uint8_t *now;
	uint8_t *durable;
	uint8_t *work;			/* durable, but while an image is shown */
	uint32_t *index;		/* by line: its place in `flight`, or NONE */
	uint64_t hash;			/* of durable */
	struct line *flight;
	uint32_t n;
	uint32_t max;			/* entries of flight with memory of their own */
};

/* ---- life ---- */

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

struct crash_model *crash_model_create(size_t bytes)
{
	struct crash_model *m = calloc(1, sizeof(*m));
	size_t lines = bytes / LINE, i;

	if (!m)
		return NULL;
	m->bytes = bytes;
	m->now = need(aligned_alloc(4096, bytes));
	m->durable = need(aligned_alloc(4096, bytes));
	m->work = need(aligned_alloc(4096, bytes));
	m->index = need(malloc(lines * sizeof(*m->index)));
	for (i = 0; i < lines; i++)
		m->index[i] = NONE;
	return m;
}

void crash_model_destroy(struct crash_model *m)
{
	uint32_t i;

	for (i = 0; i < m->max; i++)
		free(m->flight[i].items);
	free(m->flight);
	free(m->index);
	free(m->now);
	free(m->durable);
	free(m->work);
	free(m);
}

/* splitmix64's mixing of its state. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint64_t line_hash(uint32_t number, const uint8_t *bytes)
{
	uint64_t words[WORDS], hash = mix(number + 0x9e3779b97f4a7c15ULL);
	unsigned int i;

	memcpy(words, bytes, LINE);
	for (i = 0; i < WORDS; i++)
		hash = mix(hash ^ words[i]) + i;
	return hash;
}

void crash_model_reset(struct crash_model *m, const void *image)
{
	uint32_t i;

	for (i = 0; i < m->n; i++)
		m->index[m->flight[i].number] = NONE;
	m->n = 0;
	memcpy(m->now, image, m->bytes);
	memcpy(m->durable, image, m->bytes);
	memcpy(m->work, image, m->bytes);
	m->hash = 0;
	for (i = 0; i < m->bytes / LINE; i++)
		m->hash += line_hash(i, m->durable + (size_t)i * LINE);
}

/* ---- events ---- */

static struct line *line_get(struct crash_model *m, uint32_t number)
{
	struct line *l;

	if (m->index[number] != NONE)
		return &m->flight[m->index[number]];
	if (m->n == m->max) {
		uint32_t max = m->max ? 2 * m->max : 256;

		m->flight = need(realloc(m->flight, max * sizeof(*m->flight)));
		memset(m->flight + m->max, 0, (max - m->max) * sizeof(*m->flight));
		m->max = max;
	}
	l = &m->flight[m->n];
	l->number = number;
	l->n = 0;
	m->index[number] = m->n++;
	return l;
}

static void line_drop(struct crash_model *m, uint32_t i)
{
	struct line last = m->flight[m->n - 1];

	m->index[m->flight[i].number] = NONE;
	if (i != m->n - 1) {
		/* the memory of items changes hands with the place */
		m->flight[m->n - 1] = m->flight[i];
		m->flight[i] = last;
		m->index[last.number] = i;
	}
	m->n--;
}

static void item_add(struct line *l, struct item item)
{
	if (l->n == l->max) {
		l->max = l->max ? 2 * l->max : 8;
		l->items = need(realloc(l->items, l->max * sizeof(*l->items)));
	}
	l->items[l->n++] = item;
}

void crash_model_store(struct crash_model *m, unsigned int thread, size_t offset,
		       const void *data, size_t bytes, bool streamed)
{
	size_t word, end = offset + bytes;

	if (end > m->bytes || thread >= MAX_THREADS)
		abort();
	memcpy(m->now + offset, data, bytes);
	for (word = offset / 8; word * 8 < end; word++) {
		struct item item = {
			.word = word % WORDS,
			.streamed = streamed,
			.flushed = streamed,
			.thread = (uint8_t)thread,
		};

		memcpy(&item.value, m->now + word * 8, 8);
		item_add(line_get(m, (uint32_t)(word / WORDS)), item);
	}
}

void crash_model_flush(struct crash_model *m, unsigned int thread, size_t offset, size_t bytes)
{
	size_t number, i;

	if (!bytes)
		return;
	for (number = offset / LINE; number <= (offset + bytes - 1) / LINE; number++) {
		struct line *l;

		if (m->index[number] == NONE)
			continue;
		l = &m->flight[m->index[number]];
		for (i = 0; i < l->n; i++) {
			if (l->items[i].streamed)
				continue;
			l->items[i].flushed = true;
			l->items[i].thread = (uint8_t)thread;
		}
	}
}

static void durable_set(struct crash_model *m, const struct line *l, const struct item *item)
{
	size_t at = (size_t)l->number * LINE + item->word * 8;

	memcpy(m->durable + at, &item->value, 8);
	memcpy(m->work + at, &item->value, 8);
}

/* Plain stores up to the last flushed one are durable, and streamed words for themselves. */
static void line_fence(struct crash_model *m, struct line *l, unsigned int thread)
{
	uint32_t i, kept = 0, plain = 0;

	for (i = 0; i < l->n; i++) {
		if (!l->items[i].streamed && l->items[i].flushed && l->items[i].thread == thread)
			plain = i + 1;
	}
	m->hash -= line_hash(l->number, m->durable + (size_t)l->number * LINE);
	for (i = 0; i < l->n; i++) {
		const struct item *item = &l->items[i];

		if (item->streamed ? item->thread == thread : i < plain)
			durable_set(m, l, item);
		else
			l->items[kept++] = *item;
	}
	l->n = kept;
	m->hash += line_hash(l->number, m->durable + (size_t)l->number * LINE);
}

void crash_model_fence(struct crash_model *m, unsigned int thread)
{
	uint32_t i = 0;

	while (i < m->n) {
		line_fence(m, &m->flight[i], thread);
		if (m->flight[i].n)
			i++;
		else
			line_drop(m, i);
	}
}

const void *crash_model_now(const struct crash_model *m)
{
	return m->now;
}

const void *crash_model_durable(const struct crash_model *m)
{
	return m->durable;
}

size_t crash_model_in_flight(const struct crash_model *m)
{
	return m->n;
}

/* ---- images ---- */

static bool all_streamed(const struct line *l)
{
	uint32_t i;

	for (i = 0; i < l->n && l->items[i].streamed; i++)
		;
	return i == l->n && l->n <= 16;
}

/* How many things a line may be. */
static uint64_t choices(const struct line *l)
{
	return all_streamed(l) ? (uint64_t)1 << l->n : (uint64_t)l->n + 1;
}

uint64_t crash_model_count(const struct crash_model *m)
{
	uint64_t count = 1;
	uint32_t i;

	for (i = 0; i < m->n; i++) {
		if (__builtin_mul_overflow(count, choices(&m->flight[i]), &count) ||
		    count >> 63)
			return 0;
	}
	return count;
}

/* Puts choice `c` of a line into `work`: 0 = as it is durable, the highest = as it is now. */
static void line_choose(struct crash_model *m, const struct line *l, uint64_t c)
{
	size_t at = (size_t)l->number * LINE;
	bool subset = all_streamed(l);
	uint32_t i;

	memcpy(m->work + at, m->durable + at, LINE);
	for (i = 0; i < l->n; i++) {
		if (subset ? c >> i & 1 : i < c)
			memcpy(m->work + at + l->items[i].word * 8, &l->items[i].value, 8);
	}
}

/* An image with the same choice for each line: chosen[i]. */
static int show(struct crash_model *m, const uint64_t *chosen, crash_image_fn fn, void *arg)
{
	uint64_t hash = m->hash;
	uint32_t i;
	int ret;

	for (i = 0; i < m->n; i++) {
		const struct line *l = &m->flight[i];
		const uint8_t *line = m->work + (size_t)l->number * LINE;

		if (!chosen[i])
			continue;
		hash -= line_hash(l->number, line);
		line_choose(m, l, chosen[i]);
		hash += line_hash(l->number, line);
	}
	ret = fn(arg, m->work, hash);
	for (i = 0; i < m->n; i++) {
		if (chosen[i])
			line_choose(m, &m->flight[i], 0);
	}
	return ret;
}

static int show_all(struct crash_model *m, uint64_t count, uint64_t *chosen, crash_image_fn fn,
		    void *arg)
{
	uint64_t i, rest;
	uint32_t l;
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		rest = i;
		for (l = 0; l < m->n; l++) {
			chosen[l] = rest % choices(&m->flight[l]);
			rest /= choices(&m->flight[l]);
		}
		ret = show(m, chosen, fn, arg);
	}
	return ret;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed += 0x9e3779b97f4a7c15ULL;
	return mix(*seed);
}

static void choose(const struct crash_model *m, uint64_t *chosen, bool all)
{
	uint32_t i;

	for (i = 0; i < m->n; i++)
		chosen[i] = all ? choices(&m->flight[i]) - 1 : 0;
}

static int show_some(struct crash_model *m, unsigned int random, uint64_t *seed,
		     uint64_t *chosen, crash_image_fn fn, void *arg)
{
	uint32_t i, l;
	int ret;

	choose(m, chosen, false);
	ret = show(m, chosen, fn, arg);
	for (l = 0; l < m->n && !ret; l++) {
		chosen[l] = choices(&m->flight[l]) - 1;
		ret = show(m, chosen, fn, arg);
		chosen[l] = 0;
	}
	choose(m, chosen, true);
	if (!ret)
		ret = show(m, chosen, fn, arg);
	for (l = 0; l < m->n && !ret; l++) {
		chosen[l] = 0;
		ret = show(m, chosen, fn, arg);
		chosen[l] = choices(&m->flight[l]) - 1;
	}
	for (i = 0; i < random && !ret; i++) {
		for (l = 0; l < m->n; l++)
			chosen[l] = next_random(seed) % choices(&m->flight[l]);
		ret = show(m, chosen, fn, arg);
	}
	return ret;
}

int crash_model_images(struct crash_model *m, uint64_t max, unsigned int random, uint64_t *seed,
		       crash_image_fn fn, void *arg)
{
	uint64_t count = crash_model_count(m);
	uint64_t *chosen = need(calloc(m->n + 1, sizeof(*chosen)));
	int ret;

	if (count && count <= max)
		ret = show_all(m, count, chosen, fn, arg);
	else
		ret = show_some(m, random, seed, chosen, fn, arg);
	free(chosen);
	return ret;
}
