// SPDX-License-Identifier: BSD-2-Clause
/*
 * decode.c: recognise markers, string copies and copy loops in x86-64 code.
 *
 * Called by tcgcount.c once per translated instruction. Everything else about an instruction is
 * QEMU's business; no state, no allocation.
 */
#include "decode.h"

#include <string.h>

#include "../marker.h"

struct prefixes {
	size_t opcode;		/* offset of the first byte after them */
	bool rep;		/* F2 or F3 */
	bool opsize;		/* 66 */
};

static struct prefixes skip_prefixes(const uint8_t *insn, size_t len)
{
	struct prefixes p = { 0 };

	for (; p.opcode < len; p.opcode++) {
		switch (insn[p.opcode]) {
		case 0xf2:
		case 0xf3:
			p.rep = true;
			break;
		case 0x66:
			p.opsize = true;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x67:
			break;
		default:
			if ((insn[p.opcode] & 0xf0) == 0x40)	/* REX: the last one */
				p.opcode++;
			return p;
		}
	}
	return p;
}

bool decode_is_rep_copy(const uint8_t *insn, size_t len)
{
	struct prefixes p = skip_prefixes(insn, len);

	if (!p.rep || p.opcode >= len)
		return false;
	switch (insn[p.opcode]) {
	case 0xa4:	/* movsb */
	case 0xa5:	/* movsw, movsd, movsq */
	case 0xaa:	/* stosb */
	case 0xab:	/* stosw, stosd, stosq */
		return true;
	default:
		return false;
	}
}

/* Opcodes of the 0F map that move 16 bytes or more, or around the cache. */
static bool is_bulk_opcode(uint8_t op)
{
	switch (op) {
	case 0x10:	/* movups */
	case 0x11:
	case 0x28:	/* movaps */
	case 0x29:
	case 0x2b:	/* movntps */
	case 0x6f:	/* movdqa, movdqu */
	case 0x7f:
	case 0xc3:	/* movnti */
	case 0xe7:	/* movntdq */
		return true;
	default:
		return false;
	}
}

/* 0F AE /6 with 66 is clwb, /7 is clflush and clflushopt; register forms are fences. */
static bool is_line_flush(uint8_t modrm, bool opsize)
{
	unsigned int reg = (modrm >> 3) & 7;

	return modrm < 0xc0 && (reg == 7 || (reg == 6 && opsize));
}

bool decode_is_bulk_move(const uint8_t *insn, size_t len)
{
	struct prefixes p = skip_prefixes(insn, len);
	const uint8_t *op = insn + p.opcode;
	size_t left = len - p.opcode;

	if (left < 3)
		return false;
	switch (op[0]) {
	case 0xc5:	/* two-byte VEX: always the 0F map */
		return is_bulk_opcode(op[2]);
	case 0xc4:	/* three-byte VEX */
		return left > 3 && (op[1] & 0x1f) == 1 && is_bulk_opcode(op[3]);
	case 0x62:	/* EVEX */
		return left > 4 && (op[1] & 0x07) == 1 && is_bulk_opcode(op[4]);
	case 0x0f:
		if (op[1] == 0xae)
			return is_line_flush(op[2], p.opsize);
		return is_bulk_opcode(op[1]);
	default:
		return false;
	}
}

bool decode_is_cond_jump(const uint8_t *insn, size_t len, uint64_t vaddr, uint64_t *target)
{
	int32_t rel;

	if (len == 2 && (insn[0] & 0xf0) == 0x70) {
		rel = (int8_t)insn[1];
	} else if (len == 6 && insn[0] == 0x0f && (insn[1] & 0xf0) == 0x80) {
		memcpy(&rel, insn + 2, sizeof(rel));
	} else {
		return false;
	}
	*target = vaddr + len + (uint64_t)(int64_t)rel;
	return true;
}

bool decode_is_marker(const uint8_t *insn, size_t len, unsigned int *code)
{
	static const uint8_t nopl_rax[] = { 0x0f, 0x1f, 0x80 };
	uint32_t disp;

	if (len != 7 || memcmp(insn, nopl_rax, sizeof(nopl_rax)) != 0)
		return false;
	memcpy(&disp, insn + 3, sizeof(disp));
	if ((disp & MARKER_MAGIC_MASK) != MARKER_MAGIC)
		return false;
	*code = disp & ~MARKER_MAGIC_MASK;
	return true;
}
