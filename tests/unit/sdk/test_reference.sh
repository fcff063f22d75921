#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The SDK's reference has an entry with a text for every function that libzus exports; who
# exports one without, or writes none, is told so. The pages are good to read by man(1).
#
# usage: test_reference.sh SCRIPT MAP PAGE...    the first page is that of libzus

set -eu
script=$1 map=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "failed: $*" >&2
	exit 1
}

# refused WORDS: the check of what lies in $dir fails with them.
refused() {
	if "$script" --check "$dir/page.3" "$dir/map" >"$dir/out"; then
		fail "it does not complain: $1"
	fi
	grep -q "$1" "$dir/out" || fail "wanted $1: $(cat "$dir/out")"
	[ "$(wc -l <"$dir/out")" = 1 ] || fail "more than one: $(cat "$dir/out")"
}

"$script" --check "$1" "$map" || fail "see above"

cp "$1" "$dir/page.3"
sed 's/^\tzus_dispatch;$/&\n\tzus_never_heard_of;/' "$map" >"$dir/map"
refused 'zus_never_heard_of: no entry'

cat >"$dir/own.h" <<'H'
/* SPDX */
/* The head. */
#ifndef ZUS_OWN_H
#define ZUS_OWN_H

/* A text. */
int zus_one(int a);
int zus_two(const char *b,
	    int c);

void zus_three(void);

/* Another one. */
static inline int zus_four(void)
{
	return zus_three();
}

#endif
H
"$script" own "a test" "$dir/own.h" >"$dir/page.3"
printf 'V {\nglobal:\n\tzus_one;\n\tzus_two;\n\tzus_four;\nlocal:\n\t*;\n};\n' >"$dir/map"
"$script" --check "$dir/page.3" "$dir/map" || fail "of the small header"
sed -i 's/zus_four/zus_three/' "$dir/map"
refused 'zus_three: no text'

if command -v man >/dev/null; then
	for page in "$@"; do
		man --warnings -l "$page" >/dev/null 2>"$dir/out"
		[ ! -s "$dir/out" ] || fail "$page: $(head -n 3 "$dir/out")"
	done
fi
echo "ok"
