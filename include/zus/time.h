/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks of an environment, for a plugin: in a test time can stand still. Both may be called
 * from any thread and cost no system call.
 */
#ifndef ZUS_TIME_H
#define ZUS_TIME_H

#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Wall-clock time in ns since the epoch: for what users see. It may be set back. */
static inline int64_t zus_now_ns(const struct zus_env *env)
{
	return env->now_ns(env);
}

/* ns since any point in time, never set: for how long something has taken. */
static inline int64_t zus_monotonic_ns(const struct zus_env *env)
{
	if (!ZUS_ENV_HAS(env, monotonic_ns))
		env = zus_env_default();
	return env->monotonic_ns(env);
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_TIME_H */
