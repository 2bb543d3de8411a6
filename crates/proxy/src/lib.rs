//! The data plane as a library: listen, decode, route, answer, respond, record.
