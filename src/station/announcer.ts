/**
 * What a station says of agents while it happens, besides the report at the end, which has all of it again: that
 * one is new, that one is missing, that one is not who he says.
 */
import { count, seconds } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { Hello } from "../protocol/reply.ts";
import { announcement, type MissingAgent, missingSentences, type RollCall } from "./attendance.ts";
import { faultSentence } from "./fault-sentence.ts";
import type { Finding } from "./finding.ts";
import type { Sink } from "./line-renderer.ts";
import type { FaultRecord } from "./roster.ts";

export class Announcer {
  readonly #stderr: Sink;
  readonly #isErrorsOnly: boolean;

  constructor(stderr: Sink, isErrorsOnly: boolean) {
    this.#stderr = stderr;
    this.#isErrorsOnly = isErrorsOnly;
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
    await this.#say(missingSentences({ ...rollCall, missing }));
  }

  /**
   * Takes back that it is missing.
   *
   * @param isFailure whether it would have been one
   */
  async latecomer({ identity }: Hello, isFailure: boolean): Promise<void> {
    if (!this.#isErrorsOnly || isFailure) await this.#say([`${identity} has answered after all`]);
  }

  /** To whoever sits at a terminal and sees nothing happen. @param active agents that run the command or have it queued */
  async interrupted(active: number): Promise<void> {
    if (this.#isErrorsOnly || !this.#stderr.isTerminal || active === 0) return;
    await this.#say([`asking ${count(active, "agent")} to end the command; Ctrl-C again leaves at once`]);
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
