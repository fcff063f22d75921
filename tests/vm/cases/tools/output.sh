#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# What status and probe print for programs can be read by programs.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
need python3
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
tell 1 zufs status --json
python3 -I -c 'import json, sys
s = json.load(open("/tmp/told"))
assert s == {"module": {"loaded": False, "version": None}, "roots": [], "mounts": [],
             "at_work": [], "waiting": 0}, s'

zufs up memofs /dev/pmem0 "$dir"
tell 0 zufs status --json
python3 -I - "$dir" "$(pidof zusd)" <<'PY'
import json, sys
s = json.load(open("/tmp/told"))
assert s["module"]["loaded"] is True, s
root, = s["roots"]
assert root["path"] == "/sys/fs/zuf" and root["state"] == "mount_ready", root
assert root["types"] == ["memofs"] and root["server_pid"] == int(sys.argv[2]), root
mount, = s["mounts"]
assert mount["type"] == "memofs" and mount["source"] == "/dev/pmem0", mount
assert mount["dir"] == sys.argv[1] and mount["options"].startswith("rw"), mount
PY
tell 0 zufs probe --json /dev/pmem0
python3 -I - "$(stat -c %t /dev/pmem0)" <<'PY'
import json, uuid
p = json.load(open("/tmp/told"))
assert p["device"] == "/dev/pmem0" and p["type"] == "memofs" and p["index"] == 0, p
member, = p["members"]
assert member["role"] == "T1" and member["bytes"] % (2 << 20) == 0, member
assert 0 < member["bytes"] <= p["bytes"], p
assert uuid.UUID(member["uuid"]) != uuid.UUID(p["set_uuid"]), p
PY
tell 0 zufs probe --udev /dev/pmem0
refute grep -v '^[A-Z_]*=[0-9A-Za-z-]*$' /tmp/told
said '^ID_FS_TYPE=memofs$'
uuid=$(sed -n 's/^ZUFS_DEV_UUID=//p' /tmp/told)
[ "/dev/disk/by-uuid/$uuid" -ef /dev/pmem0 ] || fail "no link of $uuid"
zufs down "$dir"
