/** The settings of a rollout: `cb station run` on a few agents at a time. */
import { parseLimit } from "../../core/duration.ts";
import { CbError } from "../../core/errors.ts";
import { parseInteger, parseSwitch } from "../../core/parse.ts";
import type { Schema, Values } from "../../core/settings.ts";
import { seconds } from "../../core/text.ts";
import { MIN_ROLLOUT_REPLY_WAIT, parseShare, type RolloutPlan } from "../../station/rollout-plan.ts";

export const rolloutSettings = {
  parallel: {
    group: "Rollout",
    value: "<n>",
    number: true,
    parse: parseShare,
    help: "at most n, or n%, at any time: as one ends, one begins",
  },
  canary: {
    group: "Rollout",
    value: "<n>",
    number: true,
    parse: parseInteger(1, 999_999),
    help: "first on n; one failure stops, unless --max-failures",
  },
  "max-failures": {
    group: "Rollout",
    value: "<n>",
    number: true,
    parse: parseShare,
    help: "stop only once n, or n%, have failed, canaries or not",
  },
  pause: {
    group: "Rollout",
    value: "<seconds>",
    number: true,
    parse: parseLimit,
    help: "go in batches instead, and wait so long between",
  },
  "retry-failed": {
    group: "Targets",
    default: "false",
    file: false,
    parse: parseSwitch,
    help: "only where the last run of <command> did not go well",
  },
} as const satisfies Schema;

/**
 * How a run is to go; undefined: everybody at once.
 *
 * @throws {CbError} `setting` for what makes no sense together
 */
export function rolloutOf(
  { parallel, canary, "max-failures": maxFailures, pause }: Values<typeof rolloutSettings>,
  replyWait: number,
): RolloutPlan | undefined {
  if (parallel === undefined && canary === undefined) {
    for (const [name, value] of [
      ["max-failures", maxFailures],
      ["pause", pause],
    ] as const) {
      if (value === undefined) continue;
      const why = "all agents begin at once, expected --parallel or --canary with it";
      throw new CbError("setting", `Cannot use --${name}: ${why}`);
    }
    return undefined;
  }
  if (replyWait < MIN_ROLLOUT_REPLY_WAIT) {
    const why = `expected at least ${seconds(MIN_ROLLOUT_REPLY_WAIT)} with --parallel or --canary`;
    const hint =
      "agents say every five seconds that they still run: who says nothing for so long gives others his place";
    throw new CbError("setting", `Cannot use --reply-wait ${replyWait / 1000}: ${why}`, { hint });
  }
  return { parallel, canary: canary ?? 0, maxFailures, pause: pause ?? 0, replyWait };
}
