;; Adds up the escape times of $n by $n points of the Mandelbrot set, at most 50 each: arithmetic on f64.
(module
  (func (export "run") (param $n i32) (result i32)
    (local $x i32) (local $y i32) (local $k i32) (local $total i32)
    (local $cr f64) (local $ci f64) (local $zr f64) (local $zi f64) (local $r2 f64) (local $i2 f64)
    (loop $row
      (local.set $x (i32.const 0))
      (local.set $ci
        (f64.sub
          (f64.div (f64.mul (f64.convert_i32_u (local.get $y)) (f64.const 2)) (f64.convert_i32_u (local.get $n)))
          (f64.const 1)))
      (loop $point
        (local.set $cr
          (f64.sub
            (f64.div (f64.mul (f64.convert_i32_u (local.get $x)) (f64.const 3)) (f64.convert_i32_u (local.get $n)))
            (f64.const 2)))
        (local.set $zr (f64.const 0))
        (local.set $zi (f64.const 0))
        (local.set $k (i32.const 0))
        (block $escaped
          (loop $iterate
            (local.set $r2 (f64.mul (local.get $zr) (local.get $zr)))
            (local.set $i2 (f64.mul (local.get $zi) (local.get $zi)))
            (br_if $escaped (f64.gt (f64.add (local.get $r2) (local.get $i2)) (f64.const 4)))
            (local.set $zi
              (f64.add (f64.mul (f64.const 2) (f64.mul (local.get $zr) (local.get $zi))) (local.get $ci)))
            (local.set $zr (f64.add (f64.sub (local.get $r2) (local.get $i2)) (local.get $cr)))
            (br_if $iterate
              (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 50)))))
        (local.set $total (i32.add (local.get $total) (local.get $k)))
        (br_if $point (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $n))))
      (br_if $row (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $n))))
    (local.get $total)))
