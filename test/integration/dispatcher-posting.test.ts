/** Posts of `cb dispatcher` that the server does not take, for now or for good. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../support/faraday-server.ts";
import { assertEnded, lines } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

/** Prints so many results. */
function results(count: number): string {
  return `seq 1 ${count} | sed 's/.*/{"hosts":[{"ip":"host-&","description":""}]}/'`;
}

/** The workspace of a post; undefined for any other request. */
function workspaceOf(path: string): string | undefined {
  return /^\/_api\/v3\/ws\/([^/]+)\/bulk_create$/.exec(path)?.[1];
}

test("cb dispatcher loses nothing at a server that answers 500 to half of all posts", async () => {
  await using box = await ScanBox.start();
  box.executor("prints", results(2));
  const posts = new Map<string, number>();
  box.server.fault = ({ path }) => {
    const workspace = workspaceOf(path);
    if (workspace === undefined) return undefined;
    const number = posts.get(workspace) ?? 0;
    posts.set(workspace, number + 1);
    return number % 2 === 0 ? { status: 500 } : undefined;
  };
  const dispatcher = await box.dispatcher();
  const workspaces = Array.from({ length: 10 }, (_, index) => `w${index}`);
  const { ids, successful, message } = await dispatcher.run("prints", {}, workspaces);
  assert.equal(successful, true, message);
  for (const id of ids) {
    const accepted = box.server.accepted(id);
    const hosts = accepted.flatMap((body) => body.hosts?.map(({ ip }) => ip) ?? []);
    assert.deepEqual(hosts, ["host-1", "host-2"]);
    assert.deepEqual(accepted.at(-1)?.hosts, []);
  }
  // Each post that was accepted had been refused before.
  for (const [workspace, number] of posts) {
    const accepted = box.server.posts.filter((post) => post.workspace === workspace);
    assert.equal(number, 2 * accepted.length);
  }
});

test("cb dispatcher posts again after 401, 402, 403, 429, a broken connection and silence, each workspace by itself", async () => {
  await using box = await ScanBox.start();
  const workspaces = ["inactive", "licence", "readonly", "busy", "broken", "silent", "fine"];
  for (const name of workspaces) box.server.addWorkspace(name);
  const [inactive, readonly] = ["inactive", "readonly"].map((name) => box.server.workspaces.get(name));
  assert(inactive !== undefined && readonly !== undefined);
  inactive.active = false;
  readonly.readonly = true;
  const faults = new Map<string, Fault>([
    ["licence", { status: 402, body: "<p>Your licence has expired</p>" }],
    ["busy", { status: 429, headers: { "retry-after": "2" } }],
    ["broken", "drop"],
    ["silent", "hang"],
  ]);
  const asked = new Map<string, number[]>();
  let isHealed = false;
  box.server.fault = ({ path }) => {
    const workspace = workspaceOf(path);
    if (workspace === undefined) return undefined;
    const times = asked.get(workspace) ?? [];
    asked.set(workspace, [...times, performance.now()]);
    // Those of the small server itself need no fault.
    const fault = faults.get(workspace);
    return (workspace === "busy" ? times.length === 0 : !isHealed) ? fault : undefined;
  };
  box.executor("prints", results(1));
  const dispatcher = await box.dispatcher(["--timeout", "1"]);
  const ids = box.server.run("prints", {}, workspaces);
  const [id = 0] = ids;
  await dispatcher.until("all to be tried", () => {
    return workspaces.every((name) => (asked.get(name)?.length ?? 0) >= (name === "silent" ? 2 : 1));
  });
  // Nobody waits for another workspace.
  assert.equal(box.server.accepted(ids.at(-1) ?? 0).length, 2);
  assert.deepEqual(dispatcher.endings(id), []);
  assert.equal(box.server.posts.find(({ workspace }) => workspace === "inactive")?.status, 401);
  assert.equal(box.server.posts.find(({ workspace }) => workspace === "readonly")?.status, 403);
  isHealed = true;
  inactive.active = true;
  readonly.readonly = false;
  const { successful, message } = await dispatcher.ending(id);
  assert.equal(successful, true, message);
  for (const each of ids) assert.equal(box.server.accepted(each).length, 2);
  const [refused = 0, taken = 0] = asked.get("busy") ?? [];
  assert(taken - refused >= 2000, `Retry-After: 2, but it came after ${taken - refused} ms`);
  await box.emptied();
  const list = await box.ask("spool", "list");
  assertEnded(list, 0, { stderr: ["0 results of 0 runs to post, 0 bytes; 0 posts refused"] });
});

