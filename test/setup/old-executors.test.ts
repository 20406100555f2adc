import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_MANIFEST } from "../../src/setup/dispatcher-setup.ts";
import { imported, withExecutors, withPython } from "./import.ts";

const HEAD = "#!/bin/sh\n# The command of an executor of Faraday's agent dispatcher, as it stood.\n";

test("setupOf() makes a script and a manifest of a command, with its parameters, variables and longest line", () => {
  const { executors, settings, notable } = imported(
    withExecutors(
      "own-1:",
      "  cmd: /opt/x --deep",
      "  max_size: '131072'",
      "  varenvs: {api_key: 0x1F, host: 10.0.0.1}",
      "  params:",
      "    TARGET: {mandatory: true, type: list, base: list}",
      "    mode: {mandatory: 'True', type: [integer, string], base: string, description: how, display_name: Mode}",
      "    PASS: {mandatory: false, type: password, base: string}",
    ),
  );
  const [executor, ...others] = executors;
  assert.deepEqual([others, notable, settings.get("executors")], [[], [], ["own-1"]]);
  assert.equal(executor?.name, "own-1");
  assert.equal(executor.program, `${HEAD}/opt/x --deep\n`);
  const { comment, parameters, environment, ...rest } = executor.manifest ?? EMPTY_MANIFEST;
  assert.equal(rest.longestLine, 131_072);
  assert.match(comment.join("\n"), /longest-line was max_size/);
  const common = { description: undefined, displayName: undefined, secret: false };
  assert.deepEqual(parameters, [
    { ...common, name: "TARGET", types: ["list"], base: "list", mandatory: true },
    {
      name: "mode",
      types: ["integer", "string"],
      base: "string",
      mandatory: true,
      secret: false,
      description: "how",
      displayName: "Mode",
    },
    { ...common, name: "PASS", types: ["password"], base: "string", mandatory: false, secret: true },
  ]);
  assert.deepEqual(
    [...environment],
    [
      ["API_KEY", { secret: "0x1F" }],
      ["HOST", { value: "10.0.0.1" }],
    ],
  );
});

test("setupOf() takes the original's 65536 bytes where nothing is said of a longest line, and what ours can hold", () => {
  const longest = (line: string) => {
    const { executors, notable } = imported(withExecutors("x:", "  cmd: 'true'", `  ${line}`));
    return [executors[0]?.manifest?.longestLine, notable.length];
  };
  assert.deepEqual(longest("max_size: 1"), [1, 0]);
  assert.deepEqual(longest("params: {}"), [65_536, 0]);
  assert.deepEqual(longest("max_size: 0"), [65_536, 1]);
  assert.deepEqual(longest("max_size: many"), [65_536, 1]);
  assert.deepEqual(longest("max_size: 999999999999"), [268_435_456, 1]);
});

test("setupOf() names Faraday's own executors, which have their parameters from there, and the Python", () => {
  const lines = [
    "scan:",
    "  repo_executor: nessus.py",
    "  repo_name: nessus",
    "  cmd: ignored",
    "  params: {X: {mandatory: true, type: nonsense, base: string}}",
    "  varenvs: {nessus_url: 'https://n.example'}",
    "  max_size: 65536",
  ];
  const { executors, settings, notable } = imported(withExecutors(...lines), withPython("NESSUS_URL"));
  assert.deepEqual(notable, ["left 12 scan.cmd: repo_executor is stronger"]);
  assert.equal(settings.get("python"), "/venv/bin/python");
  const [executor] = executors;
  assert.deepEqual([executor?.program, executor?.manifest?.official], [undefined, "nessus"]);
  assert.deepEqual(executor?.manifest?.parameters, []);
  assert.deepEqual(
    [...(executor?.manifest?.environment ?? [])],
    [["NESSUS_URL", { value: "https://n.example" }]],
  );
});

test("setupOf() says LOST of one of Faraday's own that would not run: no Python, no such one, no variables", () => {
  const lines = withExecutors("scan:", "  repo_executor: nessus.py");
  const told = (look: Parameters<typeof imported>[1]) => {
    const { executors, settings, notable } = imported(lines, look);
    assert.equal(executors[0]?.manifest?.official, "nessus");
    return [settings.get("python"), ...notable];
  };
  assert.deepEqual(told({}), [
    undefined,
    "lost 10 scan.repo_executor: no Python with Faraday's executors was found: give it with --python",
  ]);
  assert.deepEqual(told({ ...withPython(), officialVariables: () => undefined }), [
    "/venv/bin/python",
    'lost 10 scan.repo_executor: "/venv/bin/python" has no executor "nessus" of Faraday',
  ]);
  assert.deepEqual(told(withPython("A", "B")), [
    "/venv/bin/python",
    "lost 10 scan.repo_executor: it does not run without 2 variables more: A, B",
  ]);
});

