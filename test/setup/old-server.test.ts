import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImportSurroundings } from "../../src/setup/import-surroundings.ts";
import { imported, TOKEN } from "./import.ts";

/** The lines below `server:`, of which the first is line 2. */
function server(lines: readonly string[], look?: Partial<ImportSurroundings>) {
  const text = `server:\n${lines.map((line) => `  ${line}\n`).join("")}agent: {agent_name: a}\n`;
  const { settings, notable, said } = imported(text, look);
  const named = ["server", "channel-server", "tls-ca", "insecure"].map((key) => [key, settings.get(key)]);
  const given = Object.fromEntries(named.filter(([, value]) => value !== undefined));
  return { given, notable, said };
}

const PLAIN = [
  "host: faraday.example",
  "api_port: 5985",
  "websocket_port: 5985",
  "ssl: False",
  "ssl_cert: ''",
];
const TLS = ["host: faraday.example", "api_port: 443", "websocket_port: 443", "ssl: True"];

test("setupOf() makes one URL of host, port, ssl and base route, with brackets around IPv6", () => {
  const urls: readonly (readonly [lines: readonly string[], url: string])[] = [
    [PLAIN, "http://faraday.example:5985"],
    [TLS, "https://faraday.example"],
    [
      ["host: 192.0.2.7", "api_port: '8443'", "websocket_port: '8443'", "ssl: 'True'"],
      "https://192.0.2.7:8443",
    ],
    [["host: '2001:db8::7'", "api_port: 80", "websocket_port: 80", "ssl: no"], "http://[2001:db8::7]"],
    [["host: '[::1]'", "api_port: 5985", "websocket_port: 5985"], "http://[::1]:5985"],
  ];
  for (const [lines, url] of urls) assert.deepEqual(server(lines).given, { server: url }, url);
  assert.deepEqual(server(PLAIN).notable, []);
});

test("setupOf() names a channel of its own only where the original had one: its port, and no base route", () => {
  const other = server(["host: h", "api_port: 5985", "websocket_port: 5986"]);
  assert.deepEqual(other.given, { server: "http://h:5985", "channel-server": "http://h:5986" });
  for (const route of ["faraday", "/faraday/"]) {
    const below = server([...TLS, `base_route: ${route}`]);
    const given = { server: "https://faraday.example/faraday", "channel-server": "https://faraday.example" };
    assert.deepEqual(below.given, given);
  }
  const legacy = server(["host: h", "api_port: 5985", "websocket_port: 9000"]).said;
  assert(
    legacy.some((line) => line.startsWith("taken 4 ") && line.includes("servers up to 4.6")),
    legacy.join("\n"),
  );
});

test("setupOf() takes 'False' in quotes for false, where the original would trust any certificate", () => {
  for (const word of ["'False'", '"false"', "'f'", "'0'"]) {
    const { given, notable } = server([...TLS, `ssl_ignore: ${word}`]);
    assert.deepEqual(given, { server: "https://faraday.example" }, word);
    const why = "the certificate IS verified; in quotes the agent takes any word for true";
    assert.deepEqual(notable, [`changed 6 server.ssl_ignore: ${why}`]);
  }
  for (const word of ["false", "no", "Off"]) {
    const { given, notable } = server([...TLS, `ssl_ignore: ${word}`]);
    assert.deepEqual([given, notable], [{ server: "https://faraday.example" }, []], word);
  }
});

test("setupOf() sets insecure where any certificate is to be taken, and says what that means", () => {
  for (const word of ["true", "yes", "'True'", "t"]) {
    const { given, said } = server([...TLS, `ssl_ignore: ${word}`]);
    assert.deepEqual(given, { server: "https://faraday.example", insecure: true }, word);
    assert(
      said.some((line) => line.startsWith("taken 6 ") && line.includes("insecure = true: ANY certificate")),
    );
  }
});

test("setupOf() takes ssl_cert for the one authority, and as the original pays no heed to ssl_ignore then", () => {
  const both = server([...TLS, "ssl_cert: /etc/ca.pem", "ssl_ignore: true"]);
  assert.deepEqual(both.given, { server: "https://faraday.example", "tls-ca": "/etc/ca.pem" });
  assert.deepEqual(both.notable, [
    "left 7 server.ssl_ignore: beside ssl_cert it does nothing, there as here",
  ]);
  const relative = server([...TLS, "ssl_cert: ca.pem"], {
    places: ["/home/me", "/srv"],
    isFile: (path) => path === "/srv/ca.pem",
  });
  assert.equal(relative.given["tls-ca"], "/srv/ca.pem");
});

test("setupOf() keeps to a certificate that is missing: without it others would be trusted", () => {
  const { given, notable } = server([...TLS, "ssl_cert: /gone.pem"], {
    certificatesProblem: () => "it is gone",
  });
  assert.equal(given["tls-ca"], "/gone.pem");
  assert.equal(notable.length, 1);
  assert.match(notable[0] ?? "", /^lost 6 server\.ssl_cert: tls-ca = "\/gone\.pem".*: it is gone$/);
});

