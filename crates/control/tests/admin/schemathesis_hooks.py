"""What schemathesis cannot know of the admin API: values that are right once only, or only for what exists."""

import uuid

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives every request that is to succeed an idempotency key of its own, and leaves the key of a correction out.

    An idempotency key that is used again for another request is rightly refused, and so is a key that is not the user's.
    """
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    if isinstance(case.body, dict):
        case.body.pop("key_id", None)
