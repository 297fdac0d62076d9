"""A program that answers every GET on a port (first argument) with one body (second): started by tests, as a server."""

import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    """Says the one thing."""

    def do_GET(self):
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
