# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by VM cases that run a file system of tests/plugins:
# `. "$TOP/tests/plugins/lib.sh"`. It brings tests/vm/lib.sh with it.
#
#	plug_up NAME OPTIONS T1 [T2...]	module, root, server, mkfs, mount at $mnt
#	plug_mount, plug_umount		again
#	plug_down			all of it goes; the server had nothing to complain of
#	ctl WORD...			the plugin's remote control
#	value NAME			a line of its "stats"
#	app ...				rawapp; in the background: "$scratch/rawapp" ... &
# $plug_more, if set before: a plugin of ours that the same server has too, for further mounts.
# What is left when a case fails is undone at its end.

. "$TOP/tests/vm/lib.sh"

plug_root=/sys/fs/zuf
plug_pid=''

plug_up() {
	local build=$TOP/build/tests

	plug_name=$1
	plug_options=$2
	shift 2
	plug_devices=("$@")
	[ -e "$build/plugins/$plug_name/lib$plug_name.so" ] || skip "$plug_name is not built"
	scratch
	[ -z "${plug_more-}" ] || cp "$TOP/build/plugins/$plug_more/lib$plug_more.so" "$scratch/"
	cp "$build/plugins/plugctl" "$build/rawserver/rawapp" \
		"$build/plugins/$plug_name/lib$plug_name.so" "$scratch/"
	mnt=$scratch/mnt
	mkdir "$mnt"
	modprobe zuf || skip "there is no module for this kernel"
	on_exit plug_cleanup
	mount -t zuf zuf "$plug_root"
	plug_serve
	plug_mkfs
	plug_mount
}

plug_serve() {
	local fd

	exec {fd}<> <(:)
	zusd --plugin-dir="$scratch" --plugins="$plug_name${plug_more:+,$plug_more}" \
		--ready-fd="$fd" \
		2>>"$scratch/log" &
	plug_pid=$!
	read -r -t 60 -u "$fd" || fail "not ready: $(cat "$scratch/log")"
	exec {fd}<&-
}

# plug_mkfs: the first device is T1, the others are T2.
plug_mkfs() {
	local -a t2=("${plug_devices[@]:1}")

	mkfs.memofs -f "${plug_devices[0]}" ${t2[0]:+--t2 "${t2[@]}"} >/dev/null
}

plug_mount() {
	mount -t "$plug_name" -o "ctl=$plug_name,$plug_options" "${plug_devices[0]}" "$mnt" ||
		fail "mount: $(cat "$scratch/log")"
}

plug_umount() {
	within 60 umount "$mnt"
}

plug_down() {
	plug_umount || fail "the file system does not go away"
	kill -TERM "$plug_pid"
	wait "$plug_pid" || fail "the server ended with $?: $(cat "$scratch/log")"
	plug_pid=''
	! grep -E "$plug_name: |memofs: " "$scratch/log" ||
		fail "the server complains"
	wait_until 5 umount "$plug_root"
	wait_until 5 rmmod zuf
}

plug_cleanup() {
	local dev

	if [ -n "$plug_pid" ]; then
		ctl release
		within 30 umount "$mnt"
		kill -KILL "$plug_pid"
		wait "$plug_pid"
		tail -n 20 "$scratch/log"
	fi
	! mountpoint -q "$mnt" || umount "$mnt"
	! mountpoint -q "$plug_root" || umount "$plug_root"
	[ ! -d /sys/module/zuf ] || (wait_until 5 rmmod zuf)
	for dev in "${plug_devices[@]}"; do
		dd if=/dev/zero of="$dev" bs=1M count=2 conv=fsync status=none
	done
}

ctl() {
	"$scratch/plugctl" "$plug_name" "$@"
}

value() {
	ctl stats | sed -n "s/^$1 //p"
}

app() {
	"$scratch/rawapp" "$@"
}
