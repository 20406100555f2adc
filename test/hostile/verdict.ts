/** Whether the promises held: what a station said and showed, and what agents ran. */
import { inspect } from "node:util";
import { CbError } from "../../src/core/errors.ts";
import { LONGEST_RETURN } from "../../src/hub/reconnecting-link.ts";
import { hex } from "../../src/protocol/bytes.ts";
import type { SessionPublicKey } from "../../src/protocol/keys.ts";
import { STREAMS } from "../../src/protocol/reply.ts";
import { sessionId } from "../../src/protocol/request-envelope.ts";
import { type Expectation, expectationOf, type Facts, type Heard } from "./expectation.ts";
import { COMMANDS, IDENTITIES, type Laboratory } from "./laboratory.ts";
import { compare, type Report, readReport, shownBy } from "./report.ts";
import type { Scene } from "./scene.ts";
import type { Question, Told } from "./station.ts";

/** Milliseconds after the last sign of life; far above the waits of a schedule, for machines are busy. */
const LONGEST_WAIT = 5_000;
/**
 * The same where a station may be waiting for an answer of Redis itself (hub/redis-connection.ts), and then lets agents
 * come back to it, which are not silent meanwhile.
 */
const LONGEST_WAIT_FOR_REDIS = 18_000 + LONGEST_RETURN;
/** Receivers, above which a station does not believe a count. */
const MAX_COUNTED = 100_000;

/** @returns what a station did wrong, a line each */
export function judgeStation(told: Told, scene: Scene, laboratory: Laboratory): readonly string[] {
  const expectation = expectationOf(told, scene.hub.kept);
  const inVain = Math.round(told.elapsed - expectation.lastSign);
  const allowed = scene.hub.hasBroken ? LONGEST_WAIT_FOR_REDIS : LONGEST_WAIT;
  const late = inVain > allowed ? [`waits ${inVain} ms in vain`] : [];
  if (told.failure !== undefined) return [...late, ...judgeFailure(told.failure)];
  const hasAsked = scene.hub.kept.published.some(({ door }) => door === told.door);
  if (told.question.isInterrupted && !hasAsked && told.stderr.length === 0) return late;
  const report = readReport(told);
  return [
    ...late,
    ...report.strange.map((line) => `says something strange: ${line}`),
    ...compareFacts(expectedFacts(told, expectation, report, scene), report.facts, scene),
    ...(told.status === report.status
      ? []
      : [`exits with ${told.status}, not ${report.status} as its report has it`]),
    ...judgeOutput(told, expectation, report, laboratory),
  ];
}

/** A session that cannot be opened is said in one line, and nobody has been asked for anything. */
function judgeFailure(failure: unknown): readonly string[] {
  return failure instanceof CbError && failure.code === "hub" ? [] : [`fails: ${inspect(failure)}`];
}

function expectedFacts(told: Told, expectation: Expectation, report: Report, scene: Scene): Facts {
  const { question, known } = told;
  const { heard } = expectation;
  const facts = new Map(expectation.facts);
  const meant = meantBy(question);
  if (!meant.some((identity) => heard.has(identity))) facts.set("nobody", 1);
  if (known === 0) facts.set("new", heard.size);
  for (const identity of meant) {
    // An agent whose replies Redis refuses for good makes no more of them: nobody knows where it was.
    if (hasLogged(scene, identity, "replies-lost")) continue;
    const fact = endOf(question, heard.get(identity), report.facts.has(`cancelled ${identity}`));
    if (fact !== undefined) facts.set(`${fact} ${identity}`, 1);
  }
  const unheard = unheardOf(told, expectation, report, scene);
  if (unheard > 0) facts.set("unheard", unheard);
  return facts;
}

/** What must be said of an agent in the end; it was asked, and heard or not. */
function endOf(
  { task, isInterrupted }: Question,
  agent: Heard | undefined,
  isCancelled: boolean,
): string | undefined {
  if (agent === undefined) return isInterrupted ? undefined : "missing";
  if (task.type === "ping") return undefined;
  if (agent.expected < agent.made) return isInterrupted ? "unconfirmed" : "silent";
  // Whether the cancel was in time is nobody's promise.
  if (isInterrupted) return isCancelled ? "cancelled" : undefined;
  return task.type === "run" && task.command === COMMANDS.fails ? "failed" : undefined;
}

