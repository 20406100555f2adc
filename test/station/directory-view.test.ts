import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentOutputs, DirectoryView } from "../../src/station/directory-view.ts";
import { eventProblems } from "../support/event-schema.ts";
import { exit, hello, id, runRequest } from "./scene.ts";
import { play } from "./view-scene.ts";

/** Keeps it in memory. */
class Kept implements AgentOutputs {
  readonly losses = ["a loss"];
  readonly files = new Map<string, string>();
  readonly finished: string[] = [];

  append(identity: string, stream: string, data: Uint8Array): void {
    const name = `${identity}/${stream}`;
    this.files.set(name, (this.files.get(name) ?? "") + new TextDecoder().decode(data));
  }

  finish(identity: string): void {
    this.finished.push(identity);
  }

  finishAll(): void {
    this.finished.push("all");
  }

  result(identity: string, text: Uint8Array): void {
    assert.ok(!this.files.has(`${identity}/result.json`), `${identity} has two results`);
    this.files.set(`${identity}/result.json`, new TextDecoder().decode(text));
  }

  resultOf(name: string) {
    return JSON.parse(this.files.get(`${name}/result.json`) ?? assert.fail(`${name} has no result`));
  }
}

test("DirectoryView passes on what comes, and one result for each agent that was meant", async () => {
  const kept = new Kept();
  const view = new DirectoryView(kept);
  await play(
    view,
    [
      { name: "web1", stdout: "one\ntwo", stderr: "oops\n", exit: { status: 3 } },
      { name: "web2", exit: "never", stdout: "half" },
      { name: "web3", disposition: { is: "refused", reason: "forbidden" } },
      { name: "db1", disposition: { is: "not-targeted" } },
    ],
    { missing: ["web9"] },
  );
  const results = ["web1", "web2", "web3", "web9"].map((name) => kept.resultOf(name));
  assert.deepEqual(eventProblems()(results), []);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["failed", "unfinished", "refused", "missing"],
  );
  for (const name of ["web1", "web2", "web3", "web9"]) kept.files.delete(`${name}/result.json`);
  assert.deepEqual(Object.fromEntries(kept.files), {
    "web1/stdout": "one\ntwo",
    "web1/stderr": "oops\n",
    "web2/stdout": "half",
    "web2/stderr": "",
  });
  assert.deepEqual([kept.finished, view.losses], [["web1", "all"], ["a loss"]]);
});

test("DirectoryView waits for the end to say what became of who was held and not released", async () => {
  const kept = new Kept();
  const view = new DirectoryView(kept);
  await view.start(runRequest());
  for (const name of ["web1", "web2"]) await view.hello(hello(name, { disposition: { is: "held" } }));
  assert.deepEqual([...kept.files.keys()], []);
  await view.release([id("web1")]);
  assert.deepEqual([...kept.files.keys()].toSorted(), ["web1/stderr", "web1/stdout"]);
  await view.exit(id("web1"), exit());
  await view.exit(id("web2"), exit({ ending: "cancelled", status: undefined }));
  const trouble = "not run: web1 failed";
  const agents = [
    { identity: id("web1"), verdict: "ok" as const, status: 0 },
    { identity: id("web2"), verdict: "not run" as const, status: 64, trouble },
  ];
  const findings = { problems: [], remarks: [] };
  const told = { ...findings, findings, absences: [], successes: [], faults: [], summary: "" };
  const outcome = { status: 64, ...told, agents };
  await view.conclude({ outcome, losses: [], status: 64, agents: [], missing: [], elapsed: 5 });
  assert.deepEqual([kept.resultOf("web1").status, kept.resultOf("web2").status], ["ok", "not_run"]);
  assert.equal(kept.resultOf("web2").reason, trouble);
  assert.ok(!kept.files.has("web2/stdout"));
});
