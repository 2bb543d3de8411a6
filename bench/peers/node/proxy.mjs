// The usual HTTP proxy in Node: one thread, an agent that keeps connections, streams both ways, and upgrades.
import http from "node:http";
import net from "node:net";

const [listen, origin] = process.argv.slice(2).map((address) => {
  const [host, port] = address.split(":");
  return { host, port: Number(port) };
});
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1024 });

const server = http.createServer((request, response) => {
  const { method, url: path, headers } = request;
  const forwarded = http.request({ ...origin, agent, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  forwarded.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  request.pipe(forwarded);
});

server.on("upgrade", (request, client, head) => {
  const upstream = net.connect(origin.port, origin.host, () => {
    const fields = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      fields.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`);
    }
    upstream.write(`${request.method} ${request.url} HTTP/1.1\r\n${fields.join("")}\r\n`);
    upstream.write(head);
    upstream.pipe(client);
    client.pipe(upstream);
  });
  upstream.on("error", () => client.destroy());
  client.on("error", () => upstream.destroy());
});

server.keepAliveTimeout = 3_600_000;
server.listen(listen.port, listen.host, 4096);
