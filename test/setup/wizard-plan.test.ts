import assert from "node:assert/strict";
import { test } from "node:test";
import type { Agreement } from "../../src/setup/wizard-plan.ts";
import type { Connection, Reach } from "../../src/setup/work.ts";
import { BACK, certificate, found, name, type Script, START, type Told, tell } from "./wizard-scene.ts";

const URL = "https://faraday.example";
const SERVER: Script = [["server", URL]];
const PORTS: Script = [["executors", ["ports"]]];
const CODE: Script = [["token", "123456"]];

function agreed({ agreement }: Told): Agreement {
  assert(agreement !== undefined);
  return agreement;
}

function connectionOf(told: Told): Connection {
  return agreed(told).draft.connection;
}

test("wizardPlan() asks from nothing for what is needed, the code last", () => {
  const told = tell([...SERVER, ...PORTS, ...CODE]);
  const questions = ["server", "proxy", "name", "description", "executors", "more", "confirm", "token"];
  assert.deepEqual(told.asked, questions);
  const { draft, registration } = agreed(told);
  const connection = { server: URL, proxy: undefined, trust: { kind: "system" } };
  const rest = { name: "pentest-box", description: "", executors: ["ports"], made: [], python: undefined };
  assert.deepEqual(draft, { connection, ...rest });
  assert.deepEqual(registration, { token: "t".repeat(64), server: URL, id: 7 });
});

test("wizardPlan() asks for scheme, port and base route where a host is all that is given", () => {
  const asked = (text: string, ...script: Script) => {
    const told = tell([["server", text], ...script, ...PORTS, ...CODE]);
    return [connectionOf(told).server, ...told.asked.slice(1, told.asked.indexOf("proxy"))];
  };
  assert.deepEqual(asked("faraday"), ["https://faraday", "scheme", "port", "base-route"]);
  const http = asked("faraday", ["scheme", "http"], ["base-route", "base"]);
  assert.deepEqual(http, ["http://faraday:5985/base", "scheme", "port", "base-route"]);
  assert.deepEqual(asked("faraday:8443/base"), ["https://faraday:8443/base", "scheme"]);
  assert.deepEqual(asked("faraday:5985", ["scheme", "http"], ["base-route", ""]), [
    "http://faraday:5985",
    "scheme",
    "base-route",
  ]);
});

test("wizardPlan() keeps a proxy's password that it never shows, and asks for that of a new one", () => {
  const proxy = "http://me:secret@proxy:3128";
  const kept = tell([...SERVER, ...PORTS, ...CODE], { proxy });
  assert.equal(connectionOf(kept).proxy, proxy);
  assert(!JSON.stringify([kept.questions, kept.said]).includes("secret@"));
  const other = tell(
    [...SERVER, ["proxy", "you@other:8080"], ["proxy-password", "hush"], ...PORTS, ...CODE],
    { proxy },
  );
  assert.equal(connectionOf(other).proxy, "http://you:hush@other:8080");
  assert(!JSON.stringify([other.questions, other.said]).includes("hush"));
  assert.equal(connectionOf(tell([...SERVER, ["proxy", ""], ...PORTS, ...CODE], { proxy })).proxy, undefined);
  assert.equal(connectionOf(tell([...SERVER, ["proxy", "none"], ...PORTS, ...CODE])).proxy, "none");
});

test("wizardPlan() asks what to do where the server cannot be reached", () => {
  const reach = ({ server }: Connection): Reach =>
    server.includes("good")
      ? { kind: "reached", words: "Faraday answers", trust: { kind: "system" } }
      : { kind: "failed", reason: "connection refused" };
  const other: Script = [...SERVER, ["failed", "again"], ["failed", "server"], ["server", "http://good"]];
  const changed = tell([...other, ...PORTS, ...CODE], {}, { reach });
  assert.equal(connectionOf(changed).server, "http://good");
  assert.equal(changed.said.filter((line) => line === "connection refused").length, 2);
  const anyway = tell([...SERVER, ["failed", "anyway"], ...PORTS, ...CODE], {}, { reach });
  assert.equal(connectionOf(anyway).server, URL);
  // Then nothing would be left of a fingerprint.
  const pinned = { trust: { kind: "fingerprint", sha256: "AB" } } as const;
  const told = tell([...SERVER, ["failed", "server"], ["server", "http://good"], ...PORTS, ...CODE], pinned, {
    reach,
  });
  const form = told.questions.find(({ id }) => id === "failed")?.form;
  assert(form?.kind === "choice" && !form.choices.some(({ value }) => value === "anyway"));
});

