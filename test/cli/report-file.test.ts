import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openReportFile } from "../../src/cli/report-file.ts";
import { REPORT_MARK } from "../../src/station/report-page.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-report-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

const at = (name: string) => join(directory, name);
const NO_REPORT = "there is a file that is no report of cb, name another one";

test("openReportFile() replaces a report, for its owner alone, and no other file", () => {
  for (const text of ["one", "two"]) openReportFile(at("page.html"))(`${REPORT_MARK}${text}`);
  assert.equal(readFileSync(at("page.html"), "utf8"), `${REPORT_MARK}two`);
  assert.deepEqual(readdirSync(directory), ["page.html"]);
  assert.equal(statSync(at("page.html")).mode & 0o777, 0o600);
  writeFileSync(at("other"), "mine");
  const why = `Cannot write "${at("other")}": ${NO_REPORT}`;
  assert.throws(() => openReportFile(at("other")), { code: "file", message: why });
  mkdirSync(at("folder"));
  assert.throws(() => openReportFile(at("folder")), { code: "file", message: /: it is a directory$/ });
  assert.throws(() => openReportFile(at("no/page.html")), { code: "file", message: /: no such file or/ });
});

test("openReportFile() keeps what was put in its place meanwhile", () => {
  const write = openReportFile(at("page.html"));
  writeFileSync(at("page.html"), "mine");
  const why = `Cannot write "${at("page.html")}": ${NO_REPORT}`;
  assert.throws(() => write(`${REPORT_MARK}new`), { code: "file", message: why });
  assert.equal(readFileSync(at("page.html"), "utf8"), "mine");
});
