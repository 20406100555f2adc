/** A report as a browser shows it, and all that it asked for or complained about. */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "puppeteer-core";

type Surroundings = {
  readonly width?: number;
  readonly scheme?: "light" | "dark";
  readonly hasScript?: boolean;
};

export class ReportInBrowser {
  readonly #page: Page;
  readonly #url: string;
  /** Requests but that for the page itself. */
  readonly requests: string[] = [];
  /** Errors of scripts, and what the policy has kept from happening. */
  readonly complaints: string[] = [];

  private constructor(page: Page, url: string) {
    this.#page = page;
    this.#url = url;
  }

  static async open(
    browser: Browser,
    path: string,
    { width = 1280, scheme = "light", hasScript = true }: Surroundings = {},
  ): Promise<ReportInBrowser> {
    const page = await browser.newPage();
    const report = new ReportInBrowser(page, pathToFileURL(path).href);
    await page.setJavaScriptEnabled(hasScript);
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      if (request.url() !== report.#url) report.requests.push(request.url());
      // Even if the policy failed: nothing of a test goes out.
      void (request.url() === report.#url ? request.continue() : request.abort());
    });
    page.on("pageerror", (error) => report.complaints.push(String(error)));
    page.on("console", (message) => report.complaints.push(message.text()));
    await page.goto(report.#url);
    return report;
  }

  /** The page again, without its script or on another screen. */
  async again(surroundings: Surroundings): Promise<ReportInBrowser> {
    return ReportInBrowser.open(this.#page.browser(), new URL(this.#url).pathname, surroundings);
  }

  /** Types into the filter box, in place of what is there. */
  async filter(text: string): Promise<void> {
    await this.#page.click("#filter", { count: 3 });
    await this.#page.keyboard.press("Backspace");
    await this.#page.keyboard.type(text);
  }

  async click(selector: string): Promise<void> {
    await this.#page.click(selector);
  }

  async hover(selector: string): Promise<void> {
    await this.#page.hover(selector);
  }

  /** Texts of the elements that can be seen. */
  async seen(selector: string): Promise<readonly string[]> {
    // As text: types of a browser are not those of this program.
    const texts = `[...document.querySelectorAll(${JSON.stringify(selector)})]
      .filter((element) => element.checkVisibility())
      .map((element) => element.innerText.trim())`;
    return (await this.value(texts)) as readonly string[];
  }

  /** Names of the agents whose rows can be seen. */
  async rows(): Promise<readonly string[]> {
    return this.seen(".row .name");
  }

  /** Widths of the bars by the names of the agents, in pixels. */
  async bars(): Promise<Readonly<Record<string, number>>> {
    const widths = `Object.fromEntries([...document.querySelectorAll(".row")].map((row) => {
      const bar = row.querySelector("svg .bar, svg .absent");
      return [row.dataset.agent, bar?.getBoundingClientRect().width ?? 0];
    }))`;
    return (await this.value(widths)) as Readonly<Record<string, number>>;
  }

  /** What an expression comes to on the page. */
  async value(expression: string): Promise<unknown> {
    return this.#page.evaluate(expression);
  }

  async screenshot(path: string): Promise<void> {
    await this.#page.screenshot({ path: path as `${string}.png`, fullPage: true });
  }

  /** The page has asked for nothing, and nothing was wrong with it. */
  assertQuiet(): void {
    assert.deepEqual(
      { requests: this.requests, complaints: this.complaints },
      { requests: [], complaints: [] },
    );
  }

  async close(): Promise<void> {
    await this.#page.close();
  }
}
