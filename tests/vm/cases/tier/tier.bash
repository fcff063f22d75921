# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases with coldfs instead of tests/plugins/lib.sh.
#
#	tier_up OPTIONS T1-MiB T2...	coldfs with so much T1
#	tier_device TABLE...	$cold, a device-mapper device on /dev/vda; a table is its
#				target and arguments, "linear", "error", "delay 300" ...
#	tier_moved DOWN UP	at least so many blocks moved, none failed, none is held
#	tier_python WORD...	tier.py in this folder

. "$TOP/tests/plugins/lib.sh"

tier_up() {
	need_pmem 1
	need_disk 1
	plug_up coldfs "size=${2}m,$1" /dev/pmem0 "${@:3}"
}

tier_moved() {
	ctl stats
	[ "$(value down)" -gt "$1" ] || fail "hardly a block went down"
	[ "$(value up)" -gt "$2" ] || fail "hardly a block came up"
	assert_eq "0 0 0" "$(value down_errors) $(value up_errors) $(value held)" "errors, held"
}

tier_python() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/vm/cases/tier/tier.py" "$@"
}

cold_sectors=0
cold=''

_table() {
	local target=$1

	shift
	case $target in
	error)	echo "0 $cold_sectors error" ;;
	flakey)	echo "0 $cold_sectors flakey /dev/vda 0 $*" ;;
	*)	echo "0 $cold_sectors $target /dev/vda 0 $*" ;;
	esac
}

# tier_device TARGET [ARG...]: made, or changed under those who use it.
tier_device() {
	if [ -z "$cold" ]; then
		need dmsetup
		need_disk 1
		modprobe -a dm_mod dm_delay dm_flakey 2>/dev/null || skip "there is no device-mapper"
		cold=/dev/mapper/cold
		cold_sectors=$(blockdev --getsz /dev/vda)
		dmsetup create cold --table "$(_table "$@")"
		on_exit dmsetup remove cold
		return
	fi
	dmsetup suspend cold
	dmsetup reload cold --table "$(_table "$@")"
	dmsetup resume cold
}
