-- Times are microseconds since 1970-01-01T00:00:00Z, hours are counted from there, too. STRICT tables keep SQLite from storing a number
-- that does not fit 64 bits as an inexact one.

CREATE TABLE users (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,  -- never used again
    name       TEXT    NOT NULL,
    email      TEXT    NOT NULL,
    email_key  TEXT    NOT NULL,                            -- the address without regard to case
    created_us INTEGER NOT NULL CHECK (created_us >= 0),
    version    INTEGER NOT NULL CHECK (version >= 1)
) STRICT;
CREATE UNIQUE INDEX users_by_email ON users (email_key);

-- Keys of deleted users stay as history, so that user_id does not refer to users.
CREATE TABLE keys (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL CHECK (user_id >= 1),
    name         TEXT    NOT NULL,
    prefix       TEXT    NOT NULL,
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),  -- SHA-256 of the text, which is not kept
    scopes       TEXT,                                        -- a JSON array of route names; NULL: all routes
    created_us   INTEGER NOT NULL CHECK (created_us >= 0),
    expires_us   INTEGER CHECK (expires_us >= 0),
    revoked_us   INTEGER CHECK (revoked_us >= 0),
    last_used_us INTEGER CHECK (last_used_us >= 0),
    version      INTEGER NOT NULL CHECK (version >= 1),
    change       INTEGER NOT NULL CHECK (change >= 1)         -- number of its last change, among all keys
) STRICT;
CREATE UNIQUE INDEX keys_by_hash ON keys (hash);
CREATE INDEX keys_by_user ON keys (user_id, id);
CREATE UNIQUE INDEX keys_by_change ON keys (change);

-- Counts the changes of keys.
CREATE TABLE key_changes (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO key_changes (one, last) VALUES (1, 0);

-- Requests with an Idempotency-Key, and what they made.
CREATE TABLE requests (
    key     TEXT    NOT NULL PRIMARY KEY,
    request BLOB    NOT NULL,             -- hash of what was asked for
    made    INTEGER NOT NULL,             -- id of what was made
    made_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (made_us);

-- A total is total_high * 1000000000 + total_low millionths of a unit, so that sums of either are exact in 64 bits. The bounds leave room
-- for one more addition, so that an overflow is refused and never rounded. User and key 0 stand for none.
-- The hour comes first: what is written at one time lies together.
CREATE TABLE usage_hours (
    hour       INTEGER NOT NULL CHECK (hour >= 0),
    user_id    INTEGER NOT NULL CHECK (user_id >= 0),
    key_id     INTEGER NOT NULL CHECK (key_id >= 0),
    route      TEXT    NOT NULL,
    count      INTEGER NOT NULL CHECK (count BETWEEN -4000000000000000000 AND 4000000000000000000),
    total_high INTEGER NOT NULL CHECK (total_high BETWEEN -4000000000000000000 AND 4000000000000000000),
    total_low  INTEGER NOT NULL CHECK (total_low BETWEEN 0 AND 999999999),
    PRIMARY KEY (hour, user_id, key_id, route)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_hours_by_user ON usage_hours (user_id, hour);

CREATE TABLE corrections (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL CHECK (user_id >= 1),
    key_id     INTEGER NOT NULL CHECK (key_id >= 0),
    route      TEXT    NOT NULL,
    hour       INTEGER NOT NULL CHECK (hour >= 0),
    count      INTEGER NOT NULL CHECK (count BETWEEN -4000000000000000000 AND 4000000000000000000),
    total_high INTEGER NOT NULL CHECK (total_high BETWEEN -4000000000000000000 AND 4000000000000000000),
    total_low  INTEGER NOT NULL CHECK (total_low BETWEEN 0 AND 999999999),
    note       TEXT    NOT NULL,
    created_us INTEGER NOT NULL CHECK (created_us >= 0)
) STRICT;
CREATE INDEX corrections_by_user ON corrections (user_id, id);
CREATE INDEX corrections_by_hour ON corrections (hour);
CREATE TRIGGER corrections_stay BEFORE UPDATE ON corrections BEGIN
    SELECT raise(ABORT, 'a correction is never changed: add another one that takes it back');
END;
CREATE TRIGGER corrections_are_kept BEFORE DELETE ON corrections BEGIN
    SELECT raise(ABORT, 'a correction is never deleted: add another one that takes it back');
END;

-- How far each segment of a node's journal is in usage_hours, bytes. A node is the 64 bits of its name, read as a signed number.
CREATE TABLE marks (
    node    INTEGER NOT NULL,
    segment INTEGER NOT NULL CHECK (segment >= 0),
    offset  INTEGER NOT NULL CHECK (offset >= 0),
    PRIMARY KEY (node, segment)
) STRICT, WITHOUT ROWID;

-- For people: `SELECT user_id, sum(total_value) FROM usage GROUP BY user_id`. total_value is a floating-point number, exact to 15 digits.
CREATE VIEW usage AS
SELECT nullif(user_id, 0) AS user_id,
       nullif(key_id, 0) AS key_id,
       route,
       strftime('%Y-%m-%dT%H:00:00Z', hour * 3600, 'unixepoch') AS hour,
       count,
       (total_high * 1000000000 + total_low) / 1e6 AS total_value,
       note
FROM (
    SELECT user_id, key_id, route, hour, count, total_high, total_low, NULL AS note FROM usage_hours
    UNION ALL
    SELECT user_id, key_id, route, hour, count, total_high, total_low, note FROM corrections
);
