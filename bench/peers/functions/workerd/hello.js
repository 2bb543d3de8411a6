// The same answer as the function's.
export default {
  fetch(request) {
    const { pathname, search } = new URL(request.url);
    return new Response(`Hello from JavaScript, ${pathname}${search}\n`, {
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  },
};
