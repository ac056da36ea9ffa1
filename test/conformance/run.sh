#!/usr/bin/env bash
# Runs the unmodified SDKs against a fresh daemon for each system. Arguments name
# systems; none means all. The last line sums up.
set -u
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
bin=${DOTDO_BIN:-$root/bin/dotdo-proxy}
pass=0 fail=0 pid= work=$(mktemp -d)
stop() { [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; pid=; }
trap 'stop; rm -rf "$work"' EXIT
systems=("$@")
[ $# -gt 0 ] || systems=($(find . -maxdepth 2 -name '*.test.mjs' -not -path './node_modules/*' -printf '%h\n' | sort -u | sed 's#^\./##'))
for system in "${systems[@]}"; do
	dir=$work/$system
	mkdir -p "$dir"
	# All listeners: a test may look at the same data through another wire.
	listen=(--listen admin=127.0.0.1:0)
	for name in $(sed -n 's#.*protocol/\([a-z]*\)"#\1#p' "$root/protocol/all/all.go"); do listen+=(--listen "$name=127.0.0.1:0"); done
	"$bin" serve --data-dir "$dir/data" "${listen[@]}" >"$dir/out" 2>"$dir/log" &
	pid=$!
	for _ in $(seq 400); do grep -q '^ready in' "$dir/out" && break; kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
	if ! grep -q '^ready in' "$dir/out"; then
		echo "$system: the daemon did not start"; cat "$dir/log"; fail=$((fail + 1)); stop; continue
	fi
	while read -r _ name addr _; do export "DOTDO_TEST_${name^^}=$addr"; done < <(grep '^listening' "$dir/out")
	node --test --test-reporter=tap --test-timeout=60000 "$system"/*.test.mjs >"$dir/tap" 2>&1
	p=$(sed -n 's/^# pass //p' "$dir/tap") f=$(sed -n 's/^# fail //p' "$dir/tap") c=$(sed -n 's/^# cancelled //p' "$dir/tap")
	f=$((${f:-1} + ${c:-0}))
	if [ "$f" != 0 ]; then grep -E -A14 '^ *not ok' "$dir/tap" | grep -vE 'duration_ms|type:|^ *---$|location:' | head -n "${DOTDO_TEST_LINES:-200}"; fi
	if ! kill -0 "$pid" 2>/dev/null; then echo "$system: the daemon died"; tail -n 30 "$dir/log"; f=$((f + 1)); fi
	if grep -q 'panic in connection' "$dir/log"; then echo "$system: panics"; grep -m 3 'panic in connection' "$dir/log" | cut -c1-800; f=$((f + 1)); fi
	echo "conformance $system: ${p:-0} passed, $f failed"
	pass=$((pass + ${p:-0})) fail=$((fail + f))
	stop
done
echo "conformance: $pass passed, $fail failed"
[ "$fail" = 0 ]
