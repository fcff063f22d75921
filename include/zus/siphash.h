/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4, a keyed hash of short strings, for tables whose entries are chosen by users: the
 * names of a directory, say. The key must be 128 random bits (getrandom(2)) that nothing a user
 * sees depends on; without it nobody can choose names that meet in one bucket.
 *
 * Of J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). All in this
 * header, for it is on the way of every lookup. Pure functions, any thread, no locks.
 */
#ifndef ZUS_SIPHASH_H
#define ZUS_SIPHASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_siphash_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t zus_siphash_rotl(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void zus_siphash_round(struct zus_siphash_state *s)
{
	s->v0 += s->v1;
	s->v1 = zus_siphash_rotl(s->v1, 13) ^ s->v0;
	s->v0 = zus_siphash_rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = zus_siphash_rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = zus_siphash_rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = zus_siphash_rotl(s->v1, 17) ^ s->v2;
	s->v2 = zus_siphash_rotl(s->v2, 32);
}

static inline void zus_siphash_word(struct zus_siphash_state *s, uint64_t word)
{
	s->v3 ^= word;
	zus_siphash_round(s);
	zus_siphash_round(s);
	s->v0 ^= word;
}

/**
 * zus_siphash() - the hash of `len` bytes, which may be none and need no alignment
 * @key: 128 bits; the reference's 16 bytes are two little-endian words
 * Every bit of the result is as good as any other.
 */
static inline uint64_t zus_siphash(const uint64_t key[2], const void *data, size_t len)
{
	struct zus_siphash_state s = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};
	const uint8_t *at = (const uint8_t *)data, *end = at + (len & ~(size_t)7);
	uint64_t word;

	for (; at < end; at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		zus_siphash_word(&s, le64toh(word));
	}
	word = 0;
	memcpy(&word, at, len & 7);
	zus_siphash_word(&s, le64toh(word) | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	zus_siphash_round(&s);
	zus_siphash_round(&s);
	zus_siphash_round(&s);
	zus_siphash_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_SIPHASH_H */
