/** `cb executor nmap` with a real nmap and servers of our own on loopback. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { EXECUTABLE, ROOT } from "../../build/paths.ts";
import { findTool } from "../../build/tool.ts";
import { assertEnded, lines, processIsGone } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

/** Where `cb` itself is, for the executor that is shipped. */
const PATH = `${dirname(EXECUTABLE)}:/usr/local/bin:/usr/bin:/bin`;
const FIXTURES = join(ROOT, "test/fixtures/nmap");

/** Something that listens on a port of loopback's, and greets. */
async function listening(greeting: string): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on("error", () => {}).end(greeting);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { port: address.port, server };
}

function executor(box: ScanBox, parameters: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const variables = Object.entries(parameters).map(([name, value]) => [`EXECUTOR_CONFIG_${name}`, value]);
  const environment = { PATH, ...Object.fromEntries(variables) };
  return box.start(["executor", "nmap", ...args], { environment });
}

type Line = { readonly hosts: readonly [{ readonly ip: string; readonly services: readonly Found[] }] };
type Found = { readonly port: number; readonly status: string; readonly version: string };

function hosts(stdout: string): Line["hosts"][0][] {
  return lines(stdout).map((line) => (JSON.parse(line) as Line).hosts[0]);
}

test("cb executor nmap scans what its variables name, and prints each host as a line", async () => {
  await using box = await ScanBox.start();
  const { port, server } = await listening("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
  try {
    const parameters = { TARGET: '["127.0.0.1", "127.0.0.2"]', PORT_LIST: `[${port}]`, OPTION_SV: "True" };
    const { status, stdout, stderr } = await executor(box, parameters).finished;
    assert.equal(status, 0, stderr);
    const [one, other, ...more] = hosts(stdout);
    assert.equal(more.length, 0);
    assert.deepEqual([one?.ip, other?.ip], ["127.0.0.1", "127.0.0.2"]);
    assert.deepEqual(
      one?.services.map(({ port: found, status: state, version }) => [found, state, version]),
      [[port, "open", "OpenSSH 9.2p1 Debian 2+deb12u3 (protocol 2.0)"]],
    );
    assert.deepEqual(
      other?.services.map(({ status: state }) => state),
      ["closed"],
    );
    assert.match(stderr, /^2 hosts, 2 services, 0 vulnerabilities$/m);
  } finally {
    server.close();
  }
});

test("cb dispatcher try runs the executor that is shipped, and posts its lines as they are [F19]", async () => {
  await using box = await ScanBox.start();
  // Whatever the modes of the checkout are.
  for (const [name, mode] of [
    ["nmap", 0o755],
    ["nmap.toml", 0o644],
  ] as const) {
    copyFileSync(join(ROOT, "packaging/run.d", name), box.path(`run.d/${name}`));
    chmodSync(box.path(`run.d/${name}`), mode);
  }
  const words = ["dispatcher", "try", "nmap", "-r", box.path("run.d")];
  const parameters = ["target=127.0.0.1", "port_list=1", "option_pn=no"].flatMap((one) => ["--param", one]);
  const { status, stdout, stderr } = await box.start([...words, ...parameters], { environment: { PATH } })
    .finished;
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    hosts(stdout).map(({ ip, services }) => [ip, services[0]?.status]),
    [["127.0.0.1", "closed"]],
  );
  const said = lines(stderr);
  assert.equal(said[0], "1 host, 1 service, 0 vulnerabilities");
  assert.match(said[1] ?? "", /^successful: finished in \S+ s, 1 result$/);
  assert.equal(said.length, 2);
});

test("cb executor nmap reports the rest where a name does not resolve, and is no success", async () => {
  await using box = await ScanBox.start();
  const parameters = { TARGET: "nosuch.invalid,127.0.0.1", PORT_LIST: "1" };
  const { status, stdout, stderr } = await executor(box, parameters).finished;
  assert.equal(status, 1);
  assert.deepEqual(
    hosts(stdout).map(({ ip }) => ip),
    ["127.0.0.1"],
  );
  assert.equal(
    lines(stderr).at(-1),
    'cb: error: Cannot finish the scan: the name "nosuch.invalid" does not resolve',
  );
});

test("cb executor nmap says in one line what nmap would not do, and what it is not given", async () => {
  await using box = await ScanBox.start();
  const noScript = await executor(box, { TARGET: "127.0.0.1", PORT_LIST: "1", SCRIPT_CMD: "nosuch" })
    .finished;
  assert.equal(noScript.status, 1);
  assert.match(
    lines(noScript.stderr).at(-1) ?? "",
    /^cb: error: Cannot finish the scan: NSE: .*'nosuch' did not match a category, filename, or directory$/,
  );
  const file = box.path("written");
  const injected = await executor(box, { TARGET: JSON.stringify([`-oN${file}`]) }).finished;
  assert.equal(injected.status, 1);
  assert.match(injected.stderr, /^cb: error: Cannot use TARGET "-oN.*": expected a host name/);
  assert.equal(box.read("written"), "");
  symlinkSync(findTool("setpriv") ?? assert.fail("setpriv is not here"), box.path("setpriv"));
  const environment = { PATH: box.directory, EXECUTOR_CONFIG_TARGET: "127.0.0.1" };
  const absent = await box.start(["executor", "nmap"], { environment }).finished;
  assertEnded(absent, 1, { stderr: ["cb: error: Cannot scan: nmap is not installed"] });
});

