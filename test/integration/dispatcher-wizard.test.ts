/** `cb dispatcher wizard` in a real terminal, as a person types: from nothing to a run, back, out, and over what is there. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { test } from "node:test";
import { RUNTIMES } from "../support/fleet.ts";
import { ScanBox } from "../support/scan-box.ts";
import { CONFIG, configFile, KEYS, startWritten, treeOf, WizardTerminal } from "../support/wizard-box.ts";

const { enter, esc, end, down, up, tab, clear } = KEYS;

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

/** The questions of everybody, up to that about executors. */
async function begin(wizard: WizardTerminal, url: string): Promise<void> {
  await wizard.answer("Where is the Faraday server?", clear + url);
  await goOn(wizard);
}

async function goOn(wizard: WizardTerminal): Promise<void> {
  await wizard.answer("A proxy on the way there?");
  await wizard.says("Faraday answers");
  await wizard.answer("What is this agent called");
  await wizard.answer("A description of it?");
}

test("cb dispatcher wizard leads from nothing to a run, with an executor of one's own and its secret [F23]", async () => {
  await using box = await ScanBox.start();
  box.ownState();
  await using wizard = new WizardTerminal(box);
  await wizard.says(`makes ${box.path(CONFIG)}`);
  await wizard.answer("Where is the Faraday server?", box.url);
  await wizard.answer("A proxy on the way there?");
  await wizard.says("Faraday answers (HTTP 200), without TLS");
  await wizard.answer("What is this agent called at the server?", `${clear}pentest-box`);
  await wizard.answer("A description of it?", "in the lab");
  await wizard.says("There are no executors in");
  await wizard.answer("Which executor, then?");
  await wizard.answer("Its name at the server?", "mine");
  const line =
    'test "$(printf %s "$API_KEY" | wc -c)" = 13 && echo "{\\"hosts\\":[{\\"ip\\":\\"$EXECUTOR_CONFIG_TARGET\\"}]}"';
  await wizard.answer("Its command line, for sh(1)?", line);
  await wizard.answer("A parameter that the server gives it?", "TARGET");
  // From string, the first of the types, to ip.
  await wizard.press("Of which type is TARGET?", ...Array(6).fill(down), enter);
  await wizard.answer("Must TARGET be given?");
  await wizard.answer("A parameter that the server gives it?");
  await wizard.answer("A variable that it finds in its environment?", "API_KEY");
  await wizard.answer("API_KEY of mine?", "correct-horse");
  await wizard.answer("A variable that it finds in its environment?");
  await wizard.answer("Another executor?");
  await wizard.says("To be written");
  await wizard.says("pentest-box");
  await wizard.answer("Write that?");
  await wizard.answer("The six digits of Faraday's page Agents?", "000000");
  await wizard.says("the registration code is wrong");
  await wizard.answer("The six digits of Faraday's page Agents?", "123456");
  await wizard.says("Registered as agent");
  await wizard.says("ok       executor mine");
  await wizard.says("Next:");
  await wizard.says("cb dispatcher run");
  assert.equal(await wizard.status(), 0);
  assert(!wizard.transcript.includes("correct-horse"), wizard.transcript);

  const [agent] = box.server.agents.values();
  assert.equal(agent?.name, "pentest-box");
  assert.equal(
    box.read(CONFIG),
    `server = "${box.url}"\nname = "pentest-box"\ndescription = "in the lab"\nexecutors = [ "mine" ]\n` +
      `run-directory = [ "${box.path("config/cb/run.d")}", "/etc/cb/run.d", "/usr/lib/cb/run.d" ]\n`,
  );
  const secret = box.path("state/secrets/mine.API_KEY");
  assert.deepEqual([box.read("state/secrets/mine.API_KEY"), mode(secret)], ["correct-horse", 0o600]);
  assert.match(
    box.read("config/cb/run.d/mine.toml"),
    new RegExp(`API_KEY = \\{ file = "${secret}" \\}|\\[environment\\.API_KEY\\]\nfile = "${secret}"`),
  );
  assert.deepEqual(
    [mode(box.path(CONFIG)), mode(box.path("config/cb/run.d/mine")), mode(box.state)],
    [0o600, 0o755, 0o700],
  );

  const dispatcher = await startWritten(box);
  const ended = await dispatcher.run("mine", { TARGET: "192.0.2.7" });
  assert.deepEqual([ended.successful, ended.hosts], [true, ["192.0.2.7"]], ended.message);
});

