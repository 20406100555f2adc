/** The server's REST API as its web page uses it: a login with a cookie, then JSON. */
import { setTimeout as sleep } from "node:timers/promises";
import { ADMINISTRATOR } from "./server.ts";

/** Milliseconds for one answer. */
const ANSWER_LIMIT = 30_000;

export type AgentRow = { readonly id: number; readonly name: string; readonly is_online: boolean };

/** As the server shows a run in one workspace. */
export type Execution = { readonly running: boolean | null; readonly successful: boolean | null };

type Answer = { readonly status: number; readonly body: unknown };

export class FaradayApi {
  readonly #url: URL;
  #cookie = "";

  constructor(url: URL) {
    this.#url = url;
  }

  async logIn(): Promise<void> {
    const body = JSON.stringify({ email: ADMINISTRATOR.name, password: ADMINISTRATOR.password });
    const headers = { "content-type": "application/json" };
    const response = await this.#fetch("/_api/login", { method: "POST", headers, body });
    if (!response.ok) throw new Error(`Cannot log in: ${response.status} ${await response.text()}`);
    this.#cookie = response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0])
      .join("; ");
  }

  async createWorkspace(name: string): Promise<void> {
    await this.#expect(201, "POST", "/v3/ws", { name });
  }

  async changeWorkspace(name: string, change: Readonly<Record<string, boolean>>): Promise<void> {
    await this.#expect(200, "PATCH", `/v3/ws/${name}`, change);
  }

  /** Six digits, as the page Agents shows them. */
  async registrationCode(): Promise<string> {
    const answer = (await this.#expect(200, "GET", "/v3/agent_token")) as { readonly token: string };
    return answer.token;
  }

  async agents(): Promise<readonly AgentRow[]> {
    return (await this.#expect(200, "GET", "/v3/agents")) as readonly AgentRow[];
  }

  async agent(name: string): Promise<AgentRow | undefined> {
    return (await this.agents()).find((agent) => agent.name === name);
  }

  async deleteAgent(id: number): Promise<void> {
    await this.#expect(204, "DELETE", `/v3/agents/${id}`);
  }

  /** The button Run. @returns the command of each workspace, in their order */
  async run(
    agent: number,
    executor: string,
    args: Readonly<Record<string, unknown>>,
    workspaces: readonly string[],
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly number[]> {
    const body = {
      executor_data: { executor, args },
      workspaces_names: workspaces,
      ignore_info: false,
      resolve_hostname: true,
      vuln_tag: [],
      service_tag: [],
      host_tag: [],
      min_severity: null,
      max_severity: null,
      ...options,
    };
    const answer = await this.#expect(200, "POST", `/v3/agents/${agent}/run`, body);
    return (answer as { readonly commands_id: readonly number[] }).commands_id;
  }

  /** What became of the run that made this command. */
  async execution(command: number): Promise<Execution> {
    const answer = await this.#expect(200, "GET", "/v3/agent_executions?page=1&page_size=100");
    const { rows } = answer as { readonly rows: readonly ExecutionRow[] };
    const isIts = (row: ExecutionRow) =>
      row.parameters_data.workspaces_commands?.some(({ command_id }) => command_id === command);
    const found = rows.find(isIts);
    if (found === undefined) throw new Error(`The server has no execution of command ${command}`);
    return found;
  }

  /** Addresses of all hosts, in the order of the alphabet. */
  async hosts(workspace: string): Promise<readonly string[]> {
    return [...(await this.descriptions(workspace)).keys()].sort();
  }

  /** What is said of each host, by its address. */
  async descriptions(workspace: string): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#expect(200, "GET", `/v3/ws/${workspace}/hosts?page=1&page_size=5000`);
    const { rows } = answer as { readonly rows: readonly HostRow[] };
    return new Map(rows.map(({ value }) => [value.ip, value.description]));
  }

  /** What the page Activity shows as the parameters of a command. */
  async commandParameters(workspace: string, command: number): Promise<string> {
    const answer = await this.#expect(200, "GET", `/v3/ws/${workspace}/commands/${command}`);
    return (answer as { readonly params: string }).params;
  }

  async vulnerabilityCount(workspace: string): Promise<number> {
    const answer = await this.#expect(200, "GET", `/v3/ws/${workspace}/vulns?page=1&page_size=1`);
    return (answer as { readonly count: number }).count;
  }

  /** `high CVE-2024-6387`, in the order of their names. */
  async vulnerabilities(workspace: string): Promise<readonly string[]> {
    const answer = await this.#expect(
      200,
      "GET",
      `/v3/ws/${workspace}/vulns?sort=name&page=1&page_size=1000`,
    );
    const { vulnerabilities } = answer as { readonly vulnerabilities: readonly VulnerabilityRow[] };
    return vulnerabilities.map(({ value: { severity, name } }) => `${severity} ${name}`);
  }

  /** `open OpenSSH 9.2p1`. */
  async services(workspace: string): Promise<readonly string[]> {
    const answer = await this.#expect(200, "GET", `/v3/ws/${workspace}/services`);
    const { services } = answer as { readonly services: readonly ServiceRow[] };
    return services.map(({ value: { status, version } }) => `${status} ${version}`);
  }

  async #expect(status: number, method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#ask(method, path, body);
    if (answer.status === status) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  async #ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { cookie: this.#cookie, "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await this.#fetch(`/_api${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
    return { status: response.status, body: isJson && text !== "" ? JSON.parse(text) : text };
  }

  /** Once more where a kept connection was closed by a server that went down. */
  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const attempt = () =>
      fetch(new URL(path, this.#url), { ...init, signal: AbortSignal.timeout(ANSWER_LIMIT) });
    try {
      return await attempt();
    } catch {
      await sleep(200);
      return attempt();
    }
  }
}

type HostRow = { readonly value: { readonly ip: string; readonly description: string } };
type ExecutionRow = Execution & {
  /** Of one that was made this moment the commands are not there yet. */
  readonly parameters_data: { readonly workspaces_commands?: readonly { readonly command_id: number }[] };
};
type VulnerabilityRow = { readonly value: { readonly severity: string; readonly name: string } };
type ServiceRow = { readonly value: { readonly status: string; readonly version: string } };
