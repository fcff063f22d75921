// SPDX-License-Identifier: GPL-2.0-only
/* 6.6: pte_mkwrite() takes the mapping. */
#include <linux/mm.h>

pte_t probe(pte_t pte, struct vm_area_struct *vma);
pte_t probe(pte_t pte, struct vm_area_struct *vma)
{
	return pte_mkwrite(pte, vma);
}
