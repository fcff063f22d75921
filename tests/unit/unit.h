/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmocka with what it wants included before, for every unit test. One process per file, so
 * tests of different files share nothing; tests within a file run one after the other.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* TESTS_UNIT_H */
