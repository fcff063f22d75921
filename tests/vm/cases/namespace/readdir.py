# SPDX-License-Identifier: BSD-2-Clause
"""Listings: complete, with seeks, with small buffers, while names come and go."""

import errno, os, random, subprocess
from nstest import *

NR = 1000 if lacks("many-names") else 4000
random.seed(1)

# empty, and the two that are always there
os.mkdir("empty")
d = Dir("empty")
entries = d.all()
eq([".", ".."], [e[0] for e in entries], "an empty directory")
eq([os.stat("empty").st_ino, os.stat(".").st_ino], [e[1] for e in entries], "inode numbers")
eq([4, 4], [e[2] for e in entries], "types")
eq([], d.read(), "once more at the end")
d.seek(0)
eq(2, len(d.all()), "after rewinding")
d.close()

# many names of many lengths
os.mkdir("big")
names = {f"{i:05}" + "n" * random.randrange(0, 60) for i in range(NR)}
names |= {"x" * 255, "y" * 254, "z"}
for name in names:
    write(f"big/{name}")
wanted = sorted(names | {".", ".."})
for size in (32768, 4096, 512, 300):
    d = Dir("big", size)
    found = d.all()
    eq(wanted, sorted(e[0] for e in found), f"names, buffer of {size}")
    eq(len(found), len({e[3] for e in found}), "positions are unique")
    d.close()
drop_caches()
d = Dir("big")
found = d.all()
eq(wanted, sorted(e[0] for e in found), "names, asked again")
for name, ino, kind, _ in random.sample(found[2:], 200):
    eq(os.lstat(f"big/{name}").st_ino, ino, f"inode number of {name}")
    eq(8, kind, f"type of {name}")
refused(errno.EINVAL, Dir("big", 16).read)

# any position leads back to the same place
order = [e[0] for e in found]
for i in random.sample(range(len(found) - 1), 100):
    d.seek(found[i][3])
    eq(order[i + 1], d.read()[0][0], f"the entry after number {i}")
d.seek(found[-1][3])
eq([], d.read(), "after the last")
d.seek(0)
eq(order, [e[0] for e in d.all()], "after rewinding")
refused(errno.EINVAL, d.seek, -1)
d.close()

# what stays is seen exactly once while others go ...
d = Dir("big", 2048)
seen = []
victims = sorted(names)
random.shuffle(victims)
while True:
    some = d.read()
    if not some:
        break
    seen += [e[0] for e in some]
    for name in victims[-40:]:
        os.unlink(f"big/{name}")
    del victims[-40:]
d.close()
left = set(victims)
eq(len(seen), len(set(seen)), "no name came twice")
true(left <= set(seen), "a name that stayed was not seen")
true(set(seen) <= names | {".", ".."}, "a name that never was")
eq(sorted(left), sorted(os.listdir("big")), "what is left")

# ... and others come
d = Dir("big", 2048)
seen = []
for i in range(2000):
    some = d.read()
    if not some:
        break
    seen += [e[0] for e in some]
    write(f"big/new{i}")
true(some == [], "a listing ends although names come")
eq(len(seen), len(set(seen)), "no name came twice")
true(left <= set(seen), "a name that stayed was not seen")
d.close()

# a reader that makes a name for each one that it sees comes to an end, too: at the latest where
# positions are what i_size was, which a server may count in bytes
os.mkdir("grows")
for i in range(40):
    write(f"grows/{i}")
d = Dir("grows", 300)
d.all()
d.seek(0)
made = 40
some = d.read()
while some:
    for entry in some:
        true(made < 2000, "a listing that adds names does not end")
        write(f"grows/{made}")
        made += 1
    some = d.read()
eq([], d.read(), "behind the end")
d.seek(0)
eq(made + 2, len(d.all()), "all of them, from the beginning")
d.close()
subprocess.run(["rm", "-r", "grows"], check=True)

# empty it as it is listed, as rm does
d = Dir("big", 4096)
while True:
    some = [e for e in d.read() if e[0] not in (".", "..")]
    if not some:
        break
    for e in some:
        os.unlink(f"big/{e[0]}")
d.close()
left = os.listdir("big")
eq([], left, "names after emptying")
os.rmdir("big")

# a removed directory can be read to its end
os.mkdir("gone")
d = Dir("gone")
os.rmdir("gone")
try:
    true(all(e[0] in (".", "..") for e in d.all()), "names in a removed directory")
except OSError as e:
    eq(errno.ENOENT, e.errno, "errno in a removed directory")
d.close()