test("setupOf() names cb's own executor in the place of Faraday's only without a Python and under the same name", () => {
  const lines = (name: string) =>
    withExecutors(`${name}:`, "  repo_executor: nmap.py", "  params: {}", "  varenvs: {A: b}");
  const isShipped = (name: string) => name === "nmap";
  const ours = imported(lines("nmap"), { isShipped });
  assert.deepEqual(ours.executors, [{ name: "nmap", program: undefined, manifest: undefined }]);
  assert.deepEqual(ours.settings.get("executors"), ["nmap"]);
  assert.deepEqual(ours.notable, [
    "changed 10 nmap.repo_executor: cb's own nmap runs in its place, as no Python with Faraday's was found",
    "left 12 nmap.varenvs: cb's own nmap reads none",
  ]);
  const other = imported(lines("scan"), { isShipped });
  assert.match(other.notable.join("\n"), /^lost 10 scan\.repo_executor/);
  const theirs = imported(lines("nmap"), { isShipped, ...withPython() });
  assert.equal(theirs.executors[0]?.manifest?.official, "nmap");
});

test("setupOf() finds the name of Faraday's manifest as the original does", () => {
  const official = (line: string) => {
    const { executors } = imported(withExecutors("x:", `  ${line}`), withPython());
    return executors[0]?.manifest?.official;
  };
  assert.equal(official("repo_executor: sublist3r.sh"), "sublist3r");
  assert.equal(official("repo_executor: gvm_openvas.py"), "gvm_openvas");
  assert.equal(official("{repo_executor: nmap.py, repo_name: nessus}"), "nmap");
  assert.equal(official("repo_name: nessus"), "nessus");
  assert.equal(official("{repo_name: nessus, cmd: /x}"), undefined);
  assert.equal(official("repo_executor: ../../x.py"), undefined);
});

test("setupOf() says LOST with its line of each executor, parameter and variable that cannot be had here", () => {
  const { executors, notable } = imported(
    withExecutors(
      "my scan: {cmd: /x, max_size: 1, params: {}, varenvs: {}}",
      "x: {cmd: /x}",
      "x.toml: {cmd: /x}",
      "nothing: {max_size: 1}",
      'nul: {cmd: "a\\0b"}',
      "text: just text",
      "own:",
      "  cmd: /x",
      "  colour: red",
      "  params:",
      "    A-B: {mandatory: true, type: string}",
      "    A: {mandatory: true, type: string}",
      "    a: {mandatory: true, type: string}",
      "    B: {mandatory: true, type: nonsense}",
      "    C: {mandatory: true, type: [ip, nonsense]}",
      "    D: {mandatory: true}",
      "    E: text",
      "  varenvs:",
      "    PATH: /opt",
      "    ld_preload: x",
      "    A-B: x",
      "    C: [1]",
      "    D: 1",
      "    d: 2",
      '    E: "a\\0b"',
    ),
  );
  assert.deepEqual(
    executors.map(({ name }) => name),
    ["x", "own"],
  );
  const own = executors[1]?.manifest;
  assert.deepEqual(
    own?.parameters.map(({ name, types }) => [name, ...types]),
    [
      ["A", "string"],
      ["C", "ip"],
      ["D", "string"],
    ],
  );
  assert.deepEqual([...(own?.environment ?? [])], [["D", { secret: "2" }]]);
  const types = "string, integer, float, boolean, list, domains, ip, range, url, password";
  const name = "expected 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first";
  const parameter = "expected 1 to 64 letters, digits and underscores, a letter or underscore first";
  assert.deepEqual(notable, [
    `lost 9 my scan: no executor can have this name: ${name}`,
    "lost 11 x.toml: no executor can have this name: its name ends like that of a manifest",
    "lost 12 nothing.cmd: neither a command nor repo_executor: there is nothing to run",
    "lost 13 nul.cmd: neither a command nor repo_executor: there is nothing to run",
    "lost 14 text: expected its keys below it",
    "left 17 own.colour: the agent reads nothing there",
    `lost 19 own.params.A-B: ${parameter}`,
    "lost 21 own.params.a: it differs from A in case only",
    `lost 22 own.params.B: expected a type of ${types}`,
    `changed 23 own.params.C: a type of it is not known, expected a type of ${types}`,
    "changed 24 own.params.D: it has no type: string",
    "lost 25 own.params.E: expected mandatory, type and base below it",
    'lost 27 own.varenvs.PATH: the name is reserved; put "export PATH=…" into the script instead',
    "lost 28 own.varenvs.ld_preload: the name is reserved",
    "lost 29 own.varenvs.A-B: expected letters, digits and underscores in its name",
    "lost 30 own.varenvs.C: expected a text",
    "left 31 own.varenvs.D: line 32 sets it again, which counts",
    "lost 33 own.varenvs.E: expected a text without NUL",
  ]);
});

test("setupOf() takes no executors for none, and refuses what is no list of them", () => {
  for (const text of ["", "  executors:\n", "  executors: {}\n"]) {
    const { executors, settings } = imported(`server: {}\nagent:\n  agent_name: a\n${text}`);
    assert.deepEqual([executors, settings.get("executors")], [[], []]);
  }
  const list = "server: {}\nagent:\n  executors: [a]\n";
  assert.throws(() => imported(list), /line 3: agent\.executors: expected a name and its keys for each$/);
});
