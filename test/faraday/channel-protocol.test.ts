import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { protocolOf } from "../../src/faraday/channel-protocol.ts";

const HTML = "text/html";
const OPEN = '0{"sid":"x","upgrades":["websocket"],"pingTimeout":220000,"pingInterval":60000}';

// what answers, status, media type, text, and what that says
const ANSWERS: readonly (readonly [string, number, string, string, "socket.io" | "legacy" | undefined])[] = [
  ["Faraday 5", 200, "text/plain", OPEN, "socket.io"],
  ["Faraday 5 without polling", 400, "application/json", '"Invalid transport"', "socket.io"],
  [
    "Faraday 4, with the page of the application",
    200,
    HTML,
    "<!doctype html><title>Faraday</title>",
    "legacy",
  ],
  ["the port of the WebSocket of Faraday 4", 200, HTML, "This is a websocket port.", "legacy"],
  ["a reverse proxy that knows no such path", 404, HTML, "<h1>404 Not Found</h1>", "legacy"],
  ["one that says so in JSON", 404, "application/json", "{}", "legacy"],
  ["one that takes no GET there", 405, "text/plain", "", "legacy"],
  ["a gateway whose server is away", 502, HTML, "<h1>502 Bad Gateway</h1>", undefined],
  ["a server that is busy", 503, "text/plain", "", undefined],
  ["a gateway that wants a login", 401, HTML, "<h1>401</h1>", undefined],
  ["a firewall", 403, HTML, "<h1>Blocked</h1>", undefined],
  [
    "a port that speaks TLS",
    400,
    HTML,
    "<h1>400 The plain HTTP request was sent to HTTPS port</h1>",
    undefined,
  ],
  ["a redirection", 301, HTML, "<h1>Moved</h1>", undefined],
  ["something with JSON", 200, "application/json", "{}", undefined],
  ["something that is silent", 204, "", "", undefined],
];

for (const [what, status, mediaType, text, said] of ANSWERS) {
  test(`protocolOf() takes the answer of ${what} for ${said ?? "neither"}`, () => {
    assert.equal(protocolOf({ status, mediaType, text, headers: {}, isCut: false }), said);
  });
}

test("protocolOf() takes nothing that a gateway makes of its own trouble for a protocol", () => {
  const status = fc.integer({ min: 500, max: 599 });
  fc.assert(
    fc.property(
      status,
      fc.constantFrom(HTML, "text/plain", "application/json"),
      fc.string(),
      (code, type, text) => {
        assert.equal(
          protocolOf({ status: code, mediaType: type, text, headers: {}, isCut: false }),
          undefined,
        );
      },
    ),
  );
});
