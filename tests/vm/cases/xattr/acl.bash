# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Run by acl.sh on each file system, in its root: what the programs say.

set -eu

# show FILE...: these and all below, in an order that is the same everywhere.
show() {
	find "$@" | sort | xargs -d '\n' getfacl -n -p
}

mkdir tree
touch tree/file
ln -s file tree/link
setfacl -m u:1000:rwx,g:500:r-x tree
setfacl -d -m u:1000:rw,m:rwx tree
mkdir tree/sub
cp /etc/hostname tree/sub/copied
cp -p tree/sub/copied preserved
setfacl -m u:77:x tree/file
setfacl -R -m g:600:rwX tree
show tree preserved
stat -c %A tree tree/file
chmod 700 tree
getfacl -n tree
setfacl -b tree
setfacl -k tree/sub
show tree
getfacl -R tree >../saved
setfacl -R -b -k tree
show tree
setfacl --restore=../saved
show tree
