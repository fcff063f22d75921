#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A T2 device that fails: who needs it gets EIO, who does not goes on, and when it is back
# nothing is lost.

. "$TOP/tests/vm/cases/tier/tier.bash"
need python3
tier_device linear
tier_up nio 8 "$cold"

for i in 1 2 3 4; do
	app write "$mnt/cold$i" 0 4m
done
ctl down
ctl pause
app write "$mnt/hot" 0 256k

# nothing of the device works
tier_device error
app read "$mnt/hot" 0 256k
for i in 1 2 3 4; do
	app -e EIO read "$mnt/cold$i" 0 4096
	app -e EIO write "$mnt/cold$i" 100 50
	app -e EIO truncate "$mnt/cold$i" 5000
done
# what is whole blocks needs no device
app truncate "$mnt/cold4" 1m
app write "$mnt/new" 0 256k
app read "$mnt/new" 0 256k
# what cannot go down stays
ctl resume
ctl down
[ "$(value down_errors)" -gt 0 ] || fail "nothing failed on its way down"
app read "$mnt/hot" 0 256k
app read "$mnt/new" 0 256k
# T1 gets full and nothing of it can go down; what is there does not suffer
app -e OK,EIO write "$mnt/full" 0 16m
app -e EIO write "$mnt/full" 16m 1m
app read "$mnt/hot" 0 256k
app unlink "$mnt/full"

tier_device linear
for i in 1 2 3; do
	app read "$mnt/cold$i" 0 4m
done
app read "$mnt/cold4" 0 1m
app read "$mnt/new" 0 256k
app unlink "$mnt/new"
ctl down
app read "$mnt/hot" 0 256k
rm "$mnt"/*

# it comes and goes under load: each call works or fails with EIO, having done nothing
errors=$(value up_errors)
mkfifo "$scratch/go"
tier_python mixed "$mnt" 2 24 150 eio <"$scratch/go" &
load=$!
exec {go}>"$scratch/go"
through() {
	[ -e "$scratch/done" ] || ! kill -0 "$load"
}
met() {
	[ "$(value up_errors)" -gt "$errors" ] || through
}
healed() {
	[ "$(value up)" -gt $((up + 100)) ] || through
}
until through 2>/dev/null; do
	tier_device error
	errors=$(value up_errors)
	wait_until 60 met
	tier_device linear
	up=$(value up)
	wait_until 60 healed
done
echo >&"$go"
wait "$load" || fail "the checker ended with $?"
assert_eq 0 "$(value held)" "blocks held"
[ "$(value up_errors)" -gt 10 ] || fail "hardly a tier-up met the error"
plug_down
