/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a power cut may leave of memory behind a CPU's caches: a model of stores, flushes and
 * fences, and all the images, or some of them, that a cut at this moment could leave.
 *
 * Memory is seen in words of 8 bytes and lines of 64. Plain stores to one line reach the media in
 * their order, lines in any; a streaming store (past the caches) is a word for itself. What was
 * flushed, or streamed, by a thread is durable after the next fence of the same thread. A line that
 * was not flushed may have been written back at any time: each prefix of its stores is possible.
 *
 * One model belongs to one thread at a time.
 */
#ifndef TESTS_CRASH_MODEL_H
#define TESTS_CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crash_model;

/* Memory of `bytes`, a multiple of 4096. NULL: there is no memory. */
struct crash_model *crash_model_create(size_t bytes);
void crash_model_destroy(struct crash_model *m);
/* All of it is durable, and is what `image` holds. */
void crash_model_reset(struct crash_model *m, const void *image);

/* Events, in the order in which they happened. `streamed`: past the caches. */
void crash_model_store(struct crash_model *m, unsigned int thread, size_t offset,
		       const void *data, size_t bytes, bool streamed);
void crash_model_flush(struct crash_model *m, unsigned int thread, size_t offset, size_t bytes);
void crash_model_fence(struct crash_model *m, unsigned int thread);

/* What the CPU sees now, and what is durable whatever happens. */
const void *crash_model_now(const struct crash_model *m);
const void *crash_model_durable(const struct crash_model *m);
/* Lines of which something is not durable. */
size_t crash_model_in_flight(const struct crash_model *m);

/*
 * Calls fn with images that a cut could leave now, each with a hash of all its bytes: every one of
 * them while there are at most `max`; else nothing of what is in flight, all of it, each line alone
 * missing, each alone there, and `random` ones by *seed. The image is the model's: fn may not
 * change it. Ends early, with its result, when fn returns non-zero. 0: they were all called.
 */
typedef int (*crash_image_fn)(void *arg, const void *image, uint64_t hash);
int crash_model_images(struct crash_model *m, uint64_t max, unsigned int random, uint64_t *seed,
		       crash_image_fn fn, void *arg);
/* How many there would be, 0 = more than 2^63. */
uint64_t crash_model_count(const struct crash_model *m);

#endif /* TESTS_CRASH_MODEL_H */
