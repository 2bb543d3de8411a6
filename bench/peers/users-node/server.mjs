// The users service in Node: Fastify and SQLite.
import { createHash, timingSafeEqual } from "node:crypto";
import Fastify from "fastify";
import { EmailTaken, openStore } from "./store.mjs";

const [listen, database] = process.argv.slice(2);
const token = process.env.USERS_TOKEN;
if (!database || !token) {
  console.error("usage: USERS_TOKEN=… node server.mjs LISTEN DATABASE");
  process.exit(2);
}

const user = {
  type: "object",
  properties: {
    id: { type: "integer" },
    name: { type: "string" },
    email: { type: "string" },
    created_at: { type: "string" },
    version: { type: "integer" },
  },
};
const newUser = {
  type: "object",
  required: ["name", "email"],
  additionalProperties: false,
  properties: {
    name: { type: "string", minLength: 1, maxLength: 200, pattern: "^\\P{Cc}+$" },
    email: { type: "string", maxLength: 254, pattern: "^[^@\\s\\p{Cc}]+@[^@\\s\\p{Cc}]+$" },
  },
};
const page = {
  type: "object",
  properties: {
    limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
    after: { type: "integer", minimum: 0, default: 0 },
  },
};

const users = openStore(database);
const app = Fastify({
  keepAliveTimeout: 3_600_000,
  bodyLimit: 64 * 1024,
  // What was sent is taken as it is: no member is removed and no number is made a string.
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
});

// A query is text and has to become numbers; a body must not.
app.addHook("preValidation", async (request) => {
  for (const [name, text] of Object.entries(request.query)) {
    request.query[name] = /^\d+$/.test(text) ? Number(text) : text;
  }
});

app.setErrorHandler((error, request, reply) => {
  const status = error instanceof EmailTaken ? 409 : error.validation?.[0] ? 422 : (error.statusCode ?? 500);
  if (status >= 500) console.error(error);
  refuse(reply, status, status < 500 ? error.message : undefined);
});
app.setNotFoundHandler((request, reply) => refuse(reply, 404));

app.get(
  "/health",
  { schema: { response: { 200: { type: "object", properties: { status: { type: "string" } } } } } },
  async () => ({ status: "alive" }),
);

app.register(async (guarded) => {
  const digest = (text) => createHash("sha256").update(text).digest();
  const wanted = digest(`Bearer ${token}`);
  guarded.addHook("onRequest", async (request, reply) => {
    // Hashes are compared, so that the time says nothing of the token.
    if (!timingSafeEqual(digest(request.headers.authorization ?? ""), wanted)) {
      return refuse(reply.header("www-authenticate", "Bearer"), 401);
    }
  });

  guarded.get(
    "/users",
    { schema: { querystring: page, response: { 200: { type: "array", items: user } } } },
    async (request, reply) => {
      const { limit, after } = request.query;
      const found = users.list(after, limit + 1);
      if (found.length > limit) {
        found.length = limit;
        reply.header("link", `</users?limit=${limit}&after=${found[limit - 1].id}>; rel="next"`);
      }
      return found;
    },
  );

  guarded.get("/users/:id", { schema: { response: { 200: user } } }, async (request, reply) => {
    const { id } = request.params;
    const found = /^\d{1,15}$/.test(id) ? users.get(Number(id)) : undefined;
    return found ?? refuse(reply, 404);
  });

  guarded.post("/users", { schema: { body: newUser, response: { 201: user } } }, async (request, reply) => {
    const made = users.create(request.body.name, request.body.email);
    reply.code(201).header("location", `/users/${made.id}`);
    return made;
  });
});

// An answer of RFC 9457.
function refuse(reply, status, detail) {
  const problem = JSON.stringify({ status, detail });
  return reply.code(status).type("application/problem+json").send(problem);
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await app.close();
    users.close();
  });
}

const { hostname, port } = new URL(`http://${listen}`);
await app.listen({ host: hostname, port: Number(port), backlog: 4096 });
