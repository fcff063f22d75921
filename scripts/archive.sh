# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by scripts that take packages from the machine's own Debian archive: where that is.
# The machine's apt configuration is only read.

# archive SUITE: "URI suite signed-by" lines of the machine's own Debian sources
# whose suite is SUITE, both in the one-line and in the deb822 format.
archive() {
	local f
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$f" ] || continue
		awk -v suite="$1" '$1 == "deb" {
			key = "-"; i = 2
			if ($i ~ /^\[/) {
				do {
					o = $i; gsub(/[][]/, "", o)
					if (sub(/^signed-by=/, "", o)) key = o
				} while ($(i++) !~ /\]$/ && i <= NF)
			}
			if ($(i + 1) == suite) print $i, suite, key
		}' "$f"
	done
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -r "$f" ] || continue
		awk -v suite="$1" 'BEGIN { RS = ""; FS = "\n" } {
			uri = ""; key = "-"; found = 0; off = 0
			for (i = 1; i <= NF; i++) {
				n = split($i, w, " ")
				if (w[1] == "URIs:") uri = w[2]
				if (w[1] == "Signed-By:" && n == 2) key = w[2]
				if (w[1] == "Enabled:" && w[2] == "no") off = 1
				if (w[1] != "Suites:") continue
				for (j = 2; j <= n; j++)
					if (w[j] == suite) found = 1
			}
			if (found && uri != "" && !off) print uri, suite, key
		}' "$f"
	done
}

# source_line SUITE_OF_MACHINE SUITE_WANTED: one apt line, or nothing.
source_line() {
	archive "$1" | head -n 1 | while read -r uri _ key; do
		if [ "$key" = - ]; then
			echo "deb $uri $2 main"
		else
			echo "deb [signed-by=$key] $uri $2 main"
		fi
	done
}
