#!/usr/bin/env bash
# Runs every test: the clients' in Node, then Python's, the browser's among them, with the real engine.
set -euo pipefail
cd "$(dirname "$0")/.."
npm test --silent
exec pytest "$@"
