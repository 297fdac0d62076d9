"""The examples of the client's page and of its docstring: they run as they stand."""

import contextlib
import io
import re
import textwrap
from pathlib import Path

import trio

import harness.clients
from harness.chance import Chance
from harness.clients import SSEClient
from harness.jobserver import JobServer
from harness.network.real import RealNetwork
from harness.scenario.model import JobSpec, ServerSpec

PAGE = Path(harness.clients.__file__).parent / "README.md"
INTRODUCTION = """
import trio
from harness.clients import Callbacks, JobEvent, SSEClient


async def main():
"""


def of_the_page():
    """The example of the page."""
    return re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


def of_the_docstring():
    """The example of the docstring, in an app around it."""
    block = re.search(r"::\n\n(.*?)\n\n    It needs", SSEClient.__doc__, re.DOTALL)[1]
    return INTRODUCTION + textwrap.indent(textwrap.dedent(block), "    ") + "\n\n\ntrio.run(main)\n"


def printed(example, server):
    """Return what an example prints, of a job of the server at this URL."""
    source, count = re.subn(r'SSEClient\("http[^"]*"', f'SSEClient("{server}"', example)
    assert count == 1
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, str(PAGE), "exec"), {"__name__": "example"})
    return out.getvalue()


async def test_the_examples_follow_a_job_to_its_end(nursery):
    job = JobSpec(lasts=0.1, every=0.02)
    server = JobServer(network=RealNetwork(), journal=None, job=job, server=ServerSpec(), chance=Chance(1))
    host, port = await server.start(nursery)
    with trio.fail_after(10):
        for example in (of_the_page(), of_the_docstring()):
            shown = (await trio.to_thread.run_sync(printed, example, f"http://{host}:{port}")).splitlines()
            assert [line.partition(" ")[2] for line in shown[:-1]] == ["0.2", "0.4", "0.6", "0.8"]
            assert shown[-1].startswith("completed")
        await server.stop()
