/** The hub sees no plaintext: every byte that reaches Redis, or leaves it, is looked at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet } from "../support/fleet.ts";
import { askRedis } from "../support/wire-tap.ts";

const MARKER = "quetzalcoatl";

test("cb shows the hub nothing but the name of the channel [S6] [S13]", async () => {
  await using fleet = await Fleet.start({ tapped: true });
  fleet.command(`${MARKER}-command`, `echo ${MARKER}-output`, `echo ${MARKER}-warning >&2`, "exit 3");
  await fleet.agent(`${MARKER}-agent`, ["--tags", `${MARKER}-tag`, "--channel", "xochimilco"]);
  const station = ["--identity", `${MARKER}-station`, "--channel", "xochimilco", "--tags", `${MARKER}-tag`];
  const { status, stdout, stderr } = await fleet.station(...station, "run", `${MARKER}-command`);
  assert.equal(status, 4);
  assert.match(stdout, new RegExp(`^${MARKER}-agent │ ${MARKER}-output$`, "m"));
  assert.match(stderr, new RegExp(`^${MARKER}-agent ! ${MARKER}-warning$`, "m"));
  assert.equal((await fleet.station(...station, "ping")).status, 0);

  assert.equal(seenIn(fleet.tap.bytes, "xochimilco"), "as it is", "what the hub may see, the tap sees");
  assert.equal(seenIn(fleet.tap.bytes, MARKER), undefined);
  assert.equal(fleet.tap.requests.length, 2);
});

test("cb station leaves no key behind on the hub", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  for (const command of ["prints-4-mb", "exits-3", "missing"]) {
    await fleet.station("run", command);
    assert.equal(await askRedis(fleet.redisSocket, ["DBSIZE"]), ":0", command);
  }
});

test("seenIn finds a text in every encoding, at every place", () => {
  const text = Buffer.from(`the word ${MARKER} in a text`);
  const doubled = Buffer.from(MARKER, "utf16le");
  for (const shift of [0, 1, 2]) {
    const shifted = Buffer.concat([new Uint8Array(shift), text]);
    for (const encoding of ["base64", "base64url", "hex"] as const) {
      assert.notEqual(
        seenIn(Buffer.from(shifted.toString(encoding)), MARKER),
        undefined,
        `${encoding} ${shift}`,
      );
    }
  }
  assert.notEqual(seenIn(Buffer.from(text.toString("hex").toUpperCase()), MARKER), undefined);
  assert.notEqual(seenIn(doubled, MARKER), undefined);
  assert.equal(seenIn(text, "Xochimilco"), undefined);
});

/** In which encoding a text occurs in these bytes; undefined where it does not. */
function seenIn(bytes: Uint8Array, text: string): string | undefined {
  const seen = Buffer.from(bytes).toString("latin1");
  const plain = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) => {
    // The characters that depend on what stands before or after are left out.
    const code = Buffer.concat([new Uint8Array(shift), plain]).toString("base64");
    return code.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + plain.length) * 4) / 3));
  });
  const forms = {
    "as it is": [text],
    "as it is, doubled": [Buffer.from(text, "utf16le").toString("latin1")],
    hexadecimal: [plain.toString("hex"), plain.toString("hex").toUpperCase()],
    base64: base64.flatMap((code) => [code, code.replaceAll("+", "-").replaceAll("/", "_")]),
  };
  return Object.entries(forms).find(([, codes]) => codes.some((code) => seen.includes(code)))?.[0];
}
