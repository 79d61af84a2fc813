#!/usr/bin/env bash
# Lints and type-checks everything. All checks run, also after one has failed; the exit status tells whether any did.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()

check() {
  local name=$1; shift
  if output=$("$@" 2>&1); then echo "check: $name ok"; else failed+=("$name"); echo "check: $name FAILED"; echo "$output"; fi
}

check "ruff" ruff check .
check "ruff format" ruff format --check .
check "mypy" mypy packages/mediasoup/src packages/socketio-server/src server/src
check "layers" lint-imports
check "TypeScript" npm run --silent check
check "TypeScript lint" npm run --silent lint
[ ${#failed[@]} = 0 ] || { echo "check: failed: ${failed[*]}"; exit 1; }
