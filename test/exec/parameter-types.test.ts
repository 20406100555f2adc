/** Values of every kind, each with what Faraday's own types (1.9.1) answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  baseOf,
  isParameterType,
  PARAMETER_TYPES,
  type ParameterType,
  problemOf,
  valueOfText,
} from "../../src/exec/parameter-types.ts";

type Row = {
  readonly base: string;
  readonly accepts: readonly unknown[];
  /** By what is said of them. */
  readonly rejects: Readonly<Record<string, readonly unknown[]>>;
};

const NULL = "Field may not be null.";
const a = (length: number) => "a".repeat(length);
const SPECIAL = "Special numeric values (nan or infinity) are not permitted.";
const FORMAT = "Incorrect format, use: (integer)-(integer)";

const TABLE: Readonly<Record<ParameterType, Row>> = {
  integer: {
    base: "integer",
    accepts: [5, -5, 5.0, 5.9, -5.9, 1e20, 0, "5", " 5 ", "+5", "-5", "1_000", "\t7\n", "1".repeat(30)],
    rejects: {
      "Not a valid integer.": [
        "1.5",
        "5 6",
        "0x10",
        "1e3",
        "a",
        "",
        "_1",
        "1__0",
        true,
        false,
        [1],
        {},
        Number.NaN,
      ],
      "Number too large.": [Infinity, -Infinity],
    },
  },
  string: {
    base: "string",
    accepts: ["", "a", a(256), "😀".repeat(256), "two\nlines"],
    rejects: {
      "Not a valid string.": [5, true, [], ["a"], {}],
      "Max length 256. Your text 257": [a(257), "😀".repeat(257)],
    },
  },
  password: {
    base: "string",
    accepts: ["", "a", a(256)],
    rejects: { "Not a valid string.": [5, []], "Max length 256": [a(257)] },
  },
  boolean: {
    base: "boolean",
    accepts: [
      ...[true, false, 1, 0, 1.0, 0.0],
      ...["t", "T", "true", "True", "TRUE", "on", "On", "ON", "y", "Y", "yes", "Yes", "YES", "1"],
      ...["f", "F", "false", "False", "FALSE", "off", "Off", "OFF", "n", "N", "no", "No", "NO", "0"],
    ],
    rejects: {
      "Not a valid boolean.": [2, 3, "tRue", "oN", "yEs", "maybe", "", " true", "1.0", [], [1], {}],
    },
  },
  float: {
    base: "decimal",
    accepts: [1, 1.5, "1.5", " 1.5 ", "1e3", "1E+2", "1_0", "0.1", "1.50", "-0", "+1", ".5", "5.", 1e30],
    rejects: {
      "Not a valid number.": ["abc", "", "1__0", "0x1", "1,5", ".", "e3", true, false, [], [1.5], {}],
      [SPECIAL]: ["nan", "inf", "-inf", "Infinity", "+nan", "1e999", Number.NaN, Infinity],
    },
  },
  list: {
    base: "list",
    accepts: [[], ["a"], [1], ["a", 1], [true], [""], [a(1000)]],
    rejects: {
      "Not a valid list.": ["a", "", 5, true, {}],
      "Item not valid in list": [[1.5], [[1]], [{}], ["a", 1.5]],
      [NULL]: [[null], [1, null]],
    },
  },
  domains: {
    base: "list",
    accepts: [
      ...[[], ["a.com"], ["a_b.com"], ["A.COM"], ["xn--bcher-kva.example"], ["bücher.example"], ["a.é"]],
      ...[
        ["a.xn--p1ai"],
        [`${a(63)}.com`],
        ["a.b-c"],
        ["a.123abc"],
        ["a.b_c"],
        ["a.b_c.com"],
        [`x.${a(63)}`],
      ],
    ],
    rejects: {
      "Not a valid list.": ["a.com", 5, {}],
      "Item not a valid domain in list": [
        ...[
          ["http://a.com"],
          ["localhost"],
          [5],
          ["a"],
          ["a.b"],
          ["a.c"],
          ["a.1"],
          ["1.2.3.4"],
          ["a..com"],
          [""],
        ],
        ...[["-a.com"], ["a-.com"], ["_a.b.com"], ["a.com."], [`${a(64)}.com`], [`x.${a(64)}`], ["a.com:80"]],
        ...[
          [" a.com"],
          ["a.com\n"],
          ["*.a.com"],
          ["a.co-"],
          ["a.com_"],
          ["a.c1"],
          ["a.com", "b"],
          ["a%62.com"],
        ],
      ],
      [NULL]: [["a.com", null]],
    },
  },
  range: {
    base: "string",
    accepts: ["1-4", "1-1", "01-04", `${"9".repeat(30)}-${"9".repeat(31)}`, [], [1, 2], [true]],
    rejects: {
      [FORMAT]: ["1", "", " 1-4", "1 - 4", "a-b", "1-4-5", "-1-4", "1-", "1–4", "1-4\n"],
      "Range has to be in ascending order": ["4-1", "10-9"],
      "Only Integers allowed in the list": [["1", 2], [1.5], ["1-4"], [null]],
      "Invalid Data Type": [5, 1.5, true, {}],
    },
  },
  ip: {
    base: "string",
    accepts: [
      "1.2.3.4",
      "0.0.0.0",
      "::1",
      "2001:DB8::1",
      "1:2:3:4:5:6:7:8",
      "::ffff:1.2.3.4",
      "fe80::1%eth0",
    ],
    rejects: {
      "Not a valid IP address.": [
        ...[
          "1.2.3.4/24",
          "::1/128",
          "a.com",
          "01.2.3.4",
          "::ffff:01.2.3.4",
          "1.2.3",
          "1.2.3.256",
          "",
          "1.2.3.4 ",
        ],
        ...["::g", "[::1]", "1::2::3", "12345::", "fe80::1%", 16909060, true, [], ["1.2.3.4"], {}],
      ],
    },
  },
  url: {
    base: "string",
    accepts: [
      ...["http://a.com", "https://a.com", "ftp://a.com", "ftps://a.com", "HTTP://A.COM", "http://a.com."],
      ...["http://localhost", "http://localhost:80/x", "http://1.2.3.4", "http://1.2.3.4:8080/a?b=c#d"],
      ...[
        "http://999.1.1.1",
        "http://[::1]",
        "http://[::1]:80/",
        "http://user:pw@a.com",
        "http://a:b:c@a.com",
      ],
      ...["http://@a.com", "http://a.com:123456", "http://a.com?x", "http://a.com/?", "http://a.com/é"],
      ...["http://a.b-c", "http://a.123", "http://a.xn--p1ai", `http://${a(63)}.com`],
    ],
    rejects: {
      "Not a valid URL.": [
        ...[
          "a.com",
          "ws://a.com",
          "mailto:a@b.com",
          "file:///etc",
          "http://a",
          "http://a.c",
          "http://a_b.com",
        ],
        ...["http://a.com/a b", "http://a b.com", "http://us er@a.com", " http://a.com", "http://a.com\n"],
        ...[
          "http://a.com/\n",
          "http://a..com",
          "http://-a.com",
          "http://a-.com",
          "",
          "http://",
          "http:///a.com",
        ],
        ...["http://a.com:", "http://a.com#x", "http://a.com?", "http://localhost.", "http://localhostx"],
        ...["http://1.2.3", "http://[zz]", "http://[::1", "http://[1.2.3.4]", "http://[fe80::1%25eth0]"],
        ...["http://bücher.example", "http://a.co_m", `http://${a(64)}.com`, "http://a/b@a.com", 5, [], {}],
        "http://1.2.3.4.",
      ],
    },
  },
};

