/**
 * Tells systemd how a service is: sd_notify(3), and Type=notify in systemd.service(5).
 *
 * Without systemd around nothing is said. Node and Deno cannot send datagrams: there the observer is told, and the
 * unit has to be of Type=exec.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { LONGEST_TIMER } from "../core/clock.ts";
import type { Environment } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import { sendDatagram } from "./datagram.ts";

/** How often a message is offered to a systemd that takes none, and milliseconds between two times. */
const OFFERS = 50;
const OFFER_PAUSE = 200;
/** Milliseconds in which changes of the status become one message. */
const STATUS_PAUSE = 100;

export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #onFailure: (message: string) => void;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #pendingStatus: ReturnType<typeof setTimeout> | undefined;
  #status = "";
  /** Messages that systemd has not taken, by what they are about: a later one of a kind stands for the earlier. */
  readonly #unsent = new Map<string, string>();
  #isSending = false;

  /** @param onFailure told what systemd could not be told; must not throw */
  constructor({ NOTIFY_SOCKET: socket }: Environment, onFailure: (message: string) => void) {
    this.#socket = socket === "" ? undefined : socket;
    this.#onFailure = onFailure;
  }

  /** The service has begun, or goes on with what it has read again; feeds the watchdog from now on. */
  ready(environment: Environment): void {
    this.#send("READY=1", ...this.#statusLines());
    const interval = watchdogInterval(environment);
    if (interval === undefined || this.#socket === undefined) return;
    this.#watchdog ??= setInterval(() => this.#send("WATCHDOG=1"), interval);
  }

  /**
   * It reads its configuration again; `ready` must follow. Type=notify-reload would want MONOTONIC_USEC, too, which
   * Bun has not: its hrtime counts from the start of the process.
   */
  reloading(): void {
    this.#send("RELOADING=1");
  }

  stopping(): void {
    this.#send("STOPPING=1", ...this.#statusLines());
  }

  /** What `systemctl status` shows in one line. */
  set status(status: string) {
    this.#status = printable(status);
    if (this.#socket === undefined) return;
    this.#pendingStatus ??= setTimeout(() => {
      this.#pendingStatus = undefined;
      this.#send(`STATUS=${this.#status}`);
    }, STATUS_PAUSE);
  }

  /** Says nothing any more, and holds the process up no longer. */
  close(): void {
    clearInterval(this.#watchdog);
    clearTimeout(this.#pendingStatus);
  }

  #statusLines(): readonly string[] {
    clearTimeout(this.#pendingStatus);
    this.#pendingStatus = undefined;
    return this.#status === "" ? [] : [`STATUS=${this.#status}`];
  }

  #send(...lines: readonly [string, ...string[]]): void {
    if (this.#socket === undefined) return;
    const [kind = ""] = lines[0].split("=");
    this.#unsent.delete(kind);
    this.#unsent.set(kind, lines.join("\n"));
    if (!this.#isSending) void this.#sendAll(this.#socket);
  }

  /** One after another: a RELOADING that came after its READY would last for ever. */
  async #sendAll(socket: string): Promise<void> {
    this.#isSending = true;
    for (const [kind, message] of this.#unsent) {
      this.#unsent.delete(kind);
      const isDelivered = await deliver(socket, message).catch(() => false);
      if (!isDelivered) this.#onFailure(message.replaceAll("\n", " "));
    }
    this.#isSending = false;
  }
}

/** A systemd that is busy, or stands still, has its queue full: the message is offered again for ten seconds. */
async function deliver(socket: string, message: string): Promise<boolean> {
  for (let offer = 1; offer <= OFFERS; offer += 1) {
    if (await sendDatagram(socket, utf8(message))) return true;
    const isOutOfReach = !socket.startsWith("@") && !existsSync(socket);
    if (isOutOfReach || process.versions["bun"] === undefined) return false;
    await sleep(OFFER_PAUSE, undefined, { ref: false });
  }
  return false;
}

/** Milliseconds between two signs of life, half of what systemd allows; undefined where it does not ask for them. */
function watchdogInterval({ WATCHDOG_USEC: allowed, WATCHDOG_PID: pid }: Environment): number | undefined {
  const isMeant = pid === undefined || pid === String(process.pid);
  const microseconds = Number(allowed ?? "");
  return isMeant && microseconds > 0 ? Math.min(microseconds / 2_000, LONGEST_TIMER) : undefined;
}
