import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { CommandName } from "../../src/core/names.ts";
import { announcementOf, ExecutorCatalog } from "../../src/faraday/executor-catalog.ts";
import {
  findInstallation,
  officialCommand,
  officialNames,
  readOfficialManifest,
} from "../../src/faraday/official-executors.ts";

const directory = mkdtempSync(join(tmpdir(), "cb-official-"));
after(() => rmSync(directory, { recursive: true }));

const manifests = join(directory, "manifests");
const executors = join(directory, "executors");
const python = join(directory, "python");
for (const path of [manifests, executors, join(directory, "run.d")]) mkdirSync(path);

/** As Faraday's packages have them. */
function official(version: string, rest: object = {}): void {
  const manifest = {
    name: "scan",
    title: "Scan",
    description: `version ${version}`,
    category: "Scanners",
    repo_executor: "scan.py",
    cmd: "{EXECUTOR_FILE_PATH}",
    check_cmds: ["true"],
    environment_variables: ["SCAN_KEY", "TENABLE_PULL_INTERVAL"],
    arguments: {
      TARGET: { mandatory: true, type: "list", base: "list" },
      PORT: { mandatory: false, type: "integer", base: "string", display_name: "Port", description: "which" },
    },
    ...rest,
  };
  writeFileSync(join(manifests, `scan-${version}.json`), JSON.stringify(manifest));
}

for (const version of ["2.0.0", "2.10.0", "2.9.1", "4.0.0"]) official(version);
official("1.0.0", { cmd: "bash {EXECUTOR_FILE_PATH} -x" });
writeFileSync(join(manifests, "broken-1.0.0.json"), "{");

const installation = { python, manifests, executors, version: "3.9.1" };

test("readOfficialManifest() takes the newest that is not newer than the installation, by number", () => {
  assert.equal(readOfficialManifest(installation, "scan").description, "version 2.10.0");
  assert.throws(() => readOfficialManifest(installation, "nmap"), {
    code: "file",
    message: /"nmap": no manifest in/,
  });
  assert.throws(() => readOfficialManifest(installation, "broken"), {
    code: "file",
    message: /no manifest of Faraday/,
  });
});

test("officialNames() names each executor that has a manifest once", () => {
  assert.deepEqual(officialNames(installation), ["broken", "scan"]);
  const nowhere = { ...installation, manifests: join(directory, "nowhere") };
  assert.throws(() => officialNames(nowhere), { code: "file", message: /nowhere.*no such file/ });
});

test("officialCommand() puts the installation's Python before a script of Python, and else does as the manifest says", () => {
  const manifest = readOfficialManifest(installation, "scan");
  assert.deepEqual(officialCommand(installation, manifest), [python, join(executors, "scan.py")]);
  const shell = readOfficialManifest({ ...installation, version: "1.5" }, "scan");
  assert.deepEqual(officialCommand(installation, shell), ["bash", join(executors, "scan.py"), "-x"]);
});

test("findInstallation() asks that Python where the packages lie [F21]", async () => {
  writeFileSync(python, `#!/bin/sh\necho '${JSON.stringify({ manifests, executors, version: "3.9.1" })}'\n`);
  chmodSync(python, 0o755);
  assert.deepEqual(await findInstallation(python), installation);
});

test("findInstallation() says in one line what is wrong with a Python", async () => {
  writeFileSync(
    join(directory, "bare"),
    "#!/bin/sh\necho Traceback >&2\necho 'ModuleNotFoundError: no faraday' >&2\nexit 1\n",
  );
  chmodSync(join(directory, "bare"), 0o755);
  await assert.rejects(findInstallation(join(directory, "bare")), {
    code: "file",
    message: /: ModuleNotFoundError: no faraday$/,
  });
  await assert.rejects(findInstallation(join(directory, "none")), {
    code: "file",
    message: /: no such file or directory$/,
  });
});

test("ExecutorCatalog.find() runs Faraday's own executor where a manifest names it, with its parameters and checks [F21]", () => {
  const names = ["mine" as CommandName];
  writeFileSync(join(directory, "run.d", "mine.toml"), 'official = "scan"\n[environment]\nSCAN_KEY = "k"\n');
  const catalog = new ExecutorCatalog(names, [join(directory, "run.d")], installation);
  const executor = catalog.find("mine");
  assert.deepEqual([executor.path, executor.arguments], [python, [join(executors, "scan.py")]]);
  assert.deepEqual(executor.missingVariables, []);
  assert.deepEqual(executor.manifest.checks, ["true"]);
  assert.deepEqual(announcementOf(executor), {
    executor_name: "mine",
    category: ["Scanners"],
    tool: "scan",
    args: {
      TARGET: { mandatory: true, type: "list", base: "list" },
      PORT: { mandatory: false, type: "integer", base: "string", display_name: "Port", description: "which" },
    },
  });
  writeFileSync(join(directory, "run.d", "mine.toml"), 'official = "scan"\n');
  assert.deepEqual(catalog.find("mine").missingVariables, ["SCAN_KEY"]);
  const without = new ExecutorCatalog(names, [join(directory, "run.d")], undefined);
  assert.throws(() => without.find("mine"), { code: "setting", message: /no python is set/ });
});

test("ExecutorCatalog.find() names the executor of a run-directory that was probably meant, by its file or manifest", () => {
  const run = join(directory, "named");
  mkdirSync(run);
  writeFileSync(join(run, "nmap"), "#!/bin/sh\n");
  writeFileSync(join(run, "pyscan.toml"), 'official = "scan"\n');
  symlinkSync("/dev/null", join(run, "nikto"));
  const directories = [join(directory, "none"), run];
  for (const [name, suggestion] of [
    ["nmpa", ', did you mean "nmap"?'],
    ["pyscn", ', did you mean "pyscan"?'],
    ["nikot", ""],
    ["openvas", ""],
  ] as const) {
    const catalog = new ExecutorCatalog([name as CommandName], directories, undefined);
    const message = `Cannot run "${name}": no such executor in "${directories.join('" and "')}"${suggestion}`;
    assert.throws(() => catalog.find(name), { message });
  }
});

test("ExecutorCatalog.find() runs nothing that the configuration does not name", () => {
  writeFileSync(join(directory, "run.d", "there"), "#!/bin/sh\n");
  chmodSync(join(directory, "run.d", "there"), 0o755);
  const catalog = new ExecutorCatalog([], [join(directory, "run.d")], undefined);
  assert.throws(() => catalog.find("there"), {
    message: 'Cannot run "there": it is no executor of this agent',
  });
});
