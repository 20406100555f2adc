import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setupPlace } from "../../src/cli/setup-files.ts";
import { registerFor } from "../../src/cli/wizard-files.ts";
import type { Draft } from "../../src/setup/work.ts";
import { client } from "../faraday/wire-fixture.ts";

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "cb-wizard-files-"));
});
afterEach(() => rmSync(base, { recursive: true }));

/** Registers with a code that is refused, and does something while the server thinks. */
async function refused(meanwhile: () => void): Promise<void> {
  const server = createServer((_request, response) => {
    meanwhile();
    response.writeHead(401, { "content-type": "text/html" }).end("Invalid Token");
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const http = client(new URL(`http://localhost:${address.port}`));
  const state = join(base, "home/.local/state/cb-dispatcher");
  const place = { place: setupPlace(join(base, "d.toml"), state, {}), now: new Map(), besides: new Map() };
  try {
    const draft = { name: "box", description: "" } as Draft;
    const registered = await registerFor(place, draft, "999999", http, new AbortController().signal);
    assert.equal(registered.ok, false);
  } finally {
    await http.close();
    server.close();
  }
}

test("registerFor() leaves nothing behind where the code is refused", async () => {
  let lock = false;
  await refused(() => {
    lock = existsSync(join(base, "home/.local/state/cb-dispatcher/lock"));
  });
  assert.ok(lock, "no other wizard or dispatcher may come in between");
  assert.deepEqual(readdirSync(base), []);
});

test("registerFor() removes nothing that others have put into the directories that it made", async () => {
  const other = join(base, "home/.local/share/important/file");
  await refused(() => {
    mkdirSync(dirname(other), { recursive: true });
    writeFileSync(other, "data");
  });
  assert.ok(existsSync(other));
  assert.ok(!existsSync(join(base, "home/.local/state")));
});
