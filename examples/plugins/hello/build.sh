#!/bin/sh
# Rebuilds hello.wasm, byte for byte, with the compiler from PyPI (pip install ziglang): build.sh [FOLDER]
set -eu
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m ziglang cc --target=wasm32-freestanding -mcpu=mvp -O1 -g0 -Wall -Wextra -Werror \
    -nostdlib -Wl,--no-entry -Wl,-z,stack-size=16384 \
    -o "${1:-.}/hello.wasm" hello.c
chmod 644 "${1:-.}/hello.wasm"  # it is no program
