#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# Listings: complete, with seeks, with small buffers, while names come and go.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python readdir

mkdir -p t/{a,b,c}/{d,e,f}/{g,h}
for i in {1..300}; do
	: >"t/a/d/g/file$i"
	ln -s "file$i" "t/b/e/link$i"
done
assert_eq 631 "$(find t | wc -l)" "names that find sees"
cp -a t t2
diff -r --no-dereference t t2
rm -r t t2
assert_eq "empty" "$(ls)" "names after rm -r"
