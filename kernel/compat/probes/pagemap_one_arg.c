// SPDX-License-Identifier: GPL-2.0-only
/* 6.18: get_dev_pagemap() takes no hint. */
#include <linux/memremap.h>

struct dev_pagemap *probe(unsigned long pfn);
struct dev_pagemap *probe(unsigned long pfn)
{
	return get_dev_pagemap(pfn);
}
