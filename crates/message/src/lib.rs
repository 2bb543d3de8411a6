//! Request and response heads in one arena, body frames, hop-by-hop and forwarding rules.
