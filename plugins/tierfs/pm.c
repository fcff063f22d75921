// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every store to durable T1. Nobody else casts the const of media structs away, so a store that the
 * recorder of the crash tests does not see cannot be written by accident.
 */
#include "tierfs.h"

#include <zus/pmem.h>

void tierfs_pm_store8(const struct tierfs *fs, const void *dst, uint64_t value)
{
	zus_store8(fs->sb.env, (void *)(uintptr_t)dst, value);
}

void tierfs_pm_copy(const struct tierfs *fs, const void *dst, const void *src, size_t bytes)
{
	zus_copy_nt(fs->sb.env, (void *)(uintptr_t)dst, src, bytes);
}

void tierfs_pm_zero(const struct tierfs *fs, const void *dst, size_t bytes)
{
	zus_zero_nt(fs->sb.env, (void *)(uintptr_t)dst, bytes);
}

void tierfs_pm_flush(const struct tierfs *fs, const void *addr, size_t bytes)
{
	zus_flush(fs->sb.env, addr, bytes);
}

void tierfs_pm_fence(const struct tierfs *fs)
{
	zus_fence(fs->sb.env);
}
