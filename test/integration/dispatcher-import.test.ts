/** `cb dispatcher import`: from an old configuration to runs, with the agent that the server knows already. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { RUNTIMES } from "../support/fleet.ts";
import { assertEnded, type Finished, lines } from "../support/running-program.ts";
import { Dispatcher, ScanBox } from "../support/scan-box.ts";

/** A box with an agent that the server knows, and the home of the original in it. */
class OldBox {
  readonly box: ScanBox;
  readonly token: string;
  readonly config: string;

  constructor(box: ScanBox) {
    this.box = box;
    this.token = box.server.addAgent().token;
    this.config = box.path("new/dispatcher.toml");
    mkdirSync(box.path("home/.faraday/config"), { recursive: true });
  }

  /** Below `server:`, in YAML. */
  get server(): string {
    const { port } = this.box.server.url;
    return `server:\n  host: localhost\n  api_port: ${port}\n  websocket_port: '${port}'\n  ssl: False\n  ssl_cert: ''\n`;
  }

  old(text: string, name = "dispatcher.yaml"): string {
    return this.box.file(`home/.faraday/config/${name}`, text, 0o600);
  }

  async import(...words: readonly string[]): Promise<Finished> {
    const environment = { PATH: `${this.box.path("venv/bin")}:/usr/local/bin:/usr/bin:/bin` };
    return this.box.start(["dispatcher", "import", "--output", this.config, ...words], { environment })
      .finished;
  }

  async check(): Promise<Finished> {
    return this.box.start(["dispatcher", "check", "--config", this.config]).finished;
  }

  async dispatcher(): Promise<Dispatcher> {
    const program = this.box.start(["dispatcher", "run", "--config", this.config, "--stop-grace", "1"]);
    const dispatcher = new Dispatcher(program, this.box.state, this.box.server);
    await dispatcher.logged("joined");
    return dispatcher;
  }

  /** The kind and the line of each note but of what is simply taken. */
  notable({ stdout }: Finished): readonly string[] {
    const notes = lines(stdout).flatMap(
      (line) => /^(\w+) +line +(\d+) /.exec(line)?.slice(1, 3).join(" ") ?? [],
    );
    return notes.filter((note) => !note.startsWith("taken"));
  }

