// SPDX-License-Identifier: BSD-2-Clause
/*
 * CRC32C, with the instruction of the CPU where there is one. Pure functions; tools use them too.
 *
 * A CRC is linear: when some bits of a page change, its CRC changes by the CRC of a page of zeros
 * in which just these bits are set. So a changed word costs no sum over 4096 bytes.
 */
#include "tierfs.h"

#include <string.h>

#define POLY	0x82f63b78U		/* reflected */

/* Four bits at a time. */
static const uint32_t nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362,
	0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab,
	0xe330a81a, 0xf36e6f75,
};

/* x^(4096 * k) modulo the polynomial: k times 64 words further from the end of a page. */
static const uint32_t further[8] = {
	0x80000000, 0x74c360a4, 0xe4172b16, 0x835305c9, 0x0d65762a, 0xb5a50ab7, 0x5f60970f,
	0x3a5275ea,
};

static uint32_t bytes_by_table(uint32_t crc, const uint8_t *p, size_t bytes)
{
	for (; bytes; bytes--) {
		crc ^= *p++;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2")))
static uint32_t bytes_by_cpu(uint32_t crc, const uint8_t *p, size_t bytes)
{
	uint64_t word, sum = crc;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		memcpy(&word, p, 8);
		sum = __builtin_ia32_crc32di(sum, word);
	}
	for (; bytes; bytes--)
		sum = __builtin_ia32_crc32qi((uint32_t)sum, *p++);
	return (uint32_t)sum;
}

#else

static bool has_instruction(void)
{
	return false;
}

static uint32_t bytes_by_cpu(uint32_t crc, const uint8_t *p, size_t bytes)
{
	return bytes_by_table(crc, p, bytes);
}

#endif

/* Without the inversions at both ends. */
static uint32_t raw_crc(uint32_t crc, const void *data, size_t bytes)
{
	return has_instruction() ? bytes_by_cpu(crc, data, bytes) :
				   bytes_by_table(crc, data, bytes);
}

uint32_t tierfs_crc(uint32_t crc, const void *data, size_t bytes)
{
	return ~raw_crc(~crc, data, bytes);
}

uint32_t tierfs_crc_head(const void *object, size_t bytes)
{
	static const uint32_t zero;
	uint32_t crc = raw_crc(~0U, &zero, sizeof(zero));

	return ~raw_crc(crc, (const uint8_t *)object + sizeof(zero), bytes - sizeof(zero));
}

uint32_t tierfs_crc_tail(const void *object, size_t bytes)
{
	static const uint32_t zero;
	uint32_t crc = raw_crc(~0U, object, bytes - sizeof(zero));

	return ~raw_crc(crc, &zero, sizeof(zero));
}

/* Product of two polynomials modulo the CRC's; bit 31 is x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t bit, product = 0;

	for (bit = 1U << 31; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? b >> 1 ^ POLY : b >> 1;
	}
	return product;
}

uint32_t tierfs_crc_word(unsigned int index, uint64_t diff)
{
	static const uint64_t zeros[64];
	unsigned int behind = TIERFS_PAGE_WORDS - 1 - index;
	uint32_t crc = raw_crc(0, &diff, sizeof(diff));

	crc = raw_crc(crc, zeros, behind % 64 * sizeof(*zeros));
	return behind < 64 ? crc : multiply(further[behind / 64], crc);
}
