/** Reads the report that `bun test --reporter=junit` writes: each test is one `<testcase>`, in nested suites. */

export type TestCase = {
  readonly file: string;
  /** With the names of its groups, as Bun shows it. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
};

const TEST_CASE = /<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs;
const ATTRIBUTE = /(\w+)="([^"]*)"/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** @param xml `>` and quotes inside attributes are escaped, as Bun does it */
export function readReport(xml: string): readonly TestCase[] {
  return Array.from(xml.matchAll(TEST_CASE), ([, head = "", body = ""]) => {
    const attributes = new Map(Array.from(head.matchAll(ATTRIBUTE), ([, key, text]) => [key, text]));
    const name = [attributes.get("classname"), attributes.get("name")].filter(Boolean).join(" > ");
    return {
      file: unescapeXml(attributes.get("file") ?? ""),
      name: unescapeXml(name),
      // `test.todo` is reported as skipped, too.
      outcome: /<(failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed",
    };
  });
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, entity = "") =>
    code === undefined ? (ENTITIES[entity] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
