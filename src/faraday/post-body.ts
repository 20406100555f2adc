/**
 * The bodies that are posted for a run: what the executor printed, and whose run it was.
 *
 * The text of a result is taken as it stands in the journal; the two names that are ours come last, so that they
 * hold whatever the result says (of two equal names the last one counts), as Faraday's agent 3.9.1 does it.
 */
import { storableText } from "./payload-text.ts";

/** What is known of a run when it begins. */
export type RunFacts = {
  /** Also the name of its journal: letters, digits, dashes and underscores. */
  readonly id: string;
  readonly executor: string;
  readonly agentName: string;
  /** Belong to `workspaces` by position. */
  readonly executionIds: readonly number[];
  readonly workspaces: readonly string[];
  /** As the server shows them, without secrets. */
  readonly params: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
};

/** A result, which is the text of a JSON object, for one of the run's workspaces. */
export function resultBody(result: Uint8Array, facts: RunFacts, executionId: number): Uint8Array {
  const ours = `"execution_id":${executionId},"command":${JSON.stringify(command(facts))}}`;
  const isEmpty = result.length <= "{}".length;
  return Buffer.concat([result.subarray(0, -1), Buffer.from(isEmpty ? ours : `,${ours}`)]);
}

/** Several results as one: all their hosts, all their credentials. */
export function joinedResults(results: readonly Uint8Array[]): Uint8Array {
  const [first] = results;
  if (first !== undefined && results.length === 1) return first;
  // As `clean` has made them: these two names and no others.
  const parsed = results.map((result) => JSON.parse(Buffer.from(result).toString()));
  const hosts = parsed.flatMap((result) => result.hosts ?? []);
  const credentials = parsed.flatMap((result) => result.credentials ?? []);
  return Buffer.from(JSON.stringify({ hosts, ...(credentials.length > 0 && { credentials }) }));
}

/**
 * The post that ends a run, in one of its workspaces.
 *
 * @param duration milliseconds; the server wants whole microseconds
 */
export function closingBody(facts: RunFacts, executionId: number, duration: number): Uint8Array {
  const microseconds = Math.max(0, Math.round(duration * 1000));
  const ended = { ...command(facts), duration: microseconds };
  return Buffer.from(JSON.stringify({ hosts: [], execution_id: executionId, command: ended }));
}

function command({ agentName, executor, params, startedAt }: RunFacts): Readonly<Record<string, string>> {
  return {
    tool: storableText(agentName),
    command: storableText(executor),
    user: "",
    hostname: "",
    params: storableText(params),
    import_source: "agent",
    // Without an offset and with microseconds, as the original writes it.
    start_date: `${new Date(startedAt).toISOString().slice(0, -1)}000`,
  };
}
