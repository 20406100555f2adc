/**
 * What a session came to: the exit status, and a sentence for every reason in it.
 *
 * Every bit has a sentence that names the agent, and nothing that went wrong is without a bit.
 * Source: PROTOCOL.md §9.
 */
import { ExitStatus } from "../core/errors.ts";
import { count, printable, seconds } from "../core/text.ts";
import type { Disposition, Exit, Hello } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { missingSentences, newcomersSentence, type RollCall } from "./attendance.ts";
import { clockRefusal } from "./clock-refusal.ts";
import { faultSentence, replies } from "./fault-sentence.ts";
import type { AgentRecord, FaultRecord, Roster } from "./roster.ts";
import type { Session, WaitPolicy } from "./session.ts";

export type Outcome = {
  readonly status: number;
  /** One sentence for each part of the status, in the order of the agents' names. */
  readonly problems: readonly string[];
  /** What an operator would want to know though it is no failure. */
  readonly remarks: readonly string[];
  /** One sentence for each agent that did what it was asked. */
  readonly successes: readonly string[];
  /** `3 agents · 2 ok · 1 failed · 0.05 s`. */
  readonly summary: string;
};

/** What became of one agent, as the summary counts it. */
type Verdict = "ok" | "failed" | "refused" | "not run" | "unfinished" | "not targeted";

type Refused = Extract<Disposition, { is: "refused" }>;

/** A part of the exit status, and the reason for it. */
type Part = { readonly status: number; readonly sentence?: string | undefined };

type Judgement = Part & { readonly verdict: Verdict };

/** @param elapsed milliseconds from the request to the end */
export function judge(
  request: Request,
  roster: Roster,
  session: Session,
  waits: WaitPolicy,
  elapsed: number,
  rollCall: RollCall,
): Outcome {
  const judgements = roster.agents.map((agent) => judgeAgent(agent, request, session, waits));
  const missing = missingSentences(rollCall);
  const faults = roster.faults.map((record) => asConflict(record, roster));
  const parts: readonly Part[] = [
    ...judgements,
    ...faults.map((fault) => ({ status: ExitStatus.integrity, sentence: faultSentence(fault) })),
    ...(rollCall.failMissing
      ? missing.map((sentence) => ({ status: ExitStatus.missingAgents, sentence }))
      : []),
    judgeAbsence(request, roster, session),
    judgeUnheard(request, session),
  ];
  return {
    status: parts.reduce((status, part) => status | part.status, 0),
    problems: parts.flatMap(({ sentence }) => sentence ?? []),
    remarks: [
      ...remarksOn(roster),
      ...(rollCall.failMissing ? [] : missing),
      ...newcomersSentence(rollCall),
      ...hints(request, roster, faults),
    ],
    successes: roster.agents.flatMap(successOf),
    summary: summarise(judgements, rollCall, elapsed),
  };
}

function remarksOn({ agents, repeats }: Roster): readonly string[] {
  const left = agents.flatMap(({ hello, exit }) =>
    exit?.leftOpen ? [`${hello.identity}: a process that the command left behind still held its output`] : [],
  );
  const repeated = repeats > 0 ? [`${replies(repeats)} came more than once, shown once`] : [];
  return [...left, ...repeated];
}

const ACCEPT_HINT =
  "hint: an agent logs its key when it starts; if that is the new one: cb station agents accept NAME --fingerprint KEY";

const STRANGER_HINT =
  "hint: whoever answers with another key may have run the command all the same; none of its output is shown";

