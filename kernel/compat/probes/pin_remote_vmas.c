// SPDX-License-Identifier: GPL-2.0-only
/* Before 6.5: pin_user_pages_remote() can return VMAs. */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages);
long probe(struct mm_struct *mm, struct page **pages)
{
	return pin_user_pages_remote(mm, 0, 1, 0, pages, NULL, NULL);
}
