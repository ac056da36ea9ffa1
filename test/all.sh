#!/usr/bin/env bash
# All tests, in few invocations of the compiler. The last line sums up.
set -u
cd "$(dirname "$0")/.."
pass=0 fail=0
step() {
	local name=$1; shift
	echo "=== $name"
	local start=$SECONDS
	if "$@"; then pass=$((pass + 1)); echo "=== $name passed in $((SECONDS - start)) s"
	else fail=$((fail + 1)); echo "=== $name FAILED after $((SECONDS - start)) s"; fi
}
step "go test" go test -timeout=15m $(go list ./... | grep -v -e /test/crash -e /test/arch)
step "go test -race" go test -race -timeout=10m ./backend/object ./protocol/host
step "conformance" test/conformance/run.sh
step "tour" test/tour/run.sh
step "crash" go test -count=1 -timeout=10m ./test/crash
echo "suites: $pass passed, $fail failed"
[ "$fail" = 0 ]
