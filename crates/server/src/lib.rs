//! One process: makes sockets, ties both planes together, reload, signals, drain.
