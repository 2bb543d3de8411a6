;; Fills its garbage-collected heap without end, and lets go of nothing. Where that is refused it traps.
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core module $module
    (type $bytes (array (mut i8)))
    (type $node (struct (field (ref null $node)) (field (ref $bytes))))
    (func (export "handle") (param $request i32) (param $out i32)
      (local $list (ref null $node))
      (loop $again
        (local.set $list
          (struct.new $node (local.get $list) (array.new_default $bytes (i32.const 1048576))))
        (br $again))))
  (core instance $core (instantiate $module))
  (func $handle (param "request" (own $request)) (param "response-out" (own $out))
    (canon lift (core func $core "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
