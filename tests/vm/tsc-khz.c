// SPDX-License-Identifier: BSD-2-Clause
/*
 * Print the frequency of the time-stamp counter in kHz. Compiled and run by
 * tests/vm/run: QEMU's TCG hands the host's counter to the guest, whose kernel
 * measures its frequency at boot against an emulated timer. On a busy host that
 * has gone wrong by a factor of ten, and all time-outs in the guest with it; so
 * the guest is told. Each reading is bracketed by the clock, and tried again until
 * the bracket is short, so that being preempted does not matter.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define INTERVAL_NS	200000000
#define BRACKET_NS	20000
#define TRIES		100000

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Both clocks at (nearly) one moment; false if the machine never holds still. */
static int read_both(int64_t *ns, uint64_t *tsc)
{
	for (int i = 0; i < TRIES; i++) {
		int64_t before = now_ns();
		uint64_t ticks = __rdtsc();
		int64_t after = now_ns();

		if (after - before > BRACKET_NS)
			continue;
		*ns = before + (after - before) / 2;
		*tsc = ticks;
		return 1;
	}
	return 0;
}

int main(void)
{
	int64_t ns0, ns1;
	uint64_t tsc0, tsc1;

	if (!read_both(&ns0, &tsc0))
		return 1;
	while (now_ns() - ns0 < INTERVAL_NS)
		;
	if (!read_both(&ns1, &tsc1))
		return 1;
	printf("%.0f\n", (double)(tsc1 - tsc0) * 1e6 / (double)(ns1 - ns0));
	return 0;
}
