//! HTTP/2 bytes to messages and back, as state machines without I/O (RFC 9113, RFC 7541).

