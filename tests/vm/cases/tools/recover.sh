#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# zufs recover after kill -9 of the server: what fstab names is back, the rest is unmounted, each
# with a line; what it cannot or must not do it says and leaves.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
need python3 unshare
blank /dev/pmem0
scratch=''
scratch
export LIBMOUNT_FSTAB=$scratch/fstab
dir=$scratch/dir
other=$scratch/other
link=$scratch/link
mkdir "$dir" "$other"
ln -s dir "$link"
on_exit all_down

# Whatever a case that failed has left.
all_down() {
	local m

	exec 5>&-
	grep -F " $scratch" /proc/mounts | tac | while read -r _ m _; do
		umount -l "$m"
	done
	! pidof zusd >/dev/null || kill -KILL "$(pidof zusd)"
	wait_until 10 no_server
	! mountpoint -q /sys/fs/zuf || umount /sys/fs/zuf
	[ ! -d /sys/module/zuf ] || wait_until 10 rmmod zuf
}

no_server() {
	! pidof zusd
}

die() {
	local server

	server=$(pidof zusd)
	kill -KILL "$server"
	wait_until 10 process_gone "$server"
	wait_until 10 no_server
}

serve() {
	zusd --plugins=memofs --config=/dev/null --ready-fd=3 3>"$scratch/ready" \
		>>"$scratch/log" 2>&1 </dev/null 5<&- &
	wait_until 30 grep -q ready "$scratch/ready"
}

die_and_serve() {
	die
	serve
}

# mounts_on DIR: how many.
mounts_on() {
	grep -cF " $1 memofs " /proc/mounts || true
}

quiet() {
	tell 0 zufs recover "$@"
	assert_eq "" "$(cat /tmp/told)" "output"
}

# ---- nothing to do: no module, no server, nothing dead
quiet
modprobe zuf
quiet
mount -t zuf zuf /sys/fs/zuf
quiet
serve
quiet
mkfs.memofs /dev/pmem0 >/dev/null
mount -t memofs /dev/pmem0 "$dir"
echo text >"$dir/file"
quiet
assert_eq text "$(cat "$dir/file")"
tell 2 zufs recover "$dir"
tell 2 zufs recover --wait much
said "'much' is no number of seconds"
quiet --wait 1000

# ---- fstab names it, by a link and a tag; twice is once
uuid=$(zufs probe --udev /dev/pmem0 | sed -n 's/^ID_FS_UUID=//p')
zufs scan /dev/pmem0
cat >"$LIBMOUNT_FSTAB" <<FSTAB
# /dev/pmem0 $dir memofs defaults 0 0
none $other memofs size=16M,nosuid 0 0
/dev/disk/by-uuid/$uuid $link memofs defaults,noexec,nofail,x-systemd.requires=zusd.service 0 0
FSTAB
mount -t memofs -o size=16M none "$other"
die
tell 1 zufs recover
said "$dir: 2 dead, but no server is ready"
assert_eq 1 "$(mounts_on "$dir")" "mounts"
serve
refute_errno 'Input/output error' cat "$dir/file"
tell 0 zufs recover
said "^$dir: was dead, unmounted"
said "^$other: was dead, unmounted"
said "^$dir: /dev/pmem0 is sound, says fsck.memofs"
said "^$dir: mounted again"
said "^$other: mounted again"
assert_eq 5 "$(wc -l </tmp/told)" "lines"
touch "$dir/new" "$other/new"
grep " $dir memofs " /proc/mounts | grep -q noexec || fail "$dir is not as fstab has it"
grep " $other memofs " /proc/mounts | grep -q nosuid || fail "$other is not as fstab has it"
quiet
touch "$dir/again"