test("cb dispatcher sets aside what the server refuses for good, and spool shows it, posts it again, drops it", async () => {
  await using box = await ScanBox.start();
  box.executor("prints", results(4));
  let isHealed = false;
  box.server.fault = ({ path }, body) => {
    const isBad = workspaceOf(path) !== undefined && !isHealed && /host-[23]/.test(body);
    return isBad ? { status: 400, body: "<title>400</title><p>It&#39;s \u001b[31mtoo odd</p>" } : undefined;
  };
  const dispatcher = await box.dispatcher();
  const { id, successful, message, hosts } = await dispatcher.run("prints");
  assert.deepEqual(hosts, ["host-1", "host-4"]);
  assert.equal(successful, false);
  assert.match(message, /^finished in \S+ s, 4 results, 2 posts refused by the server and set aside$/);

  const words = "It's \\^\\[\\[31mtoo odd";
  const items = [`${id}-0-1`, `${id}-0-2`];
  await box.emptied();
  const list = await box.ask("spool", "list");
  assert.deepEqual(
    [list.status, list.stderr],
    [0, "0 results of 0 runs to post, 0 bytes; 2 posts refused\n"],
  );
  const expected = items.map((item) => new RegExp(`^${item}\\s+prints\\s+w1\\s+.* ago\\s+400 ${words}$`));
  const rows = lines(list.stdout);
  assert.equal(rows.length, 2);
  for (const [index, row] of expected.entries()) assert.match(rows[index] ?? "", row);
  const status = await box.ask("status");
  assert.match(status.stdout, /^refused\s+2 posts$/m);

  const [first = "", second = ""] = items;
  const shown = await box.ask("spool", "show", first);
  assert.match(shown.stdout, new RegExp(`^answer\\s+400 ${words}$`, "m"));
  assert.match(shown.stdout, /"ip":"host-2"/);
  assert.equal((await box.ask("spool", "retry", first)).status, 1);
  isHealed = true;
  const retried = await box.ask("spool", "retry", first);
  assertEnded(retried, 0, { stdout: [`${first}   posted`] });
  assert.equal(box.server.accepted(id).at(-1)?.hosts?.[0]?.["ip"], "host-2");
  assertEnded(await box.ask("spool", "drop", second), 0, { stdout: [`${second}   dropped`] });
  for (const item of [...items, "../../agent"]) {
    const unknown = `cb: error: Cannot find "${item}" in quarantine: no such post`;
    assertEnded(await box.ask("spool", "show", item), 1, { stderr: [unknown] });
  }
  assertEnded(await box.ask("spool", "list"), 0, {
    stderr: ["0 results of 0 runs to post, 0 bytes; 0 posts refused"],
  });
});

test("cb dispatcher sets aside what no server would take without posting it, and spool shows why", async () => {
  await using box = await ScanBox.start();
  box.executor("odd", `echo '{"hosts":[{"description":"x"}]}'`, results(1));
  const dispatcher = await box.dispatcher();
  const { id, successful, hosts } = await dispatcher.run("odd", {}, ["w1", "w2"]);
  assert.deepEqual([successful, hosts], [false, ["host-1"]]);
  assert(box.server.posts.every(({ status }) => status === 201));
  const { stdout } = await box.ask("spool", "list");
  const words = "not posted: hosts\\[0\\]\\.ip: missing";
  assert.match(
    stdout,
    new RegExp(`^${id}-invalid\\d-0\\s+odd\\s+w1\\s+.*\\s+${words}\\n.*\\s+w2\\s+.*${words}\\n$`),
  );
});

test("cb dispatcher whose spool is full refuses new runs, drops nothing, and takes runs again when it is empty", async () => {
  await using box = await ScanBox.start();
  const text = "$(head -c 1100000 /dev/zero | tr '\\0' 'd')";
  box.executor("large", `echo "{\\"hosts\\":[{\\"ip\\":\\"host-1\\",\\"description\\":\\"${text}\\"}]}"`);
  box.executor("small", results(1));
  let isAway = true;
  box.server.fault = ({ path }) => (isAway && workspaceOf(path) !== undefined ? { status: 503 } : undefined);
  const dispatcher = await box.dispatcher(["--spool-size", "1"]);
  const [large = 0] = box.server.run("large");
  await dispatcher.until("the result", () =>
    box.read(`state/spool/${large}.ndjson`).includes('"type":"end"'),
  );
  const refused = await dispatcher.run("small");
  assert.equal(refused.successful, false);
  const why =
    /^not started: Cannot start "small": the spool holds 110\d{4} bytes of 1 run, its limit is 1000000$/;
  assert.match(refused.message, why);
  isAway = false;
  assert.equal((await dispatcher.ending(large)).successful, true);
  assert.equal(box.server.accepted(large)[0]?.hosts?.length, 1);
  await box.emptied();
  assert.equal((await dispatcher.run("small")).successful, true);
});
