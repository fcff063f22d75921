/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * marker.h: the instruction pattern by which a guest program talks to the tcgcount plugin.
 *
 * A marker is a seven-byte no-op, "nopl MAGIC+code(%rax)": harmless on every x86-64 CPU and
 * never emitted by a compiler, whose padding has displacement 0. A tag of 32 bits goes out as
 * eight nibble markers, highest first; START then clears the counters, STOP writes them under
 * that tag.
 */
#ifndef BENCH_MARKER_H
#define BENCH_MARKER_H

#define MARKER_MAGIC		0x5a550000u
#define MARKER_MAGIC_MASK	0xffff0000u
#define MARKER_NIBBLE_MAX	0x0fu
#define MARKER_START		0x10u
#define MARKER_STOP		0x11u

#endif
