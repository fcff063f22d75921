# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases with drillfs instead of tests/plugins/lib.sh. Each runs both ways of
# I/O with drill_each_way; with $drill_ways set to drill_both also as a server that keeps its
# thread while a list runs.
#
#	try RESULTS RULE CALL...	this rule alone, then this call of rawapp
#	results_are WORD...		what the lists since the rule ended with
#	drill_works			without rules the file system does its work

. "$TOP/tests/plugins/lib.sh"

# shellcheck disable=SC2034 # the cases use it
drill_both="nio mapped nio,kept mapped,kept"

# drill_each_way COMMAND...: with a fresh file system; $way, $get and $put say which.
drill_each_way() {
	local options

	need_pmem 1
	need_disk 1
	for options in ${drill_ways:-nio mapped}; do
		way=${options%,*}
		# shellcheck disable=SC2034 # the cases use them
		case $way in
		nio)	get=GET put=GET ;;
		mapped)	get=READ put=WRITE ;;
		esac
		plug_up drillfs "$options" /dev/pmem0 /dev/vda
		app write "$mnt/file" 0 300k
		app write "$mnt/other" 0 100k
		"$@"
		drill_works
		plug_down
	done
}

try() {
	local results=$1 rule=$2

	shift 2
	# shellcheck disable=SC2086 # a rule is several words
	ctl only $rule
	app -e "$results" "$@" || fail "$way: '$*' with $rule"
}

# results_are WORD...: OK, EIO ...; a word may be an extended regex.
results_are() {
	local found

	found=$(ctl results | tr '\n' ' ')
	[[ $found =~ ^"$*"\ $ ]] || [[ $found =~ ^$*\ $ ]] ||
		fail "$way: lists ended with '$found', wanted '$*'"
}

# drill_balanced: no block is held, every put was right.
drill_balanced() {
	[ "$(value open)" = 0 ] && [ "$(value bad_puts)" = 0 ]
}

drill_works() {
	ctl clear
	app read "$mnt/file" 0 300k
	app read "$mnt/other" 0 100k
	app write "$mnt/works" 0 20k
	app read "$mnt/works" 0 20k
	app unlink "$mnt/works"
	wait_until 5 drill_balanced
	assert_eq "$(value gets)" "$(value puts)" "$way: puts for the gets"
}
