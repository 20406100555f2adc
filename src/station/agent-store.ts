/** What a station remembers of agents from one run to the next; the files behind it: cli/agent-store-files.ts. */
import type { Identity } from "../core/names.ts";
import type { Discovered } from "./discovery.ts";
import type { Pins } from "./pins.ts";

export type AgentStore = {
  readonly pins: Pins;
  /** Undefined under --no-discovery. */
  readonly discovered: Discovered | undefined;
  /** Adds what a session has brought to what is there by then; never throws. */
  readonly save: (learnt: Learnt) => Saved;
};

export type Learnt = {
  /** Who answered. */
  readonly seen: Discovered;
  /** Who answered for the first time, under one key alone. */
  readonly pins: Pins;
};

export type Saved = {
  /** Agents that a station that ran at the same time has pinned otherwise. */
  readonly refused: readonly Identity[];
  /** What could not be kept, a sentence each. */
  readonly failures: readonly string[];
};
