// SPDX-License-Identifier: BSD-2-Clause
/*
 * decode_test.c: does tcgcount tell the instructions apart that it must?
 *
 * Run by "meson test". Each case is the bytes of one instruction, as an assembler makes them,
 * and what decode.c has to say about it. No state; prints what is wrong and exits with 1.
 */
#include <stdio.h>

#include "../marker.h"
#include "../tcgcount/decode.h"

enum kind { OTHER, REP_COPY, BULK };

struct decode_case {
	const char *text;
	enum kind kind;
	size_t len;
	uint8_t bytes[10];
};

static const struct decode_case cases[] = {
	{ "rep movsq", REP_COPY, 3, { 0xf3, 0x48, 0xa5 } },
	{ "rep movsb", REP_COPY, 2, { 0xf3, 0xa4 } },
	{ "rep stosw", REP_COPY, 3, { 0x66, 0xf3, 0xab } },
	{ "movsq without rep", OTHER, 2, { 0x48, 0xa5 } },
	{ "repe cmpsb", OTHER, 2, { 0xf3, 0xa6 } },
	{ "repne scasb", OTHER, 2, { 0xf2, 0xae } },
	{ "rep ret", OTHER, 2, { 0xf3, 0xc3 } },
	{ "movups (%rsi),%xmm0", BULK, 3, { 0x0f, 0x10, 0x06 } },
	{ "movdqu %xmm8,(%rdi)", BULK, 5, { 0xf3, 0x44, 0x0f, 0x7f, 0x07 } },
	{ "movntdq %xmm0,(%rdi)", BULK, 4, { 0x66, 0x0f, 0xe7, 0x07 } },
	{ "movnti %rax,(%rdi)", BULK, 4, { 0x48, 0x0f, 0xc3, 0x07 } },
	{ "vmovdqu (%rsi),%ymm0", BULK, 4, { 0xc5, 0xfe, 0x6f, 0x06 } },
	{ "vmovntdq %ymm8,(%r8)", BULK, 5, { 0xc4, 0x41, 0x7d, 0xe7, 0x00 } },
	{ "vmovdqu64 (%rsi),%zmm0", BULK, 6, { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x06 } },
	{ "vpaddd %ymm0,%ymm0,%ymm0", OTHER, 4, { 0xc5, 0xfd, 0xfe, 0xc0 } },
	{ "clwb (%rdi)", BULK, 4, { 0x66, 0x0f, 0xae, 0x37 } },
	{ "clflushopt (%rdi)", BULK, 4, { 0x66, 0x0f, 0xae, 0x3f } },
	{ "sfence", OTHER, 3, { 0x0f, 0xae, 0xf8 } },
	{ "xsaveopt (%rdi)", OTHER, 3, { 0x0f, 0xae, 0x37 } },
	{ "mov %rax,(%rdi)", OTHER, 3, { 0x48, 0x89, 0x07 } },
	{ "nop", OTHER, 1, { 0x90 } },
};

static int failures;

static void expect(int ok, const char *text, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "decode_test: %s: %s\n", text, what);
	failures++;
}

static void test_kinds(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct decode_case *c = &cases[i];

		expect(decode_is_rep_copy(c->bytes, c->len) == (c->kind == REP_COPY), c->text,
		       "wrong about being a string copy");
		expect(decode_is_bulk_move(c->bytes, c->len) == (c->kind == BULK), c->text,
		       "wrong about being a bulk move");
	}
}

static void test_jumps(void)
{
	static const uint8_t jne_back[] = { 0x75, 0xfe };
	static const uint8_t jb_far[] = { 0x0f, 0x82, 0x00, 0x01, 0x00, 0x00 };
	static const uint8_t jmp[] = { 0xeb, 0xfe };
	uint64_t target = 0;

	expect(decode_is_cond_jump(jne_back, 2, 0x1000, &target) && target == 0x1000, "jne .",
	       "does not lead to itself");
	expect(decode_is_cond_jump(jb_far, 6, 0x1000, &target) && target == 0x1106, "jb .+0x106",
	       "leads elsewhere");
	expect(!decode_is_cond_jump(jmp, 2, 0x1000, &target), "jmp .", "is not conditional");
}

static void test_markers(void)
{
	static const uint8_t stop[] = { 0x0f, 0x1f, 0x80, MARKER_STOP, 0x00, 0x55, 0x5a };
	static const uint8_t padding[] = { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 };
	unsigned int code = 0;

	expect(decode_is_marker(stop, sizeof(stop), &code) && code == MARKER_STOP, "stop marker",
	       "is not recognised");
	expect(!decode_is_marker(padding, sizeof(padding), &code), "padding", "is no marker");
}

int main(void)
{
	test_kinds();
	test_jumps();
	test_markers();
	return failures ? 1 : 0;
}
