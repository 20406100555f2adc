import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pageTexts } from "../../build/man-pages.ts";
import { escapeText, fillIn, prose } from "../../build/mdoc.ts";
import { ROOT } from "../../build/paths.ts";
import { tool } from "../../build/tool.ts";
import type { IgnoredReason } from "../../src/agent/open.ts";
import { commands } from "../../src/cli/commands.ts";
import { KEY_FILES } from "../../src/cli/key-files.ts";
import { ExitStatus, messageOf } from "../../src/core/errors.ts";
import { environmentNames, type Setting } from "../../src/core/settings.ts";
import type { EndReason, ExecutionEnd } from "../../src/exec/execution.ts";
import { parseManifest } from "../../src/exec/manifest.ts";
import { baseOf, PARAMETER_TYPES, problemOf } from "../../src/exec/parameter-types.ts";
import {
  EASES,
  IMPACTS,
  REFERENCE_TYPES,
  SERVICE_STATUSES,
  SEVERITIES,
  STATUSES,
  TYPES,
} from "../../src/faraday/payload-schema.ts";
import { inheritedEnvironment } from "../../src/faraday/run-environment.ts";
import { NO_LINES, outcomeOf as runOutcomeOf } from "../../src/faraday/run-outcome.ts";
import { DECLINATIONS, type Disposition, ENDINGS, type Exit, REFUSALS } from "../../src/protocol/reply.ts";
import { announcement, missingFindings, newcomersSentence } from "../../src/station/attendance.ts";
import { clockRefusal } from "../../src/station/clock-refusal.ts";
import { judge, type Outcome } from "../../src/station/outcome.ts";
import { overlapsOf } from "../../src/station/overlap.ts";
import { FAULTS, type ReplyEvent } from "../../src/station/reply-reader.ts";
import { fateOf } from "../../src/station/rollout-report.ts";
import { newRollout, type Rollout } from "../../src/station/rollout-state.ts";
import { Roster } from "../../src/station/roster.ts";
import { newSession, type Session } from "../../src/station/session.ts";
import { exit, hello, id, NOW, runRequest, target } from "../station/scene.ts";

// Here, as no test has the time to install what is missing.
const MANDOC = tool("mandoc", "mandoc");

/** 2026-11-22T04:00:00Z */
const DATE = 1_795_320_000;
const PAGES = pageTexts(DATE);

/** The pages of others to which ours point. */
const FOREIGN =
  `bash.1 cat.1 fish.1 flock.1 journalctl.1 scp.1 ssh.1 systemctl.1 systemd-creds.1 systemd.1 zsh.1
  systemd.exec.5 systemd.service.5`.split(/\s+/);

let directory: string;
let rendered: ReadonlyMap<string, string>;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-man-"));
  for (const [name, text] of PAGES) writeFileSync(join(directory, name), text);
  rendered = new Map([...PAGES.keys()].map((name) => [name, render(name)]));
});

after(() => rmSync(directory, { recursive: true }));

/** A page as it is read, its blanks and ends of lines all alike. */
function render(name: string): string {
  const text = execFileSync(MANDOC, ["-T", "utf8", "-O", "width=1000", name], {
    cwd: directory,
    encoding: "utf8",
  });
  // Bold and underlined are overstruck.
  return text.replace(/.\u0008/gu, "").replace(/\s+/g, " ");
}

function page(name: string): string {
  return rendered.get(name) ?? assert.fail(`there is no ${name}`);
}

test("pageTexts() makes the nine pages", () => {
  const names = [
    "cb-agent.8",
    "cb-dispatcher.8",
    "cb-executor.5",
    "cb-keygen.1",
    "cb-keys.5",
    "cb-protocol.7",
    "cb-station.1",
    "cb.1",
    "cb.toml.5",
  ];
  assert.deepEqual([...PAGES.keys()].toSorted(), names.toSorted());
});

test("pageTexts() gives the same bytes for the same date, and shows it", () => {
  assert.deepEqual(pageTexts(DATE), PAGES);
  for (const [name, text] of PAGES) assert.match(text, /^\.Dd November 22, 2026$/m, name);
});

