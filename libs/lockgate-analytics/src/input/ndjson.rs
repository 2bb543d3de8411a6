//! Lines of JSON objects.
