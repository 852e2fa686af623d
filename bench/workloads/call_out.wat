;; Calls a function of the host $n times, each with what the last call returned.
(module
  (import "env" "next" (func $next (param i32) (result i32)))
  (func (export "run") (param $n i32) (result i32) (local $value i32)
    (loop $again
      (local.set $value (call $next (local.get $value)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $value)))
