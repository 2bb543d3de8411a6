"""Greets in Python."""

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    """What the gateway calls: the name of the class is that of the interface."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        path = request.path_with_query() or ""
        fields = Fields.from_list([("content-type", b"text/plain; charset=utf-8")])
        response = OutgoingResponse(fields)
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as stream:
            stream.blocking_write_and_flush(f"Hello from Python, {path}\n".encode())
        OutgoingBody.finish(body, None)
