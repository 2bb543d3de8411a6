//! The store on PostgreSQL, shared by all nodes that reach it.