  /** What the server was asked but for a token for the channel: whether anybody has registered. */
  registrations(): number {
    return this.box.server.asked.filter(({ path }) => path === "/_api/v3/agents").length;
  }
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

for (const runtime of RUNTIMES) {
  test(`cb dispatcher import on ${runtime} takes a YAML over: check and run work, and nobody registers`, async () => {
    await using box = await ScanBox.start({ runtime });
    const home = new OldBox(box);
    box.file(
      "home/scan.sh",
      `#!/bin/sh\nprintf '{"hosts":[{"ip":"%s","description":"%s %s %s"}]}' "$1" "$API_KEY" "$DEPTH" "$PWD"\n`,
      0o755,
    );
    const path = home.old(`agent:
  agent_name: kali-3
  executors:
    own:
      cmd: ./scan.sh "$EXECUTOR_CONFIG_TARGET"
      max_size: '65536'
      params:
        TARGET: {mandatory: true, type: ip, base: string}
      varenvs:
        api_key: hunter22
        depth: 3
${home.server}tokens:
  agent: ${home.token}
`);
    utimesSync(path, 1, 1);
    const first = await home.import(path);
    assert.deepEqual([first.status, first.stderr, home.notable(first)], [0, "", ["changed 5"]], first.stdout);
    assert.doesNotMatch(first.stdout, new RegExp(`hunter22|${home.token}`));
    for (const [name, mode] of Object.entries({
      "new/dispatcher.toml": "600",
      "new/run.d/own": "755",
      "new/run.d/own.toml": "644",
      state: "700",
      "state/agent.json": "600",
      "state/secrets": "700",
      "state/secrets/own.API_KEY": "600",
    })) {
      assert.equal(modeOf(box.path(name)), mode, name);
      if (name !== "state" && name !== "state/secrets")
        assert.match(first.stdout, new RegExp(`^wrote   0${mode} .*${box.path(name)}$`, "m"));
    }
    assert.doesNotMatch(box.read("new/run.d/own.toml") + box.read("new/run.d/own"), /hunter22/);
    assert.deepEqual(
      [statSync(path).mtimeMs, box.read("home/.faraday/config/dispatcher.yaml").length > 0],
      [1000, true],
    );

    const check = await home.check();
    assert.equal(check.status, 0, check.stdout);
    assert.match(check.stdout, /^ok +agent token +the server knows this agent$/m);
    const dispatcher = await home.dispatcher();
    const { successful, message, id } = await dispatcher.run("own", { TARGET: "192.0.2.1" });
    assert.equal(successful, true, message);
    const description = `hunter22 3 ${box.path("home")}`;
    assert.deepEqual(box.server.accepted(id)[0]?.hosts, [{ ip: "192.0.2.1", description }]);
    assert.equal(home.registrations(), 0);
    await dispatcher.stop();

    const again = await home.import(dirname(path));
    assert.deepEqual([again.status, again.stderr], [0, ""]);
    assert.match(again.stdout, /^Nothing to write: all of it is there$/m);
  });
}

/** Where Faraday's packages are installed: what stands for Python answers where they lie, and runs scripts of sh. */
function installFaraday(box: ScanBox): void {
  for (const folder of ["venv/bin", "venv/manifests", "venv/executors"])
    mkdirSync(box.path(folder), { recursive: true });
  const places = {
    manifests: box.path("venv/manifests"),
    executors: box.path("venv/executors"),
    version: "3.9.1",
  };
  const answer = JSON.stringify(places);
  box.file(
    "venv/bin/python3",
    `#!/bin/sh\n[ "$1" = -I ] && echo '${answer}' && exit\nexec /bin/sh "$@"\n`,
    0o755,
  );
  box.file("venv/bin/faraday-dispatcher", `#!${box.path("venv/bin/python3")}\nimport sys\n`, 0o755);
  const manifest = {
    name: "nessus",
    description: "",
    category: "Network",
    repo_executor: "nessus.py",
    cmd: "{EXECUTOR_FILE_PATH}",
    check_cmds: ['test -n "$NESSUS_URL"'],
    environment_variables: ["NESSUS_USERNAME", "NESSUS_PASSWORD", "NESSUS_URL"],
    arguments: { NESSUS_SCAN_TARGET: { mandatory: true, type: "string", base: "string" } },
  };
  box.file("venv/manifests/nessus-1.0.0.json", JSON.stringify(manifest));
  box.file(
    "venv/executors/nessus.py",
    `printf '{"hosts":[{"ip":"192.0.2.2","description":"%s %s"}]}\\n' "$NESSUS_USERNAME" "$NESSUS_PASSWORD"\n`,
  );
}

test("cb dispatcher import takes the web page's file over, with Faraday's own executors and the Python they are in", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  installFaraday(box);
  const { port } = box.server.url;
  const path = home.old(` agent:
   agent_name: box
   agent_description: in the rack
   executors:
     nessus:
       max_size: 65536
       params:
         NESSUS_SCAN_TARGET:
           mandatory: true
           type: string
           base: string
       repo_name: nessus
       repo_executor: nessus.py
       varenvs:
         NESSUS_USERNAME:  scanner
         NESSUS_PASSWORD:  0123
         NESSUS_URL:  https://nessus.example

 server:
   api_port: '${port}'
   host: localhost
   ssl: 'False'
   ssl_cert: ''
   ssl_ignore: 'False'
   websocket_port: '${port}'
`);
  const imported = await home.import(path);
  assert.deepEqual([imported.status, home.notable(imported)], [0, ["left 24"]], imported.stdout);
  // The page gives no token: the agent has to register as it would have had to there.
  assert.match(imported.stdout, /cb dispatcher register --config \S+ --token CODE/);
  assert.match(
    box.read("new/dispatcher.toml"),
    new RegExp(`^python = "${box.path("venv/bin/python3")}"$`, "m"),
  );
  const start = ["dispatcher", "run", "--config", home.config, "--stop-grace", "1", "--token", "123456"];
  const dispatcher = new Dispatcher(box.start(start), box.state, box.server);
  await dispatcher.logged("joined");
  assert.equal([...box.server.agents.values()].at(-1)?.name, "box");
  const { successful, message, id } = await dispatcher.run("nessus", { NESSUS_SCAN_TARGET: "192.0.2.2" });
  assert.equal(successful, true, message);
  assert.deepEqual(box.server.accepted(id)[0]?.hosts, [{ ip: "192.0.2.2", description: "scanner 0123" }]);
  await dispatcher.stop();
  const check = await home.check();
  assert.equal(check.status, 0, check.stdout);
  const again = await home.import(path);
  assert.deepEqual([again.status, again.stdout.includes("Nothing to write")], [0, true], again.stderr);
});

