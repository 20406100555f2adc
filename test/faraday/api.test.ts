import assert from "node:assert/strict";
import { test } from "node:test";
import { FaradayApi, type PostAnswer } from "../../src/faraday/api.ts";
import { ServerFailure, serverError } from "../../src/faraday/server-failure.ts";
import { type FaradayOptions, FaradayServer, type Fault } from "../support/faraday-server.ts";
import { client, NEVER } from "./wire-fixture.ts";

/** One server and one client of it. */
class Pair implements AsyncDisposable {
  readonly server: FaradayServer;
  readonly #http;
  readonly api: FaradayApi;

  private constructor(server: FaradayServer, timeout: number) {
    this.server = server;
    this.#http = client(server.url, { timeout });
    this.api = new FaradayApi(this.#http);
  }

  static async start(options: FaradayOptions = {}, timeout = 5_000): Promise<Pair> {
    return new Pair(await FaradayServer.start(options), timeout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http.close();
    await this.server.stop();
  }
}

function json(status: number, value: unknown): Fault {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

const WEB_PAGE: Fault = { status: 200, body: "<!doctype html><title>Faraday</title><div id=root></div>" };
const CHECK_URL = "Check the server's URL and its base route";

test("FaradayApi.probe() asks /_api/config, then /_api/v3/info, without a token [F31]", async () => {
  await using pair = await Pair.start();
  const info = json(200, { "Faraday Server": "Running", Version: "5.25.2" });
  pair.server.fault = ({ path }) => (path === "/_api/v3/info" ? info : undefined);
  assert.deepEqual(await pair.api.probe(NEVER), { status: 200, version: "5.25.2" });
  assert.deepEqual(
    pair.server.asked.map(({ method, path, headers }) => [method, path, headers.authorization]),
    [
      ["GET", "/_api/config", undefined],
      ["GET", "/_api/v3/info", undefined],
    ],
  );
});

test("FaradayApi.probe() takes any HTTP answer for a server that can be reached, 401 and 500 too [F31]", async () => {
  await using pair = await Pair.start();
  for (const status of [401, 403, 500, 503]) {
    pair.server.fault = () => ({ status });
    assert.deepEqual(await pair.api.probe(NEVER), { status, version: undefined });
  }
});

test("FaradayApi.probe() says where a web page answers, or another server should be asked", async () => {
  await using pair = await Pair.start();
  const oddity = async (fault: Fault) => {
    pair.server.fault = () => fault;
    return (await pair.api.probe(NEVER)).oddity;
  };
  const page = "it answers with a web page, check the server's URL and its base route";
  assert.equal(await oddity(WEB_PAGE), page);
  assert.equal(await oddity({ status: 404 }), page);
  assert.equal(
    await oddity({ status: 301, headers: { location: "https://faraday.example/" } }),
    'it leads to "https://faraday.example/", check the server\'s URL and its base route',
  );
});

test("FaradayApi.probe() throws where there is no answer", async () => {
  await using pair = await Pair.start({}, 200);
  pair.server.fault = () => "hang";
  await assert.rejects(pair.api.probe(NEVER), new ServerFailure("connection", "no answer within 0.20 s"));
});

const REGISTRATION = { code: "123456", name: "box", description: "" };

test("FaradayApi.register() sends code, name and description, and gets number and token [F30] [F32]", async () => {
  await using pair = await Pair.start({ baseRoute: "/base" });
  const { id, token } = await pair.api.register(REGISTRATION, NEVER);
  assert.deepEqual(pair.server.agents.get(token), { id, name: "box", token });
  assert.equal(pair.server.asked[0]?.headers["content-type"], "application/json");
});

const NEW_CODE = "Take a new code from the page of the agents in Faraday, it is good for a minute or two";

// What the server does, what is said of it, what to do.
const REFUSALS: Readonly<Record<string, readonly [fault: Fault | undefined, said: string, hint?: string]>> = {
  "a wrong or expired code": [undefined, "the registration code is wrong or has expired", NEW_CODE],
  "a path that Faraday does not know": [
    { status: 401, body: "<p>The server could not verify …" },
    "it does not accept the registration code, or has no such path",
    `${NEW_CODE}. ${CHECK_URL}`,
  ],
  "a web page": [WEB_PAGE, "it answers with a web page", CHECK_URL],
  "a page that says 404": [{ status: 404 }, "it answers with a web page", CHECK_URL],
  "another address": [
    { status: 308, headers: { location: "https://x/" } },
    'it leads to "https://x/"',
    CHECK_URL,
  ],
  "a licence": [
    json(402, { message: "License expired" }),
    "its licence does not allow it: License expired",
    "Ask whoever runs the server about its licence",
  ],
  "a firewall": [
    { status: 403, body: "<h1>Blocked</h1>" },
    "it forbids the registration: Blocked",
    "Ask whoever runs the server",
  ],
  "a server that is busy": [
    { status: 429 },
    "it takes no more registrations for now",
    "Wait, then take a new code",
  ],
  "a server that is broken": [
    { status: 502, body: "<title>x</title><h1>502 Bad\n Gateway</h1>" },
    "it answers 502: 502 Bad Gateway",
    "Try again later, with a new code",
  ],
  "a bad field": [
    json(400, { messages: { json: { name: ["Not a valid string."] } } }),
    'it answers 400: {"name":["Not a valid string."]}',
  ],
  "an answer without a token": [
    json(201, { id: 1 }),
    "it made the agent and did not tell its token, as Faraday 5.25.2 does where several register at once",
    "Try again with a new code, and delete agent 1 at the server",
  ],
  "an answer of somebody else": [
    json(201, { id: "one", token: "abc" }),
    "its answer to the registration is not that of Faraday",
    CHECK_URL,
  ],
  "a token of another length": [
    json(201, { id: 1, token: "abc" }),
    "it gave no usable agent token: it has 3 characters, expected 64 letters and digits",
  ],
  "a token of other characters": [
    json(201, { id: 1, token: `${"a".repeat(63)}\n` }),
    "it gave no usable agent token: it has 64 characters, expected 64 letters and digits",
  ],
};

for (const [what, [fault, said, hint]] of Object.entries(REFUSALS)) {
  test(`FaradayApi.register() says what to do about ${what}`, async () => {
    await using pair = await Pair.start();
    pair.server.fault = () => fault;
    const failure = await pair.api.register({ ...REGISTRATION, code: "000000" }, NEVER).catch((e) => e);
    assert.ok(failure instanceof ServerFailure, String(failure));
    assert.deepEqual([failure.kind, failure.message, failure.hint], ["answer", said, hint]);
  });
}

test("FaradayApi.register() registers at Faraday 4, and says why it cannot at Faraday 3", async () => {
  await using old = await Pair.start({ generation: 4 });
  const { token } = await old.api.register(REGISTRATION, NEVER);
  assert.ok(old.server.agents.has(token));
  await using older = await Pair.start({ generation: 3 });
  const failure = await older.api.register(REGISTRATION, NEVER).catch((error) => error);
  assert.ok(failure instanceof ServerFailure, String(failure));
  assert.equal(failure.message, "Faraday 3.19.0 takes agents for named workspaces alone");
  assert.match(failure.hint ?? "", /^Register with its own dispatcher, then cb dispatcher import /);
});

test("FaradayApi.register() asks nothing more where the code is wrong", async () => {
  await using pair = await Pair.start({ generation: 4 });
  await pair.api.register({ ...REGISTRATION, code: "000000" }, NEVER).catch(() => {});
  assert.deepEqual(
    pair.server.asked.map(({ path }) => path),
    ["/_api/v3/agents"],
  );
});

test("serverError() names the server without its password, and keeps what to do", () => {
  const url = new URL("https://user:secret@faraday.example:8443/base");
  const { code, message, hint } = serverError("register at", url, new ServerFailure("answer", "no", "Ask"));
  assert.equal(message, 'Cannot register at "https://faraday.example:8443/base": no');
  assert.deepEqual([code, hint], ["server", "Ask"]);
});

test("FaradayApi.channelToken() asks with the agent token and an empty body [F33]", async () => {
  await using pair = await Pair.start();
  const agent = pair.server.addAgent();
  const answer = await pair.api.channelToken(agent.token, NEVER);
  assert.equal(answer.kind === "token" && pair.server.channel.tokens.get(answer.token)?.agent, agent);
  const { headers } = pair.server.asked[0] ?? assert.fail();
  assert.equal(headers.authorization, `Agent ${agent.token}`);
  assert.equal(headers["content-length"], "0");
});

test("FaradayApi.channelToken() calls an agent deleted for Faraday's own 403 alone", async () => {
  await using pair = await Pair.start();
  const kind = async () => (await pair.api.channelToken("x".repeat(64), NEVER)).kind;
  assert.equal(await kind(), "deleted");
  for (const fault of [
    { status: 403, body: "Forbidden" },
    json(403, {}),
    json(403, { message: "Forbidden" }),
    json(402, { message: "licence" }),
  ]) {
    pair.server.fault = () => fault;
    assert.equal(await kind(), "refused");
  }
});

test("FaradayApi.channelToken() calls an agent deleted for the page of Faraday 3, and for no other with its words", async () => {
  const page = (title: string, words: string) =>
    `<title>${title}</title>\n<h1>Forbidden</h1>\n<p>${words}</p>\n`;
  const words =
    "You don&#x27;t have the permission to access the requested resource. It is either read-protected";
  for (const [generation, kind] of [
    [3, "deleted"],
    [4, "deleted"],
  ] as const) {
    await using pair = await Pair.start({ generation });
    pair.server.fault = () =>
      generation === 3 ? { status: 403, body: page("403 Forbidden", words) } : undefined;
    assert.equal((await pair.api.channelToken("x".repeat(64), NEVER)).kind, kind);
    for (const body of [page("Gateway", words), page("403 Forbidden", "You shall not pass"), words]) {
      pair.server.fault = () => ({ status: 403, body });
      assert.equal((await pair.api.channelToken("x".repeat(64), NEVER)).kind, "refused");
    }
  }
});

test("FaradayApi.channelPort() is the port that an old server names, number or text, and none of a new one", async () => {
  for (const generation of [3, 4] as const) {
    await using old = await Pair.start({ generation });
    assert.equal(await old.api.channelPort(NEVER), Number(old.server.channelUrl.port));
  }
  await using today = await Pair.start();
  assert.equal(await today.api.channelPort(NEVER), undefined);
});

test("FaradayApi.channelToken() takes no other answer for a token", async () => {
  await using pair = await Pair.start();
  const said = async (fault: Fault) => {
    pair.server.fault = () => fault;
    const answer = await pair.api.channelToken("x", NEVER);
    return answer.kind === "refused" ? [answer.status, answer.words] : answer.kind;
  };
  const wrong = "it is not Faraday's API that answers, check the server's URL and its base route";
  assert.deepEqual(await said(WEB_PAGE), [200, wrong]);
  assert.deepEqual(await said(json(200, { token: 7 })), [200, wrong]);
  assert.deepEqual(await said({ status: 401 }), [401, wrong]);
  assert.deepEqual(await said({ status: 404, body: "" }), [404, wrong]);
  assert.deepEqual(await said({ status: 503, body: "<h1>away</h1>" }), [503, "it answers 503: away"]);
});

/** What becomes of a small body, or of a server that does this instead. */
async function post(pair: Pair, fault?: Fault, workspace = "w1", body: object = {}): Promise<PostAnswer> {
  pair.server.fault = () => fault;
  const { token } = pair.server.addAgent();
  const command = { tool: "box", command: "scan", start_date: "2026-01-02T03:04:05" };
  const [id] = pair.server.run("scan", {}, ["w1"]);
  const text = JSON.stringify({ execution_id: id, hosts: [], command, ...body });
  return await pair.api.bulkCreate(workspace, new TextEncoder().encode(text), token, NEVER);
}

test("FaradayApi.bulkCreate() posts JSON with the agent token, below the base route [F30] [F34]", async () => {
  await using pair = await Pair.start({ baseRoute: "/base" });
  const answer = await post(pair);
  const [execution] = pair.server.executions.values();
  assert.deepEqual(answer, { kind: "created", commandId: execution?.commandId });
  const { headers, path } = pair.server.asked[0] ?? assert.fail();
  assert.equal(path, "/_api/v3/ws/w1/bulk_create");
  assert.match(headers.authorization ?? "", /^agent [A-Za-z0-9]{64}$/);
  assert.equal(headers["content-type"], "application/json");
});

test("FaradayApi.bulkCreate() reaches a workspace with any name that Faraday allows", async () => {
  await using pair = await Pair.start();
  for (const name of ["a_$()+-", "UpperWs"]) {
    const [id] = pair.server.run("scan", {}, [name]);
    assert.equal((await post(pair, undefined, name, { execution_id: id })).kind, "created");
  }
  for (const name of [".", "..", ""]) assert.equal((await post(pair, undefined, name)).kind, "rejected");
});

test("FaradayApi.bulkCreate() keeps what a workspace that is missing, inactive or read-only may take later", async () => {
  await using pair = await Pair.start();
  const status = async (workspace: string) => {
    const answer = await post(pair, undefined, workspace);
    return answer.kind === "again" ? answer.status : answer.kind;
  };
  assert.equal(await status("missing"), 401);
  pair.server.workspaces.set("w1", { active: false, readonly: false });
  assert.equal(await status("w1"), 401);
  pair.server.workspaces.set("w1", { active: true, readonly: true });
  assert.equal(await status("w1"), 403);
});

test("FaradayApi.bulkCreate() keeps what a workspace of an old server may take later, and no other 404", async () => {
  await using pair = await Pair.start({ generation: 4 });
  const answer = await post(pair, undefined, "missing");
  assert.deepEqual(answer, {
    kind: "again",
    status: 404,
    words: "No such workspace: missing",
    after: undefined,
  });
  assert.equal((await post(pair, { status: 404, body: "<p>nothing here</p>" })).kind, "rejected");
});

const REFERENCES = [{ name: "http://a", type: "other" }, "http://b", { name: "c" }];
const WITH_REFERENCES = {
  hosts: [{ ip: "a", description: "", vulnerabilities: [{ name: "v", refs: REFERENCES }] }],
};

test("FaradayApi.bulkCreate() posts references as texts where they are refused as objects, from then on at once", async () => {
  await using pair = await Pair.start({ generation: 3 });
  assert.equal((await post(pair, undefined, "w1", WITH_REFERENCES)).kind, "created");
  assert.deepEqual(
    pair.server.posts.map(({ status }) => status),
    [400, 201],
  );
  assert.equal((await post(pair, undefined, "w1", WITH_REFERENCES)).kind, "created");
  assert.deepEqual(
    pair.server.posts.map(({ status }) => status),
    [400, 201, 201],
  );
  const [host] = pair.server.posts.at(-1)?.body?.hosts ?? [];
  assert.deepEqual(host?.["vulnerabilities"], [{ name: "v", refs: ["http://a", "http://b", "c"] }]);
});

test("FaradayApi.bulkCreate() posts references as objects again where texts are not taken any more", async () => {
  await using pair = await Pair.start();
  const refuses = (form: RegExp, words: unknown) => (body: string) =>
    form.test(body) ? json(400, { messages: { json: { refs: words } } }) : undefined;
  let refusal = refuses(/"refs":\[\{/, { 0: ["Not a valid string."] });
  pair.server.fault = (_, body) => refusal(body);
  const send = async () => {
    const { token } = pair.server.addAgent();
    const command = { tool: "box", command: "scan", start_date: "2026-01-02T03:04:05" };
    const [execution_id] = pair.server.run("scan", {}, ["w1"]);
    const post = JSON.stringify({ ...WITH_REFERENCES, execution_id, command });
    return await pair.api.bulkCreate("w1", new TextEncoder().encode(post), token, NEVER);
  };
  assert.equal((await send()).kind, "created");
  // As after an upgrade of the server.
  refusal = refuses(/"refs":\["/, { 0: { _schema: ["Invalid input type."] } });
  assert.equal((await send()).kind, "created");
  const { length } = pair.server.asked;
  assert.equal((await send()).kind, "created");
  assert.equal(pair.server.asked.length, length + 1);
});

test("FaradayApi.bulkCreate() posts once what is refused for something else, whatever the server", async () => {
  for (const options of [{ generation: 3 }, { generation: 4 }, {}] as const) {
    await using pair = await Pair.start(options);
    assert.equal((await post(pair, undefined, "w1", { hosts: [{}] })).kind, "rejected");
    assert.equal(pair.server.posts.length, 1);
  }
});

for (const status of [200, 204, 301, 307, 401, 402, 403, 408, 425, 429, 500, 502, 503, 504, 599]) {
  test(`FaradayApi.bulkCreate() has a body posted again after ${status}`, async () => {
    await using pair = await Pair.start();
    const answer = await post(pair, { status, body: status === 204 ? "" : "why" });
    assert.equal(answer.kind === "again" && answer.status, status);
  });
}

for (const status of [400, 404, 405, 409, 410, 411, 413, 415, 422, 431]) {
  test(`FaradayApi.bulkCreate() has a body rejected by ${status}`, async () => {
    await using pair = await Pair.start();
    const answer = await post(pair, { status, body: "<p>why\u001b[2J</p>" });
    assert.deepEqual(answer, { kind: "rejected", status, words: "why^[[2J" });
  });
}

test("FaradayApi.bulkCreate() brings the server's words on a schema that is broken", async () => {
  await using pair = await Pair.start();
  assert.deepEqual(await post(pair, undefined, "w1", { hosts: [{ description: "" }] }), {
    kind: "rejected",
    status: 400,
    words: '{"hosts":{"0":{"ip":["Missing data for required field."]}}}',
  });
});

test("FaradayApi.bulkCreate() takes a server that breaks off, is mute or is gone for one to ask again", async () => {
  const pair = await Pair.start({}, 1_500);
  const words = async (fault?: Fault) => {
    const answer = await post(pair, fault);
    return answer.kind === "again" && answer.status === undefined ? answer.words : answer;
  };
  assert.equal(await words("hang"), "no answer within 1.50 s");
  assert.match(String(await words("drop")), /^connection (closed by the server|reset), it may speak TLS/);
  await pair.server.stop();
  assert.equal(await words(), "connection refused");
  await pair.server.start();
  assert.equal((await post(pair)).kind, "created");
  await pair[Symbol.asyncDispose]();
});

test("FaradayApi.bulkCreate() throws the reason of its signal", async () => {
  await using pair = await Pair.start();
  const reason = new Error("stopping");
  pair.server.fault = () => "hang";
  const { token } = pair.server.addAgent();
  const stopping = new AbortController();
  const posted = pair.api.bulkCreate("w1", new Uint8Array(), token, stopping.signal);
  setTimeout(() => stopping.abort(reason), 50);
  await assert.rejects(posted, reason);
  await assert.rejects(pair.api.bulkCreate("w1", new Uint8Array(), token, stopping.signal), reason);
});

// Retry-After, Date, milliseconds
const AFTER: readonly (readonly [text: string, date: string, after: number | undefined])[] = [
  ["3", "", 3_000],
  ["0", "", 0],
  ["999999999", "", 3_600_000],
  ["Sun, 22 Nov 2026 07:36:37 GMT", "Sun, 22 Nov 2026 07:35:37 GMT", 60_000],
  ["Sun, 22 Nov 2026 07:34:37 GMT", "Sun, 22 Nov 2026 07:35:37 GMT", 0],
  ["Sun, 22 Nov 2036 07:34:37 GMT", "Sun, 22 Nov 2026 07:35:37 GMT", 3_600_000],
  ["soon", "Sun, 22 Nov 2026 07:35:37 GMT", undefined],
  ["-5", "", undefined],
  ["1e3", "", undefined],
];

for (const [text, date, after] of AFTER) {
  test(`FaradayApi.bulkCreate() waits ${after ?? "as it likes"} ms after Retry-After: ${text}`, async () => {
    await using pair = await Pair.start();
    const headers = { "retry-after": text, ...(date !== "" && { date }) };
    const answer = await post(pair, { status: 429, headers });
    assert.equal(answer.kind === "again" ? answer.after : "none", after);
  });
}
