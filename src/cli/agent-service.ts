/** How a running agent looks from outside: to systemd, and to whoever asks for its health. */
import type { Server } from "node:net";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Channel } from "../core/names.ts";
import type { Environment } from "../core/settings.ts";
import type { AgentHub, HubState } from "../hub/agent-hub.ts";
import { type Health, serveHealth } from "./agent-health.ts";
import { ServiceManager } from "./service-manager.ts";

export class AgentService {
  readonly #environment: Environment;
  readonly #channel: Channel;
  readonly #where: string;
  readonly #log: Log;
  readonly #manager: ServiceManager;
  #hubState: HubState = { kind: "lost", reason: "connecting" };
  #running = 0;
  #isStopping = false;
  #health: Server | undefined;

  /** @param where the hub, as it may be shown */
  constructor(environment: Environment, channel: Channel, where: string, log: Log) {
    this.#environment = environment;
    this.#channel = channel;
    this.#where = where;
    this.#log = log;
    this.#manager = new ServiceManager(environment, (message) => {
      log.warn({ event: "notify-failed", message }, "Cannot tell systemd");
    });
  }

  readonly onHubState = (state: HubState): void => {
    this.#hubState = state;
    this.#show();
  };

  readonly onRunning = (running: number): void => {
    this.#running = running;
    this.#show();
  };

  /** From here on systemd takes the agent for started, with or without a hub, and it can be asked for its health. */
  async start(hub: Pick<AgentHub, "check">, socket: string): Promise<void> {
    this.#show();
    this.#manager.ready(this.#environment);
    try {
      this.#health = await serveHealth(socket, () => this.#askHealth(hub));
    } catch (error) {
      // Commands run all the same.
      this.#log.warn({ event: "health-unavailable", reason: messageOf(error) }, "Cannot be asked for health");
    }
  }

  /** Tells systemd before and after; what `work` throws is its caller's. */
  reload(work: () => void): void {
    this.#manager.reloading();
    try {
      work();
    } finally {
      this.#manager.ready(this.#environment);
    }
  }

  stopping(): void {
    this.#isStopping = true;
    this.#show();
    this.#manager.stopping();
  }

  close(): void {
    this.#health?.close();
    this.#manager.close();
  }

  async #askHealth(hub: Pick<AgentHub, "check">): Promise<Health> {
    const trouble = await hub.check();
    if (trouble === undefined) return { isHealthy: !this.#isStopping, status: this.#status };
    return { isHealthy: false, status: `channel ${this.#channel}: cannot reach ${this.#where}: ${trouble}` };
  }

  #show(): void {
    this.#manager.status = this.#status;
  }

  get #status(): string {
    const place = `channel ${this.#channel} at ${this.#where}`;
    const hub = this.#hubState.kind === "connected" ? [] : [`no hub: ${this.#hubState.reason}`];
    const stopping = this.#isStopping ? ["stopping"] : [];
    return [place, ...hub, ...stopping, `${this.#running} running`].join(", ");
  }
}
