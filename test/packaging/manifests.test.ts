/** The manifests of the executors that are installed. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseManifest } from "../../src/exec/manifest.ts";

const RUN_DIRECTORY = join(import.meta.dirname, "../../packaging/run.d");

test("every manifest that is installed can be read, and stands beside an executor", () => {
  const files = globSync("*.toml", { cwd: RUN_DIRECTORY });
  assert.ok(files.length >= 1);
  for (const file of files) {
    const manifest = parseManifest(readFileSync(join(RUN_DIRECTORY, file)), file);
    assert.ok(manifest.description !== undefined, file);
    // Whether the program that it is about is installed.
    assert.ok(manifest.tool === undefined || manifest.checks.length > 0, file);
    assert.ok(globSync(file.replace(/\.toml$/, ""), { cwd: RUN_DIRECTORY }).length === 1, file);
  }
});

test("nmap.toml declares what Faraday's own executor nmap takes, by name, type and need", () => {
  const { parameters, tool, category } = parseManifest(
    readFileSync(join(RUN_DIRECTORY, "nmap.toml")),
    "nmap.toml",
  );
  const declared = [...parameters.values()].map(({ name, types, base, mandatory }) =>
    [name, ...types, base, mandatory].join(" "),
  );
  // faraday_agent_parameters_types 1.9.1, nmap-2.1.2.json
  assert.deepEqual(declared, [
    "TARGET list list true",
    "PORT_LIST list list false",
    "OPTION_SC boolean boolean false",
    "OPTION_SV boolean boolean false",
    "OPTION_PN boolean boolean false",
    "SCRIPT_TIMEOUT integer integer false",
    "HOST_TIMEOUT integer integer false",
    "TOP_PORTS string string false",
    "SCRIPT_CMD string string false",
  ]);
  assert.deepEqual([tool, category], ["nmap", "Network and Vulnerability Scanners"]);
});
