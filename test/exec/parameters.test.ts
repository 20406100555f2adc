import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PARAMETER_TYPES, type ParameterType } from "../../src/exec/parameter-types.ts";
import { checkParameters, type DeclaredParameters, type Parameter } from "../../src/exec/parameters.ts";

function parameter(types: Parameter["types"], more: Partial<Parameter> = {}): Parameter {
  return {
    name: "",
    types,
    base: "string",
    mandatory: false,
    secret: types.includes("password"),
    description: undefined,
    displayName: undefined,
    ...more,
  };
}

const DECLARED: DeclaredParameters = new Map([
  ["TARGET", parameter(["list"], { name: "target", mandatory: true })],
  ["PORT", parameter(["integer"])],
  ["HOST", parameter(["ip", "domains"])],
  ["NOTE", parameter(["string"])],
  ["TOKEN", parameter(["string"], { secret: true })],
  ["LOGIN", parameter(["password"])],
]);
const target = ["x"];

function check(given: Readonly<Record<string, unknown>>, secrets?: "taken" | "refused") {
  return checkParameters(DECLARED, new Map(Object.entries(given)), secrets);
}

function refusal(given: Readonly<Record<string, unknown>>, secrets?: "taken" | "refused") {
  const result = check(given, secrets);
  if (result.accepted) assert.fail("it was accepted");
  return { kind: result.kind, problems: result.problems };
}

test("checkParameters() gives accepted values as they came, under names in upper case", () => {
  const result = check({ target, Port: " 5 ", HOST: "::1", LOGIN: "secret" });
  assert.ok(result.accepted);
  const values = new Map<string, unknown>([
    ["TARGET", target],
    ["PORT", " 5 "],
    ["HOST", "::1"],
    ["LOGIN", "secret"],
  ]);
  assert.deepEqual(result.values, values);
});

test("checkParameters() takes no name that only contains a declared one", () => {
  for (const name of ["XTARGET", "TARGETS", "TARGE", "", "__proto__", "constructor"]) {
    const { kind, problems } = refusal({ TARGET: target, [name]: "x" });
    assert.equal(kind, "unexpected", name);
    assert.equal(problems.length, 1);
  }
});

test("checkParameters() names an unexpected parameter, the nearest declared one, and none of its value", () => {
  assert.deepEqual(refusal({ target, tagret: "s3cret", "\u001b[2J": 1 }), {
    kind: "unexpected",
    problems: ['tagret: No such parameter, did you mean "TARGET"?', "^[[2J: No such parameter"],
  });
});

test("checkParameters() takes no parameter twice", () => {
  assert.deepEqual(refusal({ target, TARGET: target }), {
    kind: "unexpected",
    problems: ["TARGET: Given twice"],
  });
});

test("checkParameters() names every mandatory parameter that is missing, and its type [F11]", () => {
  assert.deepEqual(refusal({}), { kind: "missing", problems: ["TARGET: Missing, expected list"] });
  const declared = new Map([["HOST", parameter(["ip", "domains"], { mandatory: true })]]);
  const { accepted, ...rest } = checkParameters(declared, new Map());
  assert.deepEqual(rest, { kind: "missing", problems: ["HOST: Missing, expected ip or domains"] });
});

test("checkParameters() says of each mistyped parameter what its type says", () => {
  assert.deepEqual(refusal({ target: "x", PORT: "y", NOTE: "z" }), {
    kind: "invalid",
    problems: ["TARGET: Not a valid list.", "PORT: Not a valid integer."],
  });
});

test("checkParameters() takes any of several types, and else says what each of them says", () => {
  assert.ok(check({ target, HOST: "1.2.3.4" }).accepted);
  assert.ok(check({ target, HOST: ["a.com"] }).accepted);
  assert.deepEqual(refusal({ target, HOST: "a.com" }), {
    kind: "invalid",
    problems: ["HOST: (ip) Not a valid IP address. (domains) Not a valid list."],
  });
});

test("checkParameters() looks for the unexpected first, then for secrets, the missing and the invalid", () => {
  const wrong = { colour: 1, TOKEN: "t", PORT: "x" };
  assert.equal(refusal(wrong, "refused").kind, "unexpected");
  assert.equal(refusal({ TOKEN: "t", PORT: "x" }, "refused").kind, "secret");
  assert.equal(refusal({ TOKEN: "t", PORT: "x" }).kind, "missing");
  assert.equal(refusal({ target, TOKEN: "t", PORT: "x" }).kind, "invalid");
});

test("checkParameters() refuses each secret parameter where others read what is sent, whatever its value", () => {
  assert.deepEqual(refusal({ target, TOKEN: "t0ken", login: 5 }, "refused"), {
    kind: "secret",
    problems: ["TOKEN: Secret, not taken from here", "LOGIN: Secret, not taken from here"],
  });
  assert.ok(check({ target, TOKEN: "t0ken", LOGIN: "l" }, "taken").accepted);
  assert.ok(check({ target }, "refused").accepted);
});

test("checkParameters() says not even the length of a secret", () => {
  const long = "x".repeat(257);
  const { problems } = refusal({ target, TOKEN: long, LOGIN: long, NOTE: long });
  assert.deepEqual(problems, [
    "NOTE: Max length 256. Your text 257",
    "TOKEN: Max length 256",
    "LOGIN: Max length 256",
  ]);
});

test("checkParameters() refuses text that no environment can hold, and takes it inside a list", () => {
  for (const NOTE of ["a\0b", "\ud800"]) {
    assert.deepEqual(refusal({ target, NOTE }).problems, [
      "NOTE: Null characters and halves of characters are not allowed.",
    ]);
    assert.ok(check({ target: [NOTE] }).accepted);
  }
  assert.ok(check({ target, NOTE: "😀" }).accepted);
});

test("checkParameters() never throws, and never repeats a value", () => {
  const types = fc.constantFrom<ParameterType>(...PARAMETER_TYPES);
  fc.assert(
    fc.property(types, fc.jsonValue(), (type, value) => {
      const declared = new Map([["X", parameter([type])]]);
      const result = checkParameters(declared, new Map([["x", value]]));
      if (result.accepted && type === "boolean") assert.equal(typeof result.values.get("X"), "boolean");
      else if (result.accepted) assert.equal(result.values.get("X"), value);
      else assert.match(result.problems.join("\n"), /^X: [A-Z][ -~]+$/);
    }),
  );
});

test("checkParameters() makes a boolean of every word for one, and leaves the words of other types alone", () => {
  const declared = new Map([
    ["FLAG", parameter(["boolean"])],
    ["WORD", parameter(["string"])],
    ["EITHER", parameter(["integer", "boolean"])],
  ]);
  const values = (flag: unknown) => {
    const check = checkParameters(
      declared,
      new Map([
        ["FLAG", flag],
        ["WORD", "true"],
        ["EITHER", "yes"],
      ]),
    );
    return check.accepted ? [...check.values] : check.problems;
  };
  for (const [given, flag] of [
    ["yes", true],
    ["true", true],
    [1, true],
    ["off", false],
    [0, false],
  ] as const)
    assert.deepEqual(values(given), [
      ["FLAG", flag],
      ["WORD", "true"],
      ["EITHER", true],
    ]);
});
