// SPDX-License-Identifier: GPL-2.0-only
/* 6.6: huge_fault() takes an order; the enum that it took before is gone. */
#include <linux/mm.h>

enum page_entry_size {
	PROBE_SIZE
};

static vm_fault_t fault(struct vm_fault *vmf, unsigned int order)
{
	return order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
}

void probe(struct vm_operations_struct *ops);
void probe(struct vm_operations_struct *ops)
{
	ops->huge_fault = fault;
}
