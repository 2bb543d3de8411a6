// Greets in JavaScript.

addEventListener('fetch', (event) => {
  const { pathname, search } = new URL(event.request.url);
  event.respondWith(
    new Response(`Hello from JavaScript, ${pathname}${search}\n`, {
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    }),
  );
});
