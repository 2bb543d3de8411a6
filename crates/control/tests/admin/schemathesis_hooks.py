"""What schemathesis cannot know of the admin API: values that are only right once, or only for what exists."""

import re
import uuid

import schemathesis


@schemathesis.hook
def map_headers(context, headers):
    """Gives every request an idempotency key of its own: one that is used again for another request is rightly refused."""
    key = (headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,255}", key):
        headers["Idempotency-Key"] = uuid.uuid4().hex
    return headers


@schemathesis.hook
def map_body(context, body):
    """Leaves the key of a correction out: one that is not the user's is rightly refused."""
    if isinstance(body, dict) and type(body.get("key_id")) is int and body["key_id"] > 0:
        del body["key_id"]
    return body
