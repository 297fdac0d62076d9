"""A browser's page of another port may use the server; a stranger's site may not."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread

import pytest

from harness.jobserver.cors import LOCAL
from harness.scenario.model import ServerSpec
from tests.jobserver.test_endpoints import QUICK, asked, code

PAGE = "http://localhost:5173"
ASKS = [("origin", PAGE), ("access-control-request-method", "GET")]


def listed(seen, name):
    return {word.strip().lower() for word in seen["headers"][name].split(",")}


@pytest.mark.parametrize("target", ["/api/v2/imports", "JOB", "JOB/stream", "JOB/results", "/api/v2/token"])
def test_a_preflight_gets_leave_for_the_headers_that_a_stream_needs(rig, target):
    wants = [("access-control-request-headers", "authorization,cache-control,last-event-id")]
    seen = asked(rig, "OPTIONS", target, headers=[*ASKS, *wants])
    assert (seen["status"], seen["body"]) == (204, b"")
    assert seen["headers"]["access-control-allow-origin"] == PAGE
    assert listed(seen, "access-control-allow-methods") == {"get", "head", "post"}
    assert {"last-event-id", "cache-control", "authorization", "content-type"} <= listed(
        seen, "access-control-allow-headers"
    )
    assert listed(seen, "vary") == {"origin"}


def test_a_preflight_needs_no_token_and_the_refusal_after_it_may_be_read(rig):
    server = ServerSpec(token_lasts=30.0)
    assert asked(rig, "OPTIONS", "/api/v2/imports", server=server, headers=ASKS)["status"] == 204


@pytest.mark.parametrize(
    ("method", "target"), [("POST", "/api/v2/imports"), ("GET", "JOB"), ("GET", "/nowhere"), ("DELETE", "JOB")]
)
def test_every_answer_to_a_page_may_be_read_by_it(rig, method, target):
    seen = asked(rig, method, target, headers=[("origin", PAGE)])
    assert seen["headers"]["access-control-allow-origin"] == PAGE
    assert "location" in listed(seen, "access-control-expose-headers")


def test_a_stream_may_be_read_by_a_page_and_the_next_asker_on_its_connection_is_another(rig):
    async def main(rig):
        path = await rig.job()
        head = await (await rig.client()).ask("GET", f"{path}/stream", [("origin", PAGE)])
        assert dict(head.headers)[b"access-control-allow-origin"] == PAGE.encode()
        client = await rig.client()
        await client.ask("GET", "/healthz", [("origin", PAGE)])
        await client.body()
        assert b"access-control-allow-origin" not in dict((await client.ask("GET", "/healthz")).headers)

    rig.run(main, job=QUICK)


def test_who_says_no_origin_gets_the_answer_that_it_always_got(rig):
    assert not [name for name in asked(rig, "GET", "JOB")["headers"] if name.startswith("access-") or name == "vary"]


def test_options_that_no_browser_sent_are_no_method_of_ours(rig):
    assert code(asked(rig, "OPTIONS", "JOB")) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://10.0.0.1",
     "http://localhost:5173/x", "file://", "http://127.0.0.1@evil.example", "http://[::2]"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_a_site_of_another_machine_gets_no_leave(rig, method, origin):
    seen = asked(rig, method, "JOB", headers=[("origin", origin), ("access-control-request-method", "GET")])
    assert "access-control-allow-origin" not in seen["headers"]
    assert seen["headers"]["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["http://localhost", "https://app.localhost:3000", "http://127.9.9.9:1", "http://[::1]:80"]
)
def test_pages_of_this_machine_are_known_by_name_and_address(origin):
    assert LOCAL.fullmatch(origin)


SCRIPT = """<!doctype html><script type="module">
const base = "BASE/api/v2/imports", seen = [];
const say = text => fetch("/said", {method: "POST", body: text});
try {
  const job = (await (await fetch(base, {method: "POST", headers: {"Authorization": "Bearer x"}})).json()).jobId;
  await new Promise((done, failed) => {
    const plain = new EventSource(`${base}/${job}/stream`);
    plain.addEventListener("processing", event => { seen.push(event.lastEventId); plain.close(); done(); });
    plain.onerror = () => failed("the EventSource failed");
  });
  const headers = {"Accept": "text/event-stream", "Last-Event-ID": seen[0], "Cache-Control": "no-store"};
  const again = await fetch(`${base}/${job}/stream`, {headers});
  const reader = again.body.getReader();
  let text = "";
  while (!text.includes("id:")) text += new TextDecoder().decode((await reader.read()).value);
  say(`${again.status} ${text.includes("id:")}`);
} catch (error) { say(`failed: ${error}`); }
</script>"""


@contextlib.contextmanager
def running(*command, **options):
    """A process and all that it starts, ended with the block."""
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def page_of(text, said):
    """A page on a port of its own, that says what it found."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self):
            said.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()


@pytest.mark.slow
def test_a_real_browser_starts_a_job_streams_it_and_resumes(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on PATH; CI installs it")
    said = Queue()
    serve = (sys.executable, "-u", "-m", "harness", "serve", "--listen", "127.0.0.1:0", "--every", "100ms")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={tmp_path}")
    with running(*serve, stdout=subprocess.PIPE, text=True) as served:
        base = served.stdout.readline().split(" on ")[1].split("/api")[0]
        with page_of(SCRIPT.replace("BASE", base), said) as url, running(browser, *quiet, url):
            assert said.get(timeout=60) == "200 true"
