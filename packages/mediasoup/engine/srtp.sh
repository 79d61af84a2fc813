#!/usr/bin/env bash
# Builds a static libsrtp 2.5.0 on OpenSSL from Debian 12's own source package into OUTDIR/srtp.
# usage: srtp.sh OUTDIR
# It reads Debian's configured sources through a private copy of apt's configuration; /etc stays as it is. A security
# update of libsrtp2 in Debian asks for another build: change the version and the hash here, and the recipe's hash follows.
set -euo pipefail
VERSION=2.5.0 REVISION=3
SHA256=8a43ef8e9ae2b665292591af62aa1a4ae41e468b6d98d8258f91478735da4e09

out=$1
mkdir -p "$out/apt/lists/partial" && cd "$out"
if [ -f /etc/apt/sources.list.d/debian.sources ]; then
  sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >apt/source.sources
  sources=$out/apt/source.sources
else
  sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >apt/source.list
  sources=$out/apt/source.list
fi
cat >apt/conf <<CONF
Dir::Etc::sourcelist "$sources";
Dir::Etc::sourceparts "-";
Dir::State::lists "$out/apt/lists";
Dir::Cache "$out/apt/cache";
APT::Sandbox::User "root";
CONF
mkdir -p apt/cache/archives/partial
export APT_CONFIG=$out/apt/conf
apt-get update -qq
apt-get source -qq --download-only "libsrtp2=$VERSION-$REVISION"
echo "$SHA256  libsrtp2_$VERSION.orig.tar.gz" | sha256sum -c -
rm -rf "libsrtp2-$VERSION"
dpkg-source -x "libsrtp2_$VERSION-$REVISION.dsc"
cd "libsrtp2-$VERSION"
CFLAGS=-O2 ./configure --enable-openssl --disable-pcap --prefix="$out/srtp"
make -j"$(nproc)" libsrtp2.a
make install
