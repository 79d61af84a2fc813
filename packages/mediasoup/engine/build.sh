#!/usr/bin/env bash
# Builds mediasoup-worker from its npm package with Debian 12's own libraries, once for each version and recipe.
#
#   build.sh            build unless the cache has it; prints the folder of the build on standard output
#   build.sh --where    print that folder without building
#   build.sh --packages print the Debian packages that a build needs
#
# The folder holds `mediasoup-worker`, `python/message.bfbs` (the channel protocol's schema, which the controller reads)
# and `python/FBS` (flatc's Python for it, which the tests hold the controller's codec against). It lies outside the
# checkout, in ${ROSTRUM_CACHE:-${XDG_CACHE_HOME:-~/.cache}/rostrum}/engine, and is named after the version and a hash of
# this recipe and its shims. A build that is interrupted leaves nothing that a later one would take for whole.
set -euo pipefail
export LC_ALL=C
VERSION=3.27.1
SHA512=ba78c6d228491599825f1b52e5acba88fa7ea2fd5183f06126e3f58067f0e04957fcae59d22b773c20bbaca79c58c2b61606d0e7690a98381904f9bf7b060ee8
PACKAGES="g++ make libssl-dev libuv1-dev libsrtp2-dev libflatbuffers-dev flatbuffers-compiler dpkg-dev"
# How many unity files: most of the compile time is headers, so several sources compile as one. These counts keep apart
# the sources of this version that define a static of the same name.
WORKER_UNITS=14 WEBRTC_UNITS=4

here=$(cd "$(dirname "$0")" && pwd)
recipe=$(cd "$here" && cat build.sh srtp.sh shim/srtp.h shim/ankerl/unordered_dense.h | sha256sum | cut -c1-12)
cache=${ROSTRUM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rostrum}/engine
done_dir=$cache/$VERSION-$recipe-$(uname -m)

case "${1-}" in
  --where) echo "$done_dir"; exit ;;
  --packages) echo "$PACKAGES"; exit ;;
esac
[ -x "$done_dir/mediasoup-worker" ] && { echo "$done_dir"; exit; }

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { echo "engine: another build is running, waiting for it" >&2; flock 9; }
[ -x "$done_dir/mediasoup-worker" ] && { echo "$done_dir"; exit; }

work=$cache/building
log=$cache/build.log
rm -rf "$work"; mkdir -p "$work"; : >"$log"
started=$(date +%s)

step() { current=$1; echo "engine: $1" >&2; echo "== $1" >>"$log"; }
failed() {
  echo "engine: failed while: $current" >&2
  tail -n 20 "$log" | sed 's/^/    /' >&2
  echo "engine: the whole log is $log" >&2
}
trap failed ERR

fetch_sources() {
  step "fetching mediasoup $VERSION from the npm registry"
  cd "$work"
  npm pack --silent "mediasoup@$VERSION" >>"$log" 2>&1
  echo "$SHA512  mediasoup-$VERSION.tgz" | sha512sum -c - >>"$log" 2>&1
  tar xzf "mediasoup-$VERSION.tgz" package/worker
  # Upstream's BIO callback answers 1 to every control query, also to "is kernel TLS on?". Debian's OpenSSL has kernel
  # TLS, believes it, and crashes at the first DTLS handshake. Only the return of an operation may be answered.
  sed -i 's/(operationType == BIO_CB_RETURN)/((operationType \& BIO_CB_RETURN) != 0)/' package/worker/src/RTC/DtlsTransport.cpp
  grep -q 'operationType & BIO_CB_RETURN' package/worker/src/RTC/DtlsTransport.cpp
}

