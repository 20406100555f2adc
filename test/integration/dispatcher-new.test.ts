/** `cb dispatcher new`: an executor that works as it is made, by hand and for a server. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { test } from "node:test";
import { assertEnded, lines } from "../support/running-program.ts";
import { hostsIn, ScanBox } from "../support/scan-box.ts";

const TARGET = "192.0.2.1";

for (const language of ["sh", "python"]) {
  test(`cb dispatcher new --language ${language} makes an executor that runs by hand, on trial and for the server`, async () => {
    await using box = await ScanBox.start();
    const directory = box.path("run.d");
    const made = await box.ask("new", "my_scan", "--language", language, "--run-directory", directory);
    const path = `${directory}/my_scan`;
    assertEnded(made, 0, {
      stdout: [
        `Made ${path}`,
        `Made ${path}.toml`,
        "",
        "Try it, which posts nothing:",
        `  cb dispatcher try my_scan --param target=${TARGET} --run-directory ${directory}`,
        'Offer it to the server: add "my_scan" to executors in dispatcher.toml, and start the dispatcher anew',
      ],
    });
    assert.deepEqual([statSync(path).mode & 0o777, statSync(`${path}.toml`).mode & 0o777], [0o755, 0o644]);

    const env = { PATH: "/usr/local/bin:/usr/bin:/bin", EXECUTOR_CONFIG_TARGET: TARGET };
    const byHand = spawnSync("/bin/sh", ["-c", "./my_scan"], { cwd: directory, env, encoding: "utf8" });
    assert.deepEqual([byHand.status, hostsIn([JSON.parse(byHand.stdout)])], [0, [TARGET]]);

    const words = /cb dispatcher (try .*)$/m.exec(made.stdout)?.[1]?.split(" ") ?? [];
    const trial = await box.ask(...words);
    assert.deepEqual(
      [trial.status, hostsIn(lines(trial.stdout).map((line) => JSON.parse(line)))],
      [0, [TARGET]],
    );
    assert.doesNotMatch(trial.stderr, /mended/);

    const dispatcher = await box.dispatcher(["--executors", "my_scan"]);
    const [offered] = box.server.channel.joins[0]?.executors ?? [];
    assert.deepEqual(Object(offered).args, {
      TARGET: { mandatory: true, type: "ip", base: "string" },
      PORTS: { mandatory: false, type: "list", base: "list" },
    });
    const ended = await dispatcher.run("my_scan", { TARGET, PORTS: ["22", "80"] });
    assert.deepEqual([ended.successful, ended.hosts], [true, [TARGET]]);
  });
}

test("cb dispatcher new makes the parameters and the description that it is given", async () => {
  await using box = await ScanBox.start();
  const options = [
    "--param",
    "target:list:mandatory",
    "--param",
    "Fast:boolean",
    "--description",
    "Looks around",
  ];
  const made = await box.ask("new", "look", "--run-directory", box.path("run.d"), ...options);
  assert.equal(made.status, 0, made.stderr);
  const manifest = box.read("run.d/look.toml");
  assert.match(manifest, /^description = "Looks around"$/m);
  assert.match(manifest, /^\[parameters\.target\]\ntype = "list"\nmandatory = true$/m);
  assert.match(manifest, /^\[parameters\.Fast\]\ntype = "boolean"$/m);
  const wrong: Readonly<Record<string, RegExp>> = {
    "target:adress": /expected a type of string, integer/,
    target: /expected NAME:TYPE or NAME:TYPE:mandatory/,
    "a-b:ip": /name "a-b": expected 1 to 64 letters/,
    "target:ip:must": /expected NAME:TYPE or NAME:TYPE:mandatory/,
    "target:ip:mandatory:x": /expected NAME:TYPE or NAME:TYPE:mandatory/,
  };
  for (const [param, message] of Object.entries(wrong)) {
    const { status, stderr } = await box.ask("new", "other", "--param", param);
    assert.deepEqual([status, message.test(stderr)], [1, true], stderr);
  }
  const twice = await box.ask("new", "other", "--param", "a:ip", "--param", "A:ip");
  assert.match(twice.stderr, /A is given twice, expected once/);
});

test("cb dispatcher new is beside dispatcher.toml by itself, and leaves alone what is there", async () => {
  await using box = await ScanBox.start();
  const environment = { XDG_CONFIG_HOME: box.path("config") };
  const make = (name: string) => box.start(["dispatcher", "new", name], { environment }).finished;
  assert.equal((await make("mine")).status, 0);
  const text = box.read("config/cb/run.d/mine");
  assert.match(text, /^#!\/bin\/sh\n/);
  const again = await make("mine");
  assertEnded(again, 1, {
    stderr: [`cb: error: Cannot make "${box.path("config/cb/run.d/mine")}": it is there already`],
  });
  box.file("config/cb/run.d/other.toml", "");
  assert.equal((await make("other")).status, 1);
  assert.deepEqual([box.read("config/cb/run.d/mine"), box.read("config/cb/run.d/other")], [text, ""]);
  for (const name of ["../x", "a b", "x.toml", "-x"]) assert.equal((await make(name)).status, 1, name);
});
