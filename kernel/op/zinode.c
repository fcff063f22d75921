// SPDX-License-Identifier: GPL-2.0-only
/*
 * zinode.c - the inode that is shared with the server: read, check, copy
 *
 * The memory is hostile: nothing of it reaches the VFS inode without a check. The VFS inode's nlink
 * and size change under i_lock here; the callers hold the inode lock.
 */
#include <linux/ratelimit.h>

#include "sb.h"
#include "settle.h"
#include "zinode.h"

bool zuf_size_is_valid(const struct super_block *sb, umode_t mode, u64 size)
{
	if (S_ISLNK(mode))
		return size && size < ZUFS_MAX_SYMLINK;
	return size <= (u64)sb->s_maxbytes;
}

/* The VFS counts sectors, the server counts file-system blocks. */
static unsigned int sector_shift(const struct super_block *sb)
{
	return sb->s_blocksize_bits > SECTOR_SHIFT ? sb->s_blocksize_bits - SECTOR_SHIFT : 0;
}

bool zuf_blocks_are_valid(const struct super_block *sb, u64 blocks)
{
	return blocks <= (u64)S64_MAX >> sector_shift(sb);
}

struct timespec64 zuf_time_from(struct inode *inode, __le64 ns)
{
	return timestamp_truncate(ns_to_timespec64((s64)le64_to_cpu(ns)), inode);
}

void zuf_inode_set_blocks(struct inode *inode, u64 blocks)
{
	WRITE_ONCE(inode->i_blocks, blocks << sector_shift(inode->i_sb));
}

int zuf_zi_take(const struct inode *inode, void *dst, size_t from, size_t len)
{
	const void __shm *zi = ZUF_I(inode)->zi;

	if (likely(!shm_take_mc(dst, zi + from, len)))
		return 0;
	pr_warn_ratelimited("sb %llu: the memory of inode %llu is poisoned\n",
			    ZUF_SB(inode->i_sb)->sb_id, (u64)inode->i_ino);
	return -EIO;
}

static void take_blocks(struct inode *inode, __le64 blocks)
{
	if (likely(zuf_blocks_are_valid(inode->i_sb, le64_to_cpu(blocks))))
		zuf_inode_set_blocks(inode, le64_to_cpu(blocks));
}

int zuf_inode_refresh_blocks(struct inode *inode)
{
	__le64 blocks;
	int err = zuf_zi_load(inode, i_blocks, &blocks);

	if (likely(!err))
		take_blocks(inode, blocks);
	return err;
}

static void take_links(struct inode *inode, __le32 links, __le64 ctime)
{
	u32 nlink = le32_to_cpu(links);

	lockdep_assert_held(&inode->i_lock);
	if (nlink != inode->i_nlink && nlink <= ZUF_LINK_MAX)
		set_nlink(inode, nlink);
	inode_set_ctime_to_ts(inode, zuf_time_from(inode, ctime));
}

int zuf_inode_refresh_links(struct inode *inode)
{
	__le32 nlink;
	__le64 ctime;
	int err = zuf_zi_load(inode, i_nlink, &nlink) ?: zuf_zi_load(inode, i_ctime, &ctime);

	if (likely(!err))
		take_links(inode, nlink, ctime);
	return err;
}

int zuf_inode_refresh_locked(struct inode *inode)
{
	struct zus_inode zi;
	/* links to ctime lie in one line of the CPU's cache */
	int err = zuf_zi_take(inode, &zi, 0, offsetof(struct zus_inode, i_atime));

	if (unlikely(err))
		return err;
	take_links(inode, zi.i_nlink, zi.i_ctime);
	if ((S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode)) &&
	    zuf_size_is_valid(inode->i_sb, inode->i_mode, le64_to_cpu(zi.i_size)))
		i_size_write(inode, le64_to_cpu(zi.i_size));
	inode_set_mtime_to_ts(inode, zuf_time_from(inode, zi.i_mtime));
	take_blocks(inode, zi.i_blocks);
	return 0;
}

void zuf_inode_refresh(struct inode *inode)
{
	spin_lock(&inode->i_lock);
	if (unlikely(zuf_inode_refresh_locked(inode)))
		WRITE_ONCE(ZUF_I(inode)->stale, ZUF_I(inode)->stale | ZUF_STALE_ALL);
	spin_unlock(&inode->i_lock);
}

u64 zuf_inode_win_id(struct inode *inode)
{
	static atomic64_t last = ATOMIC64_INIT(0);
	struct zuf_inode *zii = ZUF_I(inode);
	u64 id = READ_ONCE(zii->win_id);

	if (likely(id))
		return id;
	id = atomic64_inc_return(&last);
	return cmpxchg(&zii->win_id, 0, id) ?: id;
}