test("cb dispatcher import takes an INI of version 1 over", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const { port } = box.server.url;
  const path = home.old(
    `[server]
workspaces = a,b
host = localhost
api_port = ${port}
websocket_port = ${port}
ssl = False
ssl_cert =
[tokens]
registration = 1234567890123456789012345
agent = ${home.token}
[agent]
agent_name = old
executors = own
[own]
cmd = printf '{"hosts":[{"ip":"%%s","description":""}]}\\n' "$EXECUTOR_CONFIG_TARGET"
[own_params]
TARGET = True
`,
    "dispatcher.ini",
  );
  const imported = await home.import(dirname(path));
  assert.deepEqual([imported.status, home.notable(imported)], [0, ["left 2", "left 9"]], imported.stdout);
  assert.equal((await home.check()).status, 0);
  const dispatcher = await home.dispatcher();
  const { successful, hosts } = await dispatcher.run("own", { target: "192.0.2.3" });
  assert.deepEqual([successful, hosts, home.registrations()], [true, ["192.0.2.3"], 0]);
});

test("cb dispatcher import overwrites nothing unless --replace says so, and then what is in its way", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const text = (command: string, more = "") =>
    `agent: {agent_name: a, executors: {own: {cmd: ${command}, max_size: 9, params: {}, varenvs: {KEY: ${command}}}}}\n` +
    `${home.server}${more}tokens: {agent: ${home.token}}\n`;
  const path = home.old(text("'true'"));
  mkdirSync(box.path("new"));
  const own = '# by hand\n# jobs\njobs = 3 # few\nchannel-server = "http://other.example"\n';
  box.file("new/dispatcher.toml", own, 0o600);
  const taken = (name: string, why = "it is there already, and says something else") => [
    `cb: error: Cannot write "${box.path(name)}": ${why}`,
    "cb: hint: Look at it, and add --replace if it may go",
  ];
  // One that it does not name would lead the channel elsewhere.
  assertEnded(await home.import(path), 1, {
    stderr: taken("new/dispatcher.toml", 'it says channel-server = "http://other.example"'),
  });
  assert.deepEqual([readdirSync(box.path("new")), existsSync(box.state)], [["dispatcher.toml"], false]);
  assert.equal((await home.import("--replace", path)).status, 0);
  const config = box.read("new/dispatcher.toml");
  assert(config.startsWith("# by hand\n# jobs\njobs = 3 # few\n"), config);
  assert.doesNotMatch(config, /channel-server/);

  home.old(text("'false'"));
  assertEnded(await home.import(path), 1, { stderr: taken("state/secrets/own.KEY") });
  assert.equal(box.read("state/secrets/own.KEY"), "true");
  const plan = await home.import("--replace", "--plan", path);
  assert.equal(plan.status, 0, plan.stderr);
  assert.match(plan.stdout, new RegExp(`^would write   0755 .*${box.path("new/run.d/own")}$`, "m"));
  assert.equal(box.read("state/secrets/own.KEY"), "true");
  assert.equal((await home.import("--replace", path)).status, 0);
  assert.deepEqual(
    [box.read("state/secrets/own.KEY"), box.read("new/run.d/own").includes("\nfalse\n")],
    ["false", true],
  );
});

test("cb dispatcher import takes all that it can, and ends with 1 where something that was used is lost", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const path = home.old(
    `agent:
  executors:
    'my scan': {cmd: 'true'}
    official: {repo_executor: nessus.py}
    own: {cmd: 'true', varenvs: {PATH: /opt}}
${home.server}  workspaces: []\n`,
  );
  const error = `cb: error: Cannot import all of "${path}": 3 things that the agent used, lines 3, 4, 5`;
  const hint = "cb: hint: The rest is taken; what stands beside LOST says why, and what to do";
  const first = await home.import(path);
  assert.deepEqual([first.status, lines(first.stderr)], [1, [error, hint]]);
  assert.deepEqual(home.notable(first), ["LOST 3", "LOST 4", "LOST 5", "left 12"]);
  assert.match(box.read("new/dispatcher.toml"), /^executors = \[ ?"official", "own" ?\]$/m);
  const silent = await home.import("--errors-only", path);
  assertEnded(silent, 1, { stderr: [error, hint] });
});