generate_code() {
  step "generating the channel protocol"
  cd "$work"
  mkdir -p gen/FBS unity
  flatc --cpp --cpp-field-case-style lower --reflect-names --scoped-enums --filename-suffix '' -o gen/FBS package/worker/fbs/*.fbs >>"$log" 2>&1
  flatc --python --gen-object-api -o python package/worker/fbs/*.fbs >>"$log" 2>&1
  flatc --binary --schema -o python package/worker/fbs/message.fbs >>"$log" 2>&1
  # absl's vocabulary types are aliases of std's in C++20.
  for header in memory/memory strings/match strings/string_view types/optional; do
    mkdir -p "gen/absl/${header%/*}"
    { printf '#include <%s>\n' memory optional string_view
      echo 'namespace absl { using std::make_unique; using std::nullopt; using std::optional; using std::string_view; }'
    } >>"gen/absl/$header.h"
  done
}

build_srtp() {
  step "building libsrtp on OpenSSL from Debian's source package"
  # AES-CM costs 2.6 times as much with the NSS-backed library of Debian, which serves where sources cannot be had.
  if "$here/srtp.sh" "$work" >>"$log" 2>&1; then
    srtp_flags="-I$work/srtp/include" srtp_library="$work/srtp/lib/libsrtp2.a" srtp_kind=openssl
  else
    echo "engine: Debian's source packages are out of reach; using its libsrtp2 (slower AES-CM)" >&2
    srtp_flags="" srtp_library="-lsrtp2" srtp_kind=debian
  fi
}

compile_unit() {  # compile_unit FILE: one unity file, in a shell of its own
  # shellcheck disable=SC2086
  g++ $CXX_FLAGS -c "$1" -o "$1.o" >"$1.log" 2>&1 || { cat "$1.log" >>"$LOG"; return 1; }
  echo "engine: compiled $(find unity -name '*.o' | wc -l) of $UNITS" >&2
}

compile() {
  step "compiling (about a minute)"
  cd "$work"
  local w=package/worker
  find $w/src -name '*.cpp' | sort | awk -v n=$WORKER_UNITS '{ print "#include \"" $0 "\"\n#undef MS_CLASS" > ("unity/worker" NR % n ".cpp") }'
  find $w/deps/libwebrtc -name '*.cc' | sort | awk -v n=$WEBRTC_UNITS '{ print "#include \"" $0 "\"" > ("unity/webrtc" NR % n ".cpp") }'
  CXX_FLAGS="-std=c++20 -O2 -w -DNDEBUG -DMS_LITTLE_ENDIAN -DMS_EXECUTABLE -I. $srtp_flags -I$here/shim -Igen -I$w/include -I$w/deps/libwebrtc -I$w/deps/libwebrtc/libwebrtc"
  LOG=$log UNITS=$((WORKER_UNITS + WEBRTC_UNITS))
  export CXX_FLAGS LOG UNITS
  export -f compile_unit
  find unity -name '*.cpp' | sort | xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'compile_unit {}'
  step "linking"
  # shellcheck disable=SC2086
  g++ -s -o mediasoup-worker unity/*.o $srtp_library -luv -lssl -lcrypto >>"$log" 2>&1
}

install_build() {
  step "checking that the binary starts"
  # Without MEDIASOUP_VERSION the worker exits with 41: it ran, and nothing else is needed to know that it links.
  local status=0
  env -u MEDIASOUP_VERSION ./mediasoup-worker >>"$log" 2>&1 || status=$?
  [ "$status" = 41 ]
  # The generated modules import one another by absolute name; they live inside our package.
  grep -rlE '(from|import) FBS\.' python | xargs sed -i -E 's/(from|import) FBS\./\1 mediasoup._fbs.FBS./'
  touch python/__init__.py
  mkdir -p result
  mv mediasoup-worker python result/
  echo "mediasoup-worker $VERSION, libsrtp: $srtp_kind" >result/about
  rm -rf "$done_dir"
  mv result "$done_dir"
  cd "$cache" && rm -rf "$work"
  echo "engine: built in $(($(date +%s) - started)) s" >&2
}

fetch_sources
generate_code
build_srtp
compile
install_build
echo "$done_dir"
