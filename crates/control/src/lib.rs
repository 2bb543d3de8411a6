//! The admin side: REST API, metrics, live events, access log; asks the data plane through Gateway.
