#!/bin/sh
# Rebuilds wasi_reactor.wasm with the compiler from PyPI (pip install ziglang): build.sh [FOLDER]
set -eu
cd "$(dirname "$0")"
exec "${PYTHON:-python3}" -m ziglang cc --target=wasm32-wasi -mexec-model=reactor -Os -g0 -Wall -Wextra -Werror -Wl,-z,stack-size=65536 \
    -o "${1:-.}/wasi_reactor.wasm" wasi_reactor.c