for (const runtime of RUNTIMES) {
  test(`cb dispatcher wizard on ${runtime} goes back, chooses from a list, and writes`, async () => {
    await using box = await ScanBox.start({ runtime });
    for (const name of ["alpha", "beta", "gamma"])
      configFile(box, `run.d/${name}`, "#!/bin/sh\ntrue\n", 0o755);
    box.register();
    await using wizard = new WizardTerminal(box);
    await wizard.answer("Where is the Faraday server?", "localhost");
    await wizard.press("Does it speak TLS?", down, enter);
    await wizard.press("Its port?", esc);
    await wizard.press("Does it speak TLS?", esc);
    // What was typed is there again.
    await wizard.says("Where is the Faraday server?");
    await wizard.says("localhost");
    wizard.terminal.type(clear + box.url + enter);
    await goOn(wizard);
    // The first is marked, the list is searched, and what is found is marked, too.
    await wizard.press("Which executors may the server run?", tab, "gam");
    await wizard.says("(1 match)");
    for (const key of [tab, enter]) wizard.terminal.type(key);
    await wizard.press("Another executor?", esc);
    await wizard.answer("Which executors may the server run?");
    await wizard.answer("Another executor?");
    await wizard.says("alpha: 0 parameters");
    await wizard.says("gamma: 0 parameters");
    await wizard.answer("Write that?");
    assert.equal(await wizard.status(), 0);
    assert.match(box.read(CONFIG), /^executors = \[ "alpha", "gamma" \]$/m);
    assert.match(box.read(CONFIG), new RegExp(`^server = "${box.url}"$`, "m"));
  });

  test(`cb dispatcher wizard on ${runtime} ends at Ctrl-C with 130, at any question, and changes nothing`, async () => {
    await using box = await ScanBox.start({ runtime });
    configFile(box, "run.d/scan", "#!/bin/sh\ntrue\n", 0o755);
    const before = treeOf(box.directory);
    const leave = async (wizard: WizardTerminal, question: string, key: string) => {
      await wizard.press(question, key);
      await wizard.says("Nothing was changed");
      assert.equal(await wizard.status(), 130, wizard.transcript);
      assert.deepEqual(
        treeOf(box.directory).filter((line) => !line.startsWith("deno")),
        before,
      );
    };
    await using first = new WizardTerminal(box);
    await leave(first, "Where is the Faraday server?", end);
    await using last = new WizardTerminal(box);
    await begin(last, box.url);
    await last.press("Which executors may the server run?", tab, enter);
    await last.answer("Another executor?");
    await last.answer("Write that?");
    await last.answer("The six digits of Faraday's page Agents?", "000000");
    await last.says("the registration code is wrong");
    await leave(last, "The six digits of Faraday's page Agents?", end);
    // Ctrl-D, at which readline lets go of the terminal.
    await using third = new WizardTerminal(box);
    await leave(third, "Where is the Faraday server?", "\u0004");
    assert.equal(box.server.agents.size, 0);
  });
}