const [OWN, ROOT] = [certificate("CN=faraday", "A"), certificate("CN=root", "B")];

/** Trusted only as the certificate, the file or the recklessness says. */
function reachUntrusted({ trust }: Connection): Reach {
  const isGood =
    trust.kind === "certificate" ||
    trust.kind === "insecure" ||
    (trust.kind === "file" && trust.path === "/ca");
  if (isGood) return { kind: "reached", words: "Faraday answers", trust };
  if (trust.kind === "file") return { kind: "failed", reason: `Cannot use "${trust.path}"` };
  return { kind: "untrusted", reason: "unknown authority", shown: [OWN, ROOT], candidates: [OWN, ROOT] };
}

test("wizardPlan() shows a certificate that is not trusted, and takes what the person says of it", () => {
  const world = { reach: reachUntrusted };
  const trusting = (...script: Script) => tell([...SERVER, ...script, ...PORTS, ...CODE], {}, world);
  const own = trusting(["trust", OWN.fingerprint]);
  assert.deepEqual(connectionOf(own).trust, { kind: "certificate", pem: OWN.pem });
  for (const words of ["CN=faraday", "CN=root", "2027-01-01", "unknown authority"])
    assert(
      own.said.some((line) => line.includes(words)),
      words,
    );
  // Whole, on two lines.
  for (const { fingerprint } of [OWN, ROOT])
    assert(
      own.said
        .map((line) => line.replace(/^(SHA-256)? +/, ""))
        .join("")
        .includes(fingerprint),
    );
  assert.deepEqual(connectionOf(trusting(["trust", ROOT.fingerprint])).trust, {
    kind: "certificate",
    pem: ROOT.pem,
  });
  const file = trusting(["trust", "file"], ["tls-ca", "/missing"], ["failed", "file"], ["tls-ca", "/ca"]);
  assert.deepEqual(connectionOf(file).trust, { kind: "file", path: "/ca" });
  const insecure = trusting(["trust", "insecure"], ["insecure", "insecure"]);
  assert.deepEqual(connectionOf(insecure).trust, { kind: "insecure" });
  assert(insecure.said.includes("Its certificate is not verified"));
});

test("wizardPlan() takes no certificate by a key that was pressed once too often, and none unasked", () => {
  const told = tell([...SERVER, ["tls-ca", "/ca"], ...PORTS, ...CODE], {}, { reach: reachUntrusted });
  assert.deepEqual(connectionOf(told).trust, { kind: "file", path: "/ca" });
  const trust = told.questions.find(({ id }) => id === "trust");
  assert(trust !== undefined && "error" in trust.unasked);
  assert.equal(trust.unasked.error, `Cannot trust "${URL}": unknown authority`);
  assert(trust.unasked.hint?.includes(OWN.fingerprint));
  const word = tell(
    [...SERVER, ["trust", "insecure"], ["insecure", BACK], ["trust", OWN.fingerprint], ...PORTS, ...CODE],
    {},
    {
      reach: reachUntrusted,
    },
  ).questions.find(({ id }) => id === "insecure");
  assert(word?.form.kind === "text");
  for (const text of ["", "yes", "INSECURE"]) assert.notEqual(word.form.problem(text), undefined);
});