# ---- noauto, and not named: left; --all: as it was
cat >"$LIBMOUNT_FSTAB" <<FSTAB
/dev/pmem0 $dir memofs noauto 0 0
/dev/vdz $other ext4 defaults 0 0
FSTAB
die_and_serve
tell 0 zufs recover
said "^$dir: left unmounted: noauto in fstab"
said "^$other: left unmounted: fstab does not name it"
assert_eq 0 "$(mounts_on "$dir")$(mounts_on "$other" | tr -d 0)" "mounts"
quiet
mount -t memofs /dev/pmem0 "$dir"
mount -t memofs -o strictatime,nosymfollow,size=24M,mode=0711 none "$other"
before=$(grep -F " $scratch" /proc/mounts)
die_and_serve
tell 0 zufs recover --all
said "^$dir: mounted again"
said "^$other: mounted again"
assert_eq 711 "$(stat -c %a "$other")" "mode"
assert_eq "$before" "$(grep -F " $scratch" /proc/mounts)" "options"

# ---- in use: who, by file, folder and mapping; nothing is detached unless it is wanted
echo "/dev/pmem0 $dir memofs defaults 0 0
none $other memofs size=16M 0 0" >"$LIBMOUNT_FSTAB"
echo text >"$dir/file"
exec 5<"$dir/file"
head -c 4096 /dev/zero >"$other/map"
(cd "$other" && exec python3 -c '
import mmap
with open("map", "r+b") as f:
    m = mmap.mmap(f.fileno(), 4096)
import os, time
os.chdir("/")
open("'"$scratch"'/mapped", "w").close()
time.sleep(1000)') 5<&- &
mapper=$!
on_exit kill "$mapper"
wait_until 30 test -e "$scratch/mapped"
die_and_serve
tell 1 zufs recover
said "^zufs recover: $dir: dead, but not unmounted: in use by .*$$ \("
said "^zufs recover: $other: dead, but not unmounted: in use by $mapper \(python3"
assert_eq 2 "$(wc -l </tmp/told)" "lines"
tell 1 zufs recover --lazy
said "^$dir: was dead, detached; in use by "
said "^$other: was dead, detached; in use by $mapper"
said "^zufs recover: $dir: not mounted again: /dev/pmem0 is held by .*$$ \("
said "^$other: mounted again"
refute_errno 'Input/output error' head -c 1 <&5
touch "$other/new"
exec 5<&-
kill "$mapper"
wait "$mapper" || true
quiet
mount -t memofs /dev/pmem0 "$dir"
umount "$other"

# ---- stacked, nested, bind mounts, and a mount of somebody else
mount -t memofs -o size=16M none "$dir"
mkdir "$dir/sub" "$dir/sub/in"
mount -t memofs -o size=16M none "$dir/sub"
mount --bind "$dir" "$other"
cat >"$LIBMOUNT_FSTAB" <<FSTAB
/dev/pmem0 $dir memofs defaults 0 0
none $dir memofs size=16M 0 0
none $dir/sub memofs size=16M,x-mount.mkdir 0 0
$dir $other none bind 0 0
FSTAB
die_and_serve
tell 0 zufs recover
assert_eq 2 "$(mounts_on "$dir")" "mounts on $dir"
assert_eq 1 "$(mounts_on "$dir/sub")" "mounts in it"
assert_eq 1 "$(mounts_on "$other")" "bind mounts"
touch "$dir/top"
[ -e "$other/top" ] || fail "the bind mount is of something else"
touch "$dir/sub/new"
quiet
umount "$dir/sub"
mkdir "$dir/t"
mount -t tmpfs tmpfs "$dir/t"
touch "$dir/t/file"
die_and_serve
tell 1 zufs recover --lazy
said "^zufs recover: $dir: dead, but not unmounted: $dir/t \(tmpfs\) is mounted in it"
said "^$other: was dead, unmounted"
said "^zufs recover: $other: not mounted again: none is still mounted, dead, on $dir"
[ -e "$dir/t/file" ] || fail "a mount of somebody else was taken along"
umount "$dir/t"
mount -t tmpfs tmpfs "$dir"
tell 1 zufs recover
said "$dir: dead, but not unmounted: $dir \(tmpfs\) is mounted on it"
mountpoint -q "$dir" || fail "a mount of somebody else was unmounted"
umount "$dir"
tell 0 zufs recover
assert_eq 2 "$(mounts_on "$dir")" "mounts on $dir"
umount "$dir"
umount "$dir"

# ---- damage: not mounted, and fsck's words
mount -t memofs /dev/pmem0 "$dir"
die
printf '\1\2\3\4' | dd of=/dev/pmem0 bs=1 seek=4 conv=notrunc,fsync status=none
serve
tell 1 zufs recover
said "^$dir: was dead, unmounted"
said 'no valid table: another magic'
said "^zufs recover: $dir: not mounted again: fsck.memofs -n of /dev/pmem0 ended with status 4: it"
assert_eq 0 "$(mounts_on "$dir")" "mounts"
mkfs.memofs -f /dev/pmem0 >/dev/null
mount -t memofs /dev/pmem0 "$dir"

# ---- a server that is not there yet, and one that does not come
echo "/dev/pmem0 $dir memofs defaults 0 0" >"$LIBMOUNT_FSTAB"
die
tell 1 zufs recover --wait 1
said 'no server is ready'
zufs recover --wait 100 >"$scratch/waited" &
waiter=$!
serve
assert_status 0 wait "$waiter"
assert_grep "^$dir: mounted again" "$scratch/waited"

# ---- what cannot be mounted, for mount(8) or the server says so
echo "/dev/pmem0 $dir memofs bogus 0 0" >"$LIBMOUNT_FSTAB"
die_and_serve
tell 1 zufs recover
said "^zufs recover: $dir: not mounted again: .*(nvalid|wrong)"
rm "$LIBMOUNT_FSTAB"
quiet

# ---- another mount name space has it as well: it keeps the device, and is not touched
echo "/dev/pmem0 $dir memofs defaults 0 0" >"$LIBMOUNT_FSTAB"
mount -t memofs /dev/pmem0 "$dir"
exec {hold}<> <(:)
unshare -m --propagation private sh -c "touch $scratch/elsewhere && exec cat" <&"$hold" >/dev/null &
elsewhere=$!
wait_until 20 test -e "$scratch/elsewhere"
die_and_serve
tell 1 zufs recover
said "^$dir: was dead, unmounted"
said "$dir: not mounted again: /dev/pmem0 is held by another mount name space"
grep -q " $dir memofs " "/proc/$elsewhere/mounts" || fail "the other name space was touched"
kill -KILL "$elsewhere"
wait "$elsewhere" || true
exec {hold}<&-
wait_until 20 mount -t memofs /dev/pmem0 "$dir"

# ---- in use by a copy in another mount name space
umount "$dir"
share=$scratch/share
mkfifo "$scratch/go"
mkdir "$share"
mount -t tmpfs tmpfs "$share"
mount --make-shared "$share"
mkdir "$share/dir"
mount -t memofs /dev/pmem0 "$share/dir"
echo "/dev/pmem0 $share/dir memofs defaults 0 0" >"$LIBMOUNT_FSTAB"
unshare -m --propagation slave sh -c "exec 6>'$share/dir/slave'
	touch $scratch/slave && exec cat $scratch/go" >/dev/null &
slave=$!
wait_until 20 test -e "$scratch/slave"
die_and_serve
tell 1 zufs recover
said "$share/dir: dead, but not unmounted: in use by $slave \\(.*, in another mount name space"
echo >"$scratch/go"
wait "$slave"
tell 0 zufs recover
said "^$share/dir: mounted again"
umount "$share/dir"
umount "$share"
mount -t memofs /dev/pmem0 "$dir"

# ---- two mounts of one device; one whose folder, and one whose file system, is not back
umount "$dir"
mount -t memofs /dev/pmem0 "$dir"
mount -t memofs /dev/pmem0 "$other"
echo "/dev/pmem0 $dir memofs defaults 0 0
/dev/pmem0 $other memofs defaults 0 0" >"$LIBMOUNT_FSTAB"
die_and_serve
tell 0 zufs recover
assert_eq 1 "$(mounts_on "$dir")" "mounts on $dir"
assert_eq 1 "$(mounts_on "$other")" "mounts on $other"
touch "$dir/both"
[ -e "$other/both" ] || fail "it is another file system"
umount "$other"
mkdir -p "$dir/sub"
mount -t memofs -o size=16M none "$dir/sub"
mount --bind "$dir" "$other"
cat >"$LIBMOUNT_FSTAB" <<FSTAB
UUID=01234567-89ab-cdef-0123-456789abcdef $dir memofs nofail 0 0
none $dir/sub memofs size=16M,x-mount.mkdir 0 0
$dir $other none bind 0 0
FSTAB
die_and_serve
tell 1 zufs recover
said "$dir: not mounted again: UUID=01234567-89ab-cdef-0123-456789abcdef is not there"
said "$dir/sub: not mounted again: what it was mounted in is not back"
said "$other: not mounted again: the file system that it showed is not back"
assert_eq 0 "$(grep -c " $scratch/.* memofs " /proc/mounts || true)" "mounts"
[ ! -e "$dir/sub" ] || fail "a folder was made in the file system below"
mount -t memofs -o size=16M none "$dir"
mount --bind "$dir" "$other"
rm "$LIBMOUNT_FSTAB"
die_and_serve
tell 0 zufs recover --all
said "^$dir: mounted again"
said "^$other: left unmounted: a bind mount that fstab does not name"
umount "$dir"

# ---- the server ends while this runs: the next one is waited for, what it has left is mounted too
cat >"$LIBMOUNT_FSTAB" <<FSTAB
none $other memofs size=16M 0 0
/dev/pmem0 $dir memofs defaults 0 0
FSTAB
mkdir "$scratch/bin"
cat >"$scratch/bin/fsck.memofs" <<'FSCK'
#!/bin/sh
if mkdir "$KILLED" 2>/dev/null; then
	kill -KILL $(pidof zusd)
fi
FSCK
chmod +x "$scratch/bin/fsck.memofs"
mount -t memofs -o size=16M none "$other"
mount -t memofs /dev/pmem0 "$dir"
die_and_serve
KILLED=$scratch/killed PATH=$scratch/bin:$PATH zufs recover --wait 100 >"$scratch/twice" 2>&1 &
recoverer=$!
wait_until 30 test -d "$scratch/killed"
wait_until 30 no_server
serve
assert_status 0 wait "$recoverer"
cat "$scratch/twice"
touch "$dir/new" "$other/new"
assert_eq 2 "$(grep -c "^$other: mounted again" "$scratch/twice")" "times"
die_and_serve
rmdir "$scratch/killed"
KILLED=$scratch/killed PATH=$scratch/bin:$PATH tell 1 zufs recover
said "$dir: not mounted again: "
assert_eq 0 "$(mounts_on "$dir")" "mounts"
wait_until 30 no_server
serve
quiet --all
umount -l "$other" || true

# ---- no checker in PATH, or none at all
mount -t memofs /dev/pmem0 "$dir"
die_and_serve
checker=$(command -v fsck.memofs)
zufs=$(command -v zufs)
tell 0 env PATH=/nowhere "$zufs" recover
case $checker in
/usr/local/sbin/*|/usr/sbin/*|/sbin/*) said "^$dir: /dev/pmem0 is sound, says fsck.memofs" ;;
*)	said "^$dir: /dev/pmem0 is not checked, there is no fsck.memofs" ;;
esac
said "^$dir: mounted again"

# ---- a type that the new server does not serve: it learns it
built=$TOP/build/tests/plugins/drillfs/libdrillfs.so
if [ -e "$built" ]; then
	umount "$dir"
	mkdir "$scratch/plugins"
	cp "$built" "$scratch/plugins"
	export ZUFS_PLUGIN_DIR=$scratch/plugins
	mkfs.memofs -f /dev/pmem0 >/dev/null
	zufs up drillfs /dev/pmem0 "$dir"
	echo "/dev/pmem0 $dir drillfs defaults 0 0" >"$LIBMOUNT_FSTAB"
	die_and_serve
	tell 0 zufs recover
	said "^$dir: mounted again"
	touch "$dir/file"
	umount "$dir"
	mount -t drillfs /dev/pmem0 "$dir"
	rm "$scratch/plugins/libdrillfs.so"
	die_and_serve
	tell 1 zufs recover
	said 'did not load drillfs: cannot load plugin'
	said "^zufs recover: $dir: not mounted again: its type is not served"
fi
