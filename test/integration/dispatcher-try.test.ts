/** `cb dispatcher try`: an executor by hand, without a server. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { assertEnded } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

test("cb dispatcher try shows what would be posted, and names line and path of what would not", async () => {
  await using box = await ScanBox.start();
  box.executor(
    "odd",
    `echo '{"hosts":[{"ip":"192.0.2.1","description":""}],"extra":1}'`,
    `echo '{"hosts":[{"description":""}]}'`,
    "echo '[]'",
    'echo "looks at $EXECUTOR_CONFIG_TARGET, deep $CB_PARAM_DEEP" >&2',
  );
  const list = '[parameters.TARGET]\ntype = "list"\nmandatory = true\n[parameters.DEEP]\ntype = "boolean"\n';
  box.manifest("odd", list);
  const shown = await box.ask(
    "try",
    "odd",
    "-r",
    box.path("run.d"),
    "--param",
    "target=a,b",
    "--param",
    "deep=yes",
  );
  assert.equal(shown.stdout, '{"hosts":[{"ip":"192.0.2.1","description":""}]}\n');
  const said = shown.stderr.split("\n").filter((line) => line !== "");
  assert.deepEqual(said.slice(0, -1).toSorted(), [
    "line 1: mended before it would be posted: unknownKeys 1",
    "line 2: hosts[0].ip: missing",
    "line 3 is an array, expected a JSON object",
    'looks at ["a", "b"], deep True',
  ]);
  assert.match(
    said.at(-1) ?? "",
    /^not successful: finished in \S+ s, 1 result, 1 line of JSON that is no object, 1 line of a form that Faraday does not take$/,
  );
  assert.equal(shown.status, 1);
  assert.equal(box.server.asked.length, 0);
});

test("cb dispatcher try ends with 0 where a run would be a success, and leaves nothing behind", async () => {
  await using box = await ScanBox.start();
  box.executor("fine", 'echo x >"$TMPDIR/file"', `printf '{"hosts":[]}'`, `pwd >"${box.path("directory")}"`);
  const { status, stdout, stderr } = await box.ask("try", "fine", "-r", box.path("run.d"));
  assert.deepEqual([status, stdout], [0, '{"hosts":[]}\n']);
  assert.match(stderr, /^successful: finished in \S+ s, 1 result\n$/);
  const directory = box.read("directory").trim();
  assert.match(directory, /\/cb-try-\w+$/);
  assert.throws(() => readdirSync(directory), { code: "ENOENT" });
});

test("cb dispatcher try refuses in one line what the dispatcher would refuse, and shows no secret", async () => {
  await using box = await ScanBox.start();
  box.executor("secret", 'echo "key $KEY" >&2', "exit 3");
  writeFileSync(box.path("key"), "hunter22\n", { mode: 0o600 });
  const key = `[environment]\nKEY = { file = "${box.path("key")}" }\n`;
  box.manifest("secret", `checks = ["test -n \\"$KEY\\""]\n[parameters.N]\ntype = "integer"\n${key}`);
  const directory = ["-r", box.path("run.d")];
  const told = await box.ask("try", "secret", ...directory);
  assert.equal(told.status, 1);
  assert.match(told.stderr, /^key \*\*\*\nnot successful: exit status 3, 0 results\n$/);
  const refusals = [
    [["secret", "--param", "n=x"], 'Cannot run "secret": invalid parameter: N: Not a valid integer.'],
    [["secret", "--param", "m=1"], 'Cannot run "secret": unexpected parameter: m: No such parameter'],
    [["none"], `Cannot run "none": no such executor in "${box.path("run.d")}"`],
  ] as const;
  for (const [words, message] of refusals)
    assertEnded(await box.ask("try", ...words, ...directory), 1, { stderr: [`cb: error: ${message}`] });
});
