-- Names this database. A journal is folded into the database that its ids come from, and into no other; a backup and a copy keep the name.
CREATE TABLE identity (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id  BLOB    NOT NULL CHECK (length(id) = 16)
) STRICT;
INSERT INTO identity (one, id) VALUES (1, randomblob(16));
