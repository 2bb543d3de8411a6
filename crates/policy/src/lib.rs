//! Pure decisions: path form, route match, balance, addresses; the clock is an argument.
