;; Grows four memories by turns without end, each slower than all of them together. Where that is refused it gives no answer.
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core module $module
    (memory $a 0)
    (memory $b 0)
    (memory $c 0)
    (memory $d 0)
    (func (export "handle") (param $request i32) (param $out i32)
      (loop $again
        (if (i32.eq (memory.grow $a (i32.const 16)) (i32.const -1)) (then (return)))
        (if (i32.eq (memory.grow $b (i32.const 16)) (i32.const -1)) (then (return)))
        (if (i32.eq (memory.grow $c (i32.const 16)) (i32.const -1)) (then (return)))
        (if (i32.eq (memory.grow $d (i32.const 16)) (i32.const -1)) (then (return)))
        (br $again))))
  (core instance $core (instantiate $module))
  (func $handle (param "request" (own $request)) (param "response-out" (own $out))
    (canon lift (core func $core "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
