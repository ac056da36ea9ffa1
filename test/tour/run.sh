#!/usr/bin/env bash
# The README's tour against a daemon of its own: Chinook through Postgres and
# MySQL, documents and keys beside it, one database seen through every wire, and
# all of it again after kill -9. Prints "tour: N passed, M failed".
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${DOTDO_BIN:-$root/bin/dotdo-proxy}
data=${DOTDO_TESTDATA:-$root/../shared/data}
mods=${DOTDO_NODE_MODULES:-$root/test/conformance/node_modules}
work=$(mktemp -d)
pass=0 fail=0 pid=
read -r pg my rd mg < <(python3 - <<'P' 2>/dev/null || echo 25432 23306 26379 27018
import socket
s=[socket.socket() for _ in range(4)]
for x in s: x.bind(("127.0.0.1",0))
print(*[x.getsockname()[1] for x in s])
P
)
trap 'kill $pid 2>/dev/null; rm -rf "$work"' EXIT

start() {
	"$bin" serve --data-dir "$work/data" --listen postgres=127.0.0.1:$pg --listen mysql=127.0.0.1:$my \
		--listen redis=127.0.0.1:$rd --listen mongo=127.0.0.1:$mg >"$work/log" 2>&1 &
	pid=$!
	for _ in $(seq 200); do grep -q '^ready in' "$work/log" && return; sleep 0.05; done
	echo "the daemon did not start:"; cat "$work/log"; echo "tour: $pass passed, $((fail + 1)) failed"; exit 1
}
# check NAME EXPECTED ACTUAL
check() {
	if [ "$2" = "$3" ]; then pass=$((pass + 1)); echo "ok   $1"
	else fail=$((fail + 1)); echo "FAIL $1"; printf '  expected: %s\n  got:      %s\n' "$(head -c 600 <<<"$2")" "$(head -c 600 <<<"$3")"; fi
}
# ok NAME COMMAND…
ok() { local name=$1; shift; if "$@" >"$work/out" 2>&1; then pass=$((pass + 1)); echo "ok   $name"; else fail=$((fail + 1)); echo "FAIL $name"; tail -5 "$work/out" | sed 's/^/  /'; fi; }
p() { psql -X -q -A -t -h 127.0.0.1 -p "$pg" -U tour -d "${DB:-main}" "$@" 2>&1; }
m() { mysql -h 127.0.0.1 -P "$my" -u tour --skip-column-names -B "$@" 2>&1; }
mongo() { (cd "$mods/.." && node "$root/test/tour/mongo.mjs" "mongodb://127.0.0.1:$mg" "$@") 2>&1; }

start
ok "chinook loads with psql" psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$pg" -U tour -d main -f "$data/chinook_postgres.sql"
ok "chinook loads with mysql" sh -c "mysql -h 127.0.0.1 -P $my -u tour < '$data/chinook_mysql.sql'"

top5pg='SELECT ar.name, sum(il.unit_price * il.quantity) AS revenue FROM invoice_line il JOIN track t ON t.track_id = il.track_id JOIN album al ON al.album_id = t.album_id JOIN artist ar ON ar.artist_id = al.artist_id GROUP BY ar.name ORDER BY revenue DESC, ar.name LIMIT 5'
expected=$'Iron Maiden|138.60\nU2|105.93\nMetallica|90.09\nLed Zeppelin|86.13\nLost|81.59'
tour() {
	DB=chinook_auto_increment
	check "$1top 5 artists by revenue in psql" "$expected" "$(p -c "$top5pg")"
	check "$1the same data and answer in mysql" "$expected" "$(m -D chinook_auto_increment -e "$top5pg" | tr '\t' '|')"
	check "$1chinook as loaded by mysql" "$expected" "$(m -e "$(grep -o 'USE `[^`]*`' "$data/chinook_mysql.sql" | head -1); SELECT ar.Name, SUM(il.UnitPrice * il.Quantity) AS revenue FROM InvoiceLine il JOIN Track t ON t.TrackId = il.TrackId JOIN Album al ON al.AlbumId = t.AlbumId JOIN Artist ar ON ar.ArtistId = al.ArtistId GROUP BY ar.Name ORDER BY revenue DESC, ar.Name LIMIT 5" | tr '\t' '|')"
	check "$1the track table counted from mongo" 3503 "$(mongo count chinook_auto_increment track)"
	DB=main
	check "$1documents joined from psql" "$expected" "$(p -c "SELECT ar.doc->>'Name', sum((il.doc->>'UnitPrice')::numeric(10,2) * (il.doc->>'Quantity')::int) AS revenue FROM \"InvoiceLine\" il JOIN \"Track\" t ON t.doc->>'TrackId' = il.doc->>'TrackId' JOIN \"Album\" al ON al.doc->>'AlbumId' = t.doc->>'AlbumId' JOIN \"Artist\" ar ON ar.doc->>'ArtistId' = al.doc->>'ArtistId' GROUP BY 1 ORDER BY revenue DESC, 1 LIMIT 5")"
	check "$1keys counted from psql" 100000 "$(p -c "SELECT count(*) FROM dotdo.keys WHERE key LIKE 'tour:%'")"
	check "$1one key read from psql" "value-777" "$(p -c "SELECT value FROM dotdo.keys WHERE key = 'tour:777'")"
}
ok "chinook.json goes in through the mongodb driver" mongo load main "$data/chinook.json"
seq 1 100000 | awk '{k="tour:"$1; v="value-"$1; printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", length(k), k, length(v), v}' >"$work/keys"
check "100,000 keys through redis-cli --pipe" "errors: 0, replies: 100000" "$(redis-cli -p "$rd" --pipe <"$work/keys" 2>&1 | tail -1)"
check "a row inserted as a document" "Tour Artist" "$(mongo insert chinook_auto_increment artist '{"_id": 9001, "name": "Tour Artist"}' >/dev/null; DB=chinook_auto_increment p -c 'SELECT name FROM artist WHERE artist_id = 9001')"
tour ""
kill -9 $pid; wait $pid 2>/dev/null
start
tour "after kill -9: "
check "after kill -9: the document row" "Tour Artist" "$(DB=chinook_auto_increment p -c 'SELECT name FROM artist WHERE artist_id = 9001')"
kill -TERM $pid; wait $pid; check "SIGTERM ends with 0" 0 $?
pid=
echo "tour: $pass passed, $fail failed"
[ "$fail" = 0 ]
