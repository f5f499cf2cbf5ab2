#!/usr/bin/env bash
# Fetches the DynamoDB engine of the local run, dynoxide (MIT or Apache-2.0), into .tools/, where
# internal/local looks for it. Does nothing when it is there. The tarball is checked against a pinned digest.
set -euo pipefail

version=1.2.1
integrity=sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=$root/.tools/dynoxide-$version
if [[ -x $directory/dynoxide ]]; then
  exit 0
fi

platform=$(uname -s)-$(uname -m)
if [[ $platform != Linux-x86_64 ]]; then
  echo "engine.sh: there is no dynoxide package for $platform: set DYNAMODB_ENDPOINT to the address of any DynamoDB endpoint" >&2
  [[ -n ${DYNAMODB_ENDPOINT:-} ]]
  exit
fi

mkdir -p "$directory"
scratch=$(mktemp -d "$root/.tools/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

tarball=$(cd "$scratch" && npm pack "@dynoxide/linux-x64@$version" --silent)
digest=$(openssl dgst -sha512 -binary "$scratch/$tarball" | base64 | tr -d '\n')
if [[ $digest != "$integrity" ]]; then
  echo "engine.sh: the digest of $tarball is $digest, want $integrity" >&2
  exit 1
fi

tar -xzf "$scratch/$tarball" -C "$scratch" package/dynoxide
chmod 755 "$scratch/package/dynoxide"
mv "$scratch/package/dynoxide" "$directory/dynoxide"
