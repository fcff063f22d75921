# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Completion of zufs for bash: commands, options, then files and folders.

_zufs() {
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words

	if [ "$COMP_CWORD" = 1 ]; then
		words="up down recover status stat top debug abort probe scan --help --version"
	elif [[ $word == -* ]]; then
		case $command in
		up)		words="--options --force --module --server --root --help" ;;
		down)		words="--keep --timeout --root --help" ;;
		recover)	words="--all --lazy --wait --root --help" ;;
		status|stat)	words="--json --root --help" ;;
		top)		words="--batch --interval --count --root --help" ;;
		debug)		words="--on --root --help" ;;
		abort)		words="--root --help" ;;
		probe)		words="--json --udev --help" ;;
		*)		return ;;
		esac
	elif [ "$command" = debug ]; then
		words="list enable disable module func file line format"
	else
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _zufs zufs