test("wizardPlan() goes on taking any certificate where that was so, and only then, when nobody can be asked", () => {
  const told = tell(
    [...SERVER, ["insecure", "insecure"], ...PORTS, ...CODE],
    { wasInsecure: true },
    { reach: reachUntrusted },
  );
  assert.deepEqual(connectionOf(told).trust, { kind: "insecure" });
  assert.deepEqual(told.questions.find(({ id }) => id === "trust")?.unasked, { answer: "insecure" });
});

test("wizardPlan() goes back from anywhere to the first question, and on again without loss", () => {
  const first: Script = [
    ["server", "faraday"],
    ["scheme", "http"],
    ["proxy", "you@proxy"],
    ["proxy-password", "hush"],
    ["name", "box"],
  ];
  const back: Script = ["description", "name", "proxy-password", "proxy", "base-route", "port", "scheme"].map(
    (id) => [id, BACK],
  );
  const told = tell([...first, ...back, ["server", "other"], ["proxy-password", ""], ...PORTS, ...CODE]);
  const { connection, name } = agreed(told).draft;
  assert.deepEqual(
    [connection.server, connection.proxy, name],
    ["http://other:5985", "http://you:hush@proxy", "box"],
  );
});

const INVENTORY = {
  python: { path: "/opt/bin/python", version: "3.9.1" },
  executors: [
    found("ports", { about: "Looks for open ports" }),
    found("broken", { problem: "not executable" }),
    found("tenable", { official: "tenable", wants: ["TENABLE_HOST", "TENABLE_SECRET_KEY"] }),
  ],
};

test("wizardPlan() asks for the variables of Faraday's own, hides secrets, and has the checks run with them", () => {
  const script: Script = [
    ["executors", ["tenable", "ports"]],
    ["variable tenable.TENABLE_HOST", "tenable.example"],
    ["variable tenable.TENABLE_SECRET_KEY", "correct-horse"],
  ];
  const told = tell([...SERVER, ...script, ...CODE], {}, { inventory: () => INVENTORY });
  const { draft } = agreed(told);
  assert.deepEqual([draft.executors, draft.python], [["tenable", "ports"], "/opt/bin/python"]);
  const [made] = draft.made;
  assert.deepEqual([made?.name, made?.program, made?.manifest?.official], ["tenable", undefined, "tenable"]);
  const variables = new Map([
    ["TENABLE_HOST", { value: "tenable.example" }],
    ["TENABLE_SECRET_KEY", { secret: "correct-horse" }],
  ]);
  assert.deepEqual(made?.manifest?.environment, variables);
  const check = told.work.find((work) => work.do === "check" && work.executor.name === "tenable");
  assert(check?.do === "check");
  assert.deepEqual([check.variables, check.python], [variables, "/opt/bin/python"]);
  assert(!JSON.stringify([told.said, told.questions]).includes("correct-horse"));
  const kinds = (start: object) => {
    const { questions } = tell([...SERVER, ...script, ...CODE], start, { inventory: () => INVENTORY });
    return questions.filter(({ id }) => id.startsWith("variable ")).map(({ form }) => form.kind);
  };
  assert.deepEqual(kinds({}), ["text", "secret"]);
  // One that comes out of a file is a secret by that.
  assert.deepEqual(kinds({ secrets: new Set(["variable tenable.TENABLE_HOST"]) }), ["secret", "secret"]);
});

test("wizardPlan() offers no executor that cannot be used, but one that is offered already", () => {
  const choices = (told: Told) => {
    const form = told.questions.find(({ id }) => id === "executors")?.form;
    assert(form?.kind === "many");
    return form.choices.map(({ label, problem }) => `${label}${problem === undefined ? "" : " ✗"}`);
  };
  const fresh = tell([...SERVER, ...PORTS, ...CODE], {}, { inventory: () => INVENTORY });
  assert.deepEqual(choices(fresh), [
    "ports     Looks for open ports",
    "broken    cannot be used: not executable ✗",
    "tenable",
  ]);
  const executors = [name("broken"), name("gone"), name("ports")];
  const edited = tell([...SERVER, ...CODE], { executors }, { inventory: () => INVENTORY });
  assert.deepEqual(choices(edited).slice(1), [
    "broken    cannot be used: not executable",
    "tenable",
    "gone   it is not there",
  ]);
  assert.deepEqual(agreed(edited).draft.executors, executors);
  const fewer = tell([...SERVER, ...PORTS, ...CODE], { executors }, { inventory: () => INVENTORY });
  assert(fewer.said.includes("No longer offered: broken, gone"));
});

