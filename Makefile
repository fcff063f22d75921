# SPDX-License-Identifier: BSD-2-Clause
#
# The facade of the tree: what one types after `git clone` on Debian 12. The
# work is done by meson (user space), kernel/Kbuild (zuf.ko) and the scripts of
# scripts/ and tests/. Missing Debian packages are installed (as root), kernels
# for building and testing are fetched into .cache/.

KERNELS ?= 6.1
BUILD   := build
.DEFAULT_GOAL := all

.PHONY: all
all: user $(KERNELS:%=module-%)	## user space and zuf.ko (KERNELS="6.1 6.12 7")

.PHONY: user
user: deps-build			## user space in build/
	test -e $(BUILD)/build.ninja || meson setup $(BUILD)
	meson compile -C $(BUILD)

.PHONY: module-%
module-%: deps-build
	scripts/module.sh $*

.PHONY: deps-%
deps-%:
	@scripts/deps.sh $*

.PHONY: demo
demo: deps-demo all		## boot a VM and show it at work
	scripts/demo.sh

.PHONY: check
check:				## all tests: unit, VM on 6.1, 6.12 and 7, planted
	scripts/check.sh unit unit-tsan vm vm-short vm-newest planted

.PHONY: check-unit
check-unit:			## unit tests, with ASan and UBSan, with TSan
	scripts/check.sh unit unit-tsan

# `make check-mutants lib/pmem.c lib/md.c`, MUTATE="--all --seed 7"
.PHONY: check-mutants
check-mutants: deps-build	## do the unit tests see small changes? (FILE...)
	scripts/mutate $(MUTATE) $(wildcard $(filter-out $@,$(MAKECMDGOALS)))

.PHONY: check-vm
check-vm:			## all VM cases (KERNEL=6.1)
	scripts/check.sh vm

.PHONY: check-debug
check-debug:			## all VM cases with all checkers (KERNEL=debug-6.12)
	scripts/check.sh vm-debug

.PHONY: check-races
check-races:			## the VM cases where threads meet, with KCSAN
	scripts/check.sh vm-races

.PHONY: check-crash
check-crash:			## power cuts of tierfs in process, all pairs of operations
	scripts/check.sh crash

.PHONY: check-kernel
check-kernel:			## zuf.ko with W=1, no warnings, and sparse
	scripts/check-kernel.sh 6.1 6.12 7

.PHONY: lint
lint:				## headers alone, shell scripts, sizes, words
	scripts/lint.sh

.PHONY: bench
bench: deps-bench all		## measure, side by side with other file systems
	bench/run $(BENCH)

.PHONY: install
install: user			## into DESTDIR; zuf.ko for the running kernel
	meson install -C $(BUILD) --no-rebuild
	scripts/install-module.sh

.PHONY: clean
clean:				## what was built (.cache/ stays)
	rm -rf $(BUILD) $(wildcard build-*)

.PHONY: help
help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16
