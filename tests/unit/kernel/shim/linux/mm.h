/* SPDX-License-Identifier: BSD-2-Clause */
/* What a unit test needs of it the test itself defines. */
