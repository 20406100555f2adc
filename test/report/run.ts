/**
 * `npm run test:report [-- --screenshots DIR]`: the page of `cb station run --report` in a real browser, made by the
 * program of a real fleet. Ends with `N passed, N failed`.
 *
 * The browser is Debian's chromium, which is installed where it is missing and that is allowed. A request that leaves
 * the page is a failure, whatever asked for it.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import puppeteer, { type Browser } from "puppeteer-core";
import { build } from "../../build/build.ts";
import { program } from "../../build/program.ts";
import { tool } from "../../build/tool.ts";
import { Fleet } from "../support/fleet.ts";
import { CASES } from "./cases.ts";
import { ReportInBrowser } from "./report-in-browser.ts";

/** As wide as a laptop and as a telephone. */
const WIDTHS = [1280, 390] as const;

/** What an agent prints that wants to run in the browser of whoever reads it. */
const EVIL = [
  "<script>globalThis.pwned = 'script'</script>",
  "</script></pre></style><script>globalThis.pwned = 'closed'</script>",
  "<img src=https://example.org/x.png onerror=\"globalThis.pwned = 'image'\">",
  "<svg onload=\"globalThis.pwned = 'svg'\"></svg><iframe src=https://example.org/></iframe>",
  '" onmouseover="globalThis.pwned = 1" x="<!--',
];

const NAMES = ["web1", "web2", "web3", "web4", "web5", "web6", "db01", "db02", "evil1"];

/** @returns the path of a page about a fleet of which some do well */
async function makeReport(fleet: Fleet): Promise<string> {
  fleet.file("evil", EVIL.join("\n"));
  fleet.command(
    "reload",
    'case "$1" in',
    "  web3) echo reloading; echo 'nginx: unknown directive \"proxi_pass\"' >&2; exit 1;;",
    `  evil1) cat ${fleet.path("evil")}; cat ${fleet.path("evil")} >&2; exit 2;;`,
    "  web6) sleep 1;;",
    "  db*) echo 'no nginx here'; exit 0;;",
    "esac",
    "echo reloading; echo 'nginx: configuration is fine'; echo 'nginx reloaded'",
  );
  await Promise.all(NAMES.map((name) => fleet.agent(name)));
  const gone = await fleet.agent("web9");
  await fleet.station("ping");
  await gone.stop();
  const path = fleet.path("report.html");
  const { status, stderr } = await fleet.station("run", "reload", "--output", "quiet", "--report", path);
  if (status !== 4) throw new Error(`cb station run ended with ${status}:\n${stderr}`);
  return path;
}

async function testReport(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { screenshots: { type: "string" } } });
  const executablePath = tool("chromium", "chromium");
  await build(signal);
  await using fleet = await Fleet.start();
  const path = await makeReport(fleet);
  // A sandbox of its own it cannot make as root; what it opens is our file.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await puppeteer.launch({ executablePath, args: sandbox });
  try {
    let [passed, failed] = [0, 0];
    for (const [name, check] of Object.entries(CASES)) {
      signal.throwIfAborted();
      const page = await ReportInBrowser.open(browser, path);
      try {
        await check(page);
        page.assertQuiet();
        passed += 1;
        process.stdout.write(`passed  ${name}\n`);
      } catch (error) {
        failed += 1;
        process.stdout.write(`failed  ${name}\n${error instanceof Error ? error.stack : String(error)}\n`);
      } finally {
        await page.close();
      }
    }
    if (values.screenshots !== undefined) await takeScreenshots(browser, path, values.screenshots);
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  } finally {
    await browser.close();
  }
}

async function takeScreenshots(browser: Browser, path: string, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const scheme of ["light", "dark"] as const) {
    for (const width of WIDTHS) {
      const page = await ReportInBrowser.open(browser, path, { scheme, width });
      await page.screenshot(join(directory, `report-${scheme}-${width}.png`));
      await page.close();
    }
  }
}

await program((signal) => testReport(process.argv.slice(2), signal));
