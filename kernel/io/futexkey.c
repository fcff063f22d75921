// SPDX-License-Identifier: GPL-2.0-only
/*
 * futexkey.c - keys by which futex(2) identifies words in shared mappings
 *
 * futex(2) identifies a word by the page that lies there: by the inode of the page's mapping and
 * by the page's index. For a page without a mapping it fails with EFAULT. Pages of T1 belong to
 * no file's mapping, and must not: memory_failure() expects the entries of fs/dax for a page
 * whose inode is DAX. So all of them get the mapping of the inode of anonymous files, which has
 * no pages of its own, and an index with the file's number in its upper bits. This key does not
 * change when the block moves, so sleepers are still found.
 *
 * Two files may have the same block: it is shared, or a broken server says so. Only the file
 * whose key a page has removes the key. So mapping and index of a page change together under a
 * lock, that of the page's 2 MiB.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "devset.h"
#include "futexkey.h"
#include "t1map.h"

/*
 * Bits of the page's number in the file: 2^36 pages, 256 TiB. Two files with the same key could
 * wake each other's sleepers.
 */
#define FILE_SHIFT	36

#define LOCK_BITS	6

static struct inode *key_inode;
static atomic64_t last_file;
static spinlock_t locks[1 << LOCK_BITS];

int zuf_futexkey_init(void)
{
	struct file *file = anon_inode_getfile("[zuf]", &generic_ro_fops, NULL, O_RDONLY);
	int i;

	for (i = 0; i < ARRAY_SIZE(locks); i++)
		spin_lock_init(&locks[i]);
	if (IS_ERR(file))
		return PTR_ERR(file);
	key_inode = igrab(file_inode(file));
	fput(file);
	return 0;
}

void zuf_futexkey_fini(void)
{
	iput(key_inode);
}

u64 zuf_futexkey_new(void)
{
	return atomic64_inc_return(&last_file) << FILE_SHIFT;
}

/* All pages of one call lie in the same 2 MiB. */
static spinlock_t *lock_of(struct page *page)
{
	return &locks[hash_long(page_to_pfn(page) >> ZUF_HUGE_ORDER, LOCK_BITS)];
}

void zuf_futexkey_set(struct page *page, unsigned long nr, u64 key)
{
	struct address_space *mapping = key_inode->i_mapping;
	spinlock_t *lock = lock_of(page);
	unsigned long i;

	spin_lock(lock);
	for (i = 0; i < nr; i++) {
		struct folio *folio = page_folio(page + i);

		WRITE_ONCE(folio->index, key + i);
		/* a reader that sees the mapping must see the index; pairs with get_futex_key() */
		smp_store_release(&folio->mapping, mapping);
	}
	spin_unlock(lock);
}

void zuf_futexkey_clear(struct page *page, unsigned long nr, u64 key)
{
	spinlock_t *lock = lock_of(page);
	unsigned long i;

	spin_lock(lock);
	for (i = 0; i < nr; i++) {
		struct folio *folio = page_folio(page + i);

		if (folio->mapping == key_inode->i_mapping && folio->index == key + i)
			WRITE_ONCE(folio->mapping, NULL);
	}
	spin_unlock(lock);
}
