#!/usr/bin/env bash
# Gets what the tests of the pages need: Chromium, with fonts for every language of them, and axe-core (MPL-2.0), which
# looks for barriers. Chromium is taken from the system, or installed where apt-get and root are at hand. axe-core
# comes from npm into .tools/, checked against a pinned digest. Does nothing when both are there.
set -euo pipefail

version=4.14.1
integrity=FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

has_chromium() {
  [[ -n ${CHROMIUM:-} ]] || command -v chromium || command -v chromium-browser || command -v google-chrome
}

if ! has_chromium >/dev/null; then
  if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
    echo "browser.sh: there is no Chromium: install it, or set CHROMIUM to the path of any browser that is built on it" >&2
    exit 1
  fi
  echo "browser.sh: installing chromium" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-core >/dev/null
fi

directory=$root/.tools/axe-core-$version
if [[ -f $directory/axe.min.js ]]; then
  exit 0
fi

mkdir -p "$directory"
scratch=$(mktemp -d "$root/.tools/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

tarball=$(cd "$scratch" && npm pack "axe-core@$version" --silent)
digest=$(openssl dgst -sha512 -binary "$scratch/$tarball" | base64 | tr -d '\n')
if [[ $digest != "$integrity" ]]; then
  echo "browser.sh: the digest of $tarball is $digest, want $integrity" >&2
  exit 1
fi

tar -xzf "$scratch/$tarball" -C "$scratch" package/axe.min.js
mv "$scratch/package/axe.min.js" "$directory/axe.min.js"
