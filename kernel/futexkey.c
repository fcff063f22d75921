// SPDX-License-Identifier: GPL-2.0-only
/*
 * futexkey.c - what futex(2) tells words in shared mappings apart by
 *
 * It identifies a word by the page that lies there: by the inode of the page's mapping and
 * by the page's index. For a page without mapping it fails: EFAULT. Pages of T1 belong to
 * no file's mapping, and must not: of one whose inode is DAX memory_failure() expects the
 * entries of fs/dax. So all have that of the inode of anonymous files, which has no pages
 * of its own, and an index that has the file's number in its upper bits. It stays what it
 * is when the block moves, so who sleeps is still found.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include "futexkey.h"

/* Pages of a file: 2^36, 256 TiB. Two files with one number could wake each other's sleepers. */
#define FILE_SHIFT	36

static struct inode *key_inode;
static atomic64_t last_file;

int zuf_futexkey_init(void)
{
	struct file *file = anon_inode_getfile("[zuf]", &generic_ro_fops, NULL, O_RDONLY);

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

void zuf_futexkey_set(struct page *page, unsigned long nr, u64 key)
{
	struct address_space *mapping = key_inode->i_mapping;
	unsigned long i;

	for (i = 0; i < nr; i++) {
		struct folio *folio = page_folio(page + i);

		WRITE_ONCE(folio->index, key + i);
		/* whoever sees the mapping sees the index; pairs with get_futex_key() */
		smp_store_release(&folio->mapping, mapping);
	}
}

void zuf_futexkey_clear(struct page *page, unsigned long nr, u64 key)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		struct folio *folio = page_folio(page + i);

		if (folio->mapping == key_inode->i_mapping && folio->index == key + i)
			WRITE_ONCE(folio->mapping, NULL);
	}
}
