/** The settings of a station that say whom it means; `addressees.ts` makes one target of them. */
import { type AgentList, joinAgentLists, parseAgentList } from "../../core/agent-list.ts";
import { parseTagTerms, type TagTerm } from "../../core/names.ts";
import { parsePath } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";

export const targetSettings = {
  tags: {
    group: "Targets",
    short: "t",
    value: "<tags>",
    repeatable: true,
    parse: parseTagTermTexts,
    help: "only agents that have all these tags, and none with a ! in front; separated by commas or repeated",
  },
  to: {
    group: "Targets",
    value: "<agents>",
    repeatable: true,
    file: false,
    parse: parseAgentLists,
    help: "only these agents: names, folds and patterns (web7,web[1-3],db*), separated by commas or repeated",
  },
  "not-to": {
    group: "Targets",
    value: "<agents>",
    repeatable: true,
    parse: parseAgentLists,
    help: "none of these agents, written alike",
  },
  "to-file": {
    group: "Targets",
    value: "<file>",
    file: false,
    parse: parsePath,
    help: "only the agents in this file, one or more a line; - is standard input",
  },
} as const satisfies Schema;

function parseTagTermTexts(texts: readonly string[]): readonly TagTerm[] {
  return texts.length === 0 ? [] : parseTagTerms(texts.join(","));
}

function parseAgentLists(texts: readonly string[]): AgentList {
  return joinAgentLists(parsed(texts));
}

/** One after the other: nothing is kept of those behind one that is too many. */
function* parsed(texts: readonly string[]): Generator<AgentList> {
  for (const text of texts) yield parseAgentList(text);
}
