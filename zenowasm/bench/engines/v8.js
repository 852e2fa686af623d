// Runs modules in V8. Each line of the input is a request in JSON, each line of the output its answer:
// {"do": "load", "module": BASE64}, {"do": "quickjs", "module": BASE64, "script": TEXT, "output": FILE},
// {"do": "call", "argument": N}, {"do": "time", "argument": N, "count": N}.
"use strict";

const { openSync, readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const { performance } = require("node:perf_hooks");

let run;
let result; // where run prints its result

const does = {
  load({ module }) {
    const imports = { env: { next: (number) => (number + 1) & 0x7fffffff } };
    run = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(module, "base64")), imports).exports.run;
    return 0;
  },
  quickjs({ module, script, output }) {
    const { WASI } = require("node:wasi");
    const wasi = new WASI({ version: "preview1", stdout: openSync(output, "a") });
    const compiled = new WebAssembly.Module(Buffer.from(module, "base64"));
    const instance = new WebAssembly.Instance(compiled, { wasi_snapshot_preview1: wasi.wasiImport });
    wasi.initialize(instance);
    const { memory, malloc, qjs_init_argv, qjs_destroy } = instance.exports;
    const put = (bytes) => {
      const address = malloc(bytes.length);
      new Uint8Array(memory.buffer).set(bytes, address);
      return address;
    };
    const vectors = new Map();
    const vector = (turns) => {
      const words = ["qjs", "-e", script.replace("999999999", turns)];
      const pointers = words.map((word) => put(Buffer.from(word + "\0")));
      return put(new Uint8Array(new Uint32Array([...pointers, 0]).buffer));
    };
    run = (turns) => {
      if (!vectors.has(turns)) vectors.set(turns, vector(turns));
      qjs_init_argv(3, vectors.get(turns));
      qjs_destroy();
    };
    result = () => readFileSync(output, "utf8").trim().split("\n").pop();
    return 0;
  },
  call({ argument }) {
    const returned = run(argument);
    return result ? result() : String(returned); // an i64 is a BigInt, which JSON does not have
  },
  time({ argument, count }) {
    const started = performance.now();
    for (let index = 0; index < count; index++) run(argument);
    return (performance.now() - started) / 1000;
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = { result: does[request.do](request) };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