test("cb dispatcher wizard ends at Ctrl-C while it waits for the server, and at SIGTERM", async () => {
  await using box = await ScanBox.start();
  const before = treeOf(box.directory);
  box.server.fault = () => "hang";
  await using waiting = new WizardTerminal(box);
  await waiting.answer("Where is the Faraday server?", box.url);
  await waiting.answer("A proxy on the way there?");
  while (box.server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  waiting.terminal.type(end);
  await waiting.says("Nothing was changed");
  assert.equal(await waiting.status(), 130);

  await using killed = new WizardTerminal(box);
  const [, shell] = await killed.terminal.sees(/pid=(\d+)/);
  await killed.says("Where is the Faraday server?");
  const [child = assert.fail("it has no child")] = readFileSync(
    `/proc/${shell}/task/${shell}/children`,
    "utf8",
  ).split(" ");
  process.kill(Number(child), "SIGTERM");
  await killed.says("Nothing was changed");
  assert.equal(await killed.status(), 143);
  assert.deepEqual(treeOf(box.directory), before);
});

test("cb dispatcher wizard is to be declined, and then changes nothing either", async () => {
  await using box = await ScanBox.start();
  configFile(box, "run.d/scan", "#!/bin/sh\ntrue\n", 0o755);
  const before = treeOf(box.directory);
  await using wizard = new WizardTerminal(box, { options: ["--server", box.url, "--executors", "scan"] });
  await wizard.answer("A proxy on the way there?");
  await wizard.answer("What is this agent called");
  await wizard.answer("A description of it?");
  await wizard.answer("Another executor?");
  await wizard.press("Write that?", down, enter);
  await wizard.says("Nothing was changed");
  assert.equal(await wizard.status(), 0);
  assert.deepEqual(treeOf(box.directory), before);
  // What options answer is not asked.
  for (const question of ["Where is the Faraday server?", "Which executors may"])
    assert(!wizard.transcript.includes(question));
});

test("cb dispatcher wizard edits what is there: answers begin with it, and comments stay", async () => {
  await using box = await ScanBox.start();
  for (const name of ["one", "two"]) configFile(box, `run.d/${name}`, "#!/bin/sh\ntrue\n", 0o755);
  const run = box.path("config/cb/run.d");
  const proxy = "http://me:correct-horse@127.0.0.1:1";
  const text = `# The dispatcher of the lab.
server = "${box.url}" # do not move
proxy = "${proxy}"
name = "old-name"

# Both of them, in this order.
executors = ["two", "one"]
run-directory = ["${run}"]
#jobs = 8
`;
  configFile(box, "dispatcher.toml", text);
  box.register();
  await using wizard = new WizardTerminal(box);
  await wizard.says(`edits ${box.path(CONFIG)}`);
  await wizard.answer("Where is the Faraday server?");
  await wizard.says("http://me@127.0.0.1:1");
  wizard.terminal.type(enter);
  await wizard.says("the proxy: connection refused");
  await wizard.press("What now?", down, enter);
  await wizard.answer("Where is the Faraday server?");
  await wizard.answer("A proxy on the way there?", clear);
  await wizard.says("Faraday answers");
  await wizard.says("old-name");
  wizard.terminal.type(`${clear}new-name${enter}`);
  await wizard.answer("A description of it?");
  // The keys are on the last of those that are marked; away with it.
  await wizard.press("Which executors may the server run?", tab, enter);
  await wizard.answer("Another executor?");
  await wizard.says("No longer offered: one");
  await wizard.says("(was http://me@127.0.0.1:1)");
  await wizard.says("(was old-name)");
  await wizard.answer("Write that?");
  assert.equal(await wizard.status(), 0);
  assert.equal(
    box.read(CONFIG),
    text
      .replace(`proxy = "${proxy}"\n`, "")
      .replace("old-name", "new-name")
      .replace('["two", "one"]', '["two"]'),
  );
  assert(!wizard.transcript.includes("correct-horse"), wizard.transcript);
});

test("cb dispatcher wizard is readable on a terminal of 40 columns, and on one that knows no size", async () => {
  await using box = await ScanBox.start();
  const about = `description = "${"word ".repeat(40)}"\n`;
  configFile(box, "run.d/scan", "#!/bin/sh\ntrue\n", 0o755);
  configFile(box, "run.d/scan.toml", about);
  for (const size of ["cols 40 rows 20", ""]) {
    await using wizard = new WizardTerminal(box, { size });
    await begin(wizard, box.url);
    await wizard.says("scan   word");
    await wizard.press("Tab: ", up, end);
    assert.equal(await wizard.status(), 130);
  }
});

/** Stands for the Python of an installed agent: says where its packages lie. */
function installAgent(box: ScanBox, check: string): void {
  for (const name of ["bin", "manifests", "executors"]) mkdirSync(box.path(name));
  const answer = { manifests: box.path("manifests"), executors: box.path("executors"), version: "3.9.1" };
  box.file(
    "bin/python",
    `#!/bin/sh\n[ "$1" = -I ] && exec echo '${JSON.stringify(answer)}'\nexec /bin/sh "$@"\n`,
    0o755,
  );
  box.file("bin/faraday-dispatcher", `#!${box.path("bin/python")}\nimport sys\n`, 0o755);
  const manifest = {
    name: "acme",
    description: "Asks the ACME scanner",
    category: "Scanners",
    repo_executor: "acme.py",
    cmd: "{EXECUTOR_FILE_PATH}",
    check_cmds: [check],
    environment_variables: ["ACME_HOST", "ACME_TOKEN"],
    arguments: { TARGET: { mandatory: true, type: "ip", base: "string" } },
  };
  box.file("manifests/acme-1.0.0.json", JSON.stringify(manifest));
  const script = '[ "$ACME_TOKEN" = correct-horse ] && echo "{\\"hosts\\":[{\\"ip\\":\\"$ACME_HOST\\"}]}"\n';
  box.file("executors/acme.py", script, 0o755);
}

test("cb dispatcher wizard sets up one of Faraday's own from an installed agent, its check and its secret [F20]", async () => {
  await using box = await ScanBox.start();
  box.ownState();
  installAgent(box, `test -e "${box.path("scanner")}" || { echo acme: not found >&2; exit 127; }`);
  const environment = { PATH: `${box.path("bin")}:/usr/bin:/bin` };
  await using wizard = new WizardTerminal(box, { environment });
  await begin(wizard, box.url);
  await wizard.says("acme   Faraday's own: Asks the ACME scanner");
  wizard.terminal.type(tab + enter);
  await wizard.answer("Another executor?");
  await wizard.answer("ACME_HOST of acme?", "192.0.2.9");
  await wizard.answer("ACME_TOKEN of acme?", "correct-horse");
  await wizard.says("failed: exit status 127: acme: not found");
  await wizard.says("It needs a program that is not installed here, or not in PATH");
  await wizard.says("What about acme?");
  box.file("scanner", "");
  wizard.terminal.type(enter);
  await wizard.says("acme: 1 parameter, 1 check passed");
  await wizard.answer("Write that?");
  await wizard.answer("The six digits of Faraday's page Agents?", "123456");
  await wizard.says("ok       executor acme");
  assert.equal(await wizard.status(), 0);
  assert(!wizard.transcript.includes("correct-horse"), wizard.transcript);
  assert.match(box.read(CONFIG), new RegExp(`^python = "${box.path("bin/python")}"$`, "m"));
  assert.equal(readFileSync(box.path("state/secrets/acme.ACME_TOKEN"), "utf8"), "correct-horse");
  const dispatcher = await startWritten(box);
  const ended = await dispatcher.run("acme", { TARGET: "192.0.2.1" });
  assert.deepEqual([ended.successful, ended.hosts], [true, ["192.0.2.9"]], ended.message);
  await dispatcher.program.end();

  // Set up once, it is an executor like any other, and its variables are not asked for again.
  await using again = new WizardTerminal(box, { environment });
  await begin(again, box.url);
  await again.says("acme   Asks the ACME scanner");
  again.terminal.type(enter);
  await again.answer("Another executor?");
  await again.says("acme: 1 parameter, 1 check passed");
  await again.says("No file changes");
  again.terminal.type(end);
  assert.equal(await again.status(), 130);
  rmSync(box.path("scanner"));
});