/** How many did not answer of those that the hub has counted. */
function unheardOf(
  { question, door }: Told,
  { heard, worthless }: Expectation,
  { facts }: Report,
  { hub }: Scene,
): number {
  const said = facts.get("unheard") ?? 0;
  // What is left of a count in garbled bytes only the station knows.
  if (hub.hasBroken) return said;
  const counted = Math.min(hub.kept.counts.get(door) ?? 0, MAX_COUNTED);
  const unheard = question.isInterrupted ? 0 : Math.max(0, counted - heard.size);
  // Whether a worthless answer is one can be seen either way.
  return said <= unheard && said >= unheard - worthless ? said : unheard;
}

function compareFacts(expected: Facts, said: Facts, scene: Scene): readonly string[] {
  const wrong = [...said]
    .filter(([fact, times]) => expected.get(fact) !== times && !isExcused(fact, expected, scene))
    .map(([fact, times]) => `says "${fact}" ${times}, not ${expected.get(fact) ?? 0}`);
  const unsaid = [...expected]
    .filter(([fact]) => !said.has(fact))
    .map(([fact, times]) => `does not say "${fact}" ${times}`);
  return [...wrong, ...unsaid];
}

/** What may be said though no reply that was taken shows it. */
function isExcused(fact: string, expected: Facts, scene: Scene): boolean {
  const [kind = "", identity = ""] = fact.split(" ");
  switch (kind) {
    // Follow from the loss of replies.
    case "hole":
    case "short":
      return expected.has(`gap ${identity}`);
    case "dropped":
      return hasLogged(scene, identity, "output-dropped");
    case "silent":
    case "unconfirmed":
    case "missing":
    case "failed":
      return hasLogged(scene, identity, "replies-lost");
    case "lost":
      return scene.hub.hasBroken;
    default:
      return false;
  }
}

function hasLogged({ events }: Scene, identity: string, event: string): boolean {
  return events.some((one) => one.identity === identity && one.event === event);
}

/** With one of these a report says that not all of an agent's output is there. */
const CONFESSIONS = ["silent", "unconfirmed", "cancelled", "gap", "altered", "dropped"];

function judgeOutput(
  told: Told,
  { heard }: Expectation,
  { facts }: Report,
  laboratory: Laboratory,
): readonly string[] {
  const { task } = told.question;
  const asked = task.type === "ping" ? [] : meantBy(told.question).filter((identity) => heard.has(identity));
  return STREAMS.flatMap((stream) => {
    const shown = shownBy(told, stream);
    const others = [...shown.keys()].filter((identity) => !asked.includes(identity));
    const judged = asked.flatMap((identity) => {
      const printed = laboratory.printed(task.type === "run" ? task.command : "", identity, stream);
      const resemblance = compare(shown.get(identity) ?? new Uint8Array(), printed);
      const confesses = facts.has("lost") || CONFESSIONS.some((kind) => facts.has(`${kind} ${identity}`));
      if (resemblance === "altered") return [`shows on ${stream} what ${identity} did not print`];
      return resemblance === "whole" || confesses ? [] : [`hides that ${stream} of ${identity} is not whole`];
    });
    return [...others.map((identity) => `shows output of ${identity}`), ...judged];
  });
}

/** @returns what agents ran that they should not have, a line each */
export function judgeRuns(asked: readonly Told[], scene: Scene, laboratory: Laboratory): readonly string[] {
  const questions = new Map(asked.map(({ door, question }) => [door, question]));
  const sessions = new Map(
    scene.hub.kept.published.map(({ door, envelope }) => {
      return [hex(sessionId(envelope.subarray(12, 44) as SessionPublicKey)), questions.get(door)];
    }),
  );
  const seen = new Set<string>();
  const problems = laboratory.runs(scene.otherChannel).map(({ identity }) => `${identity} ran something`);
  for (const { session, command, identity } of laboratory.runs(scene.channel)) {
    const question = sessions.get(session);
    const isAsked = question?.task.type === "run" && question.task.command === command;
    if (!isAsked) problems.push(`${identity} ran ${command}, which nobody asked for`);
    else if (!meantBy(question).includes(identity))
      problems.push(`${identity} ran what it was not asked for`);
    if (seen.has(`${session} ${identity}`)) problems.push(`${identity} ran ${command} twice`);
    seen.add(`${session} ${identity}`);
  }
  return problems;
}

function meantBy({ isTargeted }: Question): readonly string[] {
  return isTargeted ? IDENTITIES.slice(0, 1) : IDENTITIES;
}
