/** What executors print for `cb dispatcher`, as badly as they can, and what reaches the server and the log. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { processIsGone } from "../support/running-program.ts";
import { hostsIn, ScanBox } from "../support/scan-box.ts";

/** Prints one result. */
function host(last: number, end = "\\n"): string {
  return `printf '{"hosts":[{"ip":"192.0.2.${last}","description":""}]}${end}'`;
}

function addresses(...last: readonly number[]): readonly string[] {
  return last.map((number) => `192.0.2.${number}`);
}

test("cb dispatcher takes every line of JSON, whatever is around it, and says what it could not take [F5]", async () => {
  await using box = await ScanBox.start();
  box.executor("no-newline", host(1), host(2, ""));
  box.executor("blank-lines", "echo", host(1), "echo; echo '  '", host(2), "echo");
  box.executor("crlf", host(1, "\\r\\n"), host(2, "\\r\\n"));
  box.executor("no-objects", host(1), `printf '[1]\\n3\\n"text"\\nnull\\n'`, host(2));
  box.executor("garbage", "echo hello", `echo '{"hosts":'`, "printf '{\"hosts\":[]}\\377\\n'", host(2));
  box.executor("invalid", host(1), `echo '{"hosts":[{"description":"no address"}]}'`, host(2));
  const dispatcher = await box.dispatcher();
  const cases = [
    ["no-newline", [1, 2], true, /^finished in \S+ s, 2 results$/],
    ["blank-lines", [1, 2], true, /^finished in \S+ s, 2 results$/],
    ["crlf", [1, 2], true, /^finished in \S+ s, 2 results$/],
    ["no-objects", [1, 2], false, /^finished in \S+ s, 2 results, 4 lines of JSON that is no object$/],
    ["garbage", [2], false, /^finished in \S+ s, 1 result, 3 lines of no JSON$/],
    ["invalid", [1, 2], false, /, 2 results, 1 line of a form that Faraday does not take/],
  ] as const;
  for (const [executor, found, isSuccess, expected] of cases) {
    const { successful, message, hosts } = await dispatcher.run(executor);
    assert.deepEqual(hosts, addresses(...found), executor);
    assert.match(message, expected);
    assert.equal(successful, isSuccess, message);
  }
  assert.equal(dispatcher.records("line-refused").length, 8);
});

test("cb dispatcher goes on after a blank line, and ends there where the manifest says so, and never hangs [F7]", async () => {
  await using box = await ScanBox.start();
  const script = [host(1), "echo", host(2), `head -c 400000 /dev/zero | tr '\\0' 'x'`, "echo", host(3)];
  box.executor("goes-on", ...script);
  box.executor("ends", ...script);
  box.manifest("ends", 'blank-line = "end"');
  const dispatcher = await box.dispatcher();
  const whole = await dispatcher.run("goes-on");
  assert.deepEqual(whole.hosts, addresses(1, 2, 3));
  assert.match(whole.message, /^finished in \S+ s, 3 results, 1 line of no JSON$/);
  const part = await dispatcher.run("ends");
  assert.deepEqual(part.hosts, addresses(1));
  assert.match(part.message, /^finished in \S+ s, 1 result$/);
});

test("cb dispatcher posts a line of 5 MB host by host, and refuses one that is longer than the manifest allows", async () => {
  await using box = await ScanBox.start();
  // 50 hosts with 100 kB each, in one line.
  const script = [
    "printf '{\"hosts\":['",
    "text=$(head -c 100000 /dev/zero | tr '\\0' 'd')",
    "separator=",
    'for number in $(seq 1 50); do printf \'%s{"ip":"192.0.2.%s","description":"%s"}\' "$separator" $number $text; separator=,; done',
    "echo ']}'",
    host(100),
  ];
  box.executor("long", ...script);
  box.executor("too-long", ...script);
  box.manifest("too-long", "longest-line = 1000000");
  const dispatcher = await box.dispatcher();
  const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
  const long = await dispatcher.run("long");
  assert.equal(long.successful, true, long.message);
  assert.deepEqual(long.hosts, addresses(...numbers, 100));
  const sizes = box.server.accepted(long.id).map((body) => JSON.stringify(body).length);
  assert(sizes.length >= 5 && Math.max(...sizes) < 2.2e6, sizes.join());
  const tooLong = await dispatcher.run("too-long");
  assert.deepEqual(tooLong.hosts, addresses(100));
  assert.match(tooLong.message, /^finished in \S+ s, 1 result, 1 line longer than the manifest allows$/);
});

