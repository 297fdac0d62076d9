"""A bare HTTP client and a few words of the API, to ask an embedded and a real server the same."""

import json
from typing import Any, NamedTuple

import h11
import trio

from harness.seams import Address


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    reason: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    address: Address, method: str, target: str, body: object = None, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    """Send one request on a connection of its own; ``body`` is sent as it is if bytes, else as JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    connection = h11.Connection(h11.CLIENT)
    head = [("Host", "test"), ("Content-Length", str(len(data))), *headers]
    with trio.fail_after(10):
        async with await trio.open_tcp_stream(*address) as stream:
            out = connection.send(h11.Request(method=method, target=target, headers=head)) or b""
            await stream.send_all(out + (connection.send(h11.Data(data=data)) or b""))
            response, got = None, b""
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await stream.receive_some(65536))
                elif isinstance(event, h11.Response):
                    response = event
                elif isinstance(event, h11.Data):
                    got += event.data
                elif isinstance(event, h11.EndOfMessage):
                    assert response is not None
                    found = {key.decode().lower(): value.decode() for key, value in response.headers}
                    return Answer(response.status_code, found, got, response.reason)


class Api:
    """A server under test."""

    def __init__(self, kind: str, address: Address) -> None:
        self.kind = kind
        self.address = address

    async def call(self, method: str, path: str, body: object = None) -> Answer:
        return await ask(self.address, method, path, body)

    async def ok(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.call(method, path, body)
        assert 200 <= answer.status < 300, answer
        return answer.json if answer.body else None

    async def proxy(self, name: str, upstream: Address) -> Address:
        body = {"name": name, "listen": "127.0.0.1:0", "upstream": f"{upstream[0]}:{upstream[1]}"}
        host, port = (await self.ok("POST", "/proxies", body))["listen"].split(":")
        return host, int(port)

    async def toxic(self, proxy: str, kind: str, stream: str = "downstream", **attributes: int) -> None:
        await self.ok("POST", f"/proxies/{proxy}/toxics", {"type": kind, "stream": stream, "attributes": attributes})