test("mandoc -T lint finds nothing in any page", () => {
  const known = [...PAGES.keys(), ...FOREIGN];
  for (const name of PAGES.keys()) {
    const { stdout } = spawnSync(MANDOC, ["-T", "lint", "-W", "all", name], {
      cwd: directory,
      encoding: "utf8",
    });
    // It looks for other pages among those that are installed.
    const missing = /STYLE: referenced manual not found: Xr (\S+) (\d)/;
    const findings = stdout.split("\n").filter((line) => {
      const [, page, section] = missing.exec(line) ?? [];
      return line !== "" && !known.includes(`${page}.${section}`);
    });
    assert.deepEqual(findings, []);
  }
});

test("no page points to one that nobody has", () => {
  for (const [name, text] of PAGES) {
    for (const [, page, section] of text.matchAll(/^\.Xr (\S+) (\d)/gm)) {
      const target = `${page}.${section}`;
      assert.ok(PAGES.has(target) || FOREIGN.includes(target), `${name}: ${target}`);
    }
  }
});

test("every title is read as it was written, none of its words as a macro", () => {
  for (const [name, text] of PAGES) {
    for (const [, title = ""] of text.matchAll(/^\.S[hs] (.*)$/gm)) {
      const plain = title.replaceAll("\\&", "");
      assert.ok(page(name).includes(` ${plain} `), `${name}: ${title}`);
    }
  }
});

test("every page has the sections that a reader looks for", () => {
  const everywhere = ["NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO", "SECURITY CONSIDERATIONS"];
  const programs = ["SYNOPSIS", "OPTIONS", "ENVIRONMENT", "EXIT STATUS", "DIAGNOSTICS"];
  for (const [name, text] of PAGES) {
    const sections = [...text.matchAll(/^\.Sh (.*)$/gm)].map(([, title = ""]) => title);
    const wanted = /\.[18]$/.test(name) ? [...everywhere, ...programs] : everywhere;
    assert.deepEqual(
      wanted.filter((title) => !sections.includes(title)),
      [],
      name,
    );
  }
});

const PAGE_OF: Readonly<Record<string, string>> = {
  agent: "cb-agent.8",
  station: "cb-station.1",
  dispatcher: "cb-dispatcher.8",
  executor: "cb-executor.5",
  keygen: "cb-keygen.1",
};

test("every option of every command is in its page, with letter, value, help, default and variables", () => {
  for (const { words, settings } of commands) {
    const text = page(PAGE_OF[words[0]] ?? "");
    for (const [name, { short, value = "", help, default: fallback, ...setting }] of Object.entries(
      settings,
    )) {
      const where = `${words.join(" ")}: --${name}`;
      const shown = value.replace(/[<>]/g, "");
      const sentence = help.slice(1);
      assert.ok(text.includes(` --${name} ${shown}`), where);
      assert.ok(text.includes(sentence), where);
      const others = Object.entries(settings).filter(([other]) => other !== name);
      const isShared = others.some(([, other]) => other.short === short);
      if (short !== undefined && !isShared) assert.ok(text.includes(`-${short}, --${name} `), where);
      if (shown !== "" && fallback !== undefined) {
        const wanted =
          typeof fallback === "string" ? `Default: ‘${fallback}’.` : `Default: ${fallback.help}.`;
        assert.ok(text.includes(wanted), where);
      }
      for (const variable of environmentNames(name, { help, ...setting } as never)) {
        assert.ok(text.includes(variable), `${where}: ${variable}`);
      }
    }
  }
});

test("cb-agent(8) gives -r to the option that it means there", () => {
  assert.match(page("cb-agent.8"), / -r, --run-directory directory /);
  assert.doesNotMatch(page("cb-agent.8"), /-r, --connection-string/);
  assert.match(page("cb-agent.8"), /Before the word agent it is -r, too\./);
  assert.match(page("cb-station.1"), / -r, --connection-string url /);
});

