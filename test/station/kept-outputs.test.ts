import assert from "node:assert/strict";
import { test } from "node:test";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
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

test("KeptOutputs keeps what is there where there is no room for more, and says whose output is not whole, and why", () => {
  const kept = new KeptOutputs();
  const [view, second] = [kept.join(), kept.join()];
  view.add(id("web2"), "stdout", utf8("before\n"));
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = "/proc/no-such-directory";
  const megabyte = new Uint8Array(1024 * 1024);
  try {
    for (let piece = 0; piece < 20; piece += 1)
      for (const name of ["web1", "web3"]) view.add(id(name), "stdout", megabyte.fill(piece));
    view.add(id("web2"), "stdout", utf8("behind\n"));
    view.add(id("web4"), "stdout", utf8("small\n"));
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  assert.match(
    view.losses().join("\n"),
    /^the output of web\[1,3\] is not whole: Cannot make a file in "\/proc\/no-such-directory": no such .*$/,
  );
  assert.deepEqual(second.losses(), []);
  const text = (name: string) =>
    [...kept.store.pieces(id(name))].map(({ data }) => new TextDecoder().decode(data)).join("");
  assert.deepEqual([text("web2"), text("web4")], ["before\nbehind\n", "small\n"]);
  assert.equal(kept.compared(id("web2")).cut, undefined);
  // The beginning, and nothing that came behind what is lost.
  const bytes = concatAll([...kept.store.pieces(id("web1"))].map(({ data }) => data));
  const megabytes = bytes.length / megabyte.length;
  assert.ok(megabytes >= 7 && megabytes < 10, `${megabytes}`);
  for (let piece = 0; piece < megabytes; piece += 1) assert.equal(bytes[piece * megabyte.length], piece);
  assert.equal(kept.store.sizes(id("web1")).stdout, bytes.length);
  view.leave();
  second.leave();
});

test("KeptOutputs has two outputs of which something is lost equal to nobody's", () => {
  const kept = new KeptOutputs();
  const view = kept.join();
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = "/proc/no-such-directory";
  try {
    for (const name of ["a", "b"]) view.add(id(name), "stdout", new Uint8Array(17 * 1024 * 1024));
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  const [a, b] = [kept.compared(id("a")), kept.compared(id("b"))];
  assert.notEqual(a.digest, b.digest);
  assert.deepEqual([a.cut, b.cut], Array(2).fill("no such file or directory"));
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
