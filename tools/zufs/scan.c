// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs scan: make the by-uuid links of the given devices, or of all that carry a table.
 */
#include <getopt.h>
#include <stdio.h>

#include "zufs.h"

static int scan_given(char **paths, const struct fstype_list *types, unsigned int *count)
{
	struct device dev;
	int err, failed = 0;

	for (; *paths; paths++) {
		err = device_probe(*paths, types, &dev);
		if (!err && dev.content != DEVICE_TABLE) {
			msg("%s: carries %s", *paths, dev.text);
			err = -1;
		}
		if (!err)
			err = link_make(&dev, NULL);
		if (err)
			failed = err;
		else
			++*count;
	}
	return failed;
}

int cmd_scan(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct fstype_list types;
	unsigned int count = 0;
	int c, err;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return usage_of("scan", c == 'h');
	err = fstypes_load(&types);
	if (err)
		return EXIT_FAILED;
	if (argc > optind)
		err = scan_given(argv + optind, &types, &count);
	else
		err = link_scan_all(&types, &count);
	fstypes_free(&types);
	printf("%u device%s of a set\n", count, count == 1 ? "" : "s");
	return err ? EXIT_FAILED : EXIT_OK;
}
