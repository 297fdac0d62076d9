"""The event stream protocol of WHATWG HTML section 9.2, without I/O: parser, encoder, reconnection, policies."""
