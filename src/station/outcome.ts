/**
 * What a session came to: the exit status, and a sentence for every reason in it.
 *
 * Every bit has a sentence that names the agent, and nothing that went wrong is without a bit.
 * Source: PROTOCOL.md §9.
 */
import { ExitStatus } from "../core/errors.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { count, seconds } from "../core/text.ts";
import type { Request } from "../protocol/request.ts";
import { type MissingAgent, missingFinding, newcomersSentence, type RollCall } from "./attendance.ts";
import { faultSentence, replies } from "./fault-sentence.ts";
import { type Finding, sentenceOf, together } from "./finding.ts";
import type { Fate } from "./rollout-report.ts";
import type { AgentRecord, FaultRecord, Roster } from "./roster.ts";
import { type RunTime, runTimesOf, typicalAndSlowest } from "./run-times.ts";
import { type Session, unheardOf, type WaitPolicy } from "./session.ts";
import { targetWords } from "./target-words.ts";
import { type AgentVerdict, judgeAgent } from "./verdict.ts";

export type Outcome = {
  readonly status: number;
  /** A sentence for each part of the status, in the order of the agents' names; those that came to the same together. */
  readonly problems: readonly string[];
  /** What an operator would want to know though it is no failure. */
  readonly remarks: readonly string[];
  /** Those of the remarks that say who is missing. */
  readonly absences: readonly string[];
  /** The same, for whom not all of it is to be shown. */
  readonly findings: Readonly<Record<"problems" | "remarks", readonly Finding[]>>;
  /** One sentence for each agent that did what it was asked. */
  readonly successes: readonly string[];
  /** In the order of the agents' names. */
  readonly agents: readonly AgentVerdict[];
  /** As they are said. */
  readonly faults: readonly FaultRecord[];
  /** `3 agents · 2 ok · 1 failed · 0.05 s`. */
  readonly summary: string;
};

/** A part of the exit status, and the reason for it. */
type Part = { readonly status: number } & Remark;
/** A finding, where there is anything to say. */
type Remark = { readonly [Key in keyof Finding]?: Finding[Key] | undefined };

/** @param elapsed milliseconds from the request to the end */
export function judge(
  request: Request,
  roster: Roster,
  session: Session,
  waits: WaitPolicy,
  elapsed: number,
  rollCall: RollCall,
  fateOf: (identity: Identity) => Fate | undefined = () => undefined,
): Outcome {
  const judgements = roster.agents.map((agent) =>
    judgeAgent(agent, request, session, waits, fateOf(agent.hello.identity)),
  );
  const missing = rollCall.missing.map((agent) => missingPart(agent, rollCall));
  const faults = roster.faults.map((record) => asConflict(record, roster));
  const parts: readonly Part[] = [
    ...judgements.map((judgement) => ({ ...judgement, agents: [judgement.identity] })),
    ...notReleased(judgements, fateOf),
    ...faults.map((fault) => ({
      status: ExitStatus.integrity,
      agents: fault.identity === undefined ? [] : [fault.identity],
      sentence: faultSentence(fault),
    })),
    ...missing.filter(({ status }) => status !== 0),
    judgeAbsence(request, roster, session, rollCall),
    judgeUnheard(request, session, waits),
    judgeNumber(judgements, rollCall),
  ];
  const problems = findingsOf(parts);
  const excused = missing.filter(({ status }) => status === 0);
  const remarks = findingsOf([
    ...remarksOn(roster),
    ...excused,
    ...[...newcomersSentence(rollCall), ...hints(request, roster, faults)].map((sentence) => ({ sentence })),
  ]);
  return {
    status: parts.reduce((status, part) => status | part.status, 0),
    problems: problems.map((finding) => sentenceOf(finding)),
    remarks: remarks.map((finding) => sentenceOf(finding)),
    absences: findingsOf(excused).map((finding) => sentenceOf(finding)),
    findings: { problems, remarks },
    successes: roster.agents.flatMap(successOf),
    agents: judgements,
    faults,
    summary: summarise(
      judgements,
      rollCall,
      elapsed,
      request.type === "run" ? runTimesOf(roster.agents) : [],
    ),
  };
}

