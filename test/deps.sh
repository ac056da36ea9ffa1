#!/usr/bin/env bash
# Installs what the tests need and do not have yet: command line clients by apt
# when run as root on Debian or Ubuntu, SDKs by npm ci.
set -eu
cd "$(dirname "$0")/.."
need=()
want() { command -v "$1" >/dev/null || need+=("$2"); }
want psql postgresql-client
want pgbench postgresql-contrib
want mariadb mariadb-client
want redis-cli redis-tools
want gcc gcc
want node nodejs
want npm npm
want python3 python3
if [ ${#need[@]} -gt 0 ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "missing programs; install the packages: ${need[*]}" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
lock=test/conformance/package-lock.json
stamp=test/conformance/node_modules/.installed
if ! cmp -s "$lock" "$stamp"; then
	(cd test/conformance && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
	cp "$lock" "$stamp"
fi
