import assert from "node:assert/strict";
import { test } from "node:test";
import { imported, TOKEN } from "./import.ts";

const SERVER = `[server]
host = faraday.example
api_port = 5985
websocket_port = 5985
`;

test("setupOf() takes the INI of versions 1 and 2, with flags as texts that may be mandatory", () => {
  const { executors, settings, registration, notable } = imported(`; of 2020
${SERVER}ssl = True
ssl_cert =

[agent]
agent_name = Box
executors = own, other,,gone

[own]
cmd = /opt/x
  --deep
max_size = 1024

[own_varenvs]
api_key = K
[own_params]
TARGET: True
mode = no

[other]
repo_executor = nmap.py

[spare]
cmd = 50%

[tokens]
registration = 1234
agent = ${TOKEN}
`);
  assert.deepEqual(registration, { token: TOKEN, server: "https://faraday.example:5985" });
  assert.deepEqual([settings.get("name"), settings.get("executors")], ["Box", ["own", "other"]]);
  const [own, other] = executors;
  assert.match(own?.program ?? "", /\n\/opt\/x\n--deep\n$/);
  assert.deepEqual(
    own?.manifest?.parameters.map(({ name, types, mandatory }) => [name, ...types, mandatory]),
    [
      ["target", "string", true],
      ["mode", "string", false],
    ],
  );
  assert.deepEqual(own?.manifest?.longestLine, 1024);
  assert.deepEqual([...(own?.manifest?.environment ?? [])], [["API_KEY", { secret: "K" }]]);
  assert.equal(other?.manifest?.official, "nmap");
  assert.deepEqual(
    notable.map((line) => line.split(":")[0]),
    ["lost 11 gone.cmd", "lost 25 other.repo_executor", "left 27 spare", "left 31 tokens.registration"],
  );
});

test("setupOf() takes the INI of version 0.1, whose one executor has no name, and whose server has TLS", () => {
  const { executors, settings, notable } = imported(
    `${SERVER}workspace = w\n[executor]\ncmd = /dir/example.py\nagent_name = agent\nmax_size = 1\n`,
  );
  assert.equal(settings.get("server"), "https://faraday.example:5985");
  assert.equal(settings.get("name"), "agent");
  assert.deepEqual(
    executors.map(({ name }) => name),
    ["unnamed_executor"],
  );
  assert.deepEqual(notable, [
    "left 5 server.workspace: the server names the workspaces of each run",
    "left 9 max_size: the agent reads nothing there",
  ]);
  const without = imported(`${SERVER}workspaces = w\nssl = False\n[agent]\nagent_name = a\nexecutors =\n`);
  assert.equal(without.settings.get("server"), "http://faraday.example:5985");
});
