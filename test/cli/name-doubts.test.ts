import assert from "node:assert/strict";
import { test } from "node:test";
import { addresseesOf } from "../../src/cli/addressees.ts";
import { doubtsAbout } from "../../src/cli/name-doubts.ts";
import { targetSettings } from "../../src/cli/settings/target.ts";
import type { Identity, Tag } from "../../src/core/names.ts";
import { resolve } from "../../src/core/settings.ts";
import type { KnownAgent } from "../../src/station/agents-table.ts";

function known(identity: string, ...tags: readonly string[]): KnownAgent {
  const record = { tags: tags as readonly Tag[], firstSeen: 0, lastSeen: 0 };
  return { identity: identity as Identity, tags: record.tags, record, key: undefined };
}

const FLEET = [known("web1", "web", "eu"), known("web2", "web"), known("db1", "db")];

type Options = Readonly<Partial<Record<"to" | "not-to" | "tags", string>>>;

/** What is said of options, as if they had been typed. */
async function doubts(options: Options, agents = FLEET, isTyped = true): Promise<readonly string[]> {
  const texts = Object.entries(options).map(([name, text]) => [name, [text]] as const);
  const addressed = await addresseesOf(
    resolve(targetSettings, { arguments: new Map(texts), environment: {} }).values,
  );
  return doubtsAbout({ ...addressed, isTyped }, agents);
}

const hint = (name: string) =>
  `"cb station ping" makes agents known; a pattern, such as "${name}*", need not be known`;

test("doubtsAbout() has nothing to say of what fits", async () => {
  for (const options of [
    {},
    { to: "web1,db*" },
    { to: "web[1-2]", "not-to": "web2" },
    { to: "web[1-9]", "not-to": "web[3-9]" },
    { "not-to": "web*,db1" },
    { tags: "web,!eu" },
  ])
    assert.deepEqual(await doubts(options), [], JSON.stringify(options));
});

test("doubtsAbout() refuses to leave out a name that nobody has: the server that was meant would run it", async () => {
  await assert.rejects(doubts({ "not-to": "wbe1" }), {
    code: "usage",
    exitStatus: 1,
    message: 'Cannot leave out "wbe1": no agent of that name is known, did you mean "web1"?',
    hint: hint("wbe1"),
  });
  await assert.rejects(doubts({ to: "web*", "not-to": "db1,web3" }), {
    message: 'Cannot leave out "web3": no agent of that name is known',
    hint: hint("web3"),
  });
  // It is taken out of those that are named, known or not.
  assert.deepEqual(await doubts({ to: "web3,web4", "not-to": "web4" }), []);
});

test("doubtsAbout() says it of a file that names who is to be left out, which may outlive an agent", async () => {
  assert.deepEqual(await doubts({ "not-to": "wbe1,db9" }, FLEET, false), [
    'wbe1 leaves out nobody that is known here, did you mean "web1"?',
    "db9 leaves out nobody that is known here",
  ]);
});

test("doubtsAbout() says which patterns, folds and tags fit nobody", async () => {
  assert.deepEqual(await doubts({ "not-to": "x*,lb[1-3],web*" }, FLEET, false), [
    "x* leaves out nobody that is known here",
    "lb[1-3] leaves out nobody that is known here",
  ]);
  assert.deepEqual(await doubts({ to: "x*,lb[1-3],web*" }), [
    "no agent known here is called x*",
    "no agent known here is called lb[1-3]",
  ]);
  // The end says so by itself.
  assert.deepEqual(await doubts({ to: "x*" }), []);
  assert.deepEqual(await doubts({ to: "wbe1,db1,fresh1" }), ['wbe1 is not known here, did you mean "web1"?']);
  assert.deepEqual(await doubts({ tags: "wbe,!ue,!maintenance" }), [
    'no agent known here has the tag wbe, did you mean "web"?',
    "!maintenance leaves out nobody that is known here",
    '!ue leaves out nobody that is known here, did you mean "eu"?',
  ]);
});

const PADDED = ["web01", "web02", "web03", "web10", "web11"].map((name) => known(name));

