// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c - the code of the tracepoints that trace.h describes
 */
#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
