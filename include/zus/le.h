/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Little-endian fields of shared structures: struct zus_inode, device tables, a plugin's own media.
 *
 * The kernel and other threads may read such a field at any time. So a load is one load (relaxed)
 * and a store is one store (release): a reader sees the old number or the new one, and with the
 * new one everything that the storing thread stored before. Nothing is made durable: zus/pmem.h.
 * Fields must be aligned to their size. Any thread, no locks; two that store take turns by a lock
 * of their own, but for zus_le64_add.
 */
#ifndef ZUS_LE_H
#define ZUS_LE_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number that a field holds. */
static inline uint16_t zus_le16_load(const __le16 *field)
{
	return le16toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static inline uint32_t zus_le32_load(const __le32 *field)
{
	return le32toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static inline uint64_t zus_le64_load(const __le64 *field)
{
	return le64toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

/* Makes a field hold a number. */
static inline void zus_le16_store(__le16 *field, uint16_t number)
{
	__atomic_store_n(field, htole16(number), __ATOMIC_RELEASE);
}

static inline void zus_le32_store(__le32 *field, uint32_t number)
{
	__atomic_store_n(field, htole32(number), __ATOMIC_RELEASE);
}

static inline void zus_le64_store(__le64 *field, uint64_t number)
{
	__atomic_store_n(field, htole64(number), __ATOMIC_RELEASE);
}

/* Adds n, which may be negative, to a field that other threads add to at the same time. */
static inline void zus_le64_add(__le64 *field, int64_t n)
{
	__le64 old = __atomic_load_n(field, __ATOMIC_RELAXED);
	bool done;

	do {
		done = __atomic_compare_exchange_n(field, &old,
						   htole64(le64toh(old) + (uint64_t)n), false,
						   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	} while (!done);
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_LE_H */
