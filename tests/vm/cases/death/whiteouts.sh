#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# RENAME_WHITEOUT is several messages. A program that is killed at any of them, or while one is
# on its way back, leaves at once, although the server does not answer; the names are
# the old ones in the end, or the new ones when the last step was done, and no inode is left. What
# the server refuses without a kill is what the program gets.

. "$TOP/tests/rawserver/lib.sh"
need python3

# held: references and inodes that the server counts.
held() {
	drop_caches
	echo "$(stat_of refs) $(stat_of nodes)"
}

held_are() {
	[ "$(held)" = "$1" ]
}

names() {
	find "$dir" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

# begin: what is renamed.
begin() {
	ctl clear
	rm -f "$dir/old" "$dir/new"
	app write "$dir/old" 0 4k
	before=$(held)
}

# killed NAMES RULE...: the server hangs by the last rule. A rule does not see what an earlier
# one has taken.
killed() {
	local wanted=$1 rule pid status=0

	shift
	begin
	for rule in "$@"; do
		# shellcheck disable=SC2086 # a rule is several words
		ctl rule $rule
	done
	python3 "$scratch/whiteout.py" "$dir" >"$scratch/out" &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait_until 5 process_gone "$pid"
	wait "$pid" || status=$?
	assert_eq 137 "$status" "status of a killed rename: $*"
	# others are not in the way of what is left
	app -t 5000 read "$mnt/file" 0 4k
	ctl release
	assert_eq "$wanted" "$(within 20 ls "$dir" | sort | xargs)" "names after a kill: $*"
	ctl clear
	case $wanted in
	*new*)	[ -c "$dir/old" ] || fail "no whiteout: $*"
		app read "$dir/new" 0 4k
		rm "$dir/new"
		wait_until 10 held_are "$before"
		;;
	*)	app read "$dir/old" 0 4k
		wait_until 10 held_are "$before"
		;;
	esac
}

# refused ERRNO RULE...: nothing has changed.
refused() {
	local code=$1 rule

	shift
	begin
	for rule in "$@"; do
		# shellcheck disable=SC2086
		ctl rule $rule
	done
	assert_eq "$code" "$(within 60 python3 "$scratch/whiteout.py" "$dir")" "refused: $*"
	ctl clear
	assert_eq "old" "$(names)" "names after a refusal: $*"
	app read "$dir/old" 0 4k
	wait_until 10 held_are "$before"
}

raw_setup
dir=$mnt/dir
cat >"$scratch/whiteout.py" <<'TEXT'
import errno, sys
from nstest import renameat2
try:
    renameat2(sys.argv[1] + "/old", sys.argv[1] + "/new", 4)
    print("OK")
except OSError as e:
    print(errno.errorcode[e.errno])
TEXT

raw_start
raw_mount
app mkdir "$dir"
app write "$mnt/file" 0 4k

killed "old" "op=NEW_INODE do=hang"
killed "old" "op=RENAME nth=1 do=hang"
killed "old" "op=RENAME nth=1 do=err:-122" "op=REMOVE_DENTRY do=hang"
killed "new old" "op=RENAME nth=2 do=hang"
killed "old" "op=RENAME nth=2 do=err:-122" "op=RENAME nth=2 do=hang"
killed "old" "op=RENAME nth=2 do=err:-122" "op=REMOVE_DENTRY do=hang"
# the step that hangs is refused when it is released
killed "old" "op=RENAME nth=1 do=hang do=err:-1"
killed "old" "op=RENAME nth=2 do=hang do=err:-122"

for code in -122:EDQUOT -1:EPERM; do
	refused "${code#*:}" "op=NEW_INODE do=err:${code%:*}"
	refused "${code#*:}" "op=RENAME nth=1 do=err:${code%:*}"
	refused "${code#*:}" "op=RENAME nth=2 do=err:${code%:*}"
done
# to be called again is no answer to these
refused EIO "op=RENAME nth=1 do=err:-531"
begin
assert_eq OK "$(python3 "$scratch/whiteout.py" "$dir")" "a whiteout"
assert_eq "new old" "$(names)" "names after a whiteout"
rm "$dir/new" "$dir/old"

# the server dies while it hangs
begin
ctl only op=RENAME nth=2 do=hang
python3 "$scratch/whiteout.py" "$dir" >"$scratch/out" &
pid=$!
ctl hung 1
kill -KILL "$raw_pid"
wait "$pid"
assert_eq EIO "$(cat "$scratch/out")" "the server died"
raw_end
raw_umount
raw_start
raw_mount
app mkdir "$dir"
raw_works
raw_finish