function findingsOf(parts: readonly Remark[]): readonly Finding[] {
  return together(
    parts.flatMap(({ agents = [], sentence, ...rest }) =>
      sentence === undefined ? [] : [{ agents, sentence, ...rest }],
    ),
  );
}

/** A sentence for all that a rollout did not release for one reason. */
function notReleased(
  judgements: readonly AgentVerdict[],
  fateOf: (identity: Identity) => Fate | undefined,
): readonly Part[] {
  const byReason = new Map<string, Identity[]>();
  for (const { identity, verdict, sentence } of judgements) {
    const fate = fateOf(identity);
    if (verdict !== "not run" || sentence !== undefined || fate?.is !== "not-released") continue;
    const agents = byReason.get(fate.why) ?? [];
    byReason.set(fate.why, agents);
    agents.push(identity);
  }
  return [...byReason].map(([why, agents]) => {
    const around = [`not run on ${count(agents.length, "agent")}, `, `: ${why}`] as const;
    const sentence = around.join(foldNames(agents).join(", "));
    return { status: ExitStatus.notAllRun, agents, sentence, around };
  });
}

function remarksOn({ agents, repeats }: Roster): readonly Remark[] {
  const what = ": a process that the command left behind still held its output";
  const left = agents.flatMap(({ hello: { identity }, exit }) =>
    exit?.leftOpen ? [{ agents: [identity], sentence: `${identity}${what}`, ofSeveral: what }] : [],
  );
  const repeated = { sentence: `${replies(repeats)} came more than once, shown once` };
  return [...left, ...(repeats > 0 ? [repeated] : [])];
}

const ACCEPT_HINT =
  "hint: an agent logs its key when it starts; if that is the new one: cb station agents accept NAME --fingerprint KEY";

const STRANGER_HINT =
  "hint: whoever answers with another key may have run the command all the same; none of its output is shown";

/** @param faults as they are said, where a changed key may be two agents of one name */
function hints(request: Request, roster: Roster, faults: readonly FaultRecord[]): readonly string[] {
  const isKeyWrong = ({ fault }: FaultRecord) => fault === "pin-mismatch";
  const ran = request.type === "run" && roster.faults.some(isKeyWrong) ? [STRANGER_HINT] : [];
  return [
    ...ran,
    ...(faults.some(isKeyWrong) ? [ACCEPT_HINT] : []),
    ...commandHint(request, roster),
    ...versionHints(request, roster),
  ];
}

/** Where nobody at all has the command, its name is wrong, or it stands where an agent's was meant. */
function commandHint(request: Request, { agents }: Roster): readonly string[] {
  const asked = agents.filter(({ hello }) => hello.disposition.is !== "not-targeted");
  const hasNone = ({ hello: { disposition } }: AgentRecord) =>
    disposition.is === "refused" && disposition.reason === "no-such-command";
  if (request.type !== "run" || asked.length === 0 || !asked.every(hasNone)) return [];
  const isAgent = agents.some(({ hello }) => hello.identity === (request.command as string));
  const hint = isAgent
    ? `${request.command} is an agent, not a command: say whom you mean with --to`
    : '"cb station commands" shows which there are';
  return [`hint: ${hint}`];
}

/** What those that refused are too old for. */
function versionHints({ type, target = {} }: Request, { agents }: Roster): readonly string[] {
  const isOld = ({ hello: { disposition } }: AgentRecord) =>
    disposition.is === "refused" && disposition.reason === "version";
  if (!agents.some(isOld)) return [];
  const { tags: _, ...others } = target;
  const isBeyondTags = Object.values(others).some((list) => list !== undefined);
  return [
    ...(type === "list" ? ["hint: agents of an older cb cannot list their commands: upgrade them"] : []),
    ...(isBeyondTags ? ["hint: agents of an older cb know tags alone: use those, or upgrade them"] : []),
  ];
}

