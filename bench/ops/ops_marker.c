// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_marker.c: issue the no-op instructions that the tcgcount plugin looks for.
 *
 * Each marker has its own encoding, so a tag is sent through a table of sixteen tiny functions.
 * Without the plugin all of this does nothing. Called by main.c around each counted run.
 */
#include "ops.h"

#include "../marker.h"

/* nopl disp32(%rax), spelt in bytes so that no assembler shortens it */
#define EMIT(code)						\
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t"		\
			 ".long %c0" : : "i"(MARKER_MAGIC + (code)) : "memory")

#define NIBBLE(n) static void nibble_##n(void) { EMIT(0x##n); }
NIBBLE(0) NIBBLE(1) NIBBLE(2) NIBBLE(3) NIBBLE(4) NIBBLE(5) NIBBLE(6) NIBBLE(7)
NIBBLE(8) NIBBLE(9) NIBBLE(a) NIBBLE(b) NIBBLE(c) NIBBLE(d) NIBBLE(e) NIBBLE(f)

static void (*const nibbles[])(void) = {
	nibble_0, nibble_1, nibble_2, nibble_3, nibble_4, nibble_5, nibble_6, nibble_7,
	nibble_8, nibble_9, nibble_a, nibble_b, nibble_c, nibble_d, nibble_e, nibble_f,
};

void marker_tag(uint32_t tag)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		nibbles[tag >> shift & MARKER_NIBBLE_MAX]();
}

void marker_start(void)
{
	EMIT(MARKER_START);
}

void marker_stop(void)
{
	EMIT(MARKER_STOP);
}