/** @param faults as they are said, where a changed key may be two agents of one name */
function hints(request: Request, roster: Roster, faults: readonly FaultRecord[]): readonly string[] {
  const isKeyWrong = ({ fault }: FaultRecord) => fault === "pin-mismatch";
  const ran = request.type === "run" && roster.faults.some(isKeyWrong) ? [STRANGER_HINT] : [];
  return [...ran, ...(faults.some(isKeyWrong) ? [ACCEPT_HINT] : [])];
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

function judgeAgent(
  { hello, heardAt, exit, isSilenced }: AgentRecord,
  request: Request,
  session: Session,
  waits: WaitPolicy,
): Judgement {
  const { identity, disposition, time } = hello;
  switch (disposition.is) {
    case "present":
      return { verdict: "ok", status: 0 };
    case "not-targeted":
      return { verdict: "not targeted", status: 0 };
    case "declined":
      return {
        verdict: "not run",
        status: ExitStatus.notAllRun,
        sentence: `${identity} declined: ${disposition.reason}`,
      };
    case "refused": {
      const why =
        disposition.reason === "clock"
          ? clockRefusal(disposition, request, { time, heardAt })
          : refusalText(disposition.reason, disposition.detail, request);
      return {
        verdict: "refused",
        status: ExitStatus.agentError,
        sentence: `${identity} refused: ${why}`,
      };
    }
    case "running":
    case "queued":
      if (exit !== undefined) return judgeExit(identity, exit, request);
      if (isSilenced) return { verdict: "failed", status: ExitStatus.integrity };
      return unfinished(hello, session, waits);
  }
}

function unfinished(
  { identity, disposition }: Hello,
  { end }: Session,
  { replyWait }: WaitPolicy,
): Judgement {
  const doing = disposition.is === "queued" ? "is queued" : "is running";
  const unconfirmed = (what: string, status: number): Judgement => ({
    verdict: "unfinished",
    status,
    sentence: `${identity} ${what}, its command may still run`,
  });
  if (end === "interrupted") return unconfirmed("has not confirmed the cancel", 0);
  if (end !== "reply-wait-expired") return unconfirmed(doing, 0);
  return unconfirmed(`${doing} and said nothing for ${seconds(replyWait)}`, ExitStatus.replyWaitExpired);
}

function judgeExit(identity: string, exit: Exit, request: Request): Judgement {
  const after = `after ${seconds(exit.runTime)}`;
  const failed = (what: string): Judgement => ({
    verdict: "failed",
    status: ExitStatus.commandFailed,
    sentence: `${identity}: ${what} ${after}`,
  });
  const detail = exit.detail === undefined ? "" : `: ${printable(exit.detail)}`;
  const notRun = (status: number, what: string): Judgement => ({
    verdict: "not run",
    status,
    sentence: `${identity} ${what}${detail}`,
  });
  switch (exit.ending) {
    case "exited":
      return exit.status === 0 ? { verdict: "ok", status: 0 } : failed(`exit status ${exit.status}`);
    case "signalled":
      return failed(`ended by ${printable(exit.signal ?? "a signal")}`);
    case "time-limit":
      return failed("ended at its time limit");
    case "stopped":
      return failed("ended because its agent was stopped");
    case "cancelled":
      return failed("cancelled");
    case "not-started":
      return notRun(
        ExitStatus.agentError,
        `could not start "${request.type === "run" ? request.command : ""}"`,
      );
    case "state":
      return notRun(ExitStatus.agentError, `did not run the command: ${UNWRITABLE_STATE}`);
    case "never-started":
      return notRun(ExitStatus.notAllRun, "never started the command");
  }
}

const UNWRITABLE_STATE = "state directory not writable";

function refusalText(
  reason: Exclude<Refused["reason"], "clock">,
  detail: string | undefined,
  request: Request,
): string {
  const command = request.type === "run" ? ` "${request.command}"` : "";
  const why = detail ? `, ${printable(detail)}` : "";
  switch (reason) {
    case "version":
      return `it does not understand this request${why}`;
    case "malformed":
      return `it cannot read this request${why}`;
    case "forbidden":
      return `this base station key may not run${command}`;
    case "no-such-command":
      return `no such command${command}`;
    case "masked":
      return `command${command} is masked by a link to /dev/null`;
    case "not-a-file":
      return `command${command} is not a regular file`;
    case "not-executable":
      return `command${command} is not executable`;
    case "writable-by-others":
      return `command${command} or its directory can be written by others`;
    case "outside-run-directory":
      return `command${command} is a link that leaves the run-directory`;
    case "manifest":
      return `the manifest of${command} cannot be used${why}`;
    case "parameters":
      return `command${command} cannot be run with these parameters${why}`;
    case "state":
      return UNWRITABLE_STATE;
  }
}

function judgeAbsence(request: Request, roster: Roster, session: Session): Part {
  const none = { status: ExitStatus.notAllRun };
  if (session.addressed > 0) return { status: 0 };
  const answered = roster.agents.length;
  if (answered === 0 && session.counted === 0) {
    return { ...none, sentence: `nobody answered: nobody listens on channel "${request.channel}"` };
  }
  if (answered === 0) return { ...none, sentence: "nobody answered" };
  const who = session.answered < session.counted ? "no agent that answered" : "no agent";
  const why = request.target === undefined ? "was meant" : `has the tags ${request.target.tags.join(",")}`;
  return { ...none, sentence: `${who} ${why} (${count(answered, "agent")} answered)` };
}

/**
 * Those that the hub counted and that did not answer. They may be agents that are slow and run the command later, or
 * that do not know our keys, or no agents at all: only their logs tell.
 */
function judgeUnheard(request: Request, { counted, answered, end, interruptedAt }: Session): Part {
  const everybodyAnswers = request.target === undefined || request.census;
  const unheard = counted - answered;
  if (!everybodyAnswers || unheard <= 0 || end === undefined || interruptedAt !== undefined)
    return { status: 0 };
  const what =
    request.type === "run" ? "may not know our keys, or run the command later" : "may not know our keys";
  const sentence = `${unheard} of ${counted} that listen did not answer: they ${what}, their logs tell`;
  return { status: ExitStatus.notAllRun, sentence };
}

function summarise(judgements: readonly Judgement[], { missing }: RollCall, elapsed: number): string {
  const asked = judgements.filter(({ verdict }) => verdict !== "not targeted");
  const parts = (["ok", "failed", "refused", "not run", "unfinished"] as const).flatMap((verdict) => {
    const number = asked.filter((judgement) => judgement.verdict === verdict).length;
    return number > 0 ? [`${number} ${verdict}`] : [];
  });
  const absent = missing.length > 0 ? [`${missing.length} missing`] : [];
  return [count(asked.length, "agent"), ...parts, ...absent, seconds(elapsed)].join(" · ");
}
