#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A running server learns a type: by zufs up, with capabilities dropped and mounts at work. What
# it cannot load it refuses in words and serves on; clients of its control socket that are silent,
# send garbage or do not read, and users that are not root, are no matter to it.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
. "$TOP/tests/vm/cases/daemon/daemon.bash"
need_pmem 1
need python3 setpriv
blank /dev/pmem0
built=$TOP/build/tests
[ -e "$built/unit/libalien.so" ] || skip "the plugins of the tests are not built"
scratch=''
scratch
mnt=$scratch/mnt
drill=$scratch/drill
plugins=$scratch/plugins
mkdir "$mnt" "$drill" "$plugins"
chmod 755 "$scratch"
cp "$built/plugins/drillfs/libdrillfs.so" "$built/unit/libprobe.so" "$built/unit/libalien.so" \
	"$plugins"
echo "no ELF" >"$plugins/libtext.so"
cp "$(find /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu -name libm.so.6 | head -n 1)" \
	"$plugins/libforeign.so"

cat >"$scratch/control.py" <<'PY'
# control.py SOCKET COMMAND...: sends each, prints each answer.
import socket, sys
for command in sys.argv[2:]:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])
    s.settimeout(60)
    s.send(command.encode())
    print(s.recv(4096).decode())
PY

# The socket of the server.
control() {
	echo "/run/zufs/control-$(stat -c %Ld "$root")"
}

# load WHAT: sends the command; the answer is in /tmp/told.
load() {
	tell 0 python3 "$scratch/control.py" "$(control)" "load $1"
}

sockets() {
	find "/proc/$server/fd" -lname 'socket:*' | wc -l
}

has_sockets() {
	[ "$(sockets)" = "$1" ]
}

types() {
	tr -d '\0' <"$root/registered_fs"
}

daemon_root
daemon_start --plugin-dir="$plugins" --plugins=/usr/lib/zufs/libmemofs.so
assert_eq 600 "$(stat -c %a "$(control)")" "mode of the socket"
mount -t memofs -o size=16M none "$mnt"
on_exit unmount_if_mounted "$mnt"
echo text >"$mnt/file"

# zufs up of a type that it does not serve; the server is the same one, nothing has changed
on_exit unmount_if_mounted "$drill"
refute_errno "unknown filesystem type" mount -t drillfs /dev/pmem0 "$drill"
mkfs.memofs /dev/pmem0 >/dev/null
export ZUFS_PLUGIN_DIR=$plugins
tell 0 zufs up drillfs /dev/pmem0 "$drill"
assert_eq "memofs drillfs" "$(types)" "types"
assert_eq "$server" "$(pidof zusd)" "server"
echo other >"$drill/file"
assert_eq other "$(cat "$drill/file")"
assert_eq text "$(cat "$mnt/file")"
assert_grep "serving 'drillfs'" "$log"
umount "$drill"
mount -t drillfs /dev/pmem0 "$drill"
umount "$drill"

# by name and by path; what is served is not loaded again
load probe
said '^ok$'
load probe
said '^ok$'
load "$plugins/libprobe.so"
said '^ok$'
assert_eq "memofs drillfs probe" "$(types)" "types"
assert_eq 1 "$(grep -c "serving 'probe'" "$log")" "loads of probe"
cp "$plugins/libprobe.so" "$scratch/other.so"
load "$scratch/other.so"
said "^error type 'probe' is served already, by another file"

# what cannot be loaded
load absent
said "^error cannot load plugin 'absent': .*No such file"
load "$scratch/absent.so"
said "^error cannot load plugin '$scratch/absent.so': .*No such file"
load plugins/libprobe.so
said 'neither a name nor an absolute path'
mkfifo "$scratch/fifo"
load "$scratch/fifo"
said 'is no regular file'
load text
said "^error cannot load plugin 'text'"
load foreign
said '^error .*is not a plugin'
load alien
said "^error plugin 'alien': made for another version of the interface"
assert_grep "not added: plugin 'alien'" "$log"
assert_eq "memofs drillfs probe" "$(types)" "types"
tell 1 zufs up alien none "$drill"
said "the server .zusd, pid $server. did not load alien: plugin 'alien': made for another version"
refute mountpoint -q "$drill"
tell 0 python3 "$scratch/control.py" "$(control)" 'unload memofs' "load" "load a b"
said "^error unknown command 'unload'"
said '^error load: no plugin is named'
said "^error load: unknown option 'b'"

# others than root
chmod 777 "$(control)"
tell 0 setpriv --reuid 65534 --regid 65534 --clear-groups \
	python3 "$scratch/control.py" "$(control)" "load memofs"
said '^error not permitted'
chmod 600 "$(control)"
tell 1 setpriv --reuid 65534 --regid 65534 --clear-groups \
	python3 "$scratch/control.py" "$(control)" "load memofs"
said 'Permission denied'

# clients without manners, many of them: who has some gets an answer all the same
cat >"$scratch/hostile.py" <<'PY'
import os, socket, sys
def client():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])  # waits for a place, which a socket with a time limit does not
    s.settimeout(120)
    return s
silent = [client() for _ in range(6)]
late = client()
late.send(b"load memofs")
assert late.recv(4096) == b"ok"
for s in silent:
    try:
        assert s.recv(4096) == b"error no command has come", "a silent one was answered"
    except ConnectionResetError:
        pass
for i in range(300):
    s = client()
    if i % 3:
        try:
            s.send(os.urandom(1 + i * 200 % 60000))
        except BrokenPipeError:
            pass
    s.close()
s = client()
s.send(b"load " + b"x" * 100000)
assert s.recv(4096) == b"error the command is too long"
s = client()
s.send(b"load memofs")
assert s.recv(4096) == b"ok"
PY
before=$(sockets)
within 120 python3 "$scratch/hostile.py" "$(control)"
assert_eq text "$(cat "$mnt/file")"
wait_until 10 has_sockets "$before"

# a server that hangs is not waited for for ever, and one without a socket is told
mv "$(control)" /run/zufs/away
rm "$plugins/libprobe.so"
cp "$built/plugins/coldfs/libcoldfs.so" "$plugins"
tell 1 zufs up coldfs none "$drill"
said 'does not know coldfs, only: memofs drillfs probe'
said 'it has no control socket here'
mv /run/zufs/away "$(control)"
kill -STOP "$server"
tell 1 zufs up coldfs none "$drill"
said 'does not answer'
kill -CONT "$server"

# killed: the next one replaces the socket; ended: it goes with the server
umount "$mnt"
kill -KILL "$server"
wait "$server" || true
[ -S "$(control)" ] || fail "a killed server took its socket along"
daemon_start --plugin-dir="$plugins" --plugins=/usr/lib/zufs/libmemofs.so --mlock=2
load drillfs
said '^ok$'
kill -TERM "$server"
assert_status 0 wait "$server"
[ ! -e "$(control)" ] || fail "the socket is still there"
