/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies on a device already. Reads only.
 */
#ifndef TOOLS_SIGNATURES_H
#define TOOLS_SIGNATURES_H

/* The name of a file system, volume manager or the like on an open device, or NULL. */
const char *signature_find(int fd);
/* The same, but a device table is nothing. */
const char *signature_find_other(int fd);

#endif
