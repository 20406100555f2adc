/** What became of one agent in a session, in words and as a part of the exit status. Source: PROTOCOL.md §9. */
import { ExitStatus } from "../core/errors.ts";
import type { Identity } from "../core/names.ts";
import { printable, seconds } from "../core/text.ts";
import type { Disposition, Ending, Exit, Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { clockRefusal } from "./clock-refusal.ts";
import type { Fate } from "./rollout-report.ts";
import type { AgentRecord } from "./roster.ts";
import type { Session, WaitPolicy } from "./session.ts";

/** As the summary counts it. */
export type Verdict = "ok" | "failed" | "refused" | "not run" | "unfinished" | "not targeted";

export type AgentVerdict = {
  readonly identity: Identity;
  readonly verdict: Verdict;
  /** A part of the exit status; 0 for none. */
  readonly status: number;
  /** The reason for it, and whose it is. */
  readonly sentence?: string | undefined;
  /** The sentence of several agents that came to the same, without their names: `: exit status 1`. */
  readonly ofSeveral?: string | undefined;
  /** The reason in few words, the same for all agents that it is the same for: `exit status 1`. */
  readonly trouble?: string | undefined;
  /** The last line that a command printed which failed by itself. */
  readonly words?: string | undefined;
};

/** How a command ends whose last words may say why, on which stream: what was ended in its work had no word for it. */
const LAST_WORDS: Partial<Record<Ending, readonly Stream[]>> = {
  exited: ["stderr", "stdout"],
  signalled: ["stderr"],
  "time-limit": ["stderr"],
};

type Refused = Extract<Disposition, { is: "refused" }>;

/** @returns the part of the exit status that this agent is the reason for, and why */
export function judgeAgent(
  agent: AgentRecord,
  request: Request,
  session: Session,
  waits: WaitPolicy,
  fate?: Fate,
): AgentVerdict {
  const judgement = judgeFate(agent, fate, waits) ?? judge(agent, request, session, waits);
  const streams = (judgement.verdict === "failed" && agent.exit && LAST_WORDS[agent.exit.ending]) || [];
  const words = agent.lastWords?.on(streams);
  return { identity: agent.hello.identity, ...judgement, ...(words !== undefined && { words }) };
}

/** The same as soon as its command has ended. */
export function judgeExit(identity: Identity, exit: Exit, request: Request): AgentVerdict {
  return { identity, ...judgeEnding(identity, exit, request) };
}

/** As `judgeAgent` judges in the end, of what an agent itself has said so far; undefined while it is at work. */
export function verdictSoFar({ hello, exit, isGone, isSilenced }: AgentRecord): Verdict | undefined {
  switch (hello.disposition.is) {
    case "present":
      return "ok";
    case "not-targeted":
      return "not targeted";
    case "declined":
      return "not run";
    case "refused":
      return "refused";
    case "running":
    case "queued":
    case "held":
      if (exit !== undefined) return verdictOn(exit);
      if (isGone) return "refused";
      return isSilenced ? "failed" : undefined;
  }
}

function verdictOn({ ending, status }: Exit): Verdict {
  switch (ending) {
    case "exited":
      return status === 0 ? "ok" : "failed";
    case "signalled":
    case "time-limit":
    case "stopped":
    case "cancelled":
      return "failed";
    case "not-started":
    case "state":
    case "never-started":
    case "never-released":
      return "not run";
  }
}

type Judgement = Omit<AgentVerdict, "identity">;

/** @param ofSeveral where it is not what is said of one */
function said(identity: Identity, ofOne: string, ofSeveral = ofOne) {
  return { sentence: `${identity}${ofOne}`, ofSeveral };
}

/** Of an agent that waited for its release: undefined where what it said itself is all there is. */
function judgeFate(
  { hello: { identity, disposition }, exit, isGone }: AgentRecord,
  fate: Fate | undefined,
  { replyWait }: WaitPolicy,
): Judgement | undefined {
  if (disposition.is !== "held") return undefined;
  if (isGone && exit === undefined) return refused(identity, WAS_RESTARTED);
  if (fate === undefined || (exit !== undefined && exit.ending !== "cancelled")) return undefined;
  // Of those that were not released there may be many: they have one sentence together.
  if (fate.is === "not-released")
    return { verdict: "not run", status: ExitStatus.notAllRun, trouble: `not run: ${fate.why}` };
  if (exit !== undefined) return undefined;
  return unconfirmed(identity, "was", `released and said nothing for ${seconds(replyWait)}`);
}

function refused(identity: Identity, why: string): Judgement {
  return {
    verdict: "refused",
    status: ExitStatus.agentError,
    ...said(identity, ` refused: ${why}`),
    trouble: `refused: ${why}`,
  };
}

function judge(agent: AgentRecord, request: Request, session: Session, waits: WaitPolicy): Judgement {
  const { hello, heardAt, exit, isSilenced } = agent;
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
        ...said(identity, ` declined: ${disposition.reason}`),
        trouble: `declined: ${disposition.reason}`,
      };
    case "refused": {
      const why =
        disposition.reason === "clock"
          ? clockRefusal(disposition, request, { time, heardAt })
          : refusalText(disposition.reason, disposition.detail, request, hello.software);
      const trouble = disposition.reason === "clock" ? "refused: clock" : `refused: ${why}`;
      return { ...refused(identity, why), trouble };
    }
    case "running":
    case "queued":
    case "held":
      if (exit !== undefined) return judgeEnding(identity, exit, request);
      if (isSilenced)
        return {
          verdict: "failed",
          status: ExitStatus.integrity,
          trouble: "its replies are not to be trusted",
        };
      return unfinished(agent, session, waits);
  }
}