test("cb dispatcher import warns of an old file that others can read, as its token is in it", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const path = home.old(`agent: {}\n${home.server}tokens: {agent: ${home.token}}\n`);
  box.file("home/.faraday/config/dispatcher.yaml", readFileSync(path, "utf8"), 0o644);
  const { status, stderr } = await home.import(path);
  const why = `others can read it (mode 0644), run: chmod 600 ${path}`;
  assert.deepEqual([status, stderr], [0, `cb: warning: "${path}": ${why}\n`]);
});

test("cb dispatcher import does not give one server the results that wait for another, nor an executor two forms", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const path = home.old(
    `agent: {executors: {scan: {repo_executor: nessus.py}}}\n${home.server}tokens: {agent: ${home.token}}\n`,
  );
  mkdirSync(box.path("state/spool"), { recursive: true, mode: 0o700 });
  box.file("state/spool/1.ndjson", "");
  box.file("state/agent.json", JSON.stringify({ token: home.token, server: "http://other.example" }), 0o600);
  assertEnded(await home.import("--replace", path), 1, {
    stderr: [
      `cb: error: Cannot register at "${box.url}": "${box.state}" holds results for "http://other.example"`,
      "cb: hint: Take another --state-directory, or move its spool and quarantine away",
    ],
  });
  const elsewhere = ["--state-directory", box.path("elsewhere")];
  mkdirSync(box.path("new/run.d"), { recursive: true });
  box.file("new/run.d/scan", "#!/bin/sh\n", 0o755);
  assertEnded(await home.import(...elsewhere, "--replace", path), 1, {
    stderr: [
      `cb: error: Cannot import executor "scan": "${box.path("new/run.d/scan")}" is there already`,
      "cb: hint: Move it away: an executor of Faraday's own has a manifest and no executable",
    ],
  });
  assert.equal(existsSync(home.config), false);
});

test("cb dispatcher import puts the token where cb dispatcher run will look for it", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const path = home.old(`agent: {}\n${home.server}tokens: {agent: ${home.token}}\n`);
  assert.equal((await home.import("--state-directory", box.path("elsewhere"), path)).status, 0);
  const said = `state-directory = "${box.path("elsewhere")}"`;
  assert(box.read("new/dispatcher.toml").includes(said));
  assert(box.read("elsewhere/agent.json").includes(home.token));
});

test("cb dispatcher import says in one line why it cannot read a file, and writes nothing", async () => {
  await using box = await ScanBox.start();
  const home = new OldBox(box);
  const cannot = (path: string, why: string, verb = "import") =>
    `cb: error: Cannot ${verb} "${path}": ${why}`;
  const refused = async (path: string, ...stderr: readonly string[]) =>
    assertEnded(await home.import(path), 1, { stderr });
  const file = (name: string, text: string | Uint8Array) => {
    writeFileSync(box.path(name), text);
    return box.path(name);
  };
  const gone = box.path("gone");
  await refused(gone, cannot(gone, "no such file or directory", "read"));
  const empty = box.path("run.d");
  await refused(empty, cannot(empty, "it is a directory without a dispatcher.yaml or dispatcher.ini"));
  const blank = file("blank", "\n");
  await refused(blank, cannot(blank, "it is empty"));
  const large = file("large", new Uint8Array(10 * 1024 * 1024).fill(0x61));
  await refused(large, cannot(large, "it is longer than 1048576 bytes", "use"));
  const binary = file("binary", Uint8Array.of(0xff, 0xfe, 0));
  await refused(binary, cannot(binary, "expected text in UTF-8"));
  const broken = file("broken", "server:\n\thost: hunter22\n");
  await refused(broken, cannot(broken, "line 2: a tab stands where blanks are expected"));
  const loop = box.path("loop");
  symlinkSync(loop, loop);
  await refused(loop, cannot(loop, "too many symbolic links encountered", "read"));
  const missing = await home.import();
  assertEnded(missing, 1, {
    stderr: [
      'cb: error: Cannot run "cb dispatcher import": <file> is missing',
      "cb: hint: Give the configuration of your agent: usually ~/.faraday/config/dispatcher.yaml, or below $FARADAY_HOME",
    ],
  });
  assert.deepEqual([existsSync(box.path("new")), existsSync(box.state)], [false, false]);
});