test("setupOf() leaves what is about TLS where there is none, and says what took its place", () => {
  const { given, notable } = server([...PLAIN.slice(0, 4), "ssl_cert: /etc/ca.pem", "ssl_ignore: true"]);
  assert.deepEqual(given, { server: "http://faraday.example:5985" });
  assert.deepEqual(notable, [
    "left 6 server.ssl_cert: there is no TLS",
    "left 7 server.ssl_ignore: there is no TLS",
  ]);
  const word = server([...PLAIN.slice(0, 3), "ssl: 'true'"]);
  assert.deepEqual(word.given, { server: "http://faraday.example:5985" });
  assert.match(
    word.notable[0] ?? "",
    /^changed 5 server\.ssl: http:\/\/, as the agent takes only 'True' for true$/,
  );
});

test("setupOf() takes the defaults of the original's example for what is not there, and says so", () => {
  const { given, notable } = server(["ssl: false"]);
  assert.deepEqual(given, { server: "http://localhost:5985" });
  assert.deepEqual(notable, [
    "changed 2 server.host: it is not there: localhost",
    "changed 2 server.api_port: it is not there: 5985",
    "changed 2 server.websocket_port: it is not there: 5985",
  ]);
});

test("setupOf() leaves workspaces and what the agent never read", () => {
  const { notable } = server([...PLAIN, "workspaces: [a, b]", "colour: red"]);
  assert.deepEqual(notable, [
    "left 7 server.workspaces: the server names the workspaces of each run",
    "left 8 server.colour: the agent reads nothing there",
  ]);
});

test("setupOf() refuses what no URL can be made of, with its line", () => {
  const refused: readonly (readonly [line: string, message: RegExp])[] = [
    [
      "host: http://faraday.example",
      /line 2: server\.host: expected a host name or an address, without http/,
    ],
    ["host: a/b", /line 2: server\.host/],
    ["host: me@there", /line 2: server\.host/],
    ["host: [a]", /line 2: server\.host/],
    ["host: 'a:b:c'", /line 2: host: expected a host name or an address$/],
    ["api_port: 0", /line 2: server\.api_port: expected a port from 1 to 65535$/],
    ["api_port: 70000", /line 2: server\.api_port/],
    ["api_port: many", /line 2: server\.api_port/],
    ["websocket_port: {}", /line 2: server\.websocket_port/],
    ["ssl: maybe", /line 2: server\.ssl: expected True or False$/],
    ["ssl: [true]", /line 2: server\.ssl/],
    ["base_route: 'a?b'", /line 2: server\.base_route: expected a path such as faraday$/],
    ["base_route: [a]", /line 2: server\.base_route/],
  ];
  for (const [line, message] of refused)
    assert.throws(() => server([line]), { name: "CbError", code: "setting", message }, line);
  assert.throws(() => server(["ssl: true", "ssl_cert: [a]"]), /line 3: server\.ssl_cert: expected a path$/);
  assert.throws(
    () => server(["ssl: true", 'ssl_cert: "a\\0b"']),
    /line 3: server\.ssl_cert: expected a path$/,
  );
});

test("setupOf() takes the token for the server as describeServer has it, and never shows it", () => {
  const text = (token: string) =>
    `server: {host: H.example, api_port: 443, websocket_port: 443, ssl: true}\nagent: {}\ntokens:\n  ${token}\n`;
  const { registration, said } = imported(text(`agent: ${TOKEN}`));
  assert.deepEqual(registration, { token: TOKEN, server: "https://h.example" });
  assert(!said.join("\n").includes(TOKEN.slice(0, 8)));
  const wrong = imported(text("agent: hunter22"));
  assert.equal(wrong.registration, undefined);
  const how = "expected 64 letters and digits; register with cb dispatcher register --token CODE";
  assert.deepEqual(wrong.notable, [`lost 4 tokens.agent: ${how}`]);
  assert.deepEqual(imported(text("agent:")).notable, []);
  assert.deepEqual(imported(text("registration: '123456'")).notable, [
    "left 4 tokens.registration: a code is good once",
  ]);
});

test("setupOf() takes name and description, also as the web page calls it", () => {
  const agent = (...lines: readonly string[]) => {
    const { settings, notable } = imported(
      `server: {}\nagent:\n${lines.map((line) => `  ${line}\n`).join("")}`,
    );
    const found = ["name", "description"].map((key) => settings.get(key));
    return { found, notable: notable.filter((line) => !line.includes("server.")) };
  };
  assert.deepEqual(agent("agent_name: 007", "description: a b").found, ["007", "a b"]);
  assert.deepEqual(agent("agent_name: x", "agent_description: c").found, ["x", "c"]);
  assert.deepEqual(agent("agent_name: x", "agent_description:").found, ["x", undefined]);
  const both = agent("agent_description: page", "description: own");
  assert.deepEqual(both, {
    found: [undefined, "own"],
    notable: ["left 3 agent.agent_description: description is there too"],
  });
  assert.deepEqual(agent(`agent_name: ${"x".repeat(251)}`, "colour: red").notable, [
    "left 3 agent.agent_name: expected 1 to 250 characters",
    "left 4 agent.colour: the agent reads nothing there",
  ]);
});
