// Users in SQLite: one connection, statements prepared once.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const SQLITE_CONSTRAINT_UNIQUE = 2067;

export class EmailTaken extends Error {
  constructor() {
    super("another user has the e-mail address");
  }
}

export function openStore(path) {
  const database = new DatabaseSync(path, { timeout: 5000 });
  // FULL: an answered write survives a power failure, as in the service this is compared with.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  database.exec(readFileSync(new URL("schema.sql", import.meta.url), "utf8"));
  const columns = "SELECT id, name, email, created_us, version FROM users";
  const insert = database.prepare(
    "INSERT INTO users (name, email, email_key, created_us, version) VALUES (?, ?, ?, ?, 1)",
  );
  const byId = database.prepare(`${columns} WHERE id = ?`);
  const listed = database.prepare(`${columns} WHERE id > ? ORDER BY id LIMIT ?`);

  return {
    create(name, email) {
      const createdUs = Date.now() * 1000;
      try {
        const { lastInsertRowid: id } = insert.run(name, email, email.toLowerCase(), createdUs);
        return shown({ id, name, email, created_us: createdUs, version: 1 });
      } catch (error) {
        throw error.errcode === SQLITE_CONSTRAINT_UNIQUE ? new EmailTaken() : error;
      }
    },
    get(id) {
      const row = byId.get(id);
      return row && shown(row);
    },
    list: (after, limit) => listed.all(after, limit).map(shown),
    close: () => database.close(),
  };
}

function shown({ id, name, email, created_us, version }) {
  return { id, name, email, created_at: new Date(created_us / 1000).toISOString(), version };
}
