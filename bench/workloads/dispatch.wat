;; A tiny virtual machine: a br_table picks an operation, call_indirect runs it, $n times.
(module
  (type $op (func (param i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) func $add $xor $rotate $multiply)
  (func $add (param i32) (result i32) (i32.add (local.get 0) (i32.const 0x9e3779b9)))
  (func $xor (param i32) (result i32) (i32.xor (local.get 0) (i32.shr_u (local.get 0) (i32.const 15))))
  (func $rotate (param i32) (result i32) (i32.rotl (local.get 0) (i32.const 5)))
  (func $multiply (param i32) (result i32) (i32.mul (local.get 0) (i32.const 0x85ebca6b)))
  (func $pick (param $state i32) (result i32)
    (block $d (block $c (block $b (block $a
      (br_table $a $b $c $d (i32.and (local.get $state) (i32.const 3))))
      (return (i32.const 1))) (return (i32.const 3))) (return (i32.const 0)))
    (i32.const 2))
  (func (export "run") (param $n i32) (result i32) (local $state i32)
    (loop $again
      (local.set $state (call_indirect (type $op) (local.get $state) (call $pick (i32.xor (local.get $state) (local.get $n)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $state)))
