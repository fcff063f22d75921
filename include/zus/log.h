/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logging and dynamic debug.
 *
 * zus_err .. zus_info go to the sink of the environment (the daemon: stderr with "<n>"
 * prefixes that journald understands). zus_dbg is off until its site is switched on
 * through the `ddbg` file of the zuf root; each call site is a record in the section
 * zus_ddbg of its module, and the plugin table names the section's bounds. A site's flag
 * is written by the control thread and read by all without a lock.
 */
#ifndef ZUS_LOG_H
#define ZUS_LOG_H

#include <syslog.h>
#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_ddbg_site {
	const char *file;
	const char *func;
	const char *fmt;
	uint32_t line;
	uint32_t on;
} __attribute__((aligned(32)));

/* The records of the module that this is compiled into; both NULL if it has none. */
extern struct zus_ddbg_site __start_zus_ddbg[]
	__attribute__((weak, visibility("hidden")));
extern struct zus_ddbg_site __stop_zus_ddbg[]
	__attribute__((weak, visibility("hidden")));

/* One message of a syslog level; a newline is put behind it. Any thread. */
void zus_log(const struct zus_env *env, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define zus_err(env, ...)	zus_log(env, LOG_ERR, __VA_ARGS__)
#define zus_warn(env, ...)	zus_log(env, LOG_WARNING, __VA_ARGS__)
#define zus_notice(env, ...)	zus_log(env, LOG_NOTICE, __VA_ARGS__)
#define zus_info(env, ...)	zus_log(env, LOG_INFO, __VA_ARGS__)

#define zus_dbg(env, format, ...)						\
	do {									\
		static struct zus_ddbg_site zus_site_				\
			__attribute__((used, section("zus_ddbg"))) = {		\
			__FILE__, __func__, format, __LINE__, 0			\
		};								\
		if (__builtin_expect(__atomic_load_n(&zus_site_.on,		\
						     __ATOMIC_RELAXED), 0))	\
			zus_log(env, LOG_DEBUG, format, ##__VA_ARGS__);		\
	} while (0)

/*
 * Levels up to this are printed by the default environment (LOG_INFO at the start); debug
 * sites that are on are always printed.
 */
void zus_log_set_level(int level);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_LOG_H */
