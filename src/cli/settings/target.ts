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
    isList: true,
    parse: parseTagTermTexts,
    help: "only agents with all these tags and without each !tag",
  },
  to: {
    group: "Targets",
    value: "<agents>",
    repeatable: true,
    isList: true,
    file: false,
    parse: parseAgentLists,
    help: "only these agents, such as web7,web[01-12],db*",
  },
  "not-to": {
    group: "Targets",
    value: "<agents>",
    repeatable: true,
    isList: true,
    parse: parseAgentLists,
    help: "none of these agents, written alike",
  },
  "to-file": {
    group: "Targets",
    value: "<file>",
    file: false,
    parse: parsePath,
    help: "only the agents in this file; - is standard input",
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
