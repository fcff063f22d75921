// SPDX-License-Identifier: BSD-2-Clause
/*
 * UUIDs of devices and sets, by libuuid. For mkfs and friends; stateless.
 */
#include <zus/md.h>

#include <errno.h>
#include <uuid/uuid.h>

void zus_uuid_generate(uint8_t uuid[16])
{
	uuid_generate_random(uuid);
}

void zus_uuid_format(const uint8_t uuid[16], char text[37])
{
	uuid_unparse_lower(uuid, text);
}

int zus_uuid_parse(const char *text, uint8_t uuid[16])
{
	return uuid_parse(text, uuid) ? -EINVAL : 0;
}