function unfinished(
  { hello: { identity, disposition }, startedAfter }: AgentRecord,
  { end }: Session,
  { replyWait }: WaitPolicy,
): Judgement {
  if (end === "interrupted")
    return {
      ...unconfirmed(identity, "has", "not confirmed the cancel", 0),
      trouble: "cancel not confirmed",
    };
  const [verb, doing] = doingOf(disposition);
  if (end === undefined) return leftBehind(identity, disposition, startedAfter !== undefined);
  if (end === "hub-silent") return unconfirmed(identity, verb, `${doing} and could not be heard any more`);
  if (end !== "reply-wait-expired") return unconfirmed(identity, verb, doing, 0);
  return unconfirmed(identity, verb, `${doing} and said nothing for ${seconds(replyWait)}`);
}

/** The operator left at once, and those were asked to end as he first wanted to. */
function leftBehind(identity: Identity, { is }: Disposition, hasStarted: boolean): Judgement {
  const trouble =
    is === "held" && !hasStarted
      ? "told to start, not heard since"
      : `still ${is === "queued" ? "queued" : "running"} when cb left`;
  const sentence = (verb: string, commands: string) =>
    ` ${verb} ${trouble}: ${commands} asked to end and may still run`;
  return {
    verdict: "unfinished",
    status: 0,
    ...said(identity, sentence("was", "its command was"), sentence("were", "their commands were")),
    trouble,
  };
}

function doingOf({ is }: Disposition): readonly [verb: "is" | "was", doing: string] {
  if (is === "held") return ["was", "released"];
  return ["is", is === "queued" ? "queued" : "running"];
}

const PLURALS = { is: "are", was: "were", has: "have" } as const;

function unconfirmed(
  identity: Identity,
  verb: keyof typeof PLURALS,
  what: string,
  status: number = ExitStatus.replyWaitExpired,
): Judgement {
  const ofSeveral = ` ${PLURALS[verb]} ${what}, their commands may still run`;
  return {
    verdict: "unfinished",
    status,
    ...said(identity, ` ${verb} ${what}, its command may still run`, ofSeveral),
    trouble: what,
  };
}

function judgeEnding(identity: Identity, exit: Exit, request: Request): Judgement {
  const after = `after ${seconds(exit.runTime)}`;
  const failed = (what: string): Judgement => ({
    verdict: "failed",
    status: ExitStatus.commandFailed,
    ...said(identity, `: ${what} ${after}`, `: ${what}`),
    trouble: what,
  });
  const detail = exit.detail === undefined ? "" : `: ${printable(exit.detail)}`;
  const notRun = (status: number, what: string): Judgement => ({
    verdict: "not run",
    status,
    ...said(identity, ` ${what}${detail}`),
    trouble: `${what}${detail}`,
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
        request.type === "run" ? `could not start "${request.command}"` : "could not list its commands",
      );
    case "state":
      return notRun(ExitStatus.agentError, `did not run the command: ${UNWRITABLE_STATE}`);
    case "never-started":
      return notRun(ExitStatus.notAllRun, "never started the command");
    case "never-released":
      return notRun(ExitStatus.notAllRun, "gave up waiting to be released");
  }
}

const WAS_RESTARTED = "it was restarted before its turn came, and does not know the command any more";
const UNWRITABLE_STATE = "state directory not writable";

function refusalText(
  reason: Exclude<Refused["reason"], "clock">,
  detail: string | undefined,
  request: Request,
  software: string,
): string {
  const command = request.type === "run" ? ` "${request.command}"` : "";
  const why = detail ? `, ${printable(detail)}` : "";
  switch (reason) {
    case "version":
      return request.type === "run" && request.holdUntil !== undefined
        ? `its cb ${printable(software)} is too old to wait for its turn, so nothing runs there${why}`
        : `its cb ${printable(software)} does not understand this request${why}`;
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
    case "gone":
      return WAS_RESTARTED;
  }
}
