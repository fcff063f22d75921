/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decode.h: the few questions that tcgcount asks about x86-64 instruction bytes.
 *
 * Pure functions over one instruction; the bytes are a whole instruction as QEMU decoded it.
 */
#ifndef BENCH_DECODE_H
#define BENCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* rep movs / rep stos of any width. Under TCG every iteration executes the instruction once. */
bool decode_is_rep_copy(const uint8_t *insn, size_t len);

/* A vector or non-temporal move, or a cache-line flush: what copy loops are made of. */
bool decode_is_bulk_move(const uint8_t *insn, size_t len);

/* A conditional jump; *target is where it goes when taken. */
bool decode_is_cond_jump(const uint8_t *insn, size_t len, uint64_t vaddr, uint64_t *target);

/* A marker of bench/marker.h; *code is its code. */
bool decode_is_marker(const uint8_t *insn, size_t len, unsigned int *code);

#endif
