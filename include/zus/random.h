/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes of an environment, for a plugin: keys of hashes, seeds, generations. In a test they
 * come from a seed. May be called from any thread.
 */
#ifndef ZUS_RANDOM_H
#define ZUS_RANDOM_H

#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fills buf with bytes that nobody can foretell. 0 or -errno: then buf holds anything. */
static inline int zus_random(const struct zus_env *env, void *buf, size_t bytes)
{
	if (!ZUS_ENV_HAS(env, random))
		env = zus_env_default();
	return env->random(env, buf, bytes);
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_RANDOM_H */
