import assert from "node:assert/strict";
import { test } from "node:test";
import type { Identity } from "../../src/core/names.ts";
import { type RecordKeeper, RecordView } from "../../src/station/record-view.ts";
import type { Changes, RunStart, Word } from "../../src/station/run-record.ts";
import { exit, hello, id, NOW, pingRequest, runRequest } from "./scene.ts";
import { play } from "./view-scene.ts";

/** Keeps it in memory, and what was asked of it. */
class Kept implements RecordKeeper {
  readonly failures = ["a failure"];
  readonly calls: string[] = [];
  readonly words = new Map<Identity, Word | undefined>();
  readonly told: string[] = [];
  readonly #meant: readonly Identity[];

  constructor(...meant: readonly string[]) {
    this.#meant = meant.map(id);
  }

  begin({ command, begun }: RunStart): readonly Identity[] {
    this.calls.push(`begin ${command} ${begun}`);
    return this.#meant;
  }

  change(changes: Changes): void {
    for (const [identity, word] of changes) {
      this.words.set(identity, word);
      this.told.push(`${identity} ${word}`);
    }
  }

  end(): void {
    this.calls.push("end");
  }

  withdraw(): void {
    this.calls.push("withdraw");
  }
}

const BEGIN = `begin reload ${NOW}`;

test("RecordView tells of everybody who was meant what became of it, once a run is over", async () => {
  const kept = new Kept("web1", "db1", "web8", "web9");
  const view = new RecordView(kept);
  view.prepare(runRequest({ parameters: new Map([["target", "s3cret"]]) }));
  await play(
    view,
    [
      { name: "web1" },
      { name: "web2", exit: { status: 3 } },
      { name: "web3", disposition: { is: "refused", reason: "forbidden" } },
      { name: "web4", disposition: { is: "declined", reason: "busy" } },
      { name: "web5", exit: "never" },
      { name: "db1", disposition: { is: "not-targeted" } },
    ],
    { missing: ["web9"] },
  );
  assert.deepEqual(Object.fromEntries(kept.words), {
    web1: "ok",
    web2: "failed",
    web3: "refused",
    web4: "not run",
    web5: "unfinished",
    // Not meant after all.
    db1: undefined,
    // Where the operator left before they could be called missing, they are so here.
    web8: "missing",
    web9: "missing",
  });
  assert.deepEqual(kept.calls, [BEGIN, "end"]);
  assert.deepEqual([view.losses, view.failures], [[], ["a failure"]]);
});

test("RecordView tells of an agent as soon as it is known, and calls the rest in doubt", async () => {
  const kept = new Kept("web1", "web2");
  const view = new RecordView(kept);
  view.prepare(runRequest());
  await view.start();
  await view.hello(hello("web1"));
  await view.hello(hello("web2", { disposition: { is: "queued" } }));
  await view.hello(hello("web3", { disposition: { is: "held" } }));
  await view.hello(hello("web4", { disposition: { is: "held" } }));
  await view.exit(id("web1"), exit());
  await view.exit(id("web3"), exit({ ending: "cancelled", status: undefined }));
  await view.release([id("web4")]);
  await view.exit(id("web4"), exit({ status: 1 }));
  assert.deepEqual(Object.fromEntries(kept.words), {
    web1: "ok",
    web2: "in doubt",
    // It was not released, and what that makes of it is for the end to say.
    web3: "in doubt",
    web4: "failed",
  });
  view.close();
  assert.deepEqual(kept.calls, [BEGIN, "end"]);
});

test("RecordView tells nothing twice: a run of another station may have changed it since", async () => {
  const kept = new Kept("web1", "web2");
  const view = new RecordView(kept);
  view.prepare(runRequest());
  await play(view, [{ name: "web1" }, { name: "web2", exit: { status: 3 } }]);
  assert.deepEqual(kept.told.toSorted(), ["web1 in doubt", "web1 ok", "web2 failed", "web2 in doubt"]);
});

test("RecordView withdraws what was never published", () => {
  const kept = new Kept("web1");
  const view = new RecordView(kept);
  view.prepare(runRequest());
  view.close();
  assert.deepEqual(kept.calls, [BEGIN, "withdraw"]);
});

test("RecordView keeps nothing of a ping, nor of what never came to be asked", async () => {
  const kept = new Kept("web1");
  const view = new RecordView(kept);
  view.prepare(pingRequest());
  await play(view, [{ name: "web1" }]);
  view.close();
  assert.deepEqual([kept.calls, kept.words.size], [[], 0]);
});
