-- Names this database. A journal is folded into the database that its ids come from, and into no other; a backup and a copy keep the name.
CREATE TABLE lockgate.identity (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    id       BYTEA   NOT NULL CHECK (octet_length(id) = 16)
);
INSERT INTO lockgate.identity (id) VALUES (uuid_send(gen_random_uuid()));
