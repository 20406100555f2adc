import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CbError } from "../../src/core/errors.ts";
import { ReportView } from "../../src/station/report-view.ts";
import { target } from "./scene.ts";
import { type Played, play } from "./view-scene.ts";

/** The page of a session. */
async function page(agents: readonly Played[], circumstances?: Parameters<typeof play>[2]): Promise<string> {
  const pages: string[] = [];
  const view = new ReportView((text) => pages.push(text), "0.1.0");
  await play(view, agents, circumstances);
  assert.deepEqual([view.losses, pages.length], [[], 1]);
  return pages.join("");
}

const EVIL = '</pre></script><script>alert(1)</script><img src=x onerror="alert(1)">\u202e';

test("ReportView shows who failed, a row for each agent, and each output once with its difference", async () => {
  const text = await page(
    [
      { name: "web1", stdout: "reloaded\n" },
      { name: "web2", stdout: "reloaded\n" },
      { name: "web3", stderr: "no such file\n", exit: { status: 1 } },
      { name: "web4", disposition: { is: "refused", reason: "forbidden" } },
      { name: "db1", disposition: { is: "not-targeted" } },
    ],
    { missing: ["web9"], request: { target: target("web"), parameters: new Map([["port", "8080"]]) } },
  );
  assert.match(text, /<title>reload on 5 agents<\/title>/);
  assert.match(text, /channel default · who has the tag web · port=8080 · from admin1</);
  assert.match(text, />3 of 5 agents did not do what was asked<small>exit status 20 after 1\.23 s</);
  assert.match(text, /<li>web3: exit status 1 after 1\.23 s<\/li>/);
  const rows = [...text.matchAll(/<li class="row (\w+)" data-agent="(\w+)"/g)].map(([, status, name]) => [
    name,
    status,
  ]);
  assert.deepEqual(rows, [
    ["web3", "failed"],
    ["web4", "refused"],
    ["web9", "missing"],
    ["web1", "ok"],
    ["web2", "ok"],
  ]);
  assert.match(text, /<h3 class="names">web\[1-2\]<\/h3><p>2 agents · 9 bytes<\/p>/);
  assert.match(text, /<span class="del">- reloaded<\/span><span class="add">\+ ! no such file<\/span>/);
  assert.match(
    text,
    /<title>web3, heard after 0\.01 s, started after 0\.01 s, ended after 0\.80 s, failed, exit status 1 · /,
  );
});

test("ReportView counts alike everywhere, and has who is missing among what went wrong", async () => {
  const agents = [{ name: "web1" }, { name: "web2", exit: { status: 1 } }];
  const text = await page(agents, { missing: ["web8", "web9"] });
  assert.match(text, /<h1>reload on 4 agents<\/h1>/);
  assert.match(text, />4 agents · 1 ok · 1 failed · 2 missing · 1\.23 s/);
  assert.match(text, />3 of 4 agents did not do what was asked</);
  const [, wrong = ""] = /<h2>What went wrong<\/h2>([\s\S]*?)<\/section>/.exec(text) ?? [];
  const sentences = [...wrong.matchAll(/<li>(.*?)<\/li>/g)].map(([, sentence]) => sentence);
  assert.deepEqual(sentences, [
    "web2: exit status 1 after 1.23 s",
    "web[8-9] (2 agents) are missing, last seen 1 second ago",
  ]);
  assert.doesNotMatch(text, /<h2>Remarks<\/h2>/);
});

test("ReportView says that all is well where it is", async () => {
  assert.match(await page([{ name: "web1" }]), />The agent did what was asked<small>exit status 0 /);
  assert.match(await page([{ name: "web1" }, { name: "web2" }]), />All 2 agents did what was asked</);
  assert.match(await page([]), />Nobody ran it<small>exit status 64 /);
});

test("ReportView lets nothing through but text, and its policy nothing but its own style and script", async () => {
  const text = await page([
    { name: "web1", stdout: EVIL, stderr: EVIL },
    { name: "web2", exit: { ending: "not-started", status: undefined, detail: EVIL } },
  ]);
  assert.doesNotMatch(text, /<img|alert\(1\)<\/script>|\u202e/);
  assert.equal([...text.matchAll(/<script/g)].length, 1);
  const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text) ?? [];
  const inline = (tag: string) => {
    const [, source = ""] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(text) ?? [];
    return `&#39;sha256-${createHash("sha256").update(source).digest("base64")}&#39;`;
  };
  assert.equal(
    policy,
    `default-src &#39;none&#39;; style-src ${inline("style")}; script-src ${inline("script")}; ` +
      "base-uri &#39;none&#39;; form-action &#39;none&#39;",
  );
  assert.doesNotMatch(text, / style=|\bhref="(?!#)|\bsrc=(?!x)|url\(|@import/);
});

test("ReportView cuts a long output in the middle, and says where all of it can be had", async () => {
  const long = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join("");
  const text = await page([{ name: "web1", stdout: long }]);
  assert.match(text, /<span>line 0<\/span>/);
  assert.match(text, /<span>line 29999<\/span>/);
  assert.match(text, /<span class="gap"> {2}… 2\d\d kB cut here; --to-directory DIR keeps all of it<\/span>/);
  assert.match(text, /Long outputs are cut in the middle: run with --to-directory DIR to keep all of them\./);
});

test("ReportView has a limit for all outputs together, those in trouble first", async () => {
  const agents = Array.from({ length: 150 }, (_, index) => {
    return { name: `web${index}`, stdout: `${index}\n${"x".repeat(99)}\n`.repeat(500) };
  });
  const text = await page([
    ...agents,
    { name: "zz", stdout: `failing\n${"y\n".repeat(1000)}`, exit: { status: 1 } },
  ]);
  assert.ok(text.length < 8_000_000, `${text.length} characters`);
  assert.equal([...text.matchAll(/<span>y<\/span>/g)].length, 1000);
  for (const { name } of agents) assert.ok(text.includes(`<h3 class="names">${name}</h3>`), name);
});

test("ReportView folds the rows beyond a screen or two", async () => {
  const text = await page(Array.from({ length: 100 }, (_, index) => ({ name: `web${index}` })));
  assert.equal([...text.matchAll(/<svg height="14"/g)].length, 100);
  assert.match(text, /<details class="more"><summary>40 more agents<\/summary>/);
});

test("ReportView says why its page could not be written, and nothing else is lost", async () => {
  const why = 'Cannot write "page.html": no space left on device';
  const view = new ReportView(() => {
    throw new CbError("file", why);
  }, "0.1.0");
  await play(view, [{ name: "web1" }]);
  assert.deepEqual(view.losses, [why]);
});
