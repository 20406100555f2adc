import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { scriptOf } from "../../src/setup/old-command.ts";

const FILES = ["/home/me/scan.sh", "/srv/tools/x.py", "/srv/conf.d"];
const LOOK = {
  isFile: (path: string) => FILES.includes(path),
  home: "/home/me",
  places: ["/home/me", "/srv"],
  isHidden: (path: string) => path.startsWith("/home/"),
};

function script(command: string) {
  const { script: text, remarks } = scriptOf(command, { ...LOOK, isHidden: () => false });
  const [first, second, ...lines] = text.split("\n");
  assert.deepEqual([first, second?.slice(0, 2), lines.pop()], ["#!/bin/sh", "# ", ""]);
  return { lines, remarks: remarks.map(({ kind, text: words }) => `${kind}: ${words}`) };
}

test("scriptOf() runs a command of several lines and all kinds of quotes as /bin/sh -c did", () => {
  for (const command of [
    "echo a  'b  c' \"$((1 + 1))\" `echo d`",
    "for i in 1 2; do\n  echo $i\ndone\n",
    "cat <<X\n$0x\n  two\nX\n\n",
    "exit 3",
    "true # ,",
  ]) {
    const run = (args: readonly string[]) => {
      try {
        return execFileSync("/bin/sh", args, { encoding: "utf8" });
      } catch (error) {
        return String((error as { status?: number }).status);
      }
    };
    // As $0 of a command is sh, and of a script its path.
    const text = scriptOf(command, LOOK).script;
    assert.equal(run(["-c", text, "sh"]), run(["-c", command, "sh"]), command);
  }
});

test("scriptOf() leaves alone what does not depend on where it starts", () => {
  for (const command of [
    "/opt/x -o /tmp/y",
    "nmap -sV 10.0.0.1",
    "python3 -m scan",
    "~/x --y",
    "$HOME/x",
    "cd /opt && ./x",
    "curl https://x.example/y",
    "X=1 scan",
  ])
    assert.deepEqual(script(command), { lines: [command], remarks: [] }, command);
});

test("scriptOf() goes first to where a relative path was found, and says so", () => {
  const why = "and a run starts in a directory of its own";
  const found: readonly (readonly [command: string, directory: string, word: string])[] = [
    ["./scan.sh --deep", "/home/me", "./scan.sh"],
    ["A=b ./scan.sh", "/home/me", "./scan.sh"],
    ["tools/x.py", "/srv", "tools/x.py"],
    ["python3 tools/x.py -v", "/srv", "tools/x.py"],
    ["sh scan.sh", "/home/me", "scan.sh"],
    ["scan --config=./conf.d", "/srv", "./conf.d"],
  ];
  for (const [command, directory, word] of found) {
    const remarks = [`changed: the script goes to "${directory}" first: "${word}" is there, ${why}`];
    assert.deepEqual(script(command), { lines: [`cd ${directory} || exit`, command], remarks }, command);
  }
});

test("scriptOf() says LOST of a program that was not found, and changed of a file that may be made", () => {
  assert.deepEqual(script("./gone.sh"), {
    lines: ["./gone.sh"],
    remarks: ['lost: "./gone.sh" is not in "/home/me", "/srv": put its whole path into the script'],
  });
  assert.deepEqual(script("nmap -oX ./out.xml"), {
    lines: ["nmap -oX ./out.xml"],
    remarks: [`changed: "./out.xml" is in the run's own directory, which is empty at the start`],
  });
});

test("scriptOf() warns of a password in the command", () => {
  const words = "it seems to hold a secret, and all users can read the script: a variable would be better";
  for (const command of [
    "x --password=y",
    "x --password y",
    "API_KEY='y' x",
    "x https://me:y@h",
    "x -token: y",
  ])
    assert.deepEqual(script(command).remarks, [`changed: ${words}`], command);
  for (const command of ["x --password=$PASS", "x --bypass y", 'x --token "$T"', "x https://h/me:y"])
    assert.deepEqual(script(command).remarks, [], command);
});

test("scriptOf() says LOST of what the service does not see", () => {
  for (const [command, path] of [
    ["python3 /home/you/x.py", "/home/you/x.py"],
    ["~/x", "~/x"],
    ["x --config=$HOME/y", "$HOME/y"],
    ["./scan.sh", "/home/me"],
  ] as const) {
    const last = scriptOf(command, LOOK).remarks.at(-1);
    const text = `the service does not see "${path}": move it out of people's homes, and change the script`;
    assert.deepEqual(last, { kind: "lost", text }, command);
  }
  for (const command of ["/opt/x", "scan ~you/x", "x $HOMER/y", "tools/x.py"])
    assert.deepEqual(
      scriptOf(command, LOOK).remarks.filter(({ kind }) => kind === "lost"),
      [],
      command,
    );
});
