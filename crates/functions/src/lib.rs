//! WebAssembly components run inside the gateway through `wasi:http`.
