// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loads from T1 that survive bad memory: zus_t1_load, and the part of it that a handler of SIGBUS
 * calls.
 *
 * A load from poisoned memory is a SIGBUS at the very instruction. Each instruction here that
 * loads from T1 stands in a table with the place where to go on instead, as in the kernel's tables
 * of exceptions; the handler puts that place into the context that it returns to. Not
 * siglongjmp: that would have to store its registers for each load, and leave the handler with
 * SIGBUS blocked, or pay a system call a time to save the mask. So there is no state, and every
 * thread can do it at any time, also while another one does.
 *
 * The loop is of single loads on purpose: a machine check in the middle of `rep movs` is not told
 * exactly by all CPUs, some cannot be recovered from. On other CPUs than x86-64 nothing is
 * guarded.
 */
#define _GNU_SOURCE
#include <zus/pmem.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <zus/server.h>
#include "internal.h"

#ifdef __x86_64__

/* Both are relative to where they stand. */
struct fixup {
	int32_t load;
	int32_t instead;
};

extern const struct fixup __start_zus_fixup[] __attribute__((visibility("hidden")));
extern const struct fixup __stop_zus_fixup[] __attribute__((visibility("hidden")));

#define GUARDED(instruction)						\
	"1:	" instruction "\n"					\
	"2:\n"								\
	"	.pushsection .text.zus_fixup,\"ax\",@progbits\n"	\
	"3:	movl	%[eio], %[err]\n"				\
	"	jmp	2b\n"						\
	"	.popsection\n"						\
	"	.pushsection zus_fixup,\"a\",@progbits\n"		\
	"	.balign	4\n"						\
	"	.long	1b - ., 3b - .\n"				\
	"	.popsection\n"

static inline int load8(const uint8_t *p, uint64_t *value)
{
	uint64_t v = 0;
	int err = 0;

	__asm__ volatile(GUARDED("movq	%[from], %[v]")
			 : [err] "+r"(err), [v] "+r"(v)
			 : [from] "m"(*(const uint64_t (*)[1])p), [eio] "i"(-EIO));
	*value = v;
	return err;
}

static inline int load1(const uint8_t *p, uint8_t *value)
{
	uint32_t v = 0;
	int err = 0;

	__asm__ volatile(GUARDED("movzbl	%[from], %[v]")
			 : [err] "+r"(err), [v] "+r"(v)
			 : [from] "m"(*p), [eio] "i"(-EIO));
	*value = (uint8_t)v;
	return err;
}

int zus_t1_load(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	const uint8_t *s = src, *end = s + bytes;
	uint8_t *d = dst;
	uint64_t word;
	int err = 0;

	if (ZUS_ENV_HAS(env, load))
		return env->load(env, dst, src, bytes);
	while (!err && s < end && (uintptr_t)s % sizeof(word))
		err = load1(s++, d++);
	for (; !err && (size_t)(end - s) >= sizeof(word); s += sizeof(word), d += sizeof(word)) {
		err = load8(s, &word);
		memcpy(d, &word, sizeof(word));
	}
	while (!err && s < end)
		err = load1(s++, d++);
	return err;
}

bool zus_t1_load_failed(const siginfo_t *info, void *context)
{
	greg_t *at = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	const struct fixup *f;

	/* what the kernel tells of memory that nobody has loaded from comes at any instruction */
	if (info->si_signo != SIGBUS || info->si_code == BUS_MCEERR_AO || info->si_code <= 0)
		return false;
	for (f = __start_zus_fixup; f < __stop_zus_fixup; f++) {
		if ((uintptr_t)&f->load + (uintptr_t)(intptr_t)f->load == (uintptr_t)*at) {
			*at = (greg_t)((uintptr_t)&f->instead +
				       (uintptr_t)(intptr_t)f->instead);
			return true;
		}
	}
	return false;
}

#else /* !__x86_64__ */

int zus_t1_load(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	if (ZUS_ENV_HAS(env, load))
		return env->load(env, dst, src, bytes);
	memcpy(dst, src, bytes);
	return 0;
}

bool zus_t1_load_failed(const siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	return false;
}

#endif
