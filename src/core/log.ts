/**
 * The agent's log, and the only door to pino.
 *
 * One record for each decision, at the place that decides: `event` is a stable word, the message is for
 * people, and a field's name carries its unit. Untrusted text stands in fields, never at the root.
 * pino's transports are worker threads that need files of their own, which a single executable has not; so
 * one synchronous stream renders the records (pino, docs/bundling.md).
 */
import { fstatSync, writeSync } from "node:fs";
import { pino } from "pino";
import { type Color, paint } from "./colors.ts";
import type { Environment } from "./settings.ts";
import { printable } from "./text.ts";

export type Log = Pick<pino.Logger, "error" | "warn" | "info" | "debug" | "trace">;

/** How records are written: lines for people, lines with a priority for the journal, or JSON. */
export type LogFormat = "text" | "journal" | "json";

export type LogOptions = {
  readonly format: LogFormat;
  readonly level: "error" | "warn" | "info" | "debug" | "trace";
  readonly colors: boolean;
};

/** A log on standard error. */
export function createLog({ format, level, colors }: LogOptions): Log {
  const options = { level, base: null, formatters: { level: (label: string) => ({ level: label }) } };
  return pino(
    { ...options, timestamp: pino.stdTimeFunctions.isoTime },
    {
      write: (json: string) => {
        write(format === "json" ? json : `${render(JSON.parse(json), format, colors)}\n`);
      },
    },
  );
}

/**
 * Which format suits where standard error goes: the journal if systemd says that it is there
 * (systemd.exec(5), $JOURNAL_STREAM), a terminal, or a program that reads JSON.
 */
export function suitingFormat(environment: Environment, isTerminal: boolean): LogFormat {
  const { dev, ino } = fstatSync(2);
  if (environment["JOURNAL_STREAM"] === `${dev}:${ino}`) return "journal";
  return isTerminal ? "text" : "json";
}

type LogRecord = Readonly<Record<string, unknown>> & { readonly level: string; readonly time: string };

// syslog(3); the journal reads them in front of a line (sd-daemon(3)).
const PRIORITIES: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 };
const COLORS: Readonly<Record<string, Color>> = { error: "red", warn: "yellow", info: "green" };

function render({ level, time, msg, ...fields }: LogRecord, format: LogFormat, colors: boolean): string {
  const details = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  const line = [printable(String(msg)), ...details].join(" ");
  if (format === "journal") return `<${PRIORITIES[level] ?? 6}>${line}`;
  const label = level.toUpperCase().padEnd(5);
  const color = colors ? COLORS[level] : undefined;
  return `${time} ${color === undefined ? label : paint(label, color)} ${line}`;
}

function fieldText(value: unknown): string {
  const text = printable(typeof value === "string" ? value : JSON.stringify(value));
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** A log that cannot be written must not end the agent: nobody would read the reason. */
function write(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // EAGAIN, EPIPE or ENOSPC on standard error.
  }
}
