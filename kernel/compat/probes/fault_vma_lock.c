// SPDX-License-Identifier: GPL-2.0-only
/* 6.4: faults can be handled with the lock of their VMA alone. */
#include <linux/mm.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return FAULT_FLAG_VMA_LOCK;
}
