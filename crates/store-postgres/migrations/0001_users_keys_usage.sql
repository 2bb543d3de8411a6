-- Times are microseconds since 1970-01-01T00:00:00Z (…_us), hours are hours since then, totals are millionths of a unit.

CREATE TABLE lockgate.users (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT   NOT NULL,
    email      TEXT   NOT NULL,
    -- The address without regard to case, made by the program: databases do not agree on letters beyond ASCII.
    email_key  TEXT   COLLATE "C" NOT NULL CONSTRAINT users_email UNIQUE,
    created_us BIGINT NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1
);

-- Keys outlive their user, as history.
CREATE TABLE lockgate.keys (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    prefix     TEXT   NOT NULL,
    hash       BYTEA  NOT NULL CONSTRAINT keys_hash UNIQUE CHECK (octet_length(hash) = 32),
    -- Names of routes; NULL: every route.
    scopes     TEXT[],
    created_us BIGINT NOT NULL,
    expires_us BIGINT,
    revoked_us BIGINT,
    version    BIGINT NOT NULL DEFAULT 1,
    -- Number of the last change.
    change     BIGINT NOT NULL CONSTRAINT keys_change UNIQUE
);
CREATE INDEX keys_of_user ON lockgate.keys (user_id, id);

-- When a key was last presented: apart from the keys, so that the fold neither waits for whoever changes them nor is a change.
CREATE TABLE lockgate.key_uses (
    key_id  BIGINT PRIMARY KEY,
    used_us BIGINT NOT NULL
) WITH (fillfactor = 70);

-- The number of the last change of any key, in one row: whoever changes a key holds it until the change is committed, so that
-- numbers appear in their order.
CREATE TABLE lockgate.key_change (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    number   BIGINT  NOT NULL
);
INSERT INTO lockgate.key_change (number) VALUES (0);

-- Requests that are to count once (Idempotency-Key). What they made is missing only inside the transaction that makes it.
CREATE TABLE lockgate.once (
    key        TEXT   COLLATE "C" PRIMARY KEY,
    request    BYTEA  NOT NULL,
    made_id    BIGINT,
    created_us BIGINT NOT NULL
);
CREATE INDEX once_by_age ON lockgate.once (created_us);

-- How far each segment of a node's journal has been folded into usage. A node's name has 64 bits and no sign; here they are the same bits.
CREATE TABLE lockgate.marks (
    node     BIGINT NOT NULL,
    segment  BIGINT NOT NULL,
    "offset" BIGINT NOT NULL,
    PRIMARY KEY (node, segment)
);

-- User and key 0: none.
CREATE TABLE lockgate.usage_hours (
    user_id BIGINT  NOT NULL,
    key_id  BIGINT  NOT NULL,
    route   TEXT    COLLATE "C" NOT NULL,
    hour    BIGINT  NOT NULL,
    count   BIGINT  NOT NULL,
    total   NUMERIC NOT NULL,
    PRIMARY KEY (user_id, hour, key_id, route)
) WITH (fillfactor = 80);
CREATE INDEX usage_hours_by_hour ON lockgate.usage_hours (hour);

CREATE TABLE lockgate.corrections (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    BIGINT  NOT NULL,
    key_id     BIGINT  NOT NULL,
    route      TEXT    COLLATE "C" NOT NULL,
    hour       BIGINT  NOT NULL,
    count      BIGINT  NOT NULL,
    total      NUMERIC NOT NULL,
    note       TEXT    NOT NULL,
    created_us BIGINT  NOT NULL
);
CREATE INDEX corrections_of_user ON lockgate.corrections (user_id, id);
CREATE INDEX corrections_by_hour ON lockgate.corrections (hour);

-- First hour of the month that an hour lies in; an hour beyond the year 9999 is a month of its own.
CREATE FUNCTION lockgate.month_of(hour BIGINT) RETURNS BIGINT LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN hour < 70389528
        THEN extract(EPOCH FROM date_trunc('month', to_timestamp(hour * 3600.0) AT TIME ZONE 'UTC'))::BIGINT / 3600
        ELSE hour
    END
$$;

-- A correction is taken back by another one.
CREATE FUNCTION lockgate.refuse_edit() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'corrections are never changed: add another one';
END
$$;
CREATE TRIGGER corrections_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON lockgate.corrections
    FOR EACH STATEMENT EXECUTE FUNCTION lockgate.refuse_edit();

-- All that is summed.
CREATE VIEW lockgate.usage_parts AS
    SELECT user_id, key_id, route, hour, count, total, NULL AS note FROM lockgate.usage_hours
    UNION ALL
    SELECT user_id, key_id, route, hour, count, total, note FROM lockgate.corrections;

-- The same for people: times as times, totals as decimals of a unit, and why a correction was made.
CREATE VIEW lockgate.usage AS
    SELECT NULLIF(user_id, 0) AS user_id, NULLIF(key_id, 0) AS key_id, route, to_timestamp(hour * 3600.0) AS hour,
           count, total * 0.000001 AS total_value, note
    FROM lockgate.usage_parts;
