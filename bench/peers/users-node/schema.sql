CREATE TABLE IF NOT EXISTS users (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    email      TEXT    NOT NULL,
    email_key  TEXT    NOT NULL, -- the address without regard to case
    created_us INTEGER NOT NULL CHECK (created_us >= 0),
    version    INTEGER NOT NULL CHECK (version >= 1)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS users_by_email ON users (email_key);
