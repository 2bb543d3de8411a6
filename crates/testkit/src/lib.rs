//! Origins that misbehave on request, raw clients, an in-process gateway, oracles; for tests only.
