// Has each visitor stay with one of two variants by a cookie, and tells the service behind it which.

const COOKIE = /(?:^|;\s*)variant=([ab])\s*(?:;|$)/;
const MONTH_S = 30 * 24 * 60 * 60;

addEventListener('fetch', (event) => event.respondWith(assign(event.request)));

async function assign(request) {
  const known = COOKIE.exec(request.headers.get('cookie') ?? '')?.[1];
  const variant = known ?? toss();
  const headers = new Headers(request.headers);
  headers.set('x-variant', variant);
  const { pathname, search } = new URL(request.url);
  // Neither body is looked at: both pass through as they come.
  const answer = await fetch(`http://upstream.internal${pathname}${search}`, {
    method: request.method,
    headers,
    body: request.body,
  });
  const answered = new Headers(answer.headers);
  if (known === undefined) {
    answered.append('set-cookie', `variant=${variant}; Path=/; Max-Age=${MONTH_S}; HttpOnly; SameSite=Lax`);
  }
  return new Response(answer.body, { status: answer.status, headers: answered });
}

/** `a` or `b`, as often. Each request finds the program as it was built, `Math.random` and its seed included. */
function toss() {
  const [byte] = crypto.getRandomValues(new Uint8Array(1));
  return byte % 2 === 0 ? 'a' : 'b';
}
