/** What an agent under test is told; ours and the original have the same words for it, each in its own format. */
import type { Installation } from "./installation.ts";

export type AgentSettings = {
  readonly name: string;
  /** For its configuration, its state and its log. */
  readonly directory: string;
  readonly runDirectory: string;
  readonly executors: readonly string[];
  readonly server: URL;
  /** A file of authorities. */
  readonly ca?: string;
  /** `"False"` as a text is what the server's own web page writes. */
  readonly insecure?: true | "False";
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Command line options of ours that the original has not, such as `--jobs`. */
  readonly options?: readonly string[];
};

export type Invocation = {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

/** How to start one kind of agent. */
export type AgentKind = {
  readonly isOurs: boolean;
  /** @param code to register with; without it there is a token from an earlier start */
  invocation(settings: AgentSettings, installed: Installation, code: string | undefined): Invocation;
};

export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
