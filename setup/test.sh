#!/usr/bin/env bash
# Runs every test: the clients' in Node, then Python's, the browser's among them, with the real engine.
# Arguments are pytest's, for a run of some tests alone.
set -euo pipefail
cd "$(dirname "$0")/.."
npm test --silent
[ $# = 0 ] || exec pytest "$@"

# The packages' tests wait more than they compute, those of REST compute more than they wait: they go side by side. What
# is about time, and what needs both cores, comes after them, alone.
beside=(server/tests/{audit,base,files,meetings,rooms})
log=$(mktemp)
failed=0
pytest packages/mediasoup/tests packages/socketio-server/tests >"$log" 2>&1 &
packages=$!
trap 'kill $packages 2>/dev/null || true; rm -f "$log"' EXIT
pytest "${beside[@]}" || failed=1
wait $packages || failed=1
cat "$log"
pytest server/tests e2e "${beside[@]/#/--ignore=}" || failed=1
exit $failed
