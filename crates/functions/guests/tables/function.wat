;; Grows a table without end. Where that is refused it gives no answer.
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core module $module
    (table $table 0 externref)
    (func (export "handle") (param $request i32) (param $out i32)
      (loop $again
        (br_if $again
          (i32.ne (table.grow $table (ref.null extern) (i32.const 100000)) (i32.const -1))))))
  (core instance $core (instantiate $module))
  (func $handle (param "request" (own $request)) (param "response-out" (own $out))
    (canon lift (core func $core "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
