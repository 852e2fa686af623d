;; A plugin whose parts a scenario replaces. What stands in braces is filled in by frame.py.
;; Memory: metadata at 1024, slots at 2048, what is passed to host functions from 4096, the answers that the frame
;; itself builds at 49152, the response at 65536, the heap from 131072. `alloc` starts again behind 131072.
(module
  (import "env" "host_log" (func $log (param i32 i32 i32 i32)))
  {imports}
  {memory}
  {exports}
  (global $heap (mut i32) (i32.const 131072))
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 8) "info")
  (data (i32.const 1024) {metadata} "\00")
  (data (i32.const 2048) {slots} "\00")
  {texts}
  (data (i32.const 40960) "{\"success\":true,\"data\":{\"raw\":\"")
  (data (i32.const 41000) "\"}}")
  (data (i32.const 41008) "{\"success\":true,\"data\":{\"flag\":0}}\00")
  (data (i32.const 65536) {response} "\00")

  ;; the length of the text at an address, without its NUL
  (func $length (param $at i32) (result i32) (local $end i32)
    (local.set $end (local.get $at))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $end) (local.get $at)))

  ;; log the text at an address
  (func $say (param $at i32)
    (call $log (i32.const 8) (i32.const 4) (local.get $at) (call $length (local.get $at))))

  ;; a response that holds a flag
  (func $flag (param $value i32) (result i32)
    (i32.store8 (i32.const 41039) (i32.add (i32.const 48) (local.get $value)))
    (i32.const 41008))

  ;; a response that holds a raw text
  (func $raw (param $at i32) (result i32) (local $size i32)
    (local.set $size (call $length (local.get $at)))
    (memory.copy (i32.const 49152) (i32.const 40960) (i32.const 31))
    (memory.copy (i32.const 49183) (local.get $at) (local.get $size))
    (memory.copy (i32.add (i32.const 49183) (local.get $size)) (i32.const 41000) (i32.const 4))
    (i32.const 49152))

  {fields}
)
