import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { interpreterIn, pythonOfOriginal } from "../../src/faraday/original-dispatcher.ts";

const directory = mkdtempSync(join(tmpdir(), "cb-original-"));
after(() => rmSync(directory, { recursive: true }));

function program(folder: string, text: string): string {
  const path = join(directory, folder);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "faraday-dispatcher"), text, { mode: 0o755 });
  return path;
}

test("interpreterIn() reads the first line as pip writes it, also for a path that does not fit there", () => {
  const python = (script: string) => interpreterIn(script, {});
  assert.equal(python("#!/venv/bin/python3.11\nimport x\n"), "/venv/bin/python3.11");
  assert.equal(python("#! /venv/bin/python -E\n"), "/venv/bin/python");
  const long = "#!/bin/sh\n'''exec' \"/a venv/bin/python3\" \"$0\" \"$@\"\n' '''\n";
  assert.equal(python(long), "/a venv/bin/python3");
  assert.equal(python("#!/bin/sh\n'''exec' /venv/bin/python \"$0\" \"$@\"\n' '''\n"), "/venv/bin/python");
});

test("interpreterIn() names nothing that is no Python, as a shell would run what Python is asked", () => {
  for (const script of [
    "",
    "#!",
    "#!/bin/sh\nexec python -m faraday\n",
    "#!/usr/bin/env bash\n",
    "#!/usr/bin/env\n",
    "#!python3\n",
    "\u007fELF",
    "#!/bin/sh\n'''exec' \"/bin/sh\" \"$0\"\n",
  ])
    assert.equal(interpreterIn(script, { PATH: "/usr/bin:/bin" }), undefined, script);
});

test("pythonOfOriginal() looks for the program in PATH, and for what env would start", () => {
  const venv = program("venv", "#!/venv/bin/python\n");
  writeFileSync(join(venv, "python3"), "", { mode: 0o755 });
  const env = program("env", "#!/usr/bin/env python3\n");
  assert.equal(pythonOfOriginal({ PATH: `relative:/nonexistent:${venv}` }), "/venv/bin/python");
  assert.equal(pythonOfOriginal({ PATH: `${env}:${venv}` }), join(venv, "python3"));
  assert.equal(pythonOfOriginal({ PATH: env }), undefined);
  assert.equal(pythonOfOriginal({ PATH: "/nonexistent" }), undefined);
  assert.equal(pythonOfOriginal({}), undefined);
});
