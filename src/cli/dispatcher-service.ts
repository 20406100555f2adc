/** How a running dispatcher looks from outside: to systemd, and to `cb dispatcher status`, `stop` and `spool`. */
import type { Server } from "node:net";
import type { Clock } from "../core/clock.ts";
import { CbError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Environment } from "../core/settings.ts";
import type { CommandLink, LinkState } from "../faraday/command-link.ts";
import type { LiveRuns, RunState } from "../faraday/live-runs.ts";
import type { Poster } from "../faraday/poster.ts";
import type { Quarantine, QuarantinedPost } from "../faraday/quarantine.ts";
import type { Spool, SpoolDepth } from "../faraday/spool.ts";
import { ANSWER_MS, type DispatcherQuestion } from "./dispatcher-control.ts";
import { dispatcherSocket } from "./dispatcher-state.ts";
import { ServiceManager } from "./service-manager.ts";
import { serveAnswers } from "./unix-answers.ts";
import { VERSION } from "./version.ts";

export type DispatcherStatus = {
  readonly version: string;
  readonly name: string;
  readonly server: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly link: LinkState;
  readonly runs: readonly RunState[];
  readonly spool: SpoolDepth;
  /** Posts that were refused for good. */
  readonly quarantined: number;
  /** Why a post was made again, the last time that one was. */
  readonly lastError: { readonly at: number; readonly words: string } | undefined;
};

type Parts = {
  readonly name: string;
  /** As it may be shown. */
  readonly server: string;
  readonly link: Pick<CommandLink, "state">;
  readonly runs: Pick<LiveRuns, "states" | "cancel">;
  readonly spool: Pick<Spool, "depth">;
  readonly poster: Pick<Poster, "state" | "retry">;
  readonly quarantine: Quarantine;
};

/** Milliseconds that a post from quarantine may take; whoever asked for it waits. */
const RETRY_MS = 60_000;

export class DispatcherService {
  readonly #environment: Environment;
  readonly #parts: Parts;
  readonly #log: Log;
  readonly #manager: ServiceManager;
  readonly #startedAt: number;
  #control: Server | undefined;

  constructor(environment: Environment, parts: Parts, clock: Clock, log: Log) {
    this.#environment = environment;
    this.#parts = parts;
    this.#log = log;
    this.#startedAt = clock.wall();
    this.#manager = new ServiceManager(environment, (message) => {
      log.warn({ event: "notify-failed", message }, "Cannot tell systemd");
    });
  }

  /** From here on systemd takes it for started, with or without its server, and it can be asked. */
  async start(stateDirectory: string): Promise<void> {
    this.show();
    this.#manager.ready(this.#environment);
    try {
      this.#control = await serveAnswers(
        dispatcherSocket(stateDirectory),
        (question) => this.#answer(question as DispatcherQuestion),
        ANSWER_MS,
      );
    } catch (error) {
      // Executors run all the same.
      this.#log.warn(
        { event: "control-unavailable", reason: messageOf(error) },
        "Cannot be asked for its status",
      );
    }
  }

  stopping(): void {
    this.#manager.stopping();
  }

  close(): void {
    this.#control?.close();
    this.#manager.close();
  }

  /** Tells systemd how things are. */
  show(): void {
    const { server, link } = this.#parts;
    const { connected, lastError } = link.state;
    const trouble = lastError === undefined ? "connecting" : `not connected: ${lastError}`;
    this.#manager.status = `${server}, ${connected ? "connected" : trouble}`;
  }

  async #answer(question: DispatcherQuestion): Promise<unknown> {
    try {
      switch (question.ask) {
        case "status":
          return this.#status();
        case "stop":
          return { stopped: this.#parts.runs.cancel(question.run) };
        case "list":
          return { posts: this.#parts.quarantine.list(), spool: this.#parts.spool.depth };
        case "show":
          return this.#show(question.item);
        case "drop":
          this.#parts.quarantine.drop(question.item);
          return {};
        case "retry":
          return { answer: await this.#parts.poster.retry(question.item, AbortSignal.timeout(RETRY_MS)) };
      }
    } catch (error) {
      if (!(error instanceof CbError))
        this.#log.error({ event: "control-failed", reason: messageOf(error) }, "Cannot answer");
      return { problem: messageOf(error) };
    }
  }

  #status(): DispatcherStatus {
    const { name, server, link, runs, spool, poster, quarantine } = this.#parts;
    const { lastError } = poster.state;
    return {
      version: VERSION,
      name,
      server,
      startedAt: this.#startedAt,
      link: link.state,
      runs: runs.states,
      spool: spool.depth,
      quarantined: quarantine.list().length,
      lastError: lastError && {
        at: lastError.at,
        words: `${lastError.words} (run ${lastError.run}, workspace ${lastError.workspace})`,
      },
    };
  }

  #show(item: string): { readonly post: QuarantinedPost; readonly body: string } {
    const { post, body } = this.#parts.quarantine.show(item);
    return { post, body: new TextDecoder().decode(body) };
  }
}