test("cb dispatcher posts each result as it comes, and does not wait for who leaves with its output [F29] [F42] [F43]", async () => {
  await using box = await ScanBox.start();
  const wait = box.waitFor("go");
  box.executor("slow", host(1), wait, host(2));
  box.executor("leaves", host(1), `sh -c 'echo $$ >${box.path("pid")}; sleep 100' &`, host(2));
  const dispatcher = await box.dispatcher(["--drain-grace", "0.2"]);
  const [id = 0] = box.server.run("slow");
  await dispatcher.until("the first result", () => hostsIn(box.server.accepted(id)).length === 1);
  assert.deepEqual(dispatcher.endings(id), []);
  box.file("go", "");
  assert.equal((await dispatcher.ending(id)).successful, true);

  const { successful, message, hosts } = await dispatcher.run("leaves");
  assert.deepEqual([successful, hosts], [true, addresses(1, 2)], message);
  await dispatcher.until("the process that stayed", () => box.read("pid").includes("\n"));
  const pid = box.read("pid").trim();
  process.kill(-groupOf(pid), "SIGKILL");
  await processIsGone(pid);
});

test("cb dispatcher gives an executor its parameters, those of the server, and nothing else of its surroundings [F9] [F10] [F41]", async () => {
  await using box = await ScanBox.start();
  box.executor("env", `env | sort >${box.path("env")}; pwd >>${box.path("env")}`);
  box.manifest(
    "env",
    ...["N", "F", "B", "L", "S"].flatMap((name, index) => {
      const types = ["integer", "float", "boolean", "list", "string"];
      return [`[parameters.${name}]`, `type = "${types[index]}"`];
    }),
    "[environment]",
    ...["PORT = 8080", "FACTOR = 1.50", "FLAG = true", 'TEXT = "a b"'],
  );
  const dispatcher = await box.dispatcher([], { environment: { PRIVATE: "x", CB_PASSWORD: "y" } });
  const plugin = { ignore_info: false, resolve_hostname: true, vuln_tag: ["a", 1], max_severity: "HIGH" };
  const args = { N: 7, F: 0.5, B: false, L: ["a", "ü"], S: "two\nlines" };
  const [id = 0] = box.server.run("env", args, ["w1"], plugin);
  const { successful, message } = await dispatcher.ending(id);
  assert.equal(successful, true, message);
  const lines = box.read("env").split("\n");
  const found = new Map(lines.map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]));
  const expected = {
    EXECUTOR_CONFIG_N: "7",
    EXECUTOR_CONFIG_F: "0.5",
    EXECUTOR_CONFIG_B: "False",
    EXECUTOR_CONFIG_L: '["a", "\\u00fc"]',
    EXECUTOR_CONFIG_S: "two",
    CB_PARAM_N: "7",
    CB_PARAM_B: "False",
    AGENT_CONFIG_IGNORE_INFO: "False",
    AGENT_CONFIG_RESOLVE_HOSTNAME: "True",
    AGENT_CONFIG_VULN_TAG: "a,1",
    AGENT_CONFIG_MAX_SEVERITY: "HIGH",
    PORT: "8080",
    FACTOR: "1.50",
    FLAG: "True",
    TEXT: "a b",
    CB_COMMAND: "env",
    CB_RUN: String(id),
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(found.get(name), value, name);
  for (const name of ["PRIVATE", "CB_PASSWORD", "STATE_DIRECTORY"]) assert(!found.has(name), name);
  // It has a directory of its own, which is gone with it.
  const directory = `${box.state}/work/${id}`;
  assert.deepEqual([found.get("PWD"), found.get("TMPDIR")], [directory, directory]);
  assert(!existsSync(directory));
});

test("cb dispatcher calls a run no failure because it cannot delete what the executor has left", async () => {
  await using box = await ScanBox.start();
  box.executor("leaves", "mkdir -p left/behind", "chmod 0 left", host(1));
  // Root deletes everything unless it gives up the capabilities for it.
  const asRoot = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"];
  const wrapper = process.getuid?.() === 0 ? asRoot : [];
  const dispatcher = await box.dispatcher([], { wrapper });
  const { id, successful, message } = await dispatcher.run("leaves");
  assert.equal(successful, true, message);
  const { reason } = await dispatcher.logged("work-left");
  chmodSync(`${box.state}/work/${id}/left`, 0o700);
  assert.match(String(reason), /permission denied/);
});

/** The process group of a process (proc(5)). */
function groupOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")")).split(" ")[3]);
}
