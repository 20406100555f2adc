/**
 * The clock of a program, set while it runs: a module that is loaded before `cb` reads from a file how far ahead of
 * the machine's the wall clock is. Read at every look, so that it also holds for what a stopped program meets first.
 */
import { renameSync, writeFileSync } from "node:fs";
import type { Fleet, Surroundings } from "./fleet.ts";

const PRELOAD = `
const { readFileSync } = require("node:fs");
const { AHEAD, RATE = 1 } = process.env;
const wall = Date.now;
Date.now = () => wall() + Number(readFileSync(AHEAD, "latin1"));
const monotonic = performance.now.bind(performance);
performance.now = () => monotonic() * RATE;
`;

type Settings = {
  /** Tells several machines of one fleet apart. */
  readonly machine?: string;
  /** In milliseconds, at the start. */
  readonly ahead?: number;
  /** How many times faster than time the monotonic clock runs. */
  readonly rate?: number;
};

export class ShiftedClock {
  /** For each program that has this clock. */
  readonly surroundings: Surroundings;
  readonly #ahead: string;

  constructor(fleet: Fleet, { machine = "machine", ahead = 0, rate = 1 }: Settings = {}) {
    this.#ahead = fleet.path(`${machine}.ahead`);
    const environment = { AHEAD: this.#ahead, RATE: String(rate) };
    this.surroundings = { preload: fleet.file("clock.cjs", PRELOAD), environment };
    this.set(ahead);
  }

  /** @param ahead of the machine's clock, in milliseconds */
  set(ahead: number): void {
    writeFileSync(`${this.#ahead}.new`, String(ahead));
    renameSync(`${this.#ahead}.new`, this.#ahead); // a look in between must find the old or the new
  }
}
