// SPDX-License-Identifier: BSD-2-Clause
/*
 * Records of the logs as they lie on media. Pure reading of an image; see image.h.
 *
 * A record without entries has no LSN and fills the end of the area: its head alone is summed,
 * because what lies behind it is older.
 */
#include "image.h"

#include "tierfs.h"

static uint32_t record_crc(uint64_t secret, uint32_t log, const struct tierfs_record *r)
{
	const uint64_t seed[2] = { secret, log };
	uint64_t bytes = r->lsn ? r->bytes : sizeof(*r);
	const uint32_t zero = 0;
	uint32_t crc = tierfs_crc(0, seed, sizeof(seed));

	crc = tierfs_crc(crc, &zero, sizeof(zero));
	return tierfs_crc(crc, (const uint8_t *)r + sizeof(zero), bytes - sizeof(zero));
}

const struct tierfs_record *tierfs_image_record(const struct tierfs_image *img, uint32_t log,
						const struct tierfs_log_entry *entry,
						uint32_t offset)
{
	const struct tierfs_image_dev *dev = tierfs_image_dev(img, entry->place);
	uint64_t at = tierfs_image_offset(entry->place) + offset;
	const struct tierfs_record *r = (const void *)(dev->base + at);

	if (r->bytes < sizeof(*r) || r->bytes % TIERFS_LINE ||
	    r->bytes > entry->bytes - offset || (!r->lsn && r->bytes != entry->bytes - offset))
		return NULL;
	return record_crc(img->super->log_secret, log, r) == r->crc ? r : NULL;
}

const uint64_t *tierfs_image_entry(const struct tierfs_record *r, const uint64_t *before)
{
	const uint64_t *end = (const uint64_t *)((const uint8_t *)r + r->bytes);
	const uint64_t *entry = (const uint64_t *)(r + 1);
	uint64_t words;

	if (before)
		entry = before + 1 + (*before >> TIERFS_ENTRY_WORDS_SHIFT);
	if (!r->lsn || entry >= end)
		return NULL;
	words = *entry >> TIERFS_ENTRY_WORDS_SHIFT;
	return words && words < (uint64_t)(end - entry) ? entry : NULL;
}
