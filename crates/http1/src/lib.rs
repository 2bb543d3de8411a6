//! HTTP/1.1 bytes to messages and back, as a state machine without I/O.
