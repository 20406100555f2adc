/**
 * What a station says of agents while it happens, besides the report at the end, which has all of it again: that
 * one is new, that one is missing, that one is not who he says.
 */
import type { Identity } from "../core/names.ts";
import { count, seconds } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { Hello } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { announcement, type MissingAgent, missingFindings, type RollCall } from "./attendance.ts";
import { roomOf, sentencesOf } from "./closing-words.ts";
import { faultSentence } from "./fault-sentence.ts";
import type { Finding } from "./finding.ts";
import type { Sink } from "./line-renderer.ts";
import type { FaultRecord } from "./roster.ts";
import { CONFIRMATION_WAIT } from "./session.ts";
import { shownNames } from "./shown-names.ts";

export class Announcer {
  readonly #stderr: Sink;
  readonly #isErrorsOnly: boolean;
  readonly #columns: () => number;

  /** @param columns of the terminal now */
  constructor(stderr: Sink, isErrorsOnly: boolean, columns: () => number) {
    this.#stderr = stderr;
    this.#isErrorsOnly = isErrorsOnly;
    this.#columns = columns;
  }

  async newcomer(hello: Hello): Promise<void> {
    if (!this.#isErrorsOnly) await this.#say([announcement(hello)]);
  }

  /** Those faults that are about who somebody is; what the hub has done to replies adds up until the end. */
  async fault(record: FaultRecord): Promise<void> {
    if (record.fault === "pin-mismatch" || record.fault === "conflict")
      await this.#say([faultSentence(record)]);
  }

  async missing(rollCall: RollCall): Promise<void> {
    const isFailure = ({ isNamed }: MissingAgent) => rollCall.failMissing || isNamed === true;
    const missing = this.#isErrorsOnly ? rollCall.missing.filter(isFailure) : rollCall.missing;
    const findings = missingFindings({ ...rollCall, missing });
    await this.#say(sentencesOf(findings, roomOf(this.#stderr, this.#columns)));
  }

  /**
   * Takes back that it is missing.
   *
   * @param isFailure whether it would have been one
   */
  async latecomer({ identity }: Hello, isFailure: boolean): Promise<void> {
    if (!this.#isErrorsOnly || isFailure) await this.#say([`${identity} has answered after all`]);
  }

  /**
   * To whoever sits at a terminal and sees nothing happen.
   *
   * @param active agents that run the command or have it queued
   */
  async interrupted(active: readonly Identity[], request: Request): Promise<void> {
    if (this.#isErrorsOnly || !this.#stderr.isTerminal || active.length === 0) return;
    const names = shownNames(active, this.#columns()).join(", ");
    const what = request.type === "run" ? `"${request.command}"` : "what they do";
    const asked = `asked ${count(active.length, "agent")} to end ${what} (${names})`;
    const wait = `waits for ${active.length === 1 ? "it" : "them"} for ${CONFIRMATION_WAIT / 1000} s at most`;
    await this.#say([`${asked}: ${wait}, Ctrl-C again leaves at once`]);
  }

  /** What will be remarked at the end. */
  async remarks(findings: readonly Finding[]): Promise<void> {
    if (!this.#isErrorsOnly) await this.#say(findings.map(({ sentence }) => sentence));
  }

  /** @param milliseconds for which nothing has been heard */
  async hubSilent(milliseconds: number, reason: string | undefined): Promise<void> {
    const why = reason === undefined ? "" : ` (${reason})`;
    const what = `no sign of life from the hub for ${seconds(milliseconds)}${why}`;
    if (!this.#isErrorsOnly) await this.#say([`${what}: nobody counts as silent until it answers`]);
  }

  /** Takes that back. */
  async hubBack(milliseconds: number): Promise<void> {
    if (!this.#isErrorsOnly) await this.#say([`the hub answers again, after ${seconds(milliseconds)}`]);
  }

  async #say(sentences: readonly string[]): Promise<void> {
    if (sentences.length > 0)
      await this.#stderr.write(utf8(sentences.map((sentence) => `cb: ${sentence}\n`).join("")));
  }
}
