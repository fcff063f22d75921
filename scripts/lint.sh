#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Checks that need no build: every public header compiles alone as C17 and
# C++17, shell scripts pass shellcheck, and the rules of CONTRIBUTING.md that
# a program can check. All complaints are printed; the status is 0 if there
# were none. Looks at what git tracks or would track.
#
# usage: scripts/lint.sh

set -eu
. "$(dirname "$0")/common.sh"

complaints=0

# complain RULE: each line of stdin is a complaint.
complain() {
	local line

	while IFS= read -r line; do
		[ -n "$line" ] || continue
		echo "$1: $line"
		complaints=$((complaints + 1))
	done
}

# of PATTERN: the files whose path matches.
of() {
	grep -E -- "$1" <<<"$files" || true
}

# grep_files REGEX FILES: file:line:text, nothing if none.
grep_files() {
	[ -z "$2" ] || xargs -d '\n' grep -nHE -- "$1" <<<"$2" || true
}

lint_headers() {
	local header flags=(-fsyntax-only -Wall -Wextra -Werror
		-I include -I include/uapi)

	for header in $(of '^include/(zus|uapi/zuf)/.*\.h$'); do
		complain "C17" < <(gcc -std=gnu17 -x c "${flags[@]}" "$header" 2>&1 |
			grep -E 'error|warning')
		complain "C++17" < <(g++ -std=gnu++17 -x c++ "${flags[@]}" \
			"$header" 2>&1 | grep -E 'error|warning')
	done
}

lint_shell() {
	local scripts

	scripts=$(of '\.(sh|bash)$'; for file in $(of '/[a-z-]+$'); do
		if head -n 1 "$file" | grep -qE '^#!/bin/(ba)?sh'; then
			echo "$file"
		fi
	done)
	complain shellcheck < <(sort -u <<<"$scripts" |
		xargs -d '\n' shellcheck -f gcc)
}

# lint_sizes: .c files of more than 800 lines, functions of more than 80, lines
# of more than 100 columns. A function is what begins with a brace of its own line.
lint_sizes() {
	local sources

	sources=$(of '\.(c|h)$')
	[ -n "$sources" ] || return 0
	# shellcheck disable=SC2016 # awk's dollars
	complain size < <(xargs -d '\n' awk '
		FNR == 1 { start = 0 }
		FNR == 801 && FILENAME ~ /\.c$/ { print FILENAME ": more than 800 lines" }
		/^{$/ && last ~ /\)$/ { start = FNR; name = last }
		/^}/ && start {
			if (FNR - start - 1 > 80)
				printf "%s:%d: %d lines in %s\n", FILENAME,
					start, FNR - start - 1, name
			start = 0
		}
		{ last = $0 }' <<<"$sources")
	complain "more than 100 columns" < <(
		of '\.(c|h|sh|py)$|^tests/vm/[a-z-]+$' | while read -r file; do
			expand "$file" | awk -v file="$file" \
				'length($0) > 100 { print file ":" NR }'
		done)
}

lint_text() {
	local code scripts

	complain "trailing white space" < <(grep_files '[[:blank:]]+$' \
		"$(of '\.(c|h|sh|py|md|build|tsv)$|Makefile|Kbuild')" | cut -c -80)
	complain "no newline at the end" < <(for file in $files; do
		[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || echo "$file"
	done)
	code=$(of '\.(c|h)$')
	complain "forbidden function" < <(grep_files \
		'\b(strcpy|strcat|sprintf|vsprintf|gets)\(' "$code")
	scripts=$(of '\.(c|h|sh|py|build)$|Makefile|Kbuild|^tests/vm/[a-z-]+$')
	complain "unfinished" < <(grep_files '\b(TO[D]O|FIX[M]E|XX[X])\b' "$scripts")
	complain "no SPDX line" < <(for file in $scripts; do
		head -n 3 "$file" | grep -q SPDX-License-Identifier: || echo "$file"
	done)
	complain "kernel versions outside kernel/compat" < <(grep_files \
		'ZUF_HAVE_|KERNEL_VERSION|LINUX_VERSION_CODE' \
		"$(of '^kernel/' | grep -v '^kernel/compat/')")
	complain "shared memory outside kernel/device/shm.h" < <(grep_files \
		'__force|vmalloc_to_(page|pfn)' "$(of '^kernel/.*\.(c|h)$' |
			grep -vE '^kernel/(device/shm\.h|planted\.c)$')" | grep -v '(__force u32)')
	complain "shared inode that may be poisoned: zuf_zi_load()" < <(grep_files \
		'shm_(load|take)\(.*\bzi->' "$(of '^kernel/.*\.c$')")
	complain "cookie that dispatch.c does not put in" < <(grep_files \
		'= ZUF_I\(.*\)->zus_ii' "$(of '^kernel/.*\.c$' |
			grep -vE '^kernel/op/dispatch\.c$')")
	complain "wrong licence" < <(for file in $(of '^kernel/.*\.(c|h)$'); do
		head -n 1 "$file" | grep -q 'GPL-2.0-only' || echo "$file"
	done)
}

# lint_structure: layers of kernel/, names that comments and documents speak of, and that
# the recipes of CONTRIBUTING.md name files that still have what they are named for.
lint_structure() {
	local file needle

	complain layers < <(scripts/layers.py)
	complain "no such name" < <(scripts/names.py)
	# shellcheck disable=SC2016 # backquotes of a table
	complain "recipe" < <(sed -n 's/^| `\([^`]*\)` | `\([^`]*\)` |$/\1 \2/p' CONTRIBUTING.md |
		while read -r file needle; do
			grep -qiF -- "$needle" "$file" ||
				echo "CONTRIBUTING.md: $file has no $needle"
		done)
}

cd "$TOP"
scripts/deps.sh lint build
files=$(git ls-files -co --exclude-standard | while read -r file; do
	[ ! -f "$file" ] || echo "$file"
done)
lint_headers
lint_shell
lint_sizes
lint_text
lint_structure
[ "$complaints" = 0 ] || die "$complaints complaints"
echo "lint: ok"
