import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { parseManifest } from "../../src/exec/manifest.ts";
import { EMPTY_MANIFEST } from "../../src/setup/dispatcher-setup.ts";
import { manifestText } from "../../src/setup/manifest-text.ts";
import { readOldConfiguration } from "../../src/setup/old-configuration.ts";
import { imported, TOKEN, withPython } from "./import.ts";

function read(text: string | Uint8Array) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return readOldConfiguration(bytes, "old.yaml");
}

test("readOldConfiguration() tells INI from YAML by what is in it", () => {
  const ini = "\n  ; words\n# [a]\r\n [server]\nhost = h\n[agent]\nagent_name = a\nexecutors =\n";
  assert.equal(read(ini).server.line, 4);
  assert.equal(read(`\u{feff}${ini}`).server.line, 4);
  assert.equal(read("# [server]\nserver: {}\nagent: {}\n").server.line, 2);
  assert.throws(
    () => read("[server, agent]\n"),
    /line 1: expected a configuration of Faraday's agent dispatcher$/,
  );
});

test("readOldConfiguration() refuses in one line what is none", () => {
  const other = "expected a configuration of Faraday's agent dispatcher";
  const refused: readonly (readonly [text: string | Uint8Array, why: string])[] = [
    ["", "it is empty"],
    ["# nothing\n", "it is empty"],
    ["~\n", "it is empty"],
    ["words\n", `line 1: ${other}`],
    ["services: {web: {}}\n", `it has no server, ${other}`],
    ["server: {}\n", `it has no agent, ${other}`],
    ["[server]\nhost = h\n", `it has no agent, ${other}`],
    ["[agent]\nexecutors =\n", `it has no server, ${other}`],
    ["agent: {}\nserver: h\n", "line 2: server: expected its keys below it"],
    ["server: {}\nagent:\n", "line 2: agent: expected its keys below it"],
    ["server: {}\nagent: {}\ntokens: x\n", "line 3: tokens: expected its keys below it"],
    [Uint8Array.of(0x61, 0x3a, 0xff), "expected text in UTF-8"],
  ];
  for (const [text, why] of refused)
    assert.throws(() => read(text), {
      name: "CbError",
      message: `Cannot import "old.yaml": ${why}`,
    });
});

test("readOldConfiguration() leaves what stands beside server, agent and tokens", () => {
  const { notes } = read("server: {}\nlogging: {}\nagent: {}\ntokens:\n");
  assert.deepEqual(notes.all, [
    { line: 2, kind: "left", key: "logging", text: "the agent reads nothing there" },
  ]);
});

/** As the page of agents of Faraday's server makes it (5.25), but for the values. */
const PAGE = ` agent:
   agent_name: box
   agent_description: in the rack
   executors:
     nessus:
       max_size: 65536
       params:
         NESSUS_SCAN_TARGET:
           mandatory: true
           type: string
           base: string
       repo_name: nessus
       repo_executor: nessus.py
       varenvs:
         NESSUS_USERNAME:  scanner
         NESSUS_PASSWORD:  hunter22
         NESSUS_URL:  https://nessus.example
     none:
       max_size: 65536
       params:
       repo_name: none
       repo_executor: none.py
       varenvs: {}

 server:
   api_port: '5985'
   host: faraday.example
   ssl: 'False'
   ssl_cert: ''
   ssl_ignore: 'False'
   websocket_port: '80'
`;

test("setupOf() takes the file of the server's web page", () => {
  const { settings, executors, notable, said } = imported(PAGE, withPython("NESSUS_URL"));
  assert.deepEqual(Object.fromEntries(settings), {
    server: "http://faraday.example:5985",
    "channel-server": "http://faraday.example",
    "tls-ca": undefined,
    insecure: undefined,
    name: "box",
    description: "in the rack",
    executors: ["nessus", "none"],
    python: "/venv/bin/python",
  });
  assert.deepEqual(
    executors.map(({ manifest }) => manifest?.official),
    ["nessus", "none"],
  );
  assert.deepEqual(notable, [
    "lost 22 none.repo_executor: it does not run without 1 variable more: NESSUS_URL",
    "left 30 server.ssl_ignore: there is no TLS",
  ]);
  assert(!said.join("\n").includes("hunter22"));
});

test("setupOf() gives every manifest a text that reads as it was meant", () => {
  const { executors } = imported(PAGE, withPython());
  for (const { manifest = EMPTY_MANIFEST } of executors) {
    const text = manifestText(manifest, (variable) => `/state/${variable}`);
    const { official, longestLine, environment } = parseManifest(new TextEncoder().encode(text), "x.toml");
    assert.deepEqual([official, longestLine], [manifest.official, manifest.longestLine]);
    assert.deepEqual([...environment.keys()].toSorted(), [...manifest.environment.keys()].toSorted());
  }
});

const INI = `[server]\nworkspace = w\nhost = h\napi_port = 1\nwebsocket_port = 2\n[agent]\nagent_name = a\nexecutors = x\n
[x]\ncmd = y\n[x_varenvs]\nkey = 1\n[x_params]\nt = True\n[tokens]\nagent = ${TOKEN}\n`;

/** Bytes, text, and files that are right but for some places. */
const anyFile = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 300 }).map((text) => new TextEncoder().encode(text)),
  fc
    .array(
      fc.constantFrom(
        ..."server:,agent:,tokens:,[server],[agent],[x],[x_params],executors:,executors = x,host: h,cmd: x,<<: *a".split(
          ",",
        ),
        ..."&a,*a,!!str,!x,'\"',{,},[,],- ,  , a: b,\n,\n  ,\n    ,varenvs:,params:,%(a)s,%,\t,#,;,|,>,~,\0,é,\u{2028}".split(
          ",",
        ),
      ),
      { maxLength: 60 },
    )
    .map((pieces) => new TextEncoder().encode(pieces.join(""))),
  fc
    .tuple(fc.constantFrom(PAGE, INI), fc.nat(), fc.nat({ max: 30 }), fc.string({ maxLength: 20 }))
    .map(([text, start, length, other]) => {
      const at = start % text.length;
      return new TextEncoder().encode(text.slice(0, at) + other + text.slice(at + length));
    }),
);

test("setupOf() answers any file with a set-up that can be written, or one line", () => {
  const outcomes = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(anyFile, (bytes) => {
      try {
        const { executors, said } = imported(bytes, withPython());
        for (const { manifest = EMPTY_MANIFEST, name } of executors)
          parseManifest(new TextEncoder().encode(manifestText(manifest, () => "/x")), name);
        assert(
          said.every((line) => /^\w+ [1-9]\d* /.test(line)),
          said.join("\n"),
        );
        outcomes.taken += 1;
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
        assert.match(error.message, /^Cannot import "old\.yaml": .+$/);
        outcomes.refused += 1;
      }
    }),
    { numRuns: 2000 },
  );
  assert(outcomes.taken > 100 && outcomes.refused > 100, JSON.stringify(outcomes));
});