test("doubtsAbout() refuses to leave out a fold without any known name, or with other zeros than theirs", async () => {
  const refused = (options: Options, why: string, agents = PADDED) =>
    assert.rejects(doubts(options, agents), {
      exitStatus: 1,
      message: `Cannot leave out "${options["not-to"]}": ${why}`,
      hint: why.includes("did you mean") ? undefined : hint(options["not-to"] ?? ""),
    });
  const nobody = "no agent of these names is known";
  await refused({ to: "web[01-03]", "not-to": "web[1-3]" }, `${nobody}, did you mean "web[01-03]"?`);
  await refused({ "not-to": "web[001-100]" }, `${nobody}, did you mean "web[01-03,10-11]"?`);
  await refused({ "not-to": "db[1-3]" }, nobody);
  // 10 and 11 are called that either way; the others would run it.
  const some = "3 of the names in web[1-3,10-11] are not known: web[1-3]";
  await refused({ "not-to": "web[1-3,10-11]" }, `${some}, did you mean "web[01-03,10-11]"?`);
});

test("doubtsAbout() goes on where some names of a fold are known, or are named besides, and says which are not", async () => {
  const some = "2 of the names in web[01-05] are not known: web[04-05]";
  assert.deepEqual(await doubts({ "not-to": "web[01-05]" }, PADDED), [some]);
  assert.deepEqual(await doubts({ "not-to": "web[01-05]" }, PADDED, false), [some]);
  assert.deepEqual(await doubts({ to: "x1,x2", "not-to": "x[2-4]" }, PADDED), [
    "2 of the names in x[2-4] are not known: x[3-4]",
  ]);
  assert.deepEqual(await doubts({ to: "x[1-2]", "not-to": "x[2]" }, []), []);
  assert.deepEqual(await doubts({ "not-to": "web[1-3]" }, PADDED, false), [
    'web[1-3] leaves out nobody that is known here, did you mean "web[01-03]"?',
  ]);
});

test("doubtsAbout() says how many names of a fold are not known, and what it was probably meant to be", async () => {
  assert.deepEqual(await doubts({ to: "web[01-04]" }, PADDED), [
    "1 of the names in web[01-04] is not known: web04",
  ]);
  assert.deepEqual(await doubts({ to: "web[01-05],web[20-29]" }, PADDED), [
    "2 of the names in web[01-05] are not known: web[04-05]",
    "no agent known here is called web[20-29]",
  ]);
  assert.deepEqual(await doubts({ to: "web[1-3]" }, PADDED), [
    'no agent known here is called web[1-3], did you mean "web[01-03]"?',
  ]);
  assert.deepEqual(await doubts({ to: "web[1-12]" }, PADDED), [
    '10 of the names in web[1-12] are not known: web[1-9,12], did you mean "web[01-03,10-11]"?',
  ]);
  // It means nobody besides, and the end says so.
  assert.deepEqual(await doubts({ to: "db[1-3]" }, PADDED), []);
  assert.deepEqual(await doubts({ to: "web[1-3]" }, []), []);
});

test("doubtsAbout() refuses a range without brackets where nobody is called that, and hints where it is a name", async () => {
  for (const agents of [FLEET, []]) {
    for (const name of ["web1-web3", "web1..web3", "web1..3"]) {
      const why = 'no agent of that name is known, did you mean "web[1-3]"?';
      await assert.rejects(doubts({ to: name }, agents), { message: `Cannot ask "${name}": ${why}` });
      await assert.rejects(doubts({ "not-to": name }, agents, false), {
        message: `Cannot leave out "${name}": ${why}`,
      });
    }
  }
  assert.deepEqual(await doubts({ to: "web1-web3" }, [known("web1-web3")]), []);
  assert.deepEqual(await doubts({ to: "web1-3" }), ['web1-3 is not known here, did you mean "web[1-3]"?']);
});

test("doubtsAbout() cannot tell anything where nobody is known, nor of tags where nobody has told any", async () => {
  for (const options of [{ "not-to": "web1,x*" }, { to: "x*,wbe1" }, { tags: "wbe,!eu" }])
    assert.deepEqual(await doubts(options, []), []);
  const pinned = { ...known("web1"), record: undefined };
  assert.deepEqual(await doubts({ tags: "wbe" }, [pinned]), []);
});

test("doubtsAbout() is short about long lists, and not slow", async () => {
  const many = Array.from({ length: 5000 }, (_, at) => known(`server${at}`));
  const list = Array.from({ length: 5000 }, (_, at) => `x${at}*`).join(",");
  const said = await doubts({ "not-to": list }, many);
  assert.deepEqual([said.length, said.at(-1)], [11, "and so with 4990 more"]);
  const names = Array.from({ length: 5000 }, (_, at) => `sevrer${at}`).join(",");
  assert.ok((await doubts({ to: names }, many)).length <= 11);
});
