/** The completions in the shells that they are for, which are installed where they are missing. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../build/paths.ts";
import { tool } from "../../build/tool.ts";
import { Terminal } from "../support/terminal.ts";

const FOLDER = join(ROOT, "packaging/completions");
// Here, as no test has the time to install what is missing.
const ZSH = tool("zsh", "zsh");
const FISH = tool("fish", "fish");

let home: string;
let work: string;
let environment: Record<string, string>;

before(() => {
  home = mkdtempSync(join(tmpdir(), "cb-completions-"));
  work = join(home, "work");
  const bin = join(home, "bin");
  for (const directory of [bin, join(home, ".cache/cb"), join(work, "keys")]) {
    mkdirSync(directory, { recursive: true });
  }
  writeFileSync(
    join(bin, "cb"),
    `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, "src/cli/main.ts")}' "$@"\n`,
  );
  chmodSync(join(bin, "cb"), 0o755);
  symlinkSync("cb", join(bin, "cb-keygen"));
  writeFileSync(
    join(home, ".cache/cb/discovery.toml"),
    `[channels.default.agents]
web1 = { last_seen = 1, tags = ["eu", "web"] }
web2 = { last_seen = 1, tags = ["us", "web"] }
`,
  );
  for (const name of ["station one.toml", "two.pub"]) writeFileSync(join(work, name), "");
  environment = { HOME: home, PATH: `${bin}:/usr/local/bin:/usr/bin:/bin` };
});

after(() => rmSync(home, { recursive: true }));

/** How bash itself parts a line, by the characters of COMP_WORDBREAKS that are in question here. */
function bashWords(line: string, breaks: string): readonly string[] {
  const pieces = (word: string) => word.split(new RegExp(`([${breaks}])`)).filter((piece) => piece !== "");
  return line.split(" ").flatMap((word) => (breaks === "" || word === "" ? [word] : pieces(word)));
}

/** What the function leaves in COMPREPLY, called as bash would. */
function bash(line: string, breaks = "=:"): readonly string[] {
  const words = bashWords(line, breaks);
  const script = `
    source "$FOLDER/cb.bash"
    compopt() { :; }
    COMP_WORDBREAKS=$' \\t\\n"\\'><;|&('$BREAKS
    COMP_LINE=$LINE COMP_POINT=\${#LINE} COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    $(complete -p cb | sed 's/.*-F \\([^ ]*\\) .*/\\1/') cb
    (( \${#COMPREPLY[@]} == 0 )) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync("bash", ["--norc", "-euc", script, "bash", ...words], {
    encoding: "utf8",
    env: { ...environment, FOLDER, LINE: line, BREAKS: breaks },
    cwd: work,
  });
  return output.split("\n").slice(0, -1);
}

test("cb.bash offers --tags and --timeout for cb station --t, and completes --ta", () => {
  const offered = bash("cb station --t");
  assert.ok(offered.includes("--tags") && offered.includes("--timeout"), offered.join(" "));
  assert.deepEqual(bash("cb station --ta"), ["--tags"]);
  assert.deepEqual(bash("cb "), ["agent", "station", "dispatcher", "executor", "keygen", "help"]);
  assert.deepEqual(bash("cb-keygen s"), ["show"]);
});

test("cb.bash completes behind = and :, whether or not bash parts words there", () => {
  assert.deepEqual(bash("cb station --tags=w"), ["web"]);
  assert.deepEqual(bash("cb station --tags=web,"), ["web,eu", "web,us"]);
  assert.deepEqual(bash("cb station --tags="), ["eu", "us", "web"]);
  assert.deepEqual(bash("cb station --tags=w", ""), ["--tags=web"]);
  for (const breaks of ["=:", ""]) {
    assert.deepEqual(bash("cb -r redis://hub:6379 --channel=default sta", breaks), ["station"], breaks);
    assert.deepEqual(bash("cb station agents forget web1 ", breaks), ["web2"], breaks);
  }
  assert.deepEqual(bash("cb --config=sta", ""), ["--config=station one.toml"]);
});

test("cb.bash works in an interactive bash", async () => {
  const rc = join(home, "bashrc");
  writeFileSync(rc, `PS1='ready> '\nsource ${FOLDER}/cb.bash\nbind 'set bell-style none'\n`);
  const terminal = new Terminal(`bash --noprofile --rcfile ${rc} -i`, environment, work);
  try {
    await terminal.sees(/ready> /);
    terminal.type("cb station --t\t\t");
    await terminal.sees(/--tags [\s\S]*--timeout[\s\S]*ready> cb station --t/);
    terminal.type("a\t");
    await terminal.sees(/ags /);
    terminal.type("web,e\t");
    await terminal.sees(/web,eu /);
    terminal.type("\u0015cb station --tags=us,w\t");
    await terminal.sees(/--tags=us,web /);
    // What readline completes by itself: quotes a blank, and leaves a slash behind a directory.
    terminal.type("\u0015cb --config sta\t");
    await terminal.sees(/--config station\\ one\.toml /);
    terminal.type("\u0015cb --config=tw\t");
    await terminal.sees(/--config=two\.pub /);
    terminal.type("\u0015cb-keygen --directory k\t");
    await terminal.sees(/--directory keys\//);
  } finally {
    await terminal.close();
  }
});

test("_cb works in an interactive zsh", async () => {
  writeFileSync(
    join(home, ".zshrc"),
    `PS1='ready> '\nfpath=(${FOLDER} $fpath)\nautoload -Uz compinit && compinit -u -D\nunsetopt list_beep beep\n`,
  );
  const terminal = new Terminal(`${ZSH} -d -i`, environment, work);
  try {
    await terminal.sees(/ready> /);
    terminal.type("cb station --t\t");
    await terminal.sees(/--tags +-- only agents with all these tags/);
    await terminal.sees(/--timeout +-- /);
    terminal.type("a\t");
    await terminal.sees(/ags /);
    terminal.type("web,e\t");
    await terminal.sees(/eu /);
    terminal.type("\u0015cb station --tags=us,w\t");
    await terminal.sees(/eb /);
    terminal.type("\u0015cb --config sta\t");
    await terminal.sees(/tion\\ one\.toml /);
    terminal.type("\u0015cb --config=tw\t");
    await terminal.sees(/o\.pub /);
    terminal.type("\u0015cb-keygen --directory k\t");
    await terminal.sees(/eys\//);
  } finally {
    await terminal.close();
  }
});

function fish(line: string): readonly string[] {
  const script = 'source $FOLDER/cb.fish; complete --do-complete "$LINE"';
  const output = execFileSync(FISH, ["--no-config", "--command", script], {
    encoding: "utf8",
    env: { ...environment, FOLDER, LINE: line },
    cwd: work,
  });
  return output.split("\n").slice(0, -1);
}

test("cb.fish completes words, options, names and files", () => {
  assert.deepEqual(fish("cb station --ta"), [
    "--tags\tonly agents with all these tags and without each !tag",
  ]);
  assert.deepEqual(fish("cb station --tags web,e"), ["web,eu\t1 agent"]);
  assert.deepEqual(fish("cb station --tags=us,w"), ["--tags=us,web\t2 agents"]);
  assert.deepEqual(fish("cb-keygen sh"), ["show\tShow kind, id and public part of the keys in a file"]);
  assert.deepEqual(fish("cb --config=sta"), ["--config=station one.toml"]);
  assert.deepEqual(fish("cb --config sta"), ["station one.toml"]);
  assert.match(fish("cb-keygen --directory k").join(), /^keys\//);
});
