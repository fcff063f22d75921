#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# A small Debian is unpacked on the mount by dpkg and lives there: every program, library and
# script of a chroot is read, mapped and executed from it. Its packages are made anew
# from what the host has installed. dpkg inside installs one more, and removes it.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need dpkg dpkg-deb tar chroot
packages=(libc6 libc-bin libgcc-s1 libtinfo6 bash dash coreutils libacl1 libattr1 libselinux1
	libpcre2-8-0 libgmp10 grep sed findutils tar diffutils dpkg libmd0 libzstd1 zlib1g
	liblzma5 libbz2-1.0 perl-base libcrypt1)

# make_package NAME: $scratch/NAME.deb of the files that the host has of it.
make_package() {
	local tree=$scratch/tree path

	mkdir -p "$tree/DEBIAN"
	dpkg -L "$1" | while read -r path; do
		case $path in
		/usr/share/*) ;;
		/*) if [ ! -d "$path" ]; then printf '%s\n' "${path#/}"; fi ;;
		esac
	done | tar -C / -cf - -T - | tar -C "$tree" -xpf -
	build_package "$1" "$(dpkg --print-architecture)"
}

# build_package NAME ARCHITECTURE: of $scratch/tree, which is gone then.
build_package() {
	printf '%s\n' "Package: $1" "Version: 1" "Architecture: $2" \
		"Maintainer: a test <test@example.org>" "Description: a part of a small system" \
		>"$scratch/tree/DEBIAN/control"
	dpkg-deb -Znone --build "$scratch/tree" "$scratch/$1.deb" >/dev/null
	rm -r "$scratch/tree"
}

inside() {
	env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C chroot "$root" "$@" ||
		fail "$way: in the chroot: '$*' ended with $?"
}

lives() {
	local root=$mnt/root package

	need_mmap
	mkdir -p "$root"/{tmp,dev,etc,var/log,var/lib/dpkg/{updates,info},usr/share}
	mknod -m 666 "$root/dev/null" c 1 3
	: >"$root/var/lib/dpkg/status"
	for package in "${packages[@]}"; do
		dpkg -x "$scratch/$package.deb" "$root"
		dpkg-deb --fsys-tarfile "$scratch/$package.deb" | tar -C "$root" -df - ||
			fail "$way: $package is not what was unpacked"
	done
	assert_eq "$(sha256sum </bin/bash)" "$(inside sha256sum </bin/bash)" "by its own program"
	# shellcheck disable=SC2016 # for the shell inside
	inside bash -ec '
		cd /tmp
		for i in {1..5}; do
			find /usr /bin -type f | sort | sed s/x/y/ | md5sum
		done | sort -u | wc -l | grep -qx 1
		tar -cf all.tar /usr/bin 2>/dev/null
		tar -tf all.tar | grep -c bin/ >count
		[ "$(<count)" -gt 50 ]
		perl -e "print join(q(,), map { \$_ ** 2 } 1 .. 5)" >squares
		[ "$(<squares)" = 1,4,9,16,25 ]
		cp -r /usr/bin copy
		diff -r /usr/bin copy
		rm -r copy all.tar'
	# a program that is replaced while it runs goes on; its first answer says that it does run
	# shellcheck disable=SC2016
	inside bash -ec '
		cd /tmp
		cp /bin/cat s
		coproc ./s
		echo one >&"${COPROC[1]}"
		read -r one <&"${COPROC[0]}"
		cp /bin/true t
		mv t s
		./s
		echo two >&"${COPROC[1]}"
		read -r two <&"${COPROC[0]}"
		[ "$one $two" = "one two" ]
		kill "$COPROC_PID"
		rm s'
	cp "$scratch/one-more.deb" "$root/tmp"
	inside dpkg -i /tmp/one-more.deb
	assert_eq more "$(inside one-more)" "the program of a package"
	assert_grep '^configured' "$root/tmp/configured"
	assert_grep 'Status: install ok installed' "$root/var/lib/dpkg/status"
	inside dpkg -r one-more
	[ ! -e "$root/usr/bin/one-more" ] || fail "$way: dpkg did not remove a file"
	rm -r "$root"
	echo "$way: $SECONDS s"
}

make_one_more() {
	local tree=$scratch/tree

	mkdir -p "$tree/DEBIAN" "$tree/usr/bin"
	printf '#!/bin/sh\necho more\n' >"$tree/usr/bin/one-more"
	chmod 755 "$tree/usr/bin/one-more"
	printf '#!/bin/sh\necho configured >/tmp/configured\n' >"$tree/DEBIAN/postinst"
	chmod 755 "$tree/DEBIAN/postinst"
	build_package one-more all
}

scratch
for package in "${packages[@]}"; do
	make_package "$package"
done
make_one_more
each_way lives