test("wizardPlan() explains a check that fails, and tries again, keeps or leaves out", () => {
  const problems = { ports: ['check "nmap" failed: exit status 127: sh: nmap: not found', "check failed"] };
  const checked = (...script: Script) => tell([...SERVER, ...PORTS, ...script, ...CODE], {}, { problems });
  const mended = checked(["check ports", "again"], ["check ports", "again"]);
  assert(mended.said.includes("ports: 1 check passed"));
  assert(mended.said.includes("It needs a program that is not installed here, or not in PATH"));
  assert.deepEqual(agreed(checked(["check ports", "keep"])).draft.executors, ["ports"]);
  const left = checked(["check ports", "leave"], ["executors", ["ports"]], ["check ports", "keep"]);
  assert(left.said.includes("No executor is left, and a dispatcher needs one"));
  assert.deepEqual(left.questions.find(({ id }) => id === "check ports")?.unasked, { answer: "keep" });
});

test("wizardPlan() makes an executor of a command line [F23]", () => {
  const script: Script = [
    ["more", "custom"],
    ["custom-name", "mine"],
    ["custom-command", 'scan -- "$EXECUTOR_CONFIG_TARGET"'],
    ["custom-parameter", "TARGET"],
    ["custom-type", "ip"],
    ["custom-parameter", "LOGIN"],
    ["custom-type", "password"],
    ["custom-mandatory", "no"],
    ["custom-parameter", ""],
    ["custom-variable", "API_TOKEN"],
    ["variable mine.API_TOKEN", "hush"],
    ["custom-variable", "SCAN_TIMEOUT"],
    ["variable mine.SCAN_TIMEOUT", "3"],
    ["custom-variable", "GIT_USER"],
    ["variable mine.GIT_USER", "me:word"],
    ["custom-variable", "LEVEL"],
    ["variable mine.LEVEL", "4"],
  ];
  const told = tell([...SERVER, ...script, ...CODE], {}, { inventory: () => ({ executors: [] }) });
  assert(told.said.some((line) => line.startsWith('There are no executors in "/etc/cb/run.d"')));
  const { executors, made } = agreed(told).draft;
  assert.deepEqual(executors, ["mine"]);
  const [{ program, manifest } = assert.fail()] = made;
  assert.match(program ?? "", /^#!\/bin\/sh\n(?:#.*\n)+scan -- "\$EXECUTOR_CONFIG_TARGET"\n$/);
  const parameters = manifest?.parameters.map(({ name, types, mandatory, secret }) => [
    name,
    types[0],
    mandatory,
    secret,
  ]);
  assert.deepEqual(parameters, [
    ["TARGET", "ip", true, false],
    ["LOGIN", "password", false, true],
  ]);
  assert.deepEqual(manifest?.environment.get("API_TOKEN"), { secret: "hush" });
  assert.deepEqual(manifest?.environment.get("SCAN_TIMEOUT"), { value: "3" });
  // Nothing tells that its value may be seen, of the one; of the other the value tells that it may not.
  assert.deepEqual(manifest?.environment.get("LEVEL"), { secret: "4" });
  assert.deepEqual(manifest?.environment.get("GIT_USER"), { secret: "me:word" });
  const problem = (id: string, text: string) => {
    const form = told.questions.findLast((question) => question.id === id)?.form;
    return form !== undefined && "problem" in form ? form.problem(text) : undefined;
  };
  for (const text of ["", "a b", "../x", "x.toml"])
    assert.match(problem("custom-name", text) ?? "", /^expected /, text);
  for (const text of ["a-b", "1"]) assert.match(problem("custom-parameter", text) ?? "", /^expected /, text);
  assert.equal(problem("custom-parameter", "target"), "it has that one already");
  assert.equal(problem("custom-variable", "PATH"), "the name is reserved");
});

test("wizardPlan() finds Faraday's own where their Python is named", () => {
  const inventory = (python: string | undefined) =>
    python === "/opt/bin/python" ? INVENTORY : { problem: python && `Cannot use python "${python}"` };
  const script: Script = [
    ...PORTS,
    ["more", "python"],
    ["python", "/usr/bin/python"],
    ["more", "python"],
    ["python", "/opt/bin/python"],
    ["executors", ["ports", "tenable"]],
  ];
  const told = tell([...SERVER, ...script, ...CODE], {}, { inventory });
  assert(told.said.includes('Cannot use python "/usr/bin/python"'));
  assert.equal(agreed(told).draft.python, "/opt/bin/python");
});

test("wizardPlan() keeps an agent that is registered at this server, and asks where it is another one", () => {
  const here = tell([...SERVER, ...PORTS], { registered: { server: URL } });
  assert.deepEqual([agreed(here).registration, here.asked.includes("token")], ["kept", false]);
  const registered = { server: "https://old.example" };
  const kept = tell([...SERVER, ...PORTS, ["registered", "keep"]], { registered });
  assert.equal(agreed(kept).registration, "kept");
  const made = tell([...SERVER, ...PORTS, ["registered", "new"], ...CODE], { registered });
  assert.equal(typeof agreed(made).registration, "object");
  const unasked = made.questions.find(({ id }) => id === "registered")?.unasked;
  assert(unasked !== undefined && "error" in unasked);
});

test("wizardPlan() asks for another code where one is refused, and leaves it for later without one", () => {
  const again = tell([...SERVER, ...PORTS, ["token", "000000"], ...CODE]);
  assert.deepEqual(again.said.slice(-4, -1), [
    "the code is wrong",
    "take a new one",
    `Registering "pentest-box" at ${URL}`,
  ]);
  assert.equal(agreed(tell([...SERVER, ...PORTS, ["token", ""]])).registration, "later");
});

test("wizardPlan() has nothing done where the person does not want it", () => {
  const told = tell([...SERVER, ...PORTS, ["confirm", "no"]]);
  assert.equal(told.agreement, undefined);
  assert(!told.work.some((work) => work.do === "register"));
});

test("wizardPlan() says of every question what happens where nobody can be asked", () => {
  const bare = tell([...SERVER, ...PORTS, ...CODE]).questions;
  const optionOf = (id: string) => {
    const unasked = bare.find((question) => question.id === id)?.unasked;
    return unasked !== undefined && "option" in unasked ? unasked.option : unasked;
  };
  assert.deepEqual(["server", "executors", "token"].map(optionOf), ["--server", "--executors", "--token"]);
  const known = { ...START, server: URL, executors: [name("ports")], registered: { server: URL } };
  for (const { id, unasked } of tell([], known).questions) assert("answer" in unasked, id);
});

test("wizardPlan() says of a name that changes, and of files in homes, what the person would not expect", () => {
  const words = "The server goes on showing name and description as they were registered";
  const now = new Map([["name", "pentest-box"]]);
  const registered = { server: URL };
  const renamed = (...script: Script) =>
    tell([...SERVER, ...script], { now, registered }).said.includes(words);
  assert.equal(renamed(["name", "other"], ...PORTS), true);
  assert.equal(renamed(...PORTS), false);
  assert.equal(tell([...SERVER, ["name", "other"], ...PORTS, ...CODE], { now }).said.includes(words), false);
  const isHidden = (path: string) => path.startsWith("/home/");
  const trust = { kind: "file", path: "/home/me/ca.pem" } as const;
  assert(
    tell([...SERVER, ...PORTS, ...CODE], { isHidden, trust }).said.includes(
      "The service cannot see /home/me/ca.pem",
    ),
  );
});