/** Where the agent of the pinned key has answered as well, there are two of one name, and no key has changed. */
function asConflict(record: FaultRecord, roster: Roster): FaultRecord {
  const { fault, identity } = record;
  if (fault !== "pin-mismatch" || identity === undefined || !roster.isContested(identity)) return record;
  return { ...record, fault: "conflict", detail: `two agents call themselves ${identity}` };
}

function successOf({ hello, exit }: AgentRecord): readonly string[] {
  if (exit?.ending !== "exited" || exit.status !== 0) return [];
  return [`${hello.identity}: exit status 0 after ${seconds(exit.runTime)}`];
}

/** That an agent is missing, which is a failure if it was named, or if any missing agent is to be one. */
function missingPart(agent: MissingAgent, { failMissing, now }: RollCall): Part {
  const isKnown = agent.lastSeen !== undefined;
  const status =
    (agent.isNamed ? ExitStatus.notAllRun : 0) | (failMissing && isKnown ? ExitStatus.missingAgents : 0);
  return { status, ...missingFinding(agent, now) };
}

/** Fewer agents that were meant answered than the operator expected. */
function judgeNumber(judgements: readonly AgentVerdict[], { expected }: RollCall): Part {
  const answered = judgements.filter(({ verdict }) => verdict !== "not targeted").length;
  if (expected === undefined || answered >= expected) return { status: 0 };
  const sentence = `${count(answered, "agent")} answered, ${expected} were expected`;
  return { status: ExitStatus.notAllRun, sentence };
}

function judgeAbsence(request: Request, roster: Roster, session: Session, rollCall: RollCall): Part {
  const none = { status: ExitStatus.notAllRun };
  if (session.addressed > 0) return { status: 0 };
  const answered = roster.agents.length;
  if (answered === 0 && session.counted === 0) {
    return { ...none, sentence: `nobody answered: nobody listens on channel "${request.channel}"` };
  }
  // Each of them has a sentence of its own.
  if (rollCall.missing.some(({ isNamed }) => isNamed)) return none;
  if (answered === 0) return { ...none, sentence: "nobody answered" };
  const who = session.answered < session.counted ? "no agent that answered" : "no agent";
  const why = request.target === undefined ? "was meant" : targetWords(request.target);
  return { ...none, sentence: `${who} ${why} (${count(answered, "agent")} answered)` };
}

/**
 * Those that the hub counted and that did not answer. They may be agents that are slow and run the command later, or
 * that do not know our keys, or no agents at all: only their logs tell.
 */
function judgeUnheard(request: Request, session: Session, waits: WaitPolicy): Part {
  const everybodyAnswers = request.target === undefined || request.census;
  const unheard = everybodyAnswers ? unheardOf(session, waits) : 0;
  if (unheard === 0) return { status: 0 };
  const { counted } = session;
  const what =
    request.type === "run" ? "may not know our keys, or run the command later" : "may not know our keys";
  const sentence = `${unheard} of ${counted} that listen did not answer: they ${what}, their logs tell`;
  return { status: ExitStatus.notAllRun, sentence };
}

/** All that were meant, as far as is known, and what each of them came to: the parts add up to the first number. */
function summarise(
  judgements: readonly AgentVerdict[],
  { missing }: RollCall,
  elapsed: number,
  runTimes: readonly RunTime[],
): string {
  const asked = judgements.filter(({ verdict }) => verdict !== "not targeted");
  const parts = (["ok", "failed", "refused", "not run", "unfinished"] as const).flatMap((verdict) => {
    const number = asked.filter((judgement) => judgement.verdict === verdict).length;
    return number > 0 ? [`${number} ${verdict}`] : [];
  });
  const absent = missing.length > 0 ? [`${missing.length} missing`] : [];
  const meant = count(asked.length + missing.length, "agent");
  const words = [meant, ...parts, ...absent, seconds(elapsed)];
  return [...words, ...typicalAndSlowest(runTimes)].join(" · ");
}
