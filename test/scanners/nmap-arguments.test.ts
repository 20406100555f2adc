/** Which command lines the parameters of a run become, and which values become none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { agentOptions } from "../../src/scanners/agent-options.ts";
import { nmapScans } from "../../src/scanners/nmap-arguments.ts";

type Parameters = Readonly<Record<string, string>>;

const ALWAYS = ["-oX", "-", "--stats-every", "15s", "--noninteractive"];

function scans(parameters: Parameters, environment: Parameters = {}): readonly (readonly string[])[] {
  const variables = Object.entries(parameters).map(([name, value]) => [`EXECUTOR_CONFIG_${name}`, value]);
  return nmapScans({ ...Object.fromEntries(variables), ...environment }, agentOptions(environment));
}

/** What stands between that which is always there and the targets, of one scan. */
function options(parameters: Parameters, environment?: Parameters): readonly string[] {
  const [scan = [], ...more] = scans({ TARGET: "192.0.2.1", ...parameters }, environment);
  assert.equal(more.length, 0);
  assert.deepEqual(scan.slice(0, ALWAYS.length), ALWAYS);
  assert.deepEqual(scan.slice(-2), ["--", "192.0.2.1"]);
  return scan.slice(ALWAYS.length, -2);
}

function refusal(parameters: Parameters, environment?: Parameters): string {
  try {
    scans({ TARGET: "192.0.2.1", ...parameters }, environment);
  } catch (error) {
    if (error instanceof CbError && error.code === "setting") return error.message;
    throw error;
  }
  assert.fail(`${JSON.stringify(parameters)} is taken`);
}

test("nmapScans() has an option for each parameter", () => {
  assert.deepEqual(options({}), []);
  const all = {
    PORT_LIST: '["22", 80, "8000-8100"]',
    OPTION_SC: "True",
    OPTION_SV: "True",
    OPTION_PN: "True",
    SCRIPT_TIMEOUT: "30",
    HOST_TIMEOUT: "600",
    TOP_PORTS: "100",
    SCRIPT_CMD: "vulners",
  };
  assert.deepEqual(options(all), [
    ...["-sV", "-Pn", "-p22,80,8000-8100", "--top-ports", "100", "--script=default,vulners"],
    ...["--script-timeout", "30s", "--host-timeout", "600s"],
  ]);
});

test("nmapScans() runs the default scripts alone, or beside those that are asked for", () => {
  assert.deepEqual(options({ OPTION_SC: "True" }), ["-sC"]);
  assert.deepEqual(options({ OPTION_SC: "True", SCRIPT_CMD: "a and not b" }), [
    "--script=default,a and not b",
  ]);
});

test("nmapScans() takes False for what it says, and an empty value for one that is not there", () => {
  assert.deepEqual(options({ OPTION_SC: "False", OPTION_SV: "no", OPTION_PN: "0" }), []);
  const names = ["PORT_LIST", "OPTION_SC", "SCRIPT_TIMEOUT", "TOP_PORTS", "SCRIPT_CMD"];
  assert.deepEqual(options(Object.fromEntries(names.map((name) => [name, ""]))), []);
  assert.match(refusal({ OPTION_SC: "maybe" }), /^Cannot use OPTION_SC "maybe": expected True or False$/);
});

test("nmapScans() leaves names alone where the server does not want them looked up", () => {
  assert.deepEqual(options({}, { AGENT_CONFIG_RESOLVE_HOSTNAME: "False" }), ["-n"]);
  assert.deepEqual(options({}, { AGENT_CONFIG_RESOLVE_HOSTNAME: "True" }), []);
  assert.match(refusal({}, { AGENT_CONFIG_RESOLVE_HOSTNAME: "x" }), /RESOLVE_HOSTNAME/);
});

const targets = (TARGET: string) => scans({ TARGET }).map((scan) => scan.slice(ALWAYS.length));

test("nmapScans() takes targets as a JSON array, with commas, or with blanks, each once", () => {
  for (const text of [
    '["a.example", "192.0.2.1"]',
    "a.example,192.0.2.1",
    " a.example  192.0.2.1 a.example",
  ]) {
    assert.deepEqual(targets(text), [["--", "a.example", "192.0.2.1"]], text);
  }
  assert.deepEqual(targets('["192.0.2.1,5", "a.example,b.example"]'), [
    ["--", "192.0.2.1,5", "a.example", "b.example"],
  ]);
});

test("nmapScans() looks at IPv6 in a scan of its own", () => {
  assert.deepEqual(targets("2001:db8::1,192.0.2.1,fe80::1%eth0,2001:db8::/120"), [
    ["--", "192.0.2.1"],
    ["-6", "--", "2001:db8::1", "fe80::1%eth0", "2001:db8::/120"],
  ]);
  assert.deepEqual(targets("::1"), [["-6", "--", "::1"]]);
});

const TARGETS = [
  ...[
    "localhost",
    "a.example",
    "A-1.example.",
    "_x.example",
    "xn--bcher-kva.example",
    "a.example/24",
    "3com",
  ],
  ...[
    "192.0.2.1",
    "192.0.2.0/24",
    "0.0.0.0/0",
    "10.0.0-3.1-254",
    "10.0.*.1",
    "10.0.0.1-",
    "10.0.0.-",
    "10.0.-5.1",
  ],
];

test("nmapScans() takes names, addresses, networks and ranges", () => {
  for (const text of TARGETS) assert.deepEqual(targets(text), [["--", text]], text);
  assert.deepEqual(targets("bücher.example"), [["--", "xn--bcher-kva.example"]]);
});