test("cb.toml(5) has every key of each file, with its help, and no other", () => {
  const section = (title: string) =>
    new RegExp(` Keys of ${title}( (?!and ).*?) (Keys of|FILES) `).exec(page("cb.toml.5"))?.[1];
  const sections = ["agent.toml", "station.toml", "dispatcher.toml"].map((file) => {
    const own = section(file) ?? assert.fail(file);
    return [
      file,
      file === "dispatcher.toml" ? own : (section("agent.toml and station.toml") ?? "") + own,
    ] as const;
  });
  for (const [file, text] of sections) {
    const tables = commands
      .filter(({ configFile }) => configFile === file)
      .map(({ settings, fileSettings = settings }) => fileSettings);
    const all = Object.entries<Setting>(Object.assign({}, ...tables));
    for (const [name, { file: isInFile, help }] of all) {
      const isThere = new RegExp(` ${name} \\((a|true)`).test(text) && text.includes(help.slice(1));
      assert.equal(isThere, isInFile !== false, `${file}: ${name}`);
    }
    const keys = [...text.matchAll(/ ([a-z-]+) \((a |true)/g)].map(([, name]) => name);
    assert.deepEqual(
      keys.toSorted(),
      all.flatMap(([name, { file }]) => (file === false ? [] : name)).toSorted(),
    );
  }
});

test("cb(1) has every command, and the pages of all but the agent more of it", () => {
  for (const { words, summary, description = [] } of commands) {
    assert.ok(page("cb.1").includes(summary), summary);
    const [first] = words;
    if (first === "agent") continue; // it is the whole page
    for (const text of [summary, ...description]) assert.ok(page(PAGE_OF[first] ?? "").includes(text), text);
  }
});

test("cb-keys(5) has every key file", () => {
  for (const { name, option } of Object.values(KEY_FILES)) {
    assert.ok(page("cb-keys.5").includes(name), name);
    assert.ok(page("cb-keys.5").includes(`--${option}`), option);
  }
});

test("cb-executor(5) has every key of a manifest, and every type with its base and what it refuses", () => {
  const text = page("cb-executor.5");
  const keysIn = (toml: string) => {
    try {
      parseManifest(Buffer.from(toml), "x.toml");
    } catch (error) {
      return (
        /no such key, expected (.*)$/.exec(messageOf(error))?.[1]?.split(", ") ??
        assert.fail(messageOf(error))
      );
    }
    assert.fail(toml);
  };
  for (const keys of [keysIn("qqqqqqqqqqqq = 1"), keysIn("[parameters.X]\nqqqqqqqqqqqq = 1")]) {
    assert.ok(keys.length > 5);
    for (const key of keys) assert.match(text, new RegExp(`[ ,]${key}(,[^(]*)? \\((an? |true|strings)`), key);
  }
  const values = [1, "", "x", "2-1", [0.5], ["x", 1], Infinity, Number.NaN, "inf", {}, null, "x".repeat(257)];
  for (const type of PARAMETER_TYPES) {
    assert.ok(text.includes(` ${type} (base ${baseOf(type)}) `), type);
    const [, item = ""] =
      new RegExp(` ${type} \\(base .*?\\) (.*?) (\\w+ \\(base|On the command line)`).exec(text) ?? [];
    for (const value of values) {
      const problem = problemOf(type, value)?.replace(/Your text \d+/, "Your text N");
      if (problem === undefined) continue;
      const shown = value === null ? text : item;
      assert.ok(shown.includes(`‘${problem}’`), `${type}: ${problem}`);
    }
  }
});

test("cb-executor(5) has every word that Faraday takes", () => {
  const text = page("cb-executor.5");
  const words = [
    ...TYPES,
    ...STATUSES,
    ...SERVICE_STATUSES,
    ...EASES,
    ...IMPACTS,
    ...REFERENCE_TYPES,
    ...SEVERITIES,
  ];
  // Two words for one; the page has the shorter one of them.
  const others = ["opened", "informational", "medium"];
  for (const word of words) {
    if (!others.includes(word)) assert.match(text, new RegExp(`[ (]${word}[ ,;)]`), word);
  }
});

test("cb-dispatcher(8) has every variable that an executor inherits, and every way in which a run ends", () => {
  const text = page("cb-dispatcher.8");
  const all = new Proxy({}, { get: () => "x" });
  const inherited = Object.keys(inheritedEnvironment(all));
  assert.ok(inherited.length > 5);
  for (const name of inherited) assert.match(text, new RegExp(`[ ,]${name}[ ,]`), name);
  const reasons: Readonly<Record<EndReason, true>> = {
    exited: true,
    signalled: true,
    "time-limit": true,
    stopped: true,
    cancelled: true,
    "not-started": true,
  };
  const endings = Object.keys(reasons).flatMap((reason) =>
    [0, 3].map((status) => {
      const end = { reason, status, signal: "SIGKILL", detail: "REASON", runTime: 2000 } as ExecutionEnd;
      return runOutcomeOf(end, NO_LINES, 2000, "").message;
    }),
  );
  for (const message of endings) {
    const [words = ""] = message.replace(/\b2(\.\d+)? s\b/, "T s").split(", ");
    const shown = words.replace("status 3", "status N").replace("SIGKILL", "SIGNAL");
    assert.ok(text.includes(` ${shown}`), `${message}: ${shown}`);
  }
});

test("cb-dispatcher(8) explains every record that its parts write at level info and above", () => {
  const text = page("cb-dispatcher.8");
  const files = globSync("src/{faraday/*,cli/dispatcher-*}.ts", { cwd: ROOT });
  const known = [
    "Accept a run",
    "Start an executor",
    "Stop, and let runs end first",
    "Finished a run",
    "Start dispatcher",
    "Dispatcher stopped",
  ];
  const messages = files.flatMap((file) => {
    const source = readFileSync(join(ROOT, file), "utf8").replace(/\s+/g, " ");
    const calls = source.matchAll(
      /(?:log\.(?:error|warn|info)|#say)\((?:[^()"]|"[^"]*"|\([^()]*\))*?"([A-Z][^"]+)"/g,
    );
    return [...calls].map(([, message = ""]) => message);
  });
  assert.ok(messages.length > 20, messages.join("\n"));
  for (const message of messages) assert.ok(known.includes(message) || text.includes(message), message);
});

test("cb-station(1) has every exit status but the one that cb-agent(8) has", () => {
  const ofAgents = /EXIT STATUS(.*)EXAMPLES/.exec(page("cb-agent.8"))?.[1] ?? "";
  assert.ok(ofAgents.includes(` ${ExitStatus.temporary} `), ofAgents);
  const section = /EXIT STATUS(.*)EXAMPLES/.exec(page("cb-station.1"))?.[1] ?? "";
  for (const [name, status] of Object.entries(ExitStatus)) {
    if (name === "temporary") continue;
    const isPart = status > 1 && (status & (status - 1)) === 0;
    assert.ok(section.includes(` ${isPart ? "+" : ""}${status} `), name);
  }
});

test("cb-agent(8) has every reason for which a request is ignored", () => {
  const reasons: Readonly<Record<IgnoredReason, true>> = {
    "not-a-request": true,
    "unknown-network": true,
    "bad-box": true,
    "unknown-station": true,
    "bad-signature": true,
    malformed: true,
    "wrong-channel": true,
    replayed: true,
    stale: true,
    "other-session": true,
  };
  for (const reason of Object.keys(reasons)) assert.ok(page("cb-agent.8").includes(reason), reason);
});

/** The sentences in DIAGNOSTICS of cb-station(1), in which words in capitals stand for others. */
function diagnostics(): readonly RegExp[] {
  const source = PAGES.get("cb-station.1") ?? "";
  const section = source.slice(source.indexOf(".Sh DIAGNOSTICS"));
  return [...section.matchAll(/^\.It (.*)$/gm)].map(([, head = ""]) => {
    const text = head.replaceAll("\\(dq", '"').replaceAll("\\&", "");
    const literal = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${literal.replace(/\b[A-Z]+\b/g, ".+")}$`);
  });
}

/** Asserts that a sentence is there, maybe without who it is about and the details at its end. */
function explained(sentence: string): void {
  const plural = sentence
    .replace(/^1 reply\b/, "2 replies")
    .replace(/\b1 (item|hello|byte|agent|new agent)\b/, "2 $1s");
  const bare = plural.replace(/: [^:]*$/, "");
  const forms = [plural, `${plural}: why`, bare, bare.replace(/ from web1$/, "")];
  const isThere = diagnostics().some((pattern) => forms.some((form) => pattern.test(form)));
  assert.ok(isThere, `cb-station(1) does not explain: ${sentence}`);
}

/** What is said of a session in which these events came. */
function outcomeOf(
  events: readonly ReplyEvent[],
  changes: Partial<Session> = {},
  tags?: string,
  fate?: Parameters<typeof judge>[6],
  holdUntil?: number,
): Outcome {
  const roster = new Roster();
  for (const event of events) roster.record(event, 1, NOW);
  const { length } = roster.agents;
  const session = {
    ...newSession(0, length, 0),
    answered: length,
    addressed: length,
    end: "waited",
    ...changes,
  };
  const waits = { helloWait: 2000, replyWait: 120_000, minimumWait: 4000, isMinimumExplicit: false };
  const rollCall = { missing: [], newcomers: [], failMissing: false, now: NOW };
  const request = runRequest({ ...(tags === undefined ? {} : { target: target(tags) }), holdUntil });
  return judge(request, roster, session as Session, waits, 50, rollCall, fate);
}

function says(disposition: Disposition = { is: "running" }): ReplyEvent {
  return { kind: "hello", hello: hello("web1", { disposition }) };
}

function ends(changes: Partial<Exit>): ReplyEvent {
  return { kind: "exit", identity: id("web1"), exit: exit(changes) };
}

test("cb-station(1) explains every sentence about an agent that did not do what was asked", () => {
  const dispositions: readonly Disposition[] = [
    ...DECLINATIONS.map((reason) => ({ is: "declined", reason }) as const),
    ...REFUSALS.map((reason) => ({ is: "refused", reason }) as const),
  ];
  const outcomes = [
    ...dispositions.map((disposition) => outcomeOf([says(disposition)])),
    ...ENDINGS.map((ending) => {
      return outcomeOf([says(), ends({ ending, status: 3, signal: "SIGKILL", detail: "why" })]);
    }),
    ...(["running", "queued"] as const).flatMap((is) =>
      (["reply-wait-expired", "hub-silent", "interrupted", undefined] as const).map((end) =>
        outcomeOf([says({ is })], { end }),
      ),
    ),
  ];
  outcomes.push(outcomeOf([says({ is: "held" })], { end: "hub-silent" }));
  for (const { problems } of outcomes) {
    assert.equal(problems.length, 1);
    explained(problems[0] ?? "");
  }
});

test("cb-station(1) explains every sentence about rollouts", () => {
  const plan = { parallel: undefined, canary: 2, maxFailures: undefined, pause: 0, replyWait: 120_000 };
  const rollout = newRollout(plan, 0);
  const fleet = { bound: 1, budget: 1, canaries: new Set<never>() };
  const failed = (...names: readonly string[]) => ({ failed: new Set(names.map(id)) });
  const rollouts: readonly Rollout[] = [
    rollout,
    { ...rollout, lost: new Map([[id("web1"), { since: 0, atOnce: 0 }]]) },
    { ...rollout, stopped: "interrupted" },
    { ...rollout, stopped: "hub-silent" },
    { ...rollout, stopped: "hold-over" },
    { ...rollout, stopped: "canaries-absent", fleet },
    { ...rollout, stopped: "canary-failed", ...failed("web2") },
    { ...rollout, stopped: "failures", ...failed("web2", "web3") },
    { ...rollout, stopped: "failures", ...failed("a", "b", "c", "d") },
  ];
  const held = says({ is: "held" });
  for (const one of rollouts) {
    const { problems } = outcomeOf([held], {}, undefined, () => fateOf(one, id("web1")));
    assert.equal(problems.length, 1);
    explained(problems[0] ?? "");
  }
  for (const { sentence } of overlapsOf({ ...rollout, fleet, overlaps: new Map([[id("web1"), 17_000]]) }))
    explained(sentence);
  const old = says({ is: "refused", reason: "version" });
  explained(outcomeOf([old], {}, undefined, undefined, NOW + 3_600_000).problems[0] ?? "");
});

test("cb-station(1) explains every sentence about clocks", () => {
  const request = { issued: NOW, expires: NOW + 60_000 };
  for (const detail of ["future", "expired", "born", "uptime", "floor", "validity", undefined]) {
    for (const off of [0, -600_000, 600_000]) {
      const bound = NOW + 70_000;
      const why = clockRefusal({ detail, bound }, request, { time: NOW + off, heardAt: NOW + 10 });
      explained(`web1 refused: ${why}`);
    }
  }
});

test("cb-station(1) explains every sentence about replies", () => {
  for (const fault of FAULTS) {
    for (const event of [
      { kind: "fault", fault, identity: id("web1") } as const,
      { kind: "fault", fault, identity: id("web1"), missing: 3 } as const,
      { kind: "fault", fault } as const,
    ]) {
      const sentence = outcomeOf([event], { addressed: 1 }).problems[0] ?? assert.fail(fault);
      const lost = /^(replies lost on the way|output incomplete)( from web1)?$/;
      explained(sentence.replace(lost, "$1 from web1: 3 bytes missing"));
    }
  }
});

test("cb-station(1) explains every sentence about who is there", () => {
  const counted = { counted: 3, answered: 1 };
  const now = NOW;
  const agent = hello("web1");
  const absent = { identity: agent.identity, lastSeen: NOW - 172_800_000 };
  const rollCall = {
    missing: [absent],
    newcomers: [agent.identity],
    failMissing: false,
    now,
  };
  const sentences = [
    ...outcomeOf([], { counted: 0 }).problems,
    ...outcomeOf([], { counted: 1, end: undefined }).problems,
    ...outcomeOf([says({ is: "not-targeted" })], { addressed: 0 }, "db").problems,
    ...outcomeOf([says({ is: "not-targeted" })], { addressed: 0, counted: 2, end: undefined }, "db").problems,
    ...outcomeOf([says(), ends({})], counted).problems,
    ...outcomeOf([says(), ends({ leftOpen: true })]).remarks,
    ...outcomeOf([says(), ends({}), { kind: "repeat", identity: id("web1") }]).remarks,
    ...outcomeOf([{ kind: "fault", fault: "pin-mismatch", identity: id("web1") }]).remarks,
    ...outcomeOf([says({ is: "refused", reason: "no-such-command" })]).remarks,
    ...[{}, { isNamed: true }, { isNamed: true, lastSeen: undefined }]
      .flatMap((how) => missingFindings({ missing: [{ ...absent, ...how }], now }))
      .map(({ sentence }) => sentence),
    "2 agents answered, 3 were expected",
    ...newcomersSentence(rollCall),
    announcement(agent),
    "web1 has answered after all",
    "replies may be missing: connection reset",
  ];
  assert.equal(sentences.length, 18);
  for (const sentence of sentences) explained(sentence);
});

const BLOCKS = ([name = ""]: readonly string[]) =>
  name === "known"
    ? [
        { name: "one", head: "Fl 1", body: ["First."] },
        { name: "two", head: "Fl 2", body: [] },
      ]
    : undefined;

const filled = (...lines: readonly string[]) => fillIn(lines.join("\n"), "x.mdoc", DATE, BLOCKS).split("\n");

test("fillIn() puts the items of a block in, and behind each what a person adds", () => {
  assert.deepEqual(filled(".Bl", '.\\"@ known', '.\\"@ about two', "Second.", '.\\"@ end', ".El"), [
    ".Bl",
    ".It Fl 1",
    "First.",
    ".It Fl 2",
    "Second.",
    ".El",
  ]);
});

test("fillIn() refuses marks that lead nowhere", () => {
  const refused = (why: RegExp, ...lines: readonly string[]) => assert.throws(() => filled(...lines), why);
  refused(
    /^Failure: Cannot make x\.mdoc: line 2: no such block as "other"$/,
    "x",
    '.\\"@ other',
    '.\\"@ end',
  );
  refused(/its block has no "three"$/, '.\\"@ known', '.\\"@ about three', '.\\"@ end');
  refused(/its block has no end$/, '.\\"@ known');
});

test("fillIn() breaks long lines of text, and neither macros nor what is literal", () => {
  const long = `${"word ".repeat(20)}.end`;
  const lines = filled(long, `.Sy ${long}`, ".Bd -literal", long, ".Ed");
  assert.deepEqual(lines, [
    "word ".repeat(16).trim(),
    `${"word ".repeat(4)}.end`,
    `.Sy ${long}`,
    ".Bd -literal",
    long,
    ".Ed",
  ]);
  assert.deepEqual(filled(`${"x".repeat(78)} .macro`), ["x".repeat(78), "\\&.macro"]);
});

test("prose() and escapeText() leave text as it is", () => {
  assert.deepEqual(prose('One. Two, e.g. "this". .three'), [
    "One.",
    "Two, e.g. \\(dqthis\\(dq.",
    "\\&.three",
  ]);
  assert.equal(
    escapeText("~/a\\b --run-directory, run-directory"),
    "\\(ti/a\\eb \\-\\-run\\-directory, run-directory",
  );
});
