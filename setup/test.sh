#!/usr/bin/env bash
# Runs every test: the clients' in Node, then Python's, the browser's among them, with the real engine.
# Arguments are pytest's, for a run of some tests alone.
set -euo pipefail
cd "$(dirname "$0")/.."
npm test --silent
[ $# = 0 ] || exec pytest "$@"

# What waits more than it computes, and what computes more than it waits, goes side by side. What is about time, and what
# needs both cores, comes after them, alone.
beside=(server/tests/{files,meetings,rooms})
before=(server/tests/{audit,base})
log=$(mktemp)
failed=0
pytest packages/mediasoup/tests packages/socketio-server/tests "${beside[@]}" >"$log" 2>&1 &
others=$!
trap 'kill $others 2>/dev/null || true; rm -f "$log"' EXIT
pytest "${before[@]}" || failed=1
wait $others || failed=1
cat "$log"
alone=("${before[@]}" "${beside[@]}")
pytest server/tests e2e "${alone[@]/#/--ignore=}" || failed=1
exit $failed