for (const type of PARAMETER_TYPES) {
  const { base, accepts, rejects } = TABLE[type];

  test(`problemOf() finds nothing wrong with any ${type} that Faraday takes`, () => {
    for (const value of accepts) assert.equal(problemOf(type, value), undefined, JSON.stringify(value));
  });

  test(`problemOf() says in Faraday's words what is wrong with any ${type} that it rejects`, () => {
    const all = { ...rejects, [NULL]: [...(rejects[NULL] ?? []), null, undefined] };
    for (const [problem, values] of Object.entries(all)) {
      for (const value of values) assert.equal(problemOf(type, value), problem, JSON.stringify(value));
    }
  });

  test(`baseOf() knows what ${type} is on Faraday's web page`, () => {
    assert.equal(baseOf(type), base);
  });
}

test("problemOf() needs no time to speak of for numbers of a hundred thousand digits", () => {
  const digits = "1".repeat(100_000);
  const startedAt = performance.now();
  assert.equal(problemOf("float", `${digits}x`), "Not a valid number.");
  assert.equal(problemOf("range", `0${digits}-${digits}`), undefined);
  assert.equal(problemOf("range", `${digits}2-${digits}1`), "Range has to be in ascending order");
  assert.equal(problemOf("range", `${digits}-99`), "Range has to be in ascending order");
  assert.ok(performance.now() - startedAt < 1000);
});

test("PARAMETER_TYPES are those of the table, and isParameterType() knows no others", () => {
  assert.deepEqual([...PARAMETER_TYPES].sort(), Object.keys(TABLE).sort());
  assert.ok(isParameterType("list"));
  for (const word of ["List", "", "constructor", "toString"]) assert.ok(!isParameterType(word), word);
});

test("valueOfText() makes of a text what a person means by it", () => {
  const meant: readonly (readonly [ParameterType, string, unknown])[] = [
    ["list", "a", ["a"]],
    ["list", "a, b,c", ["a", "b", "c"]],
    ["list", "", []],
    ["list", "a,", ["a", ""]],
    ["list", '["a,b", 1]', ["a,b", 1]],
    ["list", '["a', '["a'],
    ["list", "[]", []],
    ["domains", "a.com,b.com", ["a.com", "b.com"]],
    ["domains", '["a.com"]', ["a.com"]],
    ["range", "[1, 2]", [1, 2]],
    ["range", "1-4", "1-4"],
    ["boolean", "yes", true],
    ["boolean", "OFF", false],
    ["boolean", "0", false],
    ["boolean", "maybe", "maybe"],
    ["integer", "007", "007"],
    ["float", "1.50", "1.50"],
    ["string", "[1]", "[1]"],
    ["string", "true", "true"],
    ["ip", "::1", "::1"],
  ];
  for (const [type, text, value] of meant)
    assert.deepEqual(valueOfText(type, text), value, `${type} ${text}`);
});
