/** What must hold of a report in a browser; the fleet is that of `run.ts`. */
import assert from "node:assert/strict";
import type { ReportInBrowser } from "./report-in-browser.ts";

const ALL = ["evil1", "web3", "web9", "db01", "db02", "web1", "web2", "web4", "web5", "web6"];

type Check = (page: ReportInBrowser) => Promise<void>;

export const CASES: Readonly<Record<string, Check>> = {
  "it says who failed and why before anything has to be scrolled or clicked": async (page) => {
    assert.deepEqual(await page.seen("h1"), ["reload on 10 agents"]);
    assert.match(String(await page.seen(".verdict")), /^3 of 10 agents did not do what was asked/);
    const problems = await page.seen(".problems:not(.remarks) li");
    assert.match(problems[0] ?? "", /^evil1: exit status 2 after .+ s: ./);
    assert.match(
      problems[1] ?? "",
      /^web3: exit status 1 after .+ s: nginx: unknown directive "proxi_pass"$/,
    );
    const bottom = await page.value('document.querySelector(".problems").getBoundingClientRect().bottom');
    assert.ok(Number(bottom) < 900, String(bottom));
  },
  "the timeline has a row and a bar for each agent, those in trouble first": async (page) => {
    assert.deepEqual(await page.rows(), ALL);
    const bars = await page.bars();
    for (const name of ALL) assert.ok((bars[name] ?? 0) > 0, name);
    // The one that slept.
    assert.ok((bars["web6"] ?? 0) > 3 * (bars["web1"] ?? Infinity), JSON.stringify(bars));
  },
  "the filter finds agents by name": async (page) => {
    await page.filter("db");
    assert.deepEqual(await page.rows(), ["db01", "db02"]);
    assert.deepEqual(await page.seen("#count"), ["2 of 10 agents"]);
    assert.deepEqual(await page.seen("article h3"), ["db[01-02]"]);
    await page.filter("");
    assert.deepEqual(await page.rows(), ALL);
    assert.deepEqual(await page.seen("#count"), [""]);
  },
  "the filter finds agents by status and by what went wrong": async (page) => {
    await page.filter("missing");
    assert.deepEqual(await page.rows(), ["web9"]);
    await page.filter('"exit status 1"');
    assert.deepEqual(await page.rows(), ["web3"]);
  },
  "the filter finds agents by what they printed, in any case and in any order of words": async (page) => {
    await page.filter("PROXI_pass unknown");
    assert.deepEqual(await page.rows(), ["web3"]);
    assert.deepEqual(await page.seen("article h3"), ["web3"]);
    await page.filter("nginx here");
    assert.deepEqual(await page.rows(), ["db01", "db02"]);
  },
  "the filter says who of a group it has found": async (page) => {
    await page.filter("web2");
    assert.deepEqual(await page.rows(), ["web2"]);
    assert.deepEqual(await page.seen("article .matching"), ["among them: web2"]);
  },
  "the filter says so where nobody fits": async (page) => {
    await page.filter("nowhere to be found");
    assert.deepEqual(await page.rows(), []);
    assert.deepEqual(await page.seen("#none"), ["No agent fits."]);
    assert.deepEqual(await page.seen("article h3"), []);
  },
  "a figure is a filter, too, and is given up by a second click": async (page) => {
    await page.click('button[data-filter="failed"]');
    assert.deepEqual(await page.rows(), ["evil1", "web3"]);
    await page.filter("web");
    assert.deepEqual(await page.rows(), ["web3"]);
    await page.click('button[data-filter="failed"]');
    assert.deepEqual(await page.rows(), ["web3", "web9", "web1", "web2", "web4", "web5", "web6"]);
  },
  "what an agent printed is text, does nothing, and asks for nothing": async (page) => {
    await page.filter("evil1");
    await page.hover("article:not([hidden]) pre");
    assert.equal(await page.value("globalThis.pwned"), undefined);
    assert.equal(await page.value('document.querySelectorAll("img, iframe").length'), 0);
    assert.equal(await page.value('document.querySelectorAll("script").length'), 1);
    const [shown = ""] = await page.seen("article:not([hidden]) pre");
    assert.ok(shown.includes("<script>globalThis.pwned = 'script'</script>"), shown);
    assert.ok(shown.includes('<img src=https://example.org/x.png onerror="'), shown);
  },
  "its policy keeps a script from running and an image from being asked for that got in all the same": async (
    page,
  ) => {
    await page.value(`(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.pwned = 1";
      document.body.append(script);
      const image = document.createElement("img");
      image.src = "https://example.org/x.png";
      document.body.append(image);
    })()`);
    await page.value("new Promise((resolve) => setTimeout(resolve, 200))");
    assert.equal(await page.value("globalThis.pwned"), undefined);
    assert.deepEqual(page.requests, []);
    assert.equal(page.complaints.splice(0).filter((text) => /Content Security Policy/.test(text)).length, 2);
  },
  "without a script everything is there but the filter": async (page) => {
    const plain = await page.again({ hasScript: false });
    assert.deepEqual(await plain.rows(), ALL);
    assert.deepEqual(await plain.seen("#filter"), []);
    assert.equal((await plain.seen("article pre")).length, 4);
    plain.assertQuiet();
    await plain.close();
  },
  "it is not wider than a telephone, and dark where that is wanted": async (page) => {
    const color = "getComputedStyle(document.body).backgroundColor";
    const small = await page.again({ width: 390, scheme: "dark" });
    assert.equal(await small.value("document.documentElement.scrollWidth"), 390);
    assert.equal(await small.value(color), "rgb(15, 20, 27)");
    assert.equal(await page.value(color), "rgb(246, 247, 249)");
    small.assertQuiet();
    await small.close();
  },
};
