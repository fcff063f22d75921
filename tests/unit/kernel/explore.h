/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.h - what tests need that try all orders of the steps of some tasks
 *
 * Tasks are coroutines of ucontext(3). After each step the test hashes the state of everything;
 * of one that is known it goes no further. Included after cmocka.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

static uint64_t *known;
static size_t known_size, known_nr;

static void know_nothing(void)
{
	free(known);
	known = NULL;
	known_size = known_nr = 0;
}

/* Was this state there before? From now on it was. */
static bool know(uint64_t hash)
{
	size_t i;

	hash |= !hash;
	if (known_nr * 2 >= known_size) {
		size_t old_size = known_size, j;
		uint64_t *old = known;

		known_size = old_size ? old_size * 2 : 1 << 16;
		known = calloc(known_size, sizeof(*known));
		assert_non_null(known);
		known_nr = 0;
		for (j = 0; j < old_size; j++)
			if (old[j])
				know(old[j]);
		free(old);
	}
	for (i = hash % known_size; known[i]; i = (i + 1) % known_size)
		if (known[i] == hash)
			return true;
	known[i] = hash;
	known_nr++;
	return false;
}

/* The hash of a state. */
static void mix(uint64_t *h, uint64_t v)
{
	*h = (*h ^ v) * 0x9e3779b97f4a7c15ULL;
	*h ^= *h >> 32;
}

/* The hash of all that a task has read so far, in that order. */
static void mix_seen(uint64_t *seen, uint64_t value)
{
	*seen = (*seen ^ value) * 0x100000001b3ULL + 1;
	*seen ^= *seen >> 29;
}

/* From its beginning, when it is switched to. */
static void coroutine_start(ucontext_t *uc, void *stack, size_t size, void (*function)(void))
{
	getcontext(uc);
	uc->uc_stack.ss_sp = stack;
	uc->uc_stack.ss_size = size;
	uc->uc_link = NULL;
	makecontext(uc, function, 0);
}

#endif
