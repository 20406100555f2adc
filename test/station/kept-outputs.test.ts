import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/protocol/bytes.ts";
import { FoldedView } from "../../src/station/folded-view.ts";
import { KeptOutputs } from "../../src/station/kept-outputs.ts";
import { ReportView } from "../../src/station/report-view.ts";
import { Views } from "../../src/station/views.ts";
import { id } from "./scene.ts";
import { Captured, play } from "./view-scene.ts";

test("KeptOutputs keeps what the first view puts in, until the last one has left", () => {
  const kept = new KeptOutputs();
  const [first, second] = [kept.join(), kept.join()];
  for (const view of [first, second]) view.add(id("web1"), "stdout", utf8("once\n"));
  assert.equal(kept.store.sizes(id("web1")).stdout, 5);
  first.leave();
  assert.equal(kept.store.sizes(id("web1")).stdout, 5);
  second.leave();
  assert.equal(kept.store.sizes(id("web1")).stdout, 0);
});

test("KeptOutputs says why it keeps no more, and is empty then", () => {
  const kept = new KeptOutputs();
  const view = kept.join();
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = "/proc/no-such-directory";
  try {
    const megabyte = new Uint8Array(1024 * 1024);
    for (let piece = 0; piece < 20; piece += 1) view.add(id("web1"), "stdout", megabyte);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  assert.match(kept.trouble ?? "", /^Cannot make a file in "\/proc\/no-such-directory": /);
  assert.equal(kept.store.sizes(id("web1")).stdout, 0);
  view.leave();
});

test("KeptOutputs is enough for a page and folded output", async () => {
  const kept = new KeptOutputs();
  const pages: string[] = [];
  const captured = new Captured();
  const report = new ReportView((page) => pages.push(page), "0.1.0", kept);
  const folded = new FoldedView(captured.sink, () => 80, undefined, kept);
  const views = new Views({ before: [report], after: [], kept }, folded);
  // As the station does it, which gives each its own conclusion.
  const view = { ...bound(views), losses: [] };
  await play(view, [
    { name: "web1", stdout: "same\n" },
    { name: "web2", stdout: "same\n" },
    { name: "web3", stdout: "other\n" },
  ]);
  assert.match(captured.text, /── 2 agents: web\[1-2\] ─*\nsame\n/);
  assert.match(pages.join(""), /<h3 class="names">web\[1-2\]<\/h3><p>2 agents · 5 bytes<\/p>/);
  assert.equal(kept.store.sizes(id("web1")).stdout, 0);
});

function bound(views: Views) {
  return {
    start: views.start.bind(views),
    hello: views.hello.bind(views),
    output: views.output.bind(views),
    exit: views.exit.bind(views),
    flush: views.flush.bind(views),
    conclude: (conclusion: Parameters<FoldedView["conclude"]>[0]) => views.conclude(() => conclusion),
  };
}