const NO_TARGETS = [
  ...[
    "-",
    "--",
    "-iL",
    "-oN/tmp/x",
    "--script=x",
    "-1.2.3.4",
    "@x",
    "/etc/passwd",
    "./x",
    "..",
    "a..b",
    "a/b",
  ],
  ...["192.0.2.1/33", "a.example/33", "192.0.2.1/24/8", "192.0.2.256", "192.0.2.9-3", "192.0.2", "1", "0x1"],
  ...["2001:db8::/129", "fe80::1%-x", "fe80::1%a%b", "[::1]", "::1/1/2", "192.0.2.1:80", "http://a.example"],
  ...["a$(id).example", "a;b", "a|b", "a`b`", "a'b", 'a"b', "a\\b", "a&b", "a\0b", "x".repeat(64), "*", "a*"],
  ...["-a.example", "a-.example", "10.0.0.1,,2", "10.0.0.", ".1.2.3"],
];

test("nmapScans() refuses every other target, those that nmap would take for an option or a file above all", () => {
  for (const text of NO_TARGETS) {
    const message = refusal({ TARGET: JSON.stringify([text]) });
    assert.match(message, /^Cannot use TARGET ".*": expected a host name, /, text);
  }
  assert.match(refusal({ TARGET: "[]" }), /^Cannot scan: TARGET is missing, expected a host name, /);
  assert.match(refusal({ TARGET: " " }), /^Cannot scan: TARGET is missing/);
  for (const text of ["[", '[["a"]]', "[true]", "[null]", '{"a":1}[']) {
    assert.match(refusal({ TARGET: text }), /^Cannot use TARGET /, text);
  }
});

test("nmapScans() takes ports, ranges and names of TCP", () => {
  for (const text of [
    "80",
    "1-1024",
    "-",
    "-100",
    "60000-",
    "0-65535",
    "http",
    "http*",
    "T:80",
    "22,80,443",
  ]) {
    assert.deepEqual(options({ PORT_LIST: text }), [`-p${text}`], text);
  }
  assert.deepEqual(options({ PORT_LIST: '[22, "80,443"]' }), ["-p22,80,443"]);
  for (const text of [
    "65536",
    "1-65536",
    "9-3",
    "U:53",
    "S:1",
    "1-2-3",
    "--",
    "a.b",
    "/x",
    "$x",
    "80;id",
    "1 ,",
  ]) {
    const message = refusal({ PORT_LIST: JSON.stringify([text, "22"]) });
    assert.match(message, /^Cannot use PORT_LIST ".*": expected TCP ports /, text);
  }
});

test("nmapScans() takes whole numbers for numbers", () => {
  assert.deepEqual(options({ HOST_TIMEOUT: "0" }), ["--host-timeout", "0s"]);
  for (const [name, text] of [
    ["TOP_PORTS", "0"],
    ["TOP_PORTS", "65536"],
    ["TOP_PORTS", "10 -oN x"],
    ["SCRIPT_TIMEOUT", "1h"],
    ["HOST_TIMEOUT", "-1"],
    ["HOST_TIMEOUT", "1e3"],
  ] as const) {
    assert.match(refusal({ [name]: text }), /^Cannot use \w+ ".*": expected a whole number from /, text);
  }
});

test("nmapScans() takes scripts by name, category and expression, and no file that could be a program", () => {
  const good = [
    "default",
    "vuln,safe",
    "http-*",
    "+ssh-hostkey",
    "(default or safe) and not http-*",
    "not dos",
  ];
  for (const text of good) assert.deepEqual(options({ SCRIPT_CMD: text }), [`--script=${text}`], text);
  const bad = [
    "/etc/passwd",
    "./x",
    "x.nse",
    "../x",
    "scripts/",
    "a;b",
    "a=b",
    "-x",
    "a\\b",
    "~x",
    ",",
    "a\0",
    "x".repeat(5000),
  ];
  for (const text of bad)
    assert.match(refusal({ SCRIPT_CMD: text }), /^Cannot use SCRIPT_CMD ".*": expected /s, text);
});

test("nmapScans() makes no option and no file of any value", () => {
  const nasty = fc.array(
    fc.constantFrom("-", "--", "/", ".", "a", "1", ",", " ", "*", "'", "[", '"', "%", ":", "\n"),
  );
  const value = fc.oneof(
    fc.string(),
    nasty.map((parts) => parts.join("")),
  );
  const list = fc.oneof(
    value,
    fc.array(value).map((items) => JSON.stringify(items)),
  );
  fc.assert(
    fc.property(
      fc.record({ TARGET: list, PORT_LIST: list, SCRIPT_CMD: value, TOP_PORTS: value }),
      (parameters) => {
        let found: readonly (readonly string[])[];
        try {
          found = scans(parameters);
        } catch (error) {
          assert.ok(error instanceof CbError && error.code === "setting", String(error));
          return;
        }
        for (const scan of found) {
          const end = scan.indexOf("--");
          for (const target of scan.slice(end + 1)) assert.match(target, /^[\w*:][\w.:*,%/-]*$/);
          for (const word of scan.slice(ALWAYS.length, end)) {
            assert.match(word, /^(-6|-p[\w*?:,-]+|--top-ports|\d+|--script=[\w*+,() -]+)$/);
          }
        }
      },
    ),
    { numRuns: 3000 },
  );
});
