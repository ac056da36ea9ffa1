#!/usr/bin/env bash
# Runs every fuzz target of the repository for the given time each.
set -u
cd "$(dirname "$0")/.."
time=${1:-10s}
pass=0 fail=0
while IFS=: read -r dir name; do
	echo "fuzz $dir $name"
	if out=$(go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 1s "./$dir" 2>&1); then
		pass=$((pass + 1))
	else
		fail=$((fail + 1))
		echo "$out" | tail -n 40
	fi
done < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed -E 's#/[^/]*:func #:#' | sort -u)
echo "fuzz: $pass passed, $fail failed"
[ "$fail" = 0 ]
