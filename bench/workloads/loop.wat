;; Counts down in a loop: what one instruction costs and little else.
(module
  (func (export "run") (param $n i32) (result i32)
    (loop $again
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n)))
