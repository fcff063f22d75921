// SPDX-License-Identifier: GPL-2.0-only
/* 6.17: frames are plain numbers; pages of DAX devices are counted, idle = 0. */
#include <linux/dax.h>
#include <linux/mm.h>

vm_fault_t probe(struct vm_fault *vmf, struct dax_device *dax, unsigned long *pfn);
vm_fault_t probe(struct vm_fault *vmf, struct dax_device *dax, unsigned long *pfn)
{
	dax_direct_access(dax, 0, 1, DAX_ACCESS, NULL, pfn);
	return vmf_insert_page_mkwrite(vmf, pfn_to_page(*pfn), false);
}