test("cb executor nmap runs no script of the directory that it is started in", async () => {
  await using box = await ScanBox.start();
  const script = `description="" categories={"safe"} prerule=function() return false end action=function() end`;
  box.file("own.nse", `io.open("${box.path("pwned")}", "w"):write("x") ${script}`);
  const command = `cd "${box.directory}" && exec "$@"`;
  const environment = {
    PATH,
    EXECUTOR_CONFIG_TARGET: "127.0.0.1",
    EXECUTOR_CONFIG_PORT_LIST: "1",
    EXECUTOR_CONFIG_SCRIPT_CMD: "own",
  };
  const wrapper = ["sh", "-c", command, "sh"];
  const { status, stderr } = await box.start(["executor", "nmap"], { environment, wrapper }).finished;
  assert.equal(status, 1, stderr);
  assert.match(stderr, /'own' did not match/);
  assert.equal(box.read("pwned"), "");
});

test("cb executor nmap ends nmap with itself, and keeps what was complete", async () => {
  await using box = await ScanBox.start();
  // One that accepts and says nothing keeps -sV waiting.
  const { port, server } = await listening("");
  server.removeAllListeners("connection");
  server.on("connection", (socket) => socket.on("error", () => {}));
  try {
    const program = executor(box, { TARGET: "127.0.0.1", PORT_LIST: String(port), OPTION_SV: "True" });
    const nmap = await program.until("nmap", () => childNamed("nmap", program.pid));
    program.kill("SIGTERM");
    const { status, stdout } = await program.finished;
    assert.deepEqual([status, stdout], [143, ""]);
    await processIsGone(nmap);
  } finally {
    server.close();
  }
});

/** The id of a process that this one has started. */
function childNamed(name: string, parent: number): string | undefined {
  return readdirSync("/proc").find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      return stat.includes(`(${name})`) && stat.includes(`) S ${parent} `);
    } catch {
      return false;
    }
  });
}

test("cb executor nmap takes a report in place of a scan, from a file and from standard input", async () => {
  await using box = await ScanBox.start();
  const report = join(FIXTURES, "plain.xml");
  const fromFile = await executor(box, {}, ["--report", report]).finished;
  assertEnded(fromFile, 0, {
    stdout: lines(fromFile.stdout),
    stderr: ["2 hosts, 14 services, 0 vulnerabilities"],
  });
  const wrapper = ["sh", "-c", `exec "$@" <"${report}"`, "sh"];
  const surroundings = { environment: { PATH }, wrapper };
  const fromInput = await box.start(["executor", "nmap", "--report", "-"], surroundings).finished;
  assertEnded(fromInput, 0, {
    stdout: lines(fromFile.stdout),
    stderr: ["2 hosts, 14 services, 0 vulnerabilities"],
  });
});

test("cb executor nmap says of which hosts nothing is known, and why", async () => {
  await using box = await ScanBox.start();
  const read = async (name: string) => executor(box, {}, ["--report", join(FIXTURES, name)]).finished;
  const given = await read("timed-out.xml");
  assertEnded(given, 0, {
    stdout: lines(given.stdout),
    stderr: [
      "192.0.2.7: given up, HOST_TIMEOUT is over; its ports are not known",
      "192.0.2.8: given up, HOST_TIMEOUT is over; its ports are not known",
      "2 hosts, 0 services, 0 vulnerabilities",
    ],
  });
  const silent = await read("silent.xml");
  assertEnded(silent, 0, {
    stdout: lines(silent.stdout),
    stderr: ["1 host, 2 services, 0 vulnerabilities; left out, since nothing answered: 1 host"],
  });
});

test("cb executor nmap prints the complete hosts of a report that is cut off, and is no success", async () => {
  await using box = await ScanBox.start();
  const cut = box.file("cut.xml", readFileSync(join(FIXTURES, "plain.xml"), "latin1").slice(0, -600));
  const { status, stdout, stderr } = await executor(box, {}, ["--report", cut]).finished;
  assert.deepEqual([status, hosts(stdout).map(({ ip }) => ip)], [1, ["192.0.2.7"]]);
  assert.equal(
    lines(stderr).at(-1),
    "cb: error: Cannot read the report: nmap's report is not whole: it ends in the middle",
  );
  const none = await executor(box, {}, ["--report", box.path("none.xml")]).finished;
  assertEnded(none, 1, {
    stderr: [`cb: error: Cannot read "${box.path("none.xml")}": no such file or directory`],
  });
});

test("cb executor nmap ends without a word, and nmap with it, where nobody reads its output any more", async () => {
  await using box = await ScanBox.start();
  const script = '{ "$@"; echo "status $?" >&2; } | true';
  const environment = { PATH, EXECUTOR_CONFIG_TARGET: "127.0.0.1", EXECUTOR_CONFIG_PORT_LIST: "1" };
  const surroundings = { environment, wrapper: ["sh", "-c", script, "sh"] };
  for (const args of [[], ["--report", join(FIXTURES, "plain.xml")]]) {
    const { stderr } = await box.start(["executor", "nmap", ...args], surroundings).finished;
    assert.equal(stderr, "status 141\n");
  }
});

test("cb executor nmap leaves out hosts of a report whose address is none, says which, and is no success", async () => {
  await using box = await ScanBox.start();
  const host = (ip: string) =>
    `<host><status state="up"/><address addr="${ip}" addrtype="ipv4"/><ports/></host>`;
  const text = ["../../x", "192.0.2.7", "999.9.9.9"].map(host).join("");
  const report = box.file("report.xml", `<nmaprun>${text}<runstats/></nmaprun>`);
  const { status, stdout, stderr } = await executor(box, {}, ["--report", report]).finished;
  assert.equal(status, 1);
  assert.deepEqual(
    hosts(stdout).map(({ ip }) => ip),
    ["192.0.2.7"],
  );
  const [one, other] = ["../../x", "999.9.9.9"].map(
    (ip) => `the report has a host whose address is none, "${ip}"`,
  );
  assert.equal(lines(stderr).at(-1), `cb: error: Cannot read the report: ${one}; ${other}`);
});
